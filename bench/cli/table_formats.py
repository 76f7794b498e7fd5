"""A `saddlebench.results.tables.Table` as text: for a terminal, Markdown, CSV, LaTeX (booktabs) and HTML."""

import html
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from saddlebench.bench.cli.output import TEX, Row, print_table, render, say, show
from saddlebench.bench.cli.table_choices import TableFormat
from saddlebench.results.tables import Entry, Table

SUFFIXES: Mapping[str, TableFormat] = {
    ".md": TableFormat.md,
    ".csv": TableFormat.csv,
    ".tex": TableFormat.latex,
    ".html": TableFormat.html,
    ".txt": TableFormat.table,
}
BEST = "bold (* in plain text): the best, its interval lies beyond all others'"
_CSV = ("value", "low", "high", "n", "best", "reason")


class _Shown(NamedTuple):
    text: str
    mark: str  # of its footnote
    best: bool


def table_text(table: Table, form: TableFormat, interval: bool = False) -> str:
    """The table in one of the formats, without a final newline; CSV is long, an entry a row, with all digits."""
    if form == TableFormat.csv:
        return render(*_long(table), "csv")
    cells, notes = _cells(table, interval)
    head = [table.row_name, *table.columns]
    if form == TableFormat.latex:
        return _latex(table, head, cells, notes)
    if form == TableFormat.html:
        return _html(table, head, cells, notes)
    body = [[name, *(_plain(cells[name, c], form) for c in table.columns)] for name in table.rows]
    rows = [dict(zip(head, line, strict=True)) for line in body]
    text = render(rows, head, form)
    if form == TableFormat.md:
        first, _, *rest = text.split("\n")  # entries are texts, and numbers to a reader
        text = "\n".join([first, f"| --- | {' | '.join(['---:'] * len(table.columns))} |", *rest])
    return "\n".join([text, *(["", *(f"{note}  " for note in notes)] if form == TableFormat.md else notes)])


def print_plain(table: Table, interval: bool = False) -> None:
    """The table on standard output, aligned on a terminal and tab-separated in a pipe; its notes on standard error."""
    cells, notes = _cells(table, interval)
    head = [table.row_name, *table.columns]
    body = [[name, *(_plain(cells[name, c], TableFormat.table) for c in table.columns)] for name in table.rows]
    rows: list[Row] = [dict(zip(head, line, strict=True)) for line in body]
    print_table(rows, head, "table", lead=_title(table))
    for note in notes:
        say(note)


def _cells(table: Table, interval: bool) -> tuple[dict[tuple[str, str], _Shown], list[str]]:
    """The entries as texts, and the notes below: those of the table, and the reasons of missing numbers."""
    counts = Counter(entry.n for entry in table.entries.values() if entry.n)
    usual = counts.most_common(1)[0][0] if counts else 0
    marks: dict[str, str] = {}
    cells = {}
    for key in ((row, column) for row in table.rows for column in table.columns):
        entry = table.entries.get(key)
        if entry is None:
            cells[key] = _Shown("", "", False)
        elif not entry.n:
            cells[key] = _Shown("–", marks.setdefault(entry.reason, str(len(marks) + 1)), False)
        else:
            more = f" (n={entry.n})" if entry.n != usual else ""
            cells[key] = _Shown(_number(table, entry, interval) + more, "", entry.best)
    notes = [_title(table), *table.notes]
    if usual:
        notes[0] += f"; n = {usual}{'' if len(counts) == 1 else ' where no other n stands'}"
    if any(entry.best for entry in table.entries.values()):
        notes.append(BEST)
    return cells, [*notes, *(f"[{mark}] {reason}" for reason, mark in marks.items())]


def _title(table: Table) -> str:
    better = {"lower": ", lower is better", "higher": ", higher is better", None: ""}[table.better]
    return f"{table.statistic} of {table.measure}{better}"


def _number(table: Table, entry: Entry, interval: bool) -> str:
    name = next((word for word in ("radius", "rate") if word in table.measure and table.statistic not in ("rank", "ert")), "")
    value, low, high = (show(name, number) for number in (entry.value, entry.low, entry.high))
    return f"{value} [{low}, {high}]" if interval and low else value


def _plain(cell: _Shown, form: TableFormat) -> str:
    text = f"{cell.text}[{cell.mark}]" if cell.mark else cell.text
    if cell.best:
        return f"**{text}**" if form == TableFormat.md else f"{text} *"
    return text


def _long(table: Table) -> tuple[list[Row], list[str]]:
    names = [table.row_name, table.column_name]
    if names[0] == names[1]:
        names[1] = f"{names[1]} (column)"
    rows = []
    for key in ((row, column) for row in table.rows for column in table.columns):
        entry = table.entries.get(key)
        if entry is not None:
            about = {**dict(zip(names, key, strict=True)), "measure": table.measure, "statistic": table.statistic}
            rows.append({**about, **{name: getattr(entry, name) for name in _CSV}})
    return rows, [*names, "measure", "statistic", *_CSV]


def _latex(table: Table, head: list[str], cells: Mapping[tuple[str, str], _Shown], notes: list[str]) -> str:
    def entry(cell: _Shown) -> str:
        text = cell.text.translate(TEX) + (f"$^{{{cell.mark}}}$" if cell.mark else "")
        return rf"\textbf{{{text}}}" if cell.best else text

    lines = [
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        " & ".join(name.translate(TEX) for name in head) + r" \\",
        r"\midrule",
        *(" & ".join([row.translate(TEX), *(entry(cells[row, c]) for c in table.columns)]) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join([*lines, *(f"% {' '.join(note.split())}" for note in notes)])


def _html(table: Table, head: list[str], cells: Mapping[tuple[str, str], _Shown], notes: list[str]) -> str:
    def entry(cell: _Shown) -> str:
        text = html.escape(cell.text) + (f"<sup>{cell.mark}</sup>" if cell.mark else "")
        return f"<td><strong>{text}</strong></td>" if cell.best else f"<td>{text}</td>"

    lines = ["<table>", "<thead><tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in head) + "</tr></thead>", "<tbody>"]
    lines += [f"<tr><th>{html.escape(r)}</th>{''.join(entry(cells[r, c]) for c in table.columns)}</tr>" for r in table.rows]
    lines += ["</tbody>", "</table>"]
    return "\n".join([*lines, *(f"<p><small>{html.escape(note)}</small></p>" for note in notes)])


def write(path: Path, text: str) -> None:
    """The text with a final newline, into a file whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
