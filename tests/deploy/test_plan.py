"""The graph's changes, node by node."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stepwell.deploy.carried import Carried, nodes
from stepwell.deploy.plan import Change, node_changes
from tests.deploy.graphs import graph


def carried(value: dict[str, Any]) -> Carried:
    """What would travel with a graph, as far as its nodes go."""
    return Carried.model_construct(nodes=nodes(value), step_names=[])


def said(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change.kind, change.name) for change in node_changes(carried(before), carried(after))]


def changed(change: str) -> dict[str, Any]:
    value = copy.deepcopy(graph())
    start, end, _wait = value["nodes"]
    match change:
        case "moved":
            start["position"] = {"x": 7, "y": 8}
            value["nodes"].reverse()
        case "code":
            start["data"]["code"] = "return { id: 2 };"
        case "name":
            start["name"] = "Begin"
        case "type":
            start["type"], start["data"] = "sleep", {"duration": "1 hour"}
        case "edges":
            value["edges"] = [{"id": "e", "source": "start", "target": "end"}]
        case "gone":
            value["nodes"].remove(end)
        case "new":
            value["nodes"].append({"id": "more", "type": "step", "name": "More", "data": {"code": "return 1;"}})
        case "id":
            end["id"] = "finish"
    return value


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("nothing", []),
        ("moved", []),
        ("code", [("changed", "start")]),
        ("name", [("renamed", "start")]),
        ("type", [("changed", "start")]),
        ("edges", [("changed", "start"), ("changed", "wait")]),
        ("gone", [("removed", "end")]),
        ("new", [("created", "more")]),
        ("id", [("renamed", "finish")]),
    ],
)
def test_node_changes(change: str, expected: list[tuple[str, str]]) -> None:
    assert said(graph(), changed(change)) == expected


def test_a_renamed_node_says_both_names() -> None:
    [found] = node_changes(carried(graph()), carried(changed("name")))
    assert found == Change("renamed", "node", "start", "Start", "Begin", "its step has another name now")
