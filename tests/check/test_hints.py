"""What findings say to people who come from other tools."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import check
from stepwell.diagnostics import Diagnostic


def _node(id_: str, type_: str = "step", **data: Any) -> dict[str, Any]:
    return {"id": id_, "type": type_, "name": id_, "data": data or ({"code": "return 1;"} if type_ == "step" else {})}


def _check(nodes: list[dict[str, Any]], *edges: tuple[str, str] | tuple[str, str, str]) -> list[Diagnostic]:
    drawn = [
        {"id": f"e{n}", "source": edge[0], "target": edge[1]} | ({"label": edge[2]} if len(edge) > 2 else {})
        for n, edge in enumerate(edges)
    ]
    return check({"metadata": {"name": "A"}, "entryNodeId": nodes[0]["id"], "nodes": nodes, "edges": drawn})


def _told(found: list[Diagnostic]) -> list[tuple[str, str | None]]:
    return [(finding.slug, finding.hint) for finding in found]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("return trigger.x;", ("unknown-name", "write `event.payload`; `{{trigger}}` is the same in braces")),
        ("return payload.x;", ("unknown-name", "write `event.payload`")),
        ("return {{payload.x}};", ("unknown-reference", "write `event.payload`")),
        ("return {{evnt.payload}};", ("unknown-reference", "Did you mean `event`?")),
    ],
)
def test_what_starts_a_run_under_other_names(code: str, told: tuple[str, str]) -> None:
    assert _told(_check([_node("a", code=code)])) == [told]


def test_names_of_a_loop_and_of_an_error_are_listed_where_they_are() -> None:
    each = _node("each", "loop", loopType="forEach", collection="{{event.payload}}", itemVar="line", indexVar="n")
    nodes = [_node("load"), each, _node("try", "try_catch"), _node("a"), _node("b", code="return {{wxyz}};")]
    edges = (("load", "each"), ("each", "try", "body"), ("try", "a", "try"), ("try", "b", "catch"))
    known = "values that can be read here: `load`, `err`, `line`, `n`, `_output`"
    assert _told(_check(nodes, *edges)) == [("unknown-reference", known)]
    nodes[-1] = _node("b", code="return {{lines.sku}};")
    assert _told(_check(nodes, *edges)) == [("unknown-reference", "Did you mean `line`?")]


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("foreach", "loop"),
        ("For Each", "loop"),
        ("http", "http_request"),
        ("if", "branch"),
        ("htttp_request", "http_request"),
    ],
)
def test_types_under_other_names(kind: str, meant: str) -> None:
    assert _told(_check([_node("a", kind)])) == [("unknown-node-type", f'Did you mean "{meant}"?')]


def test_an_edge_from_the_end_of_a_body_back_to_its_loop() -> None:
    nodes = [_node("each", "loop", loopType="times", count=3), _node("a"), _node("b")]
    assert _told(_check(nodes, ("each", "a", "body"), ("a", "b"), ("b", "each"))) == [
        ("cycle", "remove the edge from `b` back to `each`: the body of a loop repeats by itself")
    ]
    assert _told(_check(nodes[1:], ("a", "b"), ("b", "a"))) == [("cycle", "use a `loop` node to repeat something")]


def test_a_condition_written_as_a_statement_is_one_finding() -> None:
    loop = _node("each", "loop", loopType="while", condition="if (event.payload.n > 1)")
    assert _told(_check([loop, _node("a")], ("each", "a", "body"))) == [
        ("not-one-expression", "write the expression alone, without `if`")
    ]


def test_the_place_of_broken_json_is_said_once() -> None:
    found = check('{"a": 1,\n "b" 2}')
    assert [(str(one.place), one.message) for one in found] == [
        ("2:6", "`:` is expected behind the key, but `2` stands there.")
    ]
