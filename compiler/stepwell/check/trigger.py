"""The trigger code of a document: read, checked, and which names its module declares."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepwell.check.module_rules import ENV_WHOLE, JSX, import_fault
from stepwell.diagnostics import Diagnostic, SnippetPosition
from stepwell.diagnostics import codes as c
from stepwell.graph.faults import shown
from stepwell.graph.model import EVENT_TYPE, EVENT_TYPE_LENGTH, EventTrigger
from stepwell.graph.read import Document
from stepwell.javascript import env_reads
from stepwell.javascript.trigger import TriggerCode, parse_trigger

SOURCE = "triggerCode"

_CODES = {"syntax": c.TRIGGER_SYNTAX, "queue": c.QUEUE_TWICE}


@dataclass(frozen=True, slots=True)
class Trigger:
    """`code` is None when the document has none of its own, so that the default is written. `names` are those that
    the module declares: users' bodies may read them, and nothing of ours may take them."""

    code: TriggerCode | None = None
    names: frozenset[str] = frozenset()
    text: str = ""


def _event_type(document: Document) -> list[Diagnostic]:
    trigger = document.source.ir.trigger
    if not isinstance(trigger, EventTrigger):
        return []
    kind = trigger.eventType
    if 1 <= len(kind) <= EVENT_TYPE_LENGTH and re.fullmatch(EVENT_TYPE, kind):
        return []
    said = (
        f"The trigger has {shown(kind)} as `eventType`; it is 1 to {EVENT_TYPE_LENGTH} characters of A-Z a-z 0-9 _ -."
    )
    return [Diagnostic(c.BAD_EVENT_TYPE, said, document.base + "/trigger/eventType")]


def read_trigger(document: Document) -> tuple[Trigger, list[Diagnostic]]:
    """The trigger code and everything wrong with it. Blank code means the default (design.md, section 4)."""
    found = _event_type(document)
    text = document.source.triggerCode or ""
    if not text.strip():
        return Trigger(), found
    code = parse_trigger(text)
    found += [
        Diagnostic(
            _CODES.get(f.code, c.TRIGGER_ANNOTATION),
            f.message,
            "/" + SOURCE,
            None,
            None,
            SnippetPosition(f.line, f.column),
        )
        for f in code.faults[:5]
    ]
    facts = code.facts
    for imported in code.imports:
        if fault := import_fault(imported.module, document.source.dependencies):
            place = SnippetPosition(*facts.position(imported.start))
            found.append(Diagnostic(c.IMPORT_UNKNOWN, fault[0], "/" + SOURCE, None, fault[1], place))
    for offset in facts.jsx:
        found.append(
            Diagnostic(
                c.JSX,
                JSX[0],
                "/" + SOURCE,
                None,
                JSX[1],
                SnippetPosition(*facts.position(offset)),
            )
        )
    for offset in env_reads(facts).dynamic[:1]:
        place = SnippetPosition(*facts.position(offset))
        found.append(Diagnostic(c.ENV_DYNAMIC, ENV_WHOLE[0], "/" + SOURCE, None, ENV_WHOLE[1], place))
    names = facts.declared if code.form == "declarations" else frozenset()
    return Trigger(code, names | {n.name for n in facts.free} & facts.declared, text), found
