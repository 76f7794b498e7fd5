"""Winners as a suite."""

from saddlebench.bench.build import parameters_of
from saddlebench.bench.suites.load import load
from saddlebench.bench.tuning.winners import Winner, write_winners

XY = {"bilinear": {"matrix": [[1.0]]}}


def winner(optimizer="extragradient", game=XY, given=None, settings=None, **parameters):
    return Winner(game, optimizer, parameters, given or {}, settings or {"steps": 20})


def test_the_suite_builds_the_winner_and_the_defaults_on_their_tracks(tmp_path):
    given = {"rule": {"adam": {"betas": [0.5, 1e-07], "epsilon": 1e-08}}}
    path = write_winners(tmp_path, "tuned", "a command", [3, 4], [winner(given=given, step_size=0.7071, **given)])
    cells = load(path).cells()
    assert [(cell.seed, cell.pairing.track, cell.pairing.optimizer.step_size) for cell in cells] == [
        (3, "tuned", 0.7071),
        (4, "tuned", 0.7071),
        (3, "defaults", 0.1),
        (4, "defaults", 0.1),
    ]
    assert {tuple(parameters_of(cell.pairing.optimizer)["rule"]["adam"]["betas"]) for cell in cells} == {(0.5, 1e-07)}
    assert path.read_text().startswith("# The last of these were found by: a command\n")


def test_a_newer_winner_replaces_its_own_blocks_alone(tmp_path):
    write_winners(tmp_path, "tuned", "one", [0], [winner(step_size=0.5), winner("heavy-ball", step_size=0.25)])
    path = write_winners(tmp_path, "tuned", "two", [0], [winner(step_size=0.75), winner(game="bilinear", step_size=0.1)])
    tuned = [cell.pairing for cell in load(path).cells() if cell.pairing.track == "tuned"]
    found = [(pairing.optimizer.name, pairing.optimizer.step_size, pairing.game.matrix is None) for pairing in tuned]
    assert found == [("heavy-ball", 0.25, False), ("extragradient", 0.75, False), ("extragradient", 0.1, True)]


def test_paths_and_unusual_keys_are_quoted(tmp_path):
    (tmp_path / "my own.py").write_text(
        "from saddlebench.optimizers.extragradient import Extragradient\nclass Mine(Extragradient):\n    name = 'mine'\n"
    )
    spec = str(tmp_path / "my own.py") + ":Mine"
    path = write_winners(tmp_path, "tuned", "x", [0], [winner(spec, step_size=0.5, fresh_sample=True)])
    assert [cell.pairing.optimizer.step_size for cell in load(path).cells()] == [0.5, 0.1]
