"""What is known of a snippet: plain values, made by `stepwell.javascript.code.parse`."""

from __future__ import annotations

from enum import Enum
from typing import Literal, NamedTuple

from stepwell.javascript.shapes import ANY, Shape

Scalar = str | int | float | bool | None
Reason = Literal["clock", "random", "network", "env", "call", "await"]
Path = tuple[str | int, ...]


class Kind(Enum):
    """What a text is to be: the statements of a function's body, exactly one expression, or a module."""

    BODY = "body"
    EXPRESSION = "expression"
    MODULE = "module"

    # Every look-up of a text's facts asks for it, and that of Enum is written in Python.
    __hash__ = object.__hash__


class Form(Enum):
    """How tightly an expression holds together, the loosest first."""

    SEQUENCE = "a, b"
    """No single expression, and what does not parse."""
    OPERATION = "a ? b : c"
    """Also `() => a`, `a + b`, `new A`, and all that is not known better."""
    NUMBER = "5"
    CHAIN = "a?.b"
    """What follows is skipped with it."""
    MEMBER = "a.b(c)"
    """Also a name, a text, what stands in brackets."""
    ARRAY = "[a]"
    OBJECT = "({ a })"


class Fault(NamedTuple):
    """Something that is not JavaScript. `start` counts characters from 0, `line` and `column` from 1.

    `code` tells faults apart that a caller treats differently: `syntax`, or the rule that was broken.
    """

    message: str
    start: int
    line: int
    column: int
    code: str = "syntax"


class FreeName(NamedTuple):
    """One occurrence of a name that the snippet does not declare."""

    name: str
    start: int
    end: int
    shorthand: bool = False
    """It is `{ name }` in an object literal or an assignment pattern: replacing it takes `name: `."""
    write: bool = False
    """The name itself is assigned, updated or deleted here."""
    typeof: bool = False
    """It is the operand of `typeof`, so it may be undeclared."""


class Member(NamedTuple):
    """A chain of static member accesses: `env.KV.get(` is `("env", ("KV", "get"))` with `call`.

    A key that is not known ends the path. `bound` says that the value got a local name, under which it is
    followed; `open` that more accesses follow, by keys that are not known.
    """

    root: str
    path: Path
    start: int
    end: int
    call: bool = False
    bound: bool = False
    open: bool = False


class Comparison(NamedTuple):
    """`x.status === "succeeded"`, also reversed, and a `case` of `switch (x.status)`."""

    root: str
    path: Path
    operator: str
    literal: Scalar
    start: int


class Impurity(NamedTuple):
    """Why the snippet is not provably deterministic and free of effects."""

    kind: Reason
    what: str
    start: int


class Import(NamedTuple):
    """An import statement, or `import("…")` of a literal (`dynamic`; then `text` is the call)."""

    start: int
    end: int
    module: str
    text: str
    dynamic: bool = False


class Facts(NamedTuple):
    """Everything the compiler asks of a snippet. Offsets are characters of `text`."""

    text: str
    kind: Kind
    language: Literal["js", "ts"] = "js"
    """`ts` when syntax is used that only TypeScript has."""
    faults: tuple[Fault, ...] = ()
    free: tuple[FreeName, ...] = ()
    members: tuple[Member, ...] = ()
    """Chains on free names."""
    followed: tuple[Member, ...] = ()
    """Chains on names that stand for free ones. `const kv = env.KV`, then `kv.get(` is `env.KV.get(`."""
    whole: tuple[tuple[str, int], ...] = ()
    """Where a free name's value is used as a whole, or indexed by a key that is not known."""
    comparisons: tuple[Comparison, ...] = ()
    defaulted: frozenset[int] = frozenset()
    """Offsets of names whose value, or what is read from it by `?.`, is the left side of a `??`."""
    form: Form = Form.SEQUENCE
    """How tightly an expression holds together."""
    returns: bool = False
    """A `return` with a value stands at the snippet's own level."""
    shape: Shape = ANY
    """The form of what a body returns, as far as the parser can tell."""
    declared: frozenset[str] = frozenset()
    """Names declared at the snippet's own top level (`var` of inner blocks included)."""
    bound: frozenset[str] = frozenset()
    """Names declared anywhere in the snippet, at any depth."""
    assigned: frozenset[str] = frozenset()
    """Free names that are themselves assigned."""
    mutated: frozenset[str] = frozenset()
    """Free names whose value is seen to be written into."""
    impurities: tuple[Impurity, ...] = ()
    step_calls: tuple[tuple[str, int], ...] = ()
    """Methods called on the free name `step`, with their offsets."""
    imports: tuple[Import, ...] = ()
    exports: tuple[int, ...] = ()
    jsx: tuple[int, ...] = ()
    opaque: tuple[tuple[int, int, str], ...] = ()
    """Ranges of `string`, `template` (its text parts), `regex` and `comment`."""
    line_comment_at_end: bool = False
    """The text ends inside a `//` comment, so that whatever follows needs a new line."""
    floating: tuple[int, ...] = ()
    """Statements that call an API known to be asynchronous and let its promise go."""
    non_retryable_extra: tuple[int, ...] = ()
    """Offsets of `new NonRetryableError(a, b)`."""
    verbatim: frozenset[int] = frozenset()
    """Lines (from 0) that begin inside a template literal or a string, so that they must not be indented."""

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, the column in characters."""
        return position(self.text, offset)


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset in a text, both from 1. A lone carriage return ends a line too."""
    before = text[:offset]
    if "\r" in before:
        before = before.replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def fault(text: str, offset: int, message: str, code: str = "syntax") -> Fault:
    """A fault at an offset of a text."""
    offset = min(max(offset, 0), len(text))
    return Fault(message, offset, *position(text, offset), code)
