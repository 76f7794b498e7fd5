"""Convergence figures from tables made here."""

import pytest

from saddlebench.errors import InputError
from saddlebench.results.figures.convergence import convergence
from saddlebench.results.figures.style import line_styles
from saddlebench.results.store import read


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    import saddlebench

    out = tmp_path_factory.mktemp("figures") / "runs"
    saddlebench.run(games="bilinear", optimizers=["extragradient", "alternating-gradient"], seeds=3, steps=60, out=out)
    return read(out)


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_a_figure_is_written_in_the_format_of_its_suffix(tables, tmp_path, suffix):
    path = convergence(tables, tmp_path / "deep" / f"figure.{suffix}", "bilinear")
    head = path.read_bytes()[:200]
    assert {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[suffix] in head


def test_the_same_tables_give_the_same_file_and_name_every_optimizer(tables, tmp_path):
    first, second = (convergence(tables, tmp_path / f"{k}.svg", "bilinear").read_text() for k in range(2))
    assert first == second
    assert "extragradient" in first
    assert "alternating-gradient" in first
    assert (
        "alternating-gradient"
        not in convergence(tables, tmp_path / "one.svg", "bilinear", optimizers=("extragradient",)).read_text()
    )


@pytest.mark.parametrize(("game", "measure"), [("dirac-gan", "distance"), ("bilinear", "fd_lenet")])
def test_nothing_to_draw_is_bad_input(tables, tmp_path, game, measure):
    with pytest.raises(InputError, match="to draw"):
        convergence(tables, tmp_path / "f.svg", game, measure)
    assert not list(tmp_path.iterdir())


def test_no_two_of_many_lines_look_the_same():
    styles = line_styles([str(k) for k in range(30)])
    assert len({(s["color"], str(s["dashes"])) for s in styles.values()}) == 30
