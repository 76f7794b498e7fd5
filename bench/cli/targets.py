"""`saddlebench targets`: the pinned levels, and pinning those of games that are judged by their own measures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from saddlebench.bench.cli.forms import FormatOption, examples, option
from saddlebench.bench.cli.output import Format, Row, print_table, say

_EXAMPLES = examples(
    "saddlebench targets",
    "saddlebench run ring --out baselines && saddlebench targets --pin baselines",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("targets", epilog=_EXAMPLES)(targets)


def targets(
    form: FormatOption = Format.table,
    pin: Annotated[
        Path | None, option("--pin", text="Results of a suite of baselines: their medians become the targets.", metavar="DIR")
    ] = None,
) -> None:
    """Pinned targets: the levels of each game's measures, to which the cost of every run is told.

    Games with a distance or gap have 50 log-spaced fractions of the start. The others have medians of baselines; --pin replaces
    those of the games in DIR, and writes results/reference/targets.csv of the checkout.
    """
    from saddlebench.results.targets import FILE, read_targets

    if pin is not None:
        from saddlebench.bench.cli.defaults import catalogue_defaults
        from saddlebench.bench.cli.places import find_results
        from saddlebench.results.baselines import pin as write

        say(f"{write(find_results(str(pin)), catalogue_defaults())} measured levels are new or replaced in {FILE}")
    table = read_targets()
    if form is not Format.table:
        print_table(table.to_dict("records"), list(table.columns), form)
        return
    rows: list[Row] = []
    grouped: Any = table.groupby(["game", "game_parameters", "measure"], sort=False)
    for (game, parameters, measure), part in grouped:
        first, last = part["level"].iloc[0], part["level"].iloc[-1]
        levels = f"{first:g}" if len(part) == 1 else f"{first:.3g} … {last:g}"
        about = {"direction": part["direction"].iloc[0], "source": part["source"].iloc[0]}
        rows.append({"game": game, "parameters": parameters, "measure": measure, "n": len(part), "levels": levels, **about})
    print_table(rows, ["game", "parameters", "measure", "direction", "n", "levels", "source"], form)
