"""`stepwell dev PATH`: deployed, watched, told about node by node."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.dev.account import dev, eventually


def graph(code: str, name: str = "Greeting") -> dict[str, Any]:
    nodes = [
        {"id": "greet", "type": "step", "name": "Greet", "data": {"code": code}},
        {"id": "wait", "type": "wait_for_event", "name": "Wait", "data": {"eventType": "go", "timeout": "1 day"}},
        {"id": "save", "type": "step", "name": "Save", "data": {"code": "return env.GREETING + {{greet}};"}},
    ]
    edges = [{"id": "e1", "source": "greet", "target": "wait"}, {"id": "e2", "source": "wait", "target": "save"}]
    return {
        "metadata": {"name": name, "version": 1},
        "entryNodeId": "greet",
        "nodes": nodes,
        "edges": edges,
    }


def write(path: Path, code: str) -> None:
    path.write_text(json.dumps(graph(code), indent=2))


def test_saving_deploys_again_and_the_last_good_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "greeting.json"
    write(path, "console.log('first', 1); return 'one';")
    with dev(tmp_path / "state", str(path), "--env", "GREETING=hello ") as account:
        eventually(lambda: "deployed in" in account.text)
        [workflow] = [one["name"] for one in account.api("GET", "/workflows")]
        started = account.worker("greeting", "/", "POST", json={}).json()["instanceId"]
        eventually(lambda: "waits for the event go" in account.text)
        assert "greeting › Greet  first 1" in account.text, account.text
        write(path, "return (;")
        eventually(lambda: "has errors, not deployed (what was deployed before goes on)" in account.text)
        assert "error[" in account.text and "greeting.json" in account.text
        account.api("POST", f"/workflows/{workflow}/instances/{started}/events/go", json={})
        assert account.ends(workflow, started)["output"] is not None
        eventually(lambda: "complete" in account.text)
        before = time.monotonic()
        write(path, "console.error('second'); return 'two';")
        eventually(lambda: account.text.count("deployed in") == 2)
        assert time.monotonic() - before < 10
        account.worker("greeting", "/", "POST", json={})
        eventually(lambda: "greeting › Greet  second" in account.text)
        path.touch()
        eventually(lambda: "unchanged" in account.text)
        assert "hello" not in account.call("GET", "/workers/scripts/greeting/settings").text


def test_mocks_answer_for_the_world(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    write(path, "const r = await fetch('https://api.example.com/x'); return (await r.json()).word;")
    mock = 'GET https://api.example.com/x={"word":"mocked"}'
    with dev(tmp_path / "state", str(path), "--mock", mock) as account:
        eventually(lambda: "deployed in" in account.text)
        account.worker("greeting", "/", "POST", json={})
        eventually(lambda: "GET https://api.example.com/x  200 (mock)" in account.text)
        eventually(lambda: "✓ Greeting" in account.text and '"mocked"' in account.text)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    try:
        dev(tmp_path / "state", str(tmp_path / "none.json")).__enter__()
    except AssertionError as error:
        assert "none.json is not a file" in str(error)
    else:
        raise AssertionError("it started")
