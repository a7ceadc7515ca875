"""Findings that no golden can show for their size: limits of graphs and Workers; and a missing tool."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from stepwell import check, compile_artifact
from stepwell.bundle import toolchain
from stepwell.bundle.worker import COMPRESSED_LIMIT, LIMIT, too_large
from stepwell.diagnostics import Severity


def chain(count: int) -> dict[str, Any]:
    """So many steps, one after the other."""
    nodes = [{"id": f"n{i}", "type": "step", "name": f"N{i}", "data": {"code": "return 1;"}} for i in range(count)]
    edges = [{"id": f"e{i}", "source": f"n{i}", "target": f"n{i + 1}"} for i in range(count - 1)]
    return {"metadata": {"name": "chain", "version": 1}, "entryNodeId": "n0", "nodes": nodes, "edges": edges}


def codes(document: dict[str, Any]) -> list[str]:
    return [one.code.id for one in check(document)]


@pytest.mark.parametrize(
    ("count", "expected"), [(1024, []), (1025, ["SW510"]), (25_001, ["SW511"]), (50_001, ["SW105"])]
)
def test_how_many_steps_there_may_be(count: int, expected: list[str]) -> None:
    found = codes(chain(count))
    assert [code for code in found if code in ("SW510", "SW511", "SW105")][:1] == expected


def test_a_worker_over_the_limit() -> None:
    assert too_large("x" * LIMIT) == []
    [found] = too_large("x" * (LIMIT + 1))
    assert found.code.id == "SW802" and found.hint is not None


def test_a_worker_that_may_be_over_an_older_limit() -> None:
    noise = random.Random(1).randbytes(COMPRESSED_LIMIT).hex()  # compresses to a little more than its half
    [found] = too_large(noise)
    assert (found.code.id, found.severity) == ("SW804", Severity.WARNING)


def test_types_without_the_tool_that_strips_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path))
    document = chain(1)
    document["nodes"][0]["data"]["code"] = "const n: number = 1; return n;"
    with pytest.raises(toolchain.ToolchainMissing):
        toolchain.locate()
    [found] = compile_artifact(document).diagnostics
    assert found.code.id == "SW801" and "stepwell" in found.message
