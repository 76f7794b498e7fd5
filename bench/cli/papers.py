"""`saddlebench paper`: the papers there are, or the published numbers of one beside measured ones."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddlebench.bench.cli.forms import PaperFormatOption, argument, examples
from saddlebench.bench.cli.output import PaperFormat, Row, counted, emit, print_table, say, starting
from saddlebench.bench.cli.places import find_results, results_root

if TYPE_CHECKING:
    from saddlebench.results.papers import Match, Paper
    from saddlebench.results.store import Tables

_EXAMPLES = examples(
    "saddlebench paper                             the papers there are",
    "saddlebench paper negative-momentum           six rows, measured in seconds beside the published ones",
    "saddlebench paper logan results/runs/night --format latex",
)
_WHOLE = (PaperFormat.csv, PaperFormat.json)
_COMMANDS = 3  # told in full
_SHOWN = ["row", "column", "measure", "published", "measured", "status", "source", "remark"]
_ALL = [
    "row",
    "column",
    "measure",
    "value",
    "std",
    "status",
    "measured",
    "measured_std",
    "n",
    "remark",
    "n_seeds",
    "n_real",
    "n_fake",
] + ["ref_split", "extractor", "resizer", "which_ckpt", "protocol", "source", "verified", "command"]
_MARKS = ["method", "momentum", "published_bounded", "bounded", "published_converges", "converges", "agrees"]
_COUNTS = ["method", "momentum", "range", "pairs", "bounded_pairs", "converging_pairs", "radii", "rates", "outside"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("paper", epilog=_EXAMPLES)(paper)


def paper(
    name: Annotated[str | None, argument("A paper. Left out: the papers there are.")] = None,
    path: Annotated[
        str | None,
        argument("A directory of results, or its name. Default: the paper's own; negative-momentum's is filled."),
    ] = None,
    form: PaperFormatOption = PaperFormat.table,
) -> None:
    """Print a paper's published numbers beside measured ones, with sources and protocols.

    What no cell has measured is named with the command that would. A published FID stands only beside a measured `fid` of the same
    protocol, never beside a distance of other features (fd_lenet, fd_lite0_pca64).
    """
    from saddlebench.results.papers import find

    if name is None:
        _list(form)
        return
    chosen = find(name)
    (_print_claims if chosen.claims else _print_numbers)(chosen, path, form)


def _list(form: PaperFormat) -> None:
    from saddlebench.results.papers import PAPERS
    from saddlebench.results.papers.published import claims

    rows = []
    for one in PAPERS.values():
        count = len(claims(one.files[0])) if one.claims else sum(row.value is not None for row in one.published())
        rows.append({"name": one.name, "title": one.title, "published": count})
    print_table(rows, ["name", "title", "published"], form)
    if form is PaperFormat.table:
        say("one of them: saddlebench paper NAME")


def _print_claims(chosen: "Paper", path: str | None, form: PaperFormat) -> None:
    """The table of negative momentum; without a path, its suite is run where cells are missing."""
    assert chosen.suite is not None, "a paper of marks names the suite that measures them"
    if path is None:
        with starting():
            from saddlebench.bench.cli.filling import fill
        folder = fill(chosen.suite)
    else:
        folder = find_results(path)
    from saddlebench.results.papers.negative_momentum import rate_remarks, table
    from saddlebench.results.papers.published import claims
    from saddlebench.results.store import read

    tables = read(folder, ("runs", "spectrum"))
    rows = table(claims(chosen.files[0]), tables.runs, tables.spectrum)
    shown: list[Row] = [_claim(row) for row in rows]
    if form in _WHOLE:
        print_table(shown, list(shown[0]), form)
        return
    print_table(shown, _MARKS, form)
    emit("")
    print_table([{**one, **_spans(row)} for one, row in zip(shown, rows, strict=True)], _COUNTS, form)
    say(f"\n{chosen.title}\nsource: {rows[0].claim.source}; {rows[0].claim.verified}")
    if any(row.agrees is None for row in rows):
        say(
            f"not run: what is blank is filled by `saddlebench run {chosen.suite}` or, without a path, `saddlebench paper {chosen.name}`"
        )
    say(_RULE)
    contradicted = sum(pair.contradicted for row in rows for pair in (*row.inside, *row.outside))
    say(f"{counted(contradicted, 'pair')} in which a trajectory contradicts its spectrum")
    remarks = rate_remarks(rows)
    if remarks:
        say(
            "Theorem 6 is quoted with the rate max(1/2, 1 − η²σ_min²/16) of the squared distance for η ≤ 1/σ_max (statement not verified);"
        )
        say("at η = 1/σ_max " + "; ".join(remarks))


_RULE = """yes: every pair (step size, momentum, game) of the range; no: none of them; blank: some
bounded: spectral radius at most 1 + 1e-9, eigenvalues on the unit circle simple (where some coincide, the trajectory decides)
converges: spectral radius below 1 − 1e-9 and every trajectory shrinks; radii and rates are the lowest and highest of the range"""


def _claim(row: Any) -> dict[str, Any]:
    inside, outside = row.inside, row.outside
    radii = [pair.radius for pair in inside]
    rates = [rate for pair in inside if pair.rates for rate in pair.rates]
    return {
        "method": row.claim.row,
        "momentum": row.claim.column,
        "published_bounded": row.claim.bounded,
        "bounded": row.bounded,
        "published_converges": row.claim.converges,
        "converges": row.converges,
        "agrees": row.agrees,
        "range": row.range.text,
        "pairs": len(inside),
        "bounded_pairs": sum(pair.bounded for pair in inside),
        "converging_pairs": sum(pair.converges for pair in inside),
        "radius_best": min(radii, default=None),
        "radius_worst": max(radii, default=None),
        "rate_best": min(rates, default=None),
        "rate_worst": max(rates, default=None),
        "contradicted_pairs": sum(pair.contradicted for pair in inside),
        "outside_pairs": len(outside),
        "outside_bounded": sum(pair.bounded for pair in outside),
        "outside_converging": sum(pair.converges for pair in outside),
        "theorem": row.claim.theorem,
        "source": row.claim.source,
        "verified": row.claim.verified,
    }


def _spans(row: Any) -> dict[str, str | None]:
    """Lowest and highest as one text each, with the digits that tell a slow divergence from 1."""
    told = _claim(row)
    spans = {
        name: f"{told[f'{one}_best']:.6f} … {told[f'{one}_worst']:.6f}" if told[f"{one}_best"] is not None else None
        for name, one in (("radii", "radius"), ("rates", "rate"))
    }
    outside = f"{told['outside_bounded']} of {told['outside_pairs']} bounded, {told['outside_converging']} converge"
    return {**spans, "outside": outside if row.outside else None}


def _print_numbers(chosen: "Paper", path: str | None, form: PaperFormat) -> None:
    from saddlebench.results.papers.matching import match_of, measured

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
    if form in _WHOLE:
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


def _tables(chosen: "Paper", path: str | None) -> "Tables":
    """The results at `path`; without one, those of the paper's own directory, or none."""
    from saddlebench.results.store import Tables, read

    folder = find_results(path) if path is not None else results_root() / f"paper-{chosen.name}"
    return read(folder, ("runs", "trace")) if path is not None or folder.exists() else Tables.empty()


def _suite(chosen: "Paper") -> str | None:
    """The suite that fills the paper's columns, where one is shipped."""
    from saddlebench.bench.suites.load import FOLDER

    name = chosen.suite or f"paper-{chosen.name}"
    return name if (FOLDER / f"{name}.toml").is_file() else None


def _lacking(match: "Match") -> str | None:
    """The game or the optimizer of a match that the catalogues do not have."""
    from saddlebench.games import GAMES
    from saddlebench.optimizers import OPTIMIZERS

    if match.game not in GAMES:
        return f"the game {match.game}"
    return None if match.optimizer in OPTIMIZERS else f"the optimizer {match.optimizer}"


def _command(chosen: "Paper", match: "Match") -> str:
    """The command that runs a match's cells into the directory where `saddlebench paper NAME` looks for them."""
    words = ["saddlebench", "run"]
    for kind, name, parameters in (
        ("--game", match.game, match.game_parameters),
        ("--optimizer", match.optimizer, match.optimizer_parameters),
    ):
        words += [kind, json.dumps({name: dict(parameters)}) if parameters else name]
    words += ["--steps", str(match.steps)] if match.steps else []
    out: Path = results_root() / f"paper-{chosen.name}"
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
    say(
        f"the headline '17 % IS, 32 % FID' is over the paper's baseline: its table gives {100 * score:+.1f} % and {100 * distance:+.1f} %"
    )
