"""Moves a part of a graph into a workflow of its own, which the graph then starts and waits for."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from stepwell.check.naming import EXPORT_PREFIX, export_name, identifier_of
from stepwell.check.paths import dotted
from stepwell.check.regions import ROOT, must
from stepwell.check.values import NamedUse, Use, uses_of
from stepwell.diagnostics import Diagnostic, Severity
from stepwell.editor.draft import Draft
from stepwell.editor.edits import (
    Edit,
    Edited,
    Json,
    Path,
    Result,
    Spot,
    apply,
    attempt,
    codes,
    ends,
    not_text,
    not_texts,
    refuse,
    same_meaning,
    unused,
    users,
    usual,
    way_of,
)
from stepwell.editor.references import Braces, braces
from stepwell.graph.nodes import Nodes
from stepwell.lower.names import class_name, worker_name

_NO_LIMIT: Final = "365 days"
"""The longest time-out: the part had none of its own, and the default of five minutes would end a wait for an event."""

EVENT_KEYS: Final = ("payload", "instanceId", "workflowName")
"""What may be read of `event`, and is handed over under its own name."""


def extract(
    document: object,
    node_ids: Collection[str],
    *,
    name: str,
    worker: str | None = None,
    id: str | None = None,
    nodes: Nodes | None = None,
) -> Result:
    """Moves nodes into a new workflow, and puts a `sub_workflow` node in their place.

    The nodes are a part with one way in: one node, or several that hang together, containers with all that they hold.
    What leads out of it leads to the same nodes. What the nodes read from outside is handed over as the node's `input`,
    what others read of them is read of its `output`. `name` is the new graph's and the new node's; `worker` is the
    deployed Worker that will hold it (by default from the name), `id` the new node's id. `extracted` of the result is
    the new document. Refused for a script, and where the part cannot stand alone: it leaves a loop around it, reads the
    caught error or `_output` of outside, or others read what it may not have made. Raises `UnknownNode`.
    """
    asked = (
        not_texts("node_ids", node_ids),
        not_text("name", name),
        not_text("worker", worker, optional=True),
        not_text("id", id, optional=True),
    )
    return attempt(document, nodes, lambda edit: _Extraction(edit, node_ids, name, worker, id).done(), asked)


@dataclass(slots=True)
class _Extraction:
    edit: Edit
    node_ids: Collection[str]
    name: str
    worker: str | None
    id: str | None
    part: list[int] = field(default_factory=list)
    input: dict[str, str] = field(default_factory=dict)
    """The keys of the child's payload, and the expressions that give them."""
    keys: dict[str, str] = field(default_factory=dict)
    """What was handed over under which key, by its expression."""
    inner: list[Spot] = field(default_factory=list)
    outer: list[Spot] = field(default_factory=list)
    read: dict[int, str] = field(default_factory=dict)
    """Nodes of the part that others read, with their keys in the output."""
    head: int = -1
    """The node where the part begins."""
    left: list[int] = field(default_factory=list)
    """The nodes that stay, the one in whose place the new node stands among them."""

    @property
    def made(self) -> Draft:
        return self.edit.made

    def done(self) -> Edited:
        self._choose()
        head, targets = self._border()
        self.head = head
        self._refuse_what_cannot_move()
        for vertex in self.part:
            self._inside(vertex)
        readers = [v for v in users(self.made) if v not in self.part]
        self._outputs(readers)
        for vertex in readers:
            self._outside(vertex)
        self.edit.extracted = self._child(head)
        self._parent(head, targets)
        wrong = [one for one in self.edit.check(self.edit.extracted) if one.severity is Severity.ERROR]
        if wrong:
            raise refuse(f"the part cannot stand alone: {wrong[0].message}", wrong[0].node_id, wrong[0].hint)
        return self.edit.done(self._keeps)

    # -- which part -----------------------------------------------------------------------------------

    def _choose(self) -> None:
        made = self.made
        if made.script:
            raise refuse("a script does not wait for a workflow, so nothing can be moved out of it")
        if not identifier_of(self.name):
            raise refuse("the new workflow needs a name with letters or digits in it")
        if not self.node_ids:
            raise refuse("no nodes are named")
        chosen = {made.vertex(node_id) for node_id in self.node_ids}
        # A container goes with all that it holds.
        for vertex in list(chosen):
            arms = made.flow.arms_of.get(vertex, ())
            chosen |= {v for v in users(made) if any(made.regions.dominates(arm, v) for arm in arms)}
        self.part = sorted(chosen)
        self.id = self.id if self.id is not None else unused(identifier_of(self.name), made.scope.ids)
        if self.id in made.scope.ids:
            raise refuse(f"there is a node `{self.id}` already", None, "choose another id")

    def _border(self) -> tuple[int, list[str]]:
        """The one node that leads in, and the ids of those that are led to."""
        made, flow = self.made, self.made.flow
        inside = {flow.nodes[v].id for v in self.part}
        edges = [ends(edge) for edge in self.edit.edges]
        heads = {target for source, target in edges if target in inside and source not in inside}
        heads |= {str(self.edit.artifact.get("entryNodeId"))} & inside
        if len(heads) != 1:
            shown = ", ".join(f"`{one}`" for one in sorted(heads)) or "none"
            raise refuse(f"the part has to be entered at one node; it is entered at {shown}")
        head = made.scope.ids[heads.pop()]
        for vertex in self.part:
            if self._block(vertex) != self._block(head):
                node = flow.nodes[vertex]
                raise refuse(
                    f"{node.label} is not in the same arm as {flow.nodes[head].label}, where the part begins", node.id
                )
        out = [target for source, target in edges if source in inside and target not in inside]
        for target in dict.fromkeys(out):
            led = made.scope.ids.get(target)
            if led is None or not must(made.regions, head, led):
                raise refuse(f"`{target}` does not always run behind the part, so one edge cannot lead to it", target)
        return head, list(dict.fromkeys(out))

    def _block(self, vertex: int) -> int:
        """The innermost arm around a node whose container is not of the part."""
        made = self.made
        arms = made.regions.blocks_around(vertex)
        return next((arm for arm in arms if made.flow.arm(arm).container not in self.part), ROOT)

    def _refuse_what_cannot_move(self) -> None:
        made, inside = self.made, set(self.part)
        for vertex in self.part:
            node = made.flow.nodes[vertex]
            loops = [v for v in _around(made, vertex) if made.flow.shape(v) == "loop"]
            if node.type == "break" and not (loops and loops[0] in inside):
                raise refuse(f"the Exit {node.label} would end the new workflow, not what it ends now", node.id)
            if export_name(node.name) is not None:
                raise refuse(f"{node.label} is exported, and would be a result of the new workflow", node.id)
            if vertex not in made.sound:
                raise refuse(f"{node.label} has faults; put them right first", node.id)

    # -- what the part reads -----------------------------------------------------------------------------

    def _inside(self, vertex: int) -> None:
        """References of a node of the part to what stays outside: their roots are written otherwise."""
        for one in braces(self.made, [vertex]):
            root = one.reference.root
            moved = self._moved(vertex, one)
            if moved is not None:
                self.inner.append(Spot(vertex, one.path, one.at, one.at + len(root), moved))
        for code in codes(self.made, vertex):
            way = way_of(code, self.made, vertex)
            # Also of what gets a local name: `const items = event.payload.items` reads one thing of the event.
            follows = {one.start: one.path for one in code.facts.members if one.path}
            for named in code.names:
                place = self._handed(vertex, named, follows.get(named.name.start))
                if place is not None:
                    text = f"{{{{{place}}}}}" if "event" in code.facts.bound else place
                    self._name(self.inner, vertex, way, code.begin, named, text)

    def _moved(self, vertex: int, one: Braces) -> str | None:
        """Where the child finds what an expression's root is here; None where it stays as it is."""
        root, path = one.reference.root, one.reference.path
        target = self.made.scope.ids.get(root)
        if target is not None:
            if target in self.part:
                return None
            if path[:1] == ("error",) and self.made.flow.shape(target) == "try":
                self._refuse_local(vertex, f"{root}.error", Use("error", target))
            place = self._hand_over(root, root)
            return place + self._care(vertex, target, one)
        if root in ("event", "trigger"):
            return self._event(vertex, path) if root == "event" else self._payload()
        use = self.made.scope.local(root, vertex, vertex)
        if use is None or use.kind == "env" or use.vertex in self.part:
            return None
        self._refuse_local(vertex, root, use)
        return self._hand_over(root, root)

    def _care(self, vertex: int, target: int, one: Braces) -> str:
        """`?.` where the value may not be there: an expression reads it so by itself only of a node."""
        behind = one.text[one.at + len(one.reference.root) :]
        if self.made.status(target, vertex) == "definite":
            return ""
        return "?" if behind.startswith(".") else "?." if behind.startswith("[") else ""

    def _payload(self) -> str:
        self.input["payload"] = "{{event.payload}}"
        return "event.payload.payload"

    def _event(self, vertex: int, path: Path) -> str:
        """`event` with what stands behind it. What is read of it has the same name in the payload."""
        key = path[0] if path else None
        if key not in EVENT_KEYS:
            node = self.made.flow.nodes[vertex]
            what = "as a whole" if key is None else f"`.{key}`"
            raise refuse(
                f"{node.label} reads `event` {what}, which is another one in the new workflow",
                node.id,
                "read `event.payload`, `event.instanceId` or `event.workflowName` there, not the event itself",
            )
        self.input[str(key)] = f"{{{{event.{key}}}}}"
        return "event.payload"

    def _refuse_local(self, vertex: int, name: str, use: Use) -> None:
        if use.kind in ("error", "output"):
            node, owner = self.made.flow.nodes[vertex], self.made.flow.nodes[use.vertex]
            raise refuse(f"{node.label} reads or sets `{name}` of {owner.label}, which stays", node.id)

    def _hand_over(self, wanted: str, expression: str) -> str:
        """Where the child finds the value of an expression, which is handed over."""
        if expression not in self.keys:
            key = unused(identifier_of(wanted) or "value", (*self.input, *EVENT_KEYS))
            self.keys[expression] = key
            self.input[key] = f"{{{{{expression}}}}}"
        return f"event.payload{dotted((self.keys[expression],))}"

    def _handed(self, vertex: int, named: NamedUse, follows: Path | None) -> str | None:
        """Where the child finds what a name in code stands for; None where it stays as it is."""
        use = named.use
        if use.kind == "event":
            return self._event(vertex, follows or ())
        if use.kind == "env" or use.vertex in self.part:
            return None
        self._refuse_local(vertex, named.name.name, use)
        expression = self.made.flow.nodes[use.vertex].id if use.kind == "node" else named.name.name
        return self._hand_over(named.name.name, expression)

    def _name(self, into: list[Spot], vertex: int, way: Path | None, begin: int, named: NamedUse, text: str) -> None:
        node, name = self.made.flow.nodes[vertex], named.name
        if way is None:
            raise refuse(f"{node.label} names `{name.name}` in JSON that is text", node.id, "write `{{…}}` there")
        shown = f"{name.name}: {text}" if name.shorthand else text
        into.append(Spot(vertex, way, begin + name.start, begin + name.end, shown))

    # -- what others read of the part -----------------------------------------------------------------------

    def _outputs(self, readers: Iterable[int]) -> None:
        """Which nodes of the part others read; one alone that is the child's result needs no key."""
        made, last = self.made, self._last_value()
        found: list[int] = []
        for vertex in readers:
            for value in made.fields[vertex].values():
                found += [use.vertex for use, _ in uses_of(value) if use.kind == "node" and use.vertex in self.part]
        for target in dict.fromkeys(sorted(found)):
            self.read[target] = identifier_of(made.flow.nodes[target].name) or identifier_of(made.flow.nodes[target].id)
        if set(self.read) <= {last}:
            self.read = dict.fromkeys(self.read, "")
        elif len(set(self.read.values())) < len(self.read):
            taken: list[str] = []
            for target, key in self.read.items():
                taken.append(unused(key or "value", taken))
                self.read[target] = taken[-1]

    def _last_value(self) -> int | None:
        """The node whose value is the result of the part: the last with one, outside of containers."""
        made = self.made
        outer = [v for v in self.part if not any(a in self.part for a in _around(made, v))]
        valued = [v for v in outer if made.flow.kinds[v].value or made.flow.kinds[v].is_container]
        last = max(valued, key=made.regions.position.__getitem__, default=None)
        return last if last is not None and made.flow.kinds[last].value else None

    def _outside(self, vertex: int) -> None:
        """References of a node that stays to nodes of the part."""
        made = self.made
        for one in braces(made, [vertex]):
            target = made.scope.ids.get(one.reference.root)
            if target is not None and target in self.read:
                self._refuse_uncertain(vertex, target)
                end = one.at + len(one.reference.root)
                self.outer.append(Spot(vertex, one.path, one.at, end, self._output(target)))
        for code in codes(made, vertex):
            way = way_of(code, made, vertex)
            for named in code.names:
                if named.use.kind == "node" and named.use.vertex in self.read:
                    self._refuse_uncertain(vertex, named.use.vertex)
                    text = f"{{{{{self._output(named.use.vertex)}}}}}"
                    self._name(self.outer, vertex, way, code.begin, named, text)

    def _output(self, target: int) -> str:
        """How others read a node of the part."""
        key = self.read[target]
        return f"{self.id}.output{dotted((key,)) if key else ''}"

    def _refuse_uncertain(self, reader: int, target: int) -> None:
        made = self.made
        # The new node may not run, as the part may not; but where it does, the value has to be there.
        if made.status(target, reader) != "definite" and not must(made.regions, self.head, target):
            node = made.flow.nodes[reader]
            raise refuse(
                f"{node.label} reads {made.flow.nodes[target].label}, which may not have run in the new workflow",
                node.id,
                "read it inside the part, or a node that always runs there",
            )

    # -- the two documents ----------------------------------------------------------------------------------

    def _child(self, head: int) -> Json:
        made = self.made
        nodes = copy.deepcopy(made.artifact["nodes"])
        apply(nodes, self.inner)
        for target, key in self.read.items():
            if key:
                nodes[target]["name"] = EXPORT_PREFIX + key
        ids = {made.flow.nodes[v].id for v in self.part}
        edges = [edge for edge in self.edit.edges if set(ends(edge)) <= ids]
        artifact: Json = {
            "metadata": {"name": self.name, "version": 1},
            "nodes": [nodes[v] for v in self.part],
            "edges": copy.deepcopy(edges),
            "entryNodeId": made.flow.nodes[head].id,
            "trigger": {"type": "manual"},
        }
        around = {k: copy.deepcopy(v) for k, v in made.value.items() if k in ("envVars", "dependencies")}
        return {"ir": artifact, **around} if made.base and around else artifact

    def _parent(self, head: int, targets: list[str]) -> None:
        edit, made = self.edit, self.made
        apply(edit.nodes, self.outer)
        inside = {made.flow.nodes[v].id for v in self.part}
        assert self.id is not None
        edges: list[object] = []
        for edge in edit.edges:
            source, target = ends(edge)
            if target in inside and source not in inside:
                edges.append({**edge, "target": self.id})
            elif not {source, target} & inside:
                edges.append(edge)
        taken = {str(edge.get("id")) for edge in edges if isinstance(edge, dict)}
        for target in targets:
            edges.append({"id": unused(f"{self.id}-{target}", taken), "source": self.id, "target": target})
        edit.edges[:] = edges
        if str(edit.artifact.get("entryNodeId")) in inside:
            edit.artifact["entryNodeId"] = self.id
        sub = self._node(head)
        self.left = [v for v in users(made) if v == head or v not in self.part]
        edit.nodes[:] = [sub if v == head else edit.nodes[v] for v in self.left]

    def _node(self, head: int) -> Json:
        nodes = self.made.artifact["nodes"]
        place = nodes[head].get("position")
        data: Json = {
            "workflowId": self.worker or worker_name(self.name),
            "workflowName": class_name(self.name),
            **({"input": self.input} if self.input else {}),
            "timeout": _NO_LIMIT,
        }
        return {
            "id": self.id,
            "type": "sub_workflow",
            "name": self.name,
            **usual(nodes, copy.deepcopy(place) if isinstance(place, dict) else {"x": 0, "y": 0}),
            "data": data,
        }

    def _keeps(self, before: Draft, after: Draft) -> Iterator[Diagnostic]:
        """What others read of anything but the part is what they read before."""
        rewritten = {spot.vertex for spot in self.outer} | set(self.part)
        pairs = [(v, number) for number, v in enumerate(self.left) if v not in rewritten]
        return same_meaning(before, after, pairs)


def _around(made: Draft, vertex: int) -> list[int]:
    """The containers around a node, innermost first."""
    return [made.flow.arm(arm).container for arm in made.regions.blocks_around(vertex)]
