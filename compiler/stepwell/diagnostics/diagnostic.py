"""The `Diagnostic` value and how places are named in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stepwell.diagnostics.codes import Code, Severity


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pointer stands in a source file: 1-based line and column (in characters)."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class SnippetPosition:
    """A place inside a user's code: 1-based line, 1-based column, both counted in the snippet itself."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `pointer` is an RFC 6901 JSON pointer into the artifact as the user wrote it ("" is the document);
    `place` is filled in when the source is a file; `snippet` when the fault lies inside code, which is that of
    another `file` when the fault is in a custom node's template. `subject` is the name that stands for nothing, or
    not there, when the finding is about one.
    """

    code: Code
    message: str
    pointer: str = ""
    node_id: str | None = None
    hint: str | None = None
    snippet: SnippetPosition | None = None
    place: Place | None = None
    file: str | None = None
    subject: str | None = None

    @property
    def severity(self) -> Severity:
        return self.code.severity

    @property
    def slug(self) -> str:
        return self.code.slug


def pointer(*parts: str | int) -> str:
    """An RFC 6901 pointer of the given reference tokens, escaped."""
    text = "/".join(("", *map(str, parts)))
    if "~" not in text and text.count("/") == len(parts):
        return text
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
