"""Graphs of one step: aten operations alone, every value computed once, nothing computed that is not asked for."""

import math
from collections.abc import Sequence
from types import BuiltinFunctionType
from typing import Any

import torch
from torch import Tensor
from torch.func import functionalize
from torch.fx import Graph, GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg

aten = torch.ops.aten
_ZEROS = (aten.zeros_like.default, aten.zeros.default)
_SAME = (aten.detach.default, aten.alias.default, aten.lift_fresh_copy.default, aten.lift_fresh.default, aten.lift.default)


class UntraceableError(RuntimeError):
    """A step cannot be traced. The message is the reason."""


def cleaned(module: GraphModule, inputs: Sequence[Tensor]) -> GraphModule:
    """The same function without mutation, dead code, repeated computation, additions of nothing and divisions where products do.

    It is the same in every bit but for the sign of a zero: −0 + 0 is 0, and is left as −0.

    Merging equal computations cannot merge two random draws: a draw is an explicit hash of its counters
    (`saddlebench.games.draws`), so that two draws differ in an argument. Draws from torch's own generators would be merged, and are
    refused.

    Args:
        module: of `make_fx`; its inputs are not mutated.
        inputs: to trace it again, where it mutates what it computes.

    Raises:
        UntraceableError: it draws from a generator of torch's.
    """
    if any(_tagged(node, "mutable") for node in module.graph.nodes):
        module = make_fx(functionalize(module, remove="mutations"))(*inputs)
    drawing = next((node for node in module.graph.nodes if _tagged(node, "random")), None)
    if drawing is not None:
        raise UntraceableError(f"the step draws from torch's own generator ({drawing.target})")
    graph, known, found = Graph(), {}, {}
    for node in module.graph.nodes:
        if (same := _unchanged(node)) is not None:
            known[node] = known[same]
            continue
        _multiply(node)
        key = _key(node, known)
        if key is None or key not in found:
            known[node] = graph.node_copy(node, known.__getitem__)
            if key is not None:
                found[key] = known[node]
        else:
            known[node] = found[key]
    graph.eliminate_dead_code()
    graph.lint()
    return GraphModule(module, graph)


def _tagged(node: Node, what: str) -> bool:
    operation = node.target
    if not isinstance(operation, torch._ops.OpOverload):
        return False
    if what == "mutable":
        return operation._schema.is_mutable
    return torch.Tag.nondeterministic_seeded in operation.tags


def _unchanged(node: Node) -> Node | None:
    """The operand that the operation gives back, if it does nothing: x of x + 0, 0 + x, x − 0, x·1, x/1 and of a plain copy."""
    if node.target in _SAME or (node.target is aten.clone.default and not node.kwargs):
        return node.args[0]  # pyright: ignore[reportReturnType] - the copied node
    if node.op != "call_function" or node.kwargs or len(node.args) != 2:
        return None
    x, y = node.args
    by_one = node.target in (aten.mul.Tensor, aten.div.Tensor) and y == 1 and not isinstance(y, Node)
    if by_one or (node.target in (aten.add.Tensor, aten.sub.Tensor) and _is_zeros(y)):
        kept = x
    elif node.target is aten.add.Tensor and _is_zeros(x):
        kept = y
    else:
        return None
    if not isinstance(kept, Node):
        return None
    before, after = kept.meta.get("val"), node.meta.get("val")
    if not isinstance(before, Tensor) or not isinstance(after, Tensor):
        return None
    return kept if (before.shape, before.dtype) == (after.shape, after.dtype) else None  # else it broadcasts, or promotes


def _multiply(node: Node) -> None:
    """Make x/2ᵏ x·2⁻ᵏ, which is the same number in a fraction of the time."""
    if node.target is aten.div.Tensor and isinstance(divisor := node.args[1], int | float) and abs(math.frexp(divisor)[0]) == 0.5:
        x = node.args[0].meta.get("val") if isinstance(node.args[0], Node) else None
        if isinstance(x, Tensor) and x.is_floating_point() and abs(math.frexp(divisor)[1]) < 100:
            node.target, node.args = aten.mul.Tensor, (node.args[0], 1.0 / divisor)


def _is_zeros(x: Any) -> bool:
    return isinstance(x, Node) and x.target in _ZEROS


def _key(node: Node, known: dict[Node, Node]) -> Any:
    """Equal for two nodes that compute the same; None: not to be merged."""
    if node.op == "get_attr":
        return node.target
    if node.op != "call_function":
        return None
    return node.target, _hashable(node.args, known), _hashable(node.kwargs, known)


def _hashable(value: Any, known: dict[Node, Node]) -> Any:
    if isinstance(value, Node):
        return known[value]
    if isinstance(value, tuple | list):
        return tuple(_hashable(v, known) for v in value)
    if isinstance(value, dict):
        return tuple((k, _hashable(v, known)) for k, v in sorted(value.items()))
    if isinstance(value, slice):
        return "slice", value.start, value.stop, value.step
    return type(value), repr(value)  # 1, 1.0 and True are equal, as are 0.0 and −0.0; NaN is not equal to itself


def lifted(module: GraphModule, fixed: dict[int, Tensor], count: int) -> tuple[GraphModule, list[Tensor]]:
    """What is the same at every step, computed now: constants and all that depends on them and on fixed inputs alone.

    Args:
        module: a cleaned graph of ``count`` inputs.
        fixed: inputs that no step changes, by number.
        count: how many inputs there are.

    Returns:
        The rest of the graph as a function of the inputs that are not fixed, then of the returned tensors.
    """
    graph = module.graph
    values: dict[Node, Any] = {}
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    assert len(inputs) == count, "a placeholder an input"
    values |= {inputs[k]: value for k, value in fixed.items()}
    for node in graph.nodes:
        if node.op == "get_attr":
            values[node] = getattr(module, str(node.target))
        elif node.op == "call_function" and node.all_input_nodes and all(n in values for n in node.all_input_nodes):
            args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = node.target(*args, **kwargs)
    kept: list[Tensor] = []
    for node, value in values.items():
        outside = [user for user in node.users if user not in values]
        if outside and isinstance(value, Tensor):
            with graph.inserting_after(inputs[-1]):
                inputs.append(graph.placeholder(f"fixed_{len(kept)}"))
            for user in outside:
                user.replace_input_with(node, inputs[-1])
            kept.append(value)
    graph.eliminate_dead_code()
    for k in fixed:
        graph.erase_node(inputs[k])
    graph.lint()
    module.recompile()
    return module, kept


def bound(module: GraphModule, inputs: Sequence[Tensor]) -> tuple[GraphModule, int]:
    """The same function by torch's own Python bindings, which are called in two thirds of an operator's time.

    A binding takes an operator's place where it is seen to give the same tensor in every bit.

    Returns:
        The function, and how many numbers it computes.
    """
    graph, known, values, numbers = Graph(), {}, {}, 0
    given = iter(inputs)
    for node in module.graph.nodes:
        copy = known[node] = graph.node_copy(node, known.__getitem__)
        if node.op == "placeholder":
            values[node] = next(given)
        elif node.op == "call_function":
            args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = node.target(*args, **kwargs)
            numbers += values[node].numel() if isinstance(values[node], Tensor) else 0
            name = getattr(node.target, "overloadpacket", node.target).__name__
            for kind, owner in (("call_function", torch), ("call_method", Tensor)):
                function = getattr(owner, name, None)
                if owner is torch and not isinstance(function, BuiltinFunctionType):
                    continue
                if function is not None and _gives(function, args, kwargs, values[node]):
                    copy.op, copy.target = kind, name if kind == "call_method" else function
                    break
            for source in node.all_input_nodes:  # those of a network are large
                if all(user in values for user in source.users):
                    values[source] = None
    graph.lint()
    return GraphModule(module, graph), numbers


def _gives(function: Any, args: Any, kwargs: Any, expected: Any) -> bool:
    if not isinstance(expected, Tensor):
        return False
    try:
        found = function(*args, **kwargs)
    except (TypeError, RuntimeError, ValueError, IndexError):
        return False
    if not isinstance(found, Tensor):
        return False
    form = [(x.shape, x.dtype, x.stride()) for x in (found, expected)]
    same = (found == expected) | ((found != found) & (expected != expected))  # NaN, too, is the same
    return form[0] == form[1] and bool(same.all())
