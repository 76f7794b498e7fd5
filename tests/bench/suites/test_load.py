import pytest

from saddlebench.bench.build import name_of
from saddlebench.bench.suites.load import find, load, shipped
from saddlebench.errors import InputError

NIGHT = """
name = "night"
description = "what runs at night"
seeds = 2
steps = 30
dtype = "float32"
timeout = 60

[[cross]]
games = ["bilinear", { quadratic = { p = [[0.5]] } }]
optimizers = [{ extragradient = { step_size = { sweep = [0.05, 0.1] } } }, "consensus"]

[[cross]]
games = ["bilinear"]
optimizers = ["extragradient"]
seeds = [1, 7]
converged = 1e-3

[[cross]]
games = ["bilinear"]
optimizers = ["consensus"]
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "night.toml"
        path.write_text(text)
        return path

    return written


def test_every_block_is_crossed_with_its_own_seeds_and_settings(write):
    suite = load(write(NIGHT))
    assert (suite.name, suite.description, suite.dtype, suite.timeout) == ("night", "what runs at night", "float32", 60)
    cells = suite.cells()
    pairs = [(name_of(c.pairing.game), name_of(c.pairing.optimizer), c.seed, c.pairing.settings.converged) for c in cells]
    first = [
        (game, optimizer, seed, 1e-6)
        for game in ("bilinear", "quadratic")
        for optimizer in ("extragradient", "extragradient", "consensus")
        for seed in (0, 1)
    ]
    second = [("bilinear", "extragradient", seed, 1e-3) for seed in (1, 7)]
    assert pairs == first + second  # the third block's cells are the first's already
    assert {c.pairing.settings.steps for c in cells} == {30}
    assert {c.pairing.suite for c in cells} == {"night"}
    assert [vars(c.pairing.optimizer)["step_size"] for c in cells[:4]] == [0.05, 0.05, 0.1, 0.1]


def test_a_track_is_carried_and_is_no_part_of_a_cell_s_identity(write):
    plain, tuned = (load(write(NIGHT.replace("converged = 1e-3", line))).cells() for line in ("", 'track = "tuned"'))
    assert {c.seed: c.pairing.track for c in tuned if c.seed == 7} == {7: "tuned"}
    assert {c.pairing.track for c in plain} == {"defaults"}
    assert [c.key for c in plain] == [c.key for c in tuned]


def test_what_is_given_besides_stands_over_the_file(write):
    cells = load(write(NIGHT)).cells([5], {"steps": 7})
    assert {(c.seed, c.pairing.settings.steps) for c in cells} == {(5, 7)}


def test_files_lie_beside_the_suite(write, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from saddlebench.optimizers.optimizer import Optimizer\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Optimizer):\n"
        "    name = 'mine'\n"
        "    a: float = 1.0\n"
        "    def step(self, oracle, w, state):\n"
        "        return w, state\n"
    )
    path = write('[[cross]]\ngames = ["bilinear"]\noptimizers = ["./mine.py:Mine", { "mine.py:Mine" = { a = 2.0 } }]\nseeds = 1\n')
    monkeypatch.chdir("/")
    assert [vars(c.pairing.optimizer)["a"] for c in load(path).cells()] == [1.0, 2.0]


def test_a_name_is_the_file_s_where_none_is_given(write):
    assert load(write('[[cross]]\ngames = ["bilinear"]\noptimizers = ["adam"]\n')).name == "night"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 2", "seedz = 2", "night.toml: unknown key 'seedz': did you mean 'seeds'?"),
        ("seeds = 2", 'seeds = "two"', "night.toml: cross 1: seeds = 'two' must be"),
        ("seeds = [1, 7]", "seeds = [1, 1]", "night.toml: cross 2: seeds = [1, 1]: a seed is given twice"),
        ("steps = 30", "steps = 0", "night.toml: steps = 0: a budget must be positive"),
        ("steps = 30", 'steps = "many"', "night.toml: setting steps = 'many' must be a whole number"),
        ("converged = 1e-3", "converged = -1.0", "night.toml: cross 2: converged = -1.0"),
        ("timeout = 60", "timeout = -1", "night.toml: timeout = -1 must be"),
        ('dtype = "float32"', 'dtype = "float16"', "night.toml: dtype = 'float16'"),
        ('name = "night"', 'name = "a/b"', "night.toml: name = 'a/b' must be a text that can name a directory"),
        ('games = ["bilinear"]', "games = []", "night.toml: cross 2: games must be a list of names"),
        ('games = ["bilinear"]', 'game = ["bilinear"]', "night.toml: cross 2: unknown key 'game': did you mean 'games'?"),
        ("[[cross]]", "[cross]", "night.toml is no TOML"),
        ("seeds = 2", "seeds = ", "night.toml is no TOML"),
        (NIGHT, "seeds = 2", "night.toml: a suite needs at least one [[cross]]"),
        ("converged = 1e-3", 'track = "tunned"', "night.toml: cross 2: unknown track 'tunned': did you mean 'tuned'"),
        (NIGHT, "cross = 3", "night.toml: a suite needs at least one [[cross]]"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(write, old, new, message):
    assert old in NIGHT
    with pytest.raises(InputError) as refused:
        load(write(NIGHT.replace(old, new)))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"consensus"]\n\n',
            '"consensvs"]\n\n',
            "night.toml: cross 1: optimizers: unknown optimizer 'consensvs': did you mean 'consensus'",
        ),
        ("p = [[0.5]]", "pp = [[0.5]]", "night.toml: cross 1: games: unknown parameter of game quadratic: 'pp'"),
        ("sweep = [0.05, 0.1]", "sweep = 0.1", "night.toml: cross 1: optimizers: step_size: a sweep is a list"),
    ],
)
def test_what_building_finds_wrong_is_named_with_the_block(write, old, new, message):
    assert old in NIGHT
    suite = load(write(NIGHT.replace(old, new)))
    with pytest.raises(InputError) as refused:
        suite.cells()
    assert message in str(refused.value)


def test_suites_are_found_by_name_and_by_path(write):
    assert [find(suite.name).path for suite in shipped()] == [suite.path for suite in shipped()]
    assert find(str(write(NIGHT))).name == "night"
    with pytest.raises(InputError, match="unknown suite 'quik': did you mean 'quick'"):
        find("quik")


@pytest.mark.parametrize("suite", shipped(), ids=lambda suite: suite.name)
def test_every_shipped_suite_builds(suite):
    assert suite.name == suite.path.stem
    assert suite.description
    assert suite.cells(ready=False)
