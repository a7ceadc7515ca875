"""Draws cases from a seed and looks for one that differs; it is shrunk to one that can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Final

from hypothesis import given, seed

from tests.semantics.case import Case, Node
from tests.semantics.draw import settings_for
from tests.semantics.engine import Engine
from tests.semantics.generate import Drawn, drawn
from tests.semantics.validate import Tally, compiled, validate

Check = Callable[[Drawn], list[str]]

_MOST_WORDS: Final = 20


class Differs(AssertionError):
    """A case on which the compiler and the reference do not agree."""


def hunt(
    number: int, count: int, check: Check, *, script: bool = False, calm: bool = False, scenarios: int = 3
) -> None:
    """Draws `count` cases that compile. Raises Differs with the smallest one found."""

    @seed(number)
    @settings_for(count)
    @given(drawn(scenarios, script, calm))
    def look(case: Drawn) -> None:
        found = check(case)
        if found:
            raise Differs(report(case, found, f"seed {number}"))

    look()


def on_engine(engine: Engine, tally: Tally) -> Check:
    """The check on the small engine, with kills."""
    return lambda case: validate(case, engine, tally)


# -- what a person reads


def report(found: Drawn, words: list[str], where: str) -> str:
    """All about a case: what differs, the graph, what happens in it, and what it compiled to."""
    lines = [where, *words[:_MOST_WORDS], "", *graph_lines(found.case), ""]
    lines += [f"scenario {number}: {json.dumps(each)}" for number, each in enumerate(found.scenarios)]
    js = compiled(found.case, found.shape).js or ""
    return "\n".join([*lines, "", js.split("export default")[0]])


def graph_lines(case: Case) -> list[str]:
    edges = [f"{e.source} → {e.target}" + (f" ({e.label})" if e.label else "") for e in case.edges]
    return [*(_node_line(node) for node in case.nodes), ", ".join(edges)]


def _node_line(node: Node) -> str:
    told = {each.name: getattr(node, each.name) for each in fields(node) if each.name not in ("id", "type")}
    default = {each.name: each.default for each in fields(node)}
    shown = [f"{name}={value!r}" for name, value in told.items() if value != default[name]]
    return " ".join([f"{node.id} {node.type}", *shown])
