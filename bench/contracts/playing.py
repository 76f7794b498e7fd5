"""Playing a few steps, the way the runner does, and comparing what comes out."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saddlebench.bench.build import construct
from saddlebench.bench.compiling.tracing import Step
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.recording import Point
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.optimizers.optimizer import Optimizer, State


class Play(NamedTuple):
    """Where a play stands: what the next step begins from."""

    seeds: Tensor
    step: int
    buffers: Buffers
    w: Profile
    state: State


def oracle_of(game: Game, play: Play, counts: Counts | None = None, differentiable: bool = False) -> Oracle:
    """The oracle of the play's next step."""
    counts = counts or Counts(len(play.w))
    return Oracle.at_step(game, play.seeds, play.step, play.buffers, counts, differentiable=differentiable)


def begin(game: Game, optimizer: Optimizer, seeds: Tensor, w: Profile | None = None) -> Play:
    """A play at its start: the game's, or ``w``."""
    w = game.initial(seeds) if w is None else w
    play = Play(seeds, 0, game.buffers(w, seeds), w, ())
    return play._replace(state=optimizer.init(oracle_of(game, play), w))


def advance(game: Game, optimizer: Optimizer, play: Play, steps: int, counts: Counts | None = None) -> Play:
    """The play some steps later."""
    for _ in range(steps):
        oracle = oracle_of(game, play, counts)
        w, state = optimizer.step(oracle, play.w, play.state)
        w, state = map_tensors(Tensor.detach, w), map_tensors(Tensor.detach, state)
        play = Play(play.seeds, play.step + 1, game.advance(w, oracle.stream.buffers), w, state)
    return play


def stepping(game: Game, optimizer: Optimizer, seeds: Tensor) -> tuple[Step, Point]:
    """The eager step as `saddlebench.bench.compiling` takes it, and where it begins."""

    def step(now: Point, counts: Counts) -> Point:
        oracle = oracle_of(game, Play(seeds, now.step, now.buffers, now.w, now.state), counts)
        w, state = optimizer.step(oracle, now.w, now.state)
        return Point(now.step + 1, w, state, game.advance(w, oracle.stream.buffers))

    play = begin(game, optimizer, seeds)
    return step, Point(0, play.w, play.state, play.buffers)


def seeds_of(runs: int) -> Tensor:
    """Seeds of a few runs."""
    return torch.arange(runs, dtype=torch.int64) + 11


def tensors(tree: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a tree with where it is in it."""
    if isinstance(tree, Tensor):
        yield path.lstrip("."), tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from tensors(value, f"{path}.{key}")
    elif isinstance(tree, tuple):
        for key, value in zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True):
            yield from tensors(value, f"{path}.{key}")


def clone(tree: Any) -> Any:
    """A copy that shares no memory."""
    return map_tensors(Tensor.clone, tree)


def same(a: Any, b: Any) -> bool:
    """Are all tensors of two trees bitwise equal, NaN equal to NaN?"""
    pairs = list(zip(tensors(a), tensors(b), strict=True))
    return all(p == q and x.shape == y.shape and torch.equal(_bits(x), _bits(y)) for (p, x), (q, y) in pairs)


def _bits(x: Tensor) -> Tensor:
    return torch.nan_to_num(x, nan=-12345.678) if x.is_floating_point() else x


def rows(tree: Any, keep: list[int] | slice) -> Any:
    """Some runs of a tree."""
    return map_tensors(lambda x: x[keep], tree)


def difference(a: Profile, b: Profile) -> float:
    """The largest difference of two profiles, relative to the largest entry; infinite where only one is finite."""
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        if not x.numel():
            continue
        scale = max(1.0, float(torch.nan_to_num(y.double().abs(), nan=0.0, posinf=0.0).max()))
        gap = torch.where((x == y) | (x.isnan() & y.isnan()), 0.0, (x.double() - y.double()).abs() / scale)
        worst = max(worst, float(torch.nan_to_num(gap, nan=torch.inf).max()))
    return worst


def with_values(optimizer: Any, values: dict[str, Any], kind: str = "optimizer") -> Any | None:
    """The same with other parameters; None where they are refused."""
    try:
        return construct(kind, type(optimizer), {**{f.name: getattr(optimizer, f.name) for f in _fields(optimizer)}, **values})
    except InputError:
        return None


def nudged(optimizer: Optimizer, run: int, fill: bool = False) -> Optimizer:
    """The optimizer with every float a little smaller (larger where that is refused), by an amount that depends on the run.

    ``fill``: options that are None become a number where they can be one.
    """
    for f in _fields(optimizer):
        value = getattr(optimizer, f.name)
        changes = [_scaled(value, 1 - 0.03 * run), _scaled(value, 1 + 0.03 * run)]
        if value is None and fill:
            changes = [0.07 - 0.002 * run]
        for change in changes:
            changed = None if change == value and type(change) is type(value) else with_values(optimizer, {f.name: change})
            if changed is not None:
                optimizer = changed
                break
    return optimizer


def one_a_player(optimizer: Optimizer, players: int) -> tuple[Optimizer, list[str]]:
    """The optimizer with every number that can be one a player given so, all equal, and the names of these parameters."""
    found = []
    for f in _fields(optimizer):
        value = getattr(optimizer, f.name)
        if not _floats(value) or (isinstance(value, tuple) and isinstance(value[0], tuple)):
            continue
        changed = with_values(optimizer, {f.name: (value,) * players})
        if changed is not None:
            optimizer, found = changed, [*found, f.name]
    return optimizer, found


def _fields(instance: Any) -> list[Any]:
    return [f for f in dataclasses.fields(instance) if f.init]


def _floats(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(_floats(v) for v in value)
    return isinstance(value, float)


def _scaled(value: Any, factor: float) -> Any:
    return (
        value * factor
        if isinstance(value, float)
        else tuple(_scaled(v, factor) for v in value)
        if isinstance(value, tuple)
        else value
    )
