"""`saddlebench export`: traces in the form that other programs read."""

from pathlib import Path
from typing import Annotated, Any

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.output import counted, emit, say, starting
from saddlebench.bench.cli.places import find_results
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench export quick --tensorboard boards",
    "saddlebench export quick --tensorboard boards --game bilinear && tensorboard --logdir boards",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog=_EXAMPLES)(export)


def export(
    path: Annotated[str, argument("A directory of results, or its name.")],
    tensorboard: Annotated[Path, option("--tensorboard", text="Directory for event files, one a run.", metavar="DIR")],
    game: Annotated[list[str] | None, option("--game", text="Only this game (repeatable).", metavar="G")] = None,
    optimizer: Annotated[list[str] | None, option("--optimizer", text="Only this optimizer (repeatable).", metavar="O")] = None,
) -> None:
    """Write the traces as TensorBoard scalars: DIR/GAME/OPTIMIZER/seed-N, a scalar a measure, over steps.

    Needs the extra tensorboard: pip install 'saddlebench[tensorboard]'.
    """
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.bench.cli.showing import only
    from saddlebench.results.store import read
    from saddlebench.results.summary import label, newest

    folder = find_results(path)
    tables = read(folder, ("runs", "trace"))
    runs: Any = only(tables.runs, "optimizer", optimizer, only(tables.runs, "game", game, tables.runs))
    runs = newest(runs[runs["status"] != "not_applicable"])
    if runs.empty:
        raise InputError(f"{folder} holds no runs of these games with these optimizers")
    with starting():
        writer = _writer()
    curves: Any = tables.trace.merge(runs[["cell", "context"]], on=["cell", "context"])
    grouped = dict(iter(curves.groupby("cell", sort=False)))
    for run in runs.itertuples(index=False):
        names = (label(kind, getattr(run, kind), getattr(run, f"{kind}_parameters"), catalogue_defaults()) for kind in _KINDS)
        place = tensorboard.joinpath(*(name.replace("/", "∕") for name in names), f"seed-{run.seed}")
        with writer(str(place), filename_suffix=f".{run.cell}") as log:
            for row in grouped[run.cell].itertuples(index=False) if run.cell in grouped else ():
                tag = row.measure if row.answer == "last" else f"{row.answer}/{row.measure}"
                log.add_scalar(tag, row.value, row.step)
    emit(str(tensorboard))
    say(f"{counted(len(runs), 'run')}: tensorboard --logdir {tensorboard}")


_KINDS = ("game", "optimizer")


def _writer() -> Any:
    """TensorBoard's writer.

    Raises:
        InputError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError("--tensorboard needs TensorBoard: pip install 'saddlebench[tensorboard]'") from error
    return SummaryWriter
