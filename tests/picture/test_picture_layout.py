"""Where boxes and arrows stand: nothing overlaps, whatever the graph."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.picture.layout import Layout, Link, Size, lay_out

BOX = Size(100, 40)
LABEL = Size(30, 18)


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[list[Size], list[Link]]:
    count = draw(st.integers(1, 14))
    sizes = draw(st.lists(st.integers(10, 200), min_size=count, max_size=count))
    ends = st.integers(0, count - 1)
    links = draw(st.lists(st.builds(Link, ends, ends, st.sampled_from([None, LABEL])), max_size=30))
    return [Size(width, 40) for width in sizes], links


@settings(max_examples=150, deadline=None)
@given(_graphs())
def test_no_box_or_label_overlaps_another(graph: tuple[list[Size], list[Link]]) -> None:
    boxes, links = graph
    layout = lay_out(boxes, links)
    labels = [(route.label, LABEL) for route in layout.routes if route.label]
    placed = [*zip(layout.centres, boxes, strict=True), *labels]
    for ((x0, y0), one), ((x1, y1), other) in combinations(placed, 2):
        apart = abs(x0 - x1) * 2 - (one.width + other.width), abs(y0 - y1) * 2 - (one.height + other.height)
        assert max(apart) >= -1e-6


@settings(max_examples=150, deadline=None)
@given(_graphs())
def test_no_arrow_runs_through_a_box(graph: tuple[list[Size], list[Link]]) -> None:
    """Inside a layer an arrow is upright, so its points there must lie beside every box."""
    boxes, links = graph
    layout = lay_out(boxes, links)
    for route in layout.routes:
        for x, y in route.points[1:-1]:
            for (box_x, box_y), size in zip(layout.centres, boxes, strict=True):
                is_beside = abs(x - box_x) >= size.width / 2 or abs(y - box_y) >= size.height / 2 - 1e-6
                assert is_beside


@settings(max_examples=100, deadline=None)
@given(_graphs())
def test_all_of_it_lies_within_the_size_and_is_the_same_each_time(
    graph: tuple[list[Size], list[Link]],
) -> None:
    layout = lay_out(*graph)
    for (x, y), size in zip(layout.centres, graph[0], strict=True):
        assert x - size.width / 2 >= -1e-6 and x + size.width / 2 <= layout.size.width + 1e-6
        assert y - size.height / 2 >= -1e-6 and y + size.height / 2 <= layout.size.height + 1e-6
    assert lay_out(*graph) == layout


def _chain(length: int) -> Layout:
    return lay_out([BOX] * length, [Link(i, i + 1) for i in range(length - 1)])


def test_a_chain_is_a_straight_line() -> None:
    layout = _chain(5)
    assert len({x for x, _ in layout.centres}) == 1
    assert sorted(layout.centres, key=lambda centre: centre[1]) == list(layout.centres)


def test_twenty_thousand_in_a_row() -> None:
    assert len(_chain(20_000).centres) == 20_000


def test_arms_keep_their_order_and_stand_around_their_container() -> None:
    layout = lay_out(
        [BOX] * 5,
        [Link(0, 1, LABEL), Link(0, 2, LABEL), Link(0, 3, LABEL), Link(1, 4), Link(2, 4), Link(3, 4)],
    )
    x = [centre[0] for centre in layout.centres]
    assert x[1] < x[2] < x[3]
    assert x[0] == x[2] == x[4]


def test_an_arrow_that_closes_a_cycle_goes_up() -> None:
    layout = lay_out([BOX] * 3, [Link(0, 1), Link(1, 2), Link(2, 0)])
    assert [route.backward for route in layout.routes] == [False, False, True]
    assert layout.routes[2].points[0] == layout.centres[2]
    assert layout.routes[2].points[-1] == layout.centres[0]


def test_nothing_at_all() -> None:
    assert lay_out([], []).centres == ()
