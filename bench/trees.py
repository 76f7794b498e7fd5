"""States as trees: nested (named) tuples and dicts of tensors with a run axis."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def map_tensors(function: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """The tree with ``function`` applied to every tensor."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, dict):
        return {k: map_tensors(function, v) for k, v in tree.items()}
    if isinstance(tree, tuple):
        items = [map_tensors(function, v) for v in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    return tree


def active_tensors(tree: Any) -> Iterator[Tensor]:
    """The floating tensors that the next step depends on: named tuples say what is `passive` (counters, averages)."""
    if isinstance(tree, Tensor):
        if tree.is_floating_point():
            yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from active_tensors(value)
    elif isinstance(tree, tuple):
        passive = getattr(type(tree), "passive", ())
        names = getattr(tree, "_fields", (None,) * len(tree))
        for name, value in zip(names, tree, strict=True):
            if name not in passive:
                yield from active_tensors(value)


def replace_active(tree: Any, values: Iterator[Tensor]) -> Any:
    """The tree with its active tensors taken from ``values``, in the order of `active_tensors`."""
    if isinstance(tree, Tensor):
        return next(values) if tree.is_floating_point() else tree
    if isinstance(tree, dict):
        return {k: replace_active(v, values) for k, v in tree.items()}
    if isinstance(tree, tuple):
        passive = getattr(type(tree), "passive", ())
        names = getattr(tree, "_fields", (None,) * len(tree))
        items = [v if n in passive else replace_active(v, values) for n, v in zip(names, tree, strict=True)]
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    return tree
