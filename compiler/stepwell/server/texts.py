"""Texts and values that come from elsewhere, made such that every database keeps them and UTF-8 can say them."""

from __future__ import annotations

import json
from typing import Any, Final

DEPTH: Final = 100
"""Values that are nested deeper are told as the text of their JSON: readers give up at depths of their own."""


def clean(text: str) -> str:
    """A text without halves of characters, which UTF-8 cannot say, and without U+0000, which PostgreSQL cannot keep."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def kept(value: Any) -> str:
    """A value as JSON in ASCII. Halves of characters in it are replaced."""
    text = json.dumps(value)
    if "\\ud" in text:
        whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        text = json.dumps(json.loads(whole))
    return text


def told(text: str | None) -> Any:
    """A value that was kept. One that is nested too deeply stays a text."""
    value = None if text is None else json.loads(text)
    return text if deep(value, DEPTH) else value


def deep(value: Any, most: int) -> bool:
    """Whether a value is nested deeper than that."""
    level = [value]
    for _ in range(most + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
