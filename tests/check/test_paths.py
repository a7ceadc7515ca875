"""References to paths that do not exist: where nothing may be said."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import check
from tests.properties.documents import graph, node

ORDER = node("order", code="return { total: 1, customer: { name: '' } };")


def told(*nodes: Any, **more: Any) -> list[tuple[str, str | None]]:
    return [(d.message, d.hint) for d in check(graph(*nodes, **more)) if d.slug == "unknown-path"]


@pytest.mark.parametrize(
    "code",
    [
        "return {{order.total}};",
        "return order.hasOwnProperty('total');",
        "const order = { x: 1 }; return order.x;",
        "order.more = 1; return order.more;",
        "let o = {{order}}; o = event.payload; return o.x;",
        "let o = {{order}}; if (o.total) o = f(); return o.x;",
        "return {{order}}[event.payload.key];",
        "const { total, ...rest } = order; return rest;",
        "// {{order.totl}}\nreturn 1;",
        "return '\\{{order.totl}}';",
    ],
)
def test_what_is_not_wrong(code: str) -> None:
    assert told(ORDER, node("b", code=code)) == []


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("return {{order.totl}};", "Did you mean `order.total`?"),
        ("return {{order.Customer.name}};", "Did you mean `order.customer`?"),
        ("return {{order}}.customer.nam;", "Did you mean `order.customer.name`?"),
        ("const c = order.customr; return c.name;", "Did you mean `order.customer`?"),
        ("return {{order.total ?? order.totl}};", "Did you mean `order.total`?"),
        ("return event.name;", "Did you mean `event.payload.name`?"),
        ("return {{order.customer.name.first}};", None),
    ],
)
def test_what_was_meant(code: str, hint: str | None) -> None:
    [(_, found)] = told(ORDER, node("b", code=code))
    assert found == hint


def test_what_runs_between_is_looked_through() -> None:
    fields = {"url": "https://a.test/{{order.totl}}", "headers": '{"a": "{{order.totl}}", "b": "${order.totl}"}'}
    found = [d for d in check(graph(ORDER, node("b", "http_request", **fields))) if d.slug == "unknown-path"]
    assert {d.pointer for d in found} == {"/nodes/1/data/url", "/nodes/1/data/headers"}


@pytest.mark.parametrize("path", ["status", "anything", "body.anything", "headers.x"])
def test_views_have_free_fields(path: str) -> None:
    ask = node("ask", "http_request", url="https://a.test/")
    wait = node("wait", "wait_for_event", eventType="go")
    assert told(ask, wait, node("b", code=f"return [{{{{ask.{path}}}}}, {{{{wait.anything}}}}];")) == []


def test_loops_and_children() -> None:
    child = node("child", "sub_workflow", workflowId="w", workflowName="W", waitForCompletion=False)
    assert told(child, node("b", code="return {{child.output}};")) != []
    each = node("each", "loop", loopType="forEach", collection=[{"sku": 1}, {"sku": 2, "n": 3}])
    edges = [{"id": "e", "source": "each", "target": "b", "label": "body"}]
    assert told(each, node("b", code="return [item.sku, item.n, {{item.sku}}];"), edges=edges) == []
    assert told(each, node("b", code="return {{item.name}};"), edges=edges) != []
