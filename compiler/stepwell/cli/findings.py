"""Findings together with the source they were found in: what every output format shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from stepwell.cli.inputs import Input
from stepwell.cli.words import count
from stepwell.diagnostics import Diagnostic, Severity
from stepwell.graph.names import display_names


@dataclass(frozen=True)
class Checked:
    """A source and its findings, in file order."""

    source: Input
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Tally:
    """How many of what."""

    errors: int
    warnings: int
    notes: int
    files: int

    def __str__(self) -> str:
        parts = [count(self.errors, "error"), count(self.warnings, "warning")]
        parts += [count(self.notes, "note")] if self.notes else []
        return f"{', '.join(parts)} in {count(self.files, 'file')}"


def tally(checked: Iterable[Checked]) -> Tally:
    """Counts findings by severity."""
    checked = list(checked)
    severities = [d.severity for _, d in each(checked)]
    return Tally(
        severities.count(Severity.ERROR),
        severities.count(Severity.WARNING),
        severities.count(Severity.NOTE),
        len(checked),
    )


def each(checked: Iterable[Checked]) -> Iterator[tuple[Input, Diagnostic]]:
    """All findings with their sources."""
    for one in checked:
        for diagnostic in one.diagnostics:
            yield one.source, diagnostic


def display_name(source: Input, diagnostic: Diagnostic) -> str | None:
    """The node's display name where it says more than its id."""
    return display_names(source.graph).get(diagnostic.node_id or "")


def code(source: Input, diagnostic: Diagnostic) -> str | None:
    """The user's code that the finding lies in, when it lies in code."""
    if diagnostic.snippet is None or diagnostic.file is not None:
        return None
    value = _at(source.document, diagnostic.pointer)
    return value if isinstance(value, str) else None


def _at(value: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer leads to, None when it leads nowhere."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
