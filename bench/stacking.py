"""Optimizers that differ only in numbers, stacked into one whose numbers are tensors on the run axis.

What steers Python (integers, strings, flags, None) must be equal and stays as it is; a float becomes a float64 tensor
``(runs, 1)`` where it differs between runs and stays a float where it does not. A class names in ``fixed`` the fields whose floats
steer Python as well (arguments of ``torch.optim``).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch

from saddlebench.bench.build import name_of


def skeleton(value: Any) -> Any:
    """What must be equal for two optimizers to step together, hashable: everything but the floats."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fixed = getattr(type(value), "fixed", ())
        values = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        parts = ((name, repr(v) if name in fixed else skeleton(v)) for name, v in values)
        return type(value), name_of(value), tuple(parts)
    if isinstance(value, tuple | list):
        return tuple(skeleton(v) for v in value)
    return "float" if isinstance(value, float) else repr(value)


def stack(values: Sequence[Any], device: torch.device) -> Any:
    """One optimizer for all runs.

    Args:
        values: one optimizer a run, with equal skeletons.
        device: where the tensors go.
    """
    first = values[0]
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        whole = object.__new__(type(first))  # no __init__: checks there were made on numbers and may not suit tensors
        for f in dataclasses.fields(first):
            object.__setattr__(whole, f.name, stack([getattr(v, f.name) for v in values], device))
        return whole
    if isinstance(first, tuple | list):
        return tuple(stack(column, device) for column in zip(*values, strict=True))
    if isinstance(first, float) and any(v != first for v in values):
        return torch.tensor(values, dtype=torch.float64, device=device)[:, None]
    return first
