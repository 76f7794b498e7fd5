import pytest

TINY = ("--game", "bilinear", "--optimizer", "extragradient", "--optimizer", "adam", "--steps", "20", "--out", "there")


def test_a_figure_is_drawn_and_its_path_printed(cli, tmp_path):
    cli("run", *TINY)
    said = cli("plot", "convergence", "there", "--game", "bilinear")
    assert (said.code, said.out) == (0, f"{tmp_path}/there/figures/convergence-bilinear-distance.svg\n")
    drawn = (tmp_path / "there/figures/convergence-bilinear-distance.svg").read_text()
    assert ">extragradient<" in drawn
    assert ">adam<" in drawn
    assert cli("plot", "convergence", "there", "--game", "bilinear", "--optimizer", "adam", "--out", "one.svg").code == 0
    assert ">extragradient<" not in (tmp_path / "one.svg").read_text()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--game", "bilinaer"], "did you mean 'bilinear'?"),
        (["--game", "bilinear", "--optimizer", "adm"], "did you mean 'adam'?"),
        (["--game", "bilinear", "--measure", "distanse"], "did you mean 'distance'?"),
        (["--game", "bilinear", "--out", "figure.doc"], "the name must end in .svg, .pdf, .png"),
        (["--game", "bilinear", "--out", "there/runs.parquet/x.svg"], "cannot write the figure"),
        ([], "missing option '--game'"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(cli, tmp_path, more, message):
    cli("run", *TINY)
    said = cli("plot", "convergence", "there", *more)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert not (tmp_path / "there/figures").exists()
