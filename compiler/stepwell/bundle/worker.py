"""From printed text to the module that is uploaded: TypeScript stripped, every fault led back to the user's code."""

from __future__ import annotations

import base64
import gzip
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from stepwell.bundle.esbuild import Bundled, Fault, bundle, package_of, transform
from stepwell.bundle.loads import load_faults
from stepwell.bundle.manifest import COMPATIBILITY_DATE
from stepwell.diagnostics import Diagnostic, SnippetPosition
from stepwell.diagnostics import codes as c
from stepwell.javascript import Mapping as Mapped

Origin = tuple[str, str | None] | tuple[str, str | None, str]
"""A snippet's JSON pointer and node id; the file too, where it is a module of its own."""


@dataclass(frozen=True, slots=True)
class Module:
    """`worker.js` (without the comment that names its map) and its source map as JSON text."""

    js: str
    map: str


def strip_types(
    esbuild: Path, text: str, map_: str, mappings: Sequence[Mapped], origins: Mapping[str, Origin]
) -> tuple[Module | None, list[Diagnostic]]:
    """TypeScript to JavaScript. The map composes, so that a line of the result leads to the user's line."""
    done = transform(esbuild, _with_map(text, map_), loader="ts", sourcemap=True)
    if done.faults:
        return None, [lead_back(f, mappings, origins) for f in done.faults]
    return Module(done.code, done.map or map_), []


def _with_map(text: str, map_: str) -> str:
    return f"{text}\n//# sourceMappingURL=data:application/json;base64,{base64.b64encode(map_.encode()).decode()}"


ENTRY = "worker.js"
"""What the printed module is called among those that are linked with it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a package is in a Worker: one version of it, and how many bytes of the module come from it."""

    name: str
    version: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Linked:
    """The module to upload, and what esbuild told of it."""

    module: Module
    bundled: Bundled

    def parts(self, versions: Mapping[str, str]) -> list[Part]:
        """The packages in it, the largest first. `versions` is by place (`node_modules/zod`)."""
        sizes: dict[tuple[str, str | None], int] = {}
        for path, size in self.bundled.sizes.items():
            if (name := package_of(path)) is not None:
                before = path[path.index("node_modules/") : path.rindex("node_modules/")]
                key = (name, versions.get(f"{before}node_modules/{name}"))
                sizes[key] = sizes.get(key, 0) + size
        parts = [Part(name, version, size) for (name, version), size in sizes.items()]
        return sorted(parts, key=lambda part: (-part.bytes, part.name, part.version or ""))


def link(
    esbuild: Path,
    printed: Module,
    mappings: Sequence[Mapped],
    origins: Mapping[str, Origin],
    modules: Mapping[str, str],
    node_modules: Path | None = None,
) -> tuple[Linked | None, list[Diagnostic]]:
    """The printed module (JavaScript) with the modules and packages that it imports, as one.

    `mappings` are those of `printed`; the map of the result names the same sources, and the paths of `modules`.
    """
    map_, sources = _numbered(printed.map)
    given = {ENTRY: _with_map(printed.js, map_), **modules}
    made = bundle(esbuild, given, ENTRY, node_modules=node_modules)
    if made.faults:
        return None, [_of_module(f, mappings, origins) for f in made.faults]
    return Linked(Module(made.code, _named(made.map, sources)), made), []


def _numbered(map_: str) -> tuple[str, list[str]]:
    """A map with numbers for its sources, and these: esbuild takes sources for paths, and users name them."""
    told = json.loads(map_)
    sources = told["sources"]
    return json.dumps(told | {"sources": [f"{_SOURCE}{number}" for number in range(len(sources))]}), sources


def _named(map_: str, sources: Sequence[str]) -> str:
    told = json.loads(map_)
    told["sources"] = [
        sources[int(one.removeprefix(_SOURCE))] if one.startswith(_SOURCE) else one for one in told["sources"]
    ]
    return json.dumps(told, ensure_ascii=False)


def with_sources(module: Module, files: Mapping[str, str]) -> Module:
    """The module with a map that names other `files` than the paths that were linked."""
    told = json.loads(module.map)
    named = {path: quote(file.encode("utf-8", "replace"), safe="/") for path, file in files.items()}
    told["sources"] = [named.get(one, one) for one in told["sources"]]
    return Module(module.js, json.dumps(told, ensure_ascii=False))


_SOURCE = "stepwell-source/"


def _of_module(fault: Fault, mappings: Sequence[Mapped], origins: Mapping[str, Origin]) -> Diagnostic:
    """A fault of linking: in the printed module it is led back, in another it names that one."""
    if fault.path in (ENTRY, None):
        return lead_back(fault, mappings, origins)
    if fault.path in origins:
        return _at(origins[fault.path], fault.message, SnippetPosition(fault.line, fault.column + 1))
    return _of_file(fault.message, str(fault.path), fault.line, fault.column + 1)


def _of_file(message: str, path: str, line: int, column: int) -> Diagnostic:
    """A fault that lies in a file which is not the graph's."""
    package = package_of(path)
    hint = f"`{package}` cannot be part of a Worker as it is: use another version, or another package"
    where = f"{path}, line {line}, column {column}"
    return Diagnostic(c.DOES_NOT_LOAD, f"{message} ({where})", "", None, hint if package else None)


def refuse_unloadable(
    esbuild: Path, js: str, mappings: Sequence[Mapped], origins: Mapping[str, Origin]
) -> list[Diagnostic]:
    """What a full parser has against the module."""
    done = transform(esbuild, js, loader="js", sourcemap=False)
    return [lead_back(f, mappings, origins) for f in done.faults]


def refuse_at_load(
    workerd: Path,
    js: str,
    mappings: Callable[[], Sequence[Mapped]],
    origins: Callable[[], Mapping[str, Origin]],
) -> list[Diagnostic]:
    """What the runtime has against the module when it loads it (a broken regular expression, an import it lacks).

    Where the module comes from is asked for only when there is a fault: of a large one it takes a second to read.
    """
    found = []
    for fault in load_faults(workerd, js, COMPATIBILITY_DATE):
        led = lead_back(fault, mappings(), origins())
        own = led.node_id or led.hint != _OURS
        found.append(led if own else replace(led, hint="`stepwell build` writes no Worker that does not load"))
    return found


LIMIT = 64 * 1024 * 1024
"""The most that a Worker may hold, in bytes (Cloudflare's limit since 2026-09-04)."""

COMPRESSED_LIMIT = 10 * 1024 * 1024
"""The most that one could hold before, compressed; Cloudflare's own pages still name it (and 3 MB for free plans)."""


def too_large(js: str, limit: int = LIMIT, compressed_limit: int = COMPRESSED_LIMIT) -> list[Diagnostic]:
    """The finding about a Worker that Cloudflare would refuse for its size, or might."""
    text = js.encode("utf-8", "replace")
    if len(text) > limit:
        said = f"the Worker has {len(text):,} bytes; {limit:,} is the most"
        return [Diagnostic(c.SIZE, said, "", None, "move parts of it to sub-workflows")]
    if len(text) > compressed_limit and (packed := compressed(js)) > compressed_limit:
        said = f"the Worker has {packed:,} bytes compressed; more than {compressed_limit:,} may be refused"
        return [Diagnostic(c.SIZE_COMPRESSED, said, "", None, "`stepwell build` lists what each package adds")]
    return []


def compressed(js: str) -> int:
    """How many bytes a Worker has as Cloudflare counts them for a plan's limit: compressed by gzip."""
    return len(gzip.compress(js.encode("utf-8", "replace")))


def _at(origin: Origin, message: str, position: SnippetPosition) -> Diagnostic:
    pointer, node, *file = origin
    hint = "the code parses, but the runtime would refuse the Worker: mend it there"
    return Diagnostic(c.DOES_NOT_LOAD, message, pointer, node, hint, position, file=next(iter(file), None))


def lead_back(fault: Fault, mappings: Sequence[Mapped], origins: Mapping[str, Origin]) -> Diagnostic:
    """A fault of the printed text as one of the user's code, where its place came from a user."""
    places = [(m.line, m.column) for m in mappings]
    number = bisect_right(places, (fault.line - 1, fault.column)) - 1
    mapped = mappings[number] if number >= 0 and mappings[number].line == fault.line - 1 else None
    column = 0 if mapped is None else mapped.source_column + fault.column - mapped.column + 1
    if mapped is not None and mapped.source in origins:
        return _at(origins[mapped.source], fault.message, SnippetPosition(mapped.source_line + 1, column))
    if mapped is not None and package_of(mapped.source):
        return _of_file(fault.message, mapped.source, mapped.source_line + 1, column)
    return Diagnostic(
        c.DOES_NOT_LOAD,
        f"{fault.message} (line {fault.line} of the compiled Worker)",
        "",
        None,
        _OURS,
    )


_OURS = "this looks like a fault of the compiler: please report it with the graph"
