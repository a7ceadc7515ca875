"""Texts of an artifact as Python: references, conditions, code, literals.

A text becomes `ref(…)` or a comparison only where that gives the same text again; otherwise it stays a text.
"""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.flow.values import Condition, Expr, code, dedented
from stepwell.graph.expressions import Reference, Scanner

DEPTH: Final = 20
"""Values that are nested deeper are written as JSON text: Python's parser does not take many more brackets."""
_CONDITION_LENGTH: Final = 2_000
_PARTS: Final = 40
_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_OPERATOR: Final = re.compile(r"===|!==|<=|>=|<|>")
_SPOKEN: Final[Mapping[str, str]] = {"===": "==", "!==": "!="}
_ROOTS: Final = frozenset({"event", "env", "trigger"})
_LITERALS: Final = frozenset({"true", "false", "null"})
_CODE_LINE: Final = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*")

Refer = Callable[[str], str]
"""How a node is named at a place: `charge`, or `"charge"` where it has no name."""


class _NotThat(Exception):
    pass


class Phrases:
    """What texts of one document become. `ids` are its nodes' ids, `words` the names of loops' variables."""

    def __init__(self, ids: frozenset[str], words: frozenset[str]) -> None:
        self._scanner = Scanner(ids)
        self._ids = ids
        self._words = words
        self.used: set[str] = set()
        """The names of `stepwell.flow` that were needed."""
        self.known_as: dict[str, str] = {}
        """How a file calls those names that it does not call by themselves."""

    def spelt(self, name: str) -> str:
        """A name of `stepwell.flow` as the file calls it."""
        self.used.add(name)
        return self.known_as.get(name, name)

    # -- references and conditions ---------------------------------------------------------------

    def reference(self, text: str) -> Expr | None:
        """The expression that a whole text is, if it gives the same text again."""
        if not (text.startswith("{{") and text.endswith("}}")):
            return None
        found, _ = self._scanner.scan(text)
        if len(found) != 1 or not isinstance(found[0], Reference) or found[0].end != len(text) or found[0].start:
            return None
        made = self._expr(found[0])
        return made if made is not None and str(made) == text else None

    def _expr(self, found: Reference, braced: bool | None = None) -> Expr | None:
        if not found.root:
            return None
        default: tuple[Any] | None = None
        if isinstance(found.default, Reference):
            inner = self._expr(found.default)
            default = None if inner is None else (inner,)
        elif found.default is not None:
            default = found.default
        named = found.root not in self._ids and (found.root in _ROOTS or found.root in self._words)
        return Expr(found.root, found.path, not named if braced is None else braced, default)

    def condition(self, text: str) -> Expr | Condition | None:
        """The condition that a text is, if it is one of the subset."""
        if not text or len(text) > _CONDITION_LENGTH:
            return None
        try:
            made = _Parser(self, text).whole()
        except (_NotThat, RecursionError):
            return None
        return made if isinstance(made, Expr | Condition) and code(made) == text else None

    # -- Python ----------------------------------------------------------------------------------

    def python(self, value: object, refer: Refer) -> str:
        """An expression, a condition, or a literal inside of one, as Python."""
        if isinstance(value, Expr):
            return self._expr_python(value, refer)
        if isinstance(value, Condition):
            return self._condition_python(value, refer)
        return literal(value)

    def _expr_python(self, value: Expr, refer: Refer) -> str:
        root = value._root
        if value._braced:
            text = f"{self.spelt('ref')}({refer(root)})"
        elif root in _ROOTS:
            text = self.spelt(root)
        else:
            text = f"{self.spelt('name')}({literal(root)})"
        text += "".join(map(_python_key, value._path))
        if value._default is None:
            return text
        return f"{self.spelt('or_')}({text}, {self.python(value._default[0], refer)})"

    def _condition_python(self, value: Condition, refer: Refer) -> str:
        parts = [self.python(part, refer) for part in value.parts]
        if value.operator in ("&&", "||", "!"):
            function = self.spelt({"&&": "all_of", "||": "any_of", "!": "not_"}[value.operator])
            return f"{function}({', '.join(parts)})"
        return f" {_SPOKEN.get(value.operator, value.operator)} ".join(parts)


class _Parser:
    """Reads a condition: comparisons of references and literals, joined by `&&`, `||`, `!` and parentheses."""

    def __init__(self, phrases: Phrases, text: str) -> None:
        self.phrases, self.text, self.at, self.parts = phrases, text, 0, 0
        found, escapes = phrases._scanner.scan(text)
        if escapes or not all(isinstance(one, Reference) for one in found):
            raise _NotThat
        self.references = {one.start: one for one in found if isinstance(one, Reference)}

    def whole(self) -> Any:
        value = self._joined("||")
        if self.at != len(self.text):
            raise _NotThat
        return value

    def _joined(self, operator: str) -> Any:
        parts = [self._joined("&&") if operator == "||" else self._one()]
        while self._take(operator):
            parts.append(self._joined("&&") if operator == "||" else self._one())
        return parts[0] if len(parts) == 1 else Condition(operator, tuple(parts))

    def _one(self) -> Any:
        self.parts += 1
        if self.parts > _PARTS:
            raise _NotThat
        if self._take("!"):
            inner = self._group() if self._take("(") else self._operand()
            if not isinstance(inner, Expr | Condition):
                raise _NotThat
            return Condition("!", (inner,))
        if self._take("("):
            return self._group()
        left = self._operand()
        self._blank()
        operator = _OPERATOR.match(self.text, self.at)
        if operator is None:
            return left
        self.at = operator.end()
        right = self._operand()
        if not (isinstance(left, Expr) or isinstance(right, Expr)):
            raise _NotThat
        return Condition(operator[0], (left, right))

    def _group(self) -> Any:
        value = self._joined("||")
        if not self._take(")"):
            raise _NotThat
        return value

    def _operand(self) -> Any:
        self._blank()
        found = self.references.get(self.at)
        if found is not None:
            self.at = found.end
            made = self.phrases._expr(found, None if found.default is not None else True)
            if made is None:
                raise _NotThat
            return made
        word = _WORD.match(self.text, self.at)
        if word is not None and word[0] not in _LITERALS:
            return self._bare(word)
        try:
            value, self.at = json.JSONDecoder().raw_decode(self.text, self.at)
        except ValueError:
            raise _NotThat from None
        if isinstance(value, dict | list):
            raise _NotThat
        return value

    def _bare(self, word: re.Match[str]) -> Expr:
        if word[0] not in _ROOTS and word[0] not in self.phrases._words:
            raise _NotThat
        self.at = word.end()
        path: list[str | int] = []
        while True:
            key = re.compile(r"\.([A-Za-z_$][\w$]*)|\[(0|[1-9][0-9]{0,14})\]", re.ASCII).match(self.text, self.at)
            if key is None:
                return Expr(word[0], tuple(path), braced=False)
            path.append(key[1] if key[1] is not None else int(key[2]))
            self.at = key.end()

    def _take(self, token: str) -> bool:
        self._blank()
        if not self.text.startswith(token, self.at) or (token == "!" and self.text.startswith("!=", self.at)):
            return False
        self.at += len(token)
        return True

    def _blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1


def _python_key(key: str | int) -> str:
    if isinstance(key, str) and _ATTRIBUTE.fullmatch(key) and not keyword.iskeyword(key):
        return f".{key}"
    return f"[{literal(key)}]"


# -- literals --------------------------------------------------------------------------------------


def literal(value: object, quote: str = '"') -> str:
    """A scalar as Python."""
    if isinstance(value, str):
        return _string(value, quote)
    return repr(value)


def _string(text: str, quote: str) -> str:
    if quote in text and (other := "'" if quote == '"' else '"') not in text and "\\" not in text:
        quote = other
    return quote + "".join(_character(ch, quote) for ch in text) + quote


def _character(ch: str, quote: str) -> str:
    if ch in (quote, "\\"):
        return "\\" + ch
    if ch in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[ch]
    if ch.isprintable() and unicodedata.category(ch) != "Cs":
        return ch
    number = ord(ch)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def code_literal(text: str, indent: str) -> str:
    """The arguments of `js` for a code: on lines of its own where it has several and that gives the same code."""
    flat = literal(text) if dedented(text) == text else f"{literal(text)}, dedent=False"
    if "\n" not in text or not all(_CODE_LINE.fullmatch(line) for line in text.split("\n")):
        return flat
    raw = "\\" in text
    prefix = "r" if raw else ""
    for body in (_indented(text, indent), text if not text.startswith("\n") else None):
        if body is None or '"""' in body or body.endswith('"') or (raw and body.endswith("\\")):
            continue
        if dedented(body) == text:
            return f'{prefix}"""{body}"""'
    return flat


def _indented(text: str, indent: str) -> str:
    inner = indent + "    "
    lines = [inner + line if line else "" for line in text.split("\n")]
    return "\n" + "\n".join(lines) + "\n" + indent


def depth_of(value: object) -> int:
    """How deep a JSON value is nested."""
    depth, level = 0, [value]
    while level:
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        depth += 1
    return depth
