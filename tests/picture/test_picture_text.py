"""A graph as lines of text, and a run of it in every kind of picture."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.picture import Mark, draw
from stepwell.picture.drawing import drawing_of
from stepwell.picture.lanes import rows


def _graph(edges: list[tuple[str, str, str]], entry: str = "a") -> dict[str, Any]:
    ids = dict.fromkeys([entry, *(id for source, target, _ in edges for id in (source, target))])
    return {
        "metadata": {"name": "g"},
        "trigger": {"type": "manual"},
        "entryNodeId": entry,
        "nodes": [{"id": id, "type": "step", "name": id, "data": {}} for id in ids],
        "edges": [{"source": source, "target": target, "label": label} for source, target, label in edges],
    }


DIAMOND = _graph([("a", "b", "yes"), ("a", "c", "no"), ("b", "d", ""), ("c", "d", ""), ("d", "e", "")])


def test_a_diamond() -> None:
    assert draw(DIAMOND, "text").splitlines() == [
        "● manual",
        "● a  Step",
        "├─╮",
        "● │ b  (yes)  Step",
        "│ ● c  (no)  Step",
        "├─╯",
        "● d  Step",
        "● e  Step",
    ]


def test_lanes_that_cross() -> None:
    edges = [("a", "b", ""), ("a", "c", ""), ("a", "d", ""), ("b", "e", ""), ("d", "e", ""), ("c", "f", "")]
    assert draw(_graph(edges), "text").splitlines()[2:] == [
        "├─┬─╮",
        "● │ │ b  Step",
        "│ ● │ c  Step",
        "│ ● │ f  Step",
        "│   ● d  Step",
        "├───╯",
        "● e  Step",
    ]


def test_a_run_of_it() -> None:
    marks = {
        "a": Mark("done"),
        "b": Mark("failed", "3 attempts"),
        "c": Mark("idle"),
        "d": Mark("active", "waits"),
        "e": Mark("idle"),
    }
    assert draw(DIAMOND, "text", marks).splitlines()[1:] == [
        "✓ a",
        "├─╮",
        "✗ │ b  (yes)  3 attempts",
        "│ · c  (no)",
        "├─╯",
        "⋯ d  waits",
        "· e",
    ]
    assert ":::failed" in draw(DIAMOND, "mermaid", marks) and "classDef failed" in draw(DIAMOND, "mermaid", marks)
    assert "classDef" not in draw(DIAMOND, "mermaid")
    assert "penwidth=3" in draw(DIAMOND, "dot", marks) and "penwidth" not in draw(DIAMOND, "dot")
    assert '<g class="box failed"' in draw(DIAMOND, "svg", marks) and '<g class="box"' in draw(DIAMOND, "svg")


@pytest.mark.parametrize("edges", [[("a", "a", "")], [("a", "b", ""), ("b", "a", "")]])
def test_a_cycle_has_a_picture(edges: list[tuple[str, str, str]]) -> None:
    assert "a  Step" in draw(_graph(edges), "text")


def _followed(lines: list[tuple[str, int | None, str]]) -> set[tuple[int, int]]:
    """The arrows that a reader sees who follows the lanes down with a finger."""
    seen: set[tuple[int, int]] = set()
    above: dict[int, set[int]] = {}
    for before, box, behind in lines:
        text = before if box is None else f"{before}● {behind}"
        if box is not None:
            seen |= {(source, box) for source in above.get(len(before), ())}
            above[len(before)] = {box}
        else:
            start = text.index("├")
            for column in range(start + 1, len(text)):
                if text[column] in "╮┬":
                    above[column] = above[start]
                elif text[column] in "╯┴":
                    above[start] = above[start] | above.pop(column)
        above = {column: sources for column, sources in above.items() if text[column : column + 1].strip(" ─")}
    return seen


_IDS = st.sampled_from("abcdefgh")


@settings(deadline=None)
@given(st.lists(st.tuples(_IDS, _IDS, st.just("")), max_size=16))
def test_who_follows_the_lanes_finds_the_arrows(edges: list[tuple[str, str, str]]) -> None:
    drawing = drawing_of(_graph([("a", id, "") for id in "bcdefgh"][: len(edges)] + edges))
    lines = list(rows(drawing))
    boxes = [box for _, box, _ in lines if box is not None]
    assert sorted(boxes) == list(range(len(drawing.boxes)))
    rank = {box: place for place, box in enumerate(boxes)}
    down = {(arrow.source, arrow.target) for arrow in drawing.arrows if rank[arrow.source] < rank[arrow.target]}
    if all(box.reached for box in drawing.boxes):
        assert _followed(lines) == down
    else:
        assert _followed(lines) >= down
