"""What findings say, and that each fault is told once."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import check
from stepwell.diagnostics import Diagnostic
from tests.properties.documents import edge, graph, node


def of(code: str, *nodes: Any, edges: list[Any] | None = None, **more: Any) -> list[Diagnostic]:
    return [found for found in check(graph(*nodes, edges=edges, **more)) if found.code.id == code]


def told(*nodes: Any, edges: list[Any] | None = None) -> list[str]:
    """Code and, when it stands in code, place of every finding, sorted."""
    return sorted(
        found.code.id + (f" {found.snippet.line}:{found.snippet.column}" if found.snippet else "")
        for found in check(graph(*nodes, edges=edges))
    )


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


UP = node("up", code="return { n: 1 };")
NAP = node("nap", "sleep", duration="1 hour")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("return {{up..n}} + 1;", "SW305 1:8"),
        ("return `${{{up..n}}}`;", "SW305 1:11"),
        ("return '{{up..n}}';", "SW305 1:9"),
        ("return {{up..n}} + (\n1;", "SW305 1:8, SW401 1:20"),
        ("return {{nap}} +\n {{nap}};", "SW304 1:8, SW304 2:2"),
        ("return [{{nope}}, {{nope}}] + {{neither}};", "SW301 1:9, SW301 1:19, SW301 1:31"),
        ("return '{{up}}' + '{{up}}';", "SW306 1:9, SW306 1:20"),
        ("nope(); nope();", "SW312 1:1, SW312 1:9"),
        ("// {{nap}}, {{up..n}}, {{nope.x}}\nreturn 1;", ""),
        ("// {{nope.x}}\nreturn (;", "SW401 2:8"),
        ("catch;", "SW401 1:1"),
    ],
)
def test_one_finding_for_each_place_in_code(code: str, found: str) -> None:
    assert told(UP, NAP, node("x", code=code)) == sorted(found.split(", ") if found else [])


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.test/${ {{up..n}} }", "SW305 1:19"),
        ("https://a.test/${{{nap}}}", "SW304 1:18"),
        ("https://a.test/{{up.n}}/${ nope }", "SW312 1:28"),
        ("https://a.test/${{{nope.x}}}", "SW301 1:18"),
        ("https://a.test/${a b}", "SW305 1:16"),
        ("https://a.test/${1} {{nap}}", "SW304"),
        ("https://a.test/{{nap}} {{nap}}", "SW304"),
    ],
)
def test_places_in_interpolations_are_those_of_the_field(url: str, found: str) -> None:
    assert ", ".join(told(UP, NAP, node("x", "http_request", url=url))) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("hello {{up..n}}", "SW305 1:7, SW514 1:7"),
        ("{{nope}} + 1", "SW301 1:1"),
        ("hello big", "SW514 1:7"),
        ('"{{up}}" x', "SW514 1:10"),
    ],
)
def test_a_body_that_is_no_code(body: str, found: str) -> None:
    assert ", ".join(told(UP, node("x", "http_request", url="https://a.test/", method="POST", body=body))) == found


def test_headers_that_are_no_object_are_told_once() -> None:
    assert told(node("x", "http_request", url="https://a.test/", headers="some words")) == ["SW507"]


def test_a_while_without_a_condition_is_told_once() -> None:
    loop = node("w", "loop", loopType="while", condition=" ")
    assert told(loop, node("x"), edges=[edge("w", "x", "body")]) == ["SW506"]


def test_a_status_taken_for_a_field_is_told_once() -> None:
    branches = [{"label": "a", "condition": '{{r.status}} === "paid"'}, {"label": "b", "condition": "{{r.status}} > 1"}]
    nodes = [node("r", "http_request", url="https://a.test/"), node("b", "branch", branches=branches), node("x")]
    edges = [edge("r", "b"), edge("b", "x", "a"), edge("b", "x", "b", 1)]
    assert sorted(one.split()[0] for one in told(*nodes, edges=edges) if one != "SW217") == ["SW308", "SW309"]


ARMS = [{"label": "yes", "condition": "event.payload > 1"}, {"label": "no", "condition": "event.payload < 1"}]


@pytest.mark.parametrize(
    ("container", "edges", "found"),
    [
        (node("c", "branch", branches=ARMS), ["yess", "no"], ["SW206"]),
        (node("c", "branch", branches=ARMS), ["yess"], ["SW206", "SW209"]),
        (node("c", "branch", branches=ARMS), ["yess", "noo"], ["SW206", "SW206"]),
        (node("c", "loop", count=1, loopType="times"), ["bdy"], ["SW206"]),
        (node("c", "try_catch"), ["tri"], ["SW206", "SW208"]),
        (node("c", "try_catch"), ["try"], ["SW208"]),
    ],
)
def test_a_wrong_label_and_the_arm_that_lacks_it_are_one_fault(
    container: Any, edges: list[str], found: list[str]
) -> None:
    made = [edge("c", target, label) for target, label in zip("xy", edges, strict=False)]
    assert [one for one in told(container, node("x"), node("y"), edges=made) if one != "SW205"] == found


def test_the_arm_that_is_left_is_the_one_that_the_wrong_label_is_less_like() -> None:
    found = of("SW209", node("c", "branch", branches=ARMS), node("x"), edges=[edge("c", "x", "yess")])
    assert [one.message for one in found] == ["the arm `no` of `c` has no edge: nothing runs when it is taken"]


@pytest.mark.parametrize(
    ("type_", "label", "found"),
    [
        ("parallel", "a", ["SW203"]),
        ("race", None, ["SW203"]),
        ("loop", "body", ["SW203"]),
        ("loop", None, ["SW203", "SW208"]),
    ],
)
def test_an_edge_to_nowhere_is_no_missing_arm(type_: str, label: str | None, found: list[str]) -> None:
    data: dict[str, Any] = {"loopType": "times", "count": 1} if type_ == "loop" else {}
    assert told(node("c", type_, **data), edges=[edge("c", "nowhere", label)]) == found
