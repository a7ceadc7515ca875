"""`must` answers from what is known of each vertex and its immediate dominator; that is what the whole way says."""

from __future__ import annotations

import random

from stepwell.check.analysis import analyse
from stepwell.check.regions import ROOT, Regions, _always, must
from stepwell.graph.read import read_value
from tests.semantics.generate import graph


def regions_of(seed: int) -> Regions | None:
    rng = random.Random(seed)
    document, _ = read_value(graph(rng, rng.randint(3, 24)))
    analysis = analyse(document)[0] if document is not None else None
    return analysis.regions if analysis is not None else None


def test_the_same_as_following_every_way() -> None:
    asked = 0
    for seed in range(300):
        regions = regions_of(seed)
        for vertex in range(regions.flow.size) if regions is not None else ():
            above = vertex
            while regions is not None and above != ROOT:
                assert must(regions, above, vertex) == _always(regions, above, vertex, regions.leaving), (seed, vertex)
                above, asked = regions.idom[above], asked + 1
    assert asked > 1000
