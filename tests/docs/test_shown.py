"""The commands that the pages show do what they are shown for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from docs.generate import DOCS

from tests.cli.cli_calls import stepwell
from tests.dev.account import dev

TOP = DOCS.parent
EXAMPLES = sorted(path.parent.name for path in (TOP / "examples").glob("*/README.md"))
_BLOCK = re.compile(r"(?:^    .*\n)+", re.M)
_SERVES = ("dev", "setup")
"""Commands that go on until Ctrl-C, or that install."""


def _shown(page: Path) -> list[str]:
    """The blocks of commands of a page that call stepwell, `…` and servers left out."""
    blocks = [re.sub("^    ", "", found[0], flags=re.M) for found in _BLOCK.finditer(page.read_text("utf-8"))]
    ours = [block for block in blocks if re.search(r"^(cd .* && )?stepwell ", block, re.M)]
    return [block for block in ours if not any(f"stepwell {name}" in block for name in _SERVES)]


def _for_an_account(block: str) -> bool:
    return "CLOUDFLARE_API_TOKEN=…" in block


def _run(block: str, folder: Path, env: Mapping[str, str] | None = None) -> None:
    """As a shell runs it; the repository's own environment is active already, and what asks is answered."""
    script = f'''set -e
stepwell() {{
  case $1 in deploy|rollback|takedown) "{sys.executable}" -m stepwell.cli "$@" --yes ;;
  *) "{sys.executable}" -m stepwell.cli "$@" ;;
  esac
}}
'''
    script += re.sub(r"^(\. .*activate|export CLOUDFLARE.*)$", "", block, flags=re.M)
    call = ["bash", "-c", script]
    env = {**os.environ, **(env or {})}
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False, timeout=240, env=env)
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A first project, with what the pages speak of beside its graph."""
    folder = tmp_path / "project"
    stepwell("init", folder)
    (folder / "graphs").mkdir()
    shutil.copy(folder / "order.json", folder / "graphs")
    stepwell("build", folder / "order.json", "-o", folder / "workers" / "order")
    return folder


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/library.md", "docs/language.md"])
def test_the_commands_of_a_page(page: str, project: Path) -> None:
    for block in _shown(TOP / page):
        _run(block, project)


def test_the_commands_of_the_page_on_python(tmp_path: Path) -> None:
    """With the file that stands on the page, and nothing else."""
    page = TOP / "docs" / "python.md"
    found = re.search(r"^```python flow\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    assert found is not None
    (tmp_path / "order.py").write_text(found[1], "utf-8")
    first, *_ = _shown(page)
    assert "stepwell check order.py\n" in first and "stepwell run order.py " in first
    _run(first, tmp_path)


def test_the_commands_of_a_first_project(project: Path) -> None:
    blocks = _shown(project / "README.md")
    assert len(blocks) >= 3
    for block in blocks:
        _run(block, project)


def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    blocks = _shown(TOP / "README.md")
    assert blocks
    (tmp_path / "clone").mkdir()
    here = [block for block in blocks if not _for_an_account(block)]
    _run("\n".join(here), tmp_path / "clone")  # from one folder to the next
    project = tmp_path / "my-project"
    with dev(tmp_path / "state") as account:
        [there] = [block for block in blocks if _for_an_account(block)]
        graph = project / "order.json"
        now = graph.read_text()
        graph.write_text(now.replace("price", "cost"))  # what a rollback goes back to
        _run("stepwell deploy order.json", project, account.env)
        graph.write_text(now)
        _run(there, project, account.env)


@pytest.mark.parametrize("name", [".", *EXAMPLES])
def test_the_commands_of_the_examples(name: str) -> None:
    blocks = _shown(TOP / "examples" / name / "README.md")
    assert blocks
    for block in blocks:
        _run(block, TOP / "examples" / name)
