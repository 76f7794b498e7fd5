"""What the commands print: tables to standard output, messages to standard error."""

import csv
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any

Row = Mapping[str, Any]


class Format(StrEnum):
    """Formats of every table. `table`: for reading on a terminal, tab-separated in a pipe."""

    table = "table"
    csv = "csv"
    json = "json"


class PaperFormat(StrEnum):
    """Formats of tables that go into papers too."""

    table = "table"
    md = "md"
    csv = "csv"
    latex = "latex"
    json = "json"


# Radii are compared with closed forms and with 1, so they show more, and stand with their points aligned.
_DECIMALS = {"radius": 7, "raw_radius": 7, "predicted": 7, "modulus": 7, "re": 7, "im": 7, "rate": 5, "gradient_share": 5}
_STYLES = {"converged": "green", "ok": "green", "diverged": "red", **dict.fromkeys(("error", "timeout", "failed"), "bold red")}
_LONGEST_NAME = 33  # of an optimizer: names stand on one line
TEX = str.maketrans(
    {
        **{c: f"\\{c}" for c in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "×": r"$\times$",
        "∞": r"$\infty$",
        "−": "$-$",
        "–": "--",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "√": r"$\surd$",
    }
)


def say(text: str) -> None:
    """A line to standard error."""
    print(text, file=sys.stderr, flush=True)


def emit(text: str) -> None:
    """Text to standard output; a reader that has gone away (`| head`) is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        close_stdout()


def close_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (it stays open until the process ends)


def counted(number: int, noun: str) -> str:
    """``1 cell``, ``3 cells``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def starting() -> AbstractContextManager[Any]:
    """Shown on a terminal while torch is imported, which takes seconds."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("starting torch")


def print_table(rows: Sequence[Row], columns: Sequence[str], form: str, lead: str = "") -> None:
    """Print rows in one of the formats; columns are those to show, in order.

    Args:
        rows: a mapping a row; a missing column is blank.
        columns: to show.
        form: a value of `Format` or `PaperFormat`.
        lead: a heading, for the terminal only.
    """
    if form == "table" and sys.stdout.isatty():
        _print_rich(rows, columns, lead)
    else:
        emit(render(rows, columns, form))


def render(rows: Sequence[Row], columns: Sequence[str], form: str) -> str:
    """Rows as text in one of the formats, without a final newline. Numbers have all digits in csv and json."""
    if form == "json":
        return json.dumps([{c: _in_json(row.get(c)) for c in columns} for row in rows], indent=1, ensure_ascii=False)
    if form == "csv":
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_in_csv(row.get(c)) for c in columns] for row in rows)
        return file.getvalue().rstrip("\n")
    cells = [[show(c, row.get(c)) for c in columns] for row in rows]
    if form == "md":
        aligned = ["---:" if _numeric(rows, c) else "---" for c in columns]
        lines = [list(columns), aligned, *[[text.replace("|", "\\|") for text in line] for line in cells]]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    if form == "latex":
        kinds = "".join("r" if _numeric(rows, c) else "l" for c in columns)
        body = [" & ".join(text.translate(TEX) for text in line) + r" \\" for line in [list(columns), *cells]]
        top, bottom = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule"], [r"\bottomrule", r"\end{tabular}"]
        return "\n".join([*top, body[0], r"\midrule", *body[1:], *bottom])
    return "\n".join("\t".join(" ".join(text.split()) for text in line) for line in [list(columns), *cells])


def show(column: str, value: Any) -> str:
    """A value as a person reads it."""
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "∞" if value > 0 else "−∞"
        if column in _DECIMALS and (value == 0 or 1e-3 <= abs(value) < 1e3):
            return f"{value:.{_DECIMALS[column]}f}"
        if value.is_integer() and abs(value) < 1e9:
            return f"{int(value)}"
        return f"{value:.3g}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _print_rich(rows: Sequence[Row], columns: Sequence[str], lead: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title=lead or None, title_justify="left", title_style="bold")
    for column in columns:
        longest = max(len(column), *(len(show(column, row.get(column))) for row in rows)) if rows else 0
        if _numeric(rows, column):  # a number that lost its last digits would be another number
            table.add_column(column, justify="right", no_wrap=True, min_width=longest, header_style="dim")
        else:
            name = column != "status" and longest <= _LONGEST_NAME
            table.add_column(column, no_wrap=name, min_width=longest if name else None, overflow="fold", header_style="dim")
    for row in rows:
        table.add_row(*(_styled(c, show(c, row.get(c))) for c in columns))
    if table.__rich_measure__(console, console.options).maximum > console.width:
        table.padding = (0, 1, 0, 0)
    try:
        console.print(table)
    except BrokenPipeError:
        close_stdout()


def _styled(column: str, text: str) -> Any:
    from rich.text import Text

    return Text(text, _STYLES.get(text.split(" ")[0], "") if column == "status" else "")


def _numeric(rows: Sequence[Row], column: str) -> bool:
    values = [v for row in rows if (v := _plain(row.get(column))) is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _plain(value: Any) -> Any:
    """None for every kind of missing value, Python's own numbers for numpy's."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if type(value).__name__ in ("NAType", "NaTType") else value


def _in_json(value: Any) -> Any:
    value = _plain(value)
    return None if isinstance(value, float) and math.isinf(value) else value  # JSON has no infinity


def _in_csv(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value
