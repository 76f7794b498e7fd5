"""The spectrum of the game's own Jacobian against closed forms, a direct decomposition, and Arnoldi against dense."""

import math

import numpy as np
import pytest
import torch

from saddlebench.bench import spectrum
from saddlebench.bench.build import build
from saddlebench.bench.eigenpairs import Eigenpairs, NoSpectrumError, dense
from saddlebench.bench.jacobian import game_at_equilibrium, game_spectrum, gradient_shares, leading_shares


def at_start(game, seed=0):
    """The game's Jacobian where seed 0 starts, in float64."""
    seeds = torch.tensor([seed])
    w = tuple(x.double() for x in game.initial(seeds))
    buffers = tuple(x.double() if x.is_floating_point() else x for x in game.buffers(w, seeds))
    return game_spectrum(game, seeds, 0, buffers, w), w


def sorted_pairs(values):
    return sorted((round(z.real, 9), round(z.imag, 9)) for z in values)


def test_bilinear_has_plus_and_minus_i_sigma():
    found = game_at_equilibrium(build("game", {"bilinear": {"matrix": [[0.5, 0.0], [0.0, 2.0]]}}))
    assert sorted_pairs(found.eigenvalues) == sorted_pairs([0.5j, -0.5j, 2j, -2j])
    np.testing.assert_allclose(found.mass, 0.5, atol=1e-12)  # a rotation is shared by both players
    assert found.gradient_share is None  # v = 0


def test_four_player_has_its_four_eigenvalues():
    found = game_at_equilibrium(build("game", "four-player"))
    expected = [0.01 + s * 1j / math.tan(a) for s in (1, -1) for a in (math.pi / 8, 3 * math.pi / 8)]
    assert sorted_pairs(found.eigenvalues) == sorted_pairs(expected)
    np.testing.assert_allclose(found.mass, 0.25, atol=1e-12)


def test_quadratic_tells_whose_an_eigenvalue_is():
    found = game_at_equilibrium(build("game", {"quadratic": {"p": [[3.0]], "matrix": [[0.0]], "q": [[1.0]]}}))
    np.testing.assert_allclose(found.eigenvalues, [3, 1])
    np.testing.assert_allclose(found.mass, np.eye(2))


@pytest.mark.parametrize("game", ["four-player", "forsaken", "dirac-gan", {"quadratic": {"p": [[2.0]], "q": [[-1.0]]}}])
def test_shares_are_those_of_a_direct_decomposition(game):
    game = build("game", game)
    found, w = at_start(game)
    assert found.gradient_share is not None
    leaves = tuple(x.clone().requires_grad_() for x in w)
    losses = game.losses(leaves, None, ())
    v = torch.cat([torch.autograd.grad(losses[i].sum(), leaves[i], create_graph=True)[0] for i in range(len(w))], -1)[0]
    rows = [torch.cat(torch.autograd.grad(x, leaves, retain_graph=True, materialize_grads=True), -1)[0] for x in v]
    values, vectors = np.linalg.eig(torch.stack(rows).numpy())
    share = np.abs(np.linalg.inv(vectors) @ v.detach().numpy()) ** 2
    share = dict(zip(np.round(values, 7), share / share.sum(), strict=True))
    for value, own in zip(found.eigenvalues, found.gradient_share, strict=True):
        assert own == pytest.approx(share[np.round(value, 7)], rel=1e-9)
    assert sum(found.gradient_share) == pytest.approx(1)


def test_share_of_a_normal_jacobian_is_the_squared_cosine():
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    v = np.array([1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(gradient_shares(rotation, v), (rotation.T @ v) ** 2 / (v @ v), rtol=1e-12)
    assert gradient_shares(np.array([[1.0, 1.0], [0.0, 1e-9]]), np.ones(2)) is None  # a multiple root


NET = {"tutorial-gan": {"width": 5, "latent": 2, "modes": 3, "batch": 16}}
LOPSIDED = {"bilinear": {"matrix": np.diag([5.0, 4.0, 3.0] + [0.2] * 9).tolist()}}


@pytest.mark.parametrize("game", [NET, LOPSIDED], ids=["net", "bilinear"])
def test_arnoldi_equals_dense(game, monkeypatch):
    game = build("game", game)
    whole, w = at_start(game)
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 5)
    arnoldi, _ = at_start(game)
    assert whole.residuals is None
    assert arnoldi.residuals is not None
    assert (arnoldi.residuals < 1e-5).all()
    count = len(arnoldi.eigenvalues)
    assert count < len(whole.eigenvalues) == sum(x.shape[-1] for x in w)
    np.testing.assert_allclose(np.abs(arnoldi.eigenvalues), np.abs(whole.eigenvalues[:count]), rtol=1e-5)
    np.testing.assert_allclose(arnoldi.mass, whole.mass[:count], atol=1e-4)


def test_arnoldi_share_equals_the_dense_one_where_the_jacobian_is_normal(monkeypatch):
    """The rest of v counts the same however it is split."""
    game = build("game", LOPSIDED)
    whole, _ = at_start(game)
    monkeypatch.setattr(spectrum, "DENSE_LIMIT", 5)
    arnoldi, _ = at_start(game)
    assert whole.gradient_share is not None
    assert arnoldi.gradient_share is not None
    np.testing.assert_allclose(arnoldi.gradient_share, whole.gradient_share[:6], rtol=1e-5)
    assert 0 < arnoldi.gradient_share.sum() < 1


def test_leading_shares_of_a_jacobian_that_is_not_normal():
    """Left and right eigenvectors give the coefficients that the whole basis gives."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(6, 6)) + np.diag([9.0, 7.0, 5.0, 0.1, 0.1, 0.1])
    v = rng.normal(size=6)
    right, left = dense(matrix), dense(matrix.T)
    assert (np.abs(right.values.imag) > 0.1).any() or np.abs(matrix - matrix.T).max() > 0.1
    c = np.linalg.solve(right.vectors, v.astype(complex))

    def first(found, count):
        return Eigenpairs(found.values[:count], found.vectors[:, :count], None, 0.0)

    np.testing.assert_allclose(leading_shares(right, left, v), gradient_shares(right.vectors, v), rtol=1e-8)
    found = leading_shares(first(right, 3), first(left, 3), v)
    rest = v - (right.vectors[:, :3] @ c[:3]).real
    expected = np.abs(c[:3]) ** 2 / (np.sum(np.abs(c[:3]) ** 2) + rest @ rest)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_array_equal(np.isnan(leading_shares(first(right, 3), first(left, 2), v)), [False, False, True])


def test_no_equilibrium_says_so():
    with pytest.raises(NoSpectrumError, match="no equilibrium of gaussian-ring is known"):
        game_at_equilibrium(build("game", "gaussian-ring"))
    with pytest.raises(NoSpectrumError, match="jumps at ψ = 0"):
        game_at_equilibrium(build("game", {"dirac-gan": {"gradient_penalty": 1.0}}))
