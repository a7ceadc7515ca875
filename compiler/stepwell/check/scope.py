"""What a name means at a node: scaffold, loop variables, the caught error, other nodes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from difflib import get_close_matches

from stepwell.check.naming import identifier_of
from stepwell.check.reachability import Reachability
from stepwell.check.values import Use
from stepwell.diagnostics import Code, Diagnostic
from stepwell.diagnostics import codes as c
from stepwell.graph.data import LoopData
from stepwell.javascript.names import GLOBALS

SCAFFOLD = frozenset({"ctx", "NonRetryableError", "undefined", "NaN", "Infinity", "arguments", "this"})
"""Names of a body's scope that stand for nothing of the graph."""


_MEANT = {
    "trigger": "write `event.payload`; `{{trigger}}` is the same in braces",
    "payload": "write `event.payload`",
}
"""Names that people take from what starts a run."""


class Scope:
    """Resolves names for one graph. `data` are the typed data of its nodes, in order."""

    def __init__(self, reachability: Reachability, data: Sequence[object]) -> None:
        self.reach = reachability
        self.flow = reachability.flow
        self.data = data
        self.ids = {node.id: v for v, node in enumerate(self.flow.nodes)}
        self._named: dict[str, int] = {}
        for vertex, node in enumerate(self.flow.nodes):
            name = identifier_of(node.name)
            for each in (name, name[:-1] if name.endswith("_") else name):
                if each:
                    self._named.setdefault(each, vertex)

    def over(self, reachability: Reachability, data: Sequence[object]) -> Scope:
        """The same names in a graph of the same shape, whose nodes have the same ids and names."""
        new = copy(self)
        new.reach, new.flow, new.data = reachability, reachability.flow, data
        return new

    def local(self, name: str, vertex: int, turn_of: int | None = None) -> Use | None:
        """What `name` means at `vertex` apart from nodes; `turn_of`: the loop whose own turn its condition reads."""
        if name in ("event", "env"):
            return Use("event" if name == "event" else "env")
        if turn_of is not None and (use := self._of_loop(name, turn_of, turn_of)):
            return use
        for arm in self.reach.regions.blocks_around(vertex):
            around = self.flow.arm(arm)
            if self.flow.shape(around.container) == "loop":
                use = self._of_loop(name, around.container, turn_of)
                if use is not None:
                    return use
            elif name == "err" and around.label == "catch" and self.flow.shape(around.container) == "try":
                return Use("error", around.container)
        return None

    def _of_loop(self, name: str, loop: int, turn_of: int | None) -> Use | None:
        """What `name` stands for in the body of `loop`, or (`turn_of`) in its condition."""
        data = self.data[loop]
        if name == "_output":
            return Use("output", loop)
        if name == "_loop_i":
            return Use("index", loop)
        if not isinstance(data, LoopData):
            return None
        if name == data.itemVar and data.loopType == "forEach" and loop != turn_of:
            return Use("item", loop)
        return Use("index", loop) if name == data.indexVar else None

    def _loops(self, vertex: int, turn_of: int | None) -> list[int]:
        """The loops around `vertex`, innermost first."""
        own = [turn_of] if turn_of is not None else []
        return own + self.reach.regions.loops_around(vertex)

    def in_catch_of(self, vertex: int, container: int) -> bool:
        flow = self.flow
        return any(
            flow.arm(a).container == container and flow.arm(a).label == "catch"
            for a in self.reach.regions.blocks_around(vertex)
        )

    def node_named(self, name: str) -> int | None:
        """The node that code names directly: by its id, or by its display name made an identifier."""
        if name in GLOBALS or name in SCAFFOLD:
            return None
        found = self.ids.get(name)
        return found if found is not None else self._named.get(name)

    def suggestion(self, name: str, vertex: int) -> str | None:
        """What could have been meant by `name` at `vertex`, or what could be read there."""
        if name in _MEANT:
            return _MEANT[name]
        locals_ = self._locals(vertex)
        close = get_close_matches(name, [*self.ids, *locals_, "event", "env"], 1, 0.6)
        if close:
            return f"Did you mean `{close[0]}`?"
        upstream = [
            n.id
            for v, n in enumerate(self.flow.nodes[:200])
            if self.flow.kinds[v].value and self.reach.status(v, vertex) == "definite"
        ][-5:]
        known = [*upstream, *locals_]
        return "values that can be read here: " + ", ".join(f"`{name}`" for name in known) if known else None

    def _locals(self, vertex: int) -> list[str]:
        """The names that stand for something at `vertex` through what is around it, innermost first."""
        names: list[str] = []
        for arm in self.reach.regions.blocks_around(vertex):
            around = self.flow.arm(arm)
            data, shape = self.data[around.container], self.flow.shape(around.container)
            if shape == "loop" and isinstance(data, LoopData):
                names += [data.itemVar] if data.loopType == "forEach" else []
                names += [data.indexVar, "_output"]
            elif shape == "try" and around.label == "catch":
                names.append("err")
        return list(dict.fromkeys(names))

    def node_use(self, target: int, vertex: int, turn_of: int | None = None) -> tuple[Use | None, Code | None]:
        """The use of a node's value at `vertex`, and the code of what is wrong or uncertain about it."""
        if not self.flow.kinds[target].value:
            return None, c.NO_VALUE
        if turn_of is not None and self._in_turn(target, turn_of):
            return Use("node", target, definite=False), None
        if target == vertex:
            return None, c.SELF_REFERENCE
        status = self.reach.status(target, vertex)
        if status == "impossible":
            return None, c.IMPOSSIBLE_REFERENCE
        definite = status == "definite"
        return Use("node", target, definite), None if definite else c.POSSIBLE_REFERENCE

    def _in_turn(self, target: int, loop: int) -> bool:
        return any(self.reach.regions.dominates(arm, target) for arm in self.flow.arms_of.get(loop, ()))

    def explain(
        self, code: Code, name: str, target: int | None, vertex: int, pointer: str, default: str | None = None
    ) -> Diagnostic:
        """The finding about a reference to `name` in `vertex`; `default`: how it reads with a default."""
        node = self.flow.nodes[vertex]
        known = target is not None and self.flow.nodes[target].id == name
        named = self.flow.nodes[target].label if target is not None and known else f"`{name}`"
        say = {
            c.NO_VALUE: (f"{named} has no value that {node.label} could read", "read a node that returns something"),
            c.SELF_REFERENCE: (f"{node.label} reads its own value, which it does not have yet", None),
            c.IMPOSSIBLE_REFERENCE: (
                f"{named} cannot have run when {node.label} starts",
                self._impossible_hint(target, vertex),
            ),
            c.POSSIBLE_REFERENCE: (
                f"{named} may not have run when {node.label} starts; its value is `undefined` then",
                f"give a default: `{default}`, or read it where it always ran" if default else None,
            ),
            c.UNKNOWN_REFERENCE: (
                f"`{name}` is neither a node nor `event`, `env` or `trigger`",
                self.suggestion(name, vertex),
            ),
        }[code]
        return Diagnostic(code, say[0], pointer, node.id, say[1], subject=name)

    def _impossible_hint(self, target: int | None, vertex: int) -> str | None:
        if target is None:
            return None
        if self.reach.encloses(target, vertex):
            return f"{self.flow.nodes[target].label} is still at work around it; read its item, index or `_output`"
        if self.reach.status(vertex, target) != "impossible":
            return f"{self.flow.nodes[target].label} runs after {self.flow.nodes[vertex].label}"
        if self.reach.regions.position[target] < self.reach.regions.position[vertex]:
            return "they lie on different ways: only one of them runs, or they run at the same time"
        return f"draw an edge from {self.flow.nodes[target].label} towards {self.flow.nodes[vertex].label}"
