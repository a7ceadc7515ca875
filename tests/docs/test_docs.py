"""The pages are fresh and whole: generated parts, links, sections, examples."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from docs.generate import DOCS, pages

from stepwell import check, compile_artifact
from stepwell.cli import stepwell
from stepwell.diagnostics import CODES, Severity
from stepwell.graph.catalogue import BUILTIN
from tests.cli.cli_calls import stepwell as call_stepwell
from tests.dev.account import dev, eventually

TOP = DOCS.parent
PAGES = sorted([*DOCS.rglob("*.md"), *TOP.glob("*.md"), *TOP.glob("examples/**/*.md")])
NAMES = [str(page.relative_to(TOP)) for page in PAGES]
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+)$", re.M)


def _blocks(page: Path, info: str) -> Iterator[str]:
    return (found["text"] for found in _FENCE.finditer(page.read_text("utf-8")) if found["info"] == info)


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def _titles(page: Path) -> list[str]:
    return [found["title"] for found in _HEADING.finditer(_prose(page))]


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them; a title that stands twice gets a number."""
    seen: Counter[str] = Counter()
    anchors = set()
    for title in _titles(page):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_page_is_fresh(path: Path) -> None:
    assert path.read_text("utf-8") == pages()[path], f"{path.name} is stale: make docs"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_resolves(page: Path) -> None:
    broken = []
    for found in _LINK.finditer(re.sub(r"`[^`\n]*`", "", _prose(page))):
        place, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(found["target"])
    assert broken == []


def test_every_node_type_has_its_section() -> None:
    assert BUILTIN.keys() <= set(_titles(DOCS / "nodes.md"))


def test_every_code_has_its_section() -> None:
    assert {f"{code.id} {code.slug}" for code in CODES.values()} <= set(_titles(DOCS / "diagnostics.md"))


def test_every_command_has_its_section() -> None:
    commands = stepwell.list_commands(click.Context(stepwell))
    assert {f"stepwell {name}" for name in commands} <= set(_titles(DOCS / "cli.md"))


def test_every_room_is_told_of() -> None:
    rooms = {init.parent.name for init in (TOP / "compiler" / "stepwell").glob("*/__init__.py")}
    text = (DOCS / "architecture.md").read_text("utf-8")
    assert {room for room in rooms if f"| `{room}/` |" not in text} == set()


def test_every_key_of_compiled_and_diagnostic_is_told_of() -> None:
    from stepwell import Compiled, Diagnostic

    text = (DOCS / "library.md").read_text("utf-8")
    keys = [*Compiled.__dataclass_fields__, *vars(Compiled), *Diagnostic.__dataclass_fields__]
    assert [key for key in keys if not key.startswith("_") and f"`{key}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_graph_compiles(page: Path) -> None:
    for text in _blocks(page, "json graph"):
        assert _wrong(text) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_trigger_compiles(page: Path) -> None:
    for code in _blocks(page, "js trigger"):
        assert _wrong({"ir": _minimal(), "triggerCode": code}) == []


def _minimal() -> dict[str, Any]:
    node = {"id": "a", "type": "step", "name": "A", "data": {"code": "return 1;"}}
    return {"metadata": {"name": "A"}, "entryNodeId": "a", "nodes": [node], "edges": []}


def _wrong(document: object) -> list[str]:
    """Findings that are not notes, and a compile that gives nothing."""
    found = [d.message for d in check(document) if d.severity is not Severity.NOTE]
    return found or ([] if compile_artifact(document).ok else ["it does not compile"])


def test_the_library_page_runs(tmp_path: Path) -> None:
    """Its examples, one after the other as one module of a user's."""
    shutil.copy(TOP / "examples/order-approval/order-approval.json", tmp_path / "order.json")
    code = "\n".join(_blocks(DOCS / "library.md", "python"))
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["kind"] == "workflow"


def test_the_editors_page_runs(tmp_path: Path) -> None:
    """Its examples, beside the first project's graph."""
    call_stepwell("init", tmp_path)
    code = "\n".join(_blocks(DOCS / "editors.md", "python"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(
        "`confirm` (Confirm) would have an error: `approval` is neither a node"
    )


def test_every_key_of_the_results_for_editors_is_told_of() -> None:
    from stepwell.edit import Change, Edited
    from stepwell.editor.scope import Field, Root, Scope

    text = (DOCS / "editors.md").read_text("utf-8")
    keys = [key for one in (Scope, Root, Field, Edited, Change) for key in one.__dataclass_fields__]
    assert [key for key in keys if f"`{key}`" not in text] == []


def test_the_examples_for_an_account_run(tmp_path: Path) -> None:
    """Beside the first project, deployed to an account on this machine."""
    call_stepwell("init", tmp_path / "project")
    code = "\n".join(_blocks(DOCS / "library.md", "python account"))
    with dev(tmp_path / "state", str(tmp_path / "project" / "order.json")) as account:
        eventually(lambda: "deployed in" in account.text)
        env = {**os.environ, **account.env}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "waiting ['price', 'approval']"
    assert lines[1].startswith("complete {'status': 'confirmed', 'total': 600, 'approvedBy': 'Ada'}")
    assert lines[-2] == str(["complete"] * 8)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_names_this_machine_or_a_registry(page: Path) -> None:
    text = page.read_text("utf-8").lower()
    words = ("/work/", "/home/", "/tmp/", "npmjs", "pypi.", "pythonhosted")
    assert [word for word in words if word in text] == []
