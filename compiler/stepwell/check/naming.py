"""How a display name becomes an identifier (design.md, section 5), for reading code and for writing it."""

from __future__ import annotations

import re

EXPORT_PREFIX = "EXPORT_"

_OTHER = re.compile(r"[^A-Za-z0-9_]")


def identifier_of(name: str) -> str:
    """`name` without `EXPORT_`, every other character than a letter, a digit or `_` made `_`; "" when nothing is left.

    Unicode letters stay, a leading digit gets a `_`, runs of `_` are one.
    """
    kept = name.removeprefix(EXPORT_PREFIX)
    if kept.isascii():
        kept = _OTHER.sub("_", kept)
    else:
        kept = "".join(ch if ch == "_" or ("a" + ch).isidentifier() else "_" for ch in kept)
    while "__" in kept:
        kept = kept.replace("__", "_")
    if not kept.strip("_"):
        return ""
    return kept if kept.isidentifier() else "_" + kept


def export_name(name: str) -> str | None:
    """The key of a node's value in the result of a run, None when it is not exported."""
    return (
        name.removeprefix(EXPORT_PREFIX) if name.startswith(EXPORT_PREFIX) and len(name) > len(EXPORT_PREFIX) else None
    )
