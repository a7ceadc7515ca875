"""`stepwell nodes`, and graphs with custom nodes on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell.cli import call
from stepwell.nodes import read
from tests.nodes.helpers import TEMPLATE, put


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stepwell.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def graph(**data: Any) -> str:
    node = {"id": "a", "type": "say", "name": "A", "version": "1.0.0", "data": data}
    return json.dumps({"metadata": {"name": "Say"}, "nodes": [node], "edges": [], "entryNodeId": "a"})


def test_a_new_node_passes_its_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["nodes", "new", "send-fax"]) == 0
    assert "Next: stepwell nodes check nodes/send-fax" in capsys.readouterr().out
    assert call(["nodes", "check"]) == 0
    assert "send-fax@1.0.0  3 of 3 tests" in capsys.readouterr().out
    assert call(["nodes", "new", "send-fax"]) == 1
    assert call(["nodes", "new", "Fax"]) == call(["nodes", "new", "step"]) == 2


def test_what_is_wrong_is_told_with_its_place(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here / "nodes" / "say", TEMPLATE.replace("config.text", "config.txt"))
    put(here / "nodes" / "tell", version="one")
    put(here / "nodes" / "show", outputSchema={"said": {"type": "number"}})
    test = [{"name": "says", "config": {"text": "x"}, "result": {"said": "x"}}]
    for name in ("say", "show"):
        (here / "nodes" / name / "test.json").write_text(json.dumps(test))
    assert call(["nodes", "check"]) == 1
    told = capsys.readouterr().out
    assert "nodes/say/template.ts:2:29: Property 'txt' does not exist" in told
    assert "nodes/tell/node.json: `version` is three numbers" in told
    assert "the function does not fit the definition" in told
    assert "wrong: say@1.0.0, show@1.0.0, nodes/tell" in told


def test_a_test_that_fails(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here / "nodes" / "say")
    cases = [
        {"name": "right", "config": {"text": "a"}, "result": {"said": "a"}, "requests": [], "attempts": 1},
        {"name": "wrong", "config": {"text": "a"}, "result": {"said": "b"}, "attempts": 2},
        {"name": "no config"},
        {"name": "no error", "config": {"text": "a"}, "error": "boom"},
    ]
    (here / "nodes" / "say" / "test.json").write_text(json.dumps(cases))
    assert call(["nodes", "check", "nodes/say"]) == 1
    told = capsys.readouterr().out
    assert "1 of 4 tests" in told
    assert 'wrong: the result, said should be "b", and is "a"' in told
    assert "wrong: it took 1 attempt, not 2" in told
    assert "no config: SW506" in told
    assert "no error: it should have failed with 'boom'" in told


def test_a_node_without_a_test(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here / "nodes" / "say")
    assert call(["nodes", "check"]) == 1
    assert "test.json is missing" in capsys.readouterr().out
    assert call(["nodes", "check", "--no-tests"]) == 0
    assert call(["nodes", "check", "nowhere"]) == 2


def test_list_and_show(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here / "nodes" / "say")
    put(here / "nodes" / "broken", version="x")
    assert call(["nodes", "list"]) == 0
    told = capsys.readouterr().out
    assert "say@1.0.0" in told and "slack_message@1.0.0" in told and "broken" in told
    assert call(["nodes", "list", "--json"]) == 0
    assert "say" in [node["id"] for node in json.loads(capsys.readouterr().out)]
    assert call(["nodes", "show", "say@1.0.0"]) == 0
    assert '"type": "say"' in capsys.readouterr().out
    for name, why in (("sai", "Did you mean 'say'?"), ("say@2.0.0", "there is 1.0.0"), ("broken", "three numbers")):
        assert call(["nodes", "show", name]) == 1
        assert why in capsys.readouterr().err


def test_a_bundle_is_read_again(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(here / "nodes" / "say")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764288000")
    assert call(["nodes", "bundle", "nodes/say", "-o", "say.json"]) == 0
    assert json.loads(Path("say.json").read_text())["bundledAt"] == "2025-11-28T00:00:00.000Z"
    assert [node.definition.key for node in read(Path("say.json")).nodes] == ["say@1.0.0"]
    assert call(["nodes", "bundle", "nodes"]) == 0
    assert [one["definition"]["id"] for one in json.loads(capsys.readouterr().out)] == ["say"]


def test_a_graph_is_checked_built_and_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here / "nodes" / "say")
    Path("flow.json").write_text(graph(text="{{event.payload.word}}"))
    assert call(["check", "flow.json"]) == 0
    assert call(["build", "flow.json"]) == 0
    assert Path("dist/flow/nodes/say@1.0.0.ts").read_text() == (here / "nodes" / "say" / "template.ts").read_text()
    assert call(["build", "flow.json", "--check"]) == 0
    assert call(["run", "flow.json", "--params", '{"word": "hi"}', "--json"]) == 0
    told = capsys.readouterr().out
    assert '"said": "hi"' in told


def test_modules_that_are_used_no_more_are_removed(here: Path) -> None:
    put(here / "nodes" / "say")
    Path("flow.json").write_text(graph(text="x"))
    assert call(["build", "flow.json"]) == 0
    Path("flow.json").write_text(graph(text="x").replace('"type": "say"', '"type": "step"').replace('"text"', '"code"'))
    assert call(["build", "flow.json"]) == 0
    assert not list(Path("dist/flow/nodes").iterdir())


def test_nodes_that_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(here / "elsewhere" / "say")
    Path("flow.json").write_text(graph(text="x"))
    assert call(["check", "flow.json"]) == 1
    assert call(["check", "flow.json", "--nodes", "elsewhere"]) == 0
    assert call(["check", "flow.json", "--nodes", "nowhere"]) == 2
    assert "--nodes nowhere: there is no such folder or file" in capsys.readouterr().err
