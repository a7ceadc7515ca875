"""Packages of workflows that the server keeps: installed before it compiles, and what is said when they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.bundle.toolchain import ensure
from stepwell.graph.nodes import Nodes
from stepwell.server.compiling import compiled, document
from stepwell.server.errors import Problem
from tests.bundle.registry import Registry


def test_a_workflow_with_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchain = ensure()
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    nodes = [{"id": "a", "type": "step", "name": "A", "data": {"code": 'import left from "left";\nreturn left;'}}]
    ir = {"metadata": {"name": "Order"}, "entryNodeId": "a", "nodes": nodes, "edges": []}
    with Registry() as registry:
        registry.publish("left", "1.2.0", {"index.js": "module.exports = 'from the package';\n"})
        monkeypatch.setenv("npm_config_registry", registry.url)
        made = compiled(document(ir, None, {"left": "^1"}), toolchain, Nodes())
        with pytest.raises(Problem) as refused:
            compiled(document(ir, None, {"left": "^2"}), toolchain, Nodes())
    assert made.js is not None and "from the package" in made.js
    assert refused.value.status == 422
    assert refused.value.body["error"] == "npm could not install the packages: No matching version found for left@^2"
    again = compiled(document(ir, None, {"left": "^1"}), toolchain, Nodes())
    assert json.dumps(again.manifest) == json.dumps(made.manifest)
