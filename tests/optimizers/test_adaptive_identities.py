"""Adam, RMSProp and what is built on them: printed numbers and first steps."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saddlebench.bench.contracts.playing import difference, oracle_of
from saddlebench.optimizers.rules import adam, optimistic, rmsprop

from .trajectories import (
    ROUNDING,
    few,
    linear_quadratic,
    optimizer,
    rate,
    trajectory,
)


def scalar_trajectory(rule, gradients, eta=0.1):
    w = torch.zeros(1, 1, dtype=torch.float64)
    state, seen = rule.init(0, w), []
    for gradient in gradients:
        direction, state = rule.direction(0, w, torch.full_like(w, gradient), state)
        w = rule.move(w, eta, direction, lambda x: x)
        seen.append(w.item())
    return seen


@pytest.mark.parametrize(
    ("rule", "printed"),
    [
        (adam.Adam((0.0, 0.999)), (-0.0999999995, -0.0367449530, -0.0745549114)),
        (adam.Adam((0.9, 0.999)), (-0.0999999995, -0.1266337033, -0.1606766179)),
        (optimistic.Optimistic(adam.Adam((0.5, 0.9))), (-0.1999999990, -0.0999999995, -0.1448966905)),
    ],
    ids=["adam(0, .999)", "adam(.9, .999)", "optimistic adam(.5, .9)"],
)
def test_printed_trajectory_for_the_gradients_2_minus1_half(rule, printed):
    assert scalar_trajectory(rule, (2.0, -1.0, 0.5)) == pytest.approx(printed, abs=5e-11, rel=0)


@few
@given(gradient=st.floats(0.01, 100), sign=st.sampled_from([-1, 1]), beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999))
def test_first_steps_of_adam_and_rmsprop(gradient, sign, beta1, beta2):
    g = sign * gradient
    assert scalar_trajectory(adam.Adam((beta1, beta2), 0.0), [g]) == pytest.approx([-0.1 * sign], rel=1e-9)
    pytorch, tensorflow = rmsprop.RMSProp(), rmsprop.RMSProp(0.9, 1e-10, True, 1)
    assert scalar_trajectory(pytorch, [g]) == pytest.approx([-0.1 * g / (0.1 * abs(g) + 1e-8)], rel=1e-12)
    assert scalar_trajectory(tensorflow, [g]) == pytest.approx([-0.1 * g / (0.9 + 0.1 * g**2 + 1e-10) ** 0.5], rel=1e-12)


@few
@given(eta=rate)
def test_extra_adam_advances_moments_and_counter_on_both_half_steps(eta):
    game, rule = linear_quadratic(3), adam.Adam((0.5, 0.9))
    plays = trajectory(game, optimizer("extra-adam", step_size=eta), 10)
    states = [rule.init(i, x) for i, x in enumerate(plays[0].w)]
    for before, after in itertools.pairwise(plays):
        at = before.w
        for _ in range(2):
            directions = [rule.direction(i, at[i], g, states[i]) for i, g in enumerate(oracle_of(game, before).field(at))]
            states = [s for _, s in directions]
            at = tuple(x - eta * d for x, (d, _) in zip(before.w, directions, strict=True))
        assert difference(after.w, at) <= ROUNDING
