"""Faults of projections and equilibria, planted in an otherwise sound game on the simplex."""

from dataclasses import dataclass

import pytest
import torch

from saddlebench.bench.contracts import GAME_CHECKS, check_game
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.games.domains import project_simplex
from saddlebench.games.draws import normal
from saddlebench.games.game import Domain, Game


@dataclass(frozen=True)
class SoundOnTheSimplex(Game):
    """loss_i = ‖w_i‖² + w_1ᵀw_2 on the simplex; equilibrium uniform."""

    name = "sound-on-the-simplex"
    paper = "none"

    players = ("x", "y")  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - short
    sizes = (3, 3)  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - short

    @property
    def domain(self) -> tuple[Domain, ...]:
        return ("simplex", "simplex")

    def initial(self, seeds):
        return tuple(normal(seeds, f"sound {i}", 3).softmax(-1) for i in range(2))

    def losses(self, profile, sample, buffers):
        x, y = profile
        shared = (x * y).sum(-1)
        return x.square().sum(-1) + shared, y.square().sum(-1) + shared

    def project(self, i, x):
        return project_simplex(x)

    def equilibrium(self, seeds):
        third = torch.full((len(seeds), 3), 1 / 3, dtype=torch.float64)
        return third, third


FAULTS: dict[str, tuple[type, str, tuple[str, ...]]] = {}


def faulty(check, *words):
    """Register a faulty game with the check that must find it and words that its message must have."""

    def register(cls):
        cls.name, cls.__doc__ = "sound", SoundOnTheSimplex.__doc__
        FAULTS[cls.__name__] = (dataclass(frozen=True)(cls), check, words)
        return cls

    return register


@faulty("equilibrium is one", "projected step leaves")
class KnowsAWrongEquilibrium(SoundOnTheSimplex):
    def equilibrium(self, seeds):
        corner = torch.eye(3, dtype=torch.float64)[:1].expand(len(seeds), 3)
        return corner, corner


@faulty("equilibrium is one", "the field of player 0 is")
class KnowsAWrongRestPoint(SoundOnTheSimplex):
    @property
    def domain(self) -> tuple[Domain, ...]:
        return ("unconstrained", "unconstrained")

    def project(self, i, x):
        return x


@faulty("projections are nearest points", "unconstrained, but project moves")
class ProjectsTheUnconstrained(SoundOnTheSimplex):
    @property
    def domain(self) -> tuple[Domain, ...]:
        return ("unconstrained", "unconstrained")


@faulty("projections are nearest points", "starts outside")
class StartsOutside(SoundOnTheSimplex):
    def initial(self, seeds):
        return tuple(2 * x for x in super().initial(seeds))


@faulty("projections are nearest points", "not the nearest point")
class Normalises(SoundOnTheSimplex):
    def project(self, i, x):
        positive = x.clamp_min(0) + 1e-300
        return positive / positive.sum(-1, keepdim=True)


@faulty("projections are nearest points", "moves it again")
class ProjectsHalfway(SoundOnTheSimplex):
    def project(self, i, x):
        return (x + project_simplex(x)) / 2


def test_the_sound_one_is_found_sound():
    findings = {f.check: f.status for f in check_game(SoundOnTheSimplex)}
    assert "failed" not in findings.values()
    assert findings["projections are nearest points"] == findings["equilibrium is one"] == "ok"


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault):
    cls, check, words = FAULTS[fault]
    found = {f.check: f for f in run_checks(GAME_CHECKS, cls())}
    assert found[check].status == "failed", found[check]
    assert [word for word in words if word not in found[check].message] == []
