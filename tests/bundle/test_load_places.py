"""A Worker that the runtime would refuse is refused with the user's line, also where types were stripped."""

from __future__ import annotations

import json

import pytest

from stepwell import compile_artifact
from stepwell.bundle.toolchain import ensure


@pytest.mark.parametrize("typed", [False, True])
def test_the_line_of_what_does_not_load(typed: bool) -> None:
    note = ": string" if typed else ""
    code = f"const n{note} = 'x';\n\nreturn /(?<a>x)(?<a>y)/.test(n);"
    nodes = [{"id": "a", "type": "step", "name": "A", "data": {"code": code}}]
    graph = {"metadata": {"name": "x", "version": 1}, "entryNodeId": "a", "nodes": nodes, "edges": []}
    [found] = compile_artifact(json.dumps(graph), toolchain=ensure()).diagnostics
    assert found.code.id == "SW407" and found.node_id == "a" and found.pointer == "/nodes/0/data/code"
    assert found.snippet is not None and found.snippet.line == 3
