"""scope, catalogue and edit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.editor.catalogue import catalogue
from tests.cli.cli_calls import process, stepwell

TEXT = """{
  "metadata": {"name": "T"}, "entryNodeId": "a",
  "nodes": [
    {"id": "a", "type": "step", "name": "First", "data": {"code": "return { total: 1 };"}},
    {"id": "b", "type": "step", "name": "B", "data": {"code": "return {{a.total}};"}}
  ],
  "edges": [{"id": "e", "source": "a", "target": "b"}]
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "graph.json"
    path.write_text(TEXT)
    return path


def test_scope(file: Path) -> None:
    said = stepwell("scope", file, "b")
    assert said.code == 0 and said.out.splitlines()[9].split() == ["{{a.total}}", "number"]
    told = json.loads(stepwell("scope", file, "b", "--json").out)
    assert [root["name"] for root in told["roots"]] == ["event", "trigger", "env", "a", "ctx"]
    said = stepwell("scope", file, "nobody")
    assert (said.code, said.err) == (1, f"stepwell: {file}: there is no node 'nobody'\n")
    file.write_text("{")
    assert "holds no graph" in stepwell("scope", file, "b").err
    assert json.loads(stepwell("scope", file, "b", "--json").out)["findings"][0]["slug"] == "not-json"


def test_catalogue() -> None:
    told = [one.to_json() for one in catalogue()]
    assert json.loads(stepwell("catalogue", "--json").out)[: len(told)] == told  # then those of nodes/
    said = stepwell("catalogue").out
    assert "wait_for_event  Scheduling" in said and "data: loopType*, collection*" in said
    assert "edges: try, catch, finally, then" in said


def test_an_edit_in_the_file(file: Path) -> None:
    file.chmod(0o640)
    said = stepwell("edit", "rename", file, "a", "--id", "first")
    assert (said.code, said.out) == (0, f"{file}: 4 changes\n")
    expected = TEXT.replace('"a"', '"first"').replace("{{a", "{{first")
    assert file.read_text() == expected and file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["graph.json"]


def test_an_edit_to_stdout(file: Path) -> None:
    said = stepwell("edit", "rename", file, "a", "--name", "Second", "--stdout")
    assert said.out == TEXT.replace("First", "Second") and file.read_text() == TEXT
    said = process("edit", "delete", "-", "b", stdin=TEXT.encode())
    assert [n["id"] for n in json.loads(said.out)["nodes"]] == ["a"]


def test_a_refused_edit(file: Path) -> None:
    said = stepwell("edit", "delete", file, "a")
    assert said.code == 1 and file.read_text() == TEXT and said.out == ""
    assert said.err.splitlines()[0] == f"stepwell: {file} was not changed"
    assert said.err.splitlines()[1].startswith(
        "error[SW301 unknown-reference] at /nodes/1/data/code: `b` (B) would have an error: `a` is neither"
    )
    said = stepwell("edit", "delete", file, "a", "--json")
    assert said.code == 1 and json.loads(said.out)["ok"] is False


def test_a_refused_edit_of_a_flow_file_names_its_line(file: Path) -> None:
    flow = file.with_name("graph.py")
    assert stepwell("convert", file, flow).code == 0
    said = stepwell("edit", "delete", flow, "a")
    [line] = [n for n, text in enumerate(flow.read_text().splitlines(), 1) if "{{a.total}}" in text]
    assert said.code == 1 and f" at {flow}:{line}:" in said.err and "/nodes/" not in said.err


def test_insert_and_extract(file: Path) -> None:
    node = file.with_name("node.json")
    node.write_text('{"type": "sleep", "data": {"duration": "1 hour"}}')
    assert stepwell("edit", "insert", file, "e", "--node", f"@{node}").code == 0
    assert [n["id"] for n in json.loads(file.read_text())["nodes"]] == ["a", "b", "sleep"]
    child = file.with_name("child.json")
    said = stepwell("edit", "extract", file, "b", "--name", "Child", "-o", child)
    assert said.out.endswith(f", {child} is new\n")
    assert json.loads(child.read_text())["entryNodeId"] == "b"
    assert stepwell("check", file, child).code == 0
    again = stepwell("edit", "extract", file, "sleep", "--name", "Child", "-o", child)
    assert again.code == 1 and "is there already" in again.err


def test_the_ending_decides_the_form_of_what_is_extracted(file: Path) -> None:
    child = file.with_name("child.py")
    said = stepwell("edit", "extract", file, "b", "--name", "Child", "-o", child, "--stdout")
    assert "sub_workflow" in said.out and file.read_text() == TEXT
    assert said.err.startswith(f"stepwell: {child} is new; {file} stays as it is")
    assert child.read_text().startswith("from stepwell.flow import")
    assert stepwell("check", child).code == 0
    flow, other = file.with_name("graph.py"), file.with_name("other.json")
    assert stepwell("convert", file, flow).code == 0
    assert stepwell("edit", "extract", flow, "b", "--name", "Child", "-o", other).code == 0
    assert json.loads(other.read_text())["entryNodeId"] == "b" and "sub_workflow" in flow.read_text()


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (("rename", "FILE", "a"), 2, "--id, --name, or both"),
        (("rename", "FILE", "zz", "--id", "x"), 1, "there is no node 'zz'"),
        (("rename", "nowhere.json", "a", "--id", "x"), 2, "no such file"),
        (("insert", "FILE", "e", "--node", "{"), 2, "is not JSON"),
        (("insert", "FILE", "e", "--node", "[]"), 2, "a node is an object"),
        (("insert", "FILE", "f", "--node", "{}"), 1, "there is no edge `f`"),
        (("extract", "FILE", "a", "--name", "x", "-o", "no/where.json"), 1, "is no folder"),
        (("extract", "FILE", "a", "--name", "x", "-o", "x.txt"), 2, "FILE ends with .json or .py."),
        (("insert", "FILE", "e", "--node", '{"type": "slep"}'), 1, 'did you mean "sleep"?'),
    ],
)
def test_wrong_calls(file: Path, call: tuple[str, ...], code: int, words: str) -> None:
    said = stepwell("edit", *(str(file) if word == "FILE" else word for word in call))
    assert said.code == code and words in said.err
    assert file.read_text() == TEXT
