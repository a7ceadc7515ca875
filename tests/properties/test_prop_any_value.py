"""Any JSON value, as a value and as text, gives a result or findings; never an exception."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepwell import check, compile_artifact
from stepwell.diagnostics import has_errors
from tests.properties.documents import graph, mutated, node
from tests.properties.findings import assert_sound
from tests.properties.hostile import Json, anything, bounded, deep, nested, values


def assert_answered(document: Any) -> None:
    """The value, and its text, are answered by `check` and `compile_artifact`, and they agree."""
    found = check(document)
    assert_sound(found, document)
    compiled = compile_artifact(document)
    assert_sound(compiled.diagnostics, document)
    assert compiled.ok or has_errors(compiled.diagnostics)
    assert not (compiled.ok and has_errors(compiled.diagnostics))
    assert {d.code.id for d in found} <= {d.code.id for d in compiled.diagnostics}
    try:
        text = json.dumps(document, ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return
    again = check(text)
    assert_sound(again, document, text)
    if "NaN" not in text and "Infinity" not in text:
        assert sorted(map(_said, again)) == sorted(map(_said, found))


def _said(finding: Any) -> tuple[str, str, str]:
    return finding.code.id, finding.pointer, finding.message


@bounded(120)
@given((values | deep).filter(lambda value: not isinstance(value, str)))
def test_any_value_is_answered(value: Json) -> None:
    assert_answered(value)


@bounded(500)
@given(mutated())
def test_a_mutated_artifact_is_answered(document: Json) -> None:
    assert_answered(document)


@bounded(150)
@given(
    st.one_of(
        anything, values.map(lambda v: json.dumps(v, allow_nan=True)), mutated().map(lambda v: json.dumps(v, indent=1))
    ),
    st.data(),
)
@example('\ufeff{"nodes": []}', None)
@example('{"a": 1e999}', None)
@example('{"a": ' + "9" * 5000 + "}", None)
@example("[" * 100_000, None)
@example('{"a":' * 3000, None)
def test_any_text_is_answered(text: str, data: st.DataObject | None) -> None:
    """Also JSON that was cut off or had something put into it."""
    if data is not None and text:
        at = data.draw(st.integers(0, len(text)))
        text = data.draw(
            st.sampled_from([text, text[:at], text[:at] + data.draw(anything) + text[at:], text[:at] + text[at + 1 :]])
        )
    found = check(text)
    assert all(d.message.strip() for d in found)
    value, readable = _read(text)
    if readable:
        assert_sound(found, value, text)
    assert compile_artifact(text).diagnostics is not None


def _read(text: str) -> tuple[Any, bool]:
    try:
        return json.loads(text.removeprefix("\ufeff")), True
    except (ValueError, RecursionError):
        return None, False


@pytest.mark.parametrize(
    "field", ["code", "url", "body", "headers", "queryParams", "condition", "collection", "count", "input", "duration"]
)
@pytest.mark.parametrize("depth", [190, 300])
def test_depth_in_any_field_is_answered(field: str, depth: int) -> None:
    kinds = {
        "code": "step",
        "condition": "break",
        "collection": "loop",
        "count": "loop",
        "input": "sub_workflow",
        "duration": "sleep",
    }
    data = {"method": "POST", "url": "https://a.test/", "loopType": "forEach", "workflowId": "w", "workflowName": "W"}
    for value in (
        nested(depth),
        nested(depth, "{}"),
        "(" * depth + "1" + ")" * depth,
        "[" * depth,
        "{{" * depth,
        "${" * depth,
        "`${" * depth,
        "a?" * depth,
        "!" * depth + "1",
        json.dumps(nested(depth)),
        "{{event" + ".a" * depth + "}}",
        "x=>" * depth + "1",
    ):
        assert_answered(graph(node("a", kinds.get(field, "http_request"), **{**data, field: value})))


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {"nodes": {1, 2}}, b"{}", (1, 2), float("nan"), {"nodes": [float("inf")]}, type, ...]
)
def test_what_json_does_not_have_is_answered(value: object) -> None:
    assert has_errors(check(value))
    assert not compile_artifact(value).ok


def test_a_value_that_holds_itself_is_answered() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for document in (loop, {"nodes": loop}, graph(node("a", "http_request", url="https://a.test/", body=loop))):
        assert has_errors(check(document))


def test_the_function_check_is_not_hidden_by_the_room_of_its_name() -> None:
    program = (
        "import stepwell; stepwell.compile_artifact({}); from stepwell import check; check({}); stepwell.check({})"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
