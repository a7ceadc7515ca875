"""The functions that templates call: how things are named, quoted and laid out. None knows a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote as percent

from stepwell.emit import layout
from stepwell.emit.arms import is_record, is_trivial
from stepwell.emit.expressions import indices, print_name
from stepwell.graph import durations
from stepwell.javascript import Js, identifier, join, property_key, quote
from stepwell.lower.program import Bind, Constant, Copy, Do, Expr, Items, Request, Settings, StepName, Work

NOTHING: Final = Js(("undefined",))


def copied(value: Expr) -> Expr:
    """A copy of a value, which may be one already."""
    return value if isinstance(value, Copy) else Copy(value)


def target(bind: Bind | str | None) -> Js:
    """What stands before a value that is bound: `const a = `, `a = `, or nothing."""
    if bind is None:
        return layout.EMPTY
    if isinstance(bind, str):
        return Js(("const ", identifier(bind), " = "))
    return Js(("const " if bind.new else "", identifier(bind.name), " = "))


def obj(**entries: Js | None) -> Js | None:
    """An object literal of those entries that are given; None when none is."""
    given = [join(": ", (property_key(key), value)) for key, value in entries.items() if value is not None]
    return layout.record(given) if given else None


def index_argument(name: StepName) -> list[Js]:
    """The indices of a step's name, as a further argument: `` ` [${i}]` ``."""
    if not name.indices:
        return []
    return [Js(("` ", *indices(name), "`"))]


def milliseconds(duration: str | int | float) -> Js | None:
    """A duration as a number; None when it is blank. Raises `ValueError` for what `check` refuses."""
    if duration == "":
        return None
    read = durations.parse(duration)
    if read is None:
        raise ValueError(f"not a duration: {duration!r}")
    return quote(read.milliseconds)


def pathname(path: str) -> Js:
    """A path as `URL` gives it: from `/`, percent-encoded."""
    return quote(percent("/" + path.removeprefix("/"), safe="/:@!$&'()*+,;=-._~%[]|\\^"))


def is_default(settings: Settings | None) -> bool:
    """Whether the shared constant says it."""
    return settings is None or settings == Settings()


def is_flag(expr: Expr | None) -> bool:
    """Whether a variable begins as true or false, so that its type is known."""
    return isinstance(expr, Constant) and isinstance(expr.value, bool)


def is_empty(expr: Expr) -> bool:
    """Whether an array is empty, so that the type of what it will hold is not known."""
    return (isinstance(expr, Items) and not expr.items) or (isinstance(expr, Constant) and expr.value == [])


def is_request(work: Work) -> bool:
    """Whether a step's work is a request."""
    return isinstance(work, Request)


def retried(step: Do) -> bool:
    """Whether a script needs its own `retry` for a step: a request has its own timeout."""
    return step.settings is not None and (not is_request(step.work) or step.settings.limit > 0)


def known(parts: Sequence[str | None]) -> Sequence[str | None]:
    """The parts up to the last one that has a name."""
    last = max((number for number, part in enumerate(parts, 1) if part), default=0)
    return parts[:last]


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "arguments": layout.arguments,
    "braces": layout.braces,
    "copied": copied,
    "identifier": identifier,
    "indices": index_argument,
    "is_default": is_default,
    "is_empty": is_empty,
    "is_flag": is_flag,
    "is_record": is_record,
    "is_request": is_request,
    "known": known,
    "lines": layout.lines,
    "milliseconds": milliseconds,
    "name": print_name,
    "object": obj,
    "pathname": pathname,
    "property_key": property_key,
    "quote": quote,
    "retried": retried,
    "target": target,
    "trivial": is_trivial,
}
