"""Random graphs and scenarios for translation validation. A seed gives one graph and what happens in it."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

TYPES = ["step"] * 5 + ["branch"] * 3 + ["parallel", "loop", "try_catch", "break", "sleep"]
Json = dict[str, Any]


def graph(rng: random.Random, size: int) -> Json:
    """A graph of at most `size` nodes whose steps tell where they ran and what they read (`reads`)."""
    kinds = [rng.choice(TYPES) for _ in range(size)]
    kinds[-1] = "step"
    nodes = [_node(rng, i, kind) for i, kind in enumerate(kinds)]
    edges: list[Json] = []
    for i, node in enumerate(nodes[:-1]):
        _edges(rng, i, node, size, edges)
    kept = _reachable(edges)
    nodes = [n for n in nodes if n["id"] in kept]
    edges = [e for e in edges if e["source"] in kept]
    if rng.random() < 0.3:
        rng.shuffle(nodes)
    return {"metadata": {"name": "G", "version": 1}, "nodes": nodes, "edges": edges, "entryNodeId": "n0"}


def _node(rng: random.Random, i: int, kind: str) -> Json:
    data: Json = {}
    if kind == "branch":
        labels = "abc"[: rng.choice([1, 2, 2, 3])]
        data = {"branches": [{"label": x, "condition": f"event.payload.flags.n{i}_{x}"} for x in labels]}
        if rng.random() < 0.5:
            data["branches"].append({"label": "e", "condition": ""})
    elif kind == "loop":
        data = {"loopType": "times", "count": f"event.payload.turns.n{i}"}
        if rng.random() < 0.4:
            data = {"loopType": "forEach", "collection": f"Array(event.payload.turns.n{i}).fill(7)"}
        elif rng.random() < 0.3:
            data = {"loopType": "while", "condition": f"_loop_i < event.payload.turns.n{i}"}
    elif kind == "parallel":
        data = {"mode": rng.choice(["all", "settled"])}
    elif kind == "break":
        data = {"condition": "" if rng.random() < 0.2 else "?"}
    elif kind == "sleep":
        data = {"duration": "1 second"}
    return {
        "id": f"n{i}",
        "type": kind,
        "name": f"N{i}",
        "position": {"x": 0, "y": 0},
        "version": "1.0.0",
        "provider": "cloudflare",
        "data": data,
        "reads": [],
    }


def _edges(rng: random.Random, i: int, node: Json, size: int, edges: list[Json]) -> None:
    def lead(label: str | None = None) -> None:
        target = min(size - 1, i + 1 + int(rng.expovariate(0.6)))
        edges.append(
            {"id": f"e{len(edges)}", "source": f"n{i}", "target": f"n{target}", **({"label": label} if label else {})}
        )

    kind = node["type"]
    if kind == "branch":
        for arm in node["data"]["branches"]:
            if rng.random() < 0.9:
                lead(arm["label"])
        if rng.random() < 0.35:
            lead("then" if rng.random() < 0.5 else None)
    elif kind == "parallel":
        for _ in range(rng.choice([1, 2, 2, 3])):
            lead()
        if rng.random() < 0.5:
            lead("then")
    elif kind == "loop":
        lead("body")
        if rng.random() < 0.75:
            lead("then")
    elif kind == "try_catch":
        lead("try")
        lead("catch")
        if rng.random() < 0.3:
            lead("finally")
        if rng.random() < 0.5:
            lead("then")
    else:
        for _ in range(rng.choice([0, 1, 1, 1, 1, 2])):
            lead()


def _reachable(edges: list[Json]) -> set[str]:
    leads = defaultdict(list)
    for edge in edges:
        leads[edge["source"]].append(edge["target"])
    seen, stack = {"n0"}, ["n0"]
    while stack:
        for target in leads[stack.pop()]:
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


def scenario(rng: random.Random, document: Json) -> Json:
    """The payload of a run: what conditions say, how often loops turn, which steps fail, where Exits leave."""
    steps = [n["id"] for n in document["nodes"] if n["type"] == "step"]
    flags = {
        f"{n['id']}_{a['label']}": rng.random() < 0.5
        for n in document["nodes"]
        if n["type"] == "branch"
        for a in n["data"]["branches"]
    }
    return {
        "flags": flags,
        "turns": {n["id"]: rng.choice([0, 1, 2, 2, 3]) for n in document["nodes"] if n["type"] == "loop"},
        "fail": [s for s in steps if rng.random() < 0.12],
        "exits": {
            n["id"]: rng.choice([[], [0], [1], [0, 1, 2]]) if n.get("inLoop") else rng.random() < 0.3
            for n in document["nodes"]
            if n["type"] == "break"
        },
    }
