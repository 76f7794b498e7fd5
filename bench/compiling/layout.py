"""Runs last in memory, where numbers of a run are summed: a sum of ten numbers of one run fills no vector, of many runs it does."""

import torch
from torch.fx import Graph, GraphModule, Node

aten = torch.ops.aten
_BY_RUN = (aten.bmm.default, aten.baddbmm.default, aten.convolution.default, aten.convolution_backward.default, aten.addmm.default)


def runs_last(module: GraphModule, changed: int) -> GraphModule | None:
    """The same step for tensors (runs, …) that lie as (…, runs): x W is computed as (Wᵀ xᵀ)ᵀ.

    Args:
        module: of a trace: (step's number, changed tensors, fixed tensors) → changed tensors.
        changed: how many of its inputs change.

    Returns:
        None: where nothing is summed but by products, which are faster with the runs first, and where a product takes a matrix of
        each run.
    """
    if not any(torch.Tag.reduction in getattr(node.target, "tags", ()) for node in module.graph.nodes):
        return None
    fixed = {node for k, node in enumerate(module.graph.find_nodes(op="placeholder")) if k > changed}
    graph, known = Graph(), {}

    def turned(node: Node) -> Node:
        return graph.call_function(aten.permute.default, (node, [1, 0]))

    for node in module.graph.nodes:
        if node.target in _BY_RUN:
            return None
        if node.target is not aten.mm.default:
            known[node] = graph.node_copy(node, known.__getitem__)
            continue
        x, w = node.args
        if x in fixed or w not in fixed:
            return None
        known[node] = turned(graph.call_function(aten.mm.default, (turned(known[w]), turned(known[x]))))
    graph.lint()
    return GraphModule(module, graph)
