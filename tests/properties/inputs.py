"""Texts of each kind that users write, and a compile of each: it is answered, and soon."""

from __future__ import annotations

import faulthandler
import json
import time
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from stepwell import compile_artifact
from tests.properties.documents import graph, mutated, node
from tests.properties.findings import assert_sound
from tests.properties.hostile import anything, values

SECONDS: Final = 1.0
"""How long a compile of one such text may keep the processor busy."""
_HANGS: Final = 60.0

Document = Any
INTO: Final[dict[str, Callable[[str], Document]]] = {
    "json": lambda text: text,
    "snippet": lambda text: graph(node("a"), node("b", code=text)),
    "inline": lambda text: graph(node("a"), node("b", code=text, inline=True)),
    "trigger": lambda text: {"ir": graph(node("a")), "triggerCode": text},
    "text": lambda text: graph(node("a"), node("b", "http_request", method="POST", url="https://x.test/", body=text)),
    "condition": lambda text: graph(node("a"), node("b", "break", condition=text), node("c")),
    "duration": lambda text: graph(node("a"), node("b", "sleep", duration=text)),
    "timestamp": lambda text: graph(node("a"), node("b", "sleep_until", timestamp=text)),
    "cron": lambda text: {**graph(node("a")), "trigger": {"type": "cron", "expression": text}},
}
"""A kind of text → the document in which it stands."""

_CODE: Final = (
    *("a", "b", "x", "{{a}}", "{{a.b ?? 1}}", "{{", "}}", "event", "env", ".payload", "?.", "=>", "(", ")", "{", "}"),
    *("[", "]", "return ", "await ", "async ", "function ", "class A ", "if ", "for ", "of ", "import x from 'y';"),
    *("`", "${", '"', "'", "/", "//", "/*", "*/", "\\", ";", ",", ":", "?", "??", "=", "+", "-", "<", ">", "!", "@"),
    *("\n", " ", "1", "0x", "1e9", "1n", "null", "new ", "throw ", "try ", "catch ", "yield ", "#x", "\u2028", "é"),
    *(
        "@fetch ",
        "@queue ",
        "@scheduled ",
        "@config {max_batch_size: 10}",
        "function f(request, env, ctx) {",
        "_output",
    ),
)
_DURATION: Final = (
    "0",
    "1",
    "15",
    "366",
    "99999999999999999999",
    " ",
    "second",
    "minutes",
    "day",
    "years",
    "s",
    ".5",
    "-1",
    "{{a}}",
)
_TIME: Final = ("2027", "-", "01", "31", "T", ":", "00", "Z", "+", "99", " ", ".", "1767225600000", "{{a}}")
_CRON: Final = (
    "*",
    "/",
    "-",
    ",",
    "0",
    "1",
    "7",
    "59",
    "60",
    "L",
    "W",
    "#",
    "SUN",
    "jan",
    " ",
    " ",
    "?",
    "999999999999",
)


def _pieces(pieces: tuple[str, ...], most: int = 24) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces) | anything, max_size=most).map("".join)


TEXTS: Final[dict[str, st.SearchStrategy[str]]] = {
    "json": mutated().map(json.dumps) | values.map(json.dumps) | anything,
    "snippet": _pieces(_CODE),
    "inline": _pieces(_CODE),
    "trigger": _pieces(_CODE),
    "text": _pieces(_CODE),
    "condition": _pieces(_CODE),
    "duration": _pieces(_DURATION, 6),
    "timestamp": _pieces(_TIME, 12),
    "cron": _pieces(_CRON, 16) | st.lists(_pieces(_CRON, 3), min_size=5, max_size=5).map(" ".join),
}
"""A kind of text → how it is drawn."""


def assert_answered(kind: str, text: str) -> None:
    """A compile gives code or says why not, and each finding holds what findings promise."""
    document = INTO[kind](text)
    made = compile_artifact(document)
    assert made.ok or any(found.severity.value == "error" for found in made.diagnostics)
    if kind != "json":
        assert_sound(made.diagnostics, document)


def assert_answered_soon(kind: str, text: str) -> None:
    """The same, in less than a second of the processor; one that never ends is ended, with a traceback."""
    faulthandler.dump_traceback_later(_HANGS, exit=True)
    began = time.process_time()
    try:
        assert_answered(kind, text)
    finally:
        faulthandler.cancel_dump_traceback_later()
    took = time.process_time() - began
    assert took < SECONDS, f"{took:.1f} seconds"
