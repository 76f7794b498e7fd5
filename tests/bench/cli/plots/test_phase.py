import pytest


def test_a_portrait_needs_no_results(cli, tmp_path):
    arguments = ("--game", "forsaken", "--optimizer", "simultaneous-gradient", "--optimizer", "extragradient")
    starts = ("--start", "1,0", "--start", "0.1,0.45", "--steps", "30")
    said = cli("plot", "phase", *arguments, *starts, "-o", "portrait.svg")
    assert (said.code, said.out) == (0, f"{tmp_path}/portrait.svg\n")
    drawn = (tmp_path / "portrait.svg").read_text()
    for text in ("forsaken: stable focus", ">extragradient<", ">simultaneous-gradient<", "norm of the field"):
        assert text in drawn


def test_without_a_file_it_lies_in_the_current_directory(cli, tmp_path):
    assert cli("plot", "phase", "--game", "bilinear", "--window=-1,1,-2,2").out == f"{tmp_path}/phase-bilinear.svg\n"
    assert "bilinear: centre" in (tmp_path / "phase-bilinear.svg").read_text()


def test_an_optimizer_that_does_not_apply_is_left_out(cli):
    said = cli("plot", "phase", "--game", "bilinear", "--optimizer", "fictitious-play", "--optimizer", "adam", "-o", "x.png")
    assert said.code == 0
    assert said.err.startswith("left out: fictitious-play plays simplex strategies")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--game", "four-player"], "two players with one number each"),
        (["--game", "bilinaer"], "did you mean 'bilinear'"),
        (["--game", "bilinear", "--start", "1"], "--start 1: write 2 numbers, 1,0"),
        (["--game", "bilinear", "--start", "1,nan"], "write 2 numbers"),
        (["--game", "bilinear", "--window", "1,0,0,1"], "left,right,bottom,top"),
        (["--game", "bilinear", "--optimizer", "fictitious-play"], "simplex"),
        (["--game", "bilinear", "-o", "x.doc"], "the name must end in .svg, .pdf, .png"),
        ([], "--game is missing"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(cli, tmp_path, arguments, message):
    said = cli("plot", "phase", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert not list(tmp_path.iterdir())
