"""Runs of a deployed graph: started, listed, watched, steered; by command and by the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from stepwell.cloudflare import ApiError, Cloudflare
from stepwell.runs import Runs, WaitTimeout
from tests.cli.cli_calls import Said, stepwell
from tests.deploy.faulty import Faulty
from tests.dev.account import Dev, eventually


@pytest.fixture
def call(account: Dev, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    for name, value in account.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        return stepwell(*arguments)

    return run


def client(account: Dev, transport: httpx.BaseTransport | None = None) -> Cloudflare:
    token, id = account.env["CLOUDFLARE_API_TOKEN"], account.env["CLOUDFLARE_ACCOUNT_ID"]
    return Cloudflare(token, id, account.base, transport=transport, sleep=lambda seconds: None)


def test_a_run_from_start_to_end(call: Any) -> None:
    id = call("trigger", "Orders", "--params", '{"id": 7}', "--id", "first").out.strip()
    assert id == "first"
    eventually(lambda: "waits for the event go" in call("runs", "show", id).out)
    assert "✓ Start  [start]" in call("runs", "show", id, "--workflow", "Orders").out
    assert call("pause", id).out == "Orders first: paused\n"
    assert call("pause", id).code == 1
    assert json.loads(call("resume", id, "--json").out)["status"] == "waiting"
    assert call("send-event", id, "go", "--payload", '{"by": "Ada"}').code == 0
    watched = call("runs", "watch", id)
    assert watched.code == 0 and '"id": 7' in watched.out
    [head, row] = call("runs", "Orders", "--status", "complete", "--limit", "1").out.splitlines()
    assert head.split() == ["Run", "Workflow", "Status", "Created", "Ended", "Took", "By"]
    assert row.startswith("first") and " second" in row
    late = call("send-event", id, "go")
    assert late.code == 1 and "nothing waits for events any more" in late.err
    assert call("terminate", id).code == 1


def test_a_run_that_fails_names_the_node(call: Any) -> None:
    said = call("trigger", "Orders", "--params", '{"fail": true}', "--wait", "--timeout", "90")
    assert said.code == 1 or "is running still" in said.err or "is waiting still" in said.err
    id = said.out.splitlines()[0]
    shown = json.loads(call("runs", "show", id, "--json").out)
    [start, *_] = shown["steps"]
    error = start["attempts"][0]["error"]
    assert start["node"] == "start" and (error["name"], error["message"]) == ("Error", "no luck")
    assert (error["place"]["source"], error["place"]["line"]) == ("nodes/start/code", 1)


def test_a_run_is_drawn_and_its_error_led_to_the_line(call: Any, tmp_path: Path) -> None:
    call("trigger", "Broken", "--id", "broken")
    eventually(lambda: json.loads(call("runs", "show", "broken", "--json").out)["status"] == "errored")
    said = call("runs", "show", "broken", "-o", "run.svg").out
    drawn = [line.strip() for line in said[said.index("● POST /") :].splitlines()]
    assert drawn[2:4] == ["✓ Which?  [which]", "├─╮"] and drawn[5:8] == [
        "│ · Never  [never]  (other)",
        "├─╯",
        "· Last  [last]",
    ]
    assert "✗ │ Bad  [bad]  (bad)" in said
    assert "at nodes/bad/code, line 2, column 15\n    return nobody.there;\n                  ^" in said
    assert '<g class="box failed"' in (tmp_path / "run.svg").read_text()
    told = json.loads(call("runs", "show", "broken", "--json").out)["steps"][-1]["error"]
    assert told["place"] == {"source": "nodes/bad/code", "line": 2, "column": 15, "text": "return nobody.there;"}
    assert call("runs", "show", "broken", "-o", "nowhere/run.svg").code == 1


def test_a_run_that_is_trying_says_why(call: Any) -> None:
    call("trigger", "Orders", "--params", '{"fail": true}', "--id", "trying")
    eventually(lambda: "attempt 1 failed: Error: no luck; it is tried again" in call("runs", "show", "trying").out)
    watched = call("runs", "watch", "trying", "--timeout", "1")
    assert watched.code == 1 and "⋯ Start  [start]  attempt 1 failed: Error: no luck" in watched.out
    call("terminate", "trying")


def test_an_error_between_steps_is_no_steps(call: Any) -> None:
    call("trigger", "Between", "--id", "between")
    eventually(lambda: json.loads(call("runs", "show", "between", "--json").out)["status"] == "errored")
    said = call("runs", "show", "between").out
    assert "at nodes/which/branches/0/condition, line 1, column 39" in said and "at the node" not in said
    assert "✗ Which?  [which]" in said


def test_the_graph_of_a_workflow(account: Dev) -> None:
    with client(account) as api:
        graph = Runs(api).graph("Broken")
        assert graph is not None and [node["id"] for node in graph["nodes"]] == [
            "good",
            "which",
            "bad",
            "never",
            "last",
        ]
        assert Runs(api).graph("Nope") is None


def test_lists(call: Any) -> None:
    for number in range(3):
        call("trigger", "Orders", "--id", f"listed-{number}")
    eventually(lambda: "listed-2" in call("runs", "Orders", "--status", "waiting").out)
    found = json.loads(call("runs", "--json", "--limit", "2").out)
    assert len(found) == 2 and found[0]["id"] == "listed-2" and found[0]["workflow"] == "Orders"
    assert call("runs", "Orders", "--since", "2999-01-01").out == "There are no runs.\n"
    assert call("runs", "Nope").code == 1
    nobody = call("runs", "show", "nobody")
    assert nobody.code == 1 and "there is no run nobody" in nobody.err


def test_a_restart_from_a_node(call: Any) -> None:
    call("trigger", "Orders", "--id", "again")
    call("send-event", "again", "go")
    assert call("runs", "watch", "again").code == 0
    unknown = call("restart", "again", "--from-node", "nope")
    assert unknown.code == 1 and "it has those of: start, wait, end" in unknown.err
    assert call("restart", "again", "--from-node", "wait").code == 0
    eventually(lambda: "waits for the event go" in call("runs", "show", "again").out)
    assert "Orders again: terminated" in call("terminate", "again").out


def test_a_script_is_called(call: Any, account: Dev) -> None:
    said = call("call", "answer", "--params", '{"n": 21}')
    assert said.code == 0 and json.loads(said.out) == {"twice": 42}
    assert call("call", "nobody").code == 1


def test_a_start_whose_answer_was_lost_is_made_once(account: Dev) -> None:
    for kind in ("timeout after", "reset", "cut", "error after", "timeout before", "error before"):
        transport = Faulty(0, kind)
        with client(account, transport) as api:
            id = Runs(api).trigger("Orders", {"kind": kind}, f"lost-{kind.replace(' ', '-')}")
        with client(account) as api:
            assert Runs(api).get("Orders", id).params == {"kind": kind}


def test_waiting_has_an_end(account: Dev) -> None:
    with client(account) as api:
        runs = Runs(api)
        id = runs.trigger("Orders")
        with pytest.raises(WaitTimeout) as late:
            runs.wait("Orders", id, timeout=0.5)
        assert late.value.run.id == id and not late.value.run.over
        assert runs.find(id) is not None and runs.find("nobody") is None
        with pytest.raises(ApiError) as missing:
            runs.get("Orders", "nobody")
        assert missing.value.missing and missing.value.code == 10400
        runs.terminate("Orders", id)
        assert next(runs.list("Orders", status="terminated")).id == id
