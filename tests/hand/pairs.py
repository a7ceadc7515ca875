"""Graphs beside Workers that were written by hand for them: `benchmarks/hand/<case>/`.

`graph.json` is the graph, `hand.js` the Worker as a good engineer writes it who knows this graph alone. `run.json` has
the form of the goldens' (`tests/golden`); its first run is the one that the benchmark takes. `children` are graphs of
the same folder. Both Workers have the bindings that the compiler found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from stepwell.bundle.toolchain import Toolchain
from stepwell.compiler import Compiled, compile_artifact
from tests.golden.cases import Case
from tests.golden.runner import Run, runs_of

ROOT: Final = Path(__file__).parents[2] / "benchmarks" / "hand"


class HandCase(Case):
    """One folder of `benchmarks/hand/`."""

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @cached_property
    def hand(self) -> str:
        return (self.folder / "hand.js").read_text("utf-8")

    @cached_property
    def trigger(self) -> Mapping[str, Any]:
        trigger: Mapping[str, Any] = json.loads(self.graph)["trigger"]
        return trigger

    @property
    def script(self) -> bool:
        return bool(json.loads(self.graph).get("kind") == "script")

    @property
    def called(self) -> set[str]:
        return {child for plan in self.run["runs"] for child in plan.get("children", [])}


def all_pairs() -> list[HandCase]:
    return [HandCase(path.parent.name) for path in sorted(ROOT.glob("*/graph.json"))]


@dataclass(frozen=True)
class Pair:
    """A case with the Worker that was compiled for it."""

    case: HandCase
    made: Compiled
    children: Mapping[str, Compiled]

    @property
    def ours(self) -> list[Run]:
        """The runs of the compiled Worker."""
        return runs_of(self.case, self.made, self.children)

    @property
    def by_hand(self) -> list[Run]:
        """The same runs of the Worker written by hand."""
        return [by_hand(run, self.case) for run in self.ours]


def by_hand(run: Run, case: HandCase) -> Run:
    """A run with the code that was written by hand."""
    return replace(run, spec=replace(run.spec, modules={run.spec.main: case.hand}))


def compiled_pair(case: HandCase, toolchain: Toolchain) -> Pair:
    children = {name: _compiled((case.folder / f"{name}.json").read_text("utf-8"), toolchain) for name in case.called}
    return Pair(case, _compiled(case.graph, toolchain), children)


def _compiled(graph: str, toolchain: Toolchain) -> Compiled:
    made = compile_artifact(graph, toolchain=toolchain)
    if made.js is None:
        raise ValueError("; ".join(found.message for found in made.diagnostics))
    return made
