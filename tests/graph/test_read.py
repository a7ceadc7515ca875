from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_
from hypothesis import strategies as st

from stepwell.diagnostics import Diagnostic, Place
from stepwell.graph.read import read_text, read_value
from tests.graph.artifacts import MINIMAL, graph, node

SHARED = Path(__file__).parents[3] / "shared" / "graphs"


def codes(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(d.code.id, d.pointer) for d in found]


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "document",
    [
        graph(),
        graph(*(node(kind, id=f"n{i}") for i, kind in enumerate(MINIMAL))),
        graph(kind="workflow", trigger=None),
        graph(kind="script", trigger={"type": "http"}),
        graph(metadata={"name": "Ωmega\ud800"}),
        graph(node(id="a-b c", config=None)),
        graph(node(config={"retries": {"limit": 0, "delay": 0}, "timeout": 5000})),
        graph(node(config={"retries": {"limit": 3, "delay": "1 second", "backoff": "linear"}})),
        graph(edges=[{"id": "e", "source": "n", "target": "n", "label": ""}]),
        graph(trigger={"type": "http", "path": "/hook", "method": "post"}),
        graph(trigger={"type": "cron", "expression": "0 9 * * MON-FRI"}),
        graph(trigger={"type": "event", "eventType": "order_paid-1"}),
        graph(trigger={"type": "manual"}),
        {
            "ir": graph(),
            "triggerCode": "",
            "dependencies": {"zod": "^3", "@scope/x": ">=1 <3 || 4.x", "y": "latest", "z": "1.2.3 - 2", "w": "*"},
            "envVars": [{"name": "A_1", "value": "{{global.env.A}}", "isSecret": True}],
            "deployConfig": {"anything": 1},
        },
        graph(node(data={"code": "x", "deep": deep(190)})),
    ],
)
def test_accepts(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    read, found = read_value(document)
    assert found == []
    assert read is not None and read.base == ("/ir" if "ir" in document else "")
    assert document == before


@pytest.mark.parametrize("path", sorted(SHARED.glob("*.json")), ids=lambda path: path.stem)
def test_reads_real_graphs(path: Path) -> None:
    read, found = read_text(path.read_text())
    assert read is not None and found == []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], [("SW102", "")]),
        (None, [("SW102", "")]),
        ({"ir": None}, [("SW102", "/ir")]),
        (without(graph(), "edges"), [("SW102", "")]),
        (without(graph(), "metadata", "entryNodeId"), [("SW102", ""), ("SW102", "")]),
        (graph(nodes=[]), [("SW102", "/nodes")]),
        (graph(nodes={}), [("SW102", "/nodes")]),
        (graph(metadata={"name": "", "version": 0}), [("SW102", "/metadata/name"), ("SW102", "/metadata/version")]),
        (graph(metadata={"name": "x", "version": True}), [("SW102", "/metadata/version")]),
        (graph(kind="function"), [("SW102", "/kind")]),
        (graph(without(node(), "name")), [("SW102", "/nodes/0")]),
        (graph(nodes=[node(id=7), 5]), [("SW102", "/nodes/0/id"), ("SW102", "/nodes/1")]),
        (graph(node(version=1)), [("SW102", "/nodes/0/version")]),
        (graph(node(position={"x": "left"})), [("SW102", "/nodes/0/position/x")]),
        (
            graph(node(config={"retries": {"limit": -1, "delay": True}, "timeout": []})),
            [
                ("SW102", "/nodes/0/config/retries/limit"),
                ("SW102", "/nodes/0/config/retries/delay"),
                ("SW102", "/nodes/0/config/timeout"),
            ],
        ),
        (
            graph(edges=[{"id": "e", "source": "", "target": None}]),
            [("SW102", "/edges/0/source"), ("SW102", "/edges/0/target")],
        ),
        (graph(node(config={"retrys": {}})), [("SW103", "/nodes/0/config/retrys")]),
        (
            graph(node(config={"retries": {"limit": 1, "delay": 1, "max~/": 2}})),
            [("SW103", "/nodes/0/config/retries/max~0~1")],
        ),
        (
            graph(
                node(lable="x"),
                metadata={"name": "x", "author": "y"},
                viewport={},
                edges=[{"id": "e", "source": "n", "target": "n", "animated": True}],
                trigger={"type": "http", "url": "/"},
            ),
            [
                ("SW103", "/metadata/author"),
                ("SW103", "/nodes/0/lable"),
                ("SW103", "/edges/0/animated"),
                ("SW103", "/viewport"),
                ("SW103", "/trigger/url"),
            ],
        ),
        ({"ir": graph(nodez=1), "envvars": []}, [("SW103", "/ir/nodez"), ("SW103", "/envvars")]),
        (graph(node(type="htp_request")), [("SW107", "/nodes/0/type")]),
        (graph(node(provider="inngest")), [("SW108", "/nodes/0/provider")]),
        (graph(node(name="x" * 257)), [("SW509", "/nodes/0/name")]),
        (graph(trigger={"type": "corn"}), [("SW701", "/trigger/type")]),
        (graph(trigger={}), [("SW701", "/trigger")]),
        (graph(trigger={"type": []}, kind="script"), [("SW701", "/trigger/type")]),
        (graph(trigger="http"), [("SW701", "/trigger")]),
        (
            graph(trigger={"type": "http", "path": "x", "method": "FETCH"}),
            [("SW701", "/trigger/path"), ("SW701", "/trigger/method")],
        ),
        (graph(trigger={"type": "cron"}), [("SW701", "/trigger")]),
        (graph(trigger={"type": "cron", "expression": "* * * * 0"}), [("SW505", "/trigger/expression")]),
        (graph(kind="script"), [("SW701", "")]),
        (graph(kind="script", trigger={"type": "manual"}), [("SW701", "/trigger")]),
        (
            {
                "ir": graph(),
                "envVars": [
                    {"name": "a", "value": "x"},
                    {"name": "B", "value": "é" * 2561},
                    {"name": "B", "value": 1},
                    {"value": "x"},
                    4,
                ],
            },
            [
                ("SW706", "/envVars/0/name"),
                ("SW706", "/envVars/1/value"),
                ("SW706", "/envVars/2/name"),
                ("SW706", "/envVars/2/value"),
                ("SW706", "/envVars/3"),
                ("SW706", "/envVars/4"),
            ],
        ),
        (
            {
                "ir": graph(),
                "dependencies": {
                    "Bad Name": "1",
                    "ok": "git+https://x",
                    "no": 1,
                    "empty": "",
                    "long": "1" * 101,
                    "slow": "1" * 99 + "!",
                },
            },
            [
                ("SW707", "/dependencies/Bad Name"),
                ("SW707", "/dependencies/ok"),
                ("SW707", "/dependencies/no"),
                ("SW707", "/dependencies/empty"),
                ("SW707", "/dependencies/long"),
                ("SW707", "/dependencies/slow"),
            ],
        ),
        (graph(node(data={"code": deep(300)})), [("SW104", "/nodes/0/data/code" + "/0" * 196)]),
        (graph(node(data={"code": float("inf")})), [("SW102", "/nodes/0/data/code")]),
        (graph(node(data={"code": {1: 2}})), [("SW102", "/nodes/0/data/code")]),
        (graph(node(data={"code": b"x"})), [("SW102", "/nodes/0/data/code")]),
        (graph(node(data={"code": (1, 2)})), [("SW102", "/nodes/0/data/code")]),
        (graph(nodes=[1] * 50_001), [("SW105", "/nodes")]),
        ({"ir": graph(edges=[1] * 200_001)}, [("SW105", "/ir/edges")]),
    ],
)
def test_reports(document: object, expected: list[tuple[str, str]]) -> None:
    read, found = read_value(document)
    assert codes(found) == expected
    assert (read is None) == any(d.severity.value == "error" for d in found)
    assert all(d.node_id in (None, "n") for d in found)


def test_names_the_node_a_fault_is_in() -> None:
    _, found = read_value(graph(node(name="Fetch it", provider="x", extra=1), node(id="m", name=5)))
    assert [d.node_id for d in found] == ["n", "n", "m"]
    assert "`n` (Fetch it)" in found[0].message


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        (graph(kind="function"), "script"),
        (graph(kind="scirpt"), "script"),
        (graph(node(typ="x")), "`type`"),
        (graph(without(node(), "name") | {"Name": "x"}), "`name`"),
        (graph(node(type="HTTP Request")), "http_request"),
        (graph(node(type="exit")), "break"),
        (graph(trigger={"type": "corn"}), "cron"),
        (graph(triggerCode="x"), '{"ir": <the artifact>, "triggerCode": …}'),
    ],
)
def test_hints(document: dict[str, Any], hint: str) -> None:
    document["nodes"][0].pop("type", None) if hint == "`type`" else None
    assert any(hint in (d.hint or "") for d in read_value(document)[1])


def test_cyclic_values_are_too_deep() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert [d.code.id for d in read_value(graph(node(data={"code": loop})))[1]] == ["SW104"]


def test_shared_values_do_not_take_for_ever() -> None:
    value: Any = 1
    for _ in range(150):
        value = [value, value]
    assert [d.code.id for d in read_value(graph(node(data={"code": value})))[1]] == ["SW105"]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        (" \n ", 1, 1, "empty"),
        ('{\n  "a": ,\n}', 2, 8, "`,`"),
        ('{"a": 1', 1, 8, "the end of the file"),
        ('{"a": 1} x', 1, 10, "nothing may follow"),
        ('{"a": "x\ny"}', 1, 9, "control character"),
        ('{"a": "\\x"}', 1, 8, "backslash"),
        ('{"a": "x', 1, 7, "no closing quote"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ('{\n"a": NaN}', 2, 6, "`NaN`"),
        ('{"NaN": [-Infinity]}', 1, 10, "`-Infinity`"),
        ('{"a": ' + "1" * 5000 + "}", 1, 7, "thousands of digits"),
        ("\ufeff{]", 1, 2, "key"),
        ("// x\n{}", 1, 1, "value"),
    ],
)
def test_not_json(text: str, line: int, column: int, words: str) -> None:
    read, found = read_text(text)
    assert read is None
    assert [(d.code.id, d.place) for d in found] == [("SW101", Place(line, column))]
    assert words in found[0].message


@pytest.mark.parametrize("depth", [201, 5_000, 200_000])
def test_too_deep_text(depth: int) -> None:
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    _, found = read_text(text)
    assert [d.code.id for d in found] == ["SW104"]
    assert found[0].place in (None, Place(1, 205))


def test_a_number_out_of_range() -> None:
    _, found = read_text(json.dumps(graph()).replace('"return 1;"', "1e999"))
    assert [(d.code.id, d.pointer) for d in found] == [("SW102", "/nodes/0/data/code")]


def test_byte_order_mark() -> None:
    read, found = read_text("\ufeff" + json.dumps(graph()))
    assert read is not None and found == []


def test_repeated_keys() -> None:
    text = json.dumps({"ir": graph()}).replace('"name": "n"', '"name": "x", "name": "n"')
    read, found = read_text(text)
    assert read is not None and read.source.ir.nodes[0].name == "n"
    assert [(d.code.id, d.pointer, d.node_id) for d in found] == [("SW109", "/ir/nodes/0/name", "n")]


@pytest.mark.parametrize(
    "text",
    [
        '{"nodes": {"x": {"a": 1, "a": 2}}}',
        '[{"a": 1, "a": 2}]',
        '{"a": {"b": 1, "b": 2}, "a": 3}',
        '{"ir": {"nodes": {"x": {"a": 1, "a": 2}}}}',
        '{"nodes": [[{"a": 1, "a": 2}]], "ir": 1}',
    ],
)
def test_repeated_keys_anywhere(text: str) -> None:
    assert "SW109" in [d.code.id for d in read_text(text)[1]]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(
    ["ir", "nodes", "edges", "metadata", "trigger", "entryNodeId", "kind", "envVars", "dependencies"]
)


@given_(JSON | st.dictionaries(KEYS, JSON))
def test_any_value_is_read(value: object) -> None:
    read_value(value)


@given_(st.text() | st.text('{}[]",:\\ntrue0e-. '))
def test_any_text_is_read(text: str) -> None:
    read_text(text)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given_(st.dictionaries(KEYS, JSON))
def test_text_and_value_say_the_same(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    if "NaN" not in text and "Infinity" not in text:
        assert codes(read_text(text)[1]) == codes(read_value(json.loads(text))[1])
