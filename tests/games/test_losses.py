import math

import pytest
import torch

from saddlebench.errors import InputError
from saddlebench.games.losses import LOSSES, adversarial_loss

REAL = torch.tensor([[0.0, 2.0], [-1.0, 0.5]], dtype=torch.float64)
FAKE = torch.tensor([[0.0, -1.0], [3.0, 1.0]], dtype=torch.float64)


def sp(t: float) -> float:
    return math.log1p(math.exp(t))


# L_D and the generator's part of L_G of the first run, r = (0, 2) and f = (0, −1), written out.
WRITTEN_OUT = {
    "minimax": ((sp(0) + sp(-2)) / 2 + (sp(0) + sp(-1)) / 2, -(sp(0) + sp(-1)) / 2),
    "non-saturating": ((sp(0) + sp(-2)) / 2 + (sp(0) + sp(-1)) / 2, (sp(0) + sp(1)) / 2),
    "lsgan": ((1 + 1) / 4 + (0 + 1) / 4, (1 + 4) / 4),
    "hinge": ((1 + 0) / 2 + (1 + 0) / 2, (0 + 1) / 2),
    "wasserstein": (-0.5 - 1.0, 0.5),
    "kl": (-1 + (math.exp(-1) + math.exp(-2)) / 2, -(math.exp(-1) + math.exp(-2)) / 2),
    "reverse-kl": ((1 + math.exp(-2)) / 2 - 1.5, 1.5),
    "pearson": (-1 + (1 / 4 - 1) / 2, -(1 / 4 - 1) / 2),
    "hellinger": ((1 + math.exp(-2)) / 2 - 1 + (1 + math.exp(-1)) / 2 - 1, -((1 + math.exp(-1)) / 2 - 1)),
    "jensen-shannon": ((sp(0) + sp(-2)) / 2 + (sp(0) + sp(-1)) / 2 - math.log(4), -(sp(0) + sp(-1)) / 2 + math.log(2)),
}
F_GAN = ("kl", "reverse-kl", "pearson", "hellinger", "jensen-shannon")


@pytest.mark.parametrize("name", list(LOSSES))
def test_formula_on_fixed_logits(name):
    loss = adversarial_loss(name)
    discriminator, generator = loss.discriminator(REAL, FAKE), loss.generator(FAKE)
    assert discriminator.shape == generator.shape == (2,)
    assert float(discriminator[0]) == pytest.approx(WRITTEN_OUT[name][0], rel=1e-14)
    assert float(generator[0]) == pytest.approx(WRITTEN_OUT[name][1], rel=1e-14)


@pytest.mark.parametrize("name", list(LOSSES))
def test_zero_sum_says_whether_the_losses_cancel(name):
    loss = adversarial_loss(name)
    generator, discriminator = loss.both(REAL, FAKE)
    assert torch.equal(generator, -discriminator) == loss.zero_sum
    assert loss.zero_sum == (name in ("minimax", "wasserstein", *F_GAN))
    torch.testing.assert_close(discriminator, loss.discriminator(REAL, FAKE))


@pytest.mark.parametrize("name", list(LOSSES))
def test_generators_part_has_the_gradient_of_its_loss(name):
    fake = FAKE.clone().requires_grad_()
    loss = adversarial_loss(name)
    (whole,) = torch.autograd.grad(loss.both(REAL, fake)[0].sum(), fake)
    (part,) = torch.autograd.grad(loss.generator(fake).sum(), fake)
    torch.testing.assert_close(part, whole)


DIVERGENCES = {  # ∫ q f(p/q), Nowozin et al. 2016, table 1
    "kl": lambda u: u * u.log(),
    "reverse-kl": lambda u: -u.log(),
    "pearson": lambda u: (u - 1).square(),
    "hellinger": lambda u: (u.sqrt() - 1).square(),
    "jensen-shannon": lambda u: u * u.log() - (u + 1) * ((1 + u) / 2).log(),
}


@pytest.mark.parametrize("name", F_GAN)
def test_the_best_discriminator_of_an_f_gan_has_minus_the_divergence_as_its_loss(name):
    """On five points with probabilities p and q the minimum over all logits is found by Newton's method."""
    p = torch.tensor([0.1, 0.3, 0.2, 0.25, 0.15], dtype=torch.float64)
    q = torch.tensor([0.25, 0.15, 0.2, 0.1, 0.3], dtype=torch.float64)
    loss, v = adversarial_loss(name), torch.zeros(5, dtype=torch.float64, requires_grad=True)
    value = torch.zeros(())
    for _ in range(50):
        value = (p * loss.on_real(v) + q * loss.on_fake(v)).sum()
        (slope,) = torch.autograd.grad(value, v, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), v)
        v = (v - slope / curvature).detach().requires_grad_()
    assert -value.item() == pytest.approx(float((q * DIVERGENCES[name](p / q)).sum()), rel=1e-10)


def test_label_smoothing_moves_the_real_target_alone():
    smoothed, plain = adversarial_loss("minimax", 0.1), adversarial_loss("minimax")
    assert float(smoothed.on_real(REAL[0, 1])) == pytest.approx(0.9 * sp(-2) + 0.1 * sp(2), rel=1e-14)
    assert torch.equal(smoothed.on_fake(FAKE), plain.on_fake(FAKE))
    assert float(adversarial_loss("lsgan", 0.1).on_real(REAL[0, 1])) == pytest.approx((2 - 0.9) ** 2 / 2, rel=1e-14)
    with pytest.raises(InputError, match="label smoothing"):
        adversarial_loss("hinge", 0.1)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'wasserstein'"):
        adversarial_loss("waserstein")
