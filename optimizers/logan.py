"""LOGAN: latents are optimised before the networks play on them."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from saddlebench.optimizers.adjustments.products import inner
from saddlebench.optimizers.adjustments.symplectic import Symplectic
from saddlebench.optimizers.optimizer import Evaluation, GameFacts, Oracle, Profile
from saddlebench.optimizers.search import LogUniform, Space, Uniform
from saddlebench.optimizers.wrappers.wrapper import Wrapper
from saddlebench.parameters import NonNegative, PositiveScalar, Share, cast, pick


class LoganState(NamedTuple):
    """The base's state, and how far each player moved in the last step, ``(runs, players)``, which no step depends on."""

    inner: Any
    moves: Tensor
    passive = ("moves",)


@dataclass(frozen=True)
class Logan(Wrapper):
    """The base plays on z' = [z + Δz] instead of z, Δz = αg/(β + ‖g‖²) with g = ∂D(G(z))/∂z for each latent.

    Wu, Donahue, Balduzzi, Simonyan, Lillicrap 2019. The natural gradient step above is α(ggᵀ + βI)⁻¹g, no longer than α/(2√β);
    the plain one, ``natural = false``, is αg. [·] clips to [−1, 1] where latents are uniform there, and nothing where they are
    normal. Both players' gradients go through Δz (their equation 8):

        dL_i/dθ_i = ∂L_i/∂θ_i + (∂Δz/∂θ_i)ᵀ ∂L_i/∂z'

    ``through_generator`` and ``through_discriminator`` leave out each one's second term, as in the paper's ablation. D scores by
    its logits. Latents are independent of one another, so that a random portion of them is the first of the batch; the rest stay
    as they are. With ``portion_of = "elements"`` it is the first elements of every latent, as with BigGAN's half in the paper's
    later version; g's other elements count as 0. Evaluation uses plain latents.

    α = .9 for both steps, β = 5 with BigGAN-deep and .1 with DCGAN. The weight of ‖Δz‖² depends on the losses' scale: 0 by default.

    Measures, on a sample that no step sees: ``move_difference``, ‖Δθ_D‖ − ‖Δθ_G‖ of the last step; ``latent_shift``, the mean of
    ‖z' − z‖; ``score_shift``, the mean of D(G(z')) − D(G(z)); with ``compare``, ``cosine_with_symplectic``, between the second
    terms above, at z', and symplectic gradient adjustment's Aᵀv of the game itself.
    """

    name = "logan"
    paper = "Wu et al. 2019"
    cost = "that of the base, and 1/2 gradient + 1 product with each of its fields"
    search: ClassVar[Space] = {
        "latent_step_size": LogUniform(0.1, 10),
        "latent_damping": LogUniform(0.01, 100),
        "portion": Uniform(0, 1),
        "penalty": None,
    }

    natural: bool = True  # is Δz a natural gradient step?
    latent_step_size: PositiveScalar = 0.9  # α
    latent_damping: PositiveScalar = 5.0  # β, of the natural step
    portion: Share = 1.0  # that is optimised
    portion_of: Literal["latents", "elements"] = "latents"  # of the batch's latents, or of each one's elements
    penalty: NonNegative = 0.0  # weight of ‖Δz‖², added to the players' losses
    clip: bool = True  # z' stays where latents lie, if they are bounded
    through_generator: bool = True  # G's gradient goes through Δz
    through_discriminator: bool = True  # D's gradient goes through Δz
    compare: bool = False  # measure the cosine with symplectic gradient adjustment

    def applies_to(self, game: GameFacts) -> str | None:
        """A game with latents."""
        if not game.has_latents:
            return f"{self.name} optimises the latents of a generator, and this game has none"
        return super().applies_to(game)

    def init(self, oracle: Oracle, w: Profile) -> LoganState:
        """The base's."""
        return LoganState(self.base.init(self._deformed(oracle), w), w[0].new_zeros(len(w[0]), len(w)))

    def step(self, oracle: Oracle, w: Profile, state: LoganState) -> tuple[Profile, LoganState]:
        """The base's, in the deformed game."""
        moved, within = self.base.step(self._deformed(oracle), w, state.inner)
        lengths = [(x - y).detach().norm(dim=-1) for x, y in zip(moved, w, strict=True)]
        return moved, LoganState(within, torch.stack(lengths, -1))

    def losses(self, evaluation: Evaluation) -> tuple[Tensor, ...]:
        """L_i(z') + w_i E‖Δz‖² of the players that are wanted."""
        latents, step = self.optimised(evaluation)
        effort = step.square().sum(-1).mean(-1, keepdim=True)
        found = zip(evaluation.players, evaluation.losses(latents), strict=True)
        return tuple((loss.unsqueeze(-1) + cast(pick(self.penalty, i), effort) * effort).squeeze(-1) for i, loss in found)

    def optimised(self, evaluation: Evaluation) -> tuple[Tensor, Tensor]:
        """z' and Δz, both ``(runs, batch, latent)``; Δz is 0 outside the portion."""
        z, g = evaluation.latents, evaluation.latent_gradient((self.through_generator, self.through_discriminator))
        axis = 1 if self.portion_of == "latents" else 2
        number = torch.arange(z.shape[axis], dtype=torch.float64, device=z.device).view(1, *((-1, 1) if axis == 1 else (1, -1)))
        g = torch.where(number + 0.5 < _wide(self.portion, number) * z.shape[axis], g, 0.0)
        step = _wide(self.latent_step_size, g) * g
        if self.natural:
            step = step / (_wide(self.latent_damping, g) + g.square().sum(-1, keepdim=True))
        moved, bound = z + step, evaluation.latent_bound
        if self.clip and bound is not None:
            moved = moved.clamp(-bound, bound)
        return moved, step

    def measures(self, oracle: Oracle, w: Profile, state: LoganState) -> dict[str, Tensor]:
        """As the class says."""
        evaluation = oracle.evaluation(w)
        latents = self.optimised(evaluation)[0].detach()
        with torch.no_grad():
            scores = evaluation.score(latents) - evaluation.score()
        found = {
            "move_difference": state.moves[:, 1] - state.moves[:, 0],
            "latent_shift": (latents - evaluation.latents).norm(dim=-1).mean(-1),
            "score_shift": scores.mean(-1),
        }
        if self.compare:
            found["cosine_with_symplectic"] = self._cosine(oracle, w)
        return {**super().measures(oracle, w, state), **found}

    def _deformed(self, oracle: Oracle) -> Oracle:
        return oracle.deformed(self.losses)

    def _cosine(self, oracle: Oracle, w: Profile) -> Tensor:
        stopped = replace(self, through_generator=False, through_discriminator=False)
        whole, partial = (oracle.deformed(logan.losses).field(w) for logan in (self, stopped))
        point = oracle.at(w)
        correction = tuple(x - y for x, y in zip(whole, partial, strict=True))
        turn = tuple(x - y for x, y in zip(Symplectic().field(point), point.v, strict=True))
        lengths = (inner(correction, correction) * inner(turn, turn)).sqrt()
        return (inner(correction, turn) / lengths).squeeze(-1)


def _wide(value: Any, like: Tensor) -> Any:
    """A hyperparameter beside tensors ``(runs, batch, latent)``."""
    return value if isinstance(value, float | int) else cast(value, like).unsqueeze(-1)
