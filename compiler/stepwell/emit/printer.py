"""The printing of statements: each kind has a template of its own, and blocks are printed bottom-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from jinja2.environment import TemplateModule

from stepwell.emit import expressions, layout
from stepwell.emit.arms import is_trivial, single
from stepwell.emit.environment import module
from stepwell.emit.names import Names
from stepwell.graph import durations
from stepwell.javascript import Js, identifier, property_key, quote
from stepwell.lower.nesting import blocks, fold
from stepwell.lower.program import (
    Bind,
    Block,
    Body,
    Code,
    Concurrent,
    Constant,
    Do,
    Expr,
    Items,
    Name,
    Parallel,
    Path,
    Program,
    Race,
    Request,
    Settings,
    Statement,
    StepName,
    Wait,
    Work,
)

_Node = Statement | Block


class Printer:
    """Prints the statements of one program."""

    def __init__(self, program: Program, names: Names, ts: bool) -> None:
        self.names = names
        self.script = program.kind == "script"
        self._modules: dict[str, TemplateModule] = {}
        self.context: dict[str, Any] = {"ts": ts, "script": self.script, "names": names, **_WORDS, **_FUNCTIONS}
        self.context |= self._bound_functions()
        for shared in ("statements/arms", "settings"):
            self.context[shared.rpartition("/")[2]] = self.module(shared)

    def module(self, template: str) -> TemplateModule:
        """The macros of a template; made when they are first asked for."""
        found = self._modules.get(template)
        if found is None:
            found = self._modules[template] = module(template, self.context)
        return found

    def block(self, block: Block) -> Js | None:
        """A block without its braces; None when it is empty."""
        made = fold(block, self._parts, self._build)
        return made if isinstance(made, Js) else None

    # -- bottom-up

    def _parts(self, node: _Node) -> Sequence[_Node]:
        if isinstance(node, tuple):
            return node
        if isinstance(node, Parallel | Race):
            return tuple(self._single(node, arm) or arm.block for arm in node.arms)
        if isinstance(node, Concurrent):
            return (self._single(node, node.arm) or node.arm.block,)
        return blocks(node)

    def _build(self, node: _Node, inner: list[Js | None]) -> Js | None:
        if isinstance(node, tuple):
            return layout.lines([self._sentence(*pair) for pair in zip(node, inner, strict=True)])
        macros = self.module(_template(type(node)))
        macro = getattr(macros, "call", None) or macros.print  # type: ignore[attr-defined]
        made: Js = macro(node, inner)
        return made

    def _sentence(self, statement: Statement, made: Js | None) -> Js | None:
        """A statement of its own; what is a call so far is waited for."""
        if not hasattr(self.module(_template(type(statement))), "call"):
            return made
        awaited = self.module("statements/awaited")
        bind = getattr(statement, "bind", None)
        sentence: Js = awaited.print(bind, self._view(statement), made)  # type: ignore[attr-defined]
        return sentence

    # -- what templates call

    def _bound_functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "js": self._js,
            "test": lambda expr: expressions.print_condition(expr, self.names),
            "result": lambda expr: expressions.print_result(expr, self.names),
            "array": self._array,
            "body": self._body,
            "binding": self._binding,
            "single": self._single,
            "view": self._view,
            "works": lambda work: self.module(_template(type(work))),
        }

    def _js(self, expr: Expr | None) -> Js | None:
        return None if expr is None else expressions.print_expression(expr, self.names)

    def _array(self, expr: Expr) -> Js:
        """An array of what an iterable holds."""
        js = expressions.print_expression(expr, self.names)
        is_array = isinstance(expr, Items) or (isinstance(expr, Constant) and isinstance(expr.value, list | tuple))
        return js if is_array else Js(("[...", js, "]"))

    def _body(self, code: Code) -> Js:
        values = [expressions.print_operand(part.value, self.names) for part in code.replacements]
        return expressions.print_code(code, values)

    def _binding(self, name: str | None) -> Js | None:
        return None if name is None else self._js(Path(Name("env"), (name,)))

    def _single(self, container: Parallel | Race | Concurrent, arm: Any) -> Statement | None:
        return single(container, arm, self.script)

    def _view(self, statement: Statement) -> Js | None:
        if not getattr(statement, "view", False):
            return None
        return self.names.withPayload if isinstance(statement, Wait) else self.names.withBody


@cache
def _template(kind: type) -> str:
    """Where a kind is printed: `ForEach` by `statements/for_each.jinja`."""
    folder = "works" if kind in (Body, *_WORKS) else "statements"
    words = "".join(f"_{ch.lower()}" if ch.isupper() else ch for ch in kind.__name__)
    return f"{folder}/{words[1:]}"
