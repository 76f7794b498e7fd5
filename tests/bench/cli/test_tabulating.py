import csv
import html.parser
import io
import re

import pytest

from saddlebench.bench.cli.table_choices import Statistic
from saddlebench.results.tables import STATISTICS

MANY = ("--game", "bilinear", "--game", "rock-paper-scissors", "--optimizer", "extragradient", "--optimizer", "adam")


@pytest.fixture
def there(cli):
    cli("run", *MANY, "--steps", "300", "--seeds", "6", "--out", "there")
    return "there"


def test_a_table_in_a_pipe_is_tab_separated_with_notes_beside(cli, there):
    said = cli("table", there)
    assert said.code == 0
    assert [row["optimizer"] for row in said.rows()] == ["extragradient", "adam"]
    assert said.rows()[0]["bilinear"].endswith(" *")
    assert said.rows()[1]["rock-paper-scissors"] == "–[1]"
    assert "median of final_distance, lower is better; n = 6" in said.err
    assert "[1] adam plays unconstrained or box strategies" in said.err


def test_formats_and_files(cli, there, tmp_path):
    rows = list(csv.DictReader(io.StringIO(cli("table", there, "--format", "csv").out)))
    assert [(r["optimizer"], r["game"], r["n"]) for r in rows[:2]] == [
        ("extragradient", "bilinear", "6"),
        ("extragradient", "rock-paper-scissors", "6"),
    ]
    assert float(rows[0]["low"]) <= float(rows[0]["value"]) <= float(rows[0]["high"])
    markdown = cli("table", there, "--format", "md").out
    assert re.search(r"\| extragradient \| \*\*\S+\*\* \|", markdown)
    said = cli("table", there, "-o", "deep/table.tex")
    text = (tmp_path / "deep/table.tex").read_text()
    assert said.out == f"{tmp_path}/deep/table.tex\n"
    assert all(part in text for part in (r"\toprule", r"\textbf{", "--$^{1}$"))
    assert "_" not in text.split(r"\end{tabular}")[0].replace(r"\_", "")
    assert "[" in cli("table", there, "--interval").rows()[0]["bilinear"]


def test_html_shows_hostile_names_as_text(cli, there):
    from saddlebench.bench.cli.table_formats import table_text
    from saddlebench.results.tables import Entry, Table

    evil = "<script>alert(1)</script>"
    entries = {(evil, evil): Entry(1.0, 0.5, 2.0, 7, True), (evil, "b"): Entry(reason=evil)}
    text = table_text(Table([evil], [evil, "b"], entries, evil, "game", "cost", "median", "lower", [evil]), "html", True)
    seen = []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.append(tag)
    parser.feed(text)
    assert "script" not in seen
    assert "strong" in seen


def test_every_statistic_has_a_table(cli, there):
    assert tuple(Statistic) == STATISTICS
    for statistic in STATISTICS:
        said = cli("table", there, "--statistic", statistic, "--filter", "game=bilinear")
        assert (said.code, len(said.rows())) == (0, 2), said.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--measure", "final_distanse"], "did you mean 'final_distance'"),
        (["--rows", "optimiser"], "did you mean 'optimizer'"),
        (["--filter", "game=bilinaer"], "did you mean 'bilinear'"),
        (["--track", "tuned"], "unknown track"),
        (["--statistic", "mode"], "statistic"),
        (["-o", "table.doc"], "must end in .md"),
        (["--statistic", "ert", "--measure", "cost"], "cost_to or steps_to"),
    ],
)
def test_bad_input_is_one_line(cli, there, tmp_path, more, message):
    said = cli("table", there, *more)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert message in said.err
    assert not list(tmp_path.glob("table.*"))
