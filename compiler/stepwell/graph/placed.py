"""A document that was read from something else than JSON, and knows where things stand there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from stepwell.diagnostics import Diagnostic


@runtime_checkable
class Placed(Protocol):
    """What `check` and `compile_artifact` take in place of JSON."""

    @property
    def document(self) -> dict[str, Any] | None:
        """The JSON value; None when there is none."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was found on the way to it."""

    def with_places(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Findings about the document with their places filled in, in the order of the text."""
