"""What an edit gives, and what all edits share: a copy is changed, looked at, and taken or refused."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from stepwell.check.values import CodeValue, uses_of, walk
from stepwell.compiler import check
from stepwell.diagnostics import Diagnostic, Severity, pointer
from stepwell.diagnostics import codes as c
from stepwell.editor.changes import Change, changes
from stepwell.editor.draft import Draft, draft
from stepwell.editor.plain import plain
from stepwell.editor.text import retext
from stepwell.graph.faults import shown
from stepwell.graph.nodes import Nodes
from stepwell.graph.placed import Placed

Json = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Edited:
    """An edit that was made. `document` is JSON text where text was given, else a value; what was given is as it was.

    `findings` are those of the new document. `extracted` is the document of a sub-workflow, in the same form.
    """

    document: Any
    changes: tuple[Change, ...]
    findings: tuple[Diagnostic, ...]
    extracted: Any = None

    @property
    def ok(self) -> Literal[True]:
        return True

    def to_json(self) -> Json:
        """The same as JSON values."""
        return {"ok": True, **plain(self)}


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that was not made, and why."""

    findings: tuple[Diagnostic, ...]

    @property
    def ok(self) -> Literal[False]:
        return False

    def to_json(self) -> Json:
        """The same as JSON values."""
        return {"ok": False, **plain(self)}


Result = Edited | Refused


class Refusal(Exception):
    """Raised inside an edit that cannot be made."""

    def __init__(self, *findings: Diagnostic) -> None:
        super().__init__(findings[0].message if findings else "")
        self.findings = findings


def refuse(message: str, node_id: str | None = None, hint: str | None = None, at: str = "") -> Refusal:
    """The refusal with one finding."""
    return Refusal(Diagnostic(c.EDIT, message, at, node_id, hint))


class Edit:
    """A document that is being changed: `made` is what it was, `value` the copy, `artifact` the graph in that."""

    def __init__(self, document: object, known: Nodes | None) -> None:
        made = draft(document, known)
        if made is None:
            raise Refusal(*_unreadable(document))
        self.given, self.made, self.known = document, made, known
        self.value: Json = copy.deepcopy(made.value)
        self.artifact: Json = self.value["ir"] if made.base else self.value
        self.extracted: Json | None = None
        self.renamed: dict[str, str] = {}
        """Ids that are new, and what they were."""

    @property
    def nodes(self) -> list[Any]:
        found: list[Any] = self.artifact["nodes"]
        return found

    @property
    def edges(self) -> list[Any]:
        """The edges; a list of them is made where there is none."""
        if not isinstance(self.artifact.get("edges"), list):
            self.artifact["edges"] = []
        found: list[Any] = self.artifact["edges"]
        return found

    def node(self, node_id: str) -> Json:
        """A node of the copy. Raises `UnknownNode`."""
        found: Json = self.nodes[self.made.vertex(node_id)]
        return found

    def edge_ids(self) -> set[str]:
        return {str(edge.get("id")) for edge in self.edges if isinstance(edge, dict)}

    def done(self, keep: Callable[[Draft, Draft], Iterable[Diagnostic]] | None = None) -> Edited:
        """The edit, when it makes no new errors and `keep` has nothing against it. Raises `Refusal`."""
        wrong = _new_errors(self.check(self.made.value), self.check(self.value))
        refused = [self._told(one) for one in wrong]
        after = draft(self.value, self.known)
        if after is not None and keep is not None and not refused:
            refused += keep(self.made, after)
        if refused:
            raise Refusal(*refused)
        document: Any = self.value
        if isinstance(self.given, str):
            document = retext(self.given, self.made.value, self.value)
        extracted = self._extracted()
        return Edited(document, tuple(changes(self.made.value, self.value)), tuple(self.check(document)), extracted)

    def _told(self, error: Diagnostic) -> Diagnostic:
        """An error of the new document, which nobody gets to see, told of the given one: the node, and its place there.

        What is not there yet, and what stands elsewhere than before, has no pointer.
        """
        number = self._number(error.pointer)
        was = None if number is None else self._was(self.nodes[number])
        if number is not None and was is not None:
            return self._told_of(error, was, number)
        moved = error.pointer.removeprefix(self.made.base).startswith(("/nodes", "/edges"))
        return replace(error, pointer="" if moved else error.pointer, place=None)

    def _was(self, node: object) -> int | None:
        """Which node of the given document a node of the copy is; None for a new one."""
        id_ = node.get("id") if isinstance(node, dict) else None
        was = self.made.scope.ids.get(self.renamed.get(id_, id_)) if isinstance(id_, str) else None
        return None if was is None or self.made.is_ours(was) else was

    def _told_of(self, error: Diagnostic, was: int, number: int) -> Diagnostic:
        label, begin = self.made.flow.nodes[was].label, self.made.base + pointer("nodes", was)
        way = error.pointer.removeprefix(self.made.base + pointer("nodes", number))
        there = resolves(self.made.artifact["nodes"][was], way)
        message = error.message if label in error.message else f"{label} would have an error: {error.message}"
        return replace(error, message=message, pointer=begin + way if there else begin, place=None)

    def _number(self, way: str) -> int | None:
        """Which node of the copy a pointer leads into."""
        parts = way.removeprefix(self.made.base).split("/")
        known = len(parts) > 2 and parts[1] == "nodes" and parts[2].isdecimal() and int(parts[2]) < len(self.nodes)
        return int(parts[2]) if known else None

    def check(self, document: object) -> list[Diagnostic]:
        """The findings about a document that may use the same nodes."""
        return check(document, nodes=self.known)

    def _extracted(self) -> Any:
        if self.extracted is None or not isinstance(self.given, str):
            return self.extracted
        import json

        return json.dumps(self.extracted, indent=2, ensure_ascii=False) + "\n"


def ends(edge: object) -> tuple[str, str]:
    """The ids of the nodes that an edge leads from and to; "" for what is no id."""
    given = [edge.get(end) if isinstance(edge, dict) else None for end in ("source", "target")]
    source, target = (end if isinstance(end, str) else "" for end in given)
    return source, target


def attempt(
    document: object, known: Nodes | None, change: Callable[[Edit], Edited], asked: Iterable[str | None] = ()
) -> Result:
    """Makes an edit, or says why not. `known` are the custom nodes that the document may use.

    `asked` are what is wrong with the other arguments: None for each that can be used.
    """
    try:
        for fault in (_no_document(document), _no_nodes(known), *asked):
            if fault is not None:
                raise refuse(fault)
        return change(Edit(document, known))
    except Refusal as refusal:
        return Refused(refusal.findings)


# -- arguments that cannot be used, in words; None where one can be -----------------------------------------


def not_text(name: str, given: object, optional: bool = False) -> str | None:
    if isinstance(given, str) or (optional and given is None):
        return None
    return f"`{name}` is a text, not {shown(given)}"


def not_texts(name: str, given: object) -> str | None:
    """A text is itself a collection of texts, its letters, and never meant so."""
    if isinstance(given, Collection) and not isinstance(given, str | bytes) and all(isinstance(x, str) for x in given):
        return None
    return f"`{name}` is a list of texts, not {shown(given)}"


def not_a_node(given: object) -> str | None:
    return None if isinstance(given, Mapping) else f"a node is an object, not {shown(given)}"


def _no_nodes(given: object) -> str | None:
    if given is None or isinstance(given, Nodes):
        return None
    return "`nodes` are custom nodes as `stepwell.nodes.find(folder).nodes` gives them"


def _no_document(given: object) -> str | None:
    if not isinstance(given, Placed):
        return None
    return (
        "this is a flow's file that was read: `stepwell.flow.apply(text, edits)` changes such a file, and "
        "`stepwell edit` makes this edit in it; its graph alone is edited as `reading.document`"
    )


def _unreadable(document: object) -> list[Diagnostic]:
    errors = [one for one in check(document) if one.severity is Severity.ERROR]
    return errors or [Diagnostic(c.EDIT, "the document holds no graph that could be edited")]


def _new_errors(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Errors that were not there before, also where there were others of their kind."""
    known = Counter((one.code.id, one.node_id, one.message) for one in before)
    kinds = Counter(one.code.id for one in before)
    fresh = []
    for one in (one for one in after if one.severity is Severity.ERROR):
        key = (one.code.id, one.node_id, one.message)
        if known[key]:
            known[key] -= 1
            kinds[one.code.id] -= 1
        else:
            fresh.append(one)
    for one in fresh:
        # What was told before in other words: a message names nodes, and those may have new names.
        if kinds[one.code.id] > 0:
            kinds[one.code.id] -= 1
        else:
            yield one


# -- what fields mean ---------------------------------------------------------------------------------------


Meaning = Counter[tuple[str, str, str, Path]]


def meaning(made: Draft, vertex: int, name_of: Callable[[int], str]) -> Meaning:
    """What the fields of a node read: field, kind of thing, whose (by `name_of` a vertex), and path."""
    return Counter(
        (field, use.kind, name_of(use.vertex) if use.vertex >= 0 else "", path or ())
        for field, value in made.fields[vertex].items()
        for use, path in uses_of(value)
    )


def codes(made: Draft, vertex: int) -> Iterator[CodeValue]:
    """The code of a node's fields, each once."""
    for value in made.fields[vertex].values():
        for part in walk(value):
            if isinstance(part, CodeValue):
                yield part


def users(made: Draft) -> range:
    """The vertices that are the user's nodes."""
    return range(len(made.artifact["nodes"]))


def same_meaning(before: Draft, after: Draft, pairs: Iterable[tuple[int, int]]) -> Iterator[Diagnostic]:
    """Findings about nodes that would read something else than they did: (old, new) vertices of the same nodes."""
    pairs = list(pairs)
    old = {one: str(number) for number, (one, _) in enumerate(pairs)}
    new = {other: str(number) for number, (_, other) in enumerate(pairs)}
    for one, other in pairs:
        was = meaning(before, one, lambda vertex: old.get(vertex, ""))
        now = meaning(after, other, lambda vertex: new.get(vertex, ""))
        if was != now:
            field = next(iter((was - now) | (now - was)))[0]
            yield Diagnostic(
                c.EDIT,
                f"`{field}` of {before.flow.nodes[one].label} would read something else than it does now",
                before.base + pointer("nodes", one, "data"),
                before.flow.nodes[one].id,
                "a name that its code uses would stand for another node; choose another name",
            )


# -- strings and places in them -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spot:
    """Characters [start, end) of the string at `path` in a node's data, and what stands there instead."""

    vertex: int
    path: Path
    start: int
    end: int
    text: str


def strings(data: Any) -> Iterator[tuple[Path, str]]:
    """The strings of a value with their ways, at any depth."""
    stack: list[tuple[Path, Any]] = [((), data)]
    while stack:
        path, here = stack.pop()
        if isinstance(here, str):
            yield path, here
        elif isinstance(here, dict):
            stack.extend(((*path, key), item) for key, item in here.items())
        elif isinstance(here, list):
            stack.extend(((*path, number), item) for number, item in enumerate(here))


def at(data: Any, path: Sequence[str | int]) -> Any:
    """What a way leads to, None where it leads nowhere."""
    for key in path:
        there = isinstance(data, dict) and key in data
        if not there and not (isinstance(data, list) and isinstance(key, int) and key < len(data)):
            return None
        data = data[key]
    return data


def resolves(value: object, way: str) -> bool:
    """Whether a JSON pointer leads to something."""
    for part in way.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return True


def way_of(code: CodeValue, made: Draft, vertex: int) -> Path | None:
    """The way from a node's data to the string that a piece of code stands in; None inside JSON that is text."""
    parts = code.pointer.removeprefix(made.base).split("/")[4:]
    path: Path = ()
    here: Any = made.flow.nodes[vertex].data
    for part in parts:
        key: str | int = part.replace("~1", "/").replace("~0", "~")
        key = int(key) if isinstance(here, list) else key
        path, here = (*path, key), at(here, (key,))
    return path if isinstance(here, str) else None


def apply(nodes: list[Any], spots: Iterable[Spot]) -> None:
    """Writes new texts into the data of nodes."""
    by_place: dict[tuple[int, Path], list[Spot]] = {}
    for spot in dict.fromkeys(spots):
        by_place.setdefault((spot.vertex, spot.path), []).append(spot)
    for (vertex, path), found in by_place.items():
        holder = at(nodes[vertex]["data"], path[:-1])
        text = holder[path[-1]]
        for spot in sorted(found, key=lambda one: one.start, reverse=True):
            text = text[: spot.start] + spot.text + text[spot.end :]
        holder[path[-1]] = text


def usual(nodes: Iterable[object], position: Json) -> Json:
    """What a new node says of its place and its type because the nodes that are there do."""
    said = {key for node in nodes if isinstance(node, dict) for key in node}
    all_of_it: Json = {"position": position, "version": "1.0.0", "provider": "cloudflare"}
    return {key: value for key, value in all_of_it.items() if key in said}


def unused(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or the same with a number behind it that nobody has."""
    known = set(taken)
    name, number = wanted, 2
    while name in known:
        name, number = f"{wanted}_{number}", number + 1
    return name
