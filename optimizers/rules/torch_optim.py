"""Any element-wise optimizer of torch.optim as a rule."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saddlebench.errors import InputError, unknown
from saddlebench.optimizers.rules.rule import Rule


@dataclass(frozen=True)
class TorchOptim(Rule):
    """d = w − w⁺ of one step of a ``torch.optim`` class with learning rate 1; the scheme's step size is the learning rate.

    Serves every class whose update is element-wise (runs must stay independent) and proportional to the learning rate; one step
    on a probe decides. Options are the class's own arguments, without ``lr``.

    Raises:
        InputError: no such class, an option that it refuses, or an update that is not element-wise or not proportional.
    """

    name = "torch.optim"
    fixed = ("options",)  # torch.optim compares its arguments: no tensor may stand for them

    optimizer: str = "SGD"  # the class's name in torch.optim
    options: tuple[tuple[str, Any], ...] = ()  # its arguments, as (name, value) pairs

    def __post_init__(self) -> None:
        known = [n for n, c in vars(torch.optim).items() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer)]
        if self.optimizer not in known:
            raise unknown("torch.optim class", self.optimizer, known)
        probe = torch.tensor([[0.3, -1.2], [2.0, 0.7]], dtype=torch.float64)
        try:
            whole, _ = self._advance(probe, probe.cos(), {}, 1.0)
            half, _ = self._advance(probe, probe.cos(), {}, 0.5)
            row, _ = self._advance(probe[:1], probe[:1].cos(), {}, 1.0)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"torch.optim.{self.optimizer}: {str(error).splitlines()[0]}") from error
        if not torch.allclose(whole[:1], row, rtol=1e-12, atol=1e-12):
            raise InputError(f"torch.optim.{self.optimizer} mixes runs: only element-wise optimizers can be a rule")
        if not torch.allclose(whole, 2 * half, rtol=1e-9, atol=1e-12):
            raise InputError(f"torch.optim.{self.optimizer}'s update is not proportional to its learning rate")

    @property
    def autonomous(self) -> bool:
        """No: nothing is known of its counters."""
        return False

    @property
    def smooth(self) -> bool:
        """No: torch's step is not differentiable."""
        return False

    def init(self, i: int, w: Tensor) -> dict[str, Tensor]:
        """Empty: torch makes the state at the first step."""
        return {}

    def direction(self, i: int, w: Tensor, gradient: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """One step with learning rate 1."""
        return self._advance(w, gradient, state, 1.0)

    def _advance(self, w: Tensor, gradient: Tensor, state: dict[str, Any], rate: float) -> tuple[Tensor, dict[str, Any]]:
        weight = torch.zeros_like(w).requires_grad_()
        optimizer = getattr(torch.optim, self.optimizer)([weight], lr=rate, **dict(self.options))
        if optimizer.defaults.get("weight_decay"):  # else 0 serves as well, and w − w⁺ loses no digits
            weight.data.copy_(w)
        before, weight.grad = weight.detach().clone(), gradient.detach()
        # torch keeps the state by parameter and changes it in place: give it copies
        optimizer.state[weight].update({k: v.clone() if isinstance(v, Tensor) else v for k, v in state.items()})
        optimizer.step()
        return before - weight.detach(), dict(optimizer.state[weight])
