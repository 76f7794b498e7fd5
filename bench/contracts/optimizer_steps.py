"""Checks of an optimizer's step: purity, the run axis, randomness, counts."""

import dataclasses
import pickle
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from saddlebench.bench.build import KINDS
from saddlebench.bench.compiling.tracing import UntraceableError, traced
from saddlebench.bench.contracts.arenas import Arena, TinyGAN, arenas
from saddlebench.bench.contracts.finding import NotApplicable, Violation, require
from saddlebench.bench.contracts.playing import (
    Play,
    advance,
    begin,
    clone,
    difference,
    nudged,
    one_a_player,
    oracle_of,
    rows,
    same,
    seeds_of,
    stepping,
    tensors,
)
from saddlebench.bench.oracle import Counts
from saddlebench.bench.stacking import stack
from saddlebench.games.game import Game
from saddlebench.optimizers.optimizer import Optimizer

RUNS = 4
CPU = torch.device("cpu")


def says_where_it_applies(optimizer: Optimizer) -> None:
    """`applies_to` answers None or a reason for every analytic game of the catalogue."""
    for game in analytic_games():
        answer = optimizer.applies_to(game)
        wrong = f"applies_to({game.name}) answered {answer!r}: it must be None, or the reason why not as a sentence"
        require(answer is None or (isinstance(answer, str) and answer.strip()), wrong)


def steps_where_it_applies(optimizer: Optimizer) -> None:
    """Two periods of steps on every analytic game to which it applies keep shapes, dtypes and domains."""
    games = [game for game in analytic_games() if optimizer.applies_to(game) is None]
    if not games:
        raise NotApplicable("it applies to no analytic game of the catalogue")
    for game in games:
        play = begin(game, optimizer, seeds_of(RUNS))
        after = advance(game, optimizer, play, 2 * optimizer.period)
        for i, (x, y) in enumerate(zip(play.w, after.w, strict=True)):
            message = f"on {game.name}, player {i}'s strategy was {_describe(x)} and became {_describe(y)}"
            require(x.shape == y.shape and x.dtype == y.dtype, message)
            outside = float(torch.nan_to_num((game.project(i, y) - y).abs()).max())
            require(outside <= 1e-6, f"on {game.name}, player {i} left its {game.domain[i]} by {outside:.1e}: project, or refuse")


def analytic_games() -> Iterator[Game]:
    """The catalogue's float64 games in their small setting."""
    catalogue = KINDS["game"][0]
    return (cls.small() for cls in catalogue.values() if cls.dtype == "float64")  # pyright: ignore[reportAttributeAccessIssue] - a Game


def step_is_pure(optimizer: Optimizer) -> None:
    """A step changes nothing it is given and answers the same when asked again."""
    for game in arenas(optimizer):
        play = advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS)), 2)
        before = clone((play.w, play.state))
        first = optimizer.step(oracle_of(game, play), play.w, play.state)
        for what, given, kept in (("profile", play.w, before[0]), ("state", play.state, before[1])):
            require(
                same(given, kept),
                f"step changed the {what} it was given in place: make new tensors (x - y, not x.sub_(y) or x -= y)",
            )
        again = optimizer.step(oracle_of(game, play), play.w, play.state)
        require(
            same(first, again), "the same step taken twice gives two answers: it draws random numbers or remembers between calls"
        )


def state_is_made_of_tensors_with_a_run_axis(optimizer: Optimizer) -> None:
    """The state is (named) tuples and dicts of tensors of shape (runs, …)."""
    for game in arenas(optimizer):
        play = advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS)), 1)
        _check_leaves(play.state, "state")
        for path, x in tensors(play.state):
            shape = f"{path or 'the state'} has shape {tuple(x.shape)}"
            require(x.dim() >= 1 and x.shape[0] == RUNS, f"{shape} in a batch of {RUNS} runs: the first axis must be the runs")


def _check_leaves(tree: Any, path: str) -> None:
    if isinstance(tree, Tensor) or tree is None:
        return
    what = f"{path} holds a {type(tree).__name__}"
    require(
        isinstance(tree, tuple | dict),
        f"{what}: only tensors in tuples, named tuples and dicts are saved, resumed and differentiated",
    )
    items = tree.items() if isinstance(tree, dict) else zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True)
    for key, value in items:
        _check_leaves(value, f"{path}.{key}")


def keeps_shapes_and_dtypes(optimizer: Optimizer) -> None:
    """Profile and state keep shape and dtype, in float32 and float64, whether hyperparameters are numbers or tensors."""
    stacked = stack([nudged(optimizer, r) for r in range(RUNS)], CPU)
    for dtype in ("float32", "float64"):
        for game in arenas(optimizer, dtype):
            for method, how in ((optimizer, "numbers"), (stacked, "float64 tensors (runs, 1): use cast(value, like)")):
                start = begin(game, method, seeds_of(RUNS))
                after = advance(game, method, start, 2 * optimizer.period)
                pairs = zip(tensors((start.w, start.state)), tensors((after.w, after.state)), strict=True)
                for (path, x), (_, y) in pairs:
                    what = f"player {path[2:]}'s strategy" if path.startswith("0") else f"state {path[2:]}"
                    message = f"{what} was {_describe(x)} and became {_describe(y)}; hyperparameters were {how}"
                    require(x.shape == y.shape and x.dtype == y.dtype, message)


def _describe(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"


def batch_equals_runs_alone(optimizer: Optimizer) -> None:
    """Runs with different seeds and hyperparameters give in a batch what each gives alone, to 1e-10 after 24 steps."""
    nudges = [[nudged(optimizer, r, fill) for r in range(RUNS)] for fill in (False, True)]
    for game in arenas(optimizer):
        for methods in nudges[: 1 + (nudges[0] != nudges[1])]:
            _compare_with_alone(game, methods, 24, 1e-10)


def batch_equals_runs_alone_on_a_network(optimizer: Optimizer) -> None:
    """The same on a small stochastic GAN in float32, to 1e-5 after 10 steps."""
    game = TinyGAN()
    reason = optimizer.applies_to(game)
    if reason is not None:
        raise NotApplicable(reason)
    _compare_with_alone(game, [nudged(optimizer, r) for r in range(RUNS)], 10, 1e-5)


def _compare_with_alone(game: Arena | TinyGAN, methods: list[Optimizer], steps: int, tolerance: float) -> None:
    seeds, whole = seeds_of(len(methods)), stack(methods, CPU)
    batch = advance(game, whole, begin(game, whole, seeds), steps)
    for r in (1, len(methods) - 1):
        method = methods[r]
        alone = advance(game, method, begin(game, method, seeds[r : r + 1]), steps)
        gap = difference(rows(batch.w, slice(r, r + 1)), alone.w)
        hint = "something mixes runs, e.g. a mean or norm without dim=-1, or reads one run's hyperparameter for all"
        require(
            gap <= tolerance,
            f"run {r} of a batch differs from the same run alone by {gap:.1e} after {steps} steps on {game.title}: {hint}",
        )


def takes_one_value_a_player(optimizer: Optimizer) -> None:
    """A parameter given as a list with one equal value a player does what the value alone does."""
    tried: set[str] = set()
    for game in arenas(optimizer):
        spread, names = one_a_player(optimizer, len(game.sizes))
        tried |= set(names)
        if not names:
            continue
        seeds = seeds_of(RUNS)
        plain = advance(game, optimizer, begin(game, optimizer, seeds), 5)
        given, hint = f"{', '.join(names)} given as a list of equal values", "read it with pick(value, i)"
        try:
            after = advance(game, spread, begin(game, spread, seeds), 5)
        except (TypeError, AttributeError, ValueError, IndexError) as error:
            raise Violation(f"{given} breaks the step ({type(error).__name__}: {error}): {hint}") from error
        gap = difference(after.w, plain.w)
        require(gap <= 1e-12, f"{given} changes the steps by {gap:.1e}: {hint}")
    if not tried:
        raise NotApplicable("no parameter can be given as one value a player")


def one_bad_run_leaves_the_others_alone(optimizer: Optimizer) -> None:
    """A run that is NaN or enormous changes no bit of the other runs."""
    others = [0, 2, 3]
    for game in arenas(optimizer):
        good = game.initial(seeds_of(RUNS))
        plain = advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS), good), 4)
        for bad in (torch.nan, 1e200):
            w = tuple(torch.where(torch.arange(RUNS)[:, None] == 1, bad, x) for x in good)
            spoilt = advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS), w), 4)
            kept = same(rows((spoilt.w, spoilt.state), others), rows((plain.w, plain.state), others))
            require(kept, f"a run that starts at {bad:g} changes the other runs of its batch: mask with torch.where, run by run")


def leaves_global_randomness_alone(optimizer: Optimizer) -> None:
    """No step touches a global random number generator."""
    for game in arenas(optimizer):
        before = random_state()
        advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS)), 2)
        moved = [name for name, value in random_state().items() if value != before[name]]
        require(not moved, f"a step draws from the global generator of {' and '.join(moved)}: ask the oracle for samples instead")


def random_state() -> dict[str, Any]:
    """The states of the global generators, comparable."""
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002 - this is the global state that must not move
        "random": random.getstate(),
    }


def traced_steps_are_the_steps(optimizer: Optimizer) -> None:
    """Replaying the graph of one step gives the steps themselves to 1e-12, and asks what they ask."""
    game = arenas(optimizer)[0]
    step, now = stepping(game, optimizer, seeds_of(RUNS))
    try:
        trace = traced(step, now)
    except UntraceableError as error:
        raise NotApplicable(f"{error}; --compile steps it eagerly") from error
    steps, tensors = optimizer.period + 3, trace.tensors(now)
    with torch.no_grad():
        for k in range(steps):
            tensors = trace.replay(torch.tensor(k), *tensors, *trace.fixed)
    counts, asked = Counts(len(now.w)), Counts(len(now.w))
    trace.count(counts, steps)
    after = advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS)), steps, asked)
    gap = difference(trace.point(steps, tensors, now).w, after.w)
    hint = "a branch on a tensor's value or on the step's number, or memory between calls"
    require(gap <= 1e-12, f"{steps} replayed steps differ from the steps by {gap:.1e} on {game.title}: {hint}")
    require(counts == asked, f"replayed steps ask {counts}, the steps themselves {asked} on {game.title}: {hint}")


class _Reads(TorchDispatchMode):
    """Counts how often a tensor's value is read into Python."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket in (torch.ops.aten._local_scalar_dense, torch.ops.aten.equal)
        return func(*args, **(kwargs or {}))


def reads_no_tensor_value(optimizer: Optimizer) -> None:
    """No Python branch or number depends on a tensor's value: one run must not decide for all, and a step can be compiled."""
    for game in arenas(optimizer):
        play = begin(game, optimizer, seeds_of(RUNS))
        with _Reads() as reads:
            advance(game, optimizer, play, 2)
        message = (
            "a step reads a tensor's value into Python (if x > 0, float(x), x.item()): use torch.where, which decides run by run"
        )
        require(not reads.count, message)


def costs_the_same_every_step(optimizer: Optimizer) -> None:
    """What a step asks of the oracle is the same at every step after the first, or repeats with the method's period."""
    for game in arenas(optimizer):
        play, asked = begin(game, optimizer, seeds_of(1)), []
        for _ in range(1 + 3 * optimizer.period):
            counts = Counts(len(play.w))
            play = advance(game, optimizer, play, 1, counts)
            asked.append((counts.gradients, counts.products))
        later = asked[1:]
        repeats = all(a == b for a, b in zip(later, later[optimizer.period :], strict=False))
        require(repeats, f"(gradients, products) asked a step: {asked}; they must repeat with the period {optimizer.period}")
        require(any(g or p for g, p in later), "the step asks the oracle nothing, so it cannot know the game")


def can_be_resumed(optimizer: Optimizer) -> None:
    """A play continued from a saved profile and state by another instance equals the uninterrupted one, bitwise."""
    for game in arenas(optimizer):
        half = advance(game, optimizer, begin(game, optimizer, seeds_of(RUNS)), optimizer.period + 2)
        saved: Play = clone(half)
        whole = advance(game, optimizer, half, 3)
        resumed = advance(game, dataclasses.replace(optimizer), saved, 3)  # pyright: ignore[reportArgumentType] - a dataclass
        message = "a play resumed from (profile, state) goes elsewhere: something the next step needs is not in the state"
        require(same((whole.w, whole.state), (resumed.w, resumed.state)), message)


STEP_CHECKS = (
    says_where_it_applies,
    steps_where_it_applies,
    step_is_pure,
    state_is_made_of_tensors_with_a_run_axis,
    keeps_shapes_and_dtypes,
    batch_equals_runs_alone,
    batch_equals_runs_alone_on_a_network,
    takes_one_value_a_player,
    one_bad_run_leaves_the_others_alone,
    leaves_global_randomness_alone,
    reads_no_tensor_value,
    traced_steps_are_the_steps,
    costs_the_same_every_step,
    can_be_resumed,
)
