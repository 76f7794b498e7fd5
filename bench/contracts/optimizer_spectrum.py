"""Checks of what the spectrum relies on: what the optimizer declares of its step, and the step's derivative."""

from typing import Any

import numpy as np
import torch

from saddlebench.bench.contracts.arenas import Arena, TinyGAN, arenas
from saddlebench.bench.contracts.finding import NotApplicable, require
from saddlebench.bench.contracts.playing import Play, advance, begin, difference, oracle_of, same, seeds_of
from saddlebench.bench.spectrum import StepMap
from saddlebench.bench.trees import active_tensors, map_tensors, replace_active
from saddlebench.optimizers.optimizer import Optimizer

STEP = 1e-5  # of finite differences, relative to the number that is moved, or to the floor where that is smaller
FLOORS = (1e-2, 1e-5, 1e-8)  # no single one suits a strategy near 0 and a mean square of 1e-7 alike


def declares_what_it_is(optimizer: Optimizer) -> None:
    """Period, autonomous, smooth, singular_at_rest, cost and paper have values of their kinds."""
    require(type(optimizer.period) is int and optimizer.period >= 1, f"period is {optimizer.period!r}, not an integer ≥ 1")
    for name in ("autonomous", "smooth"):
        require(type(getattr(optimizer, name)) is bool, f"{name} is {getattr(optimizer, name)!r}, neither True nor False")
    for name in ("singular_at_rest", "paper", "cost"):
        require(isinstance(getattr(optimizer, name), str), f"{name} is {getattr(optimizer, name)!r}, not a text")
    require(optimizer.cost, 'cost is empty: say what a step asks, like  cost = "1 gradient"')
    require(optimizer.paper, 'paper is empty: say where the method is from, like  paper = "Doe & Roe 2024" or "unpublished"')


def answers_the_last_iterate(optimizer: Optimizer) -> None:
    """`answers` names the profiles to evaluate; "last" is the profile itself, and all have its shape."""
    for game in arenas(optimizer):
        play = advance(game, optimizer, begin(game, optimizer, seeds_of(3)), 2)
        answers = optimizer.answers(play.w, play.state)
        require("last" in answers, 'answers has no "last": the last iterate must be among them')
        require(same(answers["last"], play.w), 'answers["last"] is not the profile it was given')
        for name, answer in answers.items():
            fits = [x.shape == y.shape and x.dtype == y.dtype for x, y in zip(answer, play.w, strict=True)]
            require(all(fits), f"answers[{name!r}] does not have the profile's shape and dtype")


def state_can_be_taken_apart(optimizer: Optimizer) -> None:
    """The active tensors of the state can be listed and put back, and nothing changes."""
    for game in arenas(optimizer):
        play = advance(game, optimizer, begin(game, optimizer, seeds_of(2)), 2)
        rebuilt = replace_active(play.state, active_tensors(play.state))
        require(same(rebuilt, play.state), "the state changes when its tensors are listed and put back")
        message = f"the state was a {type(play.state).__name__} and came back as a {type(rebuilt).__name__}"
        require(type(rebuilt) is type(play.state), message)
        require(all(x.dim() == 2 for x in active_tensors(play.state)), "a floating tensor of the state is not (runs, size)")


def autonomous_means_no_counter(optimizer: Optimizer) -> None:
    """The step of an autonomous method does not depend on what its state calls passive (counters, averages)."""
    if not optimizer.autonomous:
        raise NotApplicable("it declares that its step depends on a counter")
    for game in arenas(optimizer):
        early = advance(game, optimizer, begin(game, optimizer, seeds_of(2)), 2 * optimizer.period)
        late = advance(game, optimizer, early, 3 * optimizer.period)
        mixed = replace_active(late.state, active_tensors(early.state))
        one, other = (optimizer.step(oracle_of(game, early), early.w, state)[0] for state in (early.state, mixed))
        gap = difference(one, other)
        message = (
            f"declared autonomous, but a later counter changes the step by {gap:.1e}: set autonomous to False, or mark less passive"
        )
        require(gap <= 1e-12, message)


def jacobian_equals_finite_differences(optimizer: Optimizer) -> None:
    """The step's derivative by autograd equals central finite differences at a generic point, to 1e-5."""
    if not optimizer.smooth:
        raise NotApplicable("it declares that its step is not differentiable")
    for game in arenas(optimizer):
        play = advance(game, optimizer, begin(game, optimizer, seeds_of(1)), 2 + optimizer.period)
        exact = StepMap(game, optimizer, play.seeds, play.step, play.buffers, play.w, play.state).jacobian()
        gap = np.full(len(exact), np.inf)
        for floor in FLOORS:  # a wrong derivative agrees with none of them
            numeric = _differences(game, optimizer, play, floor)
            here = np.abs(exact - numeric).max(0) / (1 + np.abs(numeric).max(0))
            gap = np.fmin(gap, here)  # a move below 0 makes a root NaN
        hint = "detach, no_grad, .data or .item() inside the step, or a rounding function, hides part of it"
        require(gap.max() <= 1e-5, f"the step's Jacobian is off by {gap.max():.1e} on {game.title}: {hint}")


def _differences(game: Arena | TinyGAN, optimizer: Optimizer, play: Play, floor: float) -> np.ndarray:
    """The Jacobian of the step map: every moved number is a run of its own."""
    parts = [*play.w, *active_tensors(play.state)]
    sizes = [x.shape[-1] for x in parts]
    flat = torch.cat([x[0] for x in parts])
    moves = torch.diag(STEP * flat.abs().clamp_min(floor))

    def moved(sign: int) -> torch.Tensor:
        whole = (flat + sign * moves).split(sizes, -1)
        count = len(flat)
        w, state = whole[: len(play.w)], replace_active(_repeat(play.state, count), iter(whole[len(play.w) :]))
        seeds, buffers = play.seeds.expand(count), _repeat(play.buffers, count)
        for k in range(optimizer.period):
            now = Play(seeds, play.step + k, buffers, w, state)
            w, state = optimizer.step(oracle_of(game, now), w, state)
        return torch.cat([*w, *active_tensors(state)], -1)

    return ((moved(1) - moved(-1)) / (2 * moves.diagonal()[:, None])).mT.double().numpy()


def _repeat(tree: Any, count: int) -> Any:
    return map_tensors(lambda x: x.expand(count, *x.shape[1:]), tree)


SPECTRUM_CHECKS = (
    declares_what_it_is,
    answers_the_last_iterate,
    state_can_be_taken_apart,
    autonomous_means_no_counter,
    jacobian_equals_finite_differences,
)
