"""What a GAN's loss is made of besides its networks, as parameters that any GAN game can have."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.game import Domain
from saddlebench.games.losses import AdversarialLoss, adversarial_loss
from saddlebench.games.networks.gan import GAN, Batch
from saddlebench.games.penalties.gradient import GeneratedGradient, InterpolatedGradient, PerturbedGradient, RealGradient
from saddlebench.games.penalties.matching import FeatureMatching, HistoricalAveraging
from saddlebench.games.penalties.penalty import Penalty
from saddlebench.parameters import Count, Natural, NonNegativeScalar, Share


@dataclass(frozen=True)
class PenalisedGAN(GAN):
    """A GAN with a loss by name, gradient penalties, clipping and input noise, each left out at 0.

    Raises:
        InputError: no such loss, or one that has no labels to smooth.
    """

    loss: str = "non-saturating"  # adversarial loss by name
    label_smoothing: Share = 0.0  # real samples' target is 1 minus this (one-sided)
    gradient_penalty: NonNegativeScalar = 0.0  # λ of WGAN-GP's (‖∇D‖ − 1)² between real and generated samples
    dragan: NonNegativeScalar = 0.0  # λ of DRAGAN's (‖∇D‖ − 1)² near real samples
    r1: NonNegativeScalar = 0.0  # γ of ½‖∇D‖² at real samples
    r2: NonNegativeScalar = 0.0  # γ of ½‖∇D‖² at generated samples
    penalty_every: Count = 1  # the four penalties above are paid every so many steps, that many times as much
    clip: NonNegativeScalar = 0.0  # D's weights are kept in [−clip, clip], by projection after every move (WGAN: 0.01)
    instance_noise: NonNegativeScalar = 0.0  # standard deviation of noise on every input of D
    instance_noise_steps: Natural = 0  # the noise falls linearly to 0 in so many steps; 0: it stays

    def __post_init__(self) -> None:
        adversarial_loss(self.loss, self.label_smoothing)

    @property
    def adversarial(self) -> AdversarialLoss:
        """By name, smoothed."""
        return adversarial_loss(self.loss, self.label_smoothing)

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """Those whose weight is not 0."""
        every = self.penalty_every
        found = (
            InterpolatedGradient(self.gradient_penalty, every),
            PerturbedGradient(self.dragan, every),
            RealGradient(self.r1, every),
            GeneratedGradient(self.r2, every),
        )
        return tuple(p for p in found if p.weight)

    @property
    def domain(self) -> tuple[Domain, ...]:
        """D's is a box where its weights are clipped."""
        return ("unconstrained", "box" if self.clip else "unconstrained")

    def project(self, i: int, x: Tensor) -> Tensor:
        """Clipping."""
        return x.clamp(-self.clip, self.clip) if self.clip and i == 1 else x

    def completed(self, latents: Tensor, real: Tensor, seeds: Tensor, step: int, draw: int, labels: Tensor | None = None) -> Batch:
        """A batch with everything that the penalties and the instance noise draw."""
        draws = tuple(p.noise(real, seeds, step, draw) for p in self.penalties)
        scale = self.instance_noise
        if self.instance_noise_steps:
            scale *= max(0.0, 1 - step / self.instance_noise_steps)
        blur = None
        if scale:
            blur = normal(seeds, "instance noise", 2 * real[0].numel(), step, draw, torch.float32)
            blur = scale * blur.view(len(seeds), 2, *real.shape[1:])
        return Batch(latents, real, labels, blur, draws, tuple(p.due(step) for p in self.penalties))


@dataclass(frozen=True)
class RegularisedGAN(PenalisedGAN):
    """The same with the terms of Salimans et al. 2016, which need the discriminator's features and buffers of past strategies.

    Raises:
        InputError: as `PenalisedGAN`.
    """

    feature_matching: NonNegativeScalar = 0.0  # weight of ‖E h(x) − E h(G(z))‖², added to G's loss
    historical_averaging: NonNegativeScalar = 0.0  # weight of ‖θ − mean of past θ‖², for both players

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """Those whose weight is not 0."""
        found = (
            FeatureMatching(self.feature_matching),
            HistoricalAveraging(self.historical_averaging, pays=0),
            HistoricalAveraging(self.historical_averaging, pays=1),
        )
        return super().penalties + tuple(p for p in found if p.weight)
