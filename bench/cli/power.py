"""What `saddlebench compare --power` prints."""

from typing import TYPE_CHECKING, Any

import numpy as np

from saddlebench.bench.cli.defaults import catalogue_defaults
from saddlebench.bench.cli.families import game_families
from saddlebench.bench.cli.output import Format, counted, print_table, say

if TYPE_CHECKING:
    from saddlebench.results.store import Tables

_ENOUGH = 0.8


def show_power(nights: "list[Tables]", simulated: int, form: Format) -> None:
    """Simulate nights; print which slow-downs of one optimizer are found, and how often an unchanged night raises an alarm.

    The table has a row a kind of test and slow-down; csv and json a row a pool.
    """
    from saddlebench.results.regression.power import SLOW_DOWNS, simulation

    rng = np.random.default_rng(0)
    made = simulation(nights, game_families(), catalogue_defaults())
    alarms = made.false_alarms(simulated, rng)
    found = made.power(SLOW_DOWNS, simulated, rng)
    if form is not Format.table:
        print_table([*found.to_dict("records")], list(found.columns), form)  # pyright: ignore[reportArgumentType]: keys are names
    else:
        grouped: Any = found.groupby(["kind", "slow_down"], sort=True)
        rows = [
            {
                **{"test": kind, "slow_down": f"{100 * (slow - 1):.0f} %", "pools": len(part), "power": part["power"].mean()},
                **{"lowest": part["power"].min(), f"pools ≥ {_ENOUGH:.0%}": int((part["power"] >= _ENOUGH).sum())},
            }
            for (kind, slow), part in grouped
        ]
        print_table(rows, list(rows[0]), form)
    stored = "one night" if len(nights) == 1 else f"{len(nights)} nights"
    say(
        f"{simulated} unchanged nights simulated from {stored}: {alarms:.1%} raise an alarm ({counted(made.tests, 'test')} a night)"
    )
