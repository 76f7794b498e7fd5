"""The contract of a penalty: a term added to one player's loss."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from saddlebench.games.game import Buffers, Profile


class Evaluation(Protocol):
    """The players of a GAN evaluated on one sample: `saddlebench.games.networks.gan.Evaluated` documents each answer."""

    @property
    def profile(self) -> Profile:
        """The strategies."""
        ...

    @property
    def buffers(self) -> Buffers:
        """The game's."""
        ...

    # What is computed once and kept is an attribute to a type checker.
    real: Any
    fake: Any

    def logits(self, x: Tensor) -> Tensor:
        """D(x)."""
        ...

    def features(self, x: Tensor) -> Tensor:
        """The discriminator's last hidden features of x."""
        ...


@dataclass(frozen=True)
class Penalty(ABC):
    """weight · value, added to the loss of one player.

    Attributes:
        weight: its factor.
        every: it is paid at every so many steps only, that many times as much ("lazy regularisation", Karras et al. 2020).
    """

    player = 1  # who pays: 0 the generator, 1 the discriminator
    order = 1  # derivatives that its value itself takes, plus the one that a step takes of it

    weight: float
    every: int = 1

    def noise(self, real: Tensor, seeds: Tensor, step: int, draw: int) -> Tensor | None:
        """What it draws for one sample, given the real ones ``(runs, batch, …)``; None: nothing."""
        return None

    def due(self, step: int) -> bool:
        """Is it paid at this step?"""
        return step % self.every == 0

    def paid(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """weight · every · value, ``(runs,)``."""
        return self.weight * self.every * self.value(evaluation, noise)

    @abstractmethod
    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """The penalty of each run, ``(runs,)``."""


def input_gradient(evaluation: Evaluation, x: Tensor) -> Tensor:
    """∂D(x)/∂x for each example, ``(runs, batch, numbers)``, differentiable where x or a strategy is; the examples must not see
    each other (no batch norm).
    """
    differentiable = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *evaluation.profile))
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(evaluation.logits(x).sum(), x, create_graph=differentiable)
    return gradient.flatten(2)


def length(gradient: Tensor) -> Tensor:
    """‖g‖ of each row, with derivative 0 at exactly 0, where the norm itself has none."""
    square = gradient.square().sum(-1)
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)
