"""The runs and the part of the trace that a table or a figure is about."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from saddlebench.bench.cli.forms import option
from saddlebench.bench.cli.output import counted, say
from saddlebench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 4  # games that fit into a title

FilterOption = Annotated[
    list[str] | None,
    option("--filter", text="Only runs with NAME=VALUE[,VALUE] (or !=); * matches anything (repeatable).", metavar="N=V"),
]
GameFilter = Annotated[list[str] | None, option("--game", text="Only this game (repeatable).", metavar="G")]
OptimizerFilter = Annotated[list[str] | None, option("--optimizer", text="Only this optimizer (repeatable).", metavar="O")]


def filters_of(
    game: Sequence[str] | None = None, optimizer: Sequence[str] | None = None, filters: Sequence[str] | None = None
) -> list[str]:
    """``--game``, ``--optimizer`` and ``--filter`` as filters."""
    named = [f"{kind}={','.join(names)}" for kind, names in (("game", game), ("optimizer", optimizer)) if names]
    return [*named, *(filters or ())]


def choose(
    folder: Path, filters: Sequence[str], measures: "Callable[[pd.DataFrame], Sequence[str]] | None" = None
) -> "tuple[pd.DataFrame, Any]":
    """The newest runs that the filters let through, and of their trace (the last iterate's) some measures.

    Args:
        folder: of results.
        filters: as `saddlebench.results.selecting.chosen` takes them.
        measures: runs → names of what is read of the trace; left out: nothing is.

    Returns:
        Runs and trace, None where nothing was to be read of it.

    Raises:
        InputError: there are no runs.
    """
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.selecting import chosen
    from saddlebench.results.store import read
    from saddlebench.results.summary import newest

    every = read(folder, ("runs",)).runs
    if every.empty:
        raise InputError(f"{folder} holds no finished runs yet")
    runs = newest(every)
    if len(runs) < len(every):
        say(f"left out: {counted(len(every) - len(runs), 'older result')} of the same cells, from other commits or machines")
    runs = chosen(runs, filters, catalogue_defaults()).reset_index(drop=True)
    if measures is None:
        return runs, None
    only = {"answer": ["last"], "measure": measures(runs), **({"cell": runs["cell"].tolist()} if filters else {})}
    return runs, read(folder, ("trace",), trace=only).trace


def judging(runs: "pd.DataFrame") -> list[str]:
    """The measures by which the games of these runs are judged."""
    from saddlebench.bench.cli.defaults import catalogue_defaults
    from saddlebench.results.targets import judged_by

    return judged_by(runs, catalogue_defaults())


def title_of(runs: "pd.DataFrame") -> str:
    """What stands above a figure of these runs: their games, or how many there are."""
    games = list(dict.fromkeys(runs["game"]))
    return ", ".join(games) if len(games) <= _NAMED else counted(len(games), "game")
