"""How large a Worker is, and what of it comes from which package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.cli.words import count
from stepwell.compiler import Compiled

_SHOWN = 15
"""How many packages are listed; the manifest has all."""


def told(compiled: Compiled) -> dict[str, Any]:
    """For programs."""
    from stepwell.bundle.worker import compressed

    js = compiled.js or ""
    return {
        "size": {"bytes": len(js.encode("utf-8", "replace")), "compressed": compressed(js)},
        "packages": (compiled.manifest or {}).get("packages", []),
    }


def lines(compiled: Compiled) -> Iterator[str]:
    """For people: nothing of a Worker without packages."""
    report = told(compiled)
    if not report["packages"]:
        return
    size = report["size"]
    yield f"worker.js has {_kilobytes(size['bytes'])}, compressed {_kilobytes(size['compressed'])}; of packages:"
    shown, rest = report["packages"][:_SHOWN], report["packages"][_SHOWN:]
    for part in shown:
        yield f"{_kilobytes(part['bytes']):>12}  {part['name']} {part['version'] or ''}".rstrip()
    if rest:
        yield f"{_kilobytes(sum(part['bytes'] for part in rest)):>12}  {count(len(rest), 'smaller one')}"


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.1f} kB"
