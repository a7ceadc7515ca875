"""Where boxes and arrows stand: layers from top to bottom, few crossings, straight long arrows.

The usual four steps (Sugiyama, Tagawa, Toda 1981): arrows that close a cycle are turned round, every box gets
a layer (the longest way to it), boxes of a layer are ordered by the middle of their neighbours, and then they
are placed as near to their neighbours as the widths allow. A labelled arrow passes through a point as wide as
its label, and a long arrow through a point in every layer, so that nothing is drawn across a box or a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Point = tuple[float, float]

_GAP = 36.0
_THIN_GAP = 14.0
_LAYER_GAP = 32.0
_SWEEPS = 12
_PLACINGS = 12
_STILL = 0.05
_MAX_POINTS = 60_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much room a box or a label takes."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow to lay out; `label` is the room its label takes, if it has one."""

    source: int
    target: int
    label: Size | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow laid out: the points it passes from its source to its target, and where its label stands."""

    points: tuple[Point, ...]
    label: Point | None
    backward: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of the boxes, routes of the links, and the room all of it takes."""

    centres: tuple[Point, ...]
    routes: tuple[Route, ...]
    size: Size


@dataclass
class _Layered:
    """Items (boxes, then points that arrows pass) with their layers and the short arrows between them."""

    sizes: list[Size]
    layer: list[int]
    boxes: int
    above: dict[int, list[int]] = field(default_factory=dict)
    below: dict[int, list[int]] = field(default_factory=dict)
    layers: list[list[int]] = field(default_factory=list)

    def add(self, size: Size, layer: int) -> int:
        self.sizes.append(size)
        self.layer.append(layer)
        return len(self.sizes) - 1

    def join(self, upper: int, lower: int) -> None:
        self.below.setdefault(upper, []).append(lower)
        self.above.setdefault(lower, []).append(upper)

    def is_point(self, item: int) -> bool:
        return item >= self.boxes


def lay_out(boxes: Sequence[Size], links: Sequence[Link]) -> Layout:
    """Lays a graph out. Equal input gives an equal result."""
    backward = _closing(len(boxes), links)
    ranks = _ranks(len(boxes), links, backward)
    graph, chains = _layered(boxes, links, backward, ranks)
    _order(graph)
    x = _place(graph)
    rows, height = _rows(graph)
    left = min((x[i] - graph.sizes[i].width / 2 for i in range(len(x))), default=0.0)
    right = max((x[i] + graph.sizes[i].width / 2 for i in range(len(x))), default=0.0)
    centres = [(x[i] - left, rows[graph.layer[i]].middle) for i in range(len(x))]
    passes = [rows[layer] for layer in graph.layer]
    routes = tuple(
        _route(chain, centres, passes, turned, link)
        for chain, turned, link in zip(chains, backward, links, strict=True)
    )
    return Layout(tuple(centres[: len(boxes)]), routes, Size(right - left, height))


def _closing(count: int, links: Sequence[Link]) -> list[bool]:
    """Which links close a cycle, by a depth-first walk in order."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    for index, link in enumerate(links):
        leaving[link.source].append(index)
    state, closing = [0] * count, [False] * len(links)
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        walk = [(root, iter(leaving[root]))]
        while walk:
            box, rest = walk[-1]
            index = next(rest, -1)
            if index < 0:
                state[box] = 2
                walk.pop()
                continue
            target = links[index].target
            if state[target] == 1:
                closing[index] = True
            elif not state[target]:
                state[target] = 1
                walk.append((target, iter(leaving[target])))
    return closing


def _ranks(count: int, links: Sequence[Link], backward: Sequence[bool]) -> list[int]:
    """The longest way to each box, in even numbers: labels stand in the odd rows between."""
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for link, turned in zip(links, backward, strict=True):
        upper, lower = (link.target, link.source) if turned else (link.source, link.target)
        if upper != lower:
            after[upper].append(lower)
            waiting[lower] += 1
    ranks = [0] * count
    ready = [box for box in range(count) if not waiting[box]]
    for box in ready:
        for lower in after[box]:
            ranks[lower] = max(ranks[lower], ranks[box] + 2)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return ranks


def _layered(
    boxes: Sequence[Size], links: Sequence[Link], backward: Sequence[bool], ranks: list[int]
) -> tuple[_Layered, list[list[int]]]:
    """Points are put in for every layer that a link passes; the chain of each link, from above to below."""
    labelled = {min(ranks[a.source], ranks[a.target]) + 1 for a in links if a.label and a.source != a.target}
    used = sorted({*ranks, *labelled})
    row = {rank: index for index, rank in enumerate(used)}
    graph = _Layered(list(boxes), [row[rank] for rank in ranks], len(boxes))
    spans = sum(abs(row[ranks[link.source]] - row[ranks[link.target]]) for link in links)
    chains = []
    for link, turned in zip(links, backward, strict=True):
        upper, lower = (link.target, link.source) if turned else (link.source, link.target)
        chains.append(_chain(graph, upper, lower, link.label, spans <= _MAX_POINTS))
    graph.layers = [[] for _ in used]
    for item in _first_order(graph):
        graph.layers[graph.layer[item]].append(item)
    return graph, chains


def _chain(graph: _Layered, upper: int, lower: int, label: Size | None, is_bent: bool) -> list[int]:
    if upper == lower:
        return [upper, lower]
    chain = [upper]
    for layer in range(graph.layer[upper] + 1, graph.layer[lower]):
        is_label = label is not None and layer == graph.layer[upper] + 1
        if is_label or is_bent:
            chain.append(graph.add(label if label is not None and is_label else Size(0, 0), layer))
    chain.append(lower)
    for one, next_one in pairwise(chain):
        if graph.layer[next_one] - graph.layer[one] == 1 or not is_bent:
            graph.join(one, next_one)
    return chain


def _first_order(graph: _Layered) -> list[int]:
    """Depth first in file order, so that what hangs together stands together and arms keep their order."""
    order, seen = [], [False] * len(graph.sizes)
    for root in sorted(range(graph.boxes), key=lambda box: graph.layer[box]):
        walk = [root]
        while walk:
            item = walk.pop()
            if seen[item]:
                continue
            seen[item] = True
            order.append(item)
            walk.extend(reversed(graph.below.get(item, ())))
    return order


def _order(graph: _Layered) -> None:
    """Orders each layer by the middle of its neighbours, down and up in turn, and keeps the best."""
    best, fewest = [list(layer) for layer in graph.layers], _crossings(graph)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        _sweep(graph, downwards=sweep % 2 == 0)
        crossings = _crossings(graph)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in graph.layers], crossings
    graph.layers = best


def _sweep(graph: _Layered, downwards: bool) -> None:
    neighbours = graph.above if downwards else graph.below
    layers = range(len(graph.layers)) if downwards else reversed(range(len(graph.layers)))
    at = _positions(graph)
    for layer in layers:
        items = graph.layers[layer]
        middle = {item: _mean((at[n] for n in neighbours.get(item, ())), at[item]) for item in items}
        items.sort(key=lambda item: (middle[item], at[item]))
        for index, item in enumerate(items):
            at[item] = float(index)


def _positions(graph: _Layered) -> list[float]:
    at = [0.0] * len(graph.sizes)
    for layer in graph.layers:
        for index, item in enumerate(layer):
            at[item] = float(index)
    return at


def _crossings(graph: _Layered) -> int:
    """Pairs of short arrows that cross, counted layer by layer with a Fenwick tree."""
    at = _positions(graph)
    return sum(_inversions(_ends(graph, layer, at)) for layer in graph.layers)


def _ends(graph: _Layered, layer: list[int], at: list[float]) -> list[int]:
    return [int(end) for item in layer for end in sorted(at[lower] for lower in graph.below.get(item, ()))]


def _inversions(values: list[int]) -> int:
    if not values:
        return 0
    size = max(values) + 1
    tree = [0] * (size + 1)
    total = 0
    for seen, value in enumerate(values):
        total += seen - _upto(tree, value + 1)
        index = value + 1
        while index <= size:
            tree[index] += 1
            index += index & -index
    return total


def _upto(tree: list[int], index: int) -> int:
    total = 0
    while index > 0:
        total += tree[index]
        index -= index & -index
    return total


def _place(graph: _Layered) -> list[float]:
    """Moves every item towards its neighbours, a layer at a time, as far as the others leave room.

    First towards those on the side one comes from, then towards both, each until nothing moves any more.
    """
    x = [0.0] * len(graph.sizes)
    for layer in graph.layers:
        _settle(graph, layer, x, [1.0] * len(layer))
    for to_both in (False, True):
        for _ in range(_PLACINGS):
            before = list(x)
            _down_and_up(graph, x, to_both)
            if all(abs(one - other) < _STILL for one, other in zip(before, x, strict=True)):
                break
    return x


def _down_and_up(graph: _Layered, x: list[float], to_both: bool) -> None:
    for layer in graph.layers:
        _pull(graph, layer, x, graph.above, graph.below if to_both else {})
    for layer in reversed(graph.layers):
        _pull(graph, layer, x, graph.below, graph.above if to_both else {})


def _pull(
    graph: _Layered,
    layer: list[int],
    x: list[float],
    first: dict[int, list[int]],
    second: dict[int, list[int]],
) -> None:
    weights = []
    for item in layer:
        near = [*first.get(item, ()), *second.get(item, ())]
        hard = [_hardness(graph.is_point(item), graph.is_point(n)) for n in near]
        if near:
            x[item] = _median([(x[n], w) for n, w in zip(near, hard, strict=True)])
        weights.append(sum(hard) if near else 0.1)
    _settle(graph, layer, x, weights)


def _hardness(is_point: bool, leads_to_point: bool) -> float:
    """Points pull harder than boxes: a bend in a long arrow shows more than a box off its middle."""
    return (8.0 if leads_to_point else 2.0) if is_point else 1.0


def _settle(graph: _Layered, layer: list[int], x: list[float], weights: list[float]) -> None:
    """The least move (squared, weighted) that keeps the order and the gaps: isotonic regression."""
    offsets, at = [], 0.0
    for index, item in enumerate(layer):
        if index:
            at += _distance(graph, layer[index - 1], item)
        offsets.append(at)
    pools: list[tuple[float, float, int]] = []
    for index, item in enumerate(layer):
        pool = (x[item] - offsets[index], weights[index], 1)
        while pools and pools[-1][0] > pool[0]:
            before = pools.pop()
            weight = before[1] + pool[1]
            pool = ((before[0] * before[1] + pool[0] * pool[1]) / weight, weight, before[2] + pool[2])
        pools.append(pool)
    settled = [value for value, _, members in pools for _ in range(members)]
    for item, value, offset in zip(layer, settled, offsets, strict=True):
        x[item] = value + offset


def _distance(graph: _Layered, left: int, right: int) -> float:
    gap = _THIN_GAP if graph.is_point(left) or graph.is_point(right) else _GAP
    return (graph.sizes[left].width + graph.sizes[right].width) / 2 + gap


@dataclass(frozen=True, slots=True)
class _Row:
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def _rows(graph: _Layered) -> tuple[list[_Row], float]:
    """The layers from above, and the height of all."""
    rows, at = [], 0.0
    for layer in graph.layers:
        rows.append(_Row(at, max((graph.sizes[item].height for item in layer), default=0.0)))
        at += rows[-1].height + _LAYER_GAP
    return rows, max(0.0, at - _LAYER_GAP)


def _route(chain: list[int], centres: list[Point], rows: list[_Row], turned: bool, link: Link) -> Route:
    """Through a layer an arrow runs upright: it bends between layers only, where nothing else stands."""
    points = [centres[chain[0]]]
    for item in chain[1:-1]:
        x, row = centres[item][0], rows[item]
        points += [(x, row.top), (x, row.top + row.height)] if row.height else [(x, row.top)]
    points.append(centres[chain[-1]])
    label = centres[chain[1]] if link.label is not None and len(chain) > 2 else None
    return Route(tuple(reversed(points) if turned else points), label, turned)


def _median(weighted: list[tuple[float, float]]) -> float:
    """The weighted median, halfway where it falls between two: it leaves straight lines straight."""
    half = sum(weight for _, weight in weighted) / 2
    passed = 0.0
    ordered = sorted(weighted)
    for index, (value, weight) in enumerate(ordered):
        passed += weight
        if passed > half:
            return value
        if passed == half and index + 1 < len(ordered):
            return (value + ordered[index + 1][0]) / 2
    return ordered[-1][0]


def _mean(values: Iterable[float], default: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else default
