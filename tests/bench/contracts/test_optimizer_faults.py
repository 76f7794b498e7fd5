"""Every kind of fault, planted in an otherwise sound optimizer, is found by the check that is made for it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from saddlebench.bench.contracts import OPTIMIZER_CHECKS, check_optimizer
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.parameters import Positive, cast, pick


@dataclass(frozen=True)
class Sound(Optimizer):
    """w⁺ = w − η (v + ½m), m⁺ = v, with a counter that decides nothing."""

    name = "sound"
    paper = "none"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η

    class State(NamedTuple):
        past: tuple[Tensor, ...]
        steps: Tensor
        passive = ("steps",)

    def init(self, oracle, w) -> Any:
        return self.State(tuple(torch.zeros_like(x) for x in w), torch.zeros(len(w[0]), 1, dtype=torch.int64))

    def step(self, oracle, w, state):
        v = oracle.field(w)
        moved = (
            x - cast(pick(self.step_size, i), x) * (g + m / 2) for i, (x, g, m) in enumerate(zip(w, v, state.past, strict=True))
        )
        return tuple(moved), self.State(v, state.steps + 1)


FAULTS: dict[str, tuple[type, str, tuple[str, ...]]] = {}


def faulty(check, *words):
    """Register a faulty optimizer with the check that must find it and words that its message must have."""

    def register(cls):
        cls.name = cls.__dict__.get("name", "sound")
        cls.__doc__ = cls.__dict__.get("__doc__") or Sound.__doc__
        FAULTS[cls.__name__] = (dataclass(frozen=True)(cls), check, words)
        return cls

    return register


def changed(function):
    """A step after which the moved strategies go through a function."""

    def step(self, oracle, w, state):
        moved, state = Sound.step(self, oracle, w, state)
        return tuple(function(x) for x in moved), state

    return step


@faulty("batch equals runs alone", "differs from the same run alone by", "mixes runs")
class MixesRuns(Sound):
    step = changed(lambda x: x - 0.01 * x.mean(0))


@faulty("batch equals runs alone", "differs from the same run alone", "hyperparameter")
class TakesTheFirstRunsStepSize(Sound):
    def step(self, oracle, w, state):
        eta: Any = self.step_size
        eta = eta if isinstance(eta, float) else eta[:1]
        return tuple(x - cast(eta, x) * g for x, g in zip(w, oracle.field(w), strict=True)), state


@faulty("step is pure", "changed the profile", "in place")
class MovesInPlace(Sound):
    def step(self, oracle, w, state):
        for x, g in zip(w, oracle.field(w), strict=True):
            x -= cast(self.step_size, x) * g
        return w, state


@faulty("step is pure", "changed the state", "in place")
class WritesIntoItsState(Sound):
    def step(self, oracle, w, state):
        moved, after = super().step(oracle, w, state)
        for m, g in zip(state.past, after.past, strict=True):
            m.copy_(g)
        return moved, after


@faulty("jacobian equals finite differences", "off by", "detach")
class Detaches(Sound):
    def step(self, oracle, w, state):
        v = tuple(g.detach() for g in oracle.field(w))
        return tuple(x - cast(self.step_size, x) * g for x, g in zip(w, v, strict=True)), state


@faulty("jacobian equals finite differences", "off by")
class StopsTheGradientOfItsNorm(Sound):
    step = changed(lambda x: x / (1 + 0.1 * x.detach().norm(dim=-1, keepdim=True)))


@faulty("leaves global randomness alone", "global generator of torch")
class DrawsFromTorch(Sound):
    step = changed(lambda x: x + 1e-3 * torch.randn_like(x))


@faulty("leaves global randomness alone", "numpy")
class DrawsFromNumpy(Sound):
    step = changed(lambda x: x + 1e-3 * np.random.rand())  # noqa: NPY002 - the fault


@faulty("keeps shapes and dtypes", "was float32", "became float64", "cast(value, like)")
class Upcasts(Sound):
    def step(self, oracle, w, state):
        return tuple(x - pick(self.step_size, i) * g for i, (x, g) in enumerate(zip(w, oracle.field(w), strict=True))), state


@faulty("keeps shapes and dtypes", "state past.0 was float64", "became float32")
class NarrowsItsState(Sound):
    def step(self, oracle, w, state):
        moved, state = super().step(oracle, w, state)
        return moved, state._replace(past=tuple(x.float() for x in state.past))


@faulty("one bad run leaves the others alone", "nan changes the other runs")
class IsSpoiltByNaN(Sound):
    step = changed(lambda x: x + 0 * x.sum(0, keepdim=True))


@faulty("reads no tensor value", "torch.where")
class BranchesOnValues(Sound):
    step = changed(lambda x: x if x.abs().max() < 1e30 else x / 2)


@faulty("state is made of tensors with a run axis", "list")
class KeepsAList(Sound):
    def init(self, oracle, w) -> Any:
        return [torch.zeros_like(x) for x in w]

    def step(self, oracle, w, state):
        return tuple(x - cast(self.step_size, x) * g for x, g in zip(w, oracle.field(w), strict=True)), state


@faulty("state is made of tensors with a run axis", "shape ()", "the first axis must be the runs")
class CountsForAllRuns(Sound):
    def init(self, oracle, w):
        return super().init(oracle, w)._replace(steps=torch.zeros((), dtype=torch.int64))


@faulty("takes one value a player", "step_size", "pick(value, i)")
class IgnoresThePlayer(Sound):
    def step(self, oracle, w, state):
        eta = self.step_size[0] * 2 if isinstance(self.step_size, tuple) else self.step_size
        return tuple(x - cast(eta, x) * g for x, g in zip(w, oracle.field(w), strict=True)), state


@faulty("takes one value a player", "breaks the step", "pick(value, i)")
class ForgetsToPick(Sound):
    def step(self, oracle, w, state):
        return tuple(x - cast(self.step_size, x) * g for x, g in zip(w, oracle.field(w), strict=True)), state


@faulty("costs the same every step", "period 1")
class AsksTwiceAtTimes(Sound):
    def step(self, oracle, w, state):
        if int(state.steps[0, 0]) % 3 == 0:
            oracle.field(w)
        return super().step(oracle, w, state)


@faulty("costs the same every step", "asks the oracle nothing")
class AsksNothing(Sound):
    def step(self, oracle, w, state):
        return tuple(0.9 * x for x in w), state


@faulty("can be resumed", "not in the state")
class Remembers(Sound):
    def step(self, oracle, w, state):
        count = vars(self).setdefault("count", [0])
        count[0] += 1
        moved, state = super().step(oracle, w, state)
        return tuple(x * (1 + 0.01 * (count[0] > 4)) for x in moved), state


@faulty("autonomous means no counter", "set autonomous to False")
class AnnealsInSecret(Sound):
    def step(self, oracle, w, state):
        moved, after = super().step(oracle, w, state)
        return tuple(x / (1 + 0.01 * state.steps.to(x)) for x in moved), after


@faulty("answers the last iterate", '"last"')
class AnswersOnlyItsAverage(Sound):
    def answers(self, w, state):
        return {"average": w}


@faulty("says where it applies", "False", "as a sentence")
class RefusesWithoutAReason(Sound):
    def applies_to(self, game) -> Any:
        return False


@faulty("steps where it applies", "matching-pennies", "left its simplex", "project, or refuse")
class LeavesTheSimplex(Sound):
    def applies_to(self, game):
        return None


@faulty("declares what it is", "period is 0")
class HasNoPeriod(Sound):
    @property
    def period(self):
        return 0


@faulty("has a name of its own", "kebab-case")
class IsShouted(Sound):
    name = "My_Method"


@faulty("has a name of its own", "belongs to saddlebench.optimizers.extragradient.Extragradient")
class TakesAName(Sound):
    name = "extragradient"


@faulty("docstring states the formula", "no formula")
class SaysNothing(Sound):
    """A very good method."""


@faulty("nonsense is refused", "step_size accepts an arbitrary object", "Positive")
class AcceptsAnything(Sound):
    step_size: Any = 0.1


@faulty("nonsense is refused", "rate accepts nan")
class AcceptsNaN(Sound):
    rate: float = 0.1


@faulty("defaults fit their annotations", "greater than 0")
class HasAWrongDefault(Sound):
    step_size: Positive = -0.1


def test_the_sound_one_is_found_sound():
    findings = check_optimizer(Sound)
    assert [f for f in findings if f.status != "ok"] == []
    assert len({f.check for f in findings}) == len(findings)
    assert all(len(f.message.split()) > 4 for f in findings)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault):
    cls, check, words = FAULTS[fault]
    found = {f.check: f for f in run_checks(OPTIMIZER_CHECKS, cls())}  # `build` would refuse a wrong default at once
    assert found[check].status == "failed", found[check]
    assert [word for word in words if word not in found[check].message] == []
