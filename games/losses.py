"""Adversarial losses of a generator against a discriminator.

With logits r = D(x) of real samples and f = D(G(z)) of generated ones, both ``(runs, batch)``, and sp(t) = log(1 + eᵗ):

    =================  =========================  ============  ========
    name               discriminator L_D          generator     zero-sum
    =================  =========================  ============  ========
    minimax            E sp(−r) + E sp(f)         −L_D          yes
    non-saturating     E sp(−r) + E sp(f)         E sp(−f)      no
    lsgan              ½E(r − 1)² + ½E f²         ½E(f − 1)²    no
    hinge              E(1 − r)₊ + E(1 + f)₊      −E f          no
    wasserstein        E f − E r                  −L_D          yes
    kl                 −E r + E e^{f − 1}         −L_D          yes
    reverse-kl         E e^{−r} + E f − 1         −L_D          yes
    pearson            −E r + E(f²/4 + f)         −L_D          yes
    hellinger          E e^{−r} + E e^f − 2       −L_D          yes
    jensen-shannon     E sp(−r) + E sp(f) − ln 4  −L_D          yes
    =================  =========================  ============  ========

The last five are the f-GAN family, L_D = −E g(r) + E f*(g(f)) with each divergence's conjugate f* and output activation g
(Nowozin et al. 2016, tables 2 and 6), so that −min L_D is a lower bound of the divergence itself.

Minimax and Wasserstein are zero-sum strictly: the generator's loss includes the term of the real samples, which its gradient does
not see (Goodfellow et al. 2014 and Arjovsky et al. 2017 leave it out), so that L_G + L_D = 0 for every profile and methods for
zero-sum games apply. Sources: Goodfellow et al. 2014 (first two), Mao et al. 2017 with a, b, c = 0, 1, 1, Lim & Ye 2017 and Miyato
et al. 2018 (hinge), Arjovsky et al. 2017; a Wasserstein critic must be kept Lipschitz by other means.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn.functional import softplus

from saddlebench.errors import InputError, unknown

Pointwise = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses, means over the batch of functions of one logit each.

    Attributes:
        name: its name in `LOSSES`.
        on_real: the discriminator's, of a real sample's logit.
        on_fake: the discriminator's, of a generated sample's logit.
        on_generated: the generator's, of a generated sample's logit; None: zero-sum.
    """

    name: str
    on_real: Pointwise
    on_fake: Pointwise
    on_generated: Pointwise | None = None

    @property
    def zero_sum(self) -> bool:
        """Is L_G = −L_D?"""
        return self.on_generated is None

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """L_D, ``(runs,)``, of logits ``(runs, batch)``."""
        return self.on_real(real_logits).mean(-1) + self.on_fake(fake_logits).mean(-1)

    def generator(self, fake_logits: Tensor) -> Tensor:
        """The part of L_G that depends on the generated samples, ``(runs,)``: all of it where the loss is not zero-sum."""
        if self.on_generated is None:
            return -self.on_fake(fake_logits).mean(-1)
        return self.on_generated(fake_logits).mean(-1)

    def both(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """(L_G, L_D), each ``(runs,)``."""
        value = self.discriminator(real_logits, fake_logits)
        return (-value if self.zero_sum else self.generator(fake_logits)), value


LOSSES = {
    loss.name: loss
    for loss in (
        AdversarialLoss("minimax", lambda r: softplus(-r), softplus),
        AdversarialLoss("non-saturating", lambda r: softplus(-r), softplus, lambda f: softplus(-f)),
        AdversarialLoss("lsgan", lambda r: (r - 1).square() / 2, lambda f: f.square() / 2, lambda f: (f - 1).square() / 2),
        AdversarialLoss("hinge", lambda r: (1 - r).relu(), lambda f: (1 + f).relu(), lambda f: -f),
        AdversarialLoss("wasserstein", lambda r: -r, lambda f: f),
        AdversarialLoss("kl", lambda r: -r, lambda f: (f - 1).exp()),
        AdversarialLoss("reverse-kl", lambda r: (-r).exp(), lambda f: f - 1),
        AdversarialLoss("pearson", lambda r: -r, lambda f: f.square() / 4 + f),
        AdversarialLoss("hellinger", lambda r: (-r).exp() - 1, lambda f: f.exp() - 1),
        AdversarialLoss("jensen-shannon", lambda r: softplus(-r) - math.log(2), lambda f: softplus(f) - math.log(2)),
    )
}
_LOGISTIC = ("minimax", "non-saturating")


def adversarial_loss(name: str, label_smoothing: float = 0.0) -> AdversarialLoss:
    """The loss of that name.

    Args:
        name: in `LOSSES`.
        label_smoothing: s of one-sided label smoothing (Salimans et al. 2016): real samples have the target 1 − s, so that
            on_real is (1 − s) sp(−r) + s sp(r), or ½(r − 1 + s)² of lsgan.

    Raises:
        InputError: there is none, the nearest names are suggested; or it has no labels to smooth.
    """
    if name not in LOSSES:
        raise unknown("adversarial loss", name, LOSSES)
    loss, s = LOSSES[name], label_smoothing
    if not s:
        return loss
    if name in _LOGISTIC:
        return replace(loss, on_real=lambda r: (1 - s) * softplus(-r) + s * softplus(r))
    if name == "lsgan":
        return replace(loss, on_real=lambda r: (r - 1 + s).square() / 2)
    raise InputError(f"label smoothing is of losses with labels ({', '.join((*_LOGISTIC, 'lsgan'))}), not of {name}")


def policy_gradient(log_probabilities: Tensor, values: Tensor) -> Tensor:
    """−E Σ_t log G(y_t | y_<t) Q_t, ``(runs,)``: its gradient in G, values held fixed, is the REINFORCE estimate of −∇E[R].

    Williams 1992; Yu et al. 2017, equation 8. A derivative of second order lacks that of the distribution which the sequences were
    drawn from.

    Args:
        log_probabilities: log G(y_t | y_<t) of sequences drawn from G, ``(runs, batch, T)``.
        values: Q_t, the expected reward of a sequence that begins with y_1, …, y_t; likewise.
    """
    return -(log_probabilities * values).sum(-1).mean(-1)
