"""Findings about a flow's graph in the words of its file: what to write there, where the check speaks of JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import libcst as cst

from stepwell.diagnostics import Code, Diagnostic
from stepwell.diagnostics import codes as c
from stepwell.flow import nodes

if TYPE_CHECKING:
    from stepwell.flow.reader import NodeSite, Reading


def in_python(reading: Reading, found: Diagnostic) -> Diagnostic:
    """The finding with a hint that says what to write in the file, where there is more to say than in JSON."""
    tell = _TOLD.get(found.code)
    hint = tell(reading, found) if tell is not None else None
    return found if hint is None else replace(found, hint=hint)


def _variable(reading: Reading, found: Diagnostic) -> str | None:
    """What code and text write for a name that is a variable of the file only."""
    value = reading.names.get(found.subject or "")
    if not isinstance(value, nodes.Node | nodes.Arm):
        return None
    if found.code is c.IMPOSSIBLE_REFERENCE and getattr(value, "id", None) != found.subject:
        return None  # a node of this name is meant
    meant = _written_for(value, _is_inside(reading, found, value))
    if meant is None or meant == _braced(found.subject or ""):
        return None
    return f"`{found.subject}` is a variable of this file; code and text write {meant}"


def _written_for(value: nodes.Node | nodes.Arm, inside: bool) -> str | None:
    if isinstance(value, nodes.Arm):
        return f"{_braced('err')} for the error" if value._end.label == "catch" else None
    if not isinstance(value, nodes.Loop) or not inside:
        return _braced(value.id)
    index = f"`{value.index}` for the index"
    is_over_items = value._json.get("data", {}).get("loopType") == "forEach"
    return f"`{value.item}` for the item, {index}" if is_over_items else index


def _braced(name: str) -> str:
    return f"`{{{{{name}}}}}`"


def _is_inside(reading: Reading, found: Diagnostic, value: nodes.Node | nodes.Arm) -> bool:
    """Whether the node that the finding is about stands in the block of a container."""
    site = reading.site_at(found.pointer)
    around = site.statement.parent if site is not None else None
    holders = [one.statement for one in reading.sites if one.handle is value]
    while around is not None and around not in holders:
        around = around.parent
    return around is not None


def _twice(reading: Reading, found: Diagnostic) -> str | None:
    site = reading.site_at(found.pointer)
    same = [one for one in reading.sites if one.handle.id == found.node_id]
    place = reading.place_of_syntax(same[0].statement.call) if same and site is not None else None
    if place is None:
        return None
    why = "" if site is not None and "id" in site.arguments else "an id is made from the name; "
    return f'the first one is in line {place.line}; {why}give one of them another: `id="{_free(reading, found)}"`'


def _free(reading: Reading, found: Diagnostic) -> str:
    taken, number = {one.handle.id for one in reading.sites}, 2
    while f"{found.node_id}_{number}" in taken:
        number += 1
    return f"{found.node_id}_{number}"


def _without_arm(reading: Reading, found: Diagnostic) -> str | None:
    """Which block to write, or to put something into."""
    site = reading.site_at(found.pointer)
    if site is None or site.form.method not in _BLOCKS:
        return None
    block = _BLOCKS[site.form.method]
    if isinstance(site.statement.cst, cst.With):
        return f"put a node into {block}"
    return f"write `with flow.{site.form.method}(…):`, and put a node into {block}"


_BLOCKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "for_each": "its block",
        "times": "its block",
        "while_": "its block",
        "parallel": "each arm: `with ….arm(label):`",
        "race": "each arm: `with ….arm(label):`",
        "try_": "the arms `with ….try_():` and `with ….catch():`",
    }
)


def _without_branches(reading: Reading, found: Diagnostic) -> str | None:
    site = reading.site_at(found.pointer)
    is_empty = site is not None and site.form.method == "branch" and not site.arms
    return "add its arms in its block: `with ….when(condition):`, `with ….otherwise():`" if is_empty else None


def _parameter(reading: Reading, found: Diagnostic) -> str | None:
    """The parameter that sets what is wrong, where it is called otherwise."""
    site = reading.site_at(found.pointer)
    param = _param_of(site, found.pointer.removeprefix("/ir").split("/")[3:]) if site is not None else None
    return f"here it is the argument `{param}`" if param is not None and found.hint is None else None


def _param_of(site: NodeSite, way: list[str]) -> str | None:
    match way:
        case ["data", key, *_]:
            param = next((one.name for one in site.form.params if one.key == key and one.name != key), None)
        case ["config", key, *more] if more or key not in site.arguments:
            param = key
        case ["position", *_]:
            param = "at"
        case _:
            param = None
    return param if param in site.arguments else None


_TOLD: Final[Mapping[Code, Callable[[Reading, Diagnostic], str | None]]] = MappingProxyType(
    {
        c.UNKNOWN_REFERENCE: _variable,
        c.UNKNOWN_NAME: _variable,
        c.IMPOSSIBLE_REFERENCE: _variable,
        c.DUPLICATE_NODE: _twice,
        c.MISSING_ARM: _without_arm,
        c.MISSING_DATA: _without_branches,
        c.NOT_AN_ARTIFACT: _parameter,
    }
)
