"""A checked graph in which the texts of some nodes have changed: these nodes are checked again, and no others.

That is right as long as nothing that the check of other nodes asks of them has changed, which is what `_seen` tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar

from stepwell.check.analysis import Analysis, declared_by, names_of, read_some
from stepwell.check.data import typed_node
from stepwell.check.paths import shapes_of, unknown_paths
from stepwell.check.rules import findings_of, stored_fields, stored_of
from stepwell.check.values import Use, codes_in, uses_of
from stepwell.diagnostics import Diagnostic
from stepwell.graph.edited import same_value
from stepwell.graph.read import Document

Json = Mapping[str, Any]
_Key = TypeVar("_Key", int, str)
Texts = Mapping[str, frozenset[str]]

TEXTS: Texts = {
    "step": frozenset({"code"}),
    "http_request": frozenset({"url", "headers", "queryParams", "body"}),
    "sub_script": frozenset({"url", "headers", "queryParams", "body"}),
    "sleep": frozenset({"duration"}),
    "sleep_until": frozenset({"timestamp"}),
    "branch": frozenset({"branches"}),
    "loop": frozenset({"collection", "condition", "count"}),
    "break": frozenset({"condition"}),
    "sub_workflow": frozenset({"input"}),
}
"""The keys of data that a node's fields are read from and nothing else, by its type (of `branches` the conditions):
flow, regions, settings, names and bindings ask for all others."""


METADATA = frozenset({"description", "version", "createdAt", "updatedAt"})
"""The keys of an artifact's metadata that no check asks for."""


def only_told(old: Json, new: Json) -> bool:
    """Whether two artifacts' metadata differ in what no check asks for at most."""
    return list(old) == list(new) and all(same_value(old[key], new[key]) for key in old if key not in METADATA)


def only_texts(old: Json, new: Json) -> bool:
    """Whether two nodes differ in their positions and texts at most; both are JSON objects."""
    if list(old) != list(new) or not all(
        same_value(old[key], new[key]) for key in old if key not in ("data", "position")
    ):
        return False
    one, other, texts = old.get("data"), new.get("data"), TEXTS.get(old["type"], frozenset())
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return same_value(one, other)
    if list(one) != list(other):
        return False
    return all(same_value(one[key], other[key]) or (key in texts and _same_arms(key, one, other)) for key in one)


def _same_arms(key: str, one: Json, other: Json) -> bool:
    """Whether the arms of branches, if they are what a key holds, differ in their conditions at most."""
    if key != "branches":
        return True
    old, new = one[key], other[key]
    if not (isinstance(new, list) and len(old) == len(new)):
        return False
    return all(
        isinstance(now, dict)
        and list(arm) == list(now)
        and all(same_value(arm[name], now[name]) for name in arm if name != "condition")
        for arm, now in zip(old, new, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads the value of each node, the item of each loop, and a name that the code itself does not declare."""

    of_node: Mapping[int, Set[int]]
    of_item: Mapping[int, Set[int]]
    of_name: Mapping[str, Set[int]]

    def behind(self, vertices: Iterable[int]) -> set[int]:
        """The nodes that may see another form of something when that of some nodes' values has changed."""
        found: set[int] = set()
        waiting = [reader for vertex in vertices for reader in (*self.of_node.get(vertex, ()), vertex)]
        while waiting:
            reader = waiting.pop()
            if reader not in found:
                found.add(reader)
                waiting += self.of_item.get(reader, ())
        return found

    def reading(self, analysis: Analysis, vertices: Sequence[int]) -> Readers:
        """The same with what some nodes read now; that they read something once is not forgotten."""
        now = _readers(analysis, vertices)
        return Readers(
            _joined(self.of_node, now.of_node), _joined(self.of_item, now.of_item), _joined(self.of_name, now.of_name)
        )


def _joined(one: Mapping[_Key, Set[int]], other: Mapping[_Key, Set[int]]) -> Mapping[_Key, Set[int]]:
    return {**one, **{key: one.get(key, frozenset()) | found for key, found in other.items()}}


def readers(analysis: Analysis) -> Readers:
    """Who reads what."""
    return _readers(analysis, range(len(analysis.fields)))


def _readers(analysis: Analysis, vertices: Sequence[int]) -> Readers:
    of_node: dict[int, set[int]] = defaultdict(set)
    of_item: dict[int, set[int]] = defaultdict(set)
    of_name: dict[str, set[int]] = defaultdict(set)
    for vertex in vertices:
        for _, code in analysis.codes[vertex]:
            for name in code.facts.free:
                of_name[name.name].add(vertex)
        for value in analysis.fields[vertex].values():
            for use, _ in uses_of(value):
                if use.kind == "node":
                    of_node[use.vertex].add(vertex)
                elif use.kind == "item":
                    of_item[use.vertex].add(vertex)
    return Readers(of_node, of_item, of_name)


@dataclass(frozen=True, slots=True)
class Checked:
    """Some nodes of an analysis, checked: what was found, in the order of the stages, and the texts of their fields."""

    analysis: Analysis
    found: list[Diagnostic]
    sources: Mapping[str, str]


def checked(analysis: Analysis, document: Document, vertices: Sequence[int]) -> Checked | None:
    """The analysis of a document that differs in the texts of some nodes only; None where one of them has no data.

    With the same document it gives the same analysis, and what is found of these nodes alone.
    """
    found: list[Diagnostic] = []
    typed = list(analysis.typed)
    for vertex in vertices:
        one = typed_node(document, vertex, found)
        if one is None:
            return None
        typed[vertex] = one
    new = copy(analysis)
    new.document, new.typed, new.data = document, typed, [one.data for one in typed]
    new.flow, new.regions = copy(analysis.flow), copy(analysis.regions)
    new.flow.nodes, new.regions.flow = document.source.ir.nodes, new.flow
    new.reach = analysis.reach.over(new.regions, new.data)
    new.scope = analysis.scope.over(new.reach, new.data)
    assert analysis.names is not None
    if any(_declared(analysis, vertex) != _declared(new, vertex) for vertex in vertices):
        new.names = names_of(new.typed, analysis.names.scanner, _is_script(new))
    fields, codes = list(analysis.fields), list(analysis.codes)
    sources: dict[str, str] = {}
    for vertex, read in zip(vertices, read_some(new, vertices, found, sources), strict=True):
        fields[vertex], codes[vertex] = read, codes_in(read)
    new.fields, new.codes, new.sources = fields, codes, {**analysis.sources, **sources}
    if any(_stored(analysis, vertex) != _stored(new, vertex) for vertex in vertices):
        new.stored = stored_fields(new)
    return Checked(new, [*found, *findings_of(new, vertices)], sources)


def unseen(one: Checked, other_: Checked, vertices: Sequence[int], known: Callable[[], Readers]) -> bool:
    """Whether the check of all other nodes comes to the same as before; `known` tells who reads them."""
    old, new = one.analysis, other_.analysis
    if one.sources.keys() != other_.sources.keys():
        return False
    if any(_seen(old, vertex) != _seen(new, vertex) for vertex in vertices):
        return False
    declared = {name for vertex in vertices for name in _declared(old, vertex) ^ _declared(new, vertex)}
    if declared and any(known().of_name.get(name, frozenset()) - set(vertices) for name in declared):
        return False
    before, now = shapes_of(old), shapes_of(new)
    other = [
        vertex
        for vertex in vertices
        if before.of_node(vertex) != now.of_node(vertex)
        or before.of_use(Use("item", vertex)) != now.of_use(Use("item", vertex))
    ]
    behind = sorted(known().behind(other).difference(vertices)) if other else []
    return not behind or list(unknown_paths(old, behind)) == list(unknown_paths(new, behind))


def _seen(analysis: Analysis, vertex: int) -> object:
    """What the check of other nodes asks of a node's texts, apart from the form of its value and what it declares."""
    return list(analysis.fields[vertex]), _stored(analysis, vertex)


def _stored(analysis: Analysis, vertex: int) -> dict[str, str]:
    """The fields of a node that have steps of their own: the names of all steps depend on that."""
    return {} if _is_script(analysis) else stored_of(analysis.fields[vertex])


def _declared(analysis: Analysis, vertex: int) -> frozenset[str]:
    """The names that a node's body declares, and that others could take for theirs."""
    assert analysis.names is not None
    return declared_by(analysis.typed[vertex], analysis.names.scanner, _is_script(analysis))


def _is_script(analysis: Analysis) -> bool:
    return analysis.document.source.ir.kind == "script"
