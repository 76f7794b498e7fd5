"""Every kind of figure of runs, drawn from a small cross."""

import pytest

from saddlebench.bench.cli.plotting import KINDS

PAIRS = ("--game", "gaussian-ring", "--game", "bilinear", "--optimizer", "adam", "--optimizer", "extragradient")
DRAWN = {
    "ecdf": (["--game", "bilinear"], ["adam", "extragradient", "cost (gradients + 2 products)"]),
    "profile": (["--reference", "extragradient"], ["adam", "factor τ of the cost of extragradient"]),
    "intervals": (["--statistic", "rank", "--game", "bilinear"], ["adam", "extragradient", "mean rank"]),
    "pareto": (["--measure", "modes_covered"], ["adam", "Pareto front", "seconds of stepping"]),
    "modes": ([], ["adam", "modes covered", "step"]),
    "samples": (["--most", "1"], ["adam", "seed 0"]),
    "convergence": (["--game", "bilinear", "--over", "seconds"], ["seconds of stepping"]),
}


@pytest.fixture
def there(cli):
    cli("run", *PAIRS, "--steps", "30", "--seeds", "2", "--timing", "--out", "there")
    return "there"


def test_every_kind_draws_what_it_names(cli, there, tmp_path):
    for kind, (more, texts) in DRAWN.items():
        said = cli("plot", kind, there, *more, "-o", f"{kind}.svg")
        assert (said.code, said.out) == (0, f"{tmp_path}/{kind}.svg\n"), said.err
        drawn = (tmp_path / f"{kind}.svg").read_text()
        assert all(text in drawn for text in texts), kind
    untimed = cli("plot", "truncation", there)
    assert (untimed.code, "no truncation curve" in untimed.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ecdf", "--game", "bilinaer"], "did you mean 'bilinear'"),
        (["profile", "--reference", "adm"], "did you mean 'adam'"),
        (["intervals", "--rows", "optimiser"], "did you mean 'optimizer'"),
        (["pareto", "--measure", "mode_kl", "--game", "bilinear"], "unknown measure"),
        (["modes", "--game", "bilinear"], "no modes_covered to draw"),
        (["samples", "--game", "bilinear"], "no pictures of these runs"),
        (["convergence", "--game", "bilinear", "--over", "hours"], "hours"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(cli, there, tmp_path, arguments, message):
    kind, *more = arguments
    said = cli("plot", kind, there, *more, "-o", "none.svg")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert not (tmp_path / "none.svg").exists()


def test_every_module_of_plots_is_a_kind():
    from pathlib import Path

    folder = Path(KINDS[0].__file__).parent
    assert {Path(kind.__file__).stem for kind in KINDS} == {f.stem for f in folder.glob("*.py")} - {"__init__", "files"}
