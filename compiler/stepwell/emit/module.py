"""The printing of a whole module: from the `Program` to text that knows where it came from."""

from __future__ import annotations

from collections.abc import Mapping as Items
from dataclasses import dataclass
from typing import Any, Literal

from stepwell.emit.comments import doc_comment
from stepwell.emit.environment import render
from stepwell.emit.layout import EMPTY, starts_with
from stepwell.emit.names import IMPORTS
from stepwell.emit.printer import Printer
from stepwell.javascript import Js, Kind, Mapping, Span, flatten, identifier, parse, place
from stepwell.lower.names import HELPERS
from stepwell.lower.program import Handler, Program, Settings

Language = Literal["ts", "js"]
Known = Items[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Emitted:
    """The text of a Worker, and which places of it came from which of the users' texts."""

    text: str
    mappings: tuple[Mapping, ...]
    spans: tuple[Span, ...] = ()
    """Where the statements of the program's body stand, by their numbers; those that print nothing are not there.
    Only told where it is asked for."""


def emit(program: Program, language: Language) -> Emitted:
    """Print a program as one module. `ts` differs from `js` by type annotations only."""
    return emit_by(Printer(program, language == "ts"), program)


def emit_by(printer: Printer, program: Program, known: Known | None = None) -> Emitted:
    """`emit`, by the program's own printer, which can print more of it later.

    `known` are statements that are printed already, with the names that they ask for: others stand in their places.
    Where it is given, be it empty, the spans of all are told.
    """
    printed = flatten(_Module(program, printer, known).print())
    return Emitted(printed.text, printed.mappings, printed.spans)


class _Module:
    """One module while it is printed. What names are used is known last, so the head is printed last."""

    def __init__(self, program: Program, printer: Printer, known: Known | None) -> None:
        self._program = program
        self._known = known
        self._printer = printer
        self._names = self._printer.names
        self._groups = _groups(program.handlers)

    def print(self) -> Js:
        """The module as a rope."""
        main = self._main()
        own = [self._printer.piece(piece) for piece in self._program.modules] + self._functions()
        exports = self._exports()
        helpers = self._helpers()
        return self._render(
            "module",
            imports=self._imports(),
            environment=self._render("environment", bindings=self._program.bindings),
            defaults=self._render("defaults", default=Settings()) if self._names.used("DEFAULTS") else None,
            main=main,
            helpers=helpers,
            pieces=own,
            exports=exports,
        )

    def _render(self, template: str, **context: Any) -> Js:
        return render(template, self._printer.context | context)

    def _main(self) -> Js:
        program = self._program
        return self._render(
            program.kind,
            body=self._printer.body(program.body, self._known),
            run=self._run(),
            description=doc_comment(program.description or ""),
            class_name=identifier(program.class_name),
            uses_env=program.uses_env,
        )

    def _run(self) -> Js:
        """What custom nodes are told of the run, declared before the body."""
        program = self._program
        if program.run is None:
            return EMPTY
        id_, instance = (
            (program.worker_name, "crypto.randomUUID()")
            if program.kind == "script"
            else (
                program.workflow_name,
                "event.instanceId",
            )
        )
        return self._render("run", id=id_, name=program.name, instance=Js((instance,)))

    def _exports(self) -> Js:
        own = all(handler.body is None for handler in self._program.handlers)
        macros, fetch = self._printer.module("exports"), self._printer.module("fetch")
        exports: Js = macros.default(self._groups, self._program.default_trigger, own, fetch)
        return exports

    def _functions(self) -> list[Js]:
        """Handlers of a kind that has several."""
        macros = self._printer.module("exports")
        return [macros.function(one) for _, group in self._groups if len(group) > 1 for one in group]

    def _helpers(self) -> list[Js]:
        macros = self._printer.module("helpers")
        # A helper stands before those that it calls, so each is asked for before its turn comes.
        known = [name for name in HELPERS if hasattr(macros, name)]
        return [getattr(macros, name)() for name in known if self._names.used(name)]

    def _imports(self) -> list[Js]:
        macros = self._printer.module("imports")
        own = [macros.statement(module) for module in dict.fromkeys(IMPORTS.values())]
        users = [self._import(*line) for line in self._users_imports()]
        nodes = [macros.node(module, f"./{module.path}") for module in self._program.nodes]
        return [*(line for line in own if starts_with(line)), *users, *nodes]

    def _users_imports(self) -> list[tuple[str, str]]:
        """Each statement once, as it stood first."""
        once: dict[str, str] = {}
        for source, text in self._program.imports:
            once.setdefault(text.strip(), source)
        return [(source, text) for text, source in once.items()]

    def _import(self, source: str, text: str) -> Js:
        whole = self._program.sources.get(source, "")
        before = whole[: max(whole.find(text), 0)]
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        return place(parse(text, Kind.MODULE), source, (), 0, None, line, column)


def _groups(handlers: tuple[Handler, ...]) -> list[tuple[str, list[Handler]]]:
    """The handlers of each kind, in the order in which the kinds come up."""
    kinds = list(dict.fromkeys(handler.kind for handler in handlers))
    return [(kind, [handler for handler in handlers if handler.kind == kind]) for kind in kinds]
