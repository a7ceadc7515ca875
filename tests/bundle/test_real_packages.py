"""Packages as the world has them: from the registry that npm is set to, to a run on workerd."""

from __future__ import annotations

import json
from pathlib import Path

from stepwell import compile_artifact
from stepwell.bundle.packages import install_for
from stepwell.bundle.toolchain import ensure
from stepwell.compiler import dependencies
from stepwell.local import worker_spec
from stepwell.local.run import RunOptions, run_workflow

CODE = """
import ms from "ms";
import { randomUUID } from "uncrypto";
import { Buffer as Safe } from "safe-buffer";
import postgres from "postgres";
const sql = postgres("postgres://nobody@localhost/none", { max: 1 });
const text: string = Safe.from("safe").toString("base64");
return { days: ms("2 days"), uuid: randomUUID().length, text, same: Safe === Buffer, sql: typeof sql.unsafe };
"""


def test_four_packages_run_together(tmp_path: Path) -> None:
    """CommonJS; a variant for workers; one that requires `buffer`; a variant for workerd, with `node:*` and sockets."""
    nodes = [{"id": "a", "type": "step", "name": "A", "data": {"code": CODE}}]
    ir = {"metadata": {"name": "Real"}, "entryNodeId": "a", "nodes": nodes, "edges": []}
    wanted = {"ms": "2.1.3", "uncrypto": "0.1.3", "safe-buffer": "5.2.1", "postgres": "3.4.7"}
    text = json.dumps({"ir": ir, "dependencies": wanted})
    file = tmp_path / "real.json"
    file.write_text(text)

    packages = install_for(file, dependencies(text) or {})
    made = compile_artifact(text, toolchain=ensure(), packages=packages)
    assert made.diagnostics == ()
    assert made.js is not None and made.manifest is not None
    assert {part["name"] for part in made.manifest["packages"]} == set(wanted)
    assert {"node:buffer", "node:stream"} <= set(made.manifest["nodeModules"])
    assert "cloudflare:sockets" in made.js
    assert str(tmp_path) not in made.js + (made.source_map or "")

    outcome = run_workflow(ensure(), worker_spec(made), RunOptions(), on_event=lambda _: None)
    assert outcome.output == {
        "days": 172_800_000,
        "uuid": 36,
        "text": "c2FmZQ==",
        "same": True,
        "sql": "function",
    }
