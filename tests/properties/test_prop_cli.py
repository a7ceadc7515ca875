"""Hostile files through the command line: an answer in words and an exit code, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.cli_calls import Said, process, stepwell
from tests.properties.documents import graph, mutated, node
from tests.properties.hostile import Json, anything, bounded, nested, values

# fmt: off
FILES: dict[str, bytes] = {
    "empty": b"", "blank": b" \n", "bom": b"\xef\xbb\xbf", "nul": b"\0", "not utf-8": b"\xff\xfe\x00{", "utf-16": '{"a": 1}'.encode("utf-16"), "latin": b'{"a": "\xe9"}',
    "null": b"null", "list": b"[]", "number": b"1e999", "digits": b"9" * 10_000, "deep": b"[" * 50_000, "deep objects": b'{"a":' * 20_000, "cut": b'{"nodes": [',
    "two": b"{} {}", "nan": b'{"nodes": NaN}', "control": b'{"a": "\x01"}', "surrogate": b'{"metadata": {"name": "\\ud800"}, "nodes": [{"id": "\\udfff"}]}',
    "twice": b'{"nodes": 1, "nodes": 2}', "cr": b'{\r"nodes"\r: 1}', "separators": '{"\u2028": "\u2029"}'.encode(), "ansi": b'{"nodes": [{"id": "\\u001b[31mred", "type": "\\u001b]0;x\\u0007"}]}',
}
# fmt: on


def hostile_graphs() -> dict[str, Json]:
    return {
        "lone surrogates": graph(node("\ud800", name="\udfff", code="return 1;"), name="\ud83d"),
        "control characters": graph(node("\0\x1b[31m", name="\x07\n\r\u2028"), name="\x1b]0;title\x07"),
        "markup": graph(
            node("[bold]x[/bold]", name="[/]</text><script>evil()</script>", code="return ["), name="[red]"
        ),
        "dot": graph(node('a"]; evil [label="', name='\\"\\N\n"'), node("--> b", name="\"'`;{}[]()|<>")),
        "deep value": graph(node("a", "http_request", method="POST", url="https://a.test/", body=nested(190))),
        "long": graph(node("a" * 5000, name="é" * 256, code="return '" + "x" * 50_000)),
        "path": graph(node("../../etc/passwd"), name="../../../../tmp/x"),
        "empty names": graph(node(" ", name=" "), name=" "),
    }


def assert_answered(said: Said) -> None:
    assert said.code in (0, 1, 2, 3), said
    assert "Traceback" not in said.err + said.out and "Internal error" not in said.err, said
    assert said.code == 0 or (said.err + said.out).strip(), said


def all_commands(path: Path, folder: Path) -> None:
    for form in ("text", "json", "sarif", "github"):
        assert_answered(stepwell("check", path, "--format", form))
    for form in ("mermaid", "dot", "svg"):
        assert_answered(stepwell("graph", path, "--format", form))
    assert_answered(stepwell("build", path, "--output", folder / "out"))
    assert_answered(stepwell("build", path, "--output", folder / "out", "--check"))


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_documents(name: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(FILES[name])
    all_commands(path, tmp_path)


@pytest.mark.parametrize("name", hostile_graphs())
def test_graphs_that_are_odd(name: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(hostile_graphs()[name]), "utf-8")
    all_commands(path, tmp_path)
    for made in tmp_path.rglob("*"):
        assert made.resolve().is_relative_to(tmp_path.resolve())


def test_terminals_get_no_control_characters(tmp_path: Path) -> None:
    """What a document says cannot move the cursor, or colour or hide what else is printed."""
    path = tmp_path / "graph.json"
    path.write_text(
        json.dumps(graph(node("\x1b[31m", "\x1b]0;x\x07", name="\x9b31m", code="return \x1b[2J"), kind="\x1b[8m")),
        "utf-8",
    )
    for form in ("text", "github"):
        said = stepwell("check", path, "--format", form)
        assert not {ch for ch in said.out + said.err if ch < " " and ch not in "\n\t"} | (
            {"\x9b"} & set(said.out + said.err)
        ), said


@pytest.mark.parametrize("name", ["nul", "surrogate", "deep"])
def test_in_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(FILES[name])
    for command in ("check", "build", "graph"):
        assert_answered(process(command, path))
    assert_answered(process("check", "-", stdin=FILES[name]))


@bounded(40)
@given(mutated() | values, st.sampled_from(["check", "build", "graph"]), anything)
def test_any_value_through_the_command_line(tmp_path: Path, value: Json, command: str, noise: str) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(value) + (noise if len(noise) == 1 else ""), "utf-8", "surrogatepass")
    said = {
        "check": lambda: stepwell("check", path, "--format", "text"),
        "build": lambda: stepwell("build", path, "--output", tmp_path / "out"),
        "graph": lambda: stepwell("graph", path, "--format", "svg"),
    }
    assert_answered(said[command]())
