"""The npm packages of a document: what is asked for, and what the code imports."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.check.analysis import Analysis
from stepwell.check.module_rules import importable, package_of
from stepwell.check.values import codes_of
from stepwell.graph.nodes import CustomNode
from stepwell.graph.read import Document
from stepwell.javascript.template import parse_template


def wanted(document: Document) -> dict[str, str]:
    """Ranges by package, of the document and its custom nodes together; what the document asks for goes first."""
    of_nodes: dict[str, str] = {}
    for custom in used_types(document):
        of_nodes = {**(custom.definition.dependencies or {}), **of_nodes}
    return {**of_nodes, **document.source.dependencies}


def used_types(document: Document) -> list[CustomNode]:
    """The custom nodes of a document, each version once, in the order in which they come."""
    found: dict[str, CustomNode] = {}
    for node in document.source.ir.nodes:
        kind = document.nodes.kind(node.type, node.version)
        if kind is not None and kind.custom is not None:
            found.setdefault(kind.custom.definition.key, kind.custom)
    return list(found.values())


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
    for fields in analysis.fields:
        for value in fields.values():
            for code in codes_of(value):
                yield from (imported.module for imported in code.facts.imports)
    for custom in used_types(analysis.document):
        yield from (imported.module for imported in parse_template(custom.template or "").facts.imports)
