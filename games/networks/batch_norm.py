"""Batch normalisation that can be differentiated any number of times.

torch's fused batch norm has a first and a second derivative and refuses a third, which the Jacobian of a step of consensus or
symplectic optimisation needs. Here the value and its first derivative are torch's fused kernels; and since the derivative of the
first derivative can be written with that derivative itself, theirs are all derivatives.
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
    """With x̂ = (x − mean)s, s = 1/√(var + ε), the derivatives of ⟨g, normalised(x)⟩: γs(g − E g − x̂ E[g x̂]), Σ g x̂, Σ g."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, x: Tensor, gain: Tensor, mean: Tensor, inverse: Tensor, epsilon: float, wanted: list[bool]
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(g, x, gain, mean, inverse)
        ctx.epsilon = epsilon
        found = torch.ops.aten.native_batch_norm_backward(
            g.contiguous(), x, gain, None, None, mean, inverse, True, epsilon, [wanted[0], True, True]
        )
        return tuple(x.new_zeros(()) if f is None else f for f in found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Of L = ⟨u, ∂x⟩ + ⟨p, ∂γ⟩ + ⟨q, ∂β⟩. With P_h = s(h − E h − x̂ E[h x̂]), the derivative with respect to x at γ = 1:

            ∂L/∂g = γP_u + p x̂ + q
            ∂L/∂x = (p − γs E[u x̂])P_g − γs E[g x̂]P_u − γs E[g P_u] x̂
            ∂L/∂γ = ⟨g, P_u⟩

        since P is symmetric, ∂s/∂x = −s²x̂/n, and P_h is what a gradient h with respect to x̂ is with respect to x.
        """
        u, p, q = gradients
        g, x, gain, mean, inverse = ctx.saved_tensors
        axes, shape = (0, *range(2, x.dim())), (1, -1, *(1,) * (x.dim() - 2))
        count = x.numel() // x.shape[1]
        s, unit = inverse, (x - mean.view(shape)) * inverse.view(shape)
        if torch.is_grad_enabled():  # this derivative is to be differentiated in turn: moments are functions of x
            s = (x.var(axes, correction=0) + ctx.epsilon).rsqrt()
            unit = (x - x.mean(axes, keepdim=True)) * s.view(shape)

        def at_unit_gain(h: Tensor) -> tuple[Tensor, Tensor]:
            """P_h and n E[h x̂]."""
            made: Any = _Gradient.apply(h, x, torch.ones_like(gain), mean, inverse, ctx.epsilon, [True, True, True])
            return made[0], made[1]

        if not u.dim():  # ∂x was not wanted
            dg = unit * p.view(shape) + q.view(shape)
            return dg, at_unit_gain(g)[0] * p.view(shape), None, None, None, None, None
        (of_u, along_u), (of_g, along_g) = at_unit_gain(u), at_unit_gain(g)
        dgain = (g * of_u).sum(axes)
        scale = gain * s / count
        dg = of_u * gain.view(shape) + unit * p.view(shape) + q.view(shape)
        dx = of_g * (p - scale * along_u).view(shape) - of_u * (scale * along_g).view(shape) - unit * (scale * dgain).view(shape)
        return dg, dx, dgain, None, None, None, None
