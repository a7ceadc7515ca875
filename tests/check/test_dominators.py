"""Our own immediate dominators are those of networkx."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.check.dominators import NONE, immediate_dominators

Edges = list[tuple[int, int]]


@st.composite
def graphs(draw: st.DrawFn) -> Edges:
    """Graphs without cycles, all of whose vertices are reached from 0: every vertex has one to four before it."""
    size = draw(st.integers(1, 60))
    near = draw(st.booleans())
    edges: set[tuple[int, int]] = set()
    for vertex in range(1, size):
        low = max(0, vertex - 4) if near else 0
        edges |= {(source, vertex) for source in draw(st.sets(st.integers(low, vertex - 1), min_size=1, max_size=4))}
    return sorted(edges)


@settings(max_examples=1000, deadline=None)
@given(graphs())
def test_the_same_as_networkx(edges: Edges) -> None:
    compare(edges)


def test_ladders() -> None:
    """Two ways beside each other with joins between them, all of which belong to the entry."""
    rungs = 400
    edges = [(0, 1), (0, 2)]
    for rung in range(rungs):
        left, right, join = 3 * rung + 1, 3 * rung + 2, 3 * rung + 3
        edges += [(left, join), (right, join), (left, left + 3), (right, right + 3)]
    compare(edges)


def test_one_vertex_alone() -> None:
    assert immediate_dominators([0], [[]]) == [NONE]


def compare(edges: Edges) -> None:
    """Both on the same graph, whose numbers are a topological order."""
    size = max((max(edge) for edge in edges), default=0) + 1
    pred: list[list[int]] = [[] for _ in range(size)]
    for source, target in edges:
        pred[target].append(source)
    graph: nx.DiGraph[int] = nx.DiGraph(edges)
    graph.add_node(0)
    order = list(nx.topological_sort(graph))
    wanted = nx.immediate_dominators(graph, 0)
    found = immediate_dominators(order, pred)
    assert found[0] == NONE
    assert all(found[vertex] == wanted[vertex] for vertex in range(1, size))
