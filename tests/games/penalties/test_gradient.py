"""Gradient penalties in closed form on quadratic discriminators, D(x) = aᵀx + ½cᵀx², whose gradient is a + c∘x; and their
derivatives by both players against finite differences on a smooth network.
"""

import pytest
import torch

from saddlebench.games.networks.gan import Evaluated
from saddlebench.games.penalties.gradient import GeneratedGradient, InterpolatedGradient, PerturbedGradient, RealGradient
from saddlebench.games.penalties.penalty import length

SEEDS = torch.tensor([3, 7])
PENALTIES = {
    "wgan-gp": InterpolatedGradient(10.0),
    "dragan": PerturbedGradient(10.0),
    "r1": RealGradient(10.0),
    "r2": GeneratedGradient(10.0),
}


def noise_of(penalty, real):
    noise = penalty.noise(real, SEEDS, 4, 0)
    return None if noise is None else noise.double()


def paid(game, penalty, profile):
    sample = game.sample(SEEDS, 4, 0)
    return penalty.paid(Evaluated(game, profile, sample, ()), noise_of(penalty, sample.real))


def points(name, game, profile):
    """Where each penalty takes D's gradient, written out."""
    sample = game.sample(SEEDS, 4, 0)
    noise, real = noise_of(PENALTIES[name], sample.real), sample.real
    fake = profile[0][:, None, :2] * sample.latents + profile[0][:, None, 2:]
    if name == "wgan-gp":
        return noise * real + (1 - noise) * fake
    if name == "dragan":
        return torch.stack([x + 0.5 * x.std() * u for x, u in zip(real, noise, strict=True)])
    return real if name == "r1" else fake


def formula(name, gradient):
    square = gradient.square().sum(-1)
    return 10 * ((square.sqrt() - 1).square().mean(-1) if name in ("wgan-gp", "dragan") else square.mean(-1) / 2)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_value_and_both_players_gradients_in_closed_form(plane, name):
    game = plane(form="quadratic")
    profile = tuple(x.requires_grad_() for x in game.initial(SEEDS))
    a, c = profile[1][:, None].chunk(2, -1)
    found, expected = paid(game, PENALTIES[name], profile), formula(name, a + c * points(name, game, profile))
    assert found.shape == (2,)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(v.sum(), profile, create_graph=True, materialize_grads=True) for v in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)
    assert bool(gradients[0][0].any()) == (name in ("wgan-gp", "r2"))  # the others do not see the generator
    seconds = [torch.autograd.grad(g[1].square().sum(), profile, materialize_grads=True) for g in gradients]
    torch.testing.assert_close(*seconds, rtol=1e-12, atol=1e-12)


def test_linear_discriminators_have_the_length_of_a_everywhere(plane):
    """D(x) = aᵀx: WGAN-GP and DRAGAN are λ(‖a‖ − 1)² with gradient 2λ(‖a‖ − 1)a/‖a‖, R1 and R2 are ½γ‖a‖² with gradient γa."""
    game = plane(form="quadratic")
    generator, discriminator = game.initial(SEEDS)
    a = torch.tensor([[3.0, 4.0], [0.6, 0.0]], dtype=torch.float64)
    discriminator = torch.cat((a, torch.zeros_like(a)), 1).requires_grad_()
    for name, values, slopes in (
        ("wgan-gp", [160.0, 1.6], [80 * 3 / 5, 80 * 4 / 5, -8.0, 0.0]),
        ("dragan", [160.0, 1.6], [80 * 3 / 5, 80 * 4 / 5, -8.0, 0.0]),
        ("r1", [125.0, 1.8], [30.0, 40.0, 6.0, 0.0]),
        ("r2", [125.0, 1.8], [30.0, 40.0, 6.0, 0.0]),
    ):
        value = paid(game, PENALTIES[name], (generator, discriminator))
        assert value.tolist() == pytest.approx(values, rel=1e-13)
        (gradient,) = torch.autograd.grad(value.sum(), discriminator)
        assert gradient[:, :2].flatten().tolist() == pytest.approx(slopes, rel=1e-12, abs=1e-12)


def test_mixed_derivative_of_r2_is_the_curvature(plane):
    """½E‖a + c∘(s∘z + b)‖² has ∂²/∂a∂b = diag c: what the generator's move does to the penalty's gradient."""
    game = plane(form="quadratic")
    profile = tuple(x.requires_grad_() for x in game.initial(SEEDS))
    value = paid(game, GeneratedGradient(1.0), profile)
    (by_d,) = torch.autograd.grad(value.sum(), profile[1], create_graph=True)
    for k in range(2):
        (mixed,) = torch.autograd.grad(by_d[:, k].sum(), profile[0], retain_graph=True)
        expected = torch.zeros(2, 2, dtype=torch.float64)
        expected[:, k] = profile[1][:, 2 + k].detach()
        torch.testing.assert_close(mixed[:, 2:], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_first_second_and_mixed_derivatives_equal_finite_differences(plane, name):
    game = plane()
    profile = tuple(x.requires_grad_() for x in game.initial(SEEDS))
    assert torch.autograd.gradcheck(lambda *w: paid(game, PENALTIES[name], w), profile, atol=1e-7, rtol=1e-6)
    assert torch.autograd.gradgradcheck(lambda *w: paid(game, PENALTIES[name], w), profile, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", list(PENALTIES))
def test_value_and_gradient_are_the_same_where_only_the_discriminator_moves(plane, name):
    """As `Oracle.gradient(1)` asks: nothing that the generator makes carries a gradient then."""
    game = plane()
    whole, alone = (tuple(x.clone() for x in game.initial(SEEDS)) for _ in range(2))
    for x in (*whole, alone[1]):
        x.requires_grad_()
    found = [torch.autograd.grad(paid(game, PENALTIES[name], w).sum(), w[1])[0] for w in (whole, alone)]
    torch.testing.assert_close(*found, rtol=1e-13, atol=1e-13)
    with torch.no_grad():
        torch.testing.assert_close(paid(game, PENALTIES[name], whole), paid(game, PENALTIES[name], alone))


@pytest.mark.parametrize("name", list(PENALTIES))
def test_runs_are_apart(plane, name):
    game = plane()
    profile, sample = game.initial(SEEDS), game.sample(SEEDS, 4, 0)
    noise = noise_of(PENALTIES[name], sample.real)
    whole = paid(game, PENALTIES[name], profile)
    for run in range(2):
        keep = slice(run, run + 1)
        part = sample._replace(latents=sample.latents[keep], real=sample.real[keep])
        one = Evaluated(game, tuple(x[keep] for x in profile), part, ())
        torch.testing.assert_close(PENALTIES[name].paid(one, None if noise is None else noise[keep]), whole[keep])


def test_noise_is_uniform_and_of_its_shape():
    real = torch.zeros(2, 400, 3, 2, 2)
    epsilon = InterpolatedGradient(1.0).noise(real, SEEDS, 0, 0)
    every = PerturbedGradient(1.0).noise(real, SEEDS, 0, 0)
    assert epsilon is not None
    assert every is not None
    assert epsilon.shape == (2, 400, 1, 1, 1)  # one number an example
    assert every.shape == real.shape  # one a pixel
    for u in (epsilon, every):
        assert 0 <= float(u.min()) < 0.02
        assert 0.98 < float(u.max()) < 1
        assert float(u.mean()) == pytest.approx(0.5, abs=0.05)
    assert not torch.equal(epsilon, InterpolatedGradient(1.0).noise(real, SEEDS, 1, 0))
    assert RealGradient(1.0).noise(real, SEEDS, 0, 0) is GeneratedGradient(1.0).noise(real, SEEDS, 0, 0) is None


def test_length_has_derivatives_of_zero_at_zero():
    g = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(length(g).sum(), g, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), g)
    assert length(g).tolist() == [0.0, 5.0]
    torch.testing.assert_close(first, torch.tensor([[0.0, 0.0], [0.6, 0.8]], dtype=torch.float64))
    assert second[0].tolist() == [0.0, 0.0]
    assert torch.autograd.gradgradcheck(length, (g[1:].detach().requires_grad_(),))
