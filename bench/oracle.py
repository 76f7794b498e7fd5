"""The oracle: what an optimizer may ask of a game during one step, and what it asked.

Gradients are plain autograd of losses summed over the run axis: runs are independent, so the gradient of the sum holds every
run's own gradient. A differentiable oracle keeps the graph (``create_graph``), so that the step built from its answers has an
exact Jacobian; an ordinary one answers with detached tensors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from saddlebench.bench.deformation import Deformation, Evaluation
from saddlebench.bench.point import Point
from saddlebench.bench.trees import map_tensors
from saddlebench.games.game import Buffers, Game, Profile


@dataclass
class Counts:
    """What was asked, in player parts: a field is n parts of a gradient, one block row one part of a product."""

    players: int
    gradient_parts: int = 0
    product_parts: int = 0

    @property
    def gradients(self) -> float:
        """Evaluations of the field v; one player's gradient counts 1/n."""
        return self.gradient_parts / self.players

    @property
    def products(self) -> float:
        """Products with J or Jᵀ; one block row counts 1/n."""
        return self.product_parts / self.players

    @property
    def cost(self) -> float:
        """The headline cost: gradients + 2·products."""
        return self.gradients + 2 * self.products


@dataclass
class Stream:
    """The samples and the newest buffers of one step, shared by all views of its oracle."""

    buffers: Buffers
    dtype: torch.dtype | None = None  # samples come in their game's own dtype and are cast
    draws: int = 0
    samples: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Oracle:
    """One step's access to a game for all runs at once.

    Attributes:
        game: the game.
        seeds: ``(runs,)`` int64, the run's seeds.
        step: the step's number; with the draw's number it decides the sample.
        counts: counters shared by all views.
        stream: samples and newest buffers, shared by all views.
        buffers: the buffers of this view: frozen, whatever moves other views commit.
        draw: the draw that this view evaluates.
        differentiable: keep the graph of every answer.
        adjust: in place of the field, answer this function of the game linearised at w.
        deformation: losses in place of the game's.
    """

    game: Game
    seeds: Tensor
    step: int
    counts: Counts
    stream: Stream
    buffers: Buffers = ()
    draw: int = 0
    differentiable: bool = False
    adjust: Callable[[Point], Profile] | None = None
    deformation: Deformation | None = None

    @classmethod
    def at_step(
        cls,
        game: Game,
        seeds: Tensor,
        step: int,
        buffers: Buffers,
        counts: Counts,
        dtype: torch.dtype | None = None,
        differentiable: bool = False,
    ) -> "Oracle":
        """The oracle with which a step begins: the step's first draw, cast to ``dtype`` where one is given, no adjustment."""
        return cls(game, seeds, step, counts, Stream(buffers, dtype), buffers, 0, differentiable)

    @property
    def zero_sum(self) -> bool:
        """Do the losses sum to zero?"""
        return self.game.zero_sum if self.deformation is None else self.deformation.zero_sum

    @property
    def sample(self) -> Any:
        """The minibatch and noise of this view."""
        if not self.game.stochastic:
            return None
        if self.draw not in self.stream.samples:
            sample = self.game.sample(self.seeds, self.step, self.draw)
            dtype = self.stream.dtype
            self.stream.samples[self.draw] = map_tensors(lambda x: x.to(dtype) if dtype and x.is_floating_point() else x, sample)
        return self.stream.samples[self.draw]

    def field(self, w: Profile) -> Profile:
        """v(w) = (∂loss_1/∂w_1, …, ∂loss_n/∂w_n). Counts one gradient."""
        if self.adjust is not None:
            return self.adjust(replace(self, adjust=None).at(w))
        self.counts.gradient_parts += len(w)
        closed = self._closed_field(w)
        if closed is not None:
            return closed
        leaves = self._leaves(w)
        losses = self._losses(leaves, lambda: w)
        return tuple(self._grad(loss, leaf) for loss, leaf in zip(losses, leaves, strict=True))

    def gradient(self, i: int, w: Profile) -> Tensor:
        """∂loss_i/∂w_i alone. Counts 1/n of a gradient."""
        if self.adjust is not None:
            return self.field(w)[i]
        self.counts.gradient_parts += 1
        leaves = self._leaves(w)
        (loss,) = self._losses(leaves, lambda: w, (i,))
        return self._grad(loss, leaves[i], last=True)

    def losses(self, w: Profile) -> tuple[Tensor, ...]:
        """Each player's loss, ``(runs,)``."""
        if self.deformation is None:
            return self.game.losses(w, self.sample, self.buffers)
        return self.deformation.of(self.evaluation(w))

    def evaluation(self, w: Profile, outside: Callable[[], Profile] | None = None, players: Sequence[int] = ()) -> Evaluation:
        """The game about to be evaluated at w; for what a method deforms or measures."""
        return Evaluation(self.game, w, outside or (lambda: w), self.sample, self.buffers, players or range(len(w)))

    def deformed(self, losses: Callable[[Evaluation], tuple[Tensor, ...]], zero_sum: bool = False) -> "Oracle":
        """A view with other losses in place of the game's: any method over it is unaware of the deformation.

        They are means over the sample's examples, as the game's own are, or processes could not share them.
        Products with the Jacobian are those of the losses as functions of the profile: what a player's gradient is told not to go
        through counts as constant in them.
        """
        return replace(self, deformation=Deformation(losses, zero_sum))

    def project(self, i: int, x: Tensor) -> Tensor:
        """Player i's strategy, projected on its domain."""
        return self.game.project(i, x)

    def at(self, w: Profile) -> Point:
        """The game linearised at w: losses evaluated once, all products share one graph."""
        return Point(self, w)

    def adjusted(self, adjust: Callable[[Point], Profile]) -> "Oracle":
        """A view whose field is ``adjust(self.at(w))``: a scheme over it is unaware of the adjustment."""
        return replace(self, adjust=adjust)

    def fresh(self, committed: Profile | None = None) -> "Oracle":
        """A view at the next sample of this step; buffers advance when a committed profile is given."""
        self.stream.draws += 1
        if committed is not None:
            self.stream.buffers = self.game.advance(committed, self.stream.buffers)
        return replace(self, draw=self.stream.draws, buffers=self.stream.buffers)

    def through(self, i: int, move: "Callable[[Oracle, Profile], Profile]", w: Profile) -> Tensor:
        """The total derivative of w_i ↦ loss_i(move(oracle, w)) through a differentiable move made of oracle questions.

        The move is given an oracle that keeps the graph. What the move asks is counted, and so is one more gradient part, and
        for each gradient part of the move a product part: the derivative goes back through it.
        """
        before = self.counts.gradient_parts
        leaves = tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in w)
        with torch.enable_grad():
            moved = move(replace(self, differentiable=True), leaves)
        self.counts.product_parts += self.counts.gradient_parts - before
        self.counts.gradient_parts += 1
        (loss,) = self._losses(moved, lambda: move(self, w), (i,))
        return self._grad(loss, leaves[i])

    def _leaves(self, w: Profile) -> Profile:
        """What gradients are taken with respect to.

        A differentiable oracle aliases each player, so that a gradient is partial even where one player's strategy is itself a
        function of another's (alternating play).
        """
        if not self.differentiable:
            return tuple(x.detach().requires_grad_() for x in w)
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in w)

    def _closed_field(self, w: Profile) -> Profile | None:
        return self.game.field(w, self.sample, self.buffers) if self.deformation is None else None

    def _losses(self, leaves: Profile, outside: Callable[[], Profile], players: Sequence[int] = ()) -> tuple[Tensor, ...]:
        """The losses of some players, or of all, at leaves that are ``outside`` with the players' gradients.

        A latent gradient counts as one player's gradient, and each player's gradient through it as one part of a product.
        """
        with torch.enable_grad():
            if self.deformation is None and not players:
                return self.game.losses(leaves, self.sample, self.buffers)
            if self.deformation is None:
                return tuple(self.game.loss_of(i, leaves, self.sample, self.buffers) for i in players)
            evaluation = self.evaluation(leaves, outside, players)
            losses = self.deformation.of(evaluation)
        if evaluation.through:
            self.counts.gradient_parts += 1
            self.counts.product_parts += sum(evaluation.through[i] for i in evaluation.players)
        return losses

    def _grad(self, loss: Tensor, leaf: Tensor, last: bool = False) -> Tensor:
        (answer,) = torch.autograd.grad(
            loss.sum(),
            leaf,
            create_graph=self.differentiable,
            retain_graph=self.differentiable or not last,
            materialize_grads=True,
        )
        return answer
