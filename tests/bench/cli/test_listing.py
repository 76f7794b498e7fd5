import csv
import io
import json

import pytest


@pytest.mark.parametrize("kind", ["games", "optimizers", "rules"])
def test_list_tells_what_the_catalogues_hold(cli, kind):
    from saddlebench.games import GAMES
    from saddlebench.optimizers import OPTIMIZERS
    from saddlebench.optimizers.rules import RULES

    names = list({"games": GAMES, "optimizers": OPTIMIZERS, "rules": RULES}[kind])
    said = cli("list", kind)
    assert [row["name"] for row in said.rows()] == names
    assert "\x1b" not in said.out
    listed = json.loads(cli("list", kind, "--format", "json").out)
    assert [entry["name"] for entry in listed] == names
    table = list(csv.DictReader(io.StringIO(cli("list", kind, "--format", "csv").out)))
    assert [row["paper"] for row in table] == [entry["paper"] for entry in listed]


def test_list_tells_the_parameters_of_one(cli):
    said = cli("list", "optimizers", "extragradient")
    assert said.rows()[0] == {"parameter": "step_size", "default": "0.1", "type": "Positive", "meaning": "η"}
    assert "Korpelevich" in said.err
    missing = cli("list", "optimizers", "extragradeint")
    assert (missing.code, missing.err.count("\n")) == (2, 1)
    assert "did you mean 'extragradient'" in missing.err


def test_list_shows_a_suite_file(cli):
    assert [row["name"] for row in cli("list", "suites").rows()] == sorted(row["name"] for row in cli("list", "suites").rows())
    assert "[[cross]]" in cli("list", "suites", "quick").out
