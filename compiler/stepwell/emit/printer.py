"""The printing of statements: each kind has a template of its own, and blocks are printed bottom-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

from jinja2.environment import TemplateModule

from stepwell.emit import layout
from stepwell.emit.arms import Container, single
from stepwell.emit.environment import module
from stepwell.emit.expressions import Expressions
from stepwell.emit.names import Names
from stepwell.emit.words import FUNCTIONS, NOTHING, target
from stepwell.javascript import Js
from stepwell.lower.nesting import blocks, fold
from stepwell.lower.program import (
    Arm,
    Block,
    Concurrent,
    Constant,
    Expr,
    Items,
    Name,
    Parallel,
    Path,
    Race,
    Statement,
    Wait,
    Work,
)

_Node = Statement | Block


def _snake(name: str) -> str:
    return "".join(f"_{ch.lower()}" if ch.isupper() else ch for ch in name)[1:]


_TEMPLATES: Final = {
    kind: f"{folder}/{_snake(kind.__name__)}"
    for folder, union in (("statements", Statement), ("works", Work))
    for kind in get_args(union)
}
"""Where a kind is printed: `ForEach` by `statements/for_each.jinja`."""


class Printer:
    """Prints the statements of one program."""

    def __init__(self, names: Names, script: bool, ts: bool) -> None:
        self.names = names
        self.expressions = Expressions(names, self._stored)
        self._script = script
        self._modules: dict[str, TemplateModule] = {}
        self.context: dict[str, Any] = {
            "names": names,
            "nothing": NOTHING,
            "plain": Js(("Error",)),
            "script": script,
            "step": Js(("step",)),
            "ts": ts,
            "types": ("WorkflowEvent", "WorkflowStep"),
            **FUNCTIONS,
            **self._functions(),
        }
        self.context |= {"settings": self.module("settings"), "stored": self.module("stored")}
        self.context["arms"] = self.module("statements/arms")

    def module(self, template: str) -> Any:
        """The macros of a template, as attributes; made when they are first asked for."""
        found = self._modules.get(template)
        if found is None:
            found = self._modules[template] = module(template, self.context)
        return found

    def block(self, block: Block) -> Js:
        """A block without its braces."""
        root: _Node = block
        return fold(root, self._parts, self._build)

    # -- bottom-up

    def _parts(self, node: _Node) -> Sequence[_Node]:
        if isinstance(node, tuple):
            return node
        if isinstance(node, Parallel | Race):
            return tuple(self._single(node, arm) or arm.block for arm in node.arms)
        if isinstance(node, Concurrent):
            return (self._single(node, node.arm) or node.arm.block,)
        return blocks(node)

    def _build(self, node: _Node, inner: list[Js]) -> Js:
        if isinstance(node, tuple):
            return layout.lines([self._sentence(*pair) for pair in zip(node, inner, strict=True)])
        macros = self.module(_TEMPLATES[type(node)])
        macro = getattr(macros, "call", None) or macros.print
        made: Js = macro(node, inner)
        return made

    def _sentence(self, statement: Statement, made: Js) -> Js:
        """A statement of its own; what is a call so far is waited for."""
        if not hasattr(self.module(_TEMPLATES[type(statement)]), "call"):
            return made
        bind = getattr(statement, "bind", None)
        sentence: Js = self.module("statements/awaited").print(bind, self._view(statement), made)
        return sentence

    # -- what templates call

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "js": self._js,
            "lead": self._lead,
            "test": self.expressions.test,
            "result": self.expressions.result,
            "array": self._array,
            "body": self.expressions.statements,
            "binding": self._binding,
            "single": self._single,
            "view": self._view,
            "works": lambda work: self.module(_TEMPLATES[type(work)]),
        }

    def _stored(self, name: Js, result: Js) -> Js:
        value: Js = self.context["stored"].value(name, result)
        return value

    def _js(self, expr: Expr | None) -> Js | None:
        return None if expr is None else self.expressions.value(expr)

    def _array(self, expr: Expr) -> Js:
        """An array of what an iterable holds."""
        literal = isinstance(expr, Items) or (isinstance(expr, Constant) and isinstance(expr.value, list))
        js = self.expressions.value(expr)
        return js if literal else Js(("[...", js, "]"))

    def _binding(self, name: str | None) -> Js | None:
        return None if name is None else self._js(Path(Name("env"), (name,)))

    def _single(self, container: Container, arm: Arm) -> Statement | None:
        return single(container, arm, self._script)

    def _lead(self, statement: Statement) -> Js:
        """What stands on a call's line before it."""
        return Js((target(getattr(statement, "bind", None)), self._view(statement) or layout.EMPTY))

    def _view(self, statement: Statement) -> Js | None:
        if not getattr(statement, "view", False):
            return None
        return self.names.withPayload if isinstance(statement, Wait) else self.names.withBody
