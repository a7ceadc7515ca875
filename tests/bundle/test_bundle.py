"""Many modules and packages in, one module out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepwell.bundle.esbuild import Bundled, Fault, bundle
from stepwell.bundle.loads import load_faults
from stepwell.bundle.manifest import COMPATIBILITY_DATE
from stepwell.bundle.toolchain import ensure
from stepwell.emit import read_map

Packages = Mapping[str, Mapping[str, Any]]
"""Files by package; a value that is no text is JSON."""


def _installed(folder: Path, packages: Packages) -> Path:
    for package, files in packages.items():
        for path, content in {"package.json": {"name": package, "version": "1.0.0"}, **files}.items():
            file = folder / "node_modules" / package / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / "node_modules"


def _bundled(modules: Mapping[str, str], node_modules: Path | None = None) -> Bundled:
    return bundle(ensure().esbuild, modules, next(iter(modules)), node_modules=node_modules)


def _loads(made: Bundled, *, throws: str | None = None) -> None:
    """The runtime runs the module's top level."""
    assert made.faults == ()
    found = [fault.message for fault in load_faults(ensure().workerd, made.code, COMPATIBILITY_DATE)]
    assert found == ([] if throws is None else [throws])


def test_modules_become_one_without_what_nobody_uses() -> None:
    made = _bundled(
        {
            "worker.ts": 'import slack from "./nodes/slack@1.0.0.ts";\nexport const a: number = slack();\n',
            "nodes/slack@1.0.0.ts": 'import { one } from "./one.js";\nexport default () => one as number;\n',
            "nodes/one.js": 'export const one = 1;\nexport const unused = "nobody";\n',
        }
    )
    assert made.faults == ()
    assert "nobody" not in made.code
    assert "import" not in made.code
    assert set(made.sizes) == {"worker.ts", "nodes/slack@1.0.0.ts", "nodes/one.js"}


def test_the_map_leads_to_the_modules_by_their_paths() -> None:
    made = _bundled(
        {
            "worker.ts": 'import f from "./nodes/a@1.ts";\nexport const x = f();\n',
            "nodes/a@1.ts": "// one\nexport default (): string => \n  'here';\n",
        }
    )
    line = next(number for number, text in enumerate(made.code.splitlines()) if '"here"' in text)
    found = [(m.source, m.source_line) for m in read_map(made.map) if m.line == line]
    assert ("nodes/a@1.ts", 2) in found
    assert json.loads(made.map)["sources"] == ["nodes/a@1.ts", "worker.ts"]


def test_an_inline_source_map_is_composed() -> None:
    inner = {"version": 3, "sources": ["graph"], "names": [], "mappings": ";;AAAA"}
    comment = base64.b64encode(json.dumps(inner).encode()).decode()
    source = "// a\n// b\nexport const a: number = 1;\n//# sourceMappingURL=data:application/json;base64," + comment
    assert json.loads(_bundled({"worker.ts": source}).map)["sources"] == ["graph"]


def test_nothing_tells_where_it_was_made(tmp_path: Path) -> None:
    modules = {"worker.ts": 'import a from "a";\nexport const b = a;\n'}
    first, second = (
        _bundled(modules, _installed(tmp_path / place, {"a": {"index.js": "export default import.meta.url;"}}))
        for place in ("one", "two")
    )
    assert first == second
    assert "/" not in "".join(json.loads(first.map)["sources"]).replace("node_modules/a/index.js", "")
    assert "tmp" not in first.code + first.map + json.dumps(first.metafile)


@pytest.mark.parametrize("condition", ["workerd", "worker", "browser"])
def test_the_variant_for_the_platform_is_taken(tmp_path: Path, condition: str) -> None:
    exports = {"node": "./node.js", "require": "./node.js", condition: "./ours.js", "default": "./node.js"}
    files = {
        "package.json": {"name": "a", "version": "1.0.0", "exports": exports},
        "node.js": "export default 'node';",
        "ours.js": "export default 'ours';",
    }
    made = _bundled({"worker.ts": 'import a from "a";\nexport { a };\n'}, _installed(tmp_path, {"a": files}))
    assert '"ours"' in made.code


def test_what_the_runtime_has_stays_an_import(tmp_path: Path) -> None:
    code = (
        'import fs from "node:fs";\nimport events from "events";\nimport { DurableObject } from "cloudflare:workers";\n'
    )
    made = _bundled({"worker.ts": code + "export default { fs, events, DurableObject };\n"})
    assert made.externals == {"node:fs", "events", "cloudflare:workers"}
    assert not made.requires
    _loads(made)


def test_commonjs_requires_the_runtimes_modules(tmp_path: Path) -> None:
    node_modules = _installed(
        tmp_path,
        {
            "a": {"index.js": "exports.same = require('buffer').Buffer === Buffer && require('node:util').inspect;"},
            "b": {
                "package.json": {"name": "b", "version": "1.0.0", "type": "module"},
                "index.js": "import { createRequire } from 'node:module';\nconst require = createRequire('file:///');\n"
                "export default require('node:path').sep;",
            },
        },
    )
    code = 'import a from "a";\nimport b from "b";\nif (!a.same || b !== "/") throw new Error("other");\n'
    made = _bundled({"worker.ts": code}, node_modules)
    assert made.requires
    _loads(made)


def test_a_package_that_another_asks_for_stands_before_the_runtimes_module(tmp_path: Path) -> None:
    node_modules = _installed(
        tmp_path,
        {
            "string_decoder": {"index.js": "module.exports = 'package';"},
            "stream": {"index.js": "module.exports = [require('string_decoder/'), require('string_decoder')];"},
        },
    )
    code = 'import a from "stream";\nthrow new Error(`${a} ${typeof process.env.NODE_ENV}`);\n'
    _loads(_bundled({"worker.ts": code}, node_modules), throws="Error: package,package string")


def test_names_are_kept_where_two_modules_have_the_same() -> None:
    code = "export class Refused extends Error {}\n"
    made = _bundled(
        {
            "worker.ts": 'import { Refused as A } from "./a.ts";\nimport { Refused as B } from "./b.ts";\n'
            "throw new Error(`${A.name} ${B.name} ${A !== B}`);\n",
            "a.ts": code,
            "b.ts": code,
        }
    )
    _loads(made, throws="Error: Refused Refused true")


@pytest.mark.parametrize(
    ("modules", "fault"),
    [
        ({"worker.ts": 'import "a";\n'}, Fault('Could not resolve "a"', 1, 7, "worker.ts")),
        (
            {"worker.ts": 'import "./nodes/a.ts";\n', "nodes/a.ts": "let é = 'é'; let é;\n"},
            Fault('The symbol "é" has already been declared', 1, 17, "nodes/a.ts"),
        ),
        (
            {"worker.js": 'import { b } from "./a.ts";\nexport { b };\n', "a.ts": "export const a = 1;\n"},
            Fault('No matching export in "a.ts" for import "b"', 1, 9, "worker.js"),
        ),
    ],
)
def test_faults_name_the_module(modules: Mapping[str, str], fault: Fault) -> None:
    made = _bundled(modules)
    assert made.faults == (fault,)
    assert (made.code, made.map, made.sizes) == ("", "", {})


def test_a_fault_in_a_package_names_its_file(tmp_path: Path) -> None:
    files = {"index.js": "import 'node:fs';\nimport x from './x.wasm';\nexport default x;\n", "x.wasm": ""}
    made = _bundled({"worker.ts": 'import a from "a";\nexport { a };\n'}, _installed(tmp_path, {"a": files}))
    [fault] = made.faults
    assert fault.path == "node_modules/a/index.js"
    assert (fault.line, fault.column) == (2, 14)
    assert "No loader is configured" in fault.message


def test_packages_of_the_machine_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(tmp_path, {"@b/a": {"index.js": "module.exports = 1;"}})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = _bundled({"worker.ts": 'import a from "@b/a";\nexport { a };\n'})
    assert [fault.message for fault in made.faults] == ["@b/a is installed on this machine, not for this Worker"]


@pytest.mark.parametrize("path", ["/a.ts", "../a.ts", "a/../b.ts", "./a.ts", "node_modules/a/index.js", ""])
def test_paths_stay_inside(path: str) -> None:
    with pytest.raises(ValueError, match="a module's path"):
        _bundled({path: ""})
