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
    """

    game: Game
    seeds: Tensor
    step: int
    counts: Counts
    stream: Stream
    buffers: Buffers = ()
    draw: int = 0
    differentiable: bool = False
    adjust: "Callable[[Point], Profile] | None" = None

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
        """Do the game's losses sum to zero?"""
        return self.game.zero_sum

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
        closed = self.game.field(w, self.sample, self.buffers)
        if closed is not None:
            return closed
        leaves = self._leaves(w)
        losses = self._losses(leaves)
        return tuple(self._grad(loss, leaf) for loss, leaf in zip(losses, leaves, strict=True))

    def gradient(self, i: int, w: Profile) -> Tensor:
        """∂loss_i/∂w_i alone. Counts 1/n of a gradient."""
        if self.adjust is not None:
            return self.field(w)[i]
        self.counts.gradient_parts += 1
        leaves = self._leaves(w)
        with torch.enable_grad():
            loss = self.game.loss_of(i, leaves, self.sample, self.buffers)
        return self._grad(loss, leaves[i], last=True)

    def losses(self, w: Profile) -> tuple[Tensor, ...]:
        """Each player's loss, ``(runs,)``."""
        return self.game.losses(w, self.sample, self.buffers)

    def project(self, i: int, x: Tensor) -> Tensor:
        """Player i's strategy, projected on its domain."""
        return self.game.project(i, x)

    def at(self, w: Profile) -> "Point":
        """The game linearised at w: losses evaluated once, all products share one graph."""
        return Point(self, w)

    def adjusted(self, adjust: "Callable[[Point], Profile]") -> "Oracle":
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
            loss = self.game.loss_of(i, moved, self.sample, self.buffers)
        self.counts.product_parts += self.counts.gradient_parts - before
        self.counts.gradient_parts += 1
        return self._grad(loss, leaves[i])

    def _leaves(self, w: Profile) -> Profile:
        """What gradients are taken with respect to.

        A differentiable oracle aliases each player, so that a gradient is partial even where one player's strategy is itself a
        function of another's (alternating play).
        """
        if not self.differentiable:
            return tuple(x.detach().requires_grad_() for x in w)
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in w)

    def _losses(self, leaves: Profile) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            return self.game.losses(leaves, self.sample, self.buffers)

    def _grad(self, loss: Tensor, leaf: Tensor, last: bool = False) -> Tensor:
        (answer,) = torch.autograd.grad(
            loss.sum(),
            leaf,
            create_graph=self.differentiable,
            retain_graph=self.differentiable or not last,
            materialize_grads=True,
        )
        return answer


class Point:
    """The game linearised at a profile: v and products with the Jacobian J = ∂v/∂w, all from one evaluation of the losses.

    Every Hessian of one player's loss is symmetric, so both products are vector–Jacobian products of first derivatives:
    (Jᵀu)_j = Σ_i ∂v_i/∂w_jᵀ u_i and (Ju)_i = Σ_j ∂(∂loss_i/∂w_j)/∂w_iᵀ u_j. Forward mode is never needed.
    """

    def __init__(self, oracle: Oracle, w: Profile) -> None:
        self.oracle = oracle
        self.players = len(w)
        self.w = w
        self._partials: dict[tuple[int, int], Tensor] = {}
        oracle.counts.gradient_parts += self.players
        closed = oracle.game.field(w, oracle.sample, oracle.buffers)
        self._closed = closed is not None
        if closed is not None:
            self.v = closed
        else:
            self._leaves = oracle._leaves(w)
            self._losses = oracle._losses(self._leaves)
            self.v = tuple(self._answer(self._partial(i, i)) for i in range(self.players))

    def partial(self, i: int, j: int) -> Tensor:
        """∂loss_i/∂w_j. Off the diagonal it counts 1/n of a gradient, once."""
        if i == j:
            return self.v[i]
        if self._closed:  # a closed form has no cross gradients: autograd of the losses serves
            self._leaves = self.oracle._leaves(self.w)
            self._losses = self.oracle._losses(self._leaves)
            self._closed = False
        return self._answer(self._partial(i, j))

    def vjp(self, u: Sequence[Tensor | None], rows: Sequence[int] | None = None) -> Profile:
        """Jᵀu for one block of u a player; None is a zero block. ``rows``: only these players' part of the answer, in order.

        Counts one product for a whole u, 1/n for each block that is not None.
        """
        given = [(i, x) for i, x in enumerate(u) if x is not None]
        wanted = range(self.players) if rows is None else rows
        self.oracle.counts.product_parts += max(len(given), 1)
        if self._closed:
            return tuple(_total([self._block(i, j, x, True) for i, x in given], self.w[j]) for j in wanted)
        return self._products([self._partial(i, i) for i, _ in given], [x for _, x in given], wanted)

    def jvp(self, u: Sequence[Tensor | None], rows: Sequence[int] | None = None, off: bool = False) -> Profile:
        """Ju for one block of u a player; None is a zero block; ``off`` leaves out the diagonal blocks of J.

        ``rows``: only these players' rows, in order. Counts one product, or 1/n for each row asked.
        """
        wanted = range(self.players) if rows is None else rows
        self.oracle.counts.product_parts += len(wanted)
        answer = []
        for i in wanted:
            given = [(j, x) for j, x in enumerate(u) if x is not None and not (off and i == j)]
            if self._closed:
                answer.append(_total([self._block(i, j, x, False) for j, x in given], self.w[i]))
            else:
                answer += self._products([self._partial(i, j) for j, _ in given], [x for _, x in given], [i])
        return tuple(answer)

    def block(self, i: int, j: int, u: Tensor, transpose: bool = False) -> Tensor:
        """J_ij u with J_ij = ∂²loss_i/∂w_i∂w_j and u of player j's size, or J_ijᵀ u with u of player i's. Counts 1/n product."""
        self.oracle.counts.product_parts += 1
        if self._closed:
            return self._block(i, j, u, transpose)
        if transpose:
            return self._products([self._partial(i, i)], [u], [j])[0]
        return self._products([self._partial(i, j)], [u], [i])[0]

    def _block(self, i: int, j: int, u: Tensor, transpose: bool) -> Tensor:
        product = self.oracle.game.block(i, j, self.w, self.oracle.sample, self.oracle.buffers, u, transpose)
        assert product is not None, f"{type(self.oracle.game).__name__} overrides field but not block"
        return product

    def _partial(self, i: int, j: int) -> Tensor:
        """∂loss_i/∂w_j with its graph."""
        if (i, j) not in self._partials:
            if i != j and self.players == 2 and self.oracle.zero_sum:
                return -self._partial(j, j)
            if i != j:
                self.oracle.counts.gradient_parts += 1
            self._partials[i, j] = torch.autograd.grad(
                self._losses[i].sum(), self._leaves[j], create_graph=True, materialize_grads=True
            )[0]
        return self._partials[i, j]

    def _products(self, outputs: list[Tensor], u: list[Tensor], wanted: Sequence[int]) -> Profile:
        """Σ_k ∂outputs_k/∂w_jᵀ u_k for each wanted player j."""
        pairs = [(o, x) for o, x in zip(outputs, u, strict=True) if o.requires_grad]
        if not pairs:  # linear losses: the Hessian is zero and has no graph
            return tuple(torch.zeros_like(self.w[j]) for j in wanted)
        return torch.autograd.grad(
            [o for o, _ in pairs],
            [self._leaves[j] for j in wanted],
            [x for _, x in pairs],
            create_graph=self.oracle.differentiable,
            retain_graph=True,
            materialize_grads=True,
        )

    def _answer(self, x: Tensor) -> Tensor:
        return x if self.oracle.differentiable else x.detach()


def _total(terms: list[Tensor], like: Tensor) -> Tensor:
    return torch.zeros_like(like) if not terms else sum(terms[1:], start=terms[0])
