"""Edits of a flow's file, as an editor makes them: on the graph, written into the text.

An edit is a JSON object; `op` says which:

    {"op": "set", "node": "charge", "field": "data/url", "value": "https://…"}      no `value`: the field goes
    {"op": "set", "field": "metadata/name", "value": "Orders"}                       of the artifact, or around it
    {"op": "condition", "node": "paid", "label": "yes", "value": "{{charge.ok}}"}    of a branch's arm, a loop, an Exit
    {"op": "rename", "node": "charge", "to": "payment"}                              the id, and all references to it
    {"op": "add", "node": {…}, "after": "charge"}                                    or `before`, or `into` and `label`
    {"op": "move", "node": "charge", "after": "paid"}                                likewise
    {"op": "remove", "node": "charge"}                                               with what stands in it
    {"op": "connect", "source": "a", "target": "b", "label": "then"}                 an edge; `label` may be absent
    {"op": "disconnect", "source": "a", "target": "b", "label": "then"}
    {"op": "replace", "document": {…}}                                               whatever leads to this document

What stands after a container stands where its arms have met. A node that goes leaves its predecessors connected with
its successors; one that is added or moved takes over the edges of the place that it comes to.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stepwell.diagnostics import Diagnostic
from stepwell.diagnostics import codes as c
from stepwell.flow.forms import edge_id
from stepwell.flow.reader import Files, NodeSite, Reading, read
from stepwell.flow.rewrite import Key, Move, Plan, Updated, update
from stepwell.flow.rewrite.statements import within
from stepwell.flow.writer import cleaned, readable
from stepwell.graph.expressions import Reference, Scanner
from stepwell.graph.faults import did_you_mean, shortened

Json = dict[str, Any]
_FIELDS: Final = ("name", "type", "data", "config", "position", "version", "provider")
_PLACES: Final = ("after", "before", "into")


class BadEdit(Exception):
    """An edit that makes no sense for the graph; the message says why."""


@dataclass(frozen=True)
class Applied:
    """The changed text with the document that it says and what was found in it.

    `text` is None where an edit could not be made; then nothing is changed, and the first diagnostic says why.
    """

    text: str | None
    document: Json | None
    diagnostics: tuple[Diagnostic, ...]


def apply(text: str, edits: Iterable[Mapping[str, Any]], *, files: Files | None = None) -> Applied:
    """The text of a flow's file after edits, one after the other.

    Only the lines that an edit is about change. Code that is not understood is kept, and is not touched.
    """
    reading = read(text, files=files)
    for number, edit in enumerate(edits, 1):
        done = edited(reading, edit)
        if done.reading is None:
            found = [Diagnostic(d.code, f"Edit {number}: {d.message}", place=d.place) for d in done.diagnostics]
            return Applied(None, None, (*found, *reading.diagnostics))
        reading = done.reading
    return Applied(reading.mark + reading.text, reading.document, reading.diagnostics)


def edited(reading: Reading, edit: Mapping[str, Any]) -> Updated:
    """One edit of a flow that was read."""
    if reading.document is None:
        message = "There is no workflow in the file that could be changed."
        return Updated(None, None, (Diagnostic(c.FLOW_EDIT, message),))
    try:
        target, plan = _Graph(reading).after(edit)
    except BadEdit as bad:
        return Updated(None, None, (Diagnostic(c.FLOW_EDIT, str(bad)),))
    return update(reading, target, plan)


def rewritten(reading: Reading, document: Mapping[str, Any]) -> Updated:
    """A flow's file that says what some tool has made of its document.

    Nodes that only have another id are known by their place. Ids of edges that the file does not say follow from the
    edges, and the order of nodes and edges from the statements.
    """
    graph = _Graph(reading)
    before = graph.artifact["nodes"]
    graph.take(document)
    renamed = _renamed(before, graph.artifact["nodes"])
    return update(reading, graph.document, Plan(renamed=renamed, exact=False))


def _renamed(now: Sequence[Json], then: Sequence[Json]) -> dict[str, str]:
    """Ids that became others, where a node stands as it stood."""
    gone, new = {n["id"] for n in now} - {n["id"] for n in then}, {n["id"] for n in then} - {n["id"] for n in now}
    return {
        a["id"]: b["id"]
        for a, b in zip(now, then, strict=False)
        if a["id"] in gone and b["id"] in new and a["type"] == b["type"]
    }


def target_of(reading: Reading, edit: Mapping[str, Any]) -> Json:
    """The document that a flow says after an edit. Raises `BadEdit`."""
    return _Graph(reading).after(edit)[0]


class _Graph:
    """The graph of a reading, to be changed by one edit."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.document = copy.deepcopy(cleaned(reading.document))
        self.artifact: Json = self.document.get("ir", self.document)
        self.nodes: dict[str, Json] = {node["id"]: node for node in self.artifact["nodes"]}
        self.sites: dict[str, NodeSite] = {str(site.handle.id): site for site in reading.sites}
        self._free_ids()

    def take(self, document: Mapping[str, Any]) -> None:
        """Another document in the place of this one."""
        self.document = copy.deepcopy(cleaned(document))
        self.artifact = self.document.get("ir", self.document)
        self._free_ids()
        self._name_edges()

    def _free_ids(self) -> None:
        """Ids of edges that the file does not say follow from the edges."""
        assert self.reading.flow is not None
        chosen = {id for id, _ in self.reading.flow._listed}
        chosen |= {id for _, id in self.reading.flow._edges if id is not None}
        for edge in self.artifact["edges"]:
            if edge["id"] not in chosen:
                edge["id"] = None

    def after(self, edit: Mapping[str, Any]) -> tuple[Json, Plan]:
        """The document after an edit, and how its text gets there."""
        op = edit.get("op") if isinstance(edit, Mapping) else None
        do = _OPS.get(op) if isinstance(op, str) else None
        if do is None:
            meant = did_you_mean(op, _OPS)
            raise BadEdit(f"`op` is one of {', '.join(_OPS)}." + (f" Did you mean `{meant}`?" if meant else ""))
        unknown = sorted(set(edit) - _KEYS[str(op)])
        if unknown:
            raise BadEdit(f"`{unknown[0]}` is no key of the edit `{op}`; it has {', '.join(sorted(_KEYS[str(op)]))}.")
        plan = do(self, edit)
        self._name_edges()
        return self.document, plan

    def _name_edges(self) -> None:
        taken = {edge["id"] for edge in self.artifact["edges"] if edge["id"] is not None}
        for edge in self.artifact["edges"]:
            if edge["id"] is None:
                edge["id"] = edge_id(edge["source"], edge["target"], edge.get("label"), taken)

    # -- what an edit names --------------------------------------------------------------------------

    def _node(self, edit: Mapping[str, Any], key: str = "node") -> str:
        id = edit.get(key)
        if not isinstance(id, str) or id not in self.nodes:
            meant = did_you_mean(id, self.nodes)
            raise BadEdit(f"There is no node `{shortened(str(id))}`." + (f" Did you mean `{meant}`?" if meant else ""))
        return id

    def _place(self, edit: Mapping[str, Any]) -> tuple[str, str, str | None] | None:
        """Where a node is to stand: how, at which other one, in which arm."""
        told = [word for word in _PLACES if edit.get(word) is not None]
        if len(told) > 1:
            raise BadEdit(f"A place is one of {', '.join(_PLACES)}, not several.")
        if not told:
            return None
        label = edit.get("label")
        if label is not None and not isinstance(label, str):
            raise BadEdit("A label is text.")
        return told[0], self._node(edit, told[0]), label

    # -- fields ----------------------------------------------------------------------------------------

    def set_field(self, edit: Mapping[str, Any]) -> Plan:
        path = edit.get("field")
        parts = path.strip("/").split("/") if isinstance(path, str) else path
        if not isinstance(parts, Sequence) or not parts or not all(isinstance(p, str) and p for p in parts):
            raise BadEdit("`field` is a path such as `data/url`.")
        parts = [part.replace("~1", "/").replace("~0", "~") for part in parts]
        if edit.get("node") is None:
            self._set(self._holder(parts[0]), parts, edit)
            return Plan(exact=False)
        node = self.nodes[self._node(edit)]
        if parts[0] not in _FIELDS:
            raise BadEdit(f"A node has no field `{shortened(parts[0])}` that is set; it has {', '.join(_FIELDS)}.")
        self._set(node, parts, edit)
        if not _is_named(node, "name", "type"):
            raise BadEdit("A node has a name and a type, which are text.")
        return Plan(exact=False)

    def _holder(self, key: str) -> Json:
        if key in ("metadata", "trigger", "entryNodeId"):
            return self.artifact
        if key in ("triggerCode", "dependencies", "envVars", "deployConfig"):
            if self.document is self.artifact:
                self.document = {"ir": self.artifact}
            return self.document
        raise BadEdit(f"`{shortened(key)}` is nothing that is set of a graph.")

    def _set(self, holder: Any, parts: Sequence[str], edit: Mapping[str, Any]) -> None:
        for part in parts[:-1]:
            if isinstance(holder, list):
                holder = holder[self._index(holder, part, 0)]
            else:
                inner = holder.get(part) if isinstance(holder, dict) else None
                if inner is None and isinstance(holder, dict) and "value" in edit:
                    inner = holder[part] = {}
                holder = inner
            if not isinstance(holder, dict | list):
                raise BadEdit(f"`{shortened('/'.join(parts))}` leads nowhere.")
        self._put(holder, parts[-1], edit)

    def _put(self, holder: Any, key: str, edit: Mapping[str, Any]) -> None:
        there = "value" in edit
        if isinstance(holder, list):
            index = self._index(holder, key, 1 if there else 0)
            holder[index : index + 1] = [copy.deepcopy(edit["value"])] if there else []
        elif there:
            holder[key] = copy.deepcopy(edit["value"])
        else:
            holder.pop(key, None)

    def _index(self, holder: list[Any], part: str, more: int) -> int:
        if not part.isdecimal() or len(part) > 9 or int(part) >= len(holder) + more:
            raise BadEdit(f"A list has no element `{shortened(part)}`.")
        return int(part)

    def condition(self, edit: Mapping[str, Any]) -> Plan:
        node, value = self.nodes[self._node(edit)], edit.get("value")
        if not isinstance(value, str):
            raise BadEdit("A condition is text.")
        data = node.setdefault("data", {})
        if node["type"] != "branch":
            if node["type"] not in ("loop", "break"):
                raise BadEdit("A branch, a while loop and an Exit have conditions; this node has none.")
            data["condition"] = value
            return Plan(exact=False)
        told = [arm for arm in data.get("branches", []) if isinstance(arm, dict)]
        arms = [arm for arm in told if arm.get("label") == edit.get("label")]
        if not arms:
            raise BadEdit(f"The branch has no arm `{shortened(str(edit.get('label')))}`.")
        arms[0]["condition"] = value
        return Plan(exact=False)

    # -- ids ---------------------------------------------------------------------------------------------

    def rename(self, edit: Mapping[str, Any]) -> Plan:
        old, new = self._node(edit), edit.get("to")
        if not isinstance(new, str) or not new:
            raise BadEdit("`to` is the new id.")
        if new == old:
            return Plan(exact=False)
        if new in self.nodes:
            raise BadEdit(f"There is a node `{shortened(new)}` already.")
        rewritten = _Renamed(self.nodes, old, new)
        for node in self.nodes.values():
            if isinstance(node.get("data"), dict):
                node["data"] = rewritten.value(node["data"])
        self.nodes[old]["id"] = new
        for edge in self.artifact["edges"]:
            for key in ("source", "target"):
                edge[key] = new if edge[key] == old else edge[key]
        if self.artifact["entryNodeId"] == old:
            self.artifact["entryNodeId"] = new
        return Plan(renamed={old: new}, exact=False)

    # -- nodes -------------------------------------------------------------------------------------------

    def add(self, edit: Mapping[str, Any]) -> Plan:
        node = edit.get("node")
        if not isinstance(node, Mapping) or not _is_named(node, "id", "type", "name"):
            raise BadEdit("`node` is an object with an `id`, a `type` and a `name`.")
        if node["id"] in self.nodes:
            raise BadEdit(f"There is a node `{shortened(node['id'])}` already.")
        place = self._place(edit)
        assert self.reading.flow is not None
        made = {"data": {}, **self.reading.flow._defaults, **copy.deepcopy(dict(node))}
        self.artifact["nodes"].append(made)
        self.nodes[made["id"]] = made
        if place is None:
            return Plan(exact=False)
        out: list[Key] = [(made["id"], "then" if made["type"] in _CONTAINERS else None)]
        if made["type"] == "break" and not (made.get("data") or {}).get("condition"):
            out = []
        self._insert(made["id"], out, place, {made["id"]})
        return Plan(exact=False)

    def remove(self, edit: Mapping[str, Any]) -> Plan:
        region = self._region(self._node(edit))
        if len(region) == len(self.nodes):
            raise BadEdit("A workflow has at least one node, so the last one stays.")
        self._detach(str(edit["node"]), region)
        gone = [edge for edge in self.artifact["edges"] if edge["source"] in region or edge["target"] in region]
        self._without(gone)
        self.artifact["nodes"] = [node for node in self.artifact["nodes"] if node["id"] not in region]
        if self.artifact["entryNodeId"] in region:
            self.artifact["entryNodeId"] = self.artifact["nodes"][0]["id"]
        return Plan(exact=False)

    def move(self, edit: Mapping[str, Any]) -> Plan:
        id, place = self._node(edit), self._place(edit)
        if place is None:
            raise BadEdit(f"Say where to: {', '.join(_PLACES)}.")
        region = self._region(id)
        if place[1] in region:
            raise BadEdit("A node cannot be moved to where it stands itself.")
        ends = self._detach(id, region)
        self._insert(id, ends, place, region)
        return Plan(move=Move(id, *place), exact=False)

    def _region(self, id: str) -> set[str]:
        """A node with all that stands in it in the file."""
        inside = [one for one in within(self.sites[id].statement) if one.kind == "node"]
        return {id, *(str(self.reading.sites[one.number].handle.id) for one in inside)}

    def _leaving(self, region: set[str]) -> list[Json]:
        return [e for e in self.artifact["edges"] if e["source"] in region and e["target"] not in region]

    def _without(self, edges: Iterable[Json]) -> None:
        gone = {id(edge) for edge in edges}
        self.artifact["edges"] = [edge for edge in self.artifact["edges"] if id(edge) not in gone]

    def _link(self, key: Key, target: str) -> None:
        source, label = key
        for edge in self.artifact["edges"]:
            if (edge["source"], edge.get("label"), edge["target"]) == (source, label, target):
                return
        edge = {"id": None, "source": source, "target": target}
        self.artifact["edges"].append(edge if label is None else {**edge, "label": label})

    def _detach(self, id: str, region: set[str]) -> list[Key]:
        """Connects what leads to a node with what it leads to. Gives the ways out that it has now."""
        coming = [e for e in self.artifact["edges"] if e["target"] == id and e["source"] not in region]
        leaving = self._leaving(region)
        targets = list(dict.fromkeys(edge["target"] for edge in leaving))
        self._without([*coming, *leaving])
        for edge in coming:
            for target in targets:
                self._link((edge["source"], edge.get("label")), target)
        if self.artifact["entryNodeId"] == id and targets:
            self.artifact["entryNodeId"] = targets[0]
        return list(dict.fromkeys((e["source"], e.get("label")) for e in leaving)) or self._ends(id)

    def _ends(self, id: str) -> list[Key]:
        site = self.sites.get(id)
        return [] if site is None else [(end.source, end.label) for end in site.handle._ends()]

    def _insert(self, id: str, out: list[Key], place: tuple[str, str, str | None], region: set[str]) -> None:
        """Puts a node, which has no edges outside of its region, in at a place."""
        where, anchor, label = place
        if where == "after":
            around = self._region(anchor) - region
            moved = self._leaving(around)
            keys = list(dict.fromkeys((e["source"], e.get("label")) for e in moved))
            keys = keys or [key for key in self._ends(anchor) if key[0] not in region]
        elif where == "before":
            around = self._region(anchor) - region
            moved = [e for e in self.artifact["edges"] if e["target"] == anchor and e["source"] not in around]
            keys = list(dict.fromkeys((e["source"], e.get("label")) for e in moved))
        else:
            if self.nodes[anchor]["type"] not in _CONTAINERS:
                raise BadEdit(f"`{shortened(anchor)}` has no arms.")
            label = "body" if label is None and self.nodes[anchor]["type"] == "loop" else label
            moved = [e for e in self.artifact["edges"] if (e["source"], e.get("label")) == (anchor, label)]
            keys = [(anchor, label)]
            if self.nodes[anchor]["type"] in ("parallel", "race"):
                self._add_arm(id, out, keys[0], region)
                return
        targets = [anchor] if where == "before" else list(dict.fromkeys(edge["target"] for edge in moved))
        self._without(moved)
        for key in keys:
            self._link(key, id)
        for key in out:
            for target in targets:
                self._link(key, target)
        if where == "before" and self.artifact["entryNodeId"] == anchor:
            self.artifact["entryNodeId"] = id

    def _add_arm(self, id: str, out: list[Key], key: Key, region: set[str]) -> None:
        """A new arm of a parallel or a race, which leads to where the others do."""
        leaving = self._leaving(self._region(key[0]) - region)
        targets = [e["target"] for e in leaving if (e["source"], e.get("label")) != (key[0], "then")]
        self._link(key, id)
        for end in out:
            for target in dict.fromkeys(targets):
                self._link(end, target)

    # -- edges -------------------------------------------------------------------------------------------

    def connect(self, edit: Mapping[str, Any]) -> Plan:
        edge = {"id": edit.get("id"), "source": self._node(edit, "source"), "target": self._node(edit, "target")}
        if edge["id"] is not None and not (isinstance(edge["id"], str) and edge["id"]):
            raise BadEdit("An edge's id is text.")
        if edit.get("label") is not None:
            edge["label"] = str(edit["label"])
        if any(edge["id"] is not None and one["id"] == edge["id"] for one in self.artifact["edges"]):
            raise BadEdit(f"There is an edge `{shortened(str(edge['id']))}` already.")
        self.artifact["edges"].append(edge)
        return Plan(exact=False)

    def disconnect(self, edit: Mapping[str, Any]) -> Plan:
        wanted = (edit.get("source"), edit.get("label"), edit.get("target"))
        for edge in self.artifact["edges"]:
            if (edge["source"], edge.get("label"), edge["target"]) == wanted:
                self._without([edge])
                return Plan(exact=False)
        raise BadEdit("There is no such edge.")

    # -- all of it ---------------------------------------------------------------------------------------

    def replace(self, edit: Mapping[str, Any]) -> Plan:
        wanted, found = readable(edit.get("document"))
        if wanted is None:
            raise BadEdit(f"The document cannot be read: {found[0].message}")
        self.document, self.artifact = wanted, wanted.get("ir", wanted)
        return Plan()


_CONTAINERS: Final = frozenset({"branch", "parallel", "race", "loop", "try_catch"})
_OPS: Final[dict[str, Callable[[_Graph, Mapping[str, Any]], Plan]]] = {
    "set": _Graph.set_field,
    "condition": _Graph.condition,
    "rename": _Graph.rename,
    "add": _Graph.add,
    "move": _Graph.move,
    "remove": _Graph.remove,
    "connect": _Graph.connect,
    "disconnect": _Graph.disconnect,
    "replace": _Graph.replace,
}
_KEYS: Final[dict[str, frozenset[str]]] = {
    "set": frozenset({"op", "node", "field", "value"}),
    "condition": frozenset({"op", "node", "label", "value"}),
    "rename": frozenset({"op", "node", "to"}),
    "add": frozenset({"op", "node", "label", *_PLACES}),
    "move": frozenset({"op", "node", "label", *_PLACES}),
    "remove": frozenset({"op", "node"}),
    "connect": frozenset({"op", "source", "target", "label", "id"}),
    "disconnect": frozenset({"op", "source", "target", "label"}),
    "replace": frozenset({"op", "document"}),
}


def _is_named(node: Mapping[str, Any], *keys: str) -> bool:
    return all(isinstance(node.get(key), str) and node[key] for key in keys)


class _Renamed:
    """References to a node under its new id."""

    def __init__(self, ids: Iterable[str], old: str, new: str) -> None:
        self.scanner, self.old, self.new = Scanner(frozenset(ids)), old, new

    def value(self, value: Any) -> Any:
        """A JSON value with its references changed."""
        if isinstance(value, str):
            return self.text(value) if "{{" in value else value
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        """A text with its references changed."""
        parts, at = [], 0
        for found in self.scanner.scan(text)[0]:
            if isinstance(found, Reference):
                for start in self._roots(text, found):
                    parts += [text[at:start], self.new]
                    at = start + len(self.old)
        return "".join([*parts, text[at:]])

    def _roots(self, text: str, found: Reference) -> Iterable[int]:
        at, here = found.start + 2, found
        while True:
            start = text.index(here.root, at)
            if here.root == self.old:
                yield start
            if not isinstance(here.default, Reference):
                return
            at = text.index("??", start + len(here.root)) + 2
            here = here.default
