"""The commands under one roof, and how they end: exit codes, and one line for what the user got wrong."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from saddlebench._version import __version__
from saddlebench.bench.cli import (
    comparing,
    contributing,
    data,
    doctoring,
    exporting,
    listing,
    mapping,
    nightly,
    papers,
    plotting,
    reporting,
    run,
    sampling,
    showing,
    spectrum,
    tabulating,
    targets,
    tune,
)
from saddlebench.bench.cli.output import close_stdout, say
from saddlebench.errors import InputError

app = typer.Typer(
    name="saddlebench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a bug's traceback is for a report: plain
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_MODULES = (
    run,
    tune,
    sampling,
    listing,
    showing,
    tabulating,
    plotting,
    reporting,
    papers,
    spectrum,
    mapping,
    targets,
    comparing,
    nightly,
    exporting,
    data,
    doctoring,
    contributing,
)
for module in _MODULES:
    module.register(app)

# typer's usage errors; older releases take the class from click, newer ones bring their own.
_UsageError: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"saddlebench {__version__}")
        raise typer.Exit


@app.callback(epilog="Exit codes: 0 done, 1 a cell ended in an error or a timeout, 2 bad input, 130 interrupted.")
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """Cross differentiable games with game optimizers: convergence, spectra, cost and time in tables.

    [bold]saddlebench run quick[/]              the main job in minutes; then: saddlebench show quick
    [bold]saddlebench list optimizers[/]        what there is, with parameters, defaults and papers
    [bold]saddlebench run --game bilinear --optimizer extragradient --seeds 10 --sweep optimizer.step_size=0.05,0.1[/]
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program `saddlebench`: run the command that the arguments name, and exit.

    Exit codes: 0 done (a diverged run is a result); 1 a cell ended in an error or a timeout, or a check failed; 2 bad input,
    nothing written; 130 and 143 interrupted.
    """
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name="saddlebench", standalone_mode=False)
        sys.stdout.flush()
    except _UsageError as error:
        code = _usage(error)
    except InputError as error:
        say(f"saddlebench: {_one_line(str(error))}")
        code = 2
    except BrokenPipeError:  # `| head`
        close_stdout()
        code = 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR):
            raise
        say(f"saddlebench: cannot write {error.filename or 'the output'}: {os.strerror(error.errno)}")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int:
    """One line, with the command whose help to read."""
    text = _one_line(error.format_message()) if hasattr(error, "format_message") else str(error)  # pyright: ignore[reportAttributeAccessIssue]: known only by its name
    context = getattr(error, "ctx", None)
    if not text:  # no_args_is_help has printed the help
        return 0
    text = text[0].lower() + text[1:].rstrip(".")
    say(f"saddlebench: {text} (see {context.command_path if context else 'saddlebench'} --help)")
    return 2


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("Value error, ", "")
