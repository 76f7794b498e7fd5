"""Every optimizer on every analytic game: a pair either steps as the contracts say, or is refused with a reason.

`tests/test_optimizer_contract.py` looks for faults on games made for it; here each pair that a suite can name is played.
"""

import dataclasses
from functools import cache

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, clone, difference, rows, same, seeds_of
from saddlebench.bench.oracle import Counts
from saddlebench.bench.spectrum import StepMap
from saddlebench.games import GAMES
from saddlebench.optimizers import OPTIMIZERS

RUNS, STEPS = 3, 3
NUDGES = (1e-5, 1e-6, 1e-7)  # of central differences: a wrong derivative agrees with none
OF_LATENTS = ("logan",)  # they move a generator's latents, and no analytic game has any
ANALYTIC = [name for name, cls in GAMES.items() if cls.dtype == "float64"]


def games():
    """The analytic games, and their other forms."""
    for name in ANALYTIC:
        small = GAMES[name].small()
        yield name, small
        if name in ("rock-paper-scissors", "matrix-game"):
            yield f"{name}, softmax", dataclasses.replace(small, form="softmax")
        if name == "matching-pennies":
            yield f"{name}, logit", dataclasses.replace(small, form="logit")
        if name == "forsaken":
            yield (
                f"{name}, unbounded",
                dataclasses.replace(small, box=False, start=(0.1, 0.45)),
            )  # near rest: φ is stiff


@cache
def arenas():
    return dict(games())


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_game_is_played_or_refused_with_a_reason(name):
    optimizer, played = build("optimizer", name), 0
    for title, game in arenas().items():
        reason = optimizer.applies_to(game)
        if reason is not None:
            assert isinstance(reason, str), title
            assert len(reason.split()) >= 3, (title, reason)
            continue
        played += 1
        end = play(optimizer, game, title)
        if optimizer.smooth:
            derivative_is_whole(optimizer, game, title, end)
    assert played or name in OF_LATENTS, "it applies to no analytic game"


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if build("optimizer", name).applies_to(arenas()["forsaken"]) is None])
def test_no_step_leaves_the_box(name):
    long = {"step_size": 2.0}  # long enough to leave it without a projection
    bare = "base" in {field.name for field in dataclasses.fields(OPTIMIZERS[name])}
    optimizer = build("optimizer", {name: {"base": {"simultaneous-gradient": long}} if bare else long})
    game = dataclasses.replace(arenas()["forsaken"], start=(1.4, -1.4))
    at = begin(game, optimizer, seeds_of(1))
    for _ in range(20):
        at = advance(game, optimizer, at, 1)
        assert all((game.project(i, x) - x).abs().max() == 0 for i, x in enumerate(at.w)), f"it left the box at {at.w}"


def play(optimizer, game, title):
    """Three steps: finite, within the domain, pure, each run as it is alone, and asking the oracle something."""
    counts = Counts(len(game.sizes))
    start = begin(game, optimizer, seeds_of(RUNS))
    before = clone((start.w, start.state))
    end = advance(game, optimizer, start, STEPS, counts)
    assert same((start.w, start.state), before), f"{title}: a step changed what it was given"
    for i, x in enumerate(end.w):
        assert x.shape == start.w[i].shape, title
        assert x.isfinite().all(), f"{title}: player {i} is not finite"
        assert (game.project(i, x) - x).abs().max() <= 1e-9, f"{title}: player {i} left its {game.domain[i]}"
    again = advance(game, optimizer, start, STEPS)
    assert same((again.w, again.state), (end.w, end.state)), f"{title}: the same steps end elsewhere"
    assert counts.gradients > 0, f"{title}: it asks for no gradient"
    for run in range(RUNS):
        alone = advance(game, optimizer, begin(game, optimizer, start.seeds[run : run + 1]), STEPS)
        gap = difference(rows(end.w, slice(run, run + 1)), alone.w)
        assert gap <= 1e-10, f"{title}: run {run} of the batch is {gap:.1e} off the run alone"
    return end


def derivative_is_whole(optimizer, game, title, at):
    """uᵀ(∂step/∂state)d by autograd and by a central difference, for a random u and d, strategies and the state's tensors alike."""
    seeds = at.seeds[:1]
    w = game.initial(seeds)  # a later profile may have left where solves are well-posed; a later state is past its zeros
    step = StepMap(game, optimizer, seeds, at.step, game.buffers(w, seeds), w, rows(at.state, slice(0, 1)))
    generator = torch.Generator().manual_seed(1)
    drawn = [torch.randn(x.shape, dtype=x.dtype, generator=generator) for x in step.parts]
    scales = [x.abs().clamp_min(0.1 if i < len(w) else 0.0) for i, x in enumerate(step.parts)]  # no root's argument below 0
    d = [s * g for s, g in zip(scales, drawn, strict=True)]
    u = torch.randn(1, step.unknowns, dtype=torch.float64, generator=generator)
    exact, gaps = float((step.transposed_products(u) * torch.cat(d, -1)).sum()), []
    for nudge in NUDGES:
        ahead, behind = (
            torch.cat(step.apply([x + sign * nudge * y for x, y in zip(step.parts, d, strict=True)]), -1) for sign in (1, -1)
        )
        slope = u * (ahead - behind) / (2 * nudge)
        gaps.append(abs(exact - float(slope.sum())) / (1 + float(slope.abs().sum())))
        if gaps[-1] <= 1e-5:
            return
    raise AssertionError(f"{title}: the derivative of a step by autograd is off by {min(gaps):.1e}")
