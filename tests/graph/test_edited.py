"""What has changed between two JSON texts, held against reading both."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepwell.graph import jsontext
from stepwell.graph.edited import changed, located, same_value

NODES = st.lists(
    st.fixed_dictionaries({"id": st.text(max_size=2), "data": st.dictionaries(st.text(max_size=1), st.integers())}),
    min_size=1,
    max_size=5,
)
PUT = (
    "",
    "x",
    ",",
    "{}",
    "[",
    "]",
    "}",
    " ",
    "\n",
    '"',
    "1",
    "1.0",
    "true",
    '{"id": 1},',
    ', {"a": 1}',
    '"a": 1, "a": 2',
    "NaN",
    "ß",
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and one that somebody made of it."""
    document: dict[str, Any] = {"metadata": {"nodes": []}, "nodes": draw(NODES), "edges": []}
    if draw(st.booleans()):
        document = {"envVars": [], "ir": document}
    text = json.dumps(document, indent=draw(st.sampled_from([None, 0, 2])), ensure_ascii=draw(st.booleans()))
    other = text
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(other)))
        end = min(len(other), start + draw(st.sampled_from([0, 0, 1, 2, 9, 40])))
        again = other[max(0, start - 12) : start]
        other = other[:start] + draw(st.sampled_from((*PUT, again))) + other[end:]
    return text, other


@given(texts())
def test_what_is_changed_is_what_differs(pair: tuple[str, str]) -> None:
    old, text = pair
    value, _, _ = jsontext.parse(old)
    known = located(old, value)
    if known is None:
        return
    found = changed(known, text)
    if found is None:
        return
    now, nodes, rewritten, around = found
    other, repeated, fault = jsontext.parse(text)
    assert fault is None and not repeated
    assert same_value(_rest(value), _rest(other))
    fresh = located(text, other)
    assert fresh is not None and fresh == type(fresh)(**{name: _plain(getattr(now, name)) for name in fresh.__slots__})
    assert around or (old[: known.opened] == text[: now.opened] and old[known.closed :] == text[now.closed :])
    assert list(rewritten) == [at for at in range(len(now.nodes)) if now.node(at) != known.node(at)]
    assert list(nodes) == [at for at, node in enumerate(fresh.nodes) if not same_value(node, known.nodes[at])]


def _rest(value: dict[str, Any]) -> Any:
    inner = {key: one for key, one in value.get("ir", value).items() if key != "nodes"}
    return {**value, "ir": inner} if "ir" in value else inner


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_an_edit_in_a_node_is_found() -> None:
    text = json.dumps({"nodes": [{"id": "a", "data": {"x": 1}}, {"id": "b"}, {"id": "c"}], "edges": []})
    known = located(text, json.loads(text))
    assert known is not None
    for old, new, nodes in (
        ('"x": 1', '"x": 1.0', [0]),
        ('"b"', '"bb"', [1]),
        ("}, {", "},\n\n {", []),
        ('"b"', '"b" ', []),
    ):
        found = changed(known, text.replace(old, new, 1))
        assert found is not None and list(found.nodes) == nodes, (old, new)
    assert changed(known, text.replace('"edges": []', '"edges": [1]')) is None
    assert changed(known, text.replace('{"id": "b"}', "1")) is None
    assert changed(known, text.replace('{"id": "b"}, ', "")) is None


def test_numbers_that_python_takes_for_the_same_are_not() -> None:
    assert not same_value({"a": 1}, {"a": True}) and not same_value(1, 1.0) and not same_value(0.0, -0.0)
    assert not same_value({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert same_value({"a": ["x", None]}, json.loads('{"a": ["x", null]}'))
