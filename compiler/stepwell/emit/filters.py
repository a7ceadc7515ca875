"""What templates call: how things are named, quoted and laid out.

Filters that print expressions ask the module's `Printer`, which its templates know as `printer`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent

from jinja2 import pass_context

from stepwell.emit import layout
from stepwell.emit.arms import Container, bare_body, is_record, is_safe, is_trivial, single
from stepwell.emit.expressions import index_argument, print_name
from stepwell.emit.requests import is_retried
from stepwell.emit.shape import is_array
from stepwell.graph import durations
from stepwell.javascript import Js, identifier, join, property_key, quote
from stepwell.lower.program import (
    DEFAULT,
    Arm,
    Body,
    Code,
    Constant,
    Copy,
    Expr,
    If,
    Items,
    Name,
    Path,
    Piece,
    Request,
    Settings,
    Statement,
    StepName,
    Undefined,
    Work,
)

if TYPE_CHECKING:
    from jinja2.runtime import Context

    from stepwell.emit.printer import Printer


def _printer(context: Context) -> Printer:
    printer: Printer = context.parent["printer"]
    return printer


# -- expressions -----------------------------------------------------------------------------------


@pass_context
def _js(context: Context, expr: Expr | None) -> Js | None:
    return None if expr is None else _printer(context).expressions.value(expr)


@pass_context
def _test(context: Context, expr: Expr) -> Js:
    return _printer(context).expressions.test(expr)


@pass_context
def _negated(context: Context, expr: Expr) -> Js:
    return _printer(context).expressions.negated(expr)


@pass_context
def _result(context: Context, expr: Expr) -> Js:
    return _printer(context).expressions.result(expr)


@pass_context
def _code(context: Context, code: Code) -> Js:
    return _printer(context).expressions.statements(code)


@pass_context
def _piece(context: Context, piece: Piece) -> Js:
    return _printer(context).piece(piece)


@pass_context
def _array(context: Context, expr: Expr) -> Js:
    """An array of what an iterable holds."""
    js = _printer(context).expressions.value(expr)
    return js if _is_array(expr) else Js(("[...", js, "]"))


@pass_context
def _binding(context: Context, name: str | None) -> Js | None:
    """`env.NAME`."""
    return None if name is None else _printer(context).expressions.value(Path(Name("env"), (name,)))


def _copied(value: Expr) -> Expr:
    """A copy of a value, which may be one already."""
    return value if isinstance(value, Copy) else Copy(value)


# -- steps -------------------------------------------------------------------------------------------


@pass_context
def _callback(context: Context, work: Work, settings: Settings | None = None) -> Js:
    """What a step calls."""
    made: Js = _printer(context).macros(type(work)).callback(work, settings)
    return made


@pass_context
def _promise(context: Context, work: Work, settings: Settings | None = None, step: StepName | None = None) -> Js:
    """What a step's work comes to without a step."""
    made: Js = _printer(context).macros(type(work)).promise(work, settings, step)
    return made


@pass_context
def _durable(context: Context, settings: Settings | None) -> Js:
    """The settings of a workflow's step: the shared constant says what most of them say."""
    printer = _printer(context)
    if settings is DEFAULT or settings is None or settings == DEFAULT:
        return printer.names.DEFAULTS
    made: Js = printer.module("settings").durable(settings)
    return made


@pass_context
def _lead(context: Context, statement: Statement) -> Js:
    """What stands on a call's line before it."""
    return _printer(context).lead(statement)


def _target(statement: Statement) -> Js:
    """Where a statement's value goes."""
    return layout.target(getattr(statement, "bind", None))


@pass_context
def _view(context: Context, statement: Statement | None) -> Js | None:
    """The function that makes a view of what a statement stores, if one is bound."""
    return None if statement is None else _printer(context).view(statement)


def _single(arm: Arm, container: Container) -> Statement | None:
    return single(container, arm)


@pass_context
def _is_safe(context: Context, only: Statement) -> bool:
    return is_safe(only, _printer(context).script)


@pass_context
def _bare_body(context: Context, only: Statement | None, container: Container) -> Body | None:
    return bare_body(only, container, _printer(context).script)


@pass_context
def _block(context: Context, body: Body) -> Js:
    """A body in braces."""
    made: Js = _printer(context).macros(Body).block(body)
    return made


def _milliseconds(duration: str | int | float) -> Js | None:
    """A duration as a number; None when it is blank. Raises `ValueError` for what `check` refuses."""
    if duration == "":
        return None
    read = durations.parse(duration)
    if read is None:
        raise ValueError(f"not a duration: {duration!r}")
    return quote(read.milliseconds)


# -- the rest ------------------------------------------------------------------------------------------


def _pathname(path: str) -> Js:
    """A path as `URL` gives it: from `/`, percent-encoded."""
    whole = path.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return quote(percent("/" + whole.removeprefix("/"), safe="/:@!$&'()*+,;=-._~%[]|\\^"))


def _known(parts: Sequence[str | None]) -> Sequence[str | None]:
    """The parts up to the last one that has a name."""
    last = max((number for number, part in enumerate(parts, 1) if part), default=0)
    return parts[:last]


def obj(used: Js = layout.EMPTY, /, **entries: Js | None) -> Js | None:
    """An object literal of the given entries, on whose line `used` comes first; None when none is given."""
    given = [_entry(key, value) for key, value in entries.items() if value is not None]
    return layout.record(given, used) if given else None


def _entry(key: str, value: Js) -> Js:
    """`key: value`, or `key` alone where the value is a variable of that name."""
    alone = layout.fits(value, len(key)) and str(value) == key
    return value if alone else join(": ", (property_key(key), value))


def _is_array(expr: Expr) -> bool:
    if isinstance(expr, Code):
        return is_array(expr)
    return isinstance(expr, Items) or (isinstance(expr, Constant) and isinstance(expr.value, list))


def _is_empty_array(expr: Expr | None) -> bool:
    return (isinstance(expr, Items) and not expr.items) or (isinstance(expr, Constant) and expr.value == [])


def _is_flag(expr: Expr | None) -> bool:
    """Whether a variable begins as true or false, so that its type is known."""
    return isinstance(expr, Constant) and isinstance(expr.value, bool)


def _is_only_else(branch: If) -> bool:
    """Whether a branch does something only where its one condition is false."""
    return len(branch.arms) == 2 and not branch.arms[0][1] and branch.arms[1][0] is None


def _is_bare(body: Body) -> bool:
    """Whether a body is the user's text and nothing else; most are."""
    return not (body.copies or body.output or body.gives) and body.context == "none"


def _is_request(work: Work) -> bool:
    return isinstance(work, Request)


def _is_undefined(expr: Expr) -> bool:
    return isinstance(expr, Undefined)


_Calls = MappingProxyType[str, Callable[..., Any]]

FILTERS: Final[_Calls] = MappingProxyType({
    "arguments": layout.arguments,
    "array": _array,
    "bare_body": _bare_body,
    "binding": _binding,
    "block": _block,
    "braces": layout.braces,
    "callback": _callback,
    "code": _code,
    "copied": _copied,
    "durable": _durable,
    "identifier": identifier,
    "indent": layout.indent,
    "indices": index_argument,
    "js": _js,
    "known": _known,
    "lead": _lead,
    "lines": layout.lines,
    "milliseconds": _milliseconds,
    "name": print_name,
    "negated": _negated,
    "pathname": _pathname,
    "piece": _piece,
    "promise": _promise,
    "property_key": property_key,
    "quote": quote,
    "result": _result,
    "single": _single,
    "target": _target,
    "test": _test,
    "view": _view,
})  # fmt: skip

TESTS: Final[_Calls] = MappingProxyType({
    "bare": _is_bare,
    "empty_array": _is_empty_array,
    "flag": _is_flag,
    "only_else": _is_only_else,
    "record": is_record,
    "request": _is_request,
    "retried": is_retried,
    "safe": _is_safe,
    "trivial": is_trivial,
    "undefined_value": _is_undefined,
})  # fmt: skip
