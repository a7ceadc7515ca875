"""What must hold of every finding, whatever the document is."""

from __future__ import annotations

from typing import Any

from stepwell import Diagnostic
from stepwell.diagnostics import CODES


def assert_sound(found: list[Diagnostic] | tuple[Diagnostic, ...], document: Any, text: str | None = None) -> None:
    """Each finding has a known code, a message, a pointer into `document`, and with `text` a place within it."""
    for finding in found:
        assert CODES.get(finding.code.id) is finding.code, finding
        assert finding.message.strip(), finding
        assert _leads_into(finding.pointer, document), (finding.pointer, finding)
        finding.message.encode("utf-8", "surrogatepass")
        if text is not None:
            assert_placed(finding, text)


def _leads_into(pointer: str, document: Any) -> bool:
    """Whether a pointer leads to a value of the document, or to a key that its holder lacks."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if pointer and not pointer.startswith("/"):
        return False
    here = document
    for number, part in enumerate(parts):
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return number == len(parts) - 1 and isinstance(here, dict)
    return True


def assert_placed(finding: Diagnostic, text: str) -> None:
    """The place stands within the text: columns are characters, the end of a line included."""
    place = finding.place
    assert place is not None, finding
    lines = text.removeprefix("\ufeff").split("\n")
    assert 1 <= place.line <= len(lines), (place, len(lines), finding)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1, (place, lines[place.line - 1], finding)
