"""Expressions, conditions and code as values of the builder, and the text of the artifact that they become.

`ref(node).a.b[0]` is a reference. Compared with something it is a condition. Neither is ever computed here: both
are written into the artifact. This module is part of the importable builder: it imports the standard library alone.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

_NAME: Final = re.compile(r"[^\W\d][\w$]*|[$][\w$]*")
_CLOSING: Final = re.compile(r"(?:\n|\A)[ \t]*\Z")
_MARGIN: Final = re.compile(r"[ \t]*")

FILE_BYTES: Final = 4_000_000


class FlowError(ValueError):
    """The builder is used in a way that makes no graph; the message says what to do instead."""


class Js(str):
    """JavaScript or TypeScript, as text."""

    __slots__ = ()


class Expr:
    """A reference to a value of the run: `{{root.path}}`.

    Attributes and items lead further in. A key that Python cannot write as an attribute, or that begins with `_`, is
    written as an item: `ref(fetch).headers["content-type"]`.
    """

    __slots__ = ("_braced", "_default", "_path", "_root")

    def __init__(
        self, root: str, path: tuple[str | int, ...] = (), braced: bool = True, default: tuple[Any] | None = None
    ) -> None:
        self._root = root
        self._path = path
        self._braced = braced
        self._default = default

    def __getattr__(self, name: str) -> Expr:
        if name.startswith("_"):
            raise AttributeError(f'write ["{name}"]: an attribute of an expression does not begin with `_`')
        return self[name]

    def __getitem__(self, key: str | int) -> Expr:
        if not isinstance(key, str | int) or isinstance(key, bool) or (isinstance(key, int) and key < 0):
            raise FlowError("a key of an expression is text, or a number from 0")
        if self._default is not None:
            raise FlowError("what has a default leads no further: give the default to the whole path")
        return Expr(self._root, (*self._path, key), self._braced)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Condition("===", (self, other))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Condition("!==", (self, other))

    def __lt__(self, other: object) -> Condition:
        return Condition("<", (self, other))

    def __le__(self, other: object) -> Condition:
        return Condition("<=", (self, other))

    def __gt__(self, other: object) -> Condition:
        return Condition(">", (self, other))

    def __ge__(self, other: object) -> Condition:
        return Condition(">=", (self, other))

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> NoReturn:
        raise FlowError("the value is known when the workflow runs, not here: use all_of(…), any_of(…), not_(…)")

    def __iter__(self) -> Iterator[NoReturn]:
        raise FlowError("the value is known when the workflow runs, not here: use flow.for_each(…)")

    def __contains__(self, item: object) -> NoReturn:
        raise FlowError('the value is known when the workflow runs, not here: use js("….includes(…)")')

    def __str__(self) -> str:
        return "{{" + _inner(self) + "}}"

    def __repr__(self) -> str:
        return str(self)

    def __format__(self, spec: str) -> str:
        if spec:
            raise FlowError("an expression in an f-string has no format")
        return str(self)


class Condition:
    """A comparison, or several that are joined: code that the run computes."""

    __slots__ = ("operator", "parts")

    def __init__(self, operator: str, parts: tuple[Any, ...]) -> None:
        self.operator = operator
        self.parts = parts

    def __bool__(self) -> NoReturn:
        raise FlowError(
            "the condition is decided when the workflow runs, not here: use all_of(…), any_of(…), not_(…) "
            "in place of `and`, `or`, `not` and of chained comparisons"
        )

    def __str__(self) -> str:
        return code(self)

    def __repr__(self) -> str:
        return f"<condition {self}>"


Json: TypeAlias = "str | int | float | bool | Mapping[str, Any] | list[Any] | tuple[Any, ...] | None"
Value: TypeAlias = "Json | Expr"
"""What a field may hold: a JSON value, with expressions anywhere in it."""
Truth: TypeAlias = "Expr | Condition | Js | bool"
"""What a condition may be."""

event: Final = Expr("event", braced=False)
"""What started the run: `event.payload`."""
env: Final = Expr("env", braced=False)
"""The Worker's variables, secrets and bindings: `env.API_KEY`."""
trigger: Final = Expr("trigger", braced=False)
"""The same as `event.payload`."""


def name(word: str) -> Expr:
    """A name that is in scope where the expression stands: a loop's item or index, `err` in a catch arm."""
    if not isinstance(word, str) or not _NAME.fullmatch(word):
        raise FlowError("a name is one identifier")
    return Expr(word, braced=False)


def or_(value: Expr, default: Value) -> Expr:
    """`value`, or `default` where it is missing: `{{value ?? default}}`."""
    if not isinstance(value, Expr):
        raise FlowError("or_ takes an expression and its default")
    if value._default is not None:
        raise FlowError("an expression has one default: or_(a, or_(b, c))")
    return Expr(value._root, value._path, value._braced, (default,))


def all_of(*conditions: Truth) -> Condition:
    """Whether all hold."""
    return _joined("&&", conditions)


def any_of(*conditions: Truth) -> Condition:
    """Whether one holds."""
    return _joined("||", conditions)


def not_(condition: Truth) -> Condition:
    """Whether it does not hold."""
    return Condition("!", (condition,))


def js(text: str | None = None, *, file: str | None = None, base: str | None = None, dedent: bool = True) -> Js:
    """JavaScript or TypeScript, from a text or from a file beside the flow's file.

    Of a text that begins with a line break, that break, the indentation that all its lines have in common and a last
    line without words are left out. A file is taken as it is; its path begins at the folder of the calling module, or
    at `base`.
    """
    if (text is None) == (file is None):
        raise FlowError("js takes a text, or file=…")
    if text is not None:
        return Js(dedented(text) if dedent else text)
    return Js(file_text(Path(base) if base is not None else _folder_of_the_caller(), str(file)))


def file_text(folder: Path, file: str) -> str:
    """The text of a file of code below a folder. Raises `FlowError` for one outside of it, OSError, UnicodeError."""
    path = folder / file
    if Path(file).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise FlowError(f"{file} lies outside of the folder of the flow's file")
    if path.stat().st_size > FILE_BYTES:
        raise FlowError(f"{file} is larger than 4 MB")
    return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")


def from_json(text: str) -> Any:
    """The value of a JSON text, for what is nested too deeply to be written down in Python."""
    return json.loads(text)


def dedented(text: str) -> str:
    """The text that `js` makes of what stands between the quotes."""
    if not text.startswith("\n"):
        return text
    lines = _CLOSING.sub("", text[1:]).split("\n")
    margin = margin_of(text)
    return "\n".join(line[margin:] for line in lines)


def margin_of(text: str) -> int:
    """How many characters `dedented` takes off each line."""
    if not text.startswith("\n"):
        return 0
    lines = [line for line in _CLOSING.sub("", text[1:]).split("\n") if line.strip(" \t")]
    margins = [found[0] for line in lines if (found := _MARGIN.match(line))]
    common = min(margins, key=len, default="")
    while not all(margin.startswith(common) for margin in margins):
        common = common[:-1]
    return len(common)


def plain(value: object) -> Any:
    """The JSON value of what was given for a field."""
    if isinstance(value, Expr):
        return str(value)
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Condition):
        raise FlowError('a comparison is no value: it stands where a condition is wanted; elsewhere write js("…")')
    raise FlowError(f"a {type(value).__name__} is no JSON value; of a node write ref(node)")


def code(value: object) -> str:
    """The code of a condition, or of a part of one."""
    if isinstance(value, Condition):
        return _condition(value)
    if isinstance(value, Expr):
        return _bare(value) if not value._braced and value._default is None else str(value)
    if isinstance(value, Js):
        return str(value)
    return _literal(value)


def condition(value: object) -> str:
    """The text of a condition that was given for a field."""
    if isinstance(value, Expr | Condition | Js | bool):
        return code(value)
    raise FlowError('a condition is a comparison of an expression, an expression, or js("…")')


def _joined(operator: str, conditions: tuple[Truth, ...]) -> Condition:
    if len(conditions) < 2:
        raise FlowError("all_of and any_of take two conditions or more")
    return Condition(operator, conditions)


def _condition(value: Condition) -> str:
    operator = value.operator
    if operator == "!":
        [part] = value.parts
        return f"!{code(part)}" if isinstance(part, Expr) else f"!({condition(part)})"
    if operator in ("&&", "||"):
        return f" {operator} ".join(_part(part, operator) for part in value.parts)
    return f" {operator} ".join(_operand(part) for part in value.parts)


def _part(value: object, operator: str) -> str:
    text = condition(value)
    needs = isinstance(value, Js) or (isinstance(value, Condition) and value.operator in ("&&", "||"))
    return f"({text})" if needs and not (isinstance(value, Condition) and operator == "||") else text


def _operand(value: object) -> str:
    return f"({code(value)})" if isinstance(value, Js | Condition) else code(value)


def _inner(value: Expr) -> str:
    """What stands between the braces."""
    text = value._root + "".join(map(_step, value._path))
    if value._default is None:
        return text
    [default] = value._default
    return f"{text} ?? {_inner(default) if isinstance(default, Expr) else _literal(default)}"


def _literal(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def _bare(value: Expr) -> str:
    return value._root + "".join(map(_step, value._path))


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _NAME.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]"


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise FlowError("a key of an object is text")
    return key


def _folder_of_the_caller() -> Path:
    frame = sys._getframe(2)
    file = frame.f_globals.get("__file__")
    return Path(file).parent if isinstance(file, str) else Path()
