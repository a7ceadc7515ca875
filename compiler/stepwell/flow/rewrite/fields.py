"""Changes the fields of a node in its call: the id, the name and the type, `data` and `config`."""

from __future__ import annotations

from typing import Any

import libcst as cst

from stepwell.flow import nodes as made
from stepwell.flow.forms import id_from
from stepwell.flow.phrases import literal
from stepwell.flow.reader import NodeSite, entries
from stepwell.flow.rewrite.calls import change_argument, change_call, indent_of_arguments
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.layout import place_node, rename_in_layout
from stepwell.flow.rewrite.plan import Json, Refused
from stepwell.flow.rewrite.values import (
    ABSENT,
    change_dict,
    change_value,
    ensure_readable,
    outer,
    same,
    value_text,
    with_breaks,
)
from stepwell.flow.splices import Splice, indent_at
from stepwell.flow.writer import call_text, form_of


def rename(draft: Draft) -> None:
    """Gives nodes their new ids, where they are made and in the layout."""
    for old, new in draft.plan.renamed.items():
        site = draft.sites.get(old)
        if site is None or new in draft.sites:
            continue
        change_argument(draft, site.statement.call, site, "id", literal(new))
        rename_in_layout(draft, old, new)


def change_node(draft: Draft, site: NodeSite, node: Json) -> None:
    """Has the call of a node say what is wanted of it; its arms and edges are not a part of that."""
    now = {**site.handle._json}
    place = draft.flow._positions.get(now["id"])
    if place is not None and "position" not in now:
        now = draft.flow._placed(now)
    now = {key: value for key, value in now.items() if value is not None}
    if now == node:
        return
    draft.at = draft.spans.of(site.statement.cst).start
    form = form_of(node)
    is_branch = isinstance(site.handle, made.Branch) and not site.handle._given
    if form.method != site.form.method and site.form.method != "node":
        _rewrite_call(draft, site, node, is_branch)
    else:
        _fields(draft, site, now, node, is_branch)
    if now.get("position") != node.get("position"):
        place_node(draft, site, node.get("position"))


def _rewrite_call(draft: Draft, site: NodeSite, node: Json, is_branch: bool) -> None:
    """Another type: the call is written anew."""
    statement = site.statement
    if statement.broken:
        raise Refused("This call is not understood, so it is left as it is.", statement.cst)
    form, given = draft.printer.arguments(node, is_branch and node["type"] == "branch")
    if "after" in site.arguments:
        span = outer(draft, site.arguments["after"])
        after = draft.text[span.start : span.end]
        given.append(("after", lambda _: after))
    span = draft.spans.of(statement.call)
    indent = indent_at(draft.text, span.start)
    text = call_text("", f"{draft.root.name}.{form.method}", given, indent, "")
    draft.made.append(Splice(span.start, span.end, with_breaks(draft, text)))


def _fields(draft: Draft, site: NodeSite, now: Json, node: Json, is_branch: bool) -> None:
    changes: dict[str, str | None] = {}
    indent = indent_of_arguments(draft, site.statement.call)
    if now["name"] != node["name"]:
        changes["name"] = literal(node["name"])
        if "id" not in site.arguments and id_from(node["name"], node["type"]) != node["id"]:
            changes["id"] = literal(node["id"])
    if now["type"] != node["type"]:
        changes["type"] = literal(node["type"])
    for key in ("version", "provider"):
        if now.get(key) != node.get(key):
            usual = draft.flow._defaults.get(key)
            changes[key] = None if node.get(key) == usual else literal(node.get(key))
    _data(draft, site, now.get("data"), node.get("data"), changes, indent, is_branch)
    if now.get("config") != node.get("config"):
        _config(draft, site, now.get("config"), node.get("config"), changes, indent)
    change_call(draft, site.statement.call, changes, site)


def _data(
    draft: Draft, site: NodeSite, now: Any, wanted: Any, changes: dict[str, str | None], indent: str, is_branch: bool
) -> None:
    if wanted is None or now is None:
        if now != wanted:
            said = literal(None) if wanted is None else value_text(draft, wanted, indent)
            changes["data"] = None if wanted == {} else said
        return
    implied = dict(site.form.implied)
    loose = site.arguments.get("data")
    rest: dict[str, tuple[Any, Any]] = {}
    for key in [*now, *(key for key in wanted if key not in now)]:
        old, new = now.get(key, ABSENT), wanted.get(key, ABSENT)
        if same(old, new) or (is_branch and key == "branches") or key in implied:
            continue
        param = next((p for p in site.form.params if p.key == key), None)
        in_loose = isinstance(loose, cst.Dict) and any(k == key for k, _ in entries(loose))
        text = draft.printer.param(site.form, param, None if new is ABSENT else new) if param else None
        if param is None or in_loose or (text is None and new is not ABSENT):
            rest[key] = (old, new)
            if param is not None and param.name in site.arguments and not in_loose:
                changes[param.name] = None
        elif param.name in site.arguments and text is not None:
            change_value(draft, site.arguments[param.name], old, new, text, param.style, site, param.name)
        else:
            changes[param.name] = text(indent) if text is not None else None
    if rest:
        _loose(draft, site, loose, rest, changes, indent)


def _loose(
    draft: Draft,
    site: NodeSite,
    loose: Any,
    rest: dict[str, tuple[Any, Any]],
    changes: dict[str, str | None],
    indent: str,
) -> None:
    """Keys of `data` that no parameter says."""
    if loose is None:
        changes["data"] = value_text(draft, {key: new for key, (_, new) in rest.items() if new is not ABSENT}, indent)
        return
    ensure_readable(draft, site, "data", loose)
    if not isinstance(loose, cst.Dict):
        raise Refused("This `data` is written elsewhere, so its keys are not changed here.", loose)
    before = {key: old for key, (old, _) in rest.items() if old is not ABSENT}
    after = {key: new for key, (_, new) in rest.items() if new is not ABSENT}
    if not after and len(loose.elements) == len(before):
        changes["data"] = None
    else:
        change_dict(draft, loose, before, after)


def _config(draft: Draft, site: NodeSite, now: Any, wanted: Any, changes: dict[str, str | None], indent: str) -> None:
    if wanted is None:
        changes |= {"config": None, "retries": None}
        if site.form.key_of("timeout") is None:
            changes["timeout"] = None
        return
    can_say = bool(wanted) and ("timeout" not in wanted or site.form.key_of("timeout") is None)
    if not can_say or "config" in site.arguments:
        changes |= {"config": value_text(draft, wanted, indent), "retries": None}
        if site.form.key_of("timeout") is None:
            changes["timeout"] = None
        return
    now = now or {}
    if now.get("retries") != wanted.get("retries"):
        told = wanted.get("retries")
        changes["retries"] = None if told is None else draft.printer.retries(told)(indent)
    if now.get("timeout") != wanted.get("timeout"):
        changes["timeout"] = None if "timeout" not in wanted else literal(wanted["timeout"])
