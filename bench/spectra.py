"""The spectra that a program's settings ask for, of the step and of the game itself, as columns and rows."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.cells import Cell
from saddlebench.bench.jacobian import game_at_equilibrium, game_spectrum
from saddlebench.bench.predictions import prediction
from saddlebench.bench.program import History, Point
from saddlebench.bench.rows import spectrum_rows
from saddlebench.bench.spectrum import NoSpectrumError, Spectrum, StepMap, at_equilibrium, refusal
from saddlebench.bench.trees import map_tensors
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer


def kept_steps(points: tuple[str | int, ...]) -> tuple[int, ...]:
    """The steps whose whole state a program must keep; −1 is the last."""
    return tuple(p if isinstance(p, int) else -1 for p in points if p != "equilibrium")


class Spectra:
    """Spectra of the runs of one program; equal ones are computed once.

    Args:
        cells: the program's runs.
        context: the context's key.
        seeds: ``(runs,)``.
        history: what the program recorded.
        ends: the step at which each run ended; past it a diverged run has no spectrum, whatever its batch went on to do.
    """

    def __init__(self, cells: list[Cell], context: str, seeds: Tensor, history: History, ends: list[int]) -> None:
        self.cells, self.context, self.seeds, self.history, self.ends = cells, context, seeds, history, ends
        self._known: dict[Any, Spectrum | NoSpectrumError] = {}

    def columns_and_rows(self, r: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run r's columns of the table `runs` and its rows of the table `spectrum`."""
        cell = self.cells[r]
        columns: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        reasons = []
        for point in cell.pairing.settings.spectrum:
            try:
                name, spectrum = self._at(point, r, of_game=True)
                rows += spectrum_rows(cell.key, self.context, name, spectrum, "game")
            except NoSpectrumError as error:
                failed = str(error)
            else:
                failed = ""
            try:
                name, spectrum = self._at(point, r)
            except NoSpectrumError as error:
                reasons.append(f"{point}: {error}")
                continue
            if failed:
                reasons.append(f"{point}, of the game: {failed}")
            rows += spectrum_rows(cell.key, self.context, name, spectrum)
            if "spectral_radius" not in columns or point == "equilibrium":
                columns |= {
                    "spectral_radius": spectrum.radius,
                    "spectral_radius_transverse": spectrum.radius_transverse,
                    "spectral_radius_period": spectrum.radius_per_step,
                }
        if "equilibrium" in cell.pairing.settings.spectrum:
            columns["predicted_radius"] = prediction(cell.pairing)
        if reasons:
            columns["spectrum_reason"] = "; ".join(reasons)
        return columns, rows

    def _at(self, point: str | int, r: int, of_game: bool = False) -> tuple[str, Spectrum]:
        pairing = self.cells[r].pairing
        game, optimizer = pairing.game, pairing.optimizer
        if point == "equilibrium":
            name = "equilibrium"
            seed = self.cells[r].seed if game.seeded else 0
            if of_game:
                return name, self._once(("game", name, id(game), seed), partial(game_at_equilibrium, game, seed))
            return name, self._once((name, id(pairing), seed), partial(at_equilibrium, game, optimizer, seed))
        kept = self.history.steps[-1] if point == "final" else point
        if int(kept) > self.ends[r]:
            raise NoSpectrumError(f"the run ended at step {self.ends[r]}")
        if kept not in self.history.kept:
            raise NoSpectrumError("the run has diverged" if point == "final" else f"the run made no step {kept}")
        state, name = self.history.kept[int(kept)], f"step:{kept}"
        if of_game:
            return name, self._once(("game", name, r), partial(game_at_point, game, self.seeds, state, r))
        return name, self._once((name, r), partial(at_point, game, optimizer, self.seeds, state, r))

    def _once(self, key: Any, compute: Callable[[], Spectrum]) -> Spectrum:
        if key not in self._known:
            try:
                self._known[key] = compute()
            except NoSpectrumError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, NoSpectrumError):
            raise found
        return found


def at_point(game: Game, optimizer: Optimizer, seeds: Tensor, point: Point, r: int) -> Spectrum:
    """The spectrum where run r of a program stood, in float64; of a method that depends on a counter, the finite-time one.

    Raises:
        NoSpectrumError: the pair has none, or the run has diverged.
    """
    reason = refusal(game, optimizer, at_equilibrium=False)
    if reason:
        raise NoSpectrumError(reason)

    alone, point = _alone(seeds, point, r)
    return StepMap(game, optimizer, alone, point.step, point.buffers, point.w, point.state).spectrum(None)


def game_at_point(game: Game, seeds: Tensor, point: Point, r: int) -> Spectrum:
    """The spectrum of the game's own Jacobian where run r of a program stood, in float64.

    Raises:
        NoSpectrumError: it is not finite there, or the run has diverged.
    """
    alone, point = _alone(seeds, point, r)
    return game_spectrum(game, alone, point.step, point.buffers, point.w)


def _alone(seeds: Tensor, point: Point, r: int) -> tuple[Tensor, Point]:
    """Run r's seed ``(1,)`` and where it stood, in float64."""

    def row(x: Tensor) -> Tensor:
        x = x[r : r + 1] if x.dim() and len(x) == len(seeds) else x
        return x.double() if x.is_floating_point() else x

    w = tuple(row(x) for x in point.w)
    if not all(bool(torch.isfinite(x).all()) for x in w):
        raise NoSpectrumError("the run has diverged")
    return row(seeds), Point(point.step, w, map_tensors(row, point.state), map_tensors(row, point.buffers))
