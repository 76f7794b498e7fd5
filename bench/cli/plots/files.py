"""What all kinds of plots share: their options, where figures go, and how a failure to write one is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from saddlebench.bench.cli.forms import option
from saddlebench.bench.cli.output import emit
from saddlebench.errors import InputError, unknown

SUFFIXES = (".svg", ".pdf", ".png")
OutOption = Annotated[Path | None, option("--out", "-o", text="An svg, pdf or png file; else PATH/figures.", metavar="FILE")]


def check_out(out: Path | None) -> None:
    """Refuse a file whose name tells no format that can be drawn.

    Raises:
        InputError: its suffix is none of `SUFFIXES`.
    """
    if out is not None and out.suffix not in SUFFIXES:
        raise InputError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}")


def check_known(kind: str, asked: list[str], known: set[str]) -> None:
    """Refuse names that the results do not hold.

    Raises:
        InputError: with the nearest names.
    """
    for name in asked:
        if name not in known:
            raise unknown(f"{kind} in these results:", name, known)


def draw(out: Path | None, otherwise: Path, drawing: Callable[[Path], Any]) -> None:
    """Let ``drawing`` write the figure, and print its path.

    Raises:
        InputError: the file cannot be written.
    """
    emit(str(write_figure(out, otherwise, drawing)))


def write_figure(out: Path | None, otherwise: Path, drawing: Callable[[Path], Any]) -> Any:
    """Let ``drawing`` write the figure, and return its path.

    Raises:
        InputError: the file cannot be written.
    """
    file = out.expanduser().absolute() if out else otherwise
    try:
        return drawing(file)
    except OSError as error:
        raise InputError(f"cannot write the figure {file} ({error.strerror or error})") from error
