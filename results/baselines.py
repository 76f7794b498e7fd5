"""Pin targets: what `saddlebench targets --pin DIR` writes into `reference/targets.csv`.

The levels of distance and gap are stated here. Those of games that have neither are measured: of every such game in a directory of
results (of a suite of baselines, run from committed code), and for each of its measures with a better direction, the level is the
median of the final values of all runs; a run without a final value (diverged) counts as worst.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError
from saddlebench.results.identity import canonical_json
from saddlebench.results.schema import measure_direction
from saddlebench.results.store import read
from saddlebench.results.summary import Defaults, newest
from saddlebench.results.targets import ANY, COLUMNS, FILE, changed_parameters, read_targets

_LEVELS = 50
_LAST = 1e-6


def stated() -> list[dict[str, Any]]:
    """10^(−6k/50) of the start's distance or gap, k = 1 … 50, for every game that has one."""
    about = {"source": "log-spaced fractions of the start", "commit": "", "command": ""}
    return [
        {
            **{"game": ANY, "game_parameters": ANY, "measure": measure, "direction": "lower", "relative": True},
            **{"level": float(f"{_LAST ** (k / _LEVELS):.10g}"), **about},
        }
        for measure in ("distance", "gap")
        for k in range(1, _LEVELS + 1)
    ]


def measured(runs: pd.DataFrame, defaults: Defaults) -> list[dict[str, Any]]:
    """A row a game, its parameters and measure: the median of the final values of the runs.

    Args:
        runs: the table `runs`, each cell once; games with a distance or gap are left out.
        defaults: of the catalogues; a game's setting is kept as what it changes.

    Raises:
        InputError: the runs of a game are of several suites, commits or budgets, or of uncommitted code: such a median could not
            be measured again.
    """
    table: Any = runs[runs["final_distance"].isna() & runs["final_gap"].isna() & (runs["status"] != "not_applicable")]
    rows = []
    for (game, given), part in table.groupby(["game", "game_parameters"], sort=False):
        if any(part[name].nunique() != 1 for name in ("suite", "commit", "budget")) or part["dirty"].notna().any():
            raise InputError(f"the runs of {game} are not of one suite, commit and budget, or of uncommitted code: run them anew")
        finals = [json.loads(text) if isinstance(text, str) else {} for text in part["final_measures"]]
        baselines = part[["optimizer", "optimizer_parameters"]].drop_duplicates()
        for measure in sorted({name for final in finals for name in final}):
            direction = measure_direction(measure)
            if direction is None or measure.startswith("average_"):  # targets are of the last iterate
                continue
            worst = np.inf if direction == "lower" else -np.inf
            level = float(np.median([final.get(measure, worst) for final in finals]))
            if not np.isfinite(level):
                continue
            steps, seeds = int(part["steps"].max()), part["seed"].nunique()
            source = f"median of {len(part)} final values: {len(baselines)} baselines x {seeds} seeds, {steps} steps"
            command = f"saddlebench run {part['suite'].iloc[0]} --seeds {','.join(map(str, sorted(set(part['seed']))))}"
            about = {"source": source, "commit": part["commit"].iloc[0], "command": command}
            changed = canonical_json(changed_parameters(game, given, defaults))
            key = {"game": game, "game_parameters": changed, "measure": measure, "direction": direction}
            rows.append({**key, "relative": False, "level": float(f"{level:.6g}"), **about})
    return rows


def pin(folder: Path, defaults: Defaults, path: Path = FILE) -> int:
    """Rewrite the file: the stated levels, those measured in ``folder``, and those of other games as they were.

    Returns:
        The number of measured rows that are new or replaced.

    Raises:
        InputError: there are no results, or none to measure by.
    """
    kept = read_targets(path).to_dict("records") if path.exists() else []
    new = measured(newest(read(folder, ("runs",)).runs), defaults)
    if not new:
        raise InputError(f"{folder} holds no runs of games that are judged by their own measures")
    replaced = {(row["game"], row["game_parameters"]) for row in new}
    others = [row for row in kept if row["game"] != ANY and (row["game"], row["game_parameters"]) not in replaced]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([*stated(), *others, *new], columns=list(COLUMNS)).to_csv(path, index=False, lineterminator="\n")
    read_targets(path)
    return len(new)
