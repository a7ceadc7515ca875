"""What the checks say about references, read from their findings, and whether it is true."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

from stepwell import check
from stepwell.diagnostics import Severity
from tests.semantics.artifact import artifact
from tests.semantics.case import VALUED, Case, Json, Node
from tests.semantics.reference import Run
from tests.semantics.shape import Shape

Verdict = Literal["definite", "possible", "impossible"]
_ABOUT: Final = {"SW302": "impossible", "SW303": "possible"}
_READABLE: Final = VALUED | {"loop", "parallel", "race"}


@dataclass(frozen=True)
class Pairs:
    """Reader and node → what the checks say about a reference from the one to the other."""

    verdicts: dict[tuple[str, str], Verdict]

    def allowed(self, reader: str, target: str) -> bool:
        return self.verdicts.get((reader, target), "impossible") != "impossible"


def pairs_of(case: Case) -> Pairs | None:
    """What `check` says when every node that can read reads every other one; None when the graph itself is refused."""
    shape = Shape(case)
    document = artifact(case, shape)
    asked: dict[str, list[str]] = {}
    for node, printed in zip(case.nodes, document["nodes"], strict=True):
        targets = [other.id for other in case.nodes if other.type in _READABLE and other.id != node.id]
        if _read_all(node, printed, targets):
            asked[node.id] = targets
    verdicts: dict[tuple[str, str], Verdict] = {(r, t): "definite" for r, targets in asked.items() for t in targets}
    for found in check(document):
        verdict = _ABOUT.get(found.code.id)
        if verdict is not None and found.node_id in asked and found.snippet is not None:
            target = asked[found.node_id][found.snippet.line - 2]
            verdicts[found.node_id, target] = verdict  # type: ignore[assignment]
        elif found.severity is Severity.ERROR:
            return None
    return Pairs(verdicts)


def _read_all(node: Node, printed: Json, targets: list[str]) -> bool:
    """Makes a node read all others, each on a line of its own; whether it can read at all."""
    lines = "[\n" + "".join(f"{{{{{target}}}}},\n" for target in targets) + "]"
    if node.type in ("step", "http_request", "sub_script", "sub_workflow"):
        printed["type"] = "step"
        printed["data"] = {"code": f"return {lines};"}
        return True
    if node.type == "branch":
        first = printed["data"]["branches"][0]
        first["condition"] = f"{lines}.length < {first['condition']}"
        return True
    if node.type == "loop":
        field = {"forEach": "collection", "while": "condition", "times": "count"}[node.kind]
        printed["data"][field] = f"{lines}.concat({printed['data'][field]})"
        return True
    return False


def untrue(pairs: Pairs, run: Run, tally: Counter[str]) -> list[str]:
    """Verdicts that a run contradicts; `tally` counts how often each was looked at, and how it came out."""
    found = []
    for pair, seen in run.visible.items():
        verdict = pairs.verdicts.get(pair)
        if verdict is None:
            continue
        for had_run in seen:
            tally[f"{verdict}, {'had run' if had_run else 'had not run'}"] += 1
        if (verdict == "definite" and False in seen) or (verdict == "impossible" and True in seen):
            found.append(f"{pair[0]} reads {pair[1]}: {verdict}, but it {'had' if True in seen else 'had not'} run")
    return found
