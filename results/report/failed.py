"""What went wrong, for the report: errors, timeouts, divergence, what does not apply, and convergence to what is no solution."""

from typing import Any

import pandas as pd

from saddlebench.results.schema import STATUSES

MOST_ROWS = 500
FAILED = ("error", "timeout", "diverged", "not_applicable")
_DECEIVED = "no solution"


def failures(runs: pd.DataFrame, games: pd.Series) -> tuple[list[dict[str, Any]], dict[str, int], int]:
    """A row a status, optimizer and reason.

    Args:
        runs: the table `runs`, each cell once.
        games: label of each run's game.

    Returns:
        Rows ``{"status", "optimizer", "games": {label: runs}, "runs", "reason"}``, at most `MOST_ROWS`; the number of runs of every
        status that is there; and how many rows were left out.
    """
    counts = runs["status"].value_counts().to_dict()
    table: Any = runs.assign(label=games.to_numpy())
    deceived = (table["status"] == "converged") & table["reason"].notna()
    table = table[table["status"].isin(FAILED) | deceived]
    # The step at which a run was lost is its own; a row a step would say less than how many were lost.
    lost = table["status"] == "diverged"
    table = table.assign(
        why=table["reason"].where(~lost, None), state=table["status"].where(table["status"] != "converged", _DECEIVED)
    )
    order = {status: k for k, status in enumerate(("error", "timeout", _DECEIVED, "diverged", "not_applicable"))}
    found = []
    for (state, optimizer, reason), part in table.groupby(["state", "optimizer", "why"], sort=False, dropna=False):
        if state == "diverged":
            steps = part["steps"]
            reason = f"lost between steps {steps.min()} and {steps.max()}" if steps.nunique() > 1 else f"lost by step {steps.min()}"
        where = part["label"].value_counts(sort=False).to_dict()
        row = {"status": state, "optimizer": optimizer, "games": where, "runs": len(part)}
        found.append({**row, "reason": reason if isinstance(reason, str) else None})
    found.sort(key=lambda row: order[row["status"]])
    left_out = max(0, len(found) - MOST_ROWS)
    return found[:MOST_ROWS], {status: counts[status] for status in STATUSES if status in counts}, left_out
