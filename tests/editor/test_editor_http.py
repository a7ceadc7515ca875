"""What editors ask the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stepwell import scope
from stepwell.editor.catalogue import catalogue
from tests.properties.documents import graph, node
from tests.server.conftest import new_database
from tests.server.door import Caller, served

__all__ = ["new_database"]
GRAPH = graph(node("a", code="return { total: 1 };"), node("b", code="return {{a.total}};"))


@pytest.fixture(scope="module")
def who(new_database: Callable[[], str]) -> Iterator[Caller]:
    with served(new_database()) as server:
        yield server.caller(("read",))


def test_scope(who: Caller) -> None:
    told = who.post("/nodes/scope", {"ir": GRAPH, "nodeId": "b"})
    assert told["roots"] == scope({"ir": GRAPH}, "b").to_json()["roots"] and told["findings"] == []
    broken = {**GRAPH, "entryNodeId": "x"}
    assert who.post("/nodes/scope", {"ir": broken, "nodeId": "b"})["findings"][0]["slug"] == "missing-entry"
    assert who.refused("POST", "/nodes/scope", {"ir": GRAPH, "nodeId": "x"}) == (404, "Node not found")
    assert who.refused("POST", "/nodes/scope", {"ir": {}, "nodeId": "x"})[0] == 404
    assert who.refused("POST", "/nodes/scope", {"ir": GRAPH})[0] == 422


def edit(who: Caller, kind: str, **more: Any) -> Any:
    return who.post("/nodes/edit", {"ir": GRAPH, "edit": {"kind": kind, **more}})


def test_edits(who: Caller) -> None:
    told = edit(who, "rename", nodeId="a", id="first")
    assert told["ok"] and told["ir"]["entryNodeId"] == "first" and told["findings"] == []
    assert {"action": "changed", "pointer": "/ir/entryNodeId", "before": "a", "after": "first"} in told["changes"]
    new = {"type": "sleep", "data": {"duration": "1 hour"}}
    assert len(edit(who, "insert", edgeId=GRAPH["edges"][0]["id"], node=new)["ir"]["nodes"]) == 3
    told = edit(who, "extract", nodeIds=["b"], name="Child")
    assert told["extracted"]["nodes"][0]["data"]["code"] == "return {{event.payload.a.total}};"
    refused = edit(who, "delete", nodeId="a")
    assert (refused["ok"], refused["ir"], refused["findings"][0]["nodeId"]) == (False, None, "b")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"kind": "rename", "nodeId": "x", "id": "y"}, 404),
        ({"kind": "move", "nodeId": "a"}, 422),
        ({"kind": "delete"}, 422),
        ({"kind": "insert", "edgeId": "e", "node": []}, 422),
        ({"kind": "extract", "nodeIds": [], "name": "x"}, 422),
        (None, 422),
    ],
)
def test_wrong_wishes(who: Caller, wish: Any, status: int) -> None:
    assert who.refused("POST", "/nodes/edit", {"ir": GRAPH, "edit": wish})[0] == status


def test_node_types(who: Caller) -> None:
    listed = who.get("/nodes")["data"]
    assert [one["id"] for one in listed] == [one.id for one in catalogue()]
    loop = who.get("/nodes/loop")
    assert loop["configSchema"]["collection"]["when"] == {"loopType": "forEach"} and loop["labels"] == ["body"]
    assert loop["dataSchema"]["properties"].keys() == loop["configSchema"].keys()
    assert who.refused("GET", "/nodes/none") == (404, "Node type not found")
