"""Strings, values and names that try to break things; shared by the property tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

Json = Any
_Test = TypeVar("_Test", bound=Callable[..., None])


def bounded(examples: int) -> Callable[[_Test], _Test]:
    """So many examples, however slow the machine is.

    `PROPERTY_FACTOR=20` looks for 20 times as long, `PROPERTY_QUICK=1` does not shrink.
    """
    factor = float(os.environ.get("PROPERTY_FACTOR", "1"))
    phases = [phase for phase in Phase if phase is not Phase.shrink or "PROPERTY_QUICK" not in os.environ]
    return settings(
        max_examples=max(1, round(examples * factor)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=phases,
    )


BREAKERS = (
    '"',
    "'",
    "`",
    "\\",
    "\\\\",
    '\\"',
    "\\`",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\x01",
    "\x1b",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ud800",
    "\udc00",
    "\udfff\ud800",
    "😀",
    "𝒳",
    "\u200e",
    "\u200f",
    "\u202e",
    "\u2066",
    "\u00ad",
    "é",
    "ß",
    "名前",
    "ı",
    "$",
    "${",
    "}",
    "{",
    "${}",
    "#{",
    "*/",
    "/*",
    "//",
    "-->",
    "<!--",
    "</script>",
    "<%",
    "{%",
    "{#",
    "#}",
    "%s",
    "«",
    "»",
    "« : any»",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "then",
    "length",
    "name",
    "caller",
    "\\u0022",
    "\\x22",
    "\\n",
    "\\0",
    "&quot;",
    "%00",
    "%0A",
    "[0]",
    " [3][0]",
    ": winner",
    ": value",
    ": status [1]",
    " (a)",
    "EXPORT_",
)
"""Text that means something to JavaScript, to a template, to a shell of quotes around it, or to our own naming."""

WORDS = (
    "request",
    "race",
    "DEFAULTS",
    "messageOf",
    "durationOf",
    "valuesOf",
    "concurrently",
    "step",
    "event",
    "env",
    "ctx",
    "err",
    "this",
    "arguments",
    "eval",
    "await",
    "async",
    "class",
    "default",
    "function",
    "let",
    "yield",
    "undefined",
    "NaN",
    "Object",
    "Promise",
    "Response",
    "Map",
    "Array",
    "JSON",
    "console",
    "fetch",
    "structuredClone",
    "WorkflowEntrypoint",
    "NonRetryableError",
    "Env",
    "runGraph",
    "_output",
    "_loop_i",
    "value",
    "output",
    "parsed",
    "outgoing",
    "unused",
    "trigger",
    "turn",
    "globalThis",
    "url",
    "body",
    "response",
    "instance",
    "id",
    "__proto__",
    "constructor",
    "super",
    "new",
    "null",
    "true",
    "of",
    "as",
    "type",
    "static",
    "enum",
)
"""Reserved words, globals, names of the scaffold and of our helpers."""

EXPRESSIONS = (
    "{{",
    "}}",
    "\\{{",
    "\\${",
    "{{}}",
    "{{ }}",
    "{{id}}",
    "{{event}}",
    "{{event.payload}}",
    "{{{event}}}",
    "${{{event}}}",
    "${1}",
    "${`",
    "{{event ??",
    '{{event["',
    "{{trigger}}",
    "{{env.A}}",
    "{{a.b}}",
)
"""What may be read as an expression of ours: in fields with expressions these mean something else."""


def joined(text: str) -> str:
    """`text` as JavaScript counts it: two halves of a surrogate pair side by side are one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


characters = st.characters() | st.characters(categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Mn"))
strings = (
    st.lists(st.sampled_from(BREAKERS + WORDS) | st.text(characters, max_size=6), max_size=6).map("".join).map(joined)
)
"""Any string, mostly nasty ones. No `{{` and no `${` on purpose: see `plain`."""

anything = (
    st.lists(st.sampled_from(BREAKERS + WORDS + EXPRESSIONS) | st.text(characters, max_size=6), max_size=6)
    .map("".join)
    .map(joined)
)
"""Any string, with what looks like expressions in it."""


def plain(text: str) -> bool:
    """Whether a text field carries `text` as it stands: nothing in it is an expression."""
    return "{{" not in text and "${" not in text


literal = strings.filter(plain)

numbers = (
    st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from(
        [0, -1, 1, -0.0, 2**31, 2**53, 2**53 + 1, -(2**63), 2**64, 10**25, 10**400, 1e308, 5e-324, 0.1, 1.5]
    )
)
scalars = st.none() | st.booleans() | numbers | anything
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4), max_leaves=12
)


def nested(depth: int, hull: str = "[]") -> Json:
    """A value nested so deep."""
    value: Json = 1
    for level in range(depth):
        value = [value] if hull == "[]" or (hull == "{}[]" and level % 2) else {"a": value}
    return value


deep = st.builds(nested, st.sampled_from([50, 198, 199, 200, 201, 300]), st.sampled_from(["[]", "{}", "{}[]"]))
