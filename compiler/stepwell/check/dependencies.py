"""The npm packages of a document: what is asked for, and what the code imports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.check.module_rules import importable, package_of
from stepwell.diagnostics import Diagnostic, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.nodes import CustomNode
from stepwell.graph.ranges import combined, is_tag
from stepwell.graph.read import Document
from stepwell.javascript.template import parse_template

if TYPE_CHECKING:
    from stepwell.check.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Want:
    """A range of a package, and who wants it: words for messages, the place in the file, and the node's id."""

    range: str
    who: str
    pointer: str
    node: str | None = None


def wants(document: Document) -> dict[str, list[Want]]:
    """By package what the document and its custom nodes want of it."""
    found: dict[str, list[Want]] = {}
    for name, range_ in document.source.dependencies.items():
        found.setdefault(name, []).append(Want(range_, "the graph", pointer("dependencies", name)))
    for index, custom in used_types(document).items():
        node, definition = document.source.ir.nodes[index], custom.definition
        place = document.base + pointer("nodes", index, "type")
        for name, range_ in (definition.dependencies or {}).items():
            who = f"the node type `{definition.id}` {definition.version}"
            found.setdefault(name, []).append(Want(range_, who, place, node.id))
    return found


def wanted(document: Document) -> dict[str, str]:
    """Ranges by package, of the document and its custom nodes together: one that all can live with."""
    ranges = {name: [want.range for want in own] for name, own in wants(document).items()}
    return {name: combined(own) or own[0] for name, own in ranges.items()}


def conflicts(document: Document) -> Iterator[Diagnostic]:
    """Packages of which no version is in all ranges that are wanted."""
    for name, own in wants(document).items():
        if combined([want.range for want in own]) is None:
            said = " and ".join(f"as `{want.range}` by {want.who}" for want in own)
            message = f"the package `{name}` is wanted {said}; no version is all of that"
            yield Diagnostic(c.DEPENDENCY_CONFLICT, message, own[-1].pointer, own[-1].node, _hint(own))


def _hint(own: Sequence[Want]) -> str:
    if any(is_tag(want.range) for want in own):
        return "a tag such as `latest` goes with no range: write a range in its place"
    return "use versions of the node types that want the same, or change the range of the graph"


def used_types(document: Document) -> dict[int, CustomNode]:
    """The custom nodes of a document, each version once, by the index of the first node of it."""
    found: dict[str, tuple[int, CustomNode]] = {}
    for index, node in enumerate(document.source.ir.nodes):
        kind = document.nodes.kind(node.type, node.version)
        if kind is not None and kind.custom is not None:
            found.setdefault(kind.custom.definition.key, (index, kind.custom))
    return dict(found.values())


def imported_packages(analysis: Analysis) -> list[str]:
    """The packages that the code imports, in the order in which it does."""
    asked = wanted(analysis.document)
    names = (package_of(module) for module in imported_modules(analysis) if not importable(module))
    return list(dict.fromkeys(name for name in names if name in asked))


def imported_modules(analysis: Analysis) -> Iterator[str]:
    """What the users' code imports, trigger code first, templates of custom nodes last."""
    trigger = analysis.trigger.code
    for imported in trigger.imports if trigger is not None else ():
        yield imported.module
    for _, _, code in analysis.all_codes():
        for imported in code.facts.imports:
            yield imported.module
    for custom in used_types(analysis.document).values():
        yield from (imported.module for imported in parse_template(custom.template or "").facts.imports)
