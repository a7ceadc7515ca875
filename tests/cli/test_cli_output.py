"""The folder of a build: whole or not at all, and nothing foreign is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stepwell.cli import output
from stepwell.cli.faults import Failed

MANIFEST = json.dumps({"compiler": "stepwell 0.1.0"})
FILES = {"worker.js": "js", "worker.ts": "ts", "manifest.json": MANIFEST}
IN_JAVASCRIPT = {"worker.js": "js", "worker.source.js": "readable", "manifest.json": MANIFEST}


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_a_build_is_written_and_then_not_stale(tmp_path: Path) -> None:
    output.write(tmp_path / "a" / "b", FILES)
    assert _contents(tmp_path / "a" / "b") == FILES
    assert output.stale(tmp_path / "a" / "b", FILES) == []


def test_what_is_stale_is_named(tmp_path: Path) -> None:
    output.write(tmp_path, FILES)
    (tmp_path / "worker.js").write_text("changed")
    (tmp_path / "manifest.json").unlink()
    assert output.stale(tmp_path, FILES) == [
        f"{tmp_path / 'worker.js'} is stale",
        f"{tmp_path / 'manifest.json'} is missing",
    ]


def test_files_that_are_the_same_are_left_alone(tmp_path: Path) -> None:
    output.write(tmp_path, FILES)
    os.utime(tmp_path / "worker.js", (1, 1))
    output.write(tmp_path, FILES | {"worker.ts": "new"})
    assert (tmp_path / "worker.js").stat().st_mtime == 1


def test_the_other_languages_readable_form_goes(tmp_path: Path) -> None:
    output.write(tmp_path, FILES)
    assert output.stale(tmp_path, IN_JAVASCRIPT)[-1] == f"{tmp_path / 'worker.ts'} is left over from an earlier build"
    output.write(tmp_path, IN_JAVASCRIPT)
    assert _contents(tmp_path) == IN_JAVASCRIPT


def test_foreign_files_stay(tmp_path: Path) -> None:
    (tmp_path / "worker.ts").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine too")
    output.write(tmp_path, IN_JAVASCRIPT)
    assert _contents(tmp_path) == IN_JAVASCRIPT | {"worker.ts": "mine", "notes.txt": "mine too"}


@pytest.mark.parametrize("name", ["worker.js", "manifest.json"])
def test_a_foreign_file_in_the_way_is_replaced_only_by_force(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(Failed, match=f"{name} is there already.*--force"):
        output.write(tmp_path, FILES)
    assert _contents(tmp_path) == {name: "mine"}
    output.write(tmp_path, FILES, force=True)
    assert _contents(tmp_path) == FILES


def test_files_that_are_the_same_already_are_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "worker.js").write_text(FILES["worker.js"])
    output.write(tmp_path, FILES)
    assert _contents(tmp_path) == FILES


def test_a_wrangler_json_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    output.write(tmp_path, FILES | {"wrangler.json": "{}"})
    (tmp_path / "wrangler.json").write_text("// mine\n{}")
    with pytest.raises(Failed, match="is not JSON"):
        output.write(tmp_path, FILES | {"wrangler.json": "{}"})


def _databases(id_: str, name: str = "DB") -> dict[str, object]:
    return {"name": "w", "d1_databases": [{"binding": name, "database_name": "db", "database_id": id_}]}


@pytest.mark.parametrize(
    ("before", "known"),
    [
        (_databases("4711"), "4711"),
        (_databases("4711", name="OTHER"), "<DB_BINDING_ID>"),
        (_databases("<DB_BINDING_ID>"), "<DB_BINDING_ID>"),
        ({"d1_databases": [{"binding": "DB", "database_id": 7}, 1, {"binding": []}]}, "<DB_BINDING_ID>"),
        ({"d1_databases": {"binding": "DB"}}, "<DB_BINDING_ID>"),
        ([], "<DB_BINDING_ID>"),
        (None, "<DB_BINDING_ID>"),
    ],
)
def test_ids_that_were_filled_in_are_kept(tmp_path: Path, before: object, known: str) -> None:
    if before is not None:
        (tmp_path / "wrangler.json").write_text(json.dumps(before))
    assert output.with_known_ids(_databases("<DB_BINDING_ID>"), tmp_path) == _databases(known)


def test_a_folder_in_the_way_leaves_the_earlier_build(tmp_path: Path) -> None:
    output.write(tmp_path, FILES)
    (tmp_path / "worker.js.map").mkdir()
    with pytest.raises(Failed, match="is a folder"):
        output.write(tmp_path, FILES | {"worker.js": "new", "worker.js.map": "{}"})
    assert _contents(tmp_path) == FILES


def test_a_write_that_fails_leaves_the_earlier_build(tmp_path: Path) -> None:
    output.write(tmp_path, FILES)
    with pytest.raises(UnicodeEncodeError):
        output.write(tmp_path, FILES | {"worker.js": "new", "worker.ts": "\ud800"})
    assert _contents(tmp_path) == FILES
