"""A reference interpreter of graphs, written from design.md section 3 and sharing nothing with `check` and `lower`.

It knows plain steps, branch, parallel, loop, try/catch and Exit; steps answer at once. Given what conditions say,
which steps fail and how often loops turn, it tells which steps run, what each reads, and the result.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import networkx as nx


class StepFailed(Exception):
    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


class Left(Exception):
    """An Exit: `value` is what has been computed so far."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class LeftLoop(Left):
    pass


class LeftRun(Left):
    pass


UNDEFINED = None
Turns = tuple[tuple[str, int], ...]


@dataclass
class Interpreter:
    graph: dict[str, Any]
    payload: dict[str, Any]
    ran: dict[str, Any] = field(default_factory=dict)
    """Step name with indices → what it returned (or "failed")."""

    def __post_init__(self) -> None:
        self.nodes = {n["id"]: n for n in self.graph["nodes"]}
        self.rank = {n["id"]: i for i, n in enumerate(self.graph["nodes"])}
        self.edges: dict[str, list[str]] = defaultdict(list)
        self.arms: dict[str, dict[str, str]] = defaultdict(dict)
        self.then: dict[str, list[str]] = defaultdict(list)
        self._ports()
        self._missing_elses()
        g: nx.DiGraph[str] = nx.DiGraph()
        g.add_nodes_from([*self.nodes, *(a for arms in self.arms.values() for a in arms.values())])
        g.add_edges_from((u, v) for u, vs in self.edges.items() for v in vs)
        self.g = g
        self.entry = self.graph["entryNodeId"]
        self.idom = {v: d for v, d in nx.immediate_dominators(g, self.entry).items() if v != self.entry}
        self.reachable = set(self.idom) | {self.entry}
        self.live: set[tuple[str, str]] = set()
        self.history: dict[str, list[tuple[Turns, Any]]] = defaultdict(list)
        self.path: list[tuple[str, int]] = []
        living: nx.DiGraph[str] = nx.DiGraph(
            (u, w) for u, w in g.edges if not (u in self.nodes and self._always_exits(u))
        )
        living.add_node(self.entry)
        self.alive = nx.descendants(living, self.entry) | {self.entry}
        self.order: dict[str | None, list[str]] = {}
        self.frames: list[list[tuple[Any, bool]]] = []
        self.turn_frames: list[int] = []

    # -- the graph

    def _always_exits(self, v: str) -> bool:
        return self.nodes[v]["type"] == "break" and not self.nodes[v]["data"].get("condition")

    def _ports(self) -> None:
        count: dict[str, int] = defaultdict(int)
        for n in self.graph["nodes"]:
            if n["type"] == "branch":
                for arm in n["data"]["branches"]:
                    self._arm(n["id"], arm["label"])
            if n["type"] == "loop":
                self._arm(n["id"], "body")
            if n["type"] == "try_catch":
                labels = {e.get("label") for e in self.graph["edges"] if e["source"] == n["id"]}
                for label in ("try", "catch", "finally"):
                    if label in labels:
                        self._arm(n["id"], label)
        for e in self.graph["edges"]:
            s, t, label = e["source"], e["target"], e.get("label")
            kind = self.nodes[s]["type"]
            if kind == "parallel" and label != "then":
                count[s] += 1
                self._arm(s, str(count[s]))
                self._edge(self.arms[s][str(count[s])], t)
            elif label in self.arms.get(s, {}):
                self._edge(self.arms[s][label], t)
            else:
                if kind in ("branch", "parallel", "loop", "try_catch"):
                    self.then[s].append(t)
                self._edge(s, t)

    def _edge(self, u: str, v: str) -> None:
        if v not in self.edges[u]:
            self.edges[u].append(v)

    def _arm(self, node: str, label: str) -> None:
        arm = f"{node}/{label}"
        self.arms[node][label] = arm
        self._edge(node, arm)

    def _missing_elses(self) -> None:
        """The missing else leads to every minimal node that all arms can reach and at least two enter."""
        self.missing: dict[str, list[str]] = {}
        without = [
            n
            for n in self.graph["nodes"]
            if n["type"] == "branch" and all(a["condition"] for a in n["data"]["branches"])
        ]
        base: nx.DiGraph[str] = nx.DiGraph((u, v) for u, vs in self.edges.items() for v in vs)
        base.add_nodes_from([*self.nodes, *(a for arms in self.arms.values() for a in arms.values())])
        position = {v: i for i, v in enumerate(nx.topological_sort(base))}
        for n in sorted(without, key=lambda n: position[n["id"]], reverse=True):
            g: nx.DiGraph[str] = nx.DiGraph((u, v) for u, vs in self.edges.items() for v in vs)
            arms = list(self.arms[n["id"]].values())
            g.add_nodes_from(arms)
            reach = [nx.descendants(g, a) for a in arms]
            common = {v for v in set.intersection(*reach) if v in self.nodes} if arms else set()
            entered = {
                v
                for v in common
                if len({i for p in g.pred[v] for i, a in enumerate(arms) if p == a or p in reach[i]}) > 1
            }
            minimal = (
                [v for v in entered if not any(v in nx.descendants(g, w) for w in entered if w != v)]
                if len(arms) > 1
                else []
            )
            self._arm(n["id"], "\0else")
            for v in minimal:
                self._edge(self.arms[n["id"]]["\0else"], v)

    def block(self, v: str) -> str | None:
        """The innermost arm that dominates `v`."""
        while v in self.idom:
            v = self.idom[v]
            if v not in self.nodes:
                return v
        return None

    def chain(self, v: str) -> list[str]:
        """The arms around `v`, innermost first."""
        out = []
        b = self.block(v) if v in self.nodes else v
        while b is not None:
            out.append(b)
            b = self.block(b.split("/")[0])
        return out

    def members(self, block: str | None) -> list[str]:
        if block in self.order:
            return self.order[block]
        inside = [v for v in self.nodes if v in self.reachable and self.block(v) == block]
        needs: dict[str, set[str]] = {v: set() for v in inside}
        for v in inside:
            for u in self.g.pred[v]:
                unit = self._unit(u, block)
                if unit is not None and unit != v:
                    needs[v].add(unit)
        for c, targets in self.then.items():
            for t in targets:
                for j in inside:
                    if (
                        t in inside
                        and j != t
                        and self.idom.get(j) == c
                        and j not in targets
                        and not nx.has_path(self.g, t, j)
                    ):
                        for x in inside:
                            if (x == j or self._dominates(j, x)) and not nx.has_path(self.g, t, x):
                                needs[t].add(x)
        done: list[str] = []
        while len(done) < len(inside):
            done.append(min((v for v in inside if v not in done and needs[v] <= set(done)), key=self.rank.__getitem__))
        self.order[block] = done
        return done

    def _dominates(self, a: str, b: str) -> bool:
        while b in self.idom:
            b = self.idom[b]
            if a == b:
                return True
        return False

    def _unit(self, u: str, block: str | None) -> str | None:
        """The node of `block` that is or holds `u`; None for the block's own arm."""
        if u == block:
            return None
        here = u if u in self.nodes else u.split("/")[0]
        while self.block(here) != block:
            b = self.block(here)
            assert b is not None
            here = b.split("/")[0]
        return here

    # -- running

    def run(self) -> Any:
        try:
            value, _ = self.run_block(None)
        except LeftRun as left:
            return left.value
        return value

    def run_block(self, block: str | None) -> tuple[Any, bool]:
        """What the block is worth, and whether anything with a value ran in it."""
        frame: list[tuple[Any, bool]] = [(UNDEFINED, False)]
        self.frames.append(frame)
        try:
            for v in self.members(block):
                if v != self.entry and not any((u, v) in self.live for u in self.g.pred[v]):
                    continue
                got = self.run_node(v)
                if got is not None:
                    frame[0] = (got[0], True)
        finally:
            self.frames.pop()
        return frame[0]

    def has_value(self, v: str) -> bool:
        kind = self.nodes[v]["type"]
        if v not in self.alive:
            return False
        if kind == "step":
            return True
        if kind in ("sleep", "break"):
            return False
        return any(
            self.has_value(m) for label, arm in self.arms[v].items() if label != "finally" for m in self.members(arm)
        )

    def mark(self, source: str) -> None:
        for t in self.edges[source]:
            if t in self.nodes:
                self.live.add((source, t))

    def run_node(self, v: str) -> tuple[Any] | None:
        kind = self.nodes[v]["type"]
        value: Any = UNDEFINED
        if kind == "step":
            value = self.step(v)
            self.mark(v)
            return (value,)
        if kind == "sleep":
            self.mark(v)
            return None
        if kind == "break":
            self.leave(v)
            self.mark(v)
            return None
        value = getattr(self, f"run_{kind}")(v)
        for t in self.then[v]:
            self.live.add((v, t))
        return (value,) if self.has_value(v) else None

    def indices(self, v: str) -> tuple[int, ...]:
        loops = [a.split("/")[0] for a in reversed(self.chain(v)) if self.nodes[a.split("/")[0]]["type"] == "loop"]
        return tuple(dict(self.path)[loop] for loop in loops)

    def step(self, v: str) -> Any:
        name = self.nodes[v]["name"] + (" " if self.indices(v) else "") + "".join(f"[{i}]" for i in self.indices(v))
        if v in self.payload["fail"]:
            self.ran[name] = "failed"
            raise StepFailed(v)
        value = {"v": v, "at": list(self.indices(v)), "r": [self.read(r, v) for r in self.nodes[v]["reads"]]}
        self.ran[name] = value
        self.history[v].append((tuple(self.path), value))
        return value

    def read(self, n: str, reader: str) -> Any:
        """The last value of `n` in the turns that the reader stands in too."""
        around = [a.split("/")[0] for a in self.chain(n)]
        mine = dict(self.path)
        inside = {a.split("/")[0] for a in self.chain(reader)}
        for path, value in reversed(self.history[n]):
            turns = dict(path)
            if all(turns.get(c) == mine.get(c) for c in around if self.nodes[c]["type"] == "loop" and c in inside):
                return value["v"] + "".join(map(str, value["at"]))
        return None

    def leave(self, v: str) -> None:
        node = self.nodes[v]
        in_loop = any(self.nodes[a.split("/")[0]]["type"] == "loop" for a in self.chain(v))
        condition = node["data"].get("condition")
        if in_loop:
            loop = next(a.split("/")[0] for a in self.chain(v) if self.nodes[a.split("/")[0]]["type"] == "loop")
            if not condition or dict(self.path)[loop] in self.payload["exits"][v]:
                raise LeftLoop(self.so_far(self.turn_frames[-1]))
        elif not condition or self.payload["exits"][v]:
            raise LeftRun(self.so_far(0))

    def so_far(self, outermost: int) -> Any:
        return next((f[0][0] for f in reversed(self.frames[outermost:]) if f[0][1]), UNDEFINED)

    def run_branch(self, v: str) -> Any:
        taken = next(
            (
                a["label"]
                for a in self.nodes[v]["data"]["branches"]
                if not a["condition"] or self.payload["flags"][f"{v}_{a['label']}"]
            ),
            "\0else",
        )
        arm = self.arms[v][taken]
        self.mark(arm)
        return self.run_block(arm)[0]

    def run_parallel(self, v: str) -> Any:
        settled: list[Any] = []
        error: Exception | None = None
        mode = self.nodes[v]["data"].get("mode", "all")
        for arm in self.arms[v].values():
            self.mark(arm)
            try:
                value = self.run_block(arm)[0]
                settled.append({"status": "fulfilled", "value": value} if mode == "settled" else value)
            except StepFailed as failed:
                error = error or failed
                settled.append({"status": "rejected"})
                if mode == "settled":
                    for u in [arm, *(x for x in self.g if self._dominates(arm, x))]:
                        for t in self.edges[u]:
                            if t in self.nodes and not self._dominates(arm, t):
                                self.live.add((u, t))
        if mode == "all" and error:
            raise error
        return settled

    def run_loop(self, v: str) -> Any:
        results = []
        arm = self.arms[v]["body"]
        inner = {x for x in self.g if self._dominates(arm, x)}
        for i in range(self.payload["turns"][v]):
            self.live = {(a, b) for a, b in self.live if b not in inner}
            self.path.append((v, i))
            self.mark(arm)
            self.turn_frames.append(len(self.frames))
            try:
                results.append(self.run_block(arm)[0])
            except LeftLoop as left:
                results.append(left.value)
                break
            finally:
                self.turn_frames.pop()
                self.path.pop()
        return {"results": results}

    def run_try_catch(self, v: str) -> Any:
        arms = self.arms[v]
        try:
            self.mark(arms["try"])
            try:
                return self.run_block(arms["try"])[0]
            except StepFailed:
                self.mark(arms["catch"])
                return self.run_block(arms["catch"])[0]
        finally:
            if "finally" in arms:
                self.mark(arms["finally"])
                self.run_block(arms["finally"])
