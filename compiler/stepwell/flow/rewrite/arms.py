"""Changes the arms of a branch: their labels, conditions and order, which there are."""

from __future__ import annotations

from typing import Any

import libcst as cst

from stepwell.flow import nodes as made
from stepwell.flow.phrases import literal
from stepwell.flow.reader import NodeSite, Statement
from stepwell.flow.rewrite.calls import change_call
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.lines import at_indent, cut, ended, put
from stepwell.flow.rewrite.plan import Json, Refused
from stepwell.flow.rewrite.printing import arm_text
from stepwell.flow.rewrite.statements import extent, own, point_behind, point_first_in
from stepwell.flow.rewrite.values import change_condition, with_breaks
from stepwell.flow.splices import Splice, indent_at
from stepwell.flow.writer import call_text, says_branches


def change_branches(draft: Draft) -> None:
    """Has each branch say the arms that are wanted."""
    for id, site in draft.sites.items():
        node = draft.wanted[id]
        listed: Any = (node.get("data") or {}).get("branches")
        if not isinstance(site.handle, made.Branch) or site.handle._given:
            continue
        now = site.handle._json.get("data", {}).get("branches") or []
        if listed == now:
            continue
        labels = [one.get("label") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if not says_branches(listed, labels) or len(set(labels)) != len(labels):
            raise Refused("These arms cannot be written by `when` and `otherwise`.", site.statement.cst)
        _change_arms(draft, site, node, listed)


def _change_arms(draft: Draft, site: NodeSite, node: Json, listed: list[dict[str, str]]) -> None:
    now = [str(arm.label) for arm in site.arms]
    wanted = [one["label"] for one in listed]
    renamed = _renamed_arms(now, wanted)
    now = [renamed.get(label, label) for label in now]
    gone = [n for n, label in enumerate(now) if label not in wanted]
    if gone:
        _drop_arms(draft, site, gone)
        return
    order = [label for label in wanted if label in now]
    if order != now:
        _reorder(draft, site, [now.index(label) for label in order])
        return
    for number, label in enumerate(wanted):
        if label in now:
            _change_arm(draft, site, site.arms[now.index(label)], listed, number)
    _add_arms(draft, site, node, wanted, now)


def _renamed_arms(now: list[str], wanted: list[str]) -> dict[str, str]:
    if len(now) != len(wanted):
        return {}
    pairs = [(a, b) for a, b in zip(now, wanted, strict=True) if a != b]
    return {a: b for a, b in pairs if a not in wanted and b not in now}


def _drop_arms(draft: Draft, site: NodeSite, gone: list[int]) -> None:
    """Takes arms out; nodes that are left in one stand behind the branch from then on."""
    point = point_behind(draft, own(site.statement))
    kept = []
    for number in gone:
        arm = own(site.arms[number])
        for one in arm.body:
            if one.kind in ("other", "edge", "layout"):
                raise Refused("The arm holds more than nodes, so it is not taken out.", one.cst)
            if one.kind == "node":
                kept.append(at_indent(draft, one, point.indent))
        cut(draft, extent(draft, arm), arm)
    if kept:
        put(draft, "".join(kept), point)


def _reorder(draft: Draft, site: NodeSite, order: list[int]) -> None:
    spans = [extent(draft, own(arm), comments=True) for arm in site.arms]
    for span, number in zip(spans, order, strict=True):
        other = spans[number]
        text = ended(draft, draft.text[other.start : other.end])
        if span != other:
            draft.made.append(Splice(span.start, span.end, text))


def _change_arm(draft: Draft, site: NodeSite, arm: Statement, listed: list[dict[str, str]], number: int) -> None:
    now = site.handle._json["data"]["branches"][site.arms.index(arm)]
    told = listed[number]
    if now == told:
        return
    draft.at = draft.spans.of(arm.cst).start
    if bool(now["condition"]) != bool(told["condition"]):
        _rewrite_arm(draft, arm, listed, number)
        return
    given = {a.keyword.value if a.keyword else "when": a.value for a in arm.call.args}
    if now["condition"] != told["condition"]:
        change_condition(draft, given["when"], told["condition"])
    if now["label"] != told["label"]:
        change_call(draft, arm.call, {"label": literal(told["label"])})


def _rewrite_arm(draft: Draft, arm: Statement, listed: list[dict[str, str]], number: int) -> None:
    method, given = draft.printer.branch_arm(listed, number)
    span, indent = draft.spans.of(arm.call), indent_at(draft.text, draft.spans.of(arm.call).start)
    owner = draft.spans.of(arm.call.func.value)
    name = draft.text[owner.start : owner.end]
    text = call_text("", f"{name}.{method}", given, indent, "")
    draft.made.append(Splice(span.start, span.end, with_breaks(draft, text)))


def _add_arms(draft: Draft, site: NodeSite, node: Json, wanted: list[str], now: list[str]) -> None:
    name = ""
    for number, label in enumerate(wanted):
        if label in now:
            continue
        name = name or draft.ensure_name(site)
        before = [site.arms[now.index(one)] for one in wanted[:number] if one in now]
        statement = own(site.statement)
        if not isinstance(statement.cst, cst.With):
            raise Refused("The branch stands without a `with`, so it gets no arms.", statement.cst)
        point = point_behind(draft, own(before[-1])) if before else point_first_in(draft, statement)
        put(draft, arm_text(draft, node, name, label, [], point.indent), point)
