"""Files, folders and standard input."""

from __future__ import annotations

import json
from pathlib import Path

from stepwell.cli.inputs import gather, read

GRAPH = json.dumps({"metadata": {"name": "g", "version": 1}, "nodes": [], "edges": [], "entryNodeId": "a"})


def _names(folder: Path, *paths: str) -> list[str]:
    return [str(Path(one.name).relative_to(folder)) for one in gather(paths or (str(folder),)).inputs]


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(text, encoding="utf-8")


def test_a_folder_means_the_graphs_below_it_in_order(tmp_path: Path) -> None:
    _write(tmp_path, b=GRAPH, a=GRAPH, sub__c=GRAPH)
    (tmp_path / "notes.txt").write_text(GRAPH)
    assert _names(tmp_path) == ["a.json", "b.json", "sub/c.json"]


def test_other_json_is_left_out_of_a_folder_but_not_when_named(tmp_path: Path) -> None:
    _write(tmp_path, package='{"name": "x"}', list="[1]", graph=GRAPH)
    assert _names(tmp_path) == ["graph.json"]
    assert gather([str(tmp_path)]).skipped == 2
    assert _names(tmp_path, str(tmp_path / "package.json")) == ["package.json"]


def test_a_source_file_around_a_graph_is_found(tmp_path: Path) -> None:
    _write(tmp_path, source=f'{{"ir": {GRAPH}}}')
    assert _names(tmp_path) == ["source.json"]


def test_a_graph_that_is_no_json_is_not_left_out(tmp_path: Path) -> None:
    _write(tmp_path, broken=GRAPH[:-2])
    assert _names(tmp_path) == ["broken.json"]


def test_what_was_built_or_installed_is_not_looked_into(tmp_path: Path) -> None:
    _write(tmp_path, dist__g=GRAPH, node_modules__g=GRAPH, **{".git__g": GRAPH})
    assert _names(tmp_path) == []


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    _write(tmp_path, g=GRAPH)
    assert _names(tmp_path, str(tmp_path), str(tmp_path / "g.json")) == ["g.json"]


def test_all_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    _write(tmp_path, g=GRAPH)
    found = gather([str(tmp_path / "x"), str(tmp_path / "g.json"), str(tmp_path / "y")])
    assert len(found.inputs) == 1
    assert found.problems == [f"{tmp_path / 'x'}: no such file", f"{tmp_path / 'y'}: no such file"]


def test_the_mark_in_front_of_a_text_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_bytes(b"\xef\xbb\xbf{}")
    assert read(str(tmp_path / "g.json")).text == "{}"


def test_a_text_too_deep_for_a_parser_has_no_document(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text("[" * 100_000)
    source = read(str(tmp_path / "g.json"))
    assert source.document is None
    assert source.graph == {}
