"""`saddlebench map`: a stability map over one or two hyperparameters."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import FormatOption, argument, examples, option
from saddlebench.bench.cli.options import Assignment, assignments
from saddlebench.bench.cli.output import Format, starting
from saddlebench.errors import InputError

FIGURES = (".svg", ".pdf", ".png")
TABLES = (".parquet", ".csv")
_EXAMPLES = examples(
    "saddlebench map bilinear extragradient --x step_size=0.01:1.5:100 --y extrapolation_step=0.01:1.5:100 -o map.svg",
    "saddlebench map bilinear alternating-heavy-ball --x step_size=0.01:2:100 --y momentum=-0.9:0.9:100 --refine -o maps",
    "saddlebench map quadratic simultaneous-gradient --x step_size=0.001:2:200 --log-x --format csv > map.csv",
    "saddlebench map bilinear lookahead-minmax --x base.step_size=0.01:2:50 --y inner_steps=2:20:19",
    "saddlebench map bilinear adam --x step_size=0.001:1:50 --log-x --y betas.0=0:0.95:50 --set optimizer.epsilon=1e-6",
)
_MOST_VALUES = 10_000  # of an axis
_AXIS = "NAME=LOW:HIGH:COUNT"


@dataclass(frozen=True)
class Request:
    """What is asked of `map`.

    Attributes:
        game: a name, JSON or a file.
        optimizer: likewise.
        axes: parameter → values, x first.
        given: what ``--set`` says.
        steps: of every run.
        tolerance: of the starting distance.
        seed: of the start.
        refine: search between the grid's points.
        outs: files to write.
        form: of what is printed.
    """

    game: str
    optimizer: str
    axes: dict[str, list[float]]
    given: list[Assignment]
    steps: int
    tolerance: float
    seed: int
    refine: bool
    outs: list[Path]
    form: Format


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("map", epilog=_EXAMPLES)(map_)


def map_(
    game: Annotated[str, argument("A game: a name, JSON with parameters, or a file.")],
    optimizer: Annotated[str, argument("An optimizer, likewise.")],
    x: Annotated[str, option("--x", text="The hyperparameter across: step_size, rule.momentum, betas.0, ….", metavar=_AXIS)],
    y: Annotated[str | None, option("--y", text="The one upwards; without it the map has one dimension.", metavar=_AXIS)] = None,
    log_x: Annotated[bool, typer.Option("--log-x", help="Spaced by factors.")] = False,
    log_y: Annotated[bool, typer.Option("--log-y", help="Spaced by factors.")] = False,
    set_: Annotated[list[str] | None, option("--set", text="optimizer.NAME=VALUE or game.NAME=VALUE.", metavar="P=V")] = None,
    steps: Annotated[int, typer.Option(help="Of every run.", min=1, metavar="N")] = 500,
    tolerance: Annotated[float, typer.Option(help="A run converges at this fraction of its start.", metavar="T")] = 1e-6,
    seed: Annotated[int, typer.Option(help="Of the start, and of a game drawn by seed.", min=0, metavar="S")] = 0,
    refine: Annotated[bool, typer.Option("--refine", help="Search for the best rate between the grid's points too.")] = False,
    out: Annotated[
        list[Path] | None,
        option("--out", "-o", text="A figure (svg, pdf, png), a table (parquet, csv), or a directory for both (repeatable)."),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Map where an optimizer converges on a game: spectral radius, verdict and steps to a tolerance over a grid, in one program.

    Prints the best point of the grid, beside theory's optimum where one is known; csv and json print the whole map.
    """
    axes = dict((axis_of("--x", x, log_x),))
    if y is not None:
        name, values = axis_of("--y", y, log_y)
        if name in axes:
            raise InputError(f"{name} is on both axes")
        axes[name] = values
    elif log_y:
        raise InputError("--log-y goes with --y")
    given = assignments(set_ or (), ())
    if any(one.owner == "settings" for one in given):
        raise InputError("map has no settings: --set takes game.NAME or optimizer.NAME")
    files = [file for one in out or () for file in files_of(one, game, optimizer)]
    with starting():
        from saddlebench.bench.cli.surveying import survey

    survey(Request(game, optimizer, axes, given, steps, tolerance, seed, refine, files, form))


def axis_of(option_: str, text: str, log: bool) -> tuple[str, list[float]]:
    """``step_size=0.01:2:100``: the name, and a hundred values from 0.01 to 2.

    Raises:
        InputError: not of that form, or a range that does not rise (for factors: from above 0).
    """
    name, _, given = text.partition("=")
    parts = given.split(":")
    usage = f"{option_} {text}: write {option_} step_size=0.01:2:100, from 0.01 to 2 in 100 values"
    if len(parts) != 3 or not name.strip():
        raise InputError(usage)
    try:
        low, high, count = float(parts[0]), float(parts[1]), int(parts[2])
    except ValueError:
        raise InputError(usage) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high and count >= 2):
        raise InputError(f"{option_} {text}: the range must rise and have at least 2 values")
    if count > _MOST_VALUES:
        raise InputError(f"{option_} {text}: at most {_MOST_VALUES} values")
    if log and low <= 0:
        raise InputError(f"{option_} {text}: factors need a range above 0")
    ends = (math.log(low), math.log(high)) if log else (low, high)
    values = [ends[0] + (ends[1] - ends[0]) * k / (count - 1) for k in range(count)]
    values = [math.exp(v) for v in values] if log else [round(v, 12) for v in values]
    return name.strip().removeprefix("optimizer."), [low, *values[1:-1], high]


def files_of(out: Path, game: str, optimizer: str) -> list[Path]:
    """The file, or in a directory a table and a figure.

    Raises:
        InputError: a suffix that is neither.
    """
    path = out.expanduser().absolute()
    if path.suffix in FIGURES + TABLES:
        return [path]
    if path.suffix and not path.is_dir():
        raise InputError(f"--out {out}: the name must end in {', '.join(FIGURES + TABLES)}, or be a directory")
    stem = "map-" + "-".join(re.sub(r"[^A-Za-z0-9]+", "-", Path(text).stem).strip("-") for text in (game, optimizer))
    return [path / f"{stem}.parquet", path / f"{stem}.svg"]
