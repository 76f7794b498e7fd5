"""What every penalty has in common: weight, interval, player; and how a game pays."""

import pytest
import torch

from saddlebench.games.networks.gan import Evaluated
from saddlebench.games.penalties.gradient import GeneratedGradient, InterpolatedGradient, PerturbedGradient, RealGradient
from saddlebench.games.penalties.matching import FeatureMatching, HistoricalAveraging
from saddlebench.games.penalties.penalty import input_gradient

SEEDS = torch.tensor([3, 7])
GRADIENTS = {"gradient_penalty": InterpolatedGradient, "dragan": PerturbedGradient, "r1": RealGradient, "r2": GeneratedGradient}
OTHERS = {"feature_matching": FeatureMatching, "historical_averaging": HistoricalAveraging}


def losses(game, step):
    profile = game.initial(SEEDS)
    return game.losses(profile, game.sample(SEEDS, step, 0), game.buffers(profile, SEEDS))


def values(game, step, penalty):
    """The penalty's own value (for weight 1, every step) at a step."""
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, step, 0)
    draw = next((d for p, d in zip(game.penalties, sample.draws, strict=True) if type(p) is type(penalty)), None)
    return penalty.value(Evaluated(game, profile, sample, game.buffers(profile, SEEDS)), draw)


@pytest.mark.parametrize("name", list(GRADIENTS))
def test_lazy_penalties_are_paid_at_every_so_many_steps_that_many_times_as_much(plane, name):
    game, plain = plane(**{name: 0.5, "penalty_every": 4}), plane()
    for step in range(9):
        added = [a - b for a, b in zip(losses(game, step), losses(plain, step), strict=True)]
        assert not added[0].any()  # the discriminator pays
        expected = 4 * 0.5 * values(game, step, GRADIENTS[name](1.0)) if step % 4 == 0 else torch.zeros(2, dtype=torch.float64)
        torch.testing.assert_close(added[1], expected, rtol=1e-12, atol=1e-12)


def test_lazy_and_full_penalties_come_to_the_same_over_a_period(plane):
    """At a fixed sample, the mean over a period of what is paid is the weight times the value."""
    penalty = RealGradient(3.0, every=5)
    assert [penalty.due(step) for step in range(11)] == [True, *[False] * 4, True, *[False] * 4, True]
    game = plane(r1=3.0, penalty_every=5)
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    seen = Evaluated(game, profile, sample, ())
    torch.testing.assert_close(penalty.paid(seen, None) / 5, 3 * RealGradient(1.0).value(seen, None))


@pytest.mark.parametrize("name", list(OTHERS))
def test_matching_and_averaging_are_paid_at_every_step(plane, name):
    game, plain = plane(**{name: 0.5}, penalty_every=4), plane()
    for step in range(3):
        added = [a - b for a, b in zip(losses(game, step), losses(plain, step), strict=True)]
        torch.testing.assert_close(added[0], 0.5 * values(game, step, OTHERS[name](1.0)), rtol=1e-12, atol=1e-12)
        assert bool(added[1].any()) == (name == "historical_averaging")


def test_all_penalties_add_up(plane):
    weights = dict.fromkeys((*GRADIENTS, *OTHERS), 0.5)
    together, plain = losses(plane(**weights), 2), losses(plane(), 2)
    added = [torch.zeros(2, dtype=torch.float64) for _ in range(2)]
    for name in weights:
        for i, loss in enumerate(losses(plane(**{name: 0.5}), 2)):
            added[i] += loss - plain[i]
    for whole, base, sum_ in zip(together, plain, added, strict=True):
        torch.testing.assert_close(whole, base + sum_, rtol=1e-12, atol=1e-12)


def test_single_losses_pay_the_same(plane):
    game = plane(**dict.fromkeys((*GRADIENTS, *OTHERS), 0.5))
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    buffers = game.buffers(profile, SEEDS)
    for i, loss in enumerate(game.losses(profile, sample, buffers)):
        torch.testing.assert_close(game.loss_of(i, profile, sample, buffers), loss, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("cls", [*GRADIENTS.values(), *OTHERS.values()])
def test_order_says_how_many_derivatives_a_step_takes(plane, cls):
    """2 where the value itself is of derivatives, so that the graph of a first one is needed; else 1."""
    game = plane(historical_averaging=1.0)
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    calls = []

    class Counted(Evaluated):
        def logits(self, x):
            calls.append(x.requires_grad)
            return super().logits(x)

    penalty = cls(1.0)
    noise = penalty.noise(sample.real, SEEDS, 0, 0)
    penalty.value(Counted(game, profile, sample, game.buffers(profile, SEEDS)), noise)
    assert penalty.order == (2 if calls else 1)


def test_input_gradient_is_of_each_example_alone_and_leaves_its_input_alone(plane):
    game = plane(form="quadratic")
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    seen = Evaluated(game, profile, sample, ())
    with torch.no_grad():
        found = input_gradient(seen, sample.real)
    a, c = profile[1][:, None].chunk(2, -1)
    torch.testing.assert_close(found, a + c * sample.real, rtol=1e-13, atol=1e-13)
    assert not sample.real.requires_grad


def test_input_gradient_has_a_graph_only_where_something_moves(plane):
    game = plane()
    (g, d), sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    real = sample.real
    assert not input_gradient(Evaluated(game, (g, d), sample, ()), real).requires_grad
    moving = Evaluated(game, (g, d.clone().requires_grad_()), sample, ())
    assert input_gradient(moving, real).requires_grad
    assert input_gradient(Evaluated(game, (g, d), sample, ()), real.clone().requires_grad_()).requires_grad
    with torch.no_grad():
        assert not input_gradient(moving, real).requires_grad
