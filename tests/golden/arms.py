"""Which steps of a graph may run at once, so that their order in one run says nothing."""

from __future__ import annotations

import re
from typing import Any, Final

from stepwell.check.analysis import Analysis, analyse
from stepwell.graph.data import LoopData
from stepwell.graph.read import read_text

from .cases import Case

_INDEX: Final = re.compile(r"\[(\d+)\]")
_BESIDE: Final = ("parallel", "race")


class Arms:
    """Asks whether two steps, by their full names, stand in different arms or in different concurrent turns."""

    def __init__(self, case: Case, manifest: dict[str, Any]) -> None:
        read, _ = read_text(case.json, case.nodes)
        assert read is not None
        analysis, _ = analyse(read)
        assert analysis is not None
        ids = {node.id: vertex for vertex, node in enumerate(analysis.flow.nodes)}
        names = {entry["name"]: ids[entry["node"]] for entry in manifest["steps"]}
        self._names = sorted(names.items(), key=lambda pair: -len(pair[0]))
        self._around = {vertex: _around(analysis, vertex) for vertex in names.values()}

    def beside(self, first: str, second: str) -> bool:
        mine, theirs = self._place(first), self._place(second)
        return any(mine[container] != theirs[container] for container in mine.keys() & theirs.keys())

    def _place(self, step: str) -> dict[int, object]:
        """For each container that runs several things at once: which of them the step is."""
        name, vertex = next((name, vertex) for name, vertex in self._names if step.startswith(name))
        indices = iter(_INDEX.findall(step[len(name) :]))
        place: dict[int, object] = {}
        for container, arm, kind in self._around[vertex]:
            index = next(indices, None) if kind in ("loop", "concurrent") else None
            if kind != "loop":
                place[container] = arm if kind == "arm" else index
        return place


def _around(analysis: Analysis, vertex: int) -> list[tuple[int, int, str]]:
    """The containers around a vertex that matter, outermost first: (container, arm, what it is)."""
    flow, found = analysis.flow, []
    for arm in reversed(analysis.regions.blocks_around(vertex)):
        container = flow.arm(arm).container
        data = analysis.data[container]
        if isinstance(data, LoopData):
            found.append((container, arm, "concurrent" if data.concurrency > 1 else "loop"))
        elif flow.shape(container) in _BESIDE:
            found.append((container, arm, "arm"))
    return found
