"""The three kinds of picture: every text is quoted, a broken graph has a picture too."""

from __future__ import annotations

import re
import time
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.picture import STYLES, Style, draw

HOSTILE = '"; end\n`${x}` </text>&amp; ]]> \\N \x00 \ud800 \u2028 -->|"| click n1 "javascript:1" %%{init} #quot;'
SVG = "{http://www.w3.org/2000/svg}"


def _graph(*nodes: dict[str, Any], edges: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "g"}, "nodes": list(nodes), "edges": edges or [], "entryNodeId": "a", **more}


def _node(identifier: Any, kind: str = "step", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "type": kind, "name": f"Node {identifier}", "data": {}, **more}


def _edge(source: Any, target: Any, label: str | None = None) -> dict[str, Any]:
    return {"source": source, "target": target} | ({"label": label} if label else {})


TWO = _graph(_node("a"), _node("b", "sleep", data={"duration": "2 days"}), edges=[_edge("a", "b", "then")])


def test_mermaid() -> None:
    assert draw(TWO, "mermaid").splitlines() == [
        "flowchart TD",
        '    n0(["POST /"])',
        '    n1["Node a<br/><small>Step</small>"]',
        '    n2(["Node b<br/><small>Sleep / 2 days</small>"])',
        "    n0 --> n1",
        '    n1 -->|"then"| n2',
    ]


def test_dot() -> None:
    assert draw(TWO, "dot").splitlines() == [
        'digraph "g" {',
        '  node [fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=10];',
        '  n0 [shape=plaintext, label="POST /"];',
        '  n1 [shape=box, label="Node a\\nStep"];',
        '  n2 [shape=oval, label="Node b\\nSleep / 2 days"];',
        "  n0 -> n1;",
        '  n1 -> n2 [label="then"];',
        "}",
    ]


def test_svg_shows_every_node_and_edge() -> None:
    picture = ElementTree.fromstring(draw(TWO, "svg"))
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert words == ["then", "POST /", "Node a", "Step", "Node b", "Sleep · 2 days"]
    assert len([path for path in picture.iter(f"{SVG}path") if path.get("class") == "arrow"]) == 2


def test_mermaid_quotes_every_character_that_might_mean_something() -> None:
    line = draw(_graph(_node("a", name=HOSTILE)), "mermaid").splitlines()[2]
    label = re.fullmatch(r'    n1\["(.*)<br/><small>Step</small>"\]', line)
    assert label is not None
    assert re.fullmatch(r"(?:[\w ,/()?!='.+\u2028\ufffd-]|#\d+;)*", label[1].replace("\u2028", ""))
    assert "#34;" in label[1] and "#96;" in label[1] and "#60;" in label[1]


@pytest.mark.parametrize(("name", "shown"), [("1. First", "1#46; First"), ("- a", "#45; a"), ("v1.2-x", "v1.2-x")])
def test_mermaid_makes_no_lists(name: str, shown: str) -> None:
    assert f'n1["{shown}<br/>' in draw(_graph(_node("a", name=name)), "mermaid")


def test_dot_quotes_quotes_backslashes_and_ampersands() -> None:
    line = draw(_graph(_node("a", name='say "hi" \\N &amp;')), "dot").splitlines()[4]
    assert line == '  n1 [shape=box, label="say \\"hi\\" \\\\N &amp;amp;\\nStep"];'


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_text_gives_whole_pictures(identifier: str, name: str, label: str) -> None:
    graph = _graph(
        _node(identifier, name=name),
        _node("z"),
        edges=[_edge(identifier, "z", label)],
        metadata={"name": name},
    )
    ElementTree.fromstring(draw(graph, "svg").encode())
    for line in draw(graph, "mermaid").removesuffix("\n").split("\n"):
        assert line.count('"') in (0, 2)
    for line in draw(graph, "dot").removesuffix("\n").split("\n"):
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
keys = st.sampled_from(["id", "type", "name", "data", "source", "target", "label", "x"])
odd_nodes = st.dictionaries(keys, json_values | st.sampled_from(["a", "loop", "branch"]), max_size=6)
odd_graphs = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(odd_nodes | json_values, max_size=4) | json_values for name in ("nodes", "edges", "trigger")
    },
)


@settings(max_examples=200, deadline=None)
@given(odd_graphs | json_values, st.sampled_from(STYLES))
def test_any_document_has_a_picture(document: Any, style: Style) -> None:
    assert draw(document, style)


def test_a_broken_graph_is_drawn_as_far_as_it_goes() -> None:
    graph = _graph(
        _node("a"), _node("b"), _node("lost"), _node("b"),
        edges=[_edge("a", "b"), _edge("b", "a"), _edge("b", "b"), _edge("a", "nowhere"), _edge("ghost", "a")],
    )  # fmt: skip
    picture = ElementTree.fromstring(draw(graph, "svg"))
    classes = [path.get("class", "") for path in picture.iter(f"{SVG}path")]
    arrows = [name for name in classes if name.startswith("arrow")]
    assert sorted(arrows) == ["arrow", "arrow", "arrow back", "arrow back"]
    groups = [group.get("class") for group in picture.iter(f"{SVG}g")]
    assert groups == ["start", "box", "box", "box lost", "box lost"]


@pytest.mark.parametrize(
    ("trigger", "shown"),
    [
        ({"type": "cron", "expression": "0 3 * * *"}, "cron 0 3 * * *"),
        ({"type": "event", "eventType": "paid"}, "event paid"),
        ({"type": "manual"}, "manual"),
        ({"type": "http", "path": "/o", "method": "PUT"}, "PUT /o"),
        (None, "POST /"),
    ],
)
def test_the_start_says_what_triggers(trigger: Any, shown: str) -> None:
    picture = ElementTree.fromstring(draw(_graph(_node("a"), trigger=trigger), "svg"))
    assert next(picture.iter(f"{SVG}text")).text == shown


def test_a_source_file_is_drawn_as_its_graph() -> None:
    assert draw({"ir": TWO, "triggerCode": ""}, "svg") == draw(TWO, "svg")


def test_two_thousand_nodes_in_seconds() -> None:
    nodes = [_node(f"n{i}") for i in range(2000)]
    edges = [_edge(f"n{i // 3}", f"n{i}", "arm" if i % 2 else None) for i in range(1, 2000)]
    edges += [_edge(f"n{i}", f"n{i + 500}") for i in range(0, 1500, 7)]
    began = time.perf_counter()
    picture = draw(_graph(*nodes, edges=edges), "svg")
    assert time.perf_counter() - began < 20
    assert sum(1 for _ in ElementTree.fromstring(picture).iter(f"{SVG}g")) == 2001
