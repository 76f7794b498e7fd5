"""What `saddlebench check` does once its options are read."""

import shlex
import sys

from saddlebench.bench.build import load_file
from saddlebench.bench.cli.output import Format, Row, counted, print_table, say
from saddlebench.bench.contracts import check_game, check_optimizer
from saddlebench.errors import InputError, unknown
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS

_CHECKS = {"optimizer": check_optimizer, "game": check_game}


def report(spec: str, form: Format) -> int:
    """Print what every check says and return the exit code: 1 where one failed."""
    findings = [finding for kind in kinds_of(spec) for finding in _CHECKS[kind](spec)]
    rows: list[Row] = [{"check": f.check, "status": f.status, "message": f.message} for f in findings]
    failed = [f for f in findings if f.status == "failed"]
    if form is Format.table and sys.stdout.isatty():
        rows = [{**row, "message": row["message"] if row["status"] != "ok" else None} for row in rows]  # what holds needs no words
    print_table(rows, ["check", "status", "message"], form)
    applied = sum(f.status != "not applicable" for f in findings)
    if failed:
        say(f"{len(failed)} of {counted(applied, 'check')} failed")
        return 1
    own = shlex.quote(spec)
    pair = f"--game bilinear --optimizer {own}" if "optimizer" in kinds_of(spec) else f"--game {own} --optimizer '*'"
    say(f"all {applied} checks that apply hold; next: saddlebench run {pair}")
    return 0


def kinds_of(spec: str) -> list[str]:
    """Whether a spec names an optimizer, a game or both.

    Raises:
        InputError: neither.
    """
    if ".py" not in spec:
        found = [kind for kind, catalogue in (("optimizer", OPTIMIZERS), ("game", GAMES)) if spec in catalogue]
        if not found:
            raise unknown("optimizer or game", spec, [*OPTIMIZERS, *GAMES])
        return found
    found, reasons = [], []
    for kind in _CHECKS:
        try:
            load_file(kind, spec)
            found.append(kind)
        except InputError as error:
            reasons.append(str(error))
    if not found and (cls := spec.partition(".py:")[2]) and any(" class in " in reason for reason in reasons):
        raise InputError(f"{spec.removesuffix(':' + cls)} has no class {cls} that is an optimizer or a game")
    if not found:
        raise InputError(reasons[0])
    return found
