"""Trigger code: a body, or annotated functions."""

from __future__ import annotations

import pytest

from stepwell.javascript import parse_trigger, place, queue_name

GOOD = """\
import { z } from "zod"
// @fetch function commented() {}
const RE = /@queue function x() {/;
const T = `@fetch function ${RE} handler() {`;
@fetch async function handler(request: Request, env: Env = f({ a: ")" })): Promise<Response> {
  await env.WORKFLOW.create(); return new Response("}")
}

@queue
function orderEvents(batch, env) {
  // first
  @config { max_batch_size: 10, maxRetries: "3", dead_letter_queue: "dlq", /* c */ }
  for (const m of batch.messages) await env.KV.put(m.id, "1");
}
function helper() { return "me@example.com" }
@scheduled function tick(c) {}
"""


def test_declarations() -> None:
    code = parse_trigger(GOOD)
    assert (code.form, code.language, code.faults) == ("declarations", "ts", ())
    assert [(one.kind, one.name, one.is_async, one.line) for one in code.handlers] == [
        ("fetch", "handler", True, 5),
        ("queue", "orderEvents", False, 9),
        ("scheduled", "tick", False, 16),
    ]
    assert code.handlers[0].parameters == 'request: Request, env: Env = f({ a: ")" })'
    result = code.handlers[0].result_range
    assert result is not None
    assert (GOOD[slice(*result)], code.handlers[0].promises) == ("Promise<Response>", True)
    assert code.handlers[1].result_range is None
    assert code.handlers[1].config == {"max_batch_size": 10, "max_retries": 3, "dead_letter_queue": "dlq"}
    assert [one.module for one in code.imports] == ["zod"]
    pieces = [GOOD[start:end].strip() for start, end in code.pieces]
    assert [piece.split("\n")[-1] for piece in pieces] == [
        "const T = `@fetch function ${RE} handler() {`;",
        'function helper() { return "me@example.com" }',
    ]


@pytest.mark.parametrize(
    ("type_", "read"),
    [
        (": Promise<Response>", ("Promise<Response>", True)),
        (": Response", ("Response", False)),
        (" : /* a */ A | Promise<B> /* b */", ("A | Promise<B>", False)),
        (": Promised<Response>", ("Promised<Response>", False)),
        (": r is string", (None, False)),
        (": asserts r", (None, False)),
        ("", (None, False)),
    ],
)
def test_the_type_that_a_handler_returns(type_: str, read: tuple[str | None, bool]) -> None:
    text = f"@fetch function handler(r: any){type_} {{ return f(r) }}"
    handler = parse_trigger(text).handlers[0]
    result = handler.result_range
    assert (text[slice(*result)] if result else None, handler.promises) == read


def test_offsets_stay_and_config_is_blank() -> None:
    code = parse_trigger(GOOD)
    assert len(code.facts.text) == len(GOOD)
    start, end = code.handlers[1].body_range
    printed = str(place(code.facts, "trigger", start=start, end=end))
    assert "config" not in printed
    assert printed.startswith("// first\n")
    assert "`@fetch function ${RE}" in code.facts.text


def test_body() -> None:
    code = parse_trigger('const a = "me@x.com"; return new Response(`@fetch function ${a}`)')
    assert (code.form, code.handlers, code.faults) == ("body", (), ())


def test_decorators_are_no_annotations() -> None:
    code = parse_trigger("@dec class A { @log m() {} }\n@fetch function handler() {}")
    assert code.faults == ()
    assert "@dec class A { @log" in code.facts.text


FAULTS = [
    ("@fech function handler() {}", 1, 1, "unknown annotation `@fech`; did you mean `@fetch`?"),
    (
        "@whatsoever function f() {}",
        1,
        1,
        "unknown annotation `@whatsoever`; there are `@fetch`, `@queue` and `@scheduled`",
    ),
    ("@fetch function foo() {}", 1, 1, "the function after `@fetch` has to be named `handler`, not `foo`"),
    (
        "@fetch function handler() {}\n@fetch function handler() {}",
        2,
        1,
        "a second `@fetch`: line 1 has one already",
    ),
    (
        "@queue function a_b() {}\n@queue function aB() {}",
        2,
        1,
        "`a_b` and `aB` consume the same queue, `a-b`",
    ),
    (
        "function f() { @queue function g() {} }",
        1,
        16,
        "`@queue` has to stand at the top level, outside any function or block",
    ),
    (
        "if (a) {\n@fetch function handler() {}}",
        2,
        1,
        "`@fetch` has to stand at the top level, outside any function or block",
    ),
    (
        "@fetch const a = 1",
        1,
        1,
        "`@fetch` has to stand before a function: `@fetch function handler(request, env, ctx) { … }`",
    ),
    (
        "@fetch function () {}",
        1,
        1,
        "the function after `@fetch` needs a name: `@fetch function handler(request, env, ctx) { … }`",
    ),
    ("@fetch function handler() { if (x) { ", 1, 36, "missing `}`: this `{` is never closed"),
    ("@fetch function* handler() {}", 1, 1, "the function after `@fetch` cannot be a generator"),
    ("@queue function __() {}", 1, 1, "`__` gives no queue name of 1 to 63 letters"),
    (
        "@queue function q() { f(); @config { max_retries: 1 } }",
        1,
        28,
        "`@config` has to be the first statement of the function",
    ),
    (
        "@queue function q() { @config {max_retries: 1}\n@config {max_retries: 2} }",
        2,
        1,
        "this function has a `@config` already",
    ),
    (
        "@fetch function handler() { @config { max_retries: 1 } }",
        1,
        29,
        "`@config` belongs into a `@queue` function, as its first statement",
    ),
    (
        "@queue function q() { @config {max_batch_size: 500} }",
        1,
        48,
        "`max_batch_size` has to be a whole number from 1 to 100",
    ),
    (
        "@queue function q() { @config {maxRetrys: 3} }",
        1,
        32,
        "unknown setting `maxRetrys`; did you mean `max_retries`?",
    ),
    ("@queue function q() { @config {max_retries: 5 x} return 1 }", 1, 47, "unexpected `x` after `5`"),
    (
        "@queue function q() { @config {max_retries: n} }",
        1,
        45,
        "`max_retries` has to be a whole number from 0 to 100",
    ),
    (
        "@queue function q() { @config {dead_letter_queue: 1} }",
        1,
        51,
        "`dead_letter_queue` has to be the name of a queue, a string",
    ),
    ("@queue function q() { @config {...a} }", 1, 32, "`@config` holds settings only, each `name: value`"),
    ("@queue function q() { @config }", 1, 23, "`@config` needs an object: `@config { max_batch_size: 10 }`"),
    (
        "export default { fetch() {} }",
        1,
        1,
        "trigger code exports nothing: the compiler writes the exports; leave `export` out",
    ),
    ('@fetch function handler() { import a from "b" }', 1, 29, "an import must stand at the top level"),
    ("return 1 2", 1, 10, "unexpected `2` after `1`"),
    (
        "@fetch function handler() { return x.map(y => await y) }",
        1,
        47,
        "`await` stands in a function that is not `async`",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), FAULTS)
def test_fault(text: str, line: int, column: int, message: str) -> None:
    first = parse_trigger(text).faults[0]
    assert (first.line, first.column, first.message) == (line, column, message)


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("orderEvents", "order-events"),
        ("order_events", "order-events"),
        ("QUEUE_ORDERS", "queue-orders"),
        ("v2Events", "v2-events"),
        ("_x__y_", "x-y"),
        ("$a", "a"),
    ],
)
def test_queue_name(identifier: str, name: str) -> None:
    assert queue_name(identifier) == name


@pytest.mark.parametrize(
    "text",
    ["", "@", "@@@", "@fetch", "@config", "\ud800 @fetch", "@a " * 20_000, "@fetch function handler(" * 500],
)
def test_never_raises(text: str) -> None:
    assert parse_trigger(text).form in ("body", "declarations")
