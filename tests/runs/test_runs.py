"""Runs of a deployed graph: started, listed, watched, steered; by command and by the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from stepwell.cloudflare import Answer, ApiError, Cloudflare, Talk
from stepwell.runs import Run, Runs, WaitTimeout
from stepwell.runs.deployed import Deployed
from stepwell.runs.talks import Talks
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


def said(call: Any, *arguments: str) -> str:
    """What a call that must fail says."""
    done = call(*arguments)
    assert done.code in (1, 2) and done.out == "", done
    return str(done.err).strip().removeprefix("stepwell: ")


@pytest.mark.parametrize("command", [("trigger",), ("runs",), ("runs", "show", "x", "--workflow")])
def test_a_workflow_that_is_not_there(call: Any, command: tuple[str, ...]) -> None:
    for name in ("orders", "Order"):
        assert said(call, *command, name) == f"there is no workflow {name} in the account. Did you mean 'Orders'?"
    there = "There are: Between, Broken, Orders."
    assert said(call, *command, "x") == f"there is no workflow x in the account. {there}"
    assert said(call, *command, "answer").endswith("a script has no runs, `stepwell call` calls it")


def test_a_worker_that_is_not_there(call: Any) -> None:
    for command in ("call", "versions", "rollback", "drift"):
        words = "there is no Worker anwser in the account. Did you mean 'answer'?"
        assert said(call, command, "anwser") == words, command
    assert said(call, "call", "x").endswith("There are: answer, between, broken, orders.")


def test_a_run_that_is_not_there(call: Any) -> None:
    call("trigger", "Orders", "--id", "d41d8cd9-first")
    words = "there is no run d41d8cd9. Did you mean 'd41d8cd9-first'?"
    for command in (("runs", "show"), ("runs", "watch"), ("pause",), ("resume",), ("terminate",), ("restart",)):
        assert said(call, *command, "d41d8cd9") == words
    assert said(call, "send-event", "d41d8cd9", "go") == words
    assert said(call, "pause", "d41d8cd9", "--workflow", "Orders").startswith("Orders has no run d41d8cd9. Did you")
    assert "has no run d41d8cd9-first. The newest: " in said(call, "pause", "d41d8cd9-first", "--workflow", "Between")
    assert "(Orders)" in said(call, "pause", "zzz") and said(call, "pause", "zzz").endswith(
        "`stepwell runs` lists them"
    )


def test_a_command_about_runs_that_there_is_not(call: Any) -> None:
    assert "there is no `stepwell runs shw`. Did you mean 'show'?" in said(call, "runs", "shw", "some-id")
    assert "there is no `stepwell runs sow`. Did you mean 'show'?" in said(call, "runs", "--json", "sow", "some-id")
    assert said(call, "runs", "wach") == "there is no workflow wach in the account. Did you mean 'watch'?"
    assert "No such option '--limt'" in said(call, "runs", "--limt", "3")


def test_advice_for_an_account_on_this_machine(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"):
        with monkeypatch.context() as other:
            other.setenv(name, "another")
            assert said(call, "runs").endswith("export the three variables that `stepwell dev` prints")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "")
    told = said(call, "runs")
    assert told == "CLOUDFLARE_API_TOKEN is not set: export the three variables that `stepwell dev` prints"
    monkeypatch.delenv("CLOUDFLARE_API_BASE_URL")
    assert "in the dashboard" in said(call, "runs") and "`stepwell dev`" in said(call, "runs")


def test_waiting_by_command(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--timeout says how long --wait waits" in said(call, "trigger", "Orders", "--timeout", "1")
    late = call("trigger", "Orders", "--id", "late", "--wait", "--timeout", "0.5")
    assert late.code == 1 and late.out.startswith("late\n")
    assert late.err.endswith("still; `stepwell runs watch late` goes on\n")
    told = call("runs", "watch", "late", "--timeout", "0.1", "--json")
    assert told.code == 1 and [json.loads(line)["id"] for line in told.out.splitlines()] == ["late"]
    assert call("send-event", "late", "go").code == 0
    assert call("runs", "watch", "late").code == 0
    broken = call("trigger", "Broken", "--id", "wrong", "--wait", "--json")
    states = [json.loads(line) for line in broken.out.splitlines()]
    assert broken.code == 1 and broken.err == "" and states[-1]["status"] == "errored" and states[-1]["error"]

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Runs, "wait", interrupted)
    gone = call("trigger", "Orders", "--id", "left", "--wait")
    assert gone.code == 130 and gone.out == "left\n" and "the run goes on: `stepwell runs watch left`" in gone.err


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
    answer = call("call", "answer", "--params", '{"n": 21}')
    assert answer.code == 0 and json.loads(answer.out) == {"twice": 42}
    for header in ("x", "x y=z", "x=\u00e9", "x=a\nb"):
        wrong = call("call", "answer", "--header", header)
        assert wrong.code == 2 and "write NAME=VALUE" in wrong.err
    for odd in (("--path", "/a\nb"), ("--method", "GE T")):
        assert "/answer/" in said(call, "call", "answer", *odd)


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


def test_what_travelled_is_read_again_after_trouble_and_for_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, away = list[str](), [True]

    def read(workflow: str) -> Talk[Deployed]:
        reads.append(workflow)
        if away[0]:
            raise ApiError("GET", "/workflows", 503, None, "come back later")
        return Deployed({})
        yield

    def get(version: str) -> Run:
        talk = talks.get("Orders", "one")
        next(talk)
        with pytest.raises(StopIteration) as end:
            talk.send(Answer({"status": "running", "versionId": version}, {}, b"", "application/json"))
        found: Run = end.value.value
        return found

    monkeypatch.setattr("stepwell.runs.talks.read_deployed", read)
    talks = Talks()
    assert get("v1").version == "v1" and len(reads) == 1  # the run is told all the same
    away[0] = False
    assert [len(reads) for version in ("v1", "v1", "v2", "v1", "v2") if get(version)] == [2, 2, 3, 3, 3]


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "x y", "../../workflows/Orders"])
def test_what_can_be_no_run_is_not_there(call: Any, account: Dev, id: str) -> None:
    with client(account) as api:
        runs = Runs(api)
        assert runs.find(id) is None
        for steer in (runs.get, runs.pause, runs.terminate, runs.restart):
            with pytest.raises(ApiError) as missing:
                steer("Orders", id)
            assert missing.value.missing
    if id:
        assert f"there is no run {id}" in said(call, "terminate", "--", id)


@pytest.mark.parametrize("event_type", ["", "a/b", "..", "go on", "x" * 101])
def test_what_can_be_no_event_says_so(call: Any, event_type: str) -> None:
    id = call("trigger", "Orders").out.strip()
    assert "letters, digits, - and _" in said(call, "send-event", id, event_type)
    call("terminate", id)
