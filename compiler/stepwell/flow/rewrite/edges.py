"""Changes what a node comes after, and the edges that are written out."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import libcst as cst

from stepwell.flow.phrases import literal
from stepwell.flow.reader import NodeSite, Statement
from stepwell.flow.rewrite.calls import change_argument
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.lines import cut, put
from stepwell.flow.rewrite.plan import Key
from stepwell.flow.rewrite.printing import as_is, as_lines
from stepwell.flow.rewrite.statements import extent, own, point_before, point_behind, within
from stepwell.flow.rewrite.values import has_comments, items_of
from stepwell.flow.writer import Given, call_text


def change_edges(draft: Draft) -> None:
    """Has each node come after what it shall, by `after` or by edges that are written out."""
    wanted: defaultdict[str, list[Key]] = defaultdict(list)
    for edge in draft.artifact["edges"]:
        wanted[edge["target"]].append((edge["source"], edge.get("label")))
    written: defaultdict[str, list[tuple[Key, Statement]]] = defaultdict(list)
    for statement in within(draft.root):
        if statement.kind == "edge":
            source, label, target = draft.flow._edges[statement.number][0]
            written[target].append(((source, label), statement))
    for id, site in draft.sites.items():
        _edges_to(draft, id, site, wanted.pop(id, []), written.pop(id, []))
    for target in dict.fromkeys([*wanted, *written]):
        _edges_to_nowhere(draft, target, Counter(wanted.get(target, [])), written.get(target, []))


def _edges_to(draft: Draft, id: str, site: NodeSite, wanted: list[Key], written: list[tuple[Key, Statement]]) -> None:
    need = Counter(wanted)
    now = [_key(draft, number) for number in site.edges]
    left_behind = "after" in site.unread and (id, "after") not in draft.closed
    if Counter(now) + Counter(key for key, _ in written) == need and not left_behind:
        return
    if not Counter(now) - need and not left_behind:
        left = need - Counter(now)
        left = _keep(draft, written, left)
        if not left:
            return
        need = Counter(now) + left
    else:
        need = _keep(draft, written, need)
    _follow(draft, id, site, [key for key in dict.fromkeys(wanted) for _ in range(need[key])])


def _keep(draft: Draft, written: list[tuple[Key, Statement]], need: Counter[Key]) -> Counter[Key]:
    """Keeps the edges written out that are needed, takes the others out, and gives what is still missing."""
    left = Counter(need)
    for key, statement in written:
        if left[key] > 0:
            left[key] -= 1
        else:
            cut(draft, extent(draft, own(statement)), statement)
    return +left


def _key(draft: Draft, number: int) -> Key:
    (source, label, _), _ = draft.flow._edges[number]
    return source, label


def _follow(draft: Draft, id: str, site: NodeSite, need: list[Key]) -> None:
    """Has a node come after what it shall."""
    start = draft.spans.of(site.statement.cst).start
    before = [key for key in need if _starts_before(draft, key[0], start)]
    for key in need:
        if key not in before:
            _add_edge(draft, key, id)
    draft.at = start
    follows = Counter((end.source, end.label) for end in site.follows)
    there = site.arguments.get("after")
    if there is not None and _in_list(draft, site, there, before, Counter(before) == follows):
        return
    if Counter(before) == follows:
        if there is not None:
            change_argument(draft, site.statement.call, site, "after", None)
        return
    ends = [_end(draft, key) for key in before]
    change_argument(draft, site.statement.call, site, "after", ends[0] if len(ends) == 1 else f"[{', '.join(ends)}]")


def _in_list(draft: Draft, site: NodeSite, node: Any, wanted: list[Key], is_usual: bool) -> bool:
    """Changes a list of what a node comes after, element by element; False where that is no list of its own."""
    now = [_key(draft, number) for number in site.edges]
    is_list = isinstance(node, cst.List) and len(node.elements) == len(now) and "after" not in site.unread
    if not is_list or (is_usual and not has_comments(draft, node)):
        return False
    items, left = items_of(draft, node), Counter(wanted)
    for number, key in enumerate(now):
        left[key] -= 1
        if left[key] < 0:
            items.remove(number)
    for key in (+left).elements():
        items.add(_end(draft, key))
    draft.made += items.splices()
    return True


def _starts_before(draft: Draft, id: str, at: int) -> bool:
    site = draft.sites.get(id)
    return site is not None and draft.spans.of(site.statement.cst).start < at


def _end(draft: Draft, key: Key) -> str:
    source, label = key
    site = draft.sites[source]
    if label is None:
        return draft.name_of(site) or literal(source)
    name = draft.ensure_name(site)
    return f"{name}.then" if label == "then" else f"{name}.via({literal(label)})"


def _add_edge(draft: Draft, key: Key, target: str) -> None:
    tail = next((one for one in draft.root.body if one.kind == "layout"), None)
    point = point_before(draft, tail) if tail is not None else point_behind(draft, draft.root.body[-1])
    draft.at = point.offset
    given: list[Given] = [(None, as_is(draft.refer(key[0]))), (None, as_is(draft.refer(target)))]
    if key[1] is not None:
        given.append((None, as_is(literal(key[1]))))
    put(draft, as_lines(draft, call_text(point.indent, f"{draft.root.name}.edge", given, point.indent, "")), point)


def _edges_to_nowhere(draft: Draft, target: str, need: Counter[Key], written: list[tuple[Key, Statement]]) -> None:
    for key in _keep(draft, written, need).elements():
        _add_edge(draft, key, target)
