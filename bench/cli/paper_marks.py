"""A paper whose rows are marks (bounded, converges), printed beside what was measured: negative momentum."""

from pathlib import Path
from typing import Any

from saddlebench.bench.cli.output import PaperFormat, Row, counted, emit, print_table, say, starting
from saddlebench.bench.cli.places import find_results
from saddlebench.results.papers import Paper
from saddlebench.results.papers.negative_momentum import Row as Judged
from saddlebench.results.papers.negative_momentum import rate_remarks, table
from saddlebench.results.papers.published import read_claims
from saddlebench.results.store import read

_MARKS = ["method", "momentum", "published_bounded", "bounded", "published_converges", "converges", "agrees"]
_COUNTS = ["method", "momentum", "range", "pairs", "bounded_pairs", "converging_pairs", "radii", "rates", "outside"]
_RULE = """yes: every pair (step size, momentum, game) of the range; no: none of them; blank: some
bounded: spectral radius at most 1 + 1e-9, eigenvalues on the unit circle simple (where some coincide, the trajectory decides)
converges: spectral radius below 1 − 1e-9 and every trajectory shrinks; radii and rates are the lowest and highest of the range"""


def print_marks(chosen: Paper, path: str | None, form: PaperFormat) -> None:
    """Print the table; without a path, the paper's suite is run first where cells are missing.

    Raises:
        InputError: no results there.
    """
    tables = read(_filled(chosen) if path is None else find_results(path), ("runs", "spectrum"))
    rows = table(read_claims(chosen.files[0]), tables.runs, tables.spectrum)
    shown: list[Row] = [_claim(row) for row in rows]
    if form in (PaperFormat.csv, PaperFormat.json):
        print_table(shown, list(shown[0]), form)
        return
    print_table(shown, _MARKS, form)
    emit("")
    print_table([{**one, **_spans(row)} for one, row in zip(shown, rows, strict=True)], _COUNTS, form)
    say(f"\n{chosen.title}\nsource: {rows[0].claim.source}; {rows[0].claim.verified}")
    if any(row.agrees is None for row in rows):
        say(f"not run: saddlebench run {chosen.suite} fills what is blank, and saddlebench paper {chosen.name} does so by itself")
    say(_RULE)
    contradicted = sum(pair.contradicted for row in rows for pair in (*row.inside, *row.outside))
    say(f"{counted(contradicted, 'pair')} in which a trajectory contradicts its spectrum")
    remarks = rate_remarks(rows)
    if remarks:
        say("Theorem 6 is quoted (its statement not verified) with the rate max(1/2, 1 − η²σ_min²/16) of the squared distance for")
        say(f"η ≤ 1/σ_max; at η = 1/σ_max {'; '.join(remarks)}")


def _filled(chosen: Paper) -> Path:
    assert chosen.suite is not None, "a paper of marks names the suite that measures them"
    with starting():
        from saddlebench.bench.cli.filling import fill
    return fill(chosen.suite)


def _claim(row: Judged) -> dict[str, Any]:
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


def _spans(row: Judged) -> dict[str, str | None]:
    """Lowest and highest as one text each, with the digits that tell a slow divergence from 1."""
    told = _claim(row)
    spans = {
        name: f"{told[f'{one}_best']:.6f} … {told[f'{one}_worst']:.6f}" if told[f"{one}_best"] is not None else None
        for name, one in (("radii", "radius"), ("rates", "rate"))
    }
    outside = f"{told['outside_bounded']} of {told['outside_pairs']} bounded, {told['outside_converging']} converge"
    return {**spans, "outside": outside if row.outside else None}
