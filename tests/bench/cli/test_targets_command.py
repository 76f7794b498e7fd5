from saddlebench.results.targets import read_targets


def test_the_levels_are_listed_a_row_a_measure(cli):
    rows = cli("targets").rows()
    assert rows[0] == {
        "game": "*",
        "parameters": "*",
        "measure": "distance",
        "direction": "lower",
        "n": "50",
        "levels": "0.759 … 1e-06",
        "source": "log-spaced fractions of the start",
    }
    assert sum(int(row["n"]) for row in rows) == len(read_targets())


def test_all_levels_come_as_csv(cli):
    assert len(cli("targets", "--format", "csv").out.splitlines()) == len(read_targets()) + 1


def test_analytic_results_pin_nothing(cli):
    cli("run", "--game", "bilinear", "--optimizer", "extragradient", "--steps", "20", "--out", "here")
    said = cli("targets", "--pin", "here")
    assert said.code == 2
    assert "here holds no runs of games that are judged by their own measures" in said.err
