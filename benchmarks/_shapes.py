"""Graphs of any size for the benchmarks, each snippet of code different from all others.

What `n` counts is what the references count: steps of a chain, branches, parallels, loops, levels. `NODES` says how
many nodes that makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

Node = dict[str, Any]
Edge = dict[str, Any]
Part = tuple[list[Node], list[Edge], str]
"""Nodes, edges, and the id of the node that comes last."""


def chain(n: int) -> str:
    """Steps in a row, each of which reads the one before."""
    nodes = [_step("s0", "return { value: 1 };")]
    nodes += [_step(f"s{i}", f"return {{ value: {{{{s{i - 1}.value}}}} + {i} }};") for i in range(1, n)]
    return _document("workflow", nodes, _row(nodes))


def script(n: int) -> str:
    """The chain as a script, every fifth step exported."""
    nodes = [_step("s0", "return { value: 1 };")]
    for i in range(1, n):
        name = f"EXPORT_value{i}" if i % 5 == 0 else f"Step s{i}"
        nodes.append(_node(f"s{i}", "step", name, code=f"return {{ value: {{{{s{i - 1}.value}}}} + {i} }};"))
    return _document("script", nodes, _row(nodes))


def diamonds(n: int) -> str:
    """Branches in a row: two arms with a step each, and the join behind them, which the next branch reads."""
    return _repeated(n, _diamond)


def parallels(n: int) -> str:
    """Parallels in a row: two arms with a step each, and a join that reads both."""
    return _repeated(n, _parallel)


def loops(n: int) -> str:
    """Loops in a row, each over what the one before gave."""
    return _repeated(n, _loop)


def nesting(n: int) -> str:
    """Branches within branches: a step, and the next level beside another step."""
    nodes: list[Node] = [_step("s0", "return { value: 1 };")]
    edges: list[Edge] = []
    for i in range(1, n + 1):
        branch, inner, other = f"b{i}", f"s{i}", f"o{i}"
        nodes += [
            _branch(branch, f"{{{{s{i - 1}.value}}}} > {i}"),
            _step(inner, f"return {{ value: {{{{s{i - 1}.value}}}} + {i} }};"),
            _step(other, f"return {{ value: {{{{s{i - 1}.value}}}} - {i} }};"),
        ]
        edges += [_edge(f"s{i - 1}", branch), _edge(branch, inner, "yes"), _edge(branch, other, "no")]
    return _document("workflow", nodes, edges)


Shape = Callable[[int], str]

NODES: dict[Shape, Callable[[int], int]] = {
    chain: lambda n: n,
    diamonds: lambda n: 4 * n + 1,
    parallels: lambda n: 4 * n + 1,
    loops: lambda n: 2 * n + 1,
    script: lambda n: n,
    nesting: lambda n: 3 * n + 1,
}


def edited(document: str, number: int) -> str:
    """The document with another text in one of its steps, which `number` chooses."""
    value = json.loads(document)
    steps = [node for node in value["nodes"] if node["type"] == "step"]
    node = steps[number * 7919 % len(steps)]
    node["data"]["code"] = node["data"]["code"].replace("value: ", f"value: {number} + ", 1)
    return json.dumps(value)


# -- parts -------------------------------------------------------------------------------------------------


def _diamond(i: int, last: str) -> Part:
    branch, yes, no, join = f"b{i}", f"y{i}", f"n{i}", f"j{i}"
    nodes = [
        _branch(branch, f"{{{{{last}.value}}}} > {i}"),
        _step(yes, f"return {{ value: {{{{{last}.value}}}} + {i} }};"),
        _step(no, f"return {{ value: {{{{{last}.value}}}} - {i} }};"),
        _step(join, f"return {{ value: {{{{{yes}.value ?? 0}}}} * {i} }};"),
    ]
    edges = [
        _edge(last, branch),
        _edge(branch, yes, "yes"),
        _edge(branch, no, "no"),
        _edge(yes, join),
        _edge(no, join),
    ]
    return nodes, edges, join


def _parallel(i: int, last: str) -> Part:
    container, one, two, join = f"p{i}", f"a{i}", f"b{i}", f"j{i}"
    nodes = [
        _node(container, "parallel", f"Parallel {container}"),
        _step(one, f"return {{ value: {{{{{last}.value}}}} + {i} }};"),
        _step(two, f"return {{ value: {{{{{last}.value}}}} - {i} }};"),
        _step(join, f"return {{ value: {{{{{one}.value}}}} + {{{{{two}.value}}}} + {i} }};"),
    ]
    edges = [_edge(last, container), _edge(container, one), _edge(container, two), _edge(one, join), _edge(two, join)]
    return nodes, edges, join


def _loop(i: int, last: str) -> Part:
    loop, body = f"l{i}", f"w{i}"
    items = f"{{{{{last}.results}}}}" if i > 1 else f"{{{{{last}.items}}}}"
    nodes = [
        _node(loop, "loop", f"Loop {loop}", loopType="forEach", collection=items),
        _step(body, f"return {{ value: item.value + {i} }};"),
    ]
    return nodes, [_edge(last, loop, "then" if i > 1 else None), _edge(loop, body, "body")], loop


def _repeated(n: int, part: Callable[[int, str], Part]) -> str:
    nodes = [_step("s0", "return { value: 1, items: [{ value: 1 }] };")]
    edges: list[Edge] = []
    last = "s0"
    for i in range(1, n + 1):
        more, ways, last = part(i, last)
        nodes += more
        edges += ways
    return _document("workflow", nodes, edges)


def _row(nodes: list[Node]) -> list[Edge]:
    return [_edge(one["id"], two["id"]) for one, two in pairwise(nodes)]


def _step(identifier: str, code: str) -> Node:
    return _node(identifier, "step", f"Step {identifier}", code=code)


def _branch(identifier: str, condition: str) -> Node:
    arms = [{"label": "yes", "condition": condition}, {"label": "no", "condition": ""}]
    return _node(identifier, "branch", f"Branch {identifier}", branches=arms)


def _node(identifier: str, kind: str, name: str, **data: object) -> Node:
    place = {"position": {"x": 0, "y": 0}, "version": "1.0.0", "provider": "cloudflare"}
    return {"id": identifier, "type": kind, "name": name, **place, "data": data}


def _edge(source: str, target: str, label: str | None = None) -> Edge:
    edge = {"id": f"{source}-{target}", "source": source, "target": target}
    return edge if label is None else {**edge, "label": label}


def _document(kind: str, nodes: list[Node], edges: list[Edge]) -> str:
    told: dict[str, Any] = {"metadata": {"name": "Bench", "version": 1}}
    if kind == "script":
        told |= {"kind": "script", "trigger": {"type": "http", "path": "/", "method": "POST"}}
    return json.dumps({**told, "nodes": nodes, "edges": edges, "entryNodeId": nodes[0]["id"]})
