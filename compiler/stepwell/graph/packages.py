"""Names and version ranges of npm packages, as `dependencies` of documents and of node definitions give them."""

from __future__ import annotations

import re

_NAME = re.compile(r"(@[a-z0-9-~][a-z0-9-._~]*/)?[a-z0-9-~][a-z0-9-._~]*")
_NAME_LENGTH = 214
_RANGE_LENGTH = 100
_VERSION = r"v?(?:[0-9]{1,15}|[xX*])(?:\.(?:[0-9]{1,15}|[xX*])){0,2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_COMPARATOR = re.compile(rf"(?:[~^]|[<>]=?|=)?{_VERSION}")
_TAG = re.compile(r"[a-z][a-z0-9._-]*")


def is_package(name: str) -> bool:
    """Whether it is a package's name: lower case, with an optional `@scope/` before it."""
    return len(name) <= _NAME_LENGTH and _NAME.fullmatch(name) is not None


def is_range(text: str) -> bool:
    """Whether it is a range of versions (`^1.2`, `>=1 <3 || 5.x`) or a tag (`latest`)."""
    return len(text) <= _RANGE_LENGTH and (
        _TAG.fullmatch(text.strip()) is not None or all(map(_is_comparators, text.split("||")))
    )


def _is_comparators(text: str) -> bool:
    """One alternative of a range: `^1.2`, `>=1 <3`, `1.0 - 2.0`."""
    parts = re.sub(r"([~^<>=])\s+", r"\1", text).split()
    if len(parts) == 3 and parts[1] == "-":
        parts = [parts[0], parts[2]]
    return bool(parts) and all(_COMPARATOR.fullmatch(part) for part in parts)
