"""Linear solves on the run axis, by products alone, with an implicit derivative.

Iteration counts are fixed and converged runs are masked, so that a step has no branch on tensor values and one diverged run
leaves the others untouched. The derivative of a solution x = M⁻¹b is that of the converged method, M⁻¹(db − dM x): going
through the iterations would be wrong wherever they stop at once (b = 0 at an equilibrium).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]


def solve(
    product: Product, transposed: Product, b: Tensor, solver: Callable[[Product, Tensor], Tensor], keep_graph: bool
) -> Tensor:
    """x = M⁻¹b for b of shape ``(runs, size)``, where ``product`` is M and ``transposed`` Mᵀ; both may keep a graph."""
    x = solver(lambda u: product(u).detach(), b.detach())
    if not keep_graph:
        return x
    residual = b - product(x)  # near zero in value; its derivative is db − dM x
    return _Implicit.apply(residual, x, lambda g: solver(lambda u: transposed(u).detach(), g))


class _Implicit(torch.autograd.Function):
    """Forward the solution that is known; backward the transposed solve."""

    @staticmethod
    def forward(ctx: Any, residual: Tensor, solution: Tensor, transposed_solve: Product) -> Tensor:
        ctx.transposed_solve = transposed_solve
        return solution.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        with torch.enable_grad():  # backward runs without, and products with J would then find no graph and answer zero
            return ctx.transposed_solve(gradients[0]), None, None


def conjugate_gradient(product: Product, b: Tensor, iterations: int, tolerance: float) -> Tensor:
    """Conjugate gradients from 0 for symmetric positive definite M; a run stops at ‖r‖ ≤ tolerance·‖b‖."""
    x, r = torch.zeros_like(b), b
    p, square = r, _inner(r, r)
    limit = tolerance**2 * square
    for _ in range(iterations):
        active = square > limit
        ahead = product(p)
        step = torch.where(active, square / torch.where(active, _inner(p, ahead), 1.0), 0.0)
        x, r = x + step * p, r - step * ahead
        new = _inner(r, r)
        p = r + torch.where(active, new / torch.where(active, square, 1.0), 0.0) * p
        square = torch.where(active, new, square)
    return x


def gmres(product: Product, b: Tensor, iterations: int, tolerance: float) -> Tensor:
    """GMRES from 0 without restart for any invertible M; a run's basis stops growing at a relative breakdown ≤ tolerance."""
    iterations = min(iterations, b.shape[-1])
    size = _inner(b, b).sqrt()
    basis = [torch.where(size > 0, b / torch.where(size > 0, size, 1.0), 0.0)]
    hessenberg = b.new_zeros(b.shape[0], iterations + 1, iterations)
    for k in range(iterations):
        ahead = product(basis[k])
        for _ in range(2):  # orthogonalised twice: once loses digits
            for j, q in enumerate(basis):
                overlap = _inner(q, ahead)
                ahead = ahead - overlap * q
                hessenberg[:, j, k] += overlap[:, 0]
        length = _inner(ahead, ahead).sqrt()
        grows = length > tolerance * hessenberg[:, : k + 1, k].norm(dim=-1, keepdim=True)
        hessenberg[:, k + 1, k] = torch.where(grows, length, 0.0)[:, 0]
        basis.append(torch.where(grows, ahead / torch.where(grows, length, 1.0), 0.0))
    q, r = torch.linalg.qr(hessenberg)
    right = q[:, :1].mT * size[..., None]  # Qᵀ‖b‖e₁
    diagonal = r.diagonal(dim1=-2, dim2=-1)
    dead = diagonal.abs() <= tolerance * diagonal.abs().amax(-1, keepdim=True)  # columns past a breakdown
    r = torch.where(dead[..., None], torch.eye(iterations, dtype=b.dtype, device=b.device), r)
    weights = torch.linalg.solve_triangular(r, torch.where(dead[..., None], 0.0, right), upper=True)
    return (torch.stack(basis[:-1], -1) @ weights).squeeze(-1)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)
