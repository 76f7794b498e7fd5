"""Batch normalisation that can be differentiated any number of times.

torch's fused batch norm has a first and a second derivative and refuses a third, which the Jacobian of a step of consensus or
symplectic optimisation needs. Here the value and its first derivative are torch's fused kernels; the derivative of the first
derivative is autograd of the formula written out, which has derivatives of every order.
"""

from typing import Any

import torch
from torch import Tensor


def normalised(x: Tensor, gain: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """γ(x − mean)/√(var + ε) + β over all axes of ``(batch, channels, …)`` but the channels; var is divided by n."""
    return _Normalise.apply(x, gain, bias, epsilon)  # pyright: ignore[reportReturnType] - torch leaves apply untyped


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        y, mean, inverse = torch.native_batch_norm(x, gain, bias, None, None, True, 0.0, epsilon)
        ctx.save_for_backward(x, gain, mean, inverse)
        ctx.epsilon = epsilon
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, gain, mean, inverse = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        found = _Gradient.apply(gradients[0], x, gain, mean, inverse, ctx.epsilon, wanted)
        return *(g if w else None for g, w in zip(found, wanted, strict=True)), None


class _Gradient(torch.autograd.Function):
    """(∂/∂x, ∂/∂γ, ∂/∂β) of ⟨g, normalised(x)⟩."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, x: Tensor, gain: Tensor, mean: Tensor, inverse: Tensor, epsilon: float, wanted: list[bool]
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(g, x, gain)
        ctx.epsilon = epsilon
        found = torch.ops.aten.native_batch_norm_backward(
            g.contiguous(), x, gain, None, None, mean, inverse, True, epsilon, [wanted[0], True, True]
        )
        return tuple(x.new_zeros(()) if f is None else f for f in found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        further = torch.is_grad_enabled()  # is this derivative to be differentiated in turn?
        with torch.enable_grad():
            # Aliases, so that the derivatives are partial ones: g itself depends on x.
            inputs = [t.view_as(t) if further and t.requires_grad else t.detach().requires_grad_() for t in ctx.saved_tensors]
            g, x, gain = inputs
            pairs = [(f, c) for f, c in zip(_formula(g, x, gain, ctx.epsilon), gradients, strict=True) if c.dim()]
            found = torch.autograd.grad(
                [f for f, _ in pairs], inputs, [c for _, c in pairs], create_graph=further, materialize_grads=True
            )
        return *found, None, None, None, None


def _formula(g: Tensor, x: Tensor, gain: Tensor, epsilon: float) -> tuple[Tensor, ...]:
    """With x̂ = (x − mean)/s, s = √(var + ε): γ/s·(g − E g − x̂ E[g x̂]), Σ g x̂, Σ g."""
    axes, shape = (0, *range(2, x.dim())), (1, -1, *(1,) * (x.dim() - 2))
    centred = x - x.mean(axes, keepdim=True)
    inverse = (centred.square().mean(axes, keepdim=True) + epsilon).rsqrt()
    unit = centred * inverse
    along = (g * unit).mean(axes, keepdim=True)
    dx = gain.view(shape) * inverse * (g - g.mean(axes, keepdim=True) - unit * along)
    return dx, (g * unit).sum(axes), g.sum(axes)
