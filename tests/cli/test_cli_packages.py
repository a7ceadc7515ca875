"""Graphs with npm packages, from the command line; the packages come from a registry on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.bundle.lock import LOCK_FILE
from stepwell.bundle.toolchain import ensure
from stepwell.cli.size import lines
from stepwell.compiler import Compiled
from tests.bundle.registry import Registry

from .cli_calls import process, stepwell


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A graph that needs `left`, beside an `.npmrc` that says where to get it. The cache has the tools, no packages."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / ensure().types.name).symlink_to(ensure().types)
    monkeypatch.setenv("STEPWELL_CACHE", str(cache))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.chdir(tmp_path)
    with Registry() as registry:
        registry.publish("left", "1.2.0", {"index.js": "module.exports = (text) => text.padStart(5, '.');\n"})
        (tmp_path / ".npmrc").write_text(f"registry={registry.url}\n")
        file = tmp_path / "order.json"
        file.write_text(json.dumps(_document({"left": "^1"})))
        yield file


def _document(dependencies: dict[str, str]) -> dict[str, Any]:
    code = 'import left from "left";\nreturn left("a");'
    nodes = [{"id": "a", "type": "step", "name": "A", "data": {"code": code}}]
    ir = {"metadata": {"name": "Order"}, "entryNodeId": "a", "nodes": nodes, "edges": []}
    return {"ir": ir, "dependencies": dependencies}


def test_from_nothing_to_a_run(graph: Path) -> None:
    assert stepwell("check", graph).code == 0
    refused = stepwell("build", "order.json", "--locked")
    assert (refused.code, refused.out) == (1, "")
    assert "order.json: " in refused.err and "`stepwell install order.json` brings it up to date" in refused.err
    assert not graph.with_name(LOCK_FILE).exists()

    built = stepwell("build", "order.json")
    assert built.code == 0, built.err
    assert built.err == "Choosing versions of packages…\nInstalling packages…\n"
    first, second, third = built.out.splitlines()
    assert first.startswith("order.json → dist/order: worker.js")
    assert second.startswith("worker.js has ") and second.endswith("; of packages:")
    assert third.split() == ["0.1", "kB", "left", "1.2.0"]
    assert 'import left from "left";' in Path("dist/order/worker.ts").read_text()
    assert "padStart" in Path("dist/order/worker.js").read_text()

    graph.with_name(".npmrc").write_text("registry=http://127.0.0.1:9/\n")
    assert stepwell("build", "order.json", "--check").code == 0
    told = json.loads(stepwell("build", "order.json", "--locked", "--json").out)
    assert told["packages"] == [{"name": "left", "version": "1.2.0", "bytes": told["packages"][0]["bytes"]}]
    assert told["size"]["bytes"] == len(Path("dist/order/worker.js").read_bytes())
    ran = stepwell("run", "order.json", "--locked", "--json")
    assert json.loads(ran.out)["output"] == "....a"

    graph.write_text(json.dumps(_document({"left": "^1", "right": "*"})))
    assert "right" not in graph.with_name(LOCK_FILE).read_text()
    stale = stepwell("build", "order.json", "--check")
    assert (stale.code, "is not up to date" in stale.err) == (1, True)
    offline = stepwell("build", "order.json")
    assert offline.code == 1
    assert offline.err.endswith(
        "order.json: npm could not install the packages: the registry cannot be reached (ECONNREFUSED)\n"
    )


def test_install(graph: Path) -> None:
    graph.with_name("plain.json").write_text(json.dumps(_document({})["ir"]))
    graph.with_name("broken.json").write_text("{")
    before = stepwell("install", "order.json", "plain.json")
    assert (before.code, before.out) == (0, "order.json: 1 package\nplain.json: no packages\n")
    lock = graph.with_name(LOCK_FILE).read_text()
    graph.write_text(graph.read_text()[:-1])
    broken = stepwell("install", "order.json", "broken.json")
    assert (broken.code, broken.out) == (1, "")
    assert broken.err.splitlines() == [
        "stepwell: order.json has errors: `stepwell check` says which",
        "stepwell: broken.json has errors: `stepwell check` says which",
    ]
    assert graph.with_name(LOCK_FILE).read_text() == lock
    assert stepwell("install", "--upgrade", "--locked", "order.json").code == 2


def test_standard_input_has_no_lock_beside_it(graph: Path) -> None:
    said = process("build", "-", "--output", "out", stdin=graph.read_bytes(), cwd=graph.parent)
    assert (said.code, said.err) == (
        1,
        "stepwell: a graph with packages needs a file: stepwell.lock lies beside it\n",
    )


def test_a_broken_build_as_json(graph: Path) -> None:
    graph.write_text("{}")
    said = stepwell("build", "order.json", "--json")
    assert (said.code, json.loads(said.out)) == (1, {"ok": False})
    assert stepwell("build", "order.json", "--json", "--check").code == 2


def test_of_many_packages_the_largest_are_listed() -> None:
    parts = [{"name": f"p{number}", "version": "1.0.0", "bytes": 2000 - number} for number in range(20)]
    shown = list(lines(Compiled((), js="x" * 50_000, manifest={"packages": parts})))
    assert len(shown) == 17
    assert shown[1].split() == ["2.0", "kB", "p0", "1.0.0"]
    assert shown[-1].split() == ["9.9", "kB", "5", "smaller", "ones"]
