"""What the pages show of workflows in Python works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from stepwell import check, compile_artifact
from stepwell.flow import forms, read
from stepwell.flow.builder import Flow
from tests.flow.flows import TOP, run

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)


def blocks(page: str, info: str) -> list[str]:
    text = (TOP / page).read_text("utf-8")
    return [found["text"] for found in _FENCE.finditer(text) if found["info"] == info]


def test_the_flows_of_the_pages() -> None:
    flows = blocks("docs/python.md", "python flow") + [b for b in blocks("README.md", "python") if "workflow(" in b]
    assert len(flows) == 2
    for text in flows:
        reading = read(text)
        assert check(reading) == []
        assert compile_artifact(reading).ok
        assert run(text) == reading.document


def test_the_library_of_the_page(tmp_path: Path) -> None:
    [flow], [code] = blocks("docs/python.md", "python flow"), blocks("docs/python.md", "python library")
    (tmp_path / "order.py").write_text(flow)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_every_method_and_edit_is_told_of() -> None:
    from stepwell.flow.edits import _OPS

    page = (TOP / "docs" / "python.md").read_text("utf-8")
    assert [name for name in (*forms.FORMS, *forms.COMMON, *_OPS) if not re.search(rf"\b{name}\b", page)] == []
    assert [name for name in forms.FORMS if not hasattr(Flow, name)] == []
