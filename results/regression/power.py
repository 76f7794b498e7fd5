"""Simulated nights: how often would an unchanged night raise an alarm, and which slow-downs would the present seeds show?

The seeds of stored nights are drawn again (bootstrap), pool by pool; what the pool's numbers are is then known:

    time    two different stored nights, the same cells of both drawn with replacement, so that what one night differs from another
            as a whole is in it; of a single night, two runs of the same cell but for the seed
    cost    float32 (chaotic: any change gives another draw): the seeds of the two nights are drawn independently.
            float64: the pairs are kept, because an unchanged run comes out the same; costs are those of the run s times as slow,
            rounded up to the run's checkpoints, what lies between two of them being uniform

A pool that was not steady in a night is not timed (`times.steady`). In a slowed night one pool is s times as slow; it is found
where its p is at most `pools.LEVEL` / (number of tests), which is what the step-up procedure asks where all others are unchanged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from saddlebench.errors import InputError
from saddlebench.results.regression.comparison import one_of_each
from saddlebench.results.regression.costs import costs_of, log_ratios, middle
from saddlebench.results.regression.pools import LEVEL, adjust, worse
from saddlebench.results.regression.times import log_times, margin, shared, steady
from saddlebench.results.store import Tables
from saddlebench.results.summary import Defaults

SLOW_DOWNS = (1.05, 1.1, 1.2, 1.5)


@dataclass(frozen=True)
class TimePool:
    """Logarithms of the time a step, ``(nights, cells)``, and the pairing (all but the seed) that each cell is of."""

    optimizer: str
    family: str
    logs: np.ndarray
    pairing: np.ndarray

    def steady(self, nights: np.ndarray) -> bool:
        """Could the pool be timed in both nights?"""
        return all(steady(self.logs[night], self.pairing) for night in nights)

    def draws(self, nights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """log(new / baseline) of an unchanged night: ``nights`` are the two that are compared, or one and the same."""
        cells = self.logs.shape[1]
        chosen = rng.integers(cells, size=cells)
        other = chosen if nights[0] != nights[1] else _within(self.pairing, chosen, rng)
        return self.logs[nights[1], other] - self.logs[nights[0], chosen]


@dataclass(frozen=True)
class CostPool:
    """Costs to targets, ``(cells, levels)``, and those of each cell's checkpoints, ``(cells, points)``, ∞ after the last."""

    optimizer: str
    family: str
    costs: np.ndarray
    grid: np.ndarray
    pairing: np.ndarray
    chaotic: bool

    def draws(self, slow_down: float, rng: np.random.Generator) -> np.ndarray:
        """log(new / baseline) a cell, of a night in which the optimizer takes ``slow_down`` times the cost."""
        cells = len(self.costs)
        chosen = rng.integers(cells, size=cells)
        other = _within(self.pairing, chosen, rng) if self.chaotic else chosen
        values = middle(log_ratios(self.costs[chosen], self._slowed(other, slow_down, rng)))
        return values[~np.isnan(values)]

    def _slowed(self, cells: np.ndarray, slow_down: float, rng: np.random.Generator) -> np.ndarray:
        found = np.full((len(cells), self.costs.shape[1]), np.inf)
        for row, cell in enumerate(cells):
            grid, costs = self.grid[cell], self.costs[cell]
            at = np.searchsorted(grid, costs)
            reached = np.isfinite(costs)
            before = np.where(at > 0, grid[np.maximum(at - 1, 0)], 0.0)[reached]
            exact = before + (costs[reached] - before) * (1 - rng.random())  # one number a run: its levels shift together
            next_ = np.searchsorted(grid, slow_down * exact)
            found[row, reached] = np.append(grid, np.inf)[next_] if slow_down > 1 else costs[reached]
        return found


@dataclass(frozen=True)
class Simulation:
    """The pools of stored nights; are times told in yardsticks?"""

    times: list[TimePool]
    costs: list[CostPool]
    yardsticks: bool = False

    @property
    def tests(self) -> int:
        """How many tests an unchanged night makes: of time all, of cost those whose runs are chaotic."""
        return len(self.times) + sum(pool.chaotic for pool in self.costs)

    def false_alarms(self, nights: int, rng: np.random.Generator) -> float:
        """The share of simulated unchanged nights with any finding."""
        return float(np.mean([self._alarm(rng) for _ in range(nights)]))

    def _alarm(self, rng: np.random.Generator) -> bool:
        pair = self._pair(rng)
        drawn = [pool.draws(pair, rng) for pool in self.times]
        factor = shared(np.concatenate(drawn), self.yardsticks) if drawn else 0.0
        told = [(pool, values) for pool, values in zip(self.times, drawn, strict=True) if pool.steady(pair)]
        tolerated = margin([float(np.median(values)) for _, values in told])
        tested = [worse("time", pool.optimizer, pool.family, values - factor, tolerated) for pool, values in told]
        chaotic = [(pool, pool.draws(1.0, rng)) for pool in self.costs if pool.chaotic]
        tested += [worse("cost", pool.optimizer, pool.family, values) for pool, values in chaotic if len(values)]
        return any(pool.adjusted <= LEVEL for pool in adjust(tested))

    def power(self, slow_downs: Iterable[float], nights: int, rng: np.random.Generator) -> pd.DataFrame:
        """A row a test and slow-down: ``kind``, ``optimizer``, ``family``, ``pairs``, ``slow_down``, ``power``."""
        rows: list[dict[str, Any]] = []
        for slow_down in slow_downs:
            for pool in self.times:
                between = {pair: (self._shared(pair), self._margin(pair)) for pair in self._pairs()}
                p = []
                for _ in range(nights):
                    pair = self._pair(rng)
                    factor, tolerated = between[_key(pair)]
                    drawn = pool.draws(pair, rng) - factor + np.log(slow_down)
                    p.append(worse("time", "", "", drawn, tolerated).p if pool.steady(pair) else 1.0)
                rows.append(_row("time", pool, pool.logs.shape[1], slow_down, p, self.tests))
            for pool in self.costs:
                tests = self.tests + (not pool.chaotic)
                drawn = [pool.draws(slow_down, rng) for _ in range(nights)]
                p = [worse("cost", "", "", values).p if len(values) else 1.0 for values in drawn]
                rows.append(_row("cost", pool, len(pool.costs), slow_down, p, tests))
        return pd.DataFrame(rows)

    def _pairs(self) -> list[tuple[int, int]]:
        stored = self.times[0].logs.shape[0] if self.times else 1
        return list(permutations(range(stored), 2)) or [(0, 0)]

    def _pair(self, rng: np.random.Generator) -> np.ndarray:
        pairs = self._pairs()
        return np.array(pairs[rng.integers(len(pairs))])

    def _margin(self, pair: tuple[int, int]) -> float:
        """What is tolerated between two nights."""
        steady_ones = [pool for pool in self.times if pool.steady(np.array(pair))]
        return margin([float(np.median(pool.logs[pair[1]] - pool.logs[pair[0]])) for pool in steady_ones])

    def _shared(self, pair: tuple[int, int]) -> float:
        """What is left out of all cells of two nights."""
        return shared(np.concatenate([pool.logs[pair[1]] - pool.logs[pair[0]] for pool in self.times]), self.yardsticks)


def simulation(nights: Sequence[Tables], families: Mapping[str, str], defaults: Defaults) -> Simulation:
    """The pools of stored nights: times of all of them, costs of the first.

    Args:
        nights: results of the same cells.
        families: game → family.
        defaults: of the catalogues.

    Raises:
        InputError: neither a timed run nor one that reached a target.
    """
    each = [one_of_each(night) for night in nights]
    runs: Any = each[0].runs[~each[0].runs["status"].isin(["not_applicable", "error", "timeout"])].set_index("cell")
    told = ["optimizer", "optimizer_parameters", "game", "game_parameters", "budget", "dtype"]
    identity = runs[told].assign(family=runs["game"].map(lambda game: families.get(game, game)))
    identity["pairing"] = identity.groupby(told, sort=False).ngroup()
    logs, yardsticks = log_times(each)
    found = Simulation(_time_pools(logs, identity), _cost_pools(each[0], identity, defaults), yardsticks)
    if not found.times and not found.costs:
        raise InputError("nothing to simulate: no run of these results ran alone, and none reached a target")
    return found


def _time_pools(logs: pd.DataFrame, identity: pd.DataFrame) -> list[TimePool]:
    grouped: Any = identity.loc[identity.index.intersection(logs.index)].groupby(["optimizer", "family"], sort=True)
    return [
        TimePool(optimizer, family, logs.loc[part.index].to_numpy(dtype=float).T, part["pairing"].to_numpy())
        for (optimizer, family), part in grouped
    ]


def _cost_pools(night: Tables, identity: pd.DataFrame, defaults: Defaults) -> list[CostPool]:
    costs = costs_of(night, defaults)
    if not np.isfinite(costs["cost"]).any():
        return []
    wide = costs.pivot(index="cell", columns=["measure", "level"], values="cost")
    wide = wide[np.isfinite(wide).any(axis=1)]
    trace: Any = night.trace
    points: Any = trace[trace["cell"].isin(list(wide.index))].drop_duplicates(["cell", "step"])
    points = points.assign(cost=points["gradients"] + 2 * points["products"], at=points.groupby("cell").cumcount())
    grid = points.sort_values(["cell", "cost"]).pivot(index="cell", columns="at", values="cost").fillna(np.inf)
    grouped: Any = identity.loc[identity.index.intersection(wide.index)].groupby(["optimizer", "family", "dtype"], sort=True)
    return [
        CostPool(
            optimizer=optimizer,
            family=family,
            costs=wide.loc[part.index].fillna(np.inf).to_numpy(dtype=float),  # a measure that another game of the family has
            grid=np.sort(grid.loc[part.index].to_numpy(dtype=float), axis=1),
            pairing=part["pairing"].to_numpy(),
            chaotic=dtype != "float64",
        )
        for (optimizer, family, dtype), part in grouped
    ]


def _within(pairing: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each cell another one (or itself) of its pairing, drawn at random."""
    return np.array([rng.choice(np.flatnonzero(pairing == pairing[cell])) for cell in chosen])


def _row(kind: str, pool: TimePool | CostPool, pairs: int, slow_down: float, p: list[float], tests: int) -> dict[str, Any]:
    about = {"kind": kind, "optimizer": pool.optimizer, "family": pool.family, "pairs": pairs}
    return {**about, "slow_down": slow_down, "power": float(np.mean(np.array(p) <= LEVEL / tests))}


def _key(pair: np.ndarray) -> tuple[int, int]:
    return int(pair[0]), int(pair[1])
