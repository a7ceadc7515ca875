"""Custom nodes at the server: listed, checked, compiled, deployed and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.nodes import read
from tests.dev.account import Dev, eventually
from tests.server.door import Caller, Served, connect, served, workflow

NODES = Path(__file__).parents[2] / "golden" / "node-versions" / "nodes"


@pytest.fixture(scope="module")
def who(new_database: Callable[[], str], account: Dev) -> Iterator[Caller]:
    """Somebody at a server that was given a folder of nodes."""
    with served(new_database(), account.base, nodes=read(NODES).nodes) as server:
        yield server.caller()


def echo(version: str | None, **data: Any) -> dict[str, Any]:
    node = {"id": "a", "type": "echo", "name": "A", "data": data, **({"version": version} if version else {})}
    return {"metadata": {"name": "Echo"}, "nodes": [node], "edges": [], "entryNodeId": "a"}


def test_they_are_listed_with_their_definitions(who: Caller) -> None:
    listed = [node for node in who.get("/nodes")["data"] if node["id"] == "echo"]
    assert [node["version"] for node in listed] == ["2.10.0", "2.9.0", "1.0.0"]
    assert listed[0]["configSchema"]["text"]["type"] == "string"
    assert listed[2]["dataSchema"]["required"] == ["text"]
    assert who.get("/nodes/echo")["version"] == "2.10.0"
    assert who.get("/nodes/echo?version=1.0.0")["version"] == "1.0.0"
    assert who.refused("GET", "/nodes/echo?version=3.0.0")[0] == 404
    assert list(who.get("/nodes/templates")["echo"]) == ["cloudflare"]


def test_a_graph_with_one_is_checked_and_compiled(who: Caller) -> None:
    told = who.post("/check", {"ir": echo("7.0.0", text="x")})
    assert [finding["slug"] for finding in told["findings"]] == ["node-version"]
    made = who.post("/compile", {"ir": echo("1.0.0", text="x")})
    assert made["ok"] and "./nodes/echo@1.0.0.ts" in made["source"]


def test_an_editor_is_told_of_its_value_and_edits_around_it(who: Caller) -> None:
    ir = echo("1.0.0", text="x")
    ir["nodes"].append({"id": "b", "type": "step", "name": "B", "data": {"code": "return {{a.text}};"}})
    ir["edges"].append({"id": "e", "source": "a", "target": "b"})
    scope = who.post("/nodes/scope", {"ir": ir, "nodeId": "b"})
    assert "a" in [root["name"] for root in scope["roots"]]
    done = who.post("/nodes/edit", {"ir": ir, "edit": {"kind": "rename", "nodeId": "a", "id": "said"}})
    assert done["ok"] and done["ir"]["nodes"][1]["data"]["code"] == "return {{said.text}};"


def test_it_is_deployed_and_runs(who: Caller, account: Dev) -> None:
    connection, id = connect(who, account), workflow(who, echo("2.9.0", text="{{event.payload.said}}"))
    assert who.post(f"/workflows/{id}/deploy", {"connectionId": connection})["success"]
    run = who.post(f"/workflows/{id}/trigger", {"connectionId": connection, "params": {"said": "hello"}})

    def told() -> dict[str, Any]:
        return dict(who.get(f"/workflows/{id}/runs/{run['instanceId']}"))

    eventually(lambda: told()["status"] == "complete")
    assert told()["output"] == {"version": 3, "text": "hello"}


def test_a_server_without_them_does_not_know_them(alone: Served) -> None:
    told = alone.caller().post("/check", {"ir": echo("1.0.0", text="x")})
    assert [finding["slug"] for finding in told["findings"]] == ["unknown-node-type"]
