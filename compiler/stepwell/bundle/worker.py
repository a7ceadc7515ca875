"""From printed text to the module that is uploaded: TypeScript stripped, every fault led back to the user's code."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepwell.bundle.esbuild import Fault, transform
from stepwell.bundle.loads import load_faults
from stepwell.bundle.manifest import COMPATIBILITY_DATE
from stepwell.diagnostics import Diagnostic, SnippetPosition
from stepwell.diagnostics import codes as c
from stepwell.javascript import Mapping as Mapped

Origin = tuple[str, str | None]
"""A snippet's JSON pointer and node id."""


@dataclass(frozen=True, slots=True)
class Module:
    """`worker.js` (without the comment that names its map) and its source map as JSON text."""

    js: str
    map: str


def strip_types(
    esbuild: Path, text: str, map_: str, mappings: Sequence[Mapped], origins: Mapping[str, Origin]
) -> tuple[Module | None, list[Diagnostic]]:
    """TypeScript to JavaScript. The map composes, so that a line of the result leads to the user's line."""
    inline = base64.b64encode(map_.encode()).decode()
    done = transform(
        esbuild, f"{text}\n//# sourceMappingURL=data:application/json;base64,{inline}", loader="ts", sourcemap=True
    )
    if done.faults:
        return None, [lead_back(f, mappings, origins) for f in done.faults]
    return Module(done.code, done.map or map_), []


def refuse_unloadable(
    esbuild: Path, js: str, mappings: Sequence[Mapped], origins: Mapping[str, Origin]
) -> list[Diagnostic]:
    """What a full parser has against the module."""
    done = transform(esbuild, js, loader="js", sourcemap=False)
    return [lead_back(f, mappings, origins) for f in done.faults]


def refuse_at_load(
    workerd: Path, js: str, mappings: Sequence[Mapped], origins: Mapping[str, Origin]
) -> list[Diagnostic]:
    """What the runtime has against the module when it loads it (a broken regular expression, an import it lacks)."""
    found = []
    for fault in load_faults(workerd, js, COMPATIBILITY_DATE):
        led = lead_back(fault, mappings, origins)
        found.append(led if led.node_id else replace(led, hint="`stepwell build` writes no Worker that does not load"))
    return found


LIMIT = 64 * 1024 * 1024
"""The most that a Worker may hold, in bytes (Cloudflare's limit since 2026-09-04)."""


def too_large(js: str, limit: int = LIMIT) -> list[Diagnostic]:
    """The finding about a Worker that Cloudflare would refuse for its size."""
    size = len(js.encode("utf-8", "replace"))
    if size <= limit:
        return []
    return [
        Diagnostic(
            c.SIZE,
            f"the Worker has {size:,} bytes; {limit:,} is the most",
            "",
            None,
            "move parts of it to sub-workflows",
        )
    ]


def lead_back(fault: Fault, mappings: Sequence[Mapped], origins: Mapping[str, Origin]) -> Diagnostic:
    """A fault of the printed text as one of the user's code, where its place came from a user."""
    places = [(m.line, m.column) for m in mappings]
    number = bisect_right(places, (fault.line - 1, fault.column)) - 1
    if number >= 0 and mappings[number].line == fault.line - 1 and mappings[number].source in origins:
        mapped = mappings[number]
        pointer, node = origins[mapped.source]
        position = SnippetPosition(mapped.source_line + 1, mapped.source_column + fault.column - mapped.column + 1)
        hint = "the code parses, but the runtime would refuse the Worker: mend it there"
        return Diagnostic(c.DOES_NOT_LOAD, fault.message, pointer, node, hint, position)
    return Diagnostic(
        c.DOES_NOT_LOAD,
        f"{fault.message} (line {fault.line} of the compiled Worker)",
        "",
        None,
        "this looks like a fault of the compiler: please report it with the graph",
    )
