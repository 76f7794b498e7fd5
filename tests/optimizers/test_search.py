"""Ranges, and the search space that an optimizer's declarations, words and types make."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from saddlebench.optimizers.extragradient import Extragradient
from saddlebench.optimizers.lookahead_minmax import LookaheadMinmax
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.optimizers.rules.adam import Adam
from saddlebench.optimizers.rules.optimistic import Optimistic
from saddlebench.optimizers.search import (
    BETAS,
    SMALL_STEP,
    STEP,
    LogUniform,
    OneMinus,
    Space,
    Uniform,
    contains,
    replaced,
    space_of,
    text,
    value_at,
)
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient
from saddlebench.optimizers.two_time_scale import TwoTimeScale
from saddlebench.parameters import Count, Decay, Momentum, NonNegative, Positive, Real


def test_a_range_maps_the_unit_interval_onto_itself():
    assert [Uniform(-0.9, 0.9).at(u) for u in (0, 0.5, 1)] == [-0.9, 0, 0.9]
    assert [LogUniform(1e-4, 1).at(u) for u in (0, 0.25, 0.5, 1)] == [1e-4, 1e-3, 1e-2, 1]
    assert [OneMinus(LogUniform(1e-3, 0.1)).at(u) for u in (0, 0.5, 1)] == [0.999, 0.99, 0.9]


def test_values_have_four_digits():
    assert LogUniform(1e-4, 1).at(1 / 3) == 0.002154  # 10^(−8/3) = .00215443…
    assert Uniform(0, math.pi).at(0.1) == 0.3142


def test_a_range_holds_its_ends_and_nothing_beyond():
    for spec in (Uniform(-0.9, 0.9), LogUniform(1e-4, 1), OneMinus(LogUniform(1e-3, 0.1))):
        low, high = sorted((spec.at(0), spec.at(1)))
        assert contains(spec, low)
        assert contains(spec, high)
        assert not contains(spec, high * 1.01)
        assert not contains(spec, low - abs(low) * 0.2)


@dataclass(frozen=True)
class Mine(Optimizer):
    """A method of one's own."""

    name = "mine"
    search: ClassVar[Space] = {"declared": Uniform(0, 2)}

    declared: Positive = 1.0
    step_size: Positive = 0.1
    momentum: Momentum = 0.0
    scale: NonNegative = 0.5
    smoothing: Decay = 0.9
    power: Annotated[float, Field(gt=0, lt=1)] = 0.5
    off: NonNegative = 0.0
    coupled: Positive | None = None
    large: Positive = 500.0
    signed: Real = 1.0
    epsilon: NonNegative = 1e-8
    count: Count = 5
    flag: bool = False
    choice: Literal["a", "b"] = "a"

    def step(self, oracle, w, state):
        return w, state


def test_words_types_and_declarations_make_the_space():
    assert {".".join(path): spec for path, spec in space_of(Mine()).items()} == {
        "declared": Uniform(0, 2),
        "step_size": STEP,
        "momentum": Uniform(-0.9, 0.9),
        "scale": LogUniform(1e-2, 10),
        "smoothing": OneMinus(LogUniform(1e-3, 1)),
        "power": Uniform(0.05, 0.95),
        "large": LogUniform(1e-2, 5000),  # widened to the default
    }


def test_a_subclass_adds_to_what_its_base_declares():
    class Theirs(Mine):
        search: ClassVar[Space] = {"scale": None, "step_size": LogUniform(1, 10)}

    space = space_of(Theirs())
    assert space["declared",] == Uniform(0, 2)
    assert space["step_size",] == LogUniform(1, 10)
    assert ("scale",) not in space


def test_a_rule_brings_its_parameters_and_the_step_size_that_suits_it():
    assert space_of(SimultaneousGradient()) == {("step_size",): STEP}
    assert space_of(SimultaneousGradient(rule=Adam())) == {("step_size",): SMALL_STEP, ("rule", "betas"): BETAS}
    assert space_of(Extragradient(rule=Optimistic(Adam())))["step_size",] == SMALL_STEP


def test_a_wrapped_optimizer_brings_its_own_space():
    space = space_of(LookaheadMinmax(base=SimultaneousGradient(rule=Adam())))
    assert set(space) == {("base", "step_size"), ("base", "rule", "betas"), ("alpha",)}


def test_values_a_player_are_searched_apart():
    spec = space_of(TwoTimeScale())["step_size",]
    assert spec == (SMALL_STEP, SMALL_STEP)
    assert value_at(spec, iter([0.0, 1.0])) == (1e-5, 0.1)
    assert text(spec) == "[1e-05 … 0.1 (log), 1e-05 … 0.1 (log)]"


def test_values_are_put_where_their_paths_lead():
    held = LookaheadMinmax(base=SimultaneousGradient(0.5, Adam()))
    changed = replaced(held, {("base", "rule", "betas"): (0.1, 0.2), ("alpha",): 0.25})
    assert changed == LookaheadMinmax(base=SimultaneousGradient(0.5, Adam((0.1, 0.2))), alpha=0.25)
    assert held.alpha == 0.5


def test_values_a_player_lie_in_a_range_that_is_one_for_all():
    assert contains(STEP, (0.1, 1e-3))
    assert not contains(STEP, (0.1, 1e-5))


@pytest.mark.parametrize(("value", "inside"), [((0.9, 0.999), True), ((0.9, 1.5), False), ((0.9,), False), (0.9, False)])
def test_a_pair_lies_in_a_pair_of_ranges(value, inside):
    assert contains(BETAS, value) is inside
