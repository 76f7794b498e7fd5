"""The game linearised at a profile."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from saddlebench.games.game import Profile

if TYPE_CHECKING:
    from saddlebench.bench.oracle import Oracle


class Point:
    """The game linearised at a profile: v and products with the Jacobian J = ∂v/∂w, all from one evaluation of the losses.

    Every Hessian of one player's loss is symmetric, so both products are vector–Jacobian products of first derivatives:
    (Jᵀu)_j = Σ_i ∂v_i/∂w_jᵀ u_i and (Ju)_i = Σ_j ∂(∂loss_i/∂w_j)/∂w_iᵀ u_j. Forward mode is never needed.
    """

    def __init__(self, oracle: "Oracle", w: Profile) -> None:
        self.oracle = oracle
        self.players = len(w)
        self.w = w
        self._partials: dict[tuple[int, int], Tensor] = {}
        oracle.counts.gradient_parts += self.players
        closed = oracle._closed_field(w)
        self._closed = closed is not None
        if closed is not None:
            self.v = closed
        else:
            self._leaves = oracle._leaves(w)
            self._losses = oracle._losses(self._leaves, lambda: w)
            self.v = tuple(self._answer(self._partial(i, i)) for i in range(self.players))

    def partial(self, i: int, j: int) -> Tensor:
        """∂loss_i/∂w_j. Off the diagonal it counts 1/n of a gradient, once."""
        if i == j:
            return self.v[i]
        if self._closed:  # a closed form has no cross gradients: autograd of the losses serves
            self._leaves = self.oracle._leaves(self.w)
            self._losses = self.oracle._losses(self._leaves, lambda: self.w)
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
