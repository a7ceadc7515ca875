"""`must` answers from what is known of each vertex and its immediate dominator; that is what the whole way says."""

from __future__ import annotations

from stepwell.check.regions import ROOT, _always, must
from tests.random_graphs import prepared


def test_the_same_as_following_every_way() -> None:
    asked = 0
    for seed in range(200):
        made = prepared(seed)
        if made is None:
            continue
        regions = made[1].regions
        for vertex in range(regions.flow.size):
            above = vertex
            while above != ROOT:
                assert must(regions, above, vertex) == _always(regions, above, vertex, regions.leaving), (seed, vertex)
                above, asked = regions.idom[above], asked + 1
    assert asked > 1000
