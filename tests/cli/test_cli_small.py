"""`explain`, `schema`, `init`, `graph`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.diagnostics import CODES
from tests.cli.cli_calls import process, stepwell


@pytest.mark.parametrize("word", ["SW301", "sw301", "unknown-reference", "Unknown-Reference"])
def test_explain_by_code_and_by_slug(word: str) -> None:
    said = stepwell("explain", word)
    assert said.code == 0
    assert said.out.startswith("SW301 unknown-reference\nerror: ")
    assert CODES["SW301"].explanation in said.out


def test_explain_lists_all() -> None:
    lines = stepwell("explain").out.splitlines()
    assert [line.split()[0] for line in lines] == list(CODES)


@pytest.mark.parametrize(("word", "meant"), [("SW3001", "SW301"), ("unknown-ref", "unknown-reference")])
def test_explain_knows_what_was_meant(word: str, meant: str) -> None:
    said = stepwell("explain", word)
    assert said.code == 2
    assert f"Did you mean '{meant}'?" in said.err


def test_init_writes_a_project_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "project"
    assert stepwell("init", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "README.md", "order.json"]
    json.loads((folder / "order.json").read_text())
    (folder / "order.json").write_text("mine")
    (folder / "README.md").unlink()
    again = stepwell("init", folder)
    assert (again.code, again.out) == (1, "")
    assert "order.json is there already" in again.err
    assert (folder / "order.json").read_text() == "mine"
    assert not (folder / "README.md").exists()


@pytest.mark.parametrize("style", ["mermaid", "dot", "svg"])
def test_graph_draws_to_a_file_or_to_standard_output(tmp_path: Path, style: str) -> None:
    stepwell("init", tmp_path)
    printed = stepwell("graph", tmp_path / "order.json", "--format", style)
    assert printed.code == 0
    said = stepwell("graph", tmp_path / "order.json", "--format", style, "-o", tmp_path / "x")
    assert (said.code, said.out) == (0, f"{tmp_path / 'order.json'} → {tmp_path / 'x'} ({style})\n")
    assert (tmp_path / "x").read_text(encoding="utf-8") == printed.out


@pytest.mark.parametrize(("name", "style"), [("x.svg", "svg"), ("x.DOT", "dot"), ("x.gv", "dot"), ("x.md", "mermaid")])
def test_the_suffix_of_the_file_says_how_to_draw(tmp_path: Path, name: str, style: str) -> None:
    stepwell("init", tmp_path)
    stepwell("graph", tmp_path / "order.json", "-o", tmp_path / name)
    drawn = stepwell("graph", tmp_path / "order.json", "--format", style).out
    assert (tmp_path / name).read_text(encoding="utf-8") == drawn


def test_graph_makes_no_folders(tmp_path: Path) -> None:
    stepwell("init", tmp_path)
    said = stepwell("graph", tmp_path / "order.json", "-o", tmp_path / "p" / "x.svg")
    assert (said.code, said.err) == (1, f"stepwell: {tmp_path / 'p'} is no folder; nothing was written\n")


def test_graph_from_standard_input(tmp_path: Path) -> None:
    stepwell("init", tmp_path)
    said = process("graph", "-", stdin=(tmp_path / "order.json").read_bytes())
    assert said.out == stepwell("graph", tmp_path / "order.json").out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nodes": 1}', "not json", "[" * 100_000])
def test_graph_of_what_is_no_graph(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.json").write_text(text)
    said = stepwell("graph", tmp_path / "g.json")
    assert (said.code, said.out) == (1, "")
    assert "holds no graph" in said.err
