"""Writes new statements: nodes with what stands in their arms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.plan import Json
from stepwell.flow.writer import call_text, says_branches


@dataclass(eq=False)
class New:
    """A node that is to be added, with what stands in its arms."""

    node: Json
    arms: list[tuple[str | None, list[New]]] = field(default_factory=list)


def statement_text(draft: Draft, new: New, indent: str) -> str:
    """A new node, with what stands in it."""
    node = new.node
    spoken = node["type"] == "branch" and says_branches(
        (node.get("data") or {}).get("branches"), [label for label, _ in new.arms]
    )
    form, given = draft.printer.arguments(node, spoken)
    callee = f"{draft.root.name}.{form.method}"
    if "position" in node and draft.reading.layout.get("positions") is None:
        given.append(("at", draft.printer.values.position(node["position"])))
    inner = indent + draft.step
    if not new.arms:
        return as_lines(draft, call_text(indent, callee, given, indent, ""))
    if form.method in ("for_each", "times", "while_"):
        head = call_text(f"{indent}with ", callee, given, indent, ":")
        return as_lines(draft, head) + _body_text(draft, new.arms[0][1], inner)
    name = draft.free_name(node["id"])
    head = call_text(f"{indent}with ", callee, given, indent, f" as {name}:")
    return as_lines(draft, head) + "".join(arm_text(draft, node, name, label, row, inner) for label, row in new.arms)


def arm_text(draft: Draft, node: Json, name: str, label: str | None, row: list[New], indent: str) -> str:
    """A new arm of a node, with what stands in it."""
    listed: Any = (node.get("data") or {}).get("branches")
    labels = [one.get("label") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if node["type"] == "branch" and says_branches(listed, labels) and label in labels:
        method, given = draft.printer.branch_arm(listed, labels.index(label))
    else:
        method, given = draft.printer.arm(node, label)
    head = call_text(f"{indent}with ", f"{name}.{method}", given, indent, ":")
    leads_on = any((e["source"], e.get("label")) == (node["id"], label) for e in draft.artifact["edges"])
    return as_lines(draft, head) + _body_text(draft, row, indent + draft.step, leads_on)


def _body_text(draft: Draft, row: list[New], indent: str, leads_on: bool = True) -> str:
    nothing = "pass" if leads_on else f"{draft.root.name}.end()"
    return "".join(statement_text(draft, one, indent) for one in row) or f"{indent}{nothing}{draft.newline}"


def as_lines(draft: Draft, text: str) -> str:
    """A text as whole lines, ended as those of the file are."""
    return f"{text}\n".replace("\n", draft.newline)


def as_is(text: str) -> Any:
    """A text as an argument that is the same at any indentation."""
    return lambda _: text
