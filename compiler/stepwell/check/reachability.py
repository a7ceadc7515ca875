"""Whether a node has run where another reads it: definite, possible or impossible (design.md, section 3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from typing import Literal

from stepwell.check.flow import reach
from stepwell.check.regions import ROOT, Regions, must
from stepwell.check.structure import dead_nodes
from stepwell.graph.data import ParallelData

Status = Literal["definite", "possible", "impossible"]


class Reachability:
    """Answers for one graph. What is found about containers' ends is kept for the life of the object."""

    def __init__(self, regions: Regions, data: Sequence[object]) -> None:
        self.regions = regions
        self.flow = regions.flow
        self._data = data
        self._ends: dict[int, list[int]] = {}
        self._dead = dead_nodes(self.flow)

    def over(self, regions: Regions, data: Sequence[object]) -> Reachability:
        """The same answers for a graph of the same shape."""
        new = copy(self)
        new.regions, new.flow, new._data = regions, regions.flow, data
        return new

    def status(self, node: int, reader: int) -> Status:
        """How `node`'s value stands when `reader` starts."""
        if node == reader or self.encloses(node, reader) or (node in self._dead and reader not in self._dead):
            return "impossible"
        if self._definite(node, reader):
            return "definite"
        return "possible" if self.possible(node, reader) or self._ran_beside(node, reader) else "impossible"

    def encloses(self, node: int, reader: int) -> bool:
        """Whether `reader` stands in an arm of the container `node`."""
        regions = self.regions
        return any(regions.dominates(arm, reader) for arm in self.flow.arms_of.get(node, ()))

    def _definite(self, node: int, reader: int) -> bool:
        regions = self.regions
        if regions.dominates(node, reader):
            return True
        above = regions.common_dominator(node, reader)
        ours, theirs = regions.child_towards(above, node), self._towards(above, reader)
        if theirs == above:
            return False
        both_arms = self.flow.is_arm(ours) and self.flow.is_arm(theirs)
        if both_arms or regions.position[node] >= regions.position[reader]:
            return False
        return self.surely(above, node)

    def surely(self, above: int, node: int) -> bool:
        """Whether `node` has its value whenever `above`, which dominates it, is done."""
        return must(self.regions, above, node) and not any(
            self._withholds(arm) for arm in self._arms_between(node, above)
        )

    def _towards(self, above: int, vertex: int) -> int:
        return above if vertex == above else self.regions.child_towards(above, vertex)

    def _arms_between(self, node: int, above: int) -> list[int]:
        """The arms around `node` that lie below `above`."""
        return [a for a in self.regions.blocks_around(node) if a != above and self.regions.dominates(above, a)]

    def _withholds(self, arm: int) -> bool:
        """Whether values of this arm are never definite outside it."""
        entry = self.flow.arm(arm)
        shape, data = self.flow.shape(entry.container), self._data[entry.container]
        if shape == "try":
            return entry.label == "try"
        return shape in ("loop", "race") or (isinstance(data, ParallelData) and data.mode == "settled")

    def possible(self, node: int, reader: int) -> bool:
        """Whether `node` may have run before `reader` starts, along edges and the ends of containers."""
        seen, stack = {node}, [node]
        ended: set[int] = set()
        position = self.regions.position
        last = position[reader]
        while stack:
            here = stack.pop()
            targets = list(self.flow.succ[here])
            block = self.regions.block[here]
            while block != ROOT and block not in ended:
                ended.add(block)
                targets += self._end(block)
                block = self.regions.parent_block(block)
            for target in targets:
                if target == reader:
                    return True
                # All these ways lead onwards in the written order, so what stands behind the reader never leads to it.
                if target not in seen and position[target] < last:
                    seen.add(target)
                    stack.append(target)
        return False

    def _ran_beside(self, node: int, reader: int) -> bool:
        """Whether `node` stands before `reader` without leading there, and one run may take both.

        It may where a way leads to `reader` from their lowest common dominator that takes no arm which excludes `node`.
        """
        regions, flow = self.regions, self.flow
        above = regions.common_dominator(node, reader)
        if above in (node, reader) or regions.position[node] >= regions.position[reader]:
            return False
        if flow.is_arm(regions.child_towards(above, node)) and flow.is_arm(regions.child_towards(above, reader)):
            return False
        return above in self._back(reader, above, self._not_taken(node, above))

    def _not_taken(self, node: int, above: int) -> set[int]:
        """The arms of branches, from `above` on, that are not taken when `node` runs."""
        flow = self.flow
        taken = self._arms_between(node, above)
        branches = [b for a in taken if flow.shape(b := flow.arm(a).container) == "branch"]
        others = {a for b in branches for a in flow.arms_of[b]} - set(taken)
        if flow.shape(above) == "branch":
            before = self._back(node, above, ())
            if before.isdisjoint(flow.then_of.get(above, ())):
                others |= set(flow.arms_of[above]) - before
        return others

    def _back(self, vertex: int, above: int, barred: Collection[int]) -> set[int]:
        """What leads to `vertex`, from `above` on, without the arms that are barred."""
        seen, stack = {vertex}, [vertex]
        while stack:
            for source in self.flow.pred[stack.pop()]:
                if source not in seen and source not in barred:
                    seen.add(source)
                    if source != above:
                        stack.append(source)
        return seen

    def _end(self, arm: int) -> list[int]:
        """Where the end of an arm leads: its container's merge and `then`, catch and finally."""
        if arm not in self._ends:
            self._ends[arm] = self._find_end(arm)
        return self._ends[arm]

    def _find_end(self, arm: int) -> list[int]:
        flow, entry = self.flow, self.flow.arm(arm)
        shape = flow.shape(entry.container)
        joins = [v for v in self.regions.children[entry.container] if not flow.is_arm(v)]
        if shape == "branch":
            last = max((flow.rank[v] for v in joins), default=-1)
            mine = reach(flow.succ, [arm], until=last, rank=flow.rank)
            joins = [v for v in joins if v in mine]
        by_label = {flow.arm(a).label: a for a in flow.arms_of[entry.container]} if shape == "try" else {}
        after = {"try": ("catch", "finally"), "catch": ("finally",)}.get(entry.label, ())
        return [*flow.then_of.get(entry.container, []), *joins, *(by_label[a] for a in after if a in by_label)]
