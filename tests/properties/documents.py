"""Documents: those of the goldens, and what hypothesis makes of them."""

from __future__ import annotations

import copy
import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.properties.hostile import Json, anything, deep, numbers, values

GOLDEN = Path(__file__).parents[2] / "golden"

Way = tuple[str | int, ...]


@cache
def goldens() -> list[tuple[str, Json]]:
    """Every graph of the goldens, small ones first (hypothesis shrinks towards them)."""
    found = [(path.parent.name, path.read_text("utf-8")) for path in sorted(GOLDEN.glob("*/graph.json"))]
    return [
        (name, value)
        for name, text in sorted(found, key=lambda one: len(one[1]))
        if (value := _parsed(text)) is not None
    ]


def _parsed(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if len(text) < 20_000 and isinstance(value, dict) else None


def ways(document: Json) -> list[Way]:
    """The ways to all values of a document."""
    found: list[Way] = []
    stack: list[tuple[Json, Way]] = [(document, ())]
    while stack:
        value, way = stack.pop()
        found.append(way)
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        stack.extend((item, (*way, key)) for key, item in members)
    return found


KEYS = (
    "id",
    "type",
    "name",
    "data",
    "config",
    "retries",
    "limit",
    "delay",
    "label",
    "source",
    "target",
    "ir",
    "nodes",
    "edges",
    "kind",
    "trigger",
    "triggerCode",
    "dependencies",
    "envVars",
    "deployConfig",
    "code",
    "url",
    "body",
    "inline",
    "timeout",
    "branches",
    "condition",
    "collection",
    "itemVar",
    "concurrency",
    "loopType",
    "mode",
    "duration",
    "timestamp",
    "eventType",
    "metadata",
    "version",
)
CODES = (
    "",
    "return 1;",
    "return {{a}};",
    "return (",
    "}",
    "{{",
    "{{a.b ?? ",
    "`${",
    "x = {{b}}",
    "import x from 'y'; return x;",
    "return <a/>;",
    "const a = 1; const a = 2;",
    "\ud800",
    "//",
    "/*",
    "1",
    "event.payload.x",
    "{{event.payload}}",
    "{{env.A}}",
    "env",
    "while (1) {}",
    "3 days",
    "0 seconds",
    "99999999 years",
    "2027-01-31",
    "* * * * *",
    "then",
    "body",
    "try",
    "catch",
    "finally",
    "a",
    "n1",
    "script",
    "workflow",
)

replacements: st.SearchStrategy[Any] = (
    values
    | st.sampled_from(CODES)
    | numbers
    | anything
    | deep
    | st.sampled_from([None, True, [], {}, "", [[]], [{}], {"": {}}])
)


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """A golden's graph with some of its values dropped, doubled, replaced, moved or renamed."""
    _, original = draw(st.sampled_from(goldens()))
    document = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 4))):
        document = mutate(draw, document)
    return document


def mutate(draw: st.DrawFn, document: Json) -> Json:
    """The document with one of its values dropped, doubled, replaced, moved or renamed; it may be changed itself."""
    all_ways = ways(document)
    way = draw(st.sampled_from(all_ways))
    if not way:
        return document
    holder = document
    for step in way[:-1]:
        holder = holder[step]
    key: Any = way[-1]
    match draw(st.sampled_from(["replace", "replace", "drop", "double", "swap", "rename", "add", "wrap"])):
        case "replace":
            holder[key] = copy.deepcopy(draw(replacements))
        case "drop":
            del holder[key]
        case "double" if isinstance(holder, list):
            holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(holder[key]))
        case "swap":
            other = document
            for step in draw(st.sampled_from(all_ways)):
                other = other[step]
            holder[key] = copy.deepcopy(other)
        case "rename" if isinstance(holder, dict):
            holder[draw(st.sampled_from(KEYS) | anything)] = holder.pop(key)
        case "add" if isinstance(holder, dict):
            holder[draw(st.sampled_from(KEYS) | anything)] = copy.deepcopy(draw(replacements))
        case "wrap":
            holder[key] = [holder[key]] if draw(st.booleans()) else {"a": holder[key]}
    return document


def node(identifier: str, type_: str = "step", name: str | None = None, **data: Any) -> Json:
    if type_ == "step":
        data.setdefault("code", "return 1;")
    return {
        "id": identifier,
        "type": type_,
        "name": identifier if name is None else name,
        "position": {"x": 0, "y": 0},
        "version": "1.0.0",
        "provider": "cloudflare",
        "data": data,
    }


def edge(source: str, target: str, label: str | None = None, number: int = 0) -> Json:
    return {
        "id": f"{number} {source} {target} {label}",
        "source": source,
        "target": target,
        **({} if label is None else {"label": label}),
    }


def graph(*nodes: Json, edges: list[Json] | None = None, name: str = "Test", **more: Any) -> Json:
    """An artifact; without edges its nodes stand in a row."""
    row = [edge(a["id"], b["id"]) for a, b in pairwise(nodes)]
    return {
        "metadata": {"name": name, "version": 1},
        "nodes": list(nodes),
        "edges": row if edges is None else edges,
        "entryNodeId": nodes[0]["id"],
        **more,
    }
