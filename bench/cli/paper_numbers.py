"""A paper's numbers, printed beside measured ones of the same measure and protocol."""

import json
import shlex
from typing import Any

from saddlebench.bench.cli.output import PaperFormat, counted, print_table, say
from saddlebench.bench.cli.places import find_results, results_root
from saddlebench.bench.suites.load import FOLDER
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.papers import Match, Paper
from saddlebench.results.papers.matching import match_of, measured
from saddlebench.results.store import Tables, read

_COMMANDS = 3  # told in full
_SHOWN = ["row", "column", "measure", "published", "measured", "status", "source", "remark"]
_ALL = [
    *("row", "column", "measure", "value", "std", "status", "measured", "measured_std", "n", "remark", "command"),
    *("n_seeds", "n_real", "n_fake", "ref_split", "extractor", "resizer", "which_ckpt", "protocol", "source", "verified"),
]


def print_numbers(chosen: Paper, path: str | None, form: PaperFormat) -> None:
    """Print the table, and what would fill it.

    Raises:
        InputError: no results at the path.
    """
    tables = _tables(chosen, path)
    suite = _suite(chosen)
    rows: list[dict[str, Any]] = []
    missing: dict[str, None] = {}
    absent: dict[str, None] = {}
    for one in chosen.published():
        found = measured(one, chosen.matches, tables.runs, tables.trace)
        row = {**vars(one), "status": found.status, "measured": found.value, "measured_std": found.std, "n": found.n}
        row["remark"] = found.remark
        match = match_of(chosen.matches, one)
        if found.status == "not run" and match is not None:
            if lacking := _lacking(match):
                row["remark"] = f"needs {lacking}, which this version lacks"
                absent[lacking] = None
            else:
                row["command"] = f"saddlebench run {suite}" if suite else _command(chosen, match)
                missing[row["command"]] = None
        rows.append(row)
    if form in (PaperFormat.csv, PaperFormat.json):
        print_table(rows, _ALL, form)
        return
    shown = [_as_printed(row) for row in rows]
    print_table(shown, [c for c in _SHOWN if any(row.get(c) is not None for row in shown)], form)
    say(f"{chosen.title}; protocols and how each number was verified: --format csv")
    _say_missing(rows, missing, absent)
    if chosen.name == "logan":
        _say_gains(rows)


def _as_printed(row: dict[str, Any]) -> dict[str, Any]:
    """A row for reading: numbers with their deviations and all published digits; what every row would repeat is said below."""
    published = None
    if row["value"] is not None:
        places = max(len(str(number).partition(".")[2]) for number in (row["value"], row["std"]) if number is not None)
        published = f"{row['value']:.{places}f}" + (f" ± {row['std']:.{places}f}" if row["std"] is not None else "")
    measured = None
    if row["measured"] is not None:
        spread = f" ± {row['measured_std']:.2f}" if row["measured_std"] is not None else ""
        measured = f"{row['measured']:.2f}{spread} (n = {row['n']})"
    remark = None if row["status"] in ("not run", "not verified") else row["remark"]
    return {**row, "published": published, "measured": measured, "remark": remark}


def _tables(chosen: Paper, path: str | None) -> Tables:
    """The results at `path`; without one, those of the paper's suite or of its own directory, or none."""
    folder = find_results(path) if path is not None else results_root() / (_suite(chosen) or f"paper-{chosen.name}")
    return read(folder, ("runs", "trace")) if path is not None or folder.exists() else Tables.empty()


def _suite(chosen: Paper) -> str | None:
    """The suite that fills the paper's columns, where one is shipped."""
    name = chosen.suite or f"paper-{chosen.name}"
    return name if (FOLDER / f"{name}.toml").is_file() else None


def _lacking(match: Match) -> str | None:
    """The game or the optimizer of a match that the catalogues do not have."""
    if match.game not in GAMES:
        return f"the game {match.game}"
    return None if match.optimizer in OPTIMIZERS else f"the optimizer {match.optimizer}"


def _command(chosen: Paper, match: Match) -> str:
    """The command that runs a match's cells into the directory where `saddlebench paper NAME` looks for them."""
    words = ["saddlebench", "run"]
    for kind, name, parameters in (
        ("--game", match.game, match.game_parameters),
        ("--optimizer", match.optimizer, match.optimizer_parameters),
    ):
        words += [kind, json.dumps({name: dict(parameters)}) if parameters else name]
    words += ["--steps", str(match.steps)] if match.steps else []
    out = results_root() / f"paper-{chosen.name}"
    return shlex.join([*words, "--seeds", "5", "--out", str(out)])


def _say_missing(rows: list[dict[str, Any]], missing: dict[str, None], absent: dict[str, None]) -> None:
    unrun = sum(row["status"] == "not run" for row in rows)
    if unrun:
        say(f"not run: {unrun} of {counted(len(rows), 'number')}")
    for lacking in absent:
        say(f"  needs {lacking}, which this version lacks")
    for command in list(missing)[:_COMMANDS]:
        say(f"  {command}")
    if len(missing) > _COMMANDS:
        say(f"  and {len(missing) - _COMMANDS} more: column command of --format csv")
    unverified = sum(row["status"] == "not verified" for row in rows)
    if unverified:
        say(f"not verified: {counted(unverified, 'number')} left blank, which no copy at hand shows")


def _say_gains(rows: list[dict[str, Any]]) -> None:
    """The paper's headline, from its own table: gains over its baseline, not over BigGAN-deep."""
    values = {(row["row"], row["measure"]): row["value"] for row in rows if row["column"] == "no truncation"}
    score, distance = (values["LOGAN (NGD)", measure] / values["baseline", measure] - 1 for measure in ("inception_score", "fid"))
    gains = f"{100 * score:+.1f} % IS, {100 * distance:+.1f} % FID"
    say(f"the headline of 17 % IS and 32 % FID is over the paper's own baseline: its table gives {gains}")
