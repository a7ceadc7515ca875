"""The printing of statements: each kind has a template of its own, and blocks are printed bottom-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, get_args

from jinja2.environment import TemplateModule

from stepwell.emit import layout, walk
from stepwell.emit.arms import single
from stepwell.emit.environment import module
from stepwell.emit.expressions import Expressions
from stepwell.emit.names import Names
from stepwell.emit.requests import asked, tried
from stepwell.javascript import Js, Part, identifier
from stepwell.lower.nesting import HOLDERS, blocks, fold
from stepwell.lower.program import (
    Bind,
    Block,
    Code,
    Concurrent,
    Parallel,
    Piece,
    Program,
    Race,
    Statement,
    Wait,
    Work,
)

_Node = Statement | Block
_PLACE: Final = Js(("0",))


def _snake(name: str) -> str:
    return "".join(f"_{ch.lower()}" if ch.isupper() else ch for ch in name)[1:]


_TEMPLATES: Final = MappingProxyType({
    kind: f"{folder}/{_snake(kind.__name__)}"
    for folder, union in (("statements", Statement), ("works", Work))
    for kind in get_args(union)
})  # fmt: skip
"""Where a kind is printed: `ForEach` by `statements/for_each.jinja`."""


class Printer:
    """Prints the parts of one module. What its templates know is `context`."""

    def __init__(self, program: Program, ts: bool) -> None:
        found = walk.search(program.body)
        self.names = Names(program, found)
        self.script = program.kind == "script"
        self.expressions = Expressions(self.names, self._stored)
        self.asks: dict[int, frozenset[str]] = {}
        """The names of the module that each statement of the body asks for, where these were told apart."""
        self._trigger = program.trigger
        self._modules: dict[str, TemplateModule] = {}
        self._kinds: dict[type, Any] = {}
        self._statements: dict[type, tuple[Any, bool]] = {}
        self.context: dict[str, Any] = {
            "asked": asked(found.steps, self.script),
            "names": self.names,
            "nothing": Js(("undefined",)),
            "printer": self,
            "run": None if program.run is None else identifier(program.run),
            "script": self.script,
            "step": Js(("step",)),
            "tried": tried(found.steps),
            "ts": ts,
            "types": ("WorkflowEvent", "WorkflowStep"),
        }
        for shared in ("settings", "stored", "statements/arms"):
            self.context[shared.rpartition("/")[2]] = self.module(shared)
        self._awaited = self.module("statements/awaited").print

    def module(self, template: str) -> Any:
        """The macros of a template, as attributes; made when they are first asked for."""
        found = self._modules.get(template)
        if found is None:
            found = self._modules[template] = module(template, self.context)
        return found

    def macros(self, kind: type) -> Any:
        """The macros that print a kind of statement or work."""
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = self.module(_TEMPLATES[kind])
        return found

    def body(self, body: Block, known: Mapping[int, frozenset[str]] | None) -> Js:
        """The body of the program; with `known`, each of its statements is a part, by its number.

        Of what has been printed before, `known` has the names that it asks for, and something stands in its place.
        """
        if known is None:
            return layout.lines([self.statement(one) for one in body])
        parts = []
        for number, one in enumerate(body):
            if number in known:
                self.asks[number] = known[number]
                parts.append(Js((Part(_PLACE, number),)))
                continue
            js, self.asks[number] = self.asking(one)
            parts.append(Js((Part(js, number),)))
        for name in sorted(frozenset[str]().union(*known.values())):
            self.names.name(name)
        return layout.lines(parts)

    def asking(self, statement: Statement) -> tuple[Js, frozenset[str]]:
        """A statement, and which names of the module it asks for."""
        before, self.names.asked = self.names.asked, set()
        js = self.statement(statement)
        wanted, self.names.asked = frozenset(self.names.asked), before
        return js, wanted

    def statement(self, statement: Statement) -> Js:
        """A statement with all that is in it."""
        root: _Node = statement
        return self._sentence(statement, fold(root, self._parts, self._build))

    def piece(self, piece: Piece) -> Js:
        """A part of the trigger code."""
        assert isinstance(self._trigger, Code)
        return self.expressions.statements(self._trigger, piece.start, piece.end)

    def lead(self, statement: Statement) -> Js:
        """What stands on a call's line before it: where its value goes, and that it is waited for."""
        bind, view = getattr(statement, "bind", None), self.view(statement)
        if view is not None:
            return Js((layout.target(bind), view, "(await "))
        if type(bind) is Bind:
            return layout.assigned(bind.name, bind.new, "await ")
        return Js((layout.target(bind), "await "))

    def view(self, statement: Statement) -> Js | None:
        """The function that makes a view of what a statement stores, if one is bound."""
        if not getattr(statement, "view", False):
            return None
        return self.names.withPayload if isinstance(statement, Wait) else self.names.withBody

    def _parts(self, node: _Node) -> Sequence[_Node]:
        if isinstance(node, tuple):
            return node
        if type(node) not in HOLDERS:
            return ()
        if isinstance(node, Parallel | Race):
            return tuple(single(node, arm) or arm.block for arm in node.arms)
        if isinstance(node, Concurrent):
            return (single(node, node.arm) or node.arm.block,)
        return blocks(node)

    def _build(self, node: _Node, inner: list[Js]) -> Js:
        if isinstance(node, tuple):
            return layout.lines([self._sentence(*pair) for pair in zip(node, inner, strict=True)])
        made: Js = self._printed(type(node))[0](node, inner)
        return made

    def _sentence(self, statement: Statement, made: Js) -> Js:
        """A statement of its own; what is a call so far is waited for."""
        if not self._printed(type(statement))[1]:
            return made
        lead, view = self.lead(statement), self.view(statement)
        sentence: Js = self._awaited(lead, view, made)
        return sentence

    def _printed(self, kind: type) -> tuple[Any, bool]:
        """The macro that prints a kind of statement, and whether that is a call, which is to be waited for."""
        found = self._statements.get(kind)
        if found is None:
            macros = self.macros(kind)
            call = getattr(macros, "call", None)
            found = self._statements[kind] = (call or macros.print, call is not None)
        return found

    def _stored(self, name: Js, result: Js) -> Js:
        value: Js = self.module("stored").value(name, result)
        return value
