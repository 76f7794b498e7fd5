def test_spectra_in_the_complex_plane(cli, tmp_path):
    points = ("--spectrum", "equilibrium", "--spectrum", "0", "--spectrum", "final")
    cli(
        "run",
        "--game",
        "forsaken",
        "--optimizer",
        "extragradient",
        "--optimizer",
        "adam",
        "--steps",
        "20",
        "--out",
        "there",
        *points,
    )
    said = cli("plot", "spectrum", "there", "--game", "forsaken")
    assert (said.code, said.out) == (0, f"{tmp_path}/there/figures/spectrum-forsaken.svg\n")
    drawn = (tmp_path / "there/figures/spectrum-forsaken.svg").read_text()
    for text in (">extragradient<", ">adam<", ">step 0<", ">step 20<", ">equilibrium<", "eigenvalues of the step"):
        assert text in drawn
    said = cli("plot", "spectrum", "there", "--game", "forsaken", "--optimizer", "adam", "--of", "game", "-o", "one.svg")
    drawn = (tmp_path / "one.svg").read_text()
    assert "Jacobian" in drawn
    assert ">extragradient<" not in drawn


def test_results_without_spectra_say_how_to_get_them(cli, tmp_path):
    cli("run", "--game", "bilinear", "--optimizer", "adam", "--steps", "20", "--out", "there")
    said = cli("plot", "spectrum", "there", "--game", "bilinear")
    assert (said.code, said.out) == (2, "")
    assert "no spectrum of any optimizer on bilinear to draw: run it with --spectrum equilibrium" in said.err
    assert "did you mean 'bilinear'" in cli("plot", "spectrum", "there", "--game", "bilinaer").err
    assert not (tmp_path / "there/figures").exists()
