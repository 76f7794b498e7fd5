"""`saddlebench report`, and its commands parsed back by the command line into the cells that they stand for."""

import shlex
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from saddlebench.bench.build import build_all
from saddlebench.bench.cells import cross
from saddlebench.bench.cli import running
from saddlebench.bench.cli.defaults import catalogue_defaults
from saddlebench.bench.rows import identity_row
from saddlebench.bench.settings import Settings
from saddlebench.bench.suites.load import find
from saddlebench.results.report.commands import command, missing

CONTEXT = SimpleNamespace(
    commit="c", dirty=None, dtype="float64", device="cpu", machine="m", torch_version="2", driver=None, threads=1
)


def rows_of(cells):
    return [identity_row(cell, CONTEXT, "k", datetime.now(UTC)) for cell in cells]


@pytest.fixture
def parsed(cli, monkeypatch):
    """A function: a command → the request that the command line makes of it and the keys of its cells."""
    seen = []
    monkeypatch.setattr(running, "execute", lambda request: seen.append(request) or 0)

    def parse(text):
        program, *arguments = shlex.split(text)
        said = cli(*arguments)
        assert (program, said.code, said.err) == ("saddlebench", 0, "")
        return seen[-1], {cell.key for cell in running.planned(seen[-1]).cells}

    return parse


@pytest.mark.parametrize("suite", ["quick", "ring", "negative-momentum"])
def test_the_commands_of_a_suite_give_its_cells(parsed, suite):
    groups = {}
    for cell in find(suite).cells():
        groups.setdefault(id(cell.pairing), []).append(cell)
    for cells in list(groups.values())[:: max(1, len(groups) // 40)]:
        rows = rows_of(cells)
        request, keys = parsed(command(rows[0], [row["seed"] for row in rows], catalogue_defaults()))
        assert keys == {cell.key for cell in cells}
        assert (request.dtype, request.device) == ("float64", "cpu")


@pytest.mark.parametrize(
    ("game", "optimizer", "seeds", "settings"),
    [
        ("bilinear", "extragradient", [5], {"steps": 7, "checkpoints": [3]}),
        (
            "bilinear",
            "extragradient",
            [3, 1, 9],
            {"cost": 250.0, "checkpoints": [0, 9], "spectrum": ["equilibrium", 3, "final"]},
        ),
        ({"bilinear": {"matrix": [[1.0, -2.0]]}}, {"adam": {"step_size": [1e-3, 2e-4]}}, [0], {"seconds": 0.25, "timing": True}),
        (
            "quadratic",
            {"lookahead-minmax": {"inner_steps": 3, "base": {"adam": {"betas": [0.0, 0.9]}}}},
            [0, 1],
            {"steps": 10, "converged": 1e-8, "watched": 17, "cycling": 0.125},
        ),
        ("dirac-gan", {"alternating-gradient": {"rule": {"torch.optim.SGD": {"momentum": 0.5}}}}, [0], {"steps": 5}),
        ("dirac-gan", {"consensus": {"rule": {"adam": {"betas": [0.5, 0.9]}}, "gamma": 3}}, [0], {"steps": 5}),
    ],
)
def test_parameters_seeds_and_settings_come_back(parsed, game, optimizer, seeds, settings):
    cells = cross(build_all("game", game), build_all("optimizer", optimizer), seeds, Settings.of(**settings))
    text = command(rows_of(cells)[0], seeds, catalogue_defaults())
    assert parsed(text)[1] == {cell.key for cell in cells}


def test_a_command_names_what_differs_and_nothing_else():
    cells = cross(
        build_all("game", "bilinear"), build_all("optimizer", {"extragradient": {"step_size": 0.2}}), [0, 1], Settings.of(steps=9)
    )
    assert command(rows_of(cells)[0], [1, 0], catalogue_defaults()) == (
        "saddlebench run --game bilinear --optimizer extragradient --set optimizer.step_size=0.2 --seeds 2 --steps 9"
        " --dtype float64 --device cpu"
    )


def test_a_file_s_class_is_asked_for_by_its_hash(parsed, tmp_path):
    source = "from dataclasses import dataclass\nfrom saddlebench.games.bilinear import Bilinear\n\n"
    source += "@dataclass(frozen=True)\nclass Mine(Bilinear):\n    name = ''\n"
    (tmp_path / "FILE.py").write_text(source)
    cells = cross(build_all("game", f"{tmp_path}/FILE.py:Mine"), build_all("optimizer", "extragradient"), [0], Settings.of(steps=3))
    (row,) = rows_of(cells)
    text = command(row, [0], catalogue_defaults())
    assert "--game ./FILE.py:Mine" in text
    assert missing(row) == [f"needs the file that defines Mine or a part of it (hash {row['game_source']})"]
    assert parsed(text)[1] == {cells[0].key}  # the file lies where the command says


def test_report_writes_one_page(cli, tmp_path):
    asked = ("--game", "bilinear", "--optimizer", "extragradient", "--optimizer", "adam", "--steps", 20, "--seeds", 2)
    cli("run", *asked, "--spectrum", "equilibrium", "--out", "there")
    said = cli("report", "there")
    assert (said.code, said.out) == (0, f"{tmp_path / 'there' / 'report.html'}\n")
    said = cli("report", "there", "-o", "deep/page.html", "--title", "Night & day")
    assert said.out == f"{tmp_path / 'deep' / 'page.html'}\n"
    text = (tmp_path / "deep" / "page.html").read_text()
    assert "<title>Night &amp; day · saddlebench</title>" in text
    assert "extragradient" in text


@pytest.mark.parametrize(("arguments", "why"), [(("nothing",), "nothing"), (("there", "-o", "page.pdf"), "must end in .html")])
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, arguments, why):
    said = cli("report", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert why in said.err
    assert not list(tmp_path.glob("**/*.*"))
