"""What options of several commands share: their texts, and how examples stand in a help text."""

from typing import Annotated, Any

import typer

from saddlebench.bench.cli.output import Format, PaperFormat

_FORMAT_HELP = "table: for reading on a terminal, tab-separated in a pipe."

FormatOption = Annotated[Format, typer.Option("--format", help=_FORMAT_HELP)]
PaperFormatOption = Annotated[PaperFormat, typer.Option("--format", help=_FORMAT_HELP)]


def option(*names: str, text: str, panel: str | None = None, **more: Any) -> Any:
    """An option whose default is told by its text, if it needs telling."""
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, **more)


def argument(text: str, **more: Any) -> Any:
    """An argument, likewise."""
    return typer.Argument(help=text, show_default=False, **more)


def examples(*lines: str) -> str:
    """An epilog with an example a line."""
    return "\n\n".join(["[bold]Examples[/]", *lines])
