"""Semantic versions (2.0): what is one, and which comes first."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = r"(?:0|[1-9][0-9]{0,14})"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def is_version(text: str) -> bool:
    """Whether it is three numbers without leading zeros, perhaps with a pre-release and build data."""
    return _VERSION.fullmatch(text) is not None


def precedence(version: str) -> tuple[Any, ...]:
    """What versions are ordered by (section 11); what is no version comes first."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return ()
    identifiers = found[4].split(".") if found[4] else []
    before = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in identifiers)
    return (*map(int, found.groups()[:3]), not identifiers, before)
