"""Checks of a game's domains, equilibria, null directions and gap."""

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from saddlebench.bench.contracts.finding import NotApplicable, require
from saddlebench.bench.contracts.game_points import RUNS, Spot, spot_of
from saddlebench.bench.contracts.playing import seeds_of
from saddlebench.games.draws import normal
from saddlebench.games.game import Game

_SOLVED = 12  # the largest simplex that is projected by scipy too


def projections_are_nearest_points(game: Game) -> None:
    """Projections land in the domain, stay where they are when repeated, and are the nearest points of it."""
    constrained = [i for i, domain in enumerate(game.domain) if domain != "unconstrained"]
    seeds = seeds_of(8)
    for i, size in enumerate(game.sizes):
        x = 2 * normal(seeds, f"contract projection {i}", size)
        if i not in constrained:
            require(torch.equal(game.project(i, x), x), f"player {i} is unconstrained, but project moves its strategy")
            continue
        p = game.project(i, x)
        require(p.shape == x.shape and p.dtype == x.dtype, f"project({i}, x) changes shape or dtype")
        moved = float((game.project(i, p) - p).abs().max())
        require(moved <= 1e-12, f"projecting player {i} twice moves it again by {moved:.1e}")
        start = game.initial(seeds)[i]
        outside = float((game.project(i, start) - start).abs().max())
        require(outside <= 1e-6, f"player {i} starts outside its {game.domain[i]} by {outside:.1e}")
        _require_nearest(game, i, x, p)
    if not constrained:
        raise NotApplicable("every player is unconstrained")


def _require_nearest(game: Game, i: int, x: Tensor, p: Tensor) -> None:
    # p is the nearest point of a convex set exactly if ⟨x − p, z − p⟩ ≤ 0 for every z in it.
    feasible = game.project(i, 5 * x.roll(1, -1).flip(0))
    angle = float(torch.einsum("ra,rsa->rs", x - p, feasible - p[:, None]).max())
    require(
        angle <= 1e-9, f"player {i}'s projection is not the nearest point of its {game.domain[i]}: another is nearer ({angle:.1e})"
    )
    if game.domain[i] != "simplex":
        return
    low, total = float(p.min()), float((p.sum(-1) - 1).abs().max())
    require(
        low >= 0 and total <= 1e-9, f"player {i}'s projection is off the simplex: least entry {low:.1e}, sum off by {total:.1e}"
    )
    if x.shape[-1] <= _SOLVED:
        gap = max(float(np.abs(_nearest_on_simplex(a.numpy()) - b.numpy()).max()) for a, b in zip(x[:3], p[:3], strict=True))
        require(gap <= 1e-5, f"player {i}'s projection differs from a numerical solution by {gap:.1e}")


def _nearest_on_simplex(x: np.ndarray) -> np.ndarray:
    found = minimize(
        lambda z: ((z - x) ** 2).sum(),
        np.full(len(x), 1 / len(x)),
        jac=lambda z: 2 * (z - x),
        bounds=[(0, 1)] * len(x),
        constraints={"type": "eq", "fun": lambda z: z.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-14, "maxiter": 300},
    )
    return found.x


def equilibrium_is_one(game: Game) -> None:
    """The field vanishes at the equilibrium; on a constrained domain a projected step along it does not move."""
    spot = _at_equilibrium(game)
    if game.stochastic:
        raise NotApplicable("the game is stochastic: its field vanishes at the equilibrium only on average")
    field = spot.oracle().field(spot.w)
    for i, (w, v) in enumerate(zip(spot.w, field, strict=True)):
        require(w.shape == (RUNS, game.sizes[i]), f"the equilibrium of player {i} has shape {tuple(w.shape)}")
        leaves = float((game.project(i, w - 0.1 * v) - w).abs().max()) * 10
        if game.domain[i] == "unconstrained":
            require(leaves <= 1e-9, f"the field of player {i} is {leaves:.1e} at the equilibrium, not 0")
        else:
            require(leaves <= 1e-9, f"a projected step leaves the equilibrium of player {i}: it moves at speed {leaves:.1e}")


def null_directions_are_null(game: Game) -> None:
    """The null directions are orthonormal, and the field does not change along them at the equilibrium."""
    directions = game.null_directions(seeds_of(RUNS))
    if directions is None:
        raise NotApplicable("the game declares no null directions")
    width = sum(game.sizes)
    fits = directions.dim() == 3 and directions.shape[0] == RUNS and directions.shape[2] == width
    require(fits, f"null_directions has shape {tuple(directions.shape)}, not (runs, k, {width})")
    gram = directions @ directions.mT
    off = float((gram - torch.eye(gram.shape[-1], dtype=gram.dtype)).abs().max())
    require(off <= 1e-9, f"the null directions are not orthonormal: their inner products are off by {off:.1e}")
    spot = _at_equilibrium(game)
    for k in range(directions.shape[1]):
        u = directions[:, k].split(list(game.sizes), -1)
        change = max(float(x.abs().max()) for x in spot.oracle().at(spot.w).jvp(u))
        require(change <= 1e-9, f"the field changes along null direction {k} at a rate of {change:.1e}")


def distance_is_zero_at_equilibria_only(game: Game) -> None:
    """The distance is ≥ 0, positive at generic points, never grows faster than a step, and 0 at the equilibrium and along null
    directions."""
    spot = spot_of(game, runs=8).double()
    near = game.equilibrium_distance(spot.w, spot.seeds)
    if near is None:
        raise NotApplicable("the game knows no equilibrium")
    require(near.shape == (8,), f"equilibrium_distance has shape {tuple(near.shape)}, not (runs,)")
    require((near > 1e-9).all(), f"the distance is {float(near.min()):.1e} at generic points")
    step = [1e-3 * normal(spot.seeds, f"contract distance {i}", size) for i, size in enumerate(game.sizes)]
    ahead = game.equilibrium_distance(tuple(w + s for w, s in zip(spot.w, step, strict=True)), spot.seeds)
    assert ahead is not None
    excess = float(((ahead - near).abs() - torch.cat(step, -1).norm(dim=-1)).max())
    require(excess <= 1e-9, f"a step changes the distance by more than its own length, by {excess:.1e}")
    if game.equilibrium(seeds_of(RUNS)) is None:
        return
    rest = _at_equilibrium(game)
    directions = game.null_directions(rest.seeds)
    flat = torch.cat(rest.w, -1)
    points = [flat] + [flat + 1e-5 * u for u in (() if directions is None else directions.unbind(1))]
    for point in points:  # a manifold that bends is left by the square of 1e-5
        found = game.equilibrium_distance(point.split(list(game.sizes), -1), rest.seeds)
        assert found is not None
        require((found <= 1e-8).all(), f"the distance is {float(found.max()):.1e} at an equilibrium, not 0")


def gap_is_zero_at_equilibrium_only(game: Game) -> None:
    """The gap is ≥ 0, positive at generic points, and 0 at the equilibrium."""
    spot = spot_of(game, runs=8).double()
    gap = game.gap(spot.w, spot.buffers)
    if gap is None:
        raise NotApplicable("the game computes no gap")
    require((gap >= -1e-12).all(), f"the gap is negative: {float(gap.min()):.1e}")
    require((gap > 1e-9).any(), "the gap is 0 at generic points")
    if game.equilibrium(seeds_of(RUNS)) is None:
        return
    rest = _at_equilibrium(game)
    at_rest = game.gap(rest.w, rest.buffers)
    assert at_rest is not None
    require((at_rest.abs() <= 1e-9).all(), f"the gap is {float(at_rest.abs().max()):.1e} at the equilibrium, not 0")


def _at_equilibrium(game: Game) -> Spot:
    spot = spot_of(game).double()
    rest = game.equilibrium(spot.seeds)
    if rest is None:
        raise NotApplicable("the game knows no equilibrium")
    rest = tuple(x.double() for x in rest)
    buffers = game.buffers(rest, spot.seeds)
    return Spot(game, spot.seeds, rest, spot.sample, buffers).double()


SOLUTION_CHECKS = (
    projections_are_nearest_points,
    equilibrium_is_one,
    null_directions_are_null,
    distance_is_zero_at_equilibria_only,
    gap_is_zero_at_equilibrium_only,
)
