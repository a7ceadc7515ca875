"""Changes what an editor keeps: positions, the order of nodes and edges, the ids of edges."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

import libcst as cst

from stepwell.flow.forms import edge_id
from stepwell.flow.phrases import literal
from stepwell.flow.reader import NodeSite, Reading, entries
from stepwell.flow.rewrite.calls import Arguments, change_argument, change_call, indent_of_arguments
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.lines import cut, put
from stepwell.flow.rewrite.plan import Json
from stepwell.flow.rewrite.printing import as_is, as_lines
from stepwell.flow.rewrite.statements import extent, own, point_behind, within
from stepwell.flow.rewrite.syntax import text_of
from stepwell.flow.rewrite.values import has_comments, items_of, outer
from stepwell.flow.splices import Splice
from stepwell.flow.writer import Given, call_text


def place_node(draft: Draft, site: NodeSite, position: Json | None) -> None:
    """Writes the position of a node where the file keeps it, or takes it out."""
    id = str(site.handle.id)
    text = None if position is None else draft.printer.values.position(position)("")
    positions = _layout_literal(draft, "positions", cst.Dict)
    if "at" in site.arguments:
        change_argument(draft, site.statement.call, site, "at", text)
    elif positions is not None:
        _in_positions(draft, positions, id, text)
    elif text is not None:
        change_argument(draft, site.statement.call, site, "at", text)


def _in_positions(draft: Draft, positions: Any, id: str, text: str | None) -> None:
    items = items_of(draft, positions)
    there = {key: (number, value) for number, (key, value) in enumerate(entries(positions))}
    if id in there and text is not None:
        span = outer(draft, there[id][1])
        draft.made.append(Splice(span.start, span.end, text))
    elif id in there:
        items.remove(there[id][0])
        draft.made += items.splices()
    elif text is not None:
        items.add(f"{literal(id)}: {text}")
        draft.made += items.splices()


def change_layout(draft: Draft) -> None:
    """The order of nodes and edges, and the ids of edges: what the statements do not say."""
    changes: dict[str, str | None] = {}
    call = draft.reading.layout.get("")
    indent = indent_of_arguments(draft, call) if call is not None else draft.step * 2
    order = _order(draft)
    if order is not None:
        changes["order"] = draft.printer.text(order)(indent) if order else None
    edges = _edge_rows(draft)
    if edges is not None:
        node = _layout_literal(draft, "edges", cst.List)
        rows = [[row[k] for k in ("id", "source", "target", "label") if k in row] for row in edges]
        if node is not None and (rows or has_comments(draft, node)):
            _rows(draft, node, rows)
        else:
            changes["edges"] = draft.printer.values.edges(edges)(indent) if edges else None
    if changes and call is not None:
        change_call(draft, call, changes, _layout_site(draft.reading))
    elif any(text is not None for text in changes.values()):
        given: list[Given] = [(param, as_is(text)) for param, text in changes.items() if text is not None]
        point = point_behind(draft, draft.root.body[-1])
        statement = call_text(point.indent, f"{draft.root.name}.layout", given, point.indent, "")
        put(draft, as_lines(draft, statement), point)


def _order(draft: Draft) -> list[str] | None:
    wanted = [node["id"] for node in draft.artifact["nodes"]]
    if not draft.plan.exact or [node["id"] for node in draft.now_artifact["nodes"]] == wanted:
        return None
    return [] if draft.ids == wanted else wanted


def _edge_rows(draft: Draft) -> list[Json] | None:
    """The edges that the layout shall list; None: those that it lists."""
    now, wanted = draft.now_artifact["edges"], draft.artifact["edges"]
    if now == wanted if draft.plan.exact else _edge_set(now) == _edge_set(wanted):
        return None
    if draft.plan.exact:
        return [] if _default_edges(draft) == wanted else list(wanted)
    listed = {id for id, _ in draft.flow._listed}
    usual = _edge_set(_default_edges(draft))
    return [e for e in wanted if e["id"] in listed or not _edge_set([e]) <= usual]


def _default_edges(draft: Draft) -> list[Json]:
    taken: set[str] = set()
    rows = []
    for (source, label, target), id in draft.flow._edges:
        row = {"id": id or edge_id(source, target, label, taken), "source": source, "target": target}
        rows.append(row if label is None else {**row, "label": label})
    return rows


def _rows(draft: Draft, node: Any, rows: list[list[str]]) -> None:
    old = [[text_of(part.value) for part in one.value.elements] for one in node.elements]
    items = items_of(draft, node)
    a, b = [tuple(row) for row in old], [tuple(row) for row in rows]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag in ("replace", "delete"):
            for n in range(i1, i2):
                items.remove(n)
        if tag in ("replace", "insert"):
            for m in range(j1, j2):
                items.add(f"({', '.join(map(literal, rows[m]))})", i2 - 1)
    draft.made += items.splices()


def rename_in_layout(draft: Draft, old: str, new: str) -> None:
    """Writes the new id of a node wherever the layout names it."""
    positions = _layout_literal(draft, "positions", cst.Dict)
    for element in positions.elements if positions is not None else ():
        _replace_text(draft, getattr(element, "key", None), old, new)
    order = _layout_literal(draft, "order", cst.List)
    for element in order.elements if order is not None else ():
        _replace_text(draft, element.value, old, new)
    edges = _layout_literal(draft, "edges", cst.List)
    for element in edges.elements if edges is not None else ():
        row = element.value
        for part in row.elements[1:3] if isinstance(row, cst.Tuple | cst.List) else ():
            _replace_text(draft, part.value, old, new)


def _replace_text(draft: Draft, node: Any, old: str, new: str) -> None:
    if text_of(node) == old:
        span = draft.spans.of(node)
        quote = node.value[0] if node.value[0] in "'\"" else '"'
        draft.made.append(Splice(span.start, span.end, literal(new, quote)))


def _layout_literal(draft: Draft, param: str, kind: type) -> Any:
    node = draft.reading.layout.get(param)
    return node if isinstance(node, kind) else None


def forget_in_layout(draft: Draft, gone: set[str]) -> None:
    """Takes out what the layout says of nodes that go; what is empty then goes with it."""
    emptied = [param for param in ("positions", "order", "edges") if _drop(draft, param, gone)]
    call = draft.reading.layout.get("")
    if call is None or not emptied:
        return
    statement = next(one for one in within(draft.root) if one.call is call)
    if len(emptied) == len(call.args) and not has_comments(draft, call):
        cut(draft, extent(draft, own(statement)), statement)
    else:
        change_call(draft, call, dict.fromkeys(emptied), _layout_site(draft.reading))


def _drop(draft: Draft, param: str, gone: set[str]) -> bool:
    """Takes elements out of a part of the layout; True, and nothing done, where none would be left."""
    node = draft.reading.layout.get(param)
    if not isinstance(node, cst.Dict | cst.List):
        return False
    numbers = [n for n, one in enumerate(node.elements) if not gone.isdisjoint(_named_in(param, one))]
    if numbers and len(numbers) == len(node.elements) and not has_comments(draft, node):
        return True
    items = items_of(draft, node)
    for number in numbers:
        items.remove(number)
    draft.made += items.splices()
    return False


def _layout_site(reading: Reading) -> Any:
    return Arguments({key: node for key, node in reading.layout.items() if key})


def _named_in(param: str, element: Any) -> list[str | None]:
    """The ids of nodes that an element of the layout is about."""
    if param == "positions":
        return [text_of(getattr(element, "key", None))]
    if param == "order":
        return [text_of(element.value)]
    row = element.value
    return [text_of(part.value) for part in row.elements[1:3]] if isinstance(row, cst.Tuple | cst.List) else []


def _edge_set(edges: Iterable[Json]) -> set[tuple[str, str, str, str | None]]:
    return {(e["id"], e["source"], e["target"], e.get("label")) for e in edges}
