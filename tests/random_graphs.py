"""Random graphs of steps and containers for tests that want a document of any shape; a seed gives one.

Those that are run and held against the reference are drawn in `tests/semantics/generate.py`.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

from stepwell.check.analysis import analyse
from stepwell.graph.read import read_value

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


def prepared(seed: int) -> tuple[dict[str, Any], Any, Counter[str]] | None:
    """A graph that compiles, with as many of its references as are allowed; None when its shape is refused."""
    rng = random.Random(seed)
    document = graph(rng, rng.randint(3, 16))
    said: Counter[str] = Counter()
    document["nodes"] = [_bare(n) for n in document["nodes"]]
    analysis, found = _analysed(document)
    said.update({d.code.slug for d in found if d.severity.value == "error"})
    if analysis is None:
        return None
    _mark_exits(document, analysis)
    allowed = [
        (a, b)
        for a in range(len(document["nodes"]))
        for b in range(len(document["nodes"]))
        if a != b
        and all(document["nodes"][x]["type"] == "step" for x in (a, b))
        and analysis.reach.status(b, a) != "impossible"
    ]
    for reader, target in rng.sample(allowed, min(len(allowed), rng.randint(0, 8))):
        document["nodes"][reader]["reads"].append(document["nodes"][target]["id"])
    document["nodes"] = [_bare(n) for n in document["nodes"]]
    analysis, found = _analysed(document)
    assert analysis is not None, [d.message for d in found]
    return document, analysis, said


def _analysed(document: dict[str, Any]) -> tuple[Any, list[Any]]:
    read, found = read_value(
        {**document, "nodes": [{k: v for k, v in n.items() if k not in ("reads", "inLoop")} for n in document["nodes"]]}
    )
    assert read is not None, found
    analysis, more = analyse(read)
    return analysis, [*found, *more]


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    data = dict(node["data"])
    if node["type"] == "step":
        reads = ", ".join(f"name({{{{{r}}}}})" for r in node["reads"])
        data["code"] = (
            'const name = (x) => x === undefined ? null : x.v + x.at.join("");\n'
            f'if (event.payload.fail.includes("{node["id"]}")) throw new Error("{node["id"]}");\n'
            "const at = [...ctx.step.name.matchAll(/\\[(\\d+)\\]/g)].map((m) => +m[1]);\n"
            f'return {{ v: "{node["id"]}", at, r: [{reads}] }};'
        )
    if node["type"] == "break" and data["condition"]:
        data["condition"] = f"event.payload.exits.{node['id']}" + (".includes(_loop_i)" if node.get("inLoop") else "")
    return {**node, "data": data}


def _mark_exits(document: dict[str, Any], analysis: Any) -> None:
    for vertex, node in enumerate(document["nodes"]):
        if node["type"] == "break":
            node["inLoop"] = any(
                analysis.flow.shape(analysis.flow.arm(a).container) == "loop"
                for a in analysis.regions.blocks_around(vertex)
            )
