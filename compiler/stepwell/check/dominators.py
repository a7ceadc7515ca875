"""Immediate dominators of a graph without cycles, in one pass over its topological order.

When a vertex's turn comes, all that lead to it have theirs, so its immediate dominator is the nearest common ancestor,
in the tree so far, of its predecessors. Every vertex of the tree keeps, beside its parent, one ancestor far above, in
such distances that any ancestor is found in O(log n) steps (the skew-binary jump pointers of Myers); so joins far
behind their branch cost no more than others. networkx finds the same by iteration, which the tests compare.
"""

from __future__ import annotations

from collections.abc import Sequence

NONE = -1


def immediate_dominators(order: Sequence[int], pred: Sequence[Sequence[int]]) -> list[int]:
    """Of each vertex its immediate dominator; NONE for the entry, which stands first in `order`."""
    above, depth, jump = [NONE] * len(pred), [0] * len(pred), [NONE] * len(pred)
    entry = order[0]
    jump[entry] = entry
    for vertex in order[1:]:
        sources = pred[vertex]
        parent = sources[0]
        for source in sources[1:]:
            parent = _common(parent, source, above, depth, jump)
        above[vertex], depth[vertex] = parent, depth[parent] + 1
        far = jump[parent]
        even = depth[parent] - depth[far] == depth[far] - depth[jump[far]]
        jump[vertex] = jump[far] if even else parent
    return above


def _common(one: int, other: int, above: list[int], depth: list[int], jump: list[int]) -> int:
    """The nearest common ancestor of two vertices of the tree."""
    if depth[one] < depth[other]:
        one, other = other, one
    while depth[one] > depth[other]:
        one = jump[one] if depth[jump[one]] >= depth[other] else above[one]
    while one != other:
        if jump[one] != jump[other]:
            one, other = jump[one], jump[other]
        else:
            one, other = above[one], above[other]
    return one
