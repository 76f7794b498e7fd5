"""Checks of a game's values: sizes, losses, the run axis, samples, randomness."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.contracts.finding import NotApplicable, require
from saddlebench.bench.contracts.game_points import RUNS, Spot, spot_of
from saddlebench.bench.contracts.optimizer_steps import random_state
from saddlebench.bench.contracts.playing import clone, difference, rows, same, seeds_of, tensors
from saddlebench.games.game import Game


def players_sizes_and_domains_agree(game: Game) -> None:
    """As many names, sizes, domains, starting strategies and losses as players, and the starts have the sizes."""
    count = len(game.players)
    require(count >= 1, "the game has no players")
    require(len(set(game.players)) == count, f"two players have one name: {game.players}")
    start, dtype = game.initial(seeds_of(RUNS)), getattr(torch, game.dtype)
    for name, value in {"sizes": game.sizes, "domain": game.domain, "initial": start}.items():
        require(len(value) == count, f"{count} players, but {name} has {len(value)} entries")
    for i, domain in enumerate(game.domain):
        known = domain in ("unconstrained", "simplex", "box")
        require(known, f"domain {domain!r} of player {i} is none of unconstrained, simplex, box")
    for i, (x, size) in enumerate(zip(start, game.sizes, strict=True)):
        wrong = f"player {i} starts with shape {tuple(x.shape)} in {x.dtype}, not (runs, size) = {(RUNS, size)} in {dtype}"
        require(x.shape == (RUNS, size) and x.dtype == dtype, wrong)
    losses = len(spot_of(game).losses)
    require(losses == count, f"{count} players, but {losses} losses")


def losses_have_one_number_a_run(game: Game) -> None:
    """Every loss has shape (runs,), the profile's dtype, and finite values near the start."""
    spot = spot_of(game)
    for i, loss in enumerate(spot.losses):
        wrong = f"loss {i} has shape {tuple(loss.shape)} for {RUNS} runs, not ({RUNS},): sum or average over the last axes only"
        require(loss.shape == (RUNS,), wrong)
        require(loss.dtype == spot.w[i].dtype, f"loss {i} is {loss.dtype} where the strategies are {spot.w[i].dtype}")
        require(loss.isfinite().all(), f"loss {i} is not finite near the start")


def single_losses_agree(game: Game) -> None:
    """`loss_of(i)` is losses[i]."""
    spot = spot_of(game)
    single = tuple(game.loss_of(i, spot.w, spot.sample, spot.buffers) for i in range(len(spot.w)))
    gap = difference(single, spot.losses)
    require(gap <= _tolerance(game), f"loss_of differs from losses by {gap:.1e}")


def zero_sum_is_told_truly(game: Game) -> None:
    """The flag zero_sum is set exactly where the losses sum to zero at every profile."""
    spot = spot_of(game, runs=8).double()
    losses = torch.stack(spot.losses)
    share = float((losses.sum(0).abs() / losses.abs().sum(0).clamp_min(1e-12)).max())
    if game.zero_sum:
        require(
            share <= 1e-9, f"zero_sum is True, but the losses sum to {share:.1e} of their size: methods would use wrong products"
        )
    else:
        require(
            share > 1e-12, "zero_sum is False, but the losses sum to zero everywhere: methods for zero-sum games would refuse it"
        )


def evaluation_is_pure(game: Game) -> None:
    """Losses, field, samples and buffers change nothing they are given and answer the same when asked again."""
    spot = spot_of(game)
    before = clone((spot.w, spot.sample, spot.buffers, spot.seeds))

    def evaluate() -> Any:
        answers = spot.losses, spot.oracle().field(spot.w), game.initial(spot.seeds), game.gap(spot.w, spot.buffers)
        return answers, game.advance(spot.w, spot.buffers), game.measures(spot.w, spot.seeds, spot.buffers)

    first = clone(evaluate())
    kept = same((spot.w, spot.sample, spot.buffers, spot.seeds), before)
    require(kept, "an evaluation changed the strategies, the sample or the buffers it was given in place: make new tensors")
    require(same(first, evaluate()), "the same question asked twice has two answers: the game draws random numbers or remembers")


def runs_together_equal_runs_alone(game: Game) -> None:
    """Three runs in a batch have the losses, gradients, buffers and measures that each has alone."""
    spot = spot_of(game)
    for what, ask in _QUESTIONS.items():
        whole = ask(spot)
        if whole is None:
            continue
        for r in range(RUNS):
            alone = tuple(x for _, x in tensors(ask(spot.of(r))))
            gap = difference(tuple(x for _, x in tensors(rows(whole, slice(r, r + 1)))), alone)
            require(
                gap <= _tolerance(game), f"{what} of run {r} differ by {gap:.1e} between a batch and alone: something mixes runs"
            )


_QUESTIONS: dict[str, Callable[[Spot], Any]] = {
    "the losses": lambda s: s.losses,
    "the gradients": lambda s: s.oracle().field(s.w),
    "the starts": lambda s: s.game.initial(s.seeds),
    "the buffers": lambda s: s.game.buffers(s.w, s.seeds),
    "the advanced buffers": lambda s: s.game.advance(s.w, s.buffers),
    "the gaps": lambda s: s.game.gap(s.w, s.buffers),
    "the measures": lambda s: s.game.measures(s.w, s.seeds, s.buffers),
    "the equilibria": lambda s: s.game.equilibrium(s.seeds),
}


def samples_are_stateless(game: Game) -> None:
    """A sample depends on (seed, step, draw) alone: the same in a batch, alone and again; another at another step or draw."""
    seeds = seeds_of(RUNS)
    sample = game.sample(seeds, 5, 0)
    if not game.stochastic:
        require(sample is None, "sample answers something, but stochastic is False: the oracle would never ask for it")
        raise NotApplicable("the game is deterministic")
    require(any(True for _ in tensors(sample)), "stochastic is True, but sample has no tensors")
    require(same(sample, game.sample(seeds, 5, 0)), "the same sample drawn twice differs: draw with saddlebench.games.draws")
    for r in range(RUNS):
        alone = game.sample(seeds[r : r + 1], 5, 0)
        require(same(rows(sample, slice(r, r + 1)), alone), f"run {r}'s sample differs between a batch and alone")
    for what, other in (
        ("step", game.sample(seeds, 6, 0)),
        ("draw", game.sample(seeds, 5, 1)),
        ("seed", game.sample(seeds + 100, 5, 0)),
    ):
        require(not same(sample, other), f"the sample is the same at another {what}: pass the {what} on to the draw")
    spot = spot_of(game)
    again = game.losses(spot.w, game.sample(spot.seeds, 9, 0), spot.buffers)
    require(not same(again, spot.losses), "stochastic is True, but the losses are the same for another sample")


def global_randomness_is_left_alone(game: Game) -> None:
    """No evaluation touches a global random number generator."""
    before = random_state()
    spot = spot_of(game)
    for ask in _QUESTIONS.values():
        ask(spot)
    moved = [name for name, value in random_state().items() if value != before[name]]
    require(not moved, f"the game draws from the global generator of {' and '.join(moved)}: use saddlebench.games.draws")


def one_bad_run_leaves_the_rest_alone(game: Game) -> None:
    """A run whose strategies are NaN changes no bit of the other runs' answers."""
    spot = spot_of(game)
    bad = spot.at(tuple(torch.where(torch.arange(RUNS)[:, None] == 1, torch.nan, x) for x in spot.w))
    for what, ask in _QUESTIONS.items():
        good = ask(spot)
        if good is not None:
            kept = same(rows(good, [0, 2]), rows(ask(bad), [0, 2]))
            require(kept, f"a run of NaN changes {what} of the other runs")


def measures_have_one_number_a_run(game: Game) -> None:
    """Every measure, and the gap, has shape (runs,)."""
    spot = spot_of(game)
    found: dict[str, Tensor | None] = {**game.measures(spot.w, spot.seeds, spot.buffers), "gap": game.gap(spot.w, spot.buffers)}
    found = {name: x for name, x in found.items() if x is not None}
    if not found:
        raise NotApplicable("the game has no measures of its own and no gap")
    for name, value in found.items():
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        require(shape == (RUNS,), f"the measure {name!r} is {shape} for {RUNS} runs, not a tensor of shape ({RUNS},)")


def pictures_have_their_shapes(game: Game) -> None:
    """The game's own pictures are images in [−1, 1] by run, row and column, and its clouds labelled points in the plane."""
    spot = spot_of(game)
    with torch.no_grad():
        pictures = game.pictures(spot.w, spot.seeds, spot.buffers)
        clouds = game.clouds(spot.w, spot.seeds, spot.buffers)
    if not pictures and not clouds:
        raise NotApplicable("the game draws no pictures of its own")
    require(not pictures.keys() & clouds.keys(), "a picture and a cloud have one name: their files would be one")
    for name in (*pictures, *clouds):
        require(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), f"the picture {name!r} is not named in kebab-case")
    for name, x in pictures.items():
        square = x.dim() in (5, 6) and x.shape[0] == RUNS and x.shape[-1] == x.shape[-2] and (x.dim() == 5 or x.shape[3] in (1, 3))
        require(square, f"the picture {name!r} is {tuple(x.shape)}, not ({RUNS}, rows, columns, [channels,] side, side)")
        require(float(x.abs().max()) <= 1 + 1e-6, f"the picture {name!r} leaves [−1, 1]")
    for name, sets in clouds.items():
        for label, x in sets.items():
            fits = x.dim() == 3 and x.shape[0] == RUNS and x.shape[2] == 2
            require(fits, f"the points {label!r} of {name!r} are {tuple(x.shape)}, not ({RUNS}, n, 2)")


def _tolerance(game: Game) -> float:
    return 1e-11 if game.dtype == "float64" else 2e-5


VALUE_CHECKS = (
    players_sizes_and_domains_agree,
    losses_have_one_number_a_run,
    single_losses_agree,
    zero_sum_is_told_truly,
    evaluation_is_pure,
    runs_together_equal_runs_alone,
    samples_are_stateless,
    global_randomness_is_left_alone,
    one_bad_run_leaves_the_rest_alone,
    measures_have_one_number_a_run,
    pictures_have_their_shapes,
)
