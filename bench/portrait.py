"""The phase portrait of a game of two players with one number each: its flow on a grid, and trajectories of optimizers."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.eigenpairs import NoSpectrumError
from saddlebench.bench.fixed_point import classify
from saddlebench.bench.jacobian import field_map, resting_profile
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.errors import InputError
from saddlebench.games.game import Game, Profile
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.results.figures.phase_portrait import Portrait

GRID = 25
_SEEDS = 3  # starts where none are given
_REACH = 2.0  # a trajectory that leaves widens the window to this multiple of the starts' distance from its centre, no further
_MARGIN = 0.05
_SMALLEST = 0.5  # half a window


def portrait(
    game: Game,
    optimizers: Sequence[tuple[str, Optimizer]],
    starts: Sequence[tuple[float, ...]] = (),
    steps: int = 300,
    window: tuple[float, ...] | None = None,
) -> Portrait:
    """The portrait of a game.

    Args:
        game: of two players with one number each.
        optimizers: each with its label; all of them must apply to the game.
        starts: (x, y) of each trajectory, projected on the domain; none: the game's own starts of seeds 0, 1, 2.
        steps: of each trajectory.
        window: left, right, bottom, top; None: what the trajectories fill.

    Raises:
        InputError: another kind of game.
    """
    require_plane(game)
    seeds = torch.zeros(len(starts), dtype=torch.int64) if starts else torch.arange(_SEEDS)
    initial = torch.tensor(starts, dtype=torch.float64).split(1, -1) if starts else game.initial(seeds)
    initial = tuple(game.project(i, x.double()) for i, x in enumerate(initial))
    runs = [(label, path) for label, one in optimizers for path in trajectories(game, one, seeds, initial, steps)]
    try:
        resting = resting_profile(game)
        rest = torch.cat(resting[3], -1)[0].double().numpy()
        kind = classify(field_map(game, *resting).jacobian())
    except NoSpectrumError:
        found = game.equilibrium(seeds[:1])
        rest, kind = None if found is None else torch.cat(found, -1)[0].double().numpy(), None
    corners = torch.cat(initial, -1).numpy() if rest is None else np.vstack((torch.cat(initial, -1).numpy(), rest))
    left, right, bottom, top = window or _window(corners, [path for _, path in runs])
    x, y = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
    return Portrait(type(game).name or type(game).__name__, game.players, x, y, flow(game, x, y), runs, rest, kind)


def require_plane(game: Game) -> None:
    """Refuse a game that is not one of two numbers.

    Raises:
        InputError: it has others.
    """
    if game.sizes != (1, 1):
        sizes = " + ".join(str(n) for n in game.sizes)
        name = type(game).name or type(game).__name__
        raise InputError(f"a phase portrait takes two players with one number each, and {name} has {sizes} numbers")


def flow(game: Game, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """−v on the grid: ``(len(y), len(x), 2)``. A stochastic game's is that of one sample."""
    across, up = np.meshgrid(x, y)
    w = (torch.from_numpy(across.reshape(-1, 1)), torch.from_numpy(up.reshape(-1, 1)))
    seeds = torch.zeros(across.size, dtype=torch.int64)
    oracle = Oracle.at_step(game, seeds, 0, game.buffers(w, seeds), Counts(2), torch.float64)
    v = torch.cat(oracle.field(w), -1)
    return -v.detach().numpy().reshape(len(y), len(x), 2)


def trajectories(game: Game, optimizer: Optimizer, seeds: Tensor, w: Profile, steps: int) -> list[np.ndarray]:
    """The path of each run, ``(points, 2)``, its start first, until it is no longer finite."""
    buffers = game.buffers(w, seeds)

    def oracle(step: int) -> Oracle:
        return Oracle.at_step(game, seeds, step, buffers, Counts(2), torch.float64)

    state, points = optimizer.init(oracle(0), w), [torch.cat(w, -1)]
    for step in range(steps):
        asked = oracle(step)
        w, state = optimizer.step(asked, w, state)
        buffers = game.advance(w, asked.stream.buffers)
        points.append(torch.cat(w, -1))
    paths = torch.stack(points, 1).detach().numpy()
    finite = np.logical_and.accumulate(np.isfinite(paths).all(-1), axis=1)
    return [path[kept] for path, kept in zip(paths, finite, strict=True)]


def _window(corners: np.ndarray, paths: list[np.ndarray]) -> tuple[float, ...]:
    """A square about the last corner (the equilibrium, if one is known) for all corners, and for paths that do not run away."""
    centre = corners[-1]
    reach = max(float(np.abs(corners - centre).max()), _SMALLEST)
    every = np.vstack((corners, *paths))
    half = (1 + _MARGIN) * min(max(float(np.abs(every - centre).max()), _SMALLEST), _REACH * reach)
    return float(centre[0] - half), float(centre[0] + half), float(centre[1] - half), float(centre[1] + half)
