"""The spectrum notices a broken step, is the same however it is found, and is refused with a reason."""

from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch

from saddlebench.bench import spectrum
from saddlebench.bench.build import build
from saddlebench.bench.spectrum import NoSpectrumError, at_equilibrium
from saddlebench.games.quadratic import Quadratic
from saddlebench.optimizers import OPTIMIZERS

STRONG = {"quadratic": {"p": [[1.0]], "matrix": [[2.0]], "q": [[1.0]]}}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# A broken step has another radius.


def displaced(cls, change):
    """The class with every displacement of its step changed."""

    def step(self, oracle, w, state):
        moved, state = cls.step(self, oracle, w, state)
        return tuple(x + change(y - x) for x, y in zip(w, moved, strict=True)), state

    return dataclass(frozen=True)(type(cls.__name__, (cls,), {"step": step, "__annotations__": {}}))


BREAKS = {"detach": torch.Tensor.detach, "sign": torch.neg, "factor": lambda d: 0.9 * d}


@pytest.mark.parametrize("change", BREAKS)
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_broken_step_changes_the_radius(name, change):
    candidates = [build("game", STRONG), build("game", "rock-paper-scissors")]
    optimizer = build("optimizer", name)
    games = [game for game in candidates if spectrum.refusal(game, optimizer, True) is None]
    if not games:
        assert all(spectrum.refusal(game, optimizer, True) for game in candidates)
        return
    whole = at_equilibrium(games[0], optimizer).radius
    broken = at_equilibrium(games[0], displaced(OPTIMIZERS[name], BREAKS[change])(**vars_of(optimizer))).radius
    assert abs(broken - whole) > 1e-4


def vars_of(optimizer):
    return {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}


@pytest.mark.parametrize(
    "half",
    [
        lambda w, v, eta: tuple((x - eta * g).detach() for x, g in zip(w, v, strict=True)),
        lambda w, v, eta: tuple(x + eta * g for x, g in zip(w, v, strict=True)),
        lambda w, v, eta: tuple(x - 0.9 * eta * g for x, g in zip(w, v, strict=True)),
    ],
    ids=["detach", "sign", "factor"],
)
def test_a_broken_extrapolation_changes_the_radius_of_extragradient(half):
    cls = OPTIMIZERS["extragradient"]

    @dataclass(frozen=True)
    class Broken(cls):
        def step(self, oracle, w, state):
            ahead = oracle.field(half(w, oracle.field(w), self.step_size))
            return tuple(x - self.step_size * g for x, g in zip(w, ahead, strict=True)), state

    game = build("game", STRONG)
    assert abs(at_equilibrium(game, Broken()).radius - at_equilibrium(game, cls()).radius) > 1e-3


# Arnoldi, masses, refusals


@pytest.mark.parametrize("name", ["extragradient", "optimistic-gradient", "alternating-heavy-ball", "competitive-gradient"])
@pytest.mark.parametrize("shape", [[30, 30], [25, 35]])
def test_arnoldi_equals_dense(name, shape, monkeypatch):
    game = build("game", {"bilinear": {"shape": shape, "condition_number": 5.0}})
    optimizer = build("optimizer", {name: {"step_size": 0.4} | ({"iterations": 40} if name == "competitive-gradient" else {})})
    dense = at_equilibrium(game, optimizer)
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 10)
    arnoldi = at_equilibrium(game, optimizer)
    assert dense.residuals is None
    assert arnoldi.residuals is not None
    assert (arnoldi.residuals < 1e-5).all()
    assert len(arnoldi.eigenvalues) < len(dense.eigenvalues)
    assert arnoldi.radius == pytest.approx(dense.radius, rel=1e-6)
    assert arnoldi.radius_transverse == pytest.approx(dense.radius_transverse, rel=1e-6)
    if shape[0] != shape[1]:
        assert dense.radius == pytest.approx(1.0, rel=1e-9)  # the null directions
        assert dense.radius_transverse < 1 - 1e-4


def test_masses_are_shares_of_the_players():
    found = at_equilibrium(build("game", {"bilinear": {"shape": [2, 3]}}), build("optimizer", "extragradient"))
    np.testing.assert_allclose(found.mass.sum(-1), 1, rtol=1e-12)
    moduli = np.abs(found.eigenvalues)
    assert (np.diff(moduli) <= 1e-12).all()
    rotating = np.abs(np.imag(found.eigenvalues)) > 1e-6
    np.testing.assert_allclose(found.mass[rotating], 0.5, atol=1e-9)  # a rotation is shared by both players
    assert found.mass[~rotating].max(-1) == pytest.approx(1)  # the null direction is the second player's


REFUSALS = {
    "adam": ("bilinear", "adam", "divides by √s"),
    "optimistic-adam": ("bilinear", "optimistic-adam", "divides by √s.*--at checkpoint"),
    "extra-adam": ("bilinear", "extra-adam", "no spectrum at an exact equilibrium"),
    "rmsprop": ("bilinear", "rmsprop", "RMSProp divides by √s"),
    "constrained": ("rock-paper-scissors", "simultaneous-gradient", "simplex"),
    "jump": ({"dirac-gan": {"gradient_penalty": 1.0}}, "simultaneous-gradient", "jumps at ψ = 0"),
    "unknown": (
        {"bilinear": {"matrix": [[0.0]], "b": [1.0]}},
        "extragradient",
        "no equilibrium of bilinear is known.*--at checkpoint",
    ),
    "torch": ("bilinear", {"simultaneous-gradient": {"rule": "torch.optim.SGD"}}, "not differentiable"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal_says_why(refusal):
    game, optimizer, words = REFUSALS[refusal]
    with pytest.raises(NoSpectrumError, match=words):
        at_equilibrium(build("game", game), build("optimizer", optimizer))


def test_a_wrong_equilibrium_is_not_a_fixed_point():
    @dataclass(frozen=True)
    class Wrong(Quadratic):
        def equilibrium(self, seeds):
            return tuple(torch.ones(len(seeds), n, dtype=torch.float64) for n in self.sizes)

    with pytest.raises(NoSpectrumError, match=r"not a fixed point of extragradient: it moves 0\.\d+"):
        at_equilibrium(Wrong(), build("optimizer", "extragradient"))


def test_a_wrong_null_direction_is_refused():
    @dataclass(frozen=True)
    class Wrong(Quadratic):
        def null_directions(self, seeds):
            return torch.tensor([[[1.0, 0.0]]], dtype=torch.float64).expand(len(seeds), -1, -1)

    with pytest.raises(NoSpectrumError, match=r"null direction|not a fixed point"):
        at_equilibrium(Wrong(), build("optimizer", "simultaneous-gradient"))
