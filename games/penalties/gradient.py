"""Penalties on the discriminator's gradient with respect to its input.

    ==========  ============================================  =======================================
    name        value                                         where
    ==========  ============================================  =======================================
    WGAN-GP     E (‖∇D(εx + (1 − ε)G(z))‖ − 1)², ε ~ U        Gulrajani et al. 2017, weight 10
    DRAGAN      E (‖∇D(x + δ)‖ − 1)², δ = ½ std(x) U[0, 1)    Kodali et al. 2017, weight 10
    R1          ½ E ‖∇D(x)‖²                                  Mescheder et al. 2018, weight 10
    R2          ½ E ‖∇D(G(z))‖²                               Mescheder et al. 2018
    ==========  ============================================  =======================================

x are real samples; ε is one number an example, U one number an entry, std(x) that of all entries of the batch. The generated
samples depend on the generator, so these terms have a mixed derivative, which methods of second order see.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.games.draws import uniform
from saddlebench.games.penalties.penalty import Evaluation, Penalty, input_gradient, length


@dataclass(frozen=True)
class InterpolatedGradient(Penalty):
    """E (‖∇D(εx + (1 − ε)G(z))‖ − 1)²: WGAN-GP."""

    order = 2

    def noise(self, real: Tensor, seeds: Tensor, step: int, draw: int) -> Tensor:
        """ε, a number an example."""
        epsilon = uniform(seeds, "gradient penalty", real.shape[1], step, draw, real.dtype)
        return epsilon.view(*real.shape[:2], *(1,) * (real.dim() - 2))

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says."""
        assert noise is not None, "drawn by noise()"
        mixed = torch.lerp(evaluation.fake, evaluation.real, noise.to(evaluation.real))
        return (length(input_gradient(evaluation, mixed)) - 1).square().mean(-1)


@dataclass(frozen=True)
class PerturbedGradient(Penalty):
    """E (‖∇D(x + δ)‖ − 1)², δ = ½ std(x) U: DRAGAN, near real samples only."""

    order = 2

    def noise(self, real: Tensor, seeds: Tensor, step: int, draw: int) -> Tensor:
        """U, a number an entry."""
        return uniform(seeds, "perturbation", real[0].numel(), step, draw, real.dtype).view_as(real)

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says."""
        assert noise is not None, "drawn by noise()"
        real = evaluation.real
        std = real.flatten(1).std(-1).view(-1, *(1,) * (real.dim() - 1))
        return (length(input_gradient(evaluation, real + 0.5 * std * noise.to(real))) - 1).square().mean(-1)


@dataclass(frozen=True)
class RealGradient(Penalty):
    """½ E ‖∇D(x)‖²: R1."""

    order = 2

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says."""
        return input_gradient(evaluation, evaluation.real).square().sum(-1).mean(-1) / 2


@dataclass(frozen=True)
class GeneratedGradient(Penalty):
    """½ E ‖∇D(G(z))‖²: R2."""

    order = 2

    def value(self, evaluation: Evaluation, noise: Tensor | None) -> Tensor:
        """As the class says."""
        return input_gradient(evaluation, evaluation.fake).square().sum(-1).mean(-1) / 2
