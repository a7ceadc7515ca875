"""Compiled templates are kept beside them, and used only while all is the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from stepwell.emit.kept import Kept


@pytest.fixture(autouse=True)
def writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "maker.py").write_text("one")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.jinja").write_text("first")
    return tmp_path


def printed(folder: Path) -> str:
    kept = Kept(folder, folder / "maker.py")
    return Environment(loader=FileSystemLoader(folder), bytecode_cache=kept).get_template("inner/a.jinja").render()


def the_file(folder: Path) -> Path:
    [file] = (folder / "__pycache__").iterdir()
    return file


def test_code_is_kept_and_used_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(folder) == "first"
    assert the_file(folder).name.startswith("inner.a.jinja.")
    monkeypatch.setattr(Environment, "compile", None)
    assert printed(folder) == "first"


@pytest.mark.parametrize(
    ("name", "text", "wanted"), [("inner/a.jinja", "second", "second"), ("maker.py", "2", "first")]
)
def test_what_it_depends_on_makes_it_anew(folder: Path, name: str, text: str, wanted: str) -> None:
    assert printed(folder) == "first"
    before = the_file(folder).read_bytes()
    (folder / name).write_text(text)
    assert printed(folder) == wanted
    assert the_file(folder).read_bytes() != before


@pytest.mark.parametrize("cut", [0, 5, 30, -1])
def test_a_damaged_file_is_made_anew(folder: Path, cut: int) -> None:
    printed(folder)
    whole = the_file(folder).read_bytes()
    the_file(folder).write_bytes(whole[:cut])
    assert printed(folder) == "first"
    assert the_file(folder).read_bytes() == whole


def test_nothing_is_written_where_it_must_not_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert printed(folder) == "first"
    assert not (folder / "__pycache__").exists()


def test_where_nothing_can_be_written_it_prints_all_the_same(folder: Path) -> None:
    (folder / "__pycache__").write_text("a file")
    assert printed(folder) == "first"
