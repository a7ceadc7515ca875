"""Where nodes are found: folders, versions, registries, bundles, packages; and what is told of broken ones."""

from __future__ import annotations

import json
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from stepwell import check, compile_artifact
from stepwell.graph.definition import checksum
from stepwell.nodes import find, read, watched
from tests.nodes.helpers import TEMPLATE, definition, put


def keys(*paths: Path) -> list[str]:
    return [node.definition.key for node in read(*paths).nodes]


def broken(*paths: Path) -> dict[str, str]:
    return {id_: f"{one.file}: {one.flaws[0].message}" for id_, one in read(*paths).nodes.broken.items()}


def test_folders_of_nodes(tmp_path: Path) -> None:
    put(tmp_path / "nodes" / "say")
    put(tmp_path / "nodes" / "tell", file="templates/cloudflare.ts")
    (tmp_path / "nodes" / "docs").mkdir()
    assert keys(tmp_path / "nodes") == ["say@1.0.0", "tell@1.0.0"]
    assert keys(tmp_path / "nodes" / "say") == ["say@1.0.0"]
    found = read(tmp_path / "nodes").nodes
    assert [node.source for node in found] == ["nodes/say/template.ts", "nodes/tell/templates/cloudflare.ts"]


def test_the_providers_own_template_goes_first(tmp_path: Path) -> None:
    put(tmp_path / "say")
    put(tmp_path / "say", template="export default async () => 1;", file="templates/cloudflare.ts")
    [node] = read(tmp_path).nodes
    assert node.template == "export default async () => 1;"


def test_versions_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0"):
        put(tmp_path / "say" / version, id="say", version=version)
    assert keys(tmp_path) == ["say@1.10.0", "say@1.9.0"]


def test_the_registry_of_awaitstep(tmp_path: Path) -> None:
    folder = tmp_path / "registry" / "nodes" / "say"
    put(folder / "1.0.0", id="say")
    (folder / "1.1.0").mkdir()
    (folder / "1.1.0" / "template.ts").write_text(TEMPLATE)
    (folder / "base.json").write_text(json.dumps(definition(name="Base", tags=["a", "b"])))
    (folder / "1.1.0" / "overrides.json").write_text(json.dumps({"version": "1.1.0", "tags": ["c"]}))
    newest, _ = read(tmp_path / "registry").nodes
    assert (newest.definition.key, newest.definition.name, newest.definition.tags) == ("say@1.1.0", "Base", ["c"])


def bundle(**over: Any) -> dict[str, Any]:
    told, templates = definition(**over), {"cloudflare": TEMPLATE}
    return {
        "definition": told,
        "templates": templates,
        "bundledAt": "2026-11-28T00:00:00.000Z",
        "checksum": checksum(told, templates),
    }


def test_bundles(tmp_path: Path) -> None:
    file = tmp_path / "nodes.local.json"
    file.write_text(json.dumps([bundle(), bundle(id="tell")]))
    assert keys(file) == ["say@1.0.0", "tell@1.0.0"]
    file.write_text(json.dumps(bundle()))
    assert keys(file) == ["say@1.0.0"]
    registry = {"definitions": [{"id": "step"}, definition()], "templates": {"say": {"cloudflare": "x"}}}
    file.write_text(json.dumps(registry))
    assert keys(file) == ["say@1.0.0"]


def test_a_bundle_that_was_changed_is_refused(tmp_path: Path) -> None:
    changed = bundle()
    changed["templates"]["cloudflare"] += "// more"
    (tmp_path / "one.json").write_text(json.dumps(changed))
    assert "`checksum` is that of another" in broken(tmp_path / "one.json")["say"]


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("node.json", "{", "say/node.json: "),
        ("node.json", "[]", "is no JSON object"),
        ("node.json", '{"id": "say", "id": "say"}', "the key `id` stands more than once"),
        ("node.json", json.dumps(definition(providers=["temporal"])), '`providers` must hold "cloudflare"'),
        ("node.json", json.dumps(definition(id="other")), "they must be the same"),
        ("template.ts", None, "there is no template"),
        ("node.json", None, "is missing; `stepwell nodes new say`"),
    ],
)
def test_what_is_broken_is_told(tmp_path: Path, file: str, text: str | None, told: str) -> None:
    put(tmp_path / "say")
    (tmp_path / "say" / file).unlink()
    if text is not None:
        (tmp_path / "say" / file).write_text(text)
    assert told in broken(tmp_path)["say"]
    nodes = [{"id": "a", "type": "say", "name": "A"}]
    graph = {"metadata": {"name": "x"}, "nodes": nodes, "edges": [], "entryNodeId": "a"}
    assert [one.slug for one in check(graph, nodes=read(tmp_path).nodes)] == ["node-definition"]


def test_text_that_is_none(tmp_path: Path) -> None:
    put(tmp_path / "say")
    (tmp_path / "say" / "template.ts").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in broken(tmp_path)["say"]
    (tmp_path / "say" / "template.ts").write_text("x" * (1024 * 1024 + 1))
    assert "is larger than 1 MiB" in broken(tmp_path)["say"]


def test_nodes_beside_the_graph_go_before_the_projects(tmp_path: Path) -> None:
    (tmp_path / "stepwell.toml").touch()
    put(tmp_path / "nodes" / "say", name="The project's")
    put(tmp_path / "nodes" / "tell")
    put(tmp_path / "graphs" / "nodes" / "say", name="The graph's")
    found = find(tmp_path / "graphs", packages=False)
    assert [node.definition.name for node in found.nodes] == ["The graph's", "Say"]
    put(tmp_path / "named" / "say", name="The one that is named")
    assert find(tmp_path / "graphs", [tmp_path / "named"], packages=False).nodes.custom["say"][0].definition.name == (
        "The one that is named"
    )
    assert {path.name for path in watched(tmp_path / "graphs")} == {"nodes", "say", "tell"}


def test_versions_in_folders_of_one_name_are_two_modules(tmp_path: Path) -> None:
    (tmp_path / "stepwell.toml").touch()
    put(tmp_path / "nodes" / "say", "export default async (ctx) => 'the project';", version="1.0.0")
    put(tmp_path / "graphs" / "nodes" / "say", "export default async (ctx) => 'the graph';", version="2.0.0")
    found = find(tmp_path / "graphs", packages=False).nodes
    assert [node.source for node in found] == ["nodes/say/template.ts", "say@1.0.0/template.ts"]
    steps = [{"id": v, "type": "say", "name": v, "version": v, "data": {"text": "x"}} for v in ("1.0.0", "2.0.0")]
    edges = [{"id": "e", "source": "1.0.0", "target": "2.0.0"}]
    graph = {"metadata": {"name": "x"}, "nodes": steps, "edges": edges, "entryNodeId": "1.0.0"}
    made = compile_artifact(graph, nodes=found)
    assert made.js is not None and "the project" in made.js and "the graph" in made.js


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    assert find(None, [tmp_path / "nowhere"], packages=False).problems == (
        f"{tmp_path / 'nowhere'}: there is no such folder or file of nodes",
    )
    (tmp_path / "no.json").write_text("no json")
    assert len(read(tmp_path / "no.json").problems) == 1


def test_packages_ship_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "acme" / "nodes" / "say")
    put(tmp_path / "more" / "tell")
    package = types.ModuleType("acme")
    package.__path__ = [str(tmp_path / "acme")]

    class Point(EntryPoint):
        def load(self) -> Any:
            if self.name == "broken":
                raise ImportError("no such module")
            return package if self.name == "package" else lambda: [tmp_path / "more"]

    points = [Point(name, name, "stepwell.nodes") for name in ("package", "function", "broken")]
    monkeypatch.setattr("stepwell.nodes.places.entry_points", lambda group: points)
    found = find()
    assert {"say", "tell"} <= found.nodes.custom.keys()
    assert found.nodes.custom["say"][0].source == "package/say/template.ts"
    assert found.problems == ("the nodes of the package broken: ImportError: no such module",)


def test_those_of_stepwell_are_there() -> None:
    assert {"slack_message", "kv_get", "webhook_signature"} <= find().nodes.custom.keys()
