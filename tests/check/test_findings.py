"""What findings say, and that each fault is told once."""

from __future__ import annotations

from typing import Any

from stepwell import check
from stepwell.diagnostics import Diagnostic
from tests.properties.documents import edge, graph, node


def of(code: str, *nodes: Any, edges: list[Any] | None = None, **more: Any) -> list[Diagnostic]:
    return [found for found in check(graph(*nodes, edges=edges, **more)) if found.code.id == code]


def told(*nodes: Any, edges: list[Any] | None = None) -> list[str]:
    """Code and, when it stands in code, place of every finding."""
    return [
        found.code.id + (f" {found.snippet.line}:{found.snippet.column}" if found.snippet else "")
        for found in check(graph(*nodes, edges=edges))
    ]


def test_a_value_step_is_named_as_it_is() -> None:
    arms = [{"label": label, "condition": "Date.now() > 1"} for label in "ab"]
    branches = [node(id_, "branch", "Way", branches=arms) for id_ in ("first", "second")]
    edges = [edge("first", "second"), edge("first", "x", "a"), edge("first", "x", "b", 1)]
    edges += [edge("second", "y", "a"), edge("second", "y", "b", 1)]
    found = of("SW601", *branches, node("x"), node("y"), edges=edges)
    assert [one.message.rpartition(", ")[2] for one in found] == [
        "`Way: value`",
        "`Way: value 2`",
        "`Way (second): value`",
        "`Way (second): value 2`",
    ]
