"""Graphs and flows that the tests share."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stepwell.flow.writer import cleaned
from stepwell.graph.read import read_text
from tests.golden.cases import all_cases
from tests.random_graphs import graph as random_graph

Json = dict[str, Any]
TOP = Path(__file__).parents[2]


def readable() -> Iterator[tuple[str, str]]:
    """Every graph of the goldens and of the examples that can be read, as JSON text."""
    texts = [(case.name, case.graph) for case in all_cases() if not case.is_python]
    texts += [(path.stem, path.read_text("utf-8")) for path in sorted(TOP.glob("examples/*/*.json"))]
    return ((name, text) for name, text in texts if read_text(text)[0] is not None)


def generated(seed: int) -> Json:
    """A graph of any shape: nested, joined, fanned out; some of it in an odd order."""
    rng = random.Random(seed)
    document = random_graph(rng, rng.randint(3, 24))
    for node in document["nodes"]:
        del node["reads"]
        if node["type"] == "step":
            node["data"]["code"] = rng.choice(["return 1;", "const a = 1;\nreturn a;", "return `\\n`;\n  // end"])
    return document


def said(value: Any) -> Json:
    """What a document says, whatever form it has."""
    return cleaned(json.loads(value) if isinstance(value, str) else value)


def run(text: str) -> Json:
    """The document that a flow's file builds when it is run."""
    names: dict[str, Any] = {"__name__": "flow_that_is_run"}
    exec(compile(text, "flow.py", "exec"), names)
    from stepwell.flow import Flow

    [flow] = {id(value): value for value in names.values() if isinstance(value, Flow)}.values()
    document: Json = flow.document()
    return document
