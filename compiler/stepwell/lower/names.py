"""Identifiers of a module, allocated once: nothing collides, nothing is captured (design.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stepwell.javascript.names import GLOBALS, RESERVED

SCAFFOLD = frozenset({
    "event", "step", "env", "ctx", "err", "_output", "runGraph",
    "WorkflowEntrypoint", "WorkflowEvent", "WorkflowStep", "NonRetryableError", "Env",
})  # fmt: skip
"""Names that the printed module uses itself."""

HELPERS = (
    "DEFAULTS", "unused", "sleepUntil", "remainingUntil", "durationOf", "runChild", "startChild", "race",
    "concurrently", "valuesOf", "retry", "within", "request", "outgoing", "parsed", "withKey", "keyOf", "withBody",
    "withPayload", "fieldsOf", "responseOf", "eventOf", "authorized", "messageOf",
)  # fmt: skip
"""Names of the module's own constants and functions, which keep them: a node of such a name goes by another one.
Each stands before those that it calls."""

_IMPORTED = frozenset({"WorkflowEntrypoint", "WorkflowEvent", "WorkflowStep", "NonRetryableError"})


def is_like_helper(name: str) -> bool:
    """Whether a name is one that the scaffold of a module takes, or could take, with a number behind it."""
    plain = name.rstrip("0123456789")
    return plain in HELPERS or plain in _IMPORTED


USED_GLOBALS = frozenset({"Array", "Promise", "crypto", "structuredClone"})
"""Globals that printed blocks use: a loop's variable of such a name goes by another one."""


_OURS: Final = frozenset(RESERVED | GLOBALS | SCAFFOLD | set(HELPERS))
"""What is never handed out."""


class NameTable:
    """Hands out identifiers that are not taken. `avoid` are names that users' code uses or declares."""

    def __init__(self, avoid: Iterable[str] = ()) -> None:
        self._taken = {*_OURS, *avoid}
        self.tried: set[str] = set()
        """Names that somebody wanted: whether any other name is taken has made no difference."""

    def take(self, wanted: str, fallback: str = "node") -> str:
        """`wanted` if it is free, else with `_2`, `_3` … behind it; `fallback` when nothing is wanted."""
        base = wanted or fallback
        name, number = base, 2
        self.tried.add(name)
        while name in self._taken:
            name = f"{base}_{number}" if not base.endswith("_") else f"{base}{number}"
            self.tried.add(name)
            number += 1
        self._taken.add(name)
        return name

    def reserve(self, *names: str) -> None:
        """Names that nothing else may take from now on (several scopes may share them)."""
        self._taken.update(names)

    @property
    def taken(self) -> frozenset[str]:
        return frozenset(self._taken)

    @property
    def given(self) -> frozenset[str]:
        """What helpers of the module must not be called: names of helpers are theirs."""
        return self.taken - set(HELPERS)


class Taken(Exception):
    """A name was asked for when all had been handed out."""


class Full(NameTable):
    """Hands out nothing more."""

    def take(self, wanted: str, fallback: str = "node") -> str:
        """Raises `Taken`."""
        raise Taken(wanted)


def class_name(name: str) -> str:
    """A class for `metadata.name`: each part capitalised; "Workflow" when nothing is left."""
    parts = "".join(ch if ("a" + ch).isidentifier() and ch != "_" else " " for ch in name).split()
    joined = "".join(part[0].upper() + part[1:] for part in parts)
    if not joined:
        return "Workflow"
    if not joined.isidentifier():
        joined = "Workflow" + joined
    return joined + "Workflow" if joined in GLOBALS or joined in SCAFFOLD or joined in RESERVED else joined


def _hyphened(name: str, keep: str) -> str:
    text = "".join(ch if ch.isascii() and (ch.isalnum() or ch in keep) else "-" for ch in name)
    while "--" in text:
        text = text.replace("--", "-")
    return text.strip("-")


def workflow_name(name: str) -> str:
    """Cloudflare's name of a workflow: 1 to 64 of `[A-Za-z0-9_-]`, beginning with neither `-`."""
    return _hyphened(name, "_")[:64].rstrip("-") or "workflow"


def worker_name(name: str) -> str:
    """A Worker's name: 1 to 63 of `[a-z0-9-]`."""
    return _hyphened(name.lower(), "")[:63].rstrip("-") or "worker"


def words(name: str) -> list[str]:
    """The words of a camel-case, hyphened or spaced name."""
    out: list[str] = []
    current = ""
    for before, ch, after in zip("\0" + name[:-1], name, name[1:] + "\0", strict=True):
        if not (ch.isascii() and ch.isalnum()):
            out, current = ([*out, current] if current else out), ""
            continue
        if (
            current
            and ch.isupper()
            and (before.islower() or before.isdigit() or (before.isupper() and after.islower()))
        ):
            out, current = [*out, current], ""
        current += ch
    return [*out, current] if current else out


def upper_snake(name: str) -> str:
    """`OrderFulfillment` and `order-fulfillment` as ORDER_FULFILLMENT."""
    joined = "_".join(word.upper() for word in words(name))
    return joined if joined and not joined[0].isdigit() else "_" + joined if joined else "BINDING"


def kebab(name: str) -> str:
    """`OrderFulfillment` as Order-Fulfillment: the workflow's name that goes with a class.

    A Worker's own workflow and those that call it both take it from the class, for that is all a caller knows.
    """
    return workflow_name("-".join(words(name)))
