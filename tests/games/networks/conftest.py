"""Parameters and inputs for the tests of networks: three runs in float64."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from saddlebench.games.draws import normal
from saddlebench.games.networks.network import Layer, Scope

SEEDS = torch.tensor([3, 7, 2**40])


def drawn(what: str, *shape: int) -> Tensor:
    """``(3, *shape)`` standard normal numbers in float64."""
    return normal(SEEDS, what, torch.Size(shape).numel(), dtype=torch.float64).view(3, *shape)


def scope_of(layer: Layer, labels: Tensor | None = None) -> Scope:
    """Random weights, three runs, and random unit vectors where the layer is spectrally normalised."""
    weights = {name: drawn(name, *weight.shape) for name, weight in layer.weights().items()}
    vectors = {}
    if layer.spectral:
        rows, *rest = layer.weights()[f"{layer.name}.weight"].shape
        vectors = {f"{layer.name}.{k}": drawn(k, torch.Size(n).numel()) for k, n in (("u", [rows]), ("v", rest))}
        vectors = {name: v / v.norm(dim=-1, keepdim=True) for name, v in vectors.items()}
    return Scope(weights, vectors, 3, labels)


def of_run(scope: Scope, run: int) -> Scope:
    """One run alone."""
    keep = slice(run, run + 1)
    parts = ({k: x[keep] for k, x in tensors.items()} for tensors in (scope.weights, scope.vectors))
    return Scope(*parts, 1, None if scope.labels is None else scope.labels[keep])


@pytest.fixture
def make() -> SimpleNamespace:
    """The functions of this file."""
    functions: dict[str, Callable] = {"drawn": drawn, "scope_of": scope_of, "of_run": of_run}
    return SimpleNamespace(**functions, seeds=SEEDS)
