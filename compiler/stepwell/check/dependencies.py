"""The npm packages of a document: what is asked for, and what the code imports."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.check.analysis import Analysis
from stepwell.check.module_rules import importable, package_of
from stepwell.check.values import codes_of
from stepwell.graph.read import Document


def wanted(document: Document) -> dict[str, str]:
    """Ranges by package, of the document and its nodes together."""
    return dict(document.source.dependencies)


def imported_packages(analysis: Analysis) -> list[str]:
    """The packages that the code imports, in the order in which it does."""
    asked = wanted(analysis.document)
    names = (package_of(module) for module in imported_modules(analysis) if not importable(module))
    return list(dict.fromkeys(name for name in names if name in asked))


def imported_modules(analysis: Analysis) -> Iterator[str]:
    """What the users' code imports, trigger code first."""
    trigger = analysis.trigger.code
    for imported in trigger.imports if trigger is not None else ():
        yield imported.module
    for fields in analysis.fields:
        for value in fields.values():
            for code in codes_of(value):
                yield from (imported.module for imported in code.facts.imports)
