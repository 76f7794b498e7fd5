"""The choices of `saddlebench table`, apart from what carries them out, so that its help needs no pandas."""

from enum import StrEnum


class TableFormat(StrEnum):
    """Formats of the table."""

    table = "table"
    md = "md"
    csv = "csv"
    latex = "latex"
    html = "html"


class Statistic(StrEnum):
    """What is told of runs that share a row and a column: `saddlebench.results.tables.STATISTICS`."""

    median = "median"
    mean = "mean"
    iqm = "iqm"
    success = "success"
    ert = "ert"
    rank = "rank"
