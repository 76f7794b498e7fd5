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
}


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
    assert loss.zero_sum == (name in ("minimax", "wasserstein"))
    torch.testing.assert_close(discriminator, loss.discriminator(REAL, FAKE))


@pytest.mark.parametrize("name", list(LOSSES))
def test_generators_part_has_the_gradient_of_its_loss(name):
    fake = FAKE.clone().requires_grad_()
    loss = adversarial_loss(name)
    (whole,) = torch.autograd.grad(loss.both(REAL, fake)[0].sum(), fake)
    (part,) = torch.autograd.grad(loss.generator(fake).sum(), fake)
    torch.testing.assert_close(part, whole)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'wasserstein'"):
        adversarial_loss("waserstein")
