"""Every kind of fault, planted in an otherwise sound game, is found by the check that is made for it."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from saddlebench.bench.contracts import GAME_CHECKS, check_game
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.games.draws import normal
from saddlebench.games.game import Game
from saddlebench.parameters import PositiveScalar


@dataclass(frozen=True)
class Sound(Game):
    """f(x, y) = Σ c sin(x) y + noise·x with closed forms; a third coordinate of y is not felt: a null direction."""

    name = "sound"
    paper = "none"
    stochastic = True

    c: PositiveScalar = 1.5

    @property
    def players(self):
        return ("x", "y")

    @property
    def sizes(self):
        return (2, 3)

    @property
    def zero_sum(self) -> bool:
        return True

    def initial(self, seeds):
        return tuple(normal(seeds, f"sound {i}", n) for i, n in enumerate(self.sizes))

    def sample(self, seeds, step, draw) -> Any:
        return (normal(seeds, "sound noise", 2, step, draw),)

    def buffers(self, profile, seeds):
        return (torch.ones_like(profile[0]),)

    def advance(self, profile, buffers):
        return (buffers[0] * 0.9 + profile[0].cos(),)

    def losses(self, profile, sample, buffers) -> tuple[Tensor, ...]:
        x, y = profile
        f = (self.c * x.sin() * y[:, :2] + sample[0] * x * buffers[0]).sum(-1)
        return f, -f

    def field(self, profile, sample, buffers) -> Any:
        x, y = profile
        return self.c * x.cos() * y[:, :2] + sample[0] * buffers[0], self._pad(-self.c * x.sin())

    def block(self, i, j, profile, sample, buffers, u, transpose) -> Any:
        x, y = profile
        if i == j == 0:
            return -self.c * x.sin() * y[:, :2] * u
        if i == j == 1:
            return torch.zeros_like(u)
        sign = self.c if i == 0 else -self.c
        wide = (i == 0) != transpose  # u is of y's size
        return sign * x.cos() * u[:, :2] if wide else self._pad(sign * x.cos() * u)

    def _pad(self, x):
        return torch.nn.functional.pad(x, (0, 1))

    def equilibrium(self, seeds):
        return tuple(torch.zeros(len(seeds), n, dtype=torch.float64) for n in self.sizes)

    def null_directions(self, seeds):
        return torch.tensor([0.0, 0, 0, 0, 1], dtype=torch.float64).expand(len(seeds), 1, 5)

    def gap(self, profile, buffers) -> Any:
        return profile[0].sin().abs().sum(-1) + profile[1][:, :2].abs().sum(-1)

    def measures(self, profile, seeds, buffers):
        return {"height": profile[0].square().sum(-1)}

    def pictures(self, profile, seeds, buffers):
        return {"pixels": torch.zeros(len(seeds), 1, 3, 4, 4)}

    def clouds(self, profile, seeds, buffers):
        return {"strategies": {"x": profile[0].detach().unsqueeze(1)}}


FAULTS: dict[str, tuple[type, str, tuple[str, ...]]] = {}


def faulty(check, *words):
    """Register a faulty game with the check that must find it and words that its message must have."""

    def register(cls):
        cls.name, cls.__doc__ = "sound", Sound.__doc__
        FAULTS[cls.__name__] = (dataclass(frozen=True)(cls), check, words)
        return cls

    return register


@faulty("zero sum is told truly", "zero_sum is True, but the losses sum to")
class IsNotZeroSum(Sound):
    def losses(self, profile, sample, buffers):
        f, g = super().losses(profile, sample, buffers)
        return f, g + 0.1 * profile[1].square().sum(-1)


@faulty("zero sum is told truly", "zero_sum is False, but")
class HidesThatItIsZeroSum(Sound):
    @property
    def zero_sum(self):
        return False


@faulty("closed field equals autograd", "off by")
class HasAWrongField(Sound):
    def field(self, profile, sample, buffers):
        x, y = super().field(profile, sample, buffers)
        return x, -y


@faulty("closed blocks equal autograd", "J_01ᵀ u")
class ForgetsToTranspose(Sound):
    def block(self, i, j, profile, sample, buffers, u, transpose):
        answer = super().block(i, j, profile, sample, buffers, u, transpose)
        return -answer if transpose and i == 0 and j == 1 else answer


@faulty("closed blocks equal autograd", "give both or neither")
class HasNoBlocks(Sound):
    block = Game.block


@faulty("gradients equal finite differences", "player 0", "detach")
class Detaches(Sound):
    def losses(self, profile, sample, buffers):
        x, y = profile
        f = (x.sin().detach() * y[:, :2] + x * y[:, :2]).sum(-1)
        return f, -f


class _Rounded(torch.autograd.Function):
    """x, whose derivative hides that it has one of its own."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, *gradients):
        return gradients[0] * ctx.saved_tensors[0].detach().cos()


@faulty("products equal finite differences", "off by")
class HasHalfADerivative(Sound):
    field, block = Game.field, Game.block

    def losses(self, profile, sample, buffers):
        x, y = profile
        f = (_Rounded.apply(x) * y[:, :2]).sum(-1)
        return f, -f


@faulty("losses have one number a run", "shape ()")
class AveragesOverRuns(Sound):
    def losses(self, profile, sample, buffers):
        f, g = super().losses(profile, sample, buffers)
        return f.mean(), g.mean()


@faulty("runs together equal runs alone", "the losses of run", "mixes runs")
class MixesRuns(Sound):
    def losses(self, profile, sample, buffers):
        f, g = super().losses((profile[0] - profile[0].mean(0), profile[1]), sample, buffers)
        return f, g


@faulty("one bad run leaves the rest alone", "a run of NaN changes the losses")
class IsSpoiltByNaN(Sound):
    def losses(self, profile, sample, buffers):
        f, g = super().losses(profile, sample, buffers)
        return f + 0 * f.sum(), g - 0 * f.sum()


@faulty("single losses agree", "loss_of differs")
class HasAnotherLossOfItsOwn(Sound):
    def loss_of(self, i, profile, sample, buffers):
        return 2 * super().loss_of(i, profile, sample, buffers)


@faulty("samples are stateless", "drawn twice differs")
class DrawsFromAGlobalGenerator(Sound):
    def sample(self, seeds, step, draw):
        return (torch.randn(len(seeds), 2, dtype=torch.float64),)


@faulty("global randomness is left alone", "torch")
class StartsAtRandom(Sound):
    def initial(self, seeds):
        return tuple(torch.randn(len(seeds), n, dtype=torch.float64) for n in self.sizes)


@faulty("samples are stateless", "the same at another draw")
class ForgetsTheDraw(Sound):
    def sample(self, seeds, step, draw):
        return super().sample(seeds, step, 0)


@faulty("samples are stateless", "run 1's sample differs between a batch and alone")
class SeedsByPosition(Sound):
    def sample(self, seeds, step, draw):
        return (super().sample(seeds, step, draw)[0] + torch.arange(len(seeds))[:, None],)


@faulty("samples are stateless", "stochastic is False")
class HidesItsSample(Sound):
    stochastic = False


@faulty("evaluation is pure", "in place")
class WritesIntoItsBuffers(Sound):
    def losses(self, profile, sample, buffers):
        answer = super().losses(profile, sample, buffers)
        buffers[0].mul_(0.5)
        return answer


@faulty("evaluation is pure", "two answers")
class ForgetsNothing(Sound):
    def measures(self, profile, seeds, buffers):
        count = vars(self).setdefault("count", [0])
        count[0] += 1
        return {"count": torch.full((len(seeds),), count[0])}


@faulty("players sizes and domains agree", "not (runs, size) = (3, 2)")
class StartsInTheWrongShape(Sound):
    def initial(self, seeds):
        return normal(seeds, "sound", 3), normal(seeds, "sound", 3)


@faulty("null directions are null", "changes along null direction 0")
class DeclaresAWrongNullDirection(Sound):
    def null_directions(self, seeds):
        return super().null_directions(seeds).roll(1, -1)


@faulty("null directions are null", "not orthonormal")
class DeclaresALongNullDirection(Sound):
    def null_directions(self, seeds):
        return 2 * super().null_directions(seeds)


@faulty("gap is zero at equilibrium only", "at the equilibrium, not 0")
class HasAShiftedGap(Sound):
    def gap(self, profile, buffers):
        return super().gap(profile, buffers) + 1


@faulty("measures have one number a run", "'height'")
class MeasuresNothing(Sound):
    def measures(self, profile, seeds, buffers):
        return {"height": profile[0]}


@faulty("pictures have their shapes", "'pixels' is (3, 4, 4)")
class DrawsNoGrid(Sound):
    def pictures(self, profile, seeds, buffers):
        return {"pixels": torch.zeros(len(seeds), 4, 4)}


@faulty("pictures have their shapes", "kebab-case")
class NamesAPictureBadly(Sound):
    def pictures(self, profile, seeds, buffers):
        return {"My pixels": torch.zeros(len(seeds), 1, 3, 4, 4)}


@faulty("pictures have their shapes", "'x' of 'strategies'")
class ScattersInSpace(Sound):
    def clouds(self, profile, seeds, buffers):
        return {"strategies": {"x": profile[1].detach().unsqueeze(1)}}


def test_the_sound_one_is_found_sound():
    findings = check_game(Sound)
    undecided = {f.check for f in findings if f.status != "ok"}
    assert undecided == {"projections are nearest points", "equilibrium is one"}  # unconstrained and stochastic
    assert all(len(f.message.split()) > 2 for f in findings)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault):
    cls, check, words = FAULTS[fault]
    found = {f.check: f for f in run_checks(GAME_CHECKS, cls())}
    assert found[check].status == "failed", found[check]
    assert [word for word in words if word not in found[check].message] == []


def test_a_class_is_checked_in_its_small_setting():
    sizes = []

    @dataclass(frozen=True)
    class Large(Sound):
        """f(x, y) = Σ c sin(x) y."""

        name = "large"

        @classmethod
        def small(cls):
            return cls(c=0.5)

        def losses(self, profile, sample, buffers) -> tuple[Tensor, ...]:
            sizes.append(self.c)
            return super().losses(profile, sample, buffers)

    check_game(Large)
    assert set(sizes) == {0.5}
    sizes.clear()
    check_game(Large(c=2.0))
    assert set(sizes) == {2.0}
