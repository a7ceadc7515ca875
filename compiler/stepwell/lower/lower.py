"""Lowering: from an analysed graph to a `Program`. This module is the table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from stepwell.check.analysis import Analysis
from stepwell.check.custom import used_nodes
from stepwell.check.trigger import SOURCE
from stepwell.check.values import uses_of
from stepwell.graph.catalogue import NodeKind
from stepwell.graph.data import StepData
from stepwell.graph.model import CronTrigger, EventTrigger, HttpTrigger
from stepwell.javascript.trigger import Handler, queue_name
from stepwell.lower import program as p
from stepwell.lower.bindings import OWN, TOKEN, called_bindings, env_bindings, read_of_env
from stepwell.lower.build import Builder
from stepwell.lower.names import class_name, kebab, worker_name
from stepwell.lower.naming import Names, make_names
from stepwell.lower.plan import make_plan


class Lowered(NamedTuple):
    """A program, and the builder that made its body."""

    program: p.Program
    builder: Builder


def lower(analysis: Analysis) -> p.Program:
    """The program that means what the graph means (design.md, section 3)."""
    return lowered(analysis).program


def lowered(analysis: Analysis) -> Lowered:
    """`lower`, with what can build parts of the program again."""
    plan = make_plan(analysis)
    names = make_names(plan)
    reads = read_of_env(analysis)
    of_node, called = called_bindings(analysis, reads)
    builder = Builder(plan, names, of_node)
    body = builder.build()
    ir = analysis.document.source.ir
    # By this name callers know it, whatever else is called so.
    workflow = kebab(class_name(ir.metadata.name))
    bindings = [*_own(analysis, names.workflow, workflow), *called, *env_bindings(analysis, reads)]
    trigger = _default_trigger(analysis)
    if trigger is not None and trigger.token and all(b.name != TOKEN for b in bindings):
        bindings.append(p.Binding(TOKEN, "secret", optional=True))
    program = p.Program(
        kind=ir.kind,
        name=ir.metadata.name,
        class_name=names.workflow,
        workflow_name=workflow,
        worker_name=worker_name(ir.metadata.name),
        description=ir.metadata.description,
        body=body,
        language=language_of(analysis),
        bindings=tuple(bindings),
        imports=_imports(analysis),
        default_trigger=trigger,
        crons=_crons(analysis),
        sources=sources_of(analysis),
        steps=_steps(analysis, plan.dead, names.steps),
        taken=names.table.given,
        uses_env=_uses_env(analysis) or bool(called) or bool(names.nodes),
        nodes=_nodes(analysis, names),
        run=names.run,
    )
    return Lowered(_with_trigger(program, analysis), builder)


def _steps(analysis: Analysis, dead: set[int], names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The nodes that the engine calls steps for, with the names of these. A script's are those that messages name."""
    flow, stored = analysis.flow, {vertex for vertex, _ in analysis.stored}
    return tuple(
        (names[v], node.id)
        for v, node in enumerate(flow.nodes)
        if v not in dead and (v in stored or _is_step(flow.kinds[v], analysis.data[v]))
    )


def _is_step(kind: NodeKind, data: object) -> bool:
    """Whether a node makes steps whatever its fields say; of the containers a race keeps who won."""
    inline = isinstance(data, StepData) and data.inline
    return kind.type == "race" or (not kind.is_container and kind.type != "break" and not inline)


def _nodes(analysis: Analysis, names: Names) -> tuple[p.NodeModule, ...]:
    """The modules of the custom nodes, by the version that is used: two versions are two modules."""
    return tuple(
        p.NodeModule(names.nodes[key], f"nodes/{key}.ts", custom.source)
        for key, (_, custom) in used_nodes(analysis).items()
    )


def _own(analysis: Analysis, class_: str, workflow: str) -> list[p.Binding]:
    ir = analysis.document.source.ir
    if ir.kind == "script":
        return []
    return [p.Binding(OWN, "workflow", workflow, class_)]


def language_of(analysis: Analysis) -> Literal["ts", "js"]:
    """`ts` when any code of the user's is TypeScript."""
    trigger = analysis.trigger.code
    typed = (trigger is not None and trigger.language == "ts") or any(
        code.facts.language == "ts" for _, _, code in analysis.all_codes()
    )
    return "ts" if typed else "js"


def _imports(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """The users' import statements, each once, those of the trigger code first."""
    found: dict[str, str] = {}
    trigger = analysis.trigger.code
    for imported in trigger.imports if trigger is not None else ():
        if not imported.dynamic:
            found.setdefault(imported.text, SOURCE)
    for _, _, code in analysis.all_codes():
        for imported in code.facts.imports:
            if not imported.dynamic:
                found.setdefault(imported.text, code.source)
    return tuple((source, text) for text, source in found.items())


def _uses_env(analysis: Analysis) -> bool:
    return any(use.kind == "env" for fields in analysis.fields for v in fields.values() for use, _ in uses_of(v))


def _crons(analysis: Analysis) -> tuple[str, ...]:
    trigger = analysis.document.source.ir.trigger
    return (trigger.expression,) if isinstance(trigger, CronTrigger) else ()


def sources_of(analysis: Analysis) -> dict[str, str]:
    """The users' texts by the names that maps have for them."""
    texts = dict(analysis.sources)
    texts |= {custom.source: custom.template or "" for _, custom in used_nodes(analysis).values()}
    if analysis.trigger.code is not None:
        texts[SOURCE] = analysis.trigger.text
    return texts


def _default_trigger(analysis: Analysis) -> p.DefaultTrigger | None:
    if analysis.trigger.code is not None:
        return None
    trigger = analysis.document.source.ir.trigger
    # A secret may be bound at any time, so the Worker asks for it at run time. A script's own code guards itself.
    token = analysis.document.source.ir.kind == "workflow"
    if isinstance(trigger, HttpTrigger):
        return p.DefaultTrigger("http", trigger.path, (trigger.method or "POST").upper(), None, token)
    if isinstance(trigger, EventTrigger):
        return p.DefaultTrigger("event", None, "POST", trigger.eventType, token)
    if trigger is None:
        return p.DefaultTrigger("http", token=token)
    return p.DefaultTrigger(trigger.type, token=token)


def _with_trigger(program: p.Program, analysis: Analysis) -> p.Program:
    """The program with its handlers: the user's, or the default ones."""
    code = analysis.trigger.code
    if code is None:
        return replace(program, handlers=_default_handlers(analysis))
    whole = p.Code(code.facts, SOURCE)
    if code.form == "body":
        body = p.Handler("fetch", "handler", body=p.Piece(0, len(code.facts.text)))
        return replace(program, trigger=whole, handlers=(body, *_clock(analysis)))
    handlers = tuple(
        p.Handler(
            h.kind,
            h.name,
            queue_name(h.name) if h.kind == "queue" else None,
            _parameters(h),
            p.Piece(*h.body_range),
            p.Piece(*h.result_range) if h.result_range is not None else None,
            h.promises,
        )
        for h in code.handlers
    )
    if not any(h.kind == "scheduled" for h in handlers):
        handlers = (*handlers, *_clock(analysis))
    queues = tuple((queue_name(h.name), dict(h.config or {})) for h in code.handlers if h.kind == "queue")
    return replace(
        program, trigger=whole, handlers=handlers, queues=queues, modules=tuple(p.Piece(*r) for r in code.pieces)
    )


def _parameters(handler: Handler) -> tuple[tuple[p.Piece, int | None], ...]:
    """A handler's parameters, cut where a type is to stand."""
    start, end = handler.parameters_range
    cut: list[tuple[p.Piece, int | None]] = []
    for behind, number in handler.untyped:
        cut.append((p.Piece(start, behind), number))
        start = behind
    return (*cut, (p.Piece(start, end), None))


def _default_handlers(analysis: Analysis) -> tuple[p.Handler, ...]:
    return (p.Handler("fetch", "handler"), *_clock(analysis))


def _clock(analysis: Analysis) -> tuple[p.Handler, ...]:
    """The handler of a cron trigger, which starts an instance."""
    return (p.Handler("scheduled", "scheduled"),) if _crons(analysis) else ()
