"""The golden cases as they lie on disk, and what a compile of one comes to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from stepwell.bundle.packages import Packages
from stepwell.bundle.toolchain import Toolchain
from stepwell.compiler import Compiled, Language, compile_artifact, dependencies
from stepwell.diagnostics import Diagnostic
from stepwell.nodes import Nodes, read

ROOT: Final = Path(__file__).parents[2] / "golden"


@dataclass(frozen=True)
class Case:
    """One folder of `golden/`. `graph.json` or `graph.py`, and for a graph that compiles `run.json`, are by hand.

    So is `packages/`, where the graph has dependencies: what npm would have installed as `node_modules/`.
    """

    name: str

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def is_python(self) -> bool:
        return (self.folder / "graph.py").exists()

    @cached_property
    def graph(self) -> str:
        return (self.folder / ("graph.py" if self.is_python else "graph.json")).read_text("utf-8")

    @property
    def source(self) -> object:
        """What a compile takes."""
        if not self.is_python:
            return self.graph
        from stepwell.flow import read

        return read(self.graph)

    @property
    def json(self) -> str:
        """The graph as JSON text."""
        if not self.is_python:
            return self.graph
        from stepwell.flow import read

        return json.dumps(read(self.graph).document)

    @cached_property
    def nodes(self) -> Nodes:
        """The custom nodes that lie in the case's `nodes/`, written by hand too."""
        folder = self.folder / "nodes"
        return read(folder).nodes if folder.is_dir() else Nodes()

    @cached_property
    def about(self) -> str | None:
        """What the case pins."""
        told = self.run.get("about") if self.run else None
        return str(told) if told else None

    @cached_property
    def run(self) -> dict[str, Any]:
        """`run.json`: `about`, and unless the graph is wrong `runs`, each with what to do and what `happened`."""
        path = self.folder / "run.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    @cached_property
    def packages(self) -> Packages | None:
        """The installed tree of the case."""
        folder = self.folder / "packages"
        if not folder.is_dir():
            return None
        versions = {
            f"node_modules/{path.parent.relative_to(folder)}": json.loads(path.read_text("utf-8"))["version"]
            for path in folder.rglob("package.json")
        }
        return Packages(folder, dependencies(self.graph, nodes=self.nodes) or {}, versions)

    def kept(self, file: str) -> str | None:
        """A regenerated file as it was accepted, None when there is none."""
        path = self.folder / file
        return path.read_text("utf-8") if path.exists() else None


def all_cases() -> list[Case]:
    return [Case(name) for name in sorted({path.parent.name for path in ROOT.glob("*/graph.*")})]


def compiled(case: Case, toolchain: Toolchain | None, language: Language = "ts") -> Compiled:
    return compile_artifact(
        case.source, language=language, toolchain=toolchain, packages=case.packages, nodes=case.nodes
    )


def printed(made: Compiled) -> dict[str, str]:
    """The files that a compile gives, by name."""
    files = {"findings.txt": "".join(f"{finding(found)}\n" for found in made.diagnostics)}
    if made.ok:
        assert made.program is not None and made.source is not None and made.js is not None
        files |= {
            "program.txt": made.program.rstrip("\n") + "\n",
            "worker.ts": made.source,
            "worker.js": made.js,
            "manifest.json": pretty(made.manifest),
        }
    return files


ABOUT_PYTHON: Final = frozenset({"SW110", "SW111", "SW112", "SW113", "SW114"})
FILES: Final = ("findings.txt", "program.txt", "worker.ts", "worker.js", "manifest.json")


def finding(found: Diagnostic) -> str:
    """`CODE slug severity pointer [snippet line:col] node: message — hint`, on one line.

    What is said of Python itself has a place in the file in place of the snippet's.
    """
    place = [found.pointer or "/"]
    if found.code.id in ABOUT_PYTHON and found.place is not None:
        place.append(f"[python {found.place.line}:{found.place.column}]")
    if found.snippet is not None:
        place.append(f"[{found.file or 'snippet'} {found.snippet.line}:{found.snippet.column}]")
    node = f" {_line(found.node_id)}:" if found.node_id is not None else ":"
    hint = f" — {found.hint}" if found.hint else ""
    head = f"{found.code.id} {found.slug} {found.severity.value} {' '.join(place)}"
    return _line(f"{head}{node} {found.message}{hint}")


def _line(text: str) -> str:
    """Text without anything that would break a line or a terminal."""
    return "".join(ch if ch.isprintable() else json.dumps(ch)[1:-1] for ch in text)


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def compact(value: Any, width: int = 110) -> str:
    """JSON for people: what fits on a line stands on one."""
    return "\n".join(_compact(value, "", width)) + "\n"


def _compact(value: Any, indent: str, width: int) -> list[str]:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(indent) + len(flat) <= width:
        return [_padded(flat) if isinstance(value, dict) and value else flat]
    brackets = "{}" if isinstance(value, dict) else "[]"
    lines = [brackets[0]]
    inner = indent + "  "
    for number, (key, item) in enumerate(_items(value)):
        made = _compact(item, inner, width - len(key))
        made[-1] += "," if number + 1 < len(value) else ""
        lines += [f"{inner}{key}{made[0]}", *made[1:]]
    return [*lines, indent + brackets[1]]


def _items(value: Mapping[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((f"{json.dumps(key, ensure_ascii=False)}: ", item) for key, item in value.items())
    return (("", item) for item in value)


def _padded(flat: str) -> str:
    return f"{{ {flat[1:-1]} }}"
