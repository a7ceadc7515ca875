from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.check.data import Settings, Typed, typed_nodes
from stepwell.diagnostics import Diagnostic
from stepwell.graph import data as d
from stepwell.graph.durations import Duration
from stepwell.graph.read import Document, read_value
from tests.graph.artifacts import MINIMAL, Json, graph, node

SHARED = Path(__file__).parents[3] / "shared" / "graphs"


def document(value: Json) -> Document:
    read, found = read_value(value)
    assert read is not None, found
    return read


def check(value: Json) -> tuple[list[Typed | None], list[Diagnostic]]:
    return typed_nodes(document(value))


def reported(value: Json) -> list[tuple[str, str]]:
    return [(one.code.id, one.pointer) for one in check(value)[1]]


@pytest.mark.parametrize("kind", MINIMAL)
def test_minimal_nodes_are_right(kind: str) -> None:
    typed, found = check(graph(node(kind)))
    assert found == [] and typed[0] is not None
    assert typed[0].kind.type == kind and typed[0].retries == Settings() and not typed[0].retries.explicit


@pytest.mark.parametrize("path", sorted(SHARED.glob("*.json")), ids=lambda path: path.stem)
def test_real_graphs_are_right(path: Path) -> None:
    typed, found = check(json.loads(path.read_text()))
    assert found == [] and None not in typed


URL = {"url": "https://x.y/"}
ARM = {"label": "a", "condition": "x"}
BIG = "x" * (1024 * 1024 + 1)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("step", {}, [("SW506", "")]),
        ("step", {"code": None}, [("SW506", "")]),
        ("step", {"code": 5}, [("SW507", "/code")]),
        ("step", {"code": " \n"}, [("SW404", "/code")]),
        ("step", {"code": "x", "inline": "yes"}, [("SW507", "/inline")]),
        ("step", {"code": "x", "retryLimit": -1}, [("SW507", "/retryLimit")]),
        ("step", {"code": "x", "retryLimit": 10_001}, [("SW507", "/retryLimit")]),
        ("step", {"code": "x", "retryLimit": 1.5}, [("SW507", "/retryLimit")]),
        ("step", {"code": "x", "retryLimit": True}, [("SW507", "/retryLimit")]),
        ("step", {"code": "x", "retryLimit": "many"}, [("SW507", "/retryLimit")]),
        ("step", {"code": "x", "retryDelay": "5 minuts"}, [("SW501", "/retryDelay")]),
        ("step", {"code": "x", "retryDelay": []}, [("SW501", "/retryDelay")]),
        ("step", {"code": "x", "backoff": "square"}, [("SW507", "/backoff")]),
        ("step", {"code": "x", "timeout": 0}, [("SW502", "/timeout")]),
        ("step", {"code": "x", "timeout": "366 days"}, [("SW502", "/timeout")]),
        ("step", {"code": "x", "inlin": True}, [("SW103", "/inlin")]),
        (
            "step",
            {"code": "x", "inline": True, "retryLimit": 1, "timeout": "1 day"},
            [("SW515", "/retryLimit"), ("SW515", "/timeout")],
        ),
        ("http_request", {}, [("SW506", "")]),
        ("http_request", {"url": " "}, [("SW506", "")]),
        (
            "http_request",
            {"url": "", "timeout": "soon", "extra": 1},
            [("SW103", "/extra"), ("SW501", "/timeout"), ("SW506", "")],
        ),
        ("http_request", {"url": "/path"}, [("SW521", "/url")]),
        ("http_request", {"url": "example.com"}, [("SW521", "/url")]),
        ("http_request", {"url": "ftp://example.com"}, [("SW521", "/url")]),
        ("http_request", {"url": "https://"}, [("SW521", "/url")]),
        ("http_request", {"url": "https://[::1"}, [("SW521", "/url")]),
        ("http_request", {"url": "https://a:port/"}, [("SW521", "/url")]),
        ("http_request", {"url": "https://a b/"}, [("SW521", "/url")]),
        ("http_request", URL | {"method": "FETCH"}, [("SW507", "/method")]),
        ("http_request", URL | {"headers": []}, [("SW507", "/headers")]),
        ("http_request", URL | {"headers": "[1]"}, [("SW507", "/headers")]),
        ("http_request", URL | {"queryParams": "{a: 1}"}, [("SW507", "/queryParams")]),
        ("http_request", URL | {"queryParams": "[" * 5000}, [("SW507", "/queryParams")]),
        ("http_request", URL | {"throwOnError": 0}, [("SW507", "/throwOnError")]),
        ("sleep", {}, [("SW506", "")]),
        ("sleep", {"duration": ""}, [("SW506", "")]),
        ("sleep", {"duration": "5 minuts"}, [("SW501", "/duration")]),
        ("sleep", {"duration": "5"}, [("SW501", "/duration")]),
        ("sleep", {"duration": True}, [("SW501", "/duration")]),
        ("sleep", {"duration": 0}, [("SW502", "/duration")]),
        ("sleep", {"duration": -1}, [("SW502", "/duration")]),
        ("sleep", {"duration": "13 months"}, [("SW502", "/duration")]),
        ("sleep", {"duration": 365 * 86_400_000 + 1}, [("SW502", "/duration")]),
        ("sleep", {"duration": "1 day", "retryLimit": 3}, [("SW518", "/retryLimit")]),
        ("sleep_until", {}, [("SW506", "")]),
        ("sleep_until", {"timestamp": "tomorrow"}, [("SW503", "/timestamp")]),
        ("sleep_until", {"timestamp": []}, [("SW503", "/timestamp")]),
        ("sleep_until", {"timestamp": 9e15}, [("SW503", "/timestamp")]),
        ("wait_for_event", {}, [("SW506", "")]),
        ("wait_for_event", {"eventType": "a b"}, [("SW504", "/eventType")]),
        ("wait_for_event", {"eventType": "é"}, [("SW504", "/eventType")]),
        ("wait_for_event", {"eventType": "a\n"}, [("SW504", "/eventType")]),
        ("wait_for_event", {"eventType": "x" * 101}, [("SW504", "/eventType")]),
        ("wait_for_event", {"eventType": 7}, [("SW504", "/eventType")]),
        ("wait_for_event", {"eventType": "a", "timeout": "2 years"}, [("SW502", "/timeout")]),
        ("branch", {}, [("SW506", "")]),
        ("branch", {"branches": []}, [("SW506", "/branches")]),
        ("branch", {"branches": {}}, [("SW507", "/branches")]),
        ("branch", {"branches": [{"condition": "x"}]}, [("SW506", "/branches/0")]),
        ("branch", {"branches": [{"label": "a", "condition": True}]}, [("SW507", "/branches/0/condition")]),
        ("branch", {"branches": [5]}, [("SW507", "/branches/0")]),
        ("branch", {"branches": [{"label": " ", "condition": "x"}]}, [("SW507", "/branches/0/label")]),
        ("branch", {"branches": [{"label": "then", "condition": "x"}]}, [("SW507", "/branches/0/label")]),
        ("branch", {"branches": [ARM, ARM]}, [("SW207", "/branches/1/label")]),
        ("branch", {"branches": [{"label": "else"}, ARM]}, [("SW210", "/branches/0/condition")]),
        ("branch", {"branches": [ARM | {"conditon": 1}]}, [("SW103", "/branches/0/conditon")]),
        ("branch", {"branches": [ARM], "timeout": 1}, [("SW518", "/timeout")]),
        ("parallel", {"mode": "some"}, [("SW507", "/mode")]),
        ("race", {"backoff": "linear"}, [("SW518", "/backoff")]),
        ("loop", {}, [("SW506", "")]),
        ("loop", {"loopType": "foreach"}, [("SW507", "/loopType")]),
        ("loop", {"loopType": "forEach"}, [("SW506", "")]),
        ("loop", {"loopType": "forEach", "collection": 5}, [("SW507", "/collection")]),
        ("loop", {"loopType": "forEach", "collection": {}}, [("SW507", "/collection")]),
        ("loop", {"loopType": "while"}, [("SW506", "")]),
        ("loop", {"loopType": "while", "condition": "x", "concurrency": 2}, [("SW516", "/concurrency")]),
        ("loop", {"loopType": "times", "count": 0}, [("SW507", "/count")]),
        ("loop", {"loopType": "times", "count": "0"}, [("SW507", "/count")]),
        ("loop", {"loopType": "times", "count": 2.5}, [("SW507", "/count")]),
        ("loop", {"loopType": "times", "count": []}, [("SW507", "/count")]),
        ("loop", {"loopType": "times", "concurrency": 0}, [("SW507", "/concurrency")]),
        ("loop", {"loopType": "times", "indexVar": "a b"}, [("SW507", "/indexVar")]),
        ("loop", {"loopType": "times", "indexVar": "class"}, [("SW507", "/indexVar")]),
        ("loop", {"loopType": "times", "itemVar": "event"}, [("SW507", "/itemVar")]),
        ("loop", {"loopType": "forEach", "collection": [], "itemVar": "i"}, [("SW507", "/itemVar")]),
        ("loop", {"loopType": "forEach", "collection": [], "itemVar": "x", "indexVar": "x"}, [("SW507", "/indexVar")]),
        ("break", {"condition": 1}, [("SW507", "/condition")]),
        ("sub_workflow", {}, [("SW506", ""), ("SW506", "")]),
        ("sub_workflow", {"workflowId": "a", "workflowName": "A", "input": BIG}, [("SW512", "/input")]),
        ("sub_workflow", {"workflowId": "a", "workflowName": "A", "input": {"é": [BIG]}}, [("SW512", "/input")]),
        (
            "sub_workflow",
            {"workflowId": "a", "workflowName": "A", "waitForCompletion": False, "timeout": "1 day"},
            [("SW518", "/timeout")],
        ),
        ("sub_script", {}, [("SW506", "")]),
        ("sub_script", {"workerName": "x", "url": "invoke"}, [("SW521", "/url")]),
    ],
)
def test_reports(kind: str, data: Json, expected: list[tuple[str, str]]) -> None:
    found = check(graph(node(kind, data)))[1]
    assert [(one.code.id, one.pointer) for one in found] == [
        (code, f"/nodes/0/data{place}") for code, place in expected
    ]
    assert all(one.node_id == "n" and "`n`" in one.message for one in found)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("step", {"code": "x", "retryLimit": "3", "retryDelay": 0, "backoff": None, "timeout": ""}),
        ("step", {"code": "x", "inline": True, "retryLimit": None, "timeout": ""}),
        ("step", {"code": "x", "retryDelay": "{{n.delay}}", "timeout": "${n} seconds"}),
        ("http_request", {"url": "{{n.url}}/path", "method": "patch", "headers": " ", "queryParams": '{"a": {{n.b}}}'}),
        ("http_request", {"url": " https://x.y:80/a b?c", "headers": '{"a": "b"}', "retryLimit": "0"}),
        ("sleep", {"duration": "365 days"}),
        ("sleep", {"duration": "{{n.time}}"}),
        ("sleep_until", {"timestamp": "1999-01-01"}),
        ("sleep_until", {"timestamp": "{{n.at}}"}),
        ("wait_for_event", {"eventType": "paid-{{n.id}}", "timeout": 1000}),
        ("branch", {"branches": [ARM | {"id": "x"}, {"label": "b", "condition": None}]}),
        ("loop", {"loopType": "times", "count": "{{n.count}}"}),
        ("loop", {"loopType": "times", "count": "event.payload.n", "itemVar": "", "indexVar": None}),
        ("loop", {"loopType": "times", "itemVar": "i"}),
        (
            "loop",
            {"loopType": "forEach", "collection": "[1, 2]", "itemVar": "type", "indexVar": "$öl", "concurrency": "4"},
        ),
        ("loop", {"loopType": "while", "condition": "{{n}} < 3"}),
        ("sub_workflow", {"workflowId": "a", "workflowName": "A", "input": "{{n}}" + BIG}),
    ],
)
def test_accepts(kind: str, data: Json) -> None:
    before = copy.deepcopy(data)
    typed, found = check(graph(node(kind, data)))
    assert found == [] and typed[0] is not None
    assert data == before


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        (
            "sleep",
            {"retries": {"limit": 1, "delay": 1}, "timeout": 1},
            [("SW518", "/config/retries"), ("SW518", "/config/timeout")],
        ),
        ("branch", {"timeout": "1 day"}, [("SW518", "/config/timeout")]),
        ("step", {"retries": {"limit": 1, "delay": " "}, "timeout": ""}, []),
        (
            "wait_for_event",
            {"retries": {"limit": 1, "delay": 1}, "timeout": "400 days"},
            [("SW518", "/config/retries"), ("SW502", "/config/timeout")],
        ),
        (
            "step",
            {"retries": {"limit": 10_001, "delay": "5s"}, "timeout": "0 seconds"},
            [("SW507", "/config/retries/limit"), ("SW501", "/config/retries/delay"), ("SW502", "/config/timeout")],
        ),
        ("step", {}, []),
    ],
)
def test_reports_config(kind: str, config: Json, expected: list[tuple[str, str]]) -> None:
    assert reported(graph(node(kind, config=config))) == [(code, f"/nodes/0{place}") for code, place in expected]


def test_inline_config() -> None:
    value = graph(node(data={"code": "x", "inline": True}, config={"retries": {"limit": 1, "delay": 1}, "timeout": 1}))
    assert reported(value) == [("SW515", "/nodes/0/config/retries"), ("SW515", "/nodes/0/config/timeout")]


@pytest.mark.parametrize("kind", ["sleep", "sleep_until", "wait_for_event"])
def test_durable_nodes_in_a_script(kind: str) -> None:
    assert reported(graph(node(kind), kind="script", trigger={"type": "http"})) == [("SW508", "/nodes/0/type")]


def test_a_script_never_waits() -> None:
    data = MINIMAL["sub_workflow"] | {"waitForCompletion": True}
    value = {"ir": graph(node("sub_workflow", data), kind="script", trigger={"type": "http"})}
    assert reported(value) == [("SW518", "/ir/nodes/0/data/waitForCompletion")]


@pytest.mark.parametrize(
    ("kind", "data", "hint"),
    [
        ("sleep", {"duration": "5 minuts"}, '"5 minutes"'),
        ("sleep", {"duration": 40_000_000_000}, "milliseconds"),
        ("loop", {"loopType": "for-each"}, '"forEach"'),
        ("step", {"code": "x", "inlne": True}, "`inline`"),
        ("http_request", {"url": "https://x", "querryparams": {}}, "`queryParams`"),
    ],
)
def test_hints(kind: str, data: Json, hint: str) -> None:
    assert any(hint in (one.hint or "") for one in check(graph(node(kind, data)))[1])


def test_config_wins_over_data_field_by_field() -> None:
    data = {"code": "x", "retryLimit": 9, "retryDelay": "9 days", "backoff": "linear", "timeout": "9 hours"}
    config = {"retries": {"limit": 2, "delay": 1500}}
    typed = check(graph(node(data=data, config=config), node(id="m", data=data)))[0]
    first, second = (one.retries for one in typed if one)
    assert first == Settings(2, Duration(1500, "1500 milliseconds"), "linear", Duration(32_400_000, "9 hours"))
    assert second == Settings(9, Duration(777_600_000, "9 days"), "linear", Duration(32_400_000, "9 hours"))
    assert first.explicit


def test_durations_with_expressions_stay_text() -> None:
    typed = check(graph(node(config={"timeout": "{{n.t}}"})))[0]
    assert typed[0] is not None and typed[0].retries == Settings(timeout="{{n.t}}")


def test_coercions() -> None:
    typed = check(
        graph(
            node("loop", {"loopType": "times", "count": "7", "concurrency": "2"}),
            node("http_request", {"url": "https://x", "method": "get", "retryLimit": "4"}, id="m"),
        )
    )[0]
    loop, request = (one.data for one in typed if one)
    assert isinstance(loop, d.LoopData) and (loop.count, loop.concurrency) == (7, 2)
    assert isinstance(request, d.RequestData) and (request.method, request.retryLimit) == ("GET", 4)


def test_nodes_keep_their_places() -> None:
    typed, found = check({"ir": graph(node(data={}), node("race", id="m"))})
    assert typed[0] is None and typed[1] is not None and typed[1].index == 1
    assert [one.pointer for one in found] == ["/ir/nodes/0/data"]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just("9" * 5000),
    st.sampled_from(["5 minuts", "400 days", "{{n.x}}", "${", "-1", "1e5", "https://", "forEach", "while"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)


def _holders(value: Any) -> list[Any]:
    found, stack = [], [value]
    while stack:
        holder = stack.pop()
        if isinstance(holder, dict | list) and holder:
            found.append(holder)
            stack.extend(holder.values() if isinstance(holder, dict) else holder)
    return found


@settings(deadline=None)
@given(st.lists(st.tuples(st.randoms(use_true_random=False), VALUES), min_size=1, max_size=4), st.booleans())
def test_mutations_never_raise(changes: list[tuple[random.Random, Any]], script: bool) -> None:
    value = graph(
        *(
            node(kind, copy.deepcopy(data), id=kind, config={"retries": {"limit": 1, "delay": 1}, "timeout": 5})
            for kind, data in MINIMAL.items()
        )
    )
    value |= {"kind": "script", "trigger": {"type": "http"}} if script else {}
    for chance, new in changes:
        holder = chance.choice(_holders(value))
        holder[chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))] = new
    read, _ = read_value(value)
    if read is not None:
        typed_nodes(read)


KEYS = sorted(
    {key for model in MINIMAL for key in ("condition", "branches", "code")}
    | set(d.LoopData.model_fields)
    | set(d.SubScriptData.model_fields)
    | set(d.SubWorkflowData.model_fields)
)


@given(st.sampled_from(sorted(MINIMAL)), st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_data_is_checked(kind: str, data: Json) -> None:
    read, _ = read_value(graph(node(kind, MINIMAL[kind] | data)))
    if read is not None:
        typed_nodes(read)
