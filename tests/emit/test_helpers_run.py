"""The helpers on the real runtime: each case is a program, what it returns, and what its steps did."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from stepwell.bundle.toolchain import Toolchain
from stepwell.local.config import ServiceRef, WorkerSpec, WorkflowRef, WorkflowSpec
from stepwell.local.events import Outcome
from stepwell.local.mock import make_mock
from stepwell.local.run import Job, RunOptions, run_batch
from stepwell.lower import program as p

from .making import arm, body, do, expr, record, script, spec, value, workflow

OTHER = WorkerSpec(
    "other",
    {
        "worker.js": r"""
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
const seen = new Map();
class Started extends RpcTarget {
  status() { return { status: "complete", output: "as it was" }; }
}
/** Workflows of which an attempt before this one has started an instance already. */
export class Flows extends WorkerEntrypoint {
  create() { throw new Error("(instance.already_exists) Provided id already exists"); }
  get() { return new Started(); }
}
export default { async fetch(request) {
  const url = new URL(request.url);
  const [, kind, arg] = url.pathname.split("/").map(decodeURIComponent);
  const headers = { "content-type": url.searchParams.get("type") ?? "text/plain" };
  const said = arg === "204" ? null : "says " + "x".repeat(300);
  if (kind === "status") return new Response(said, { status: +arg });
  if (kind === "text") return new Response(arg ?? "", { headers });
  if (kind === "large") return new Response("x".repeat(+arg));
  if (kind === "slow") { await scheduler.wait(+arg); return new Response("late"); }
  if (kind === "busy") {
    const times = (seen.get(arg) ?? 0) + 1;
    seen.set(arg, times);
    const key = request.headers.get("idempotency-key");
    return times < 3 ? new Response(key, { status: 503 }) : Response.json({ times, key });
  }
  if (kind === "cookies") {
    const answer = new Response("");
    for (const one of ["a=1", "b=2"]) answer.headers.append("set-cookie", one);
    return answer;
  }
  const given = Object.fromEntries([...request.headers].filter(([name]) => name !== "cf-worker"));
  return Response.json({ search: url.search, headers: given, body: await request.text() });
} };
"""
    },
    "worker.js",
    "2026-06-01",
)

CHILD = WorkerSpec(
    "child",
    {
        "worker.js": """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Child extends WorkflowEntrypoint {
  async run(event, step) {
    if (event.payload.nap) await step.sleep("nap", event.payload.nap);
    if (event.payload.fails) throw new Error("child is unwell");
    return { got: event.payload };
  }
}
export default {};
"""
    },
    "worker.js",
    "2026-06-01",
    workflows=(WorkflowSpec("child", "Child"),),
)

QUICK = p.Settings(2, "1 second", "constant", "1 minute")


def call(url: str | p.Expr, method: str = "GET", **rest: Any) -> p.Request:
    """A request to OTHER."""
    target = p.Constant(f"https://other.test/{url}") if isinstance(url, str) else url
    return p.Request("call", method, target, **{"binding": "OTHER", **rest})


def tried(work: p.Work, name: str = "A", settings: p.Settings = QUICK) -> tuple[p.Statement, ...]:
    """A step whose error's message, or else its value, ends up in `got`."""
    kept = (do(name, work, "made", settings=settings), p.Assign("got", p.Name("made")))
    return p.Declare("got"), p.Try("t", kept, "err", (p.Assign("got", expr("err.message")),))


GOT = p.Return(p.Name("got"))


@dataclass(frozen=True)
class Case:
    """`returns` is the output or what holds of it; `attempts` are those of the step `A`."""

    program: p.Program
    returns: Any = None
    attempts: int | None = None
    steps: tuple[str, ...] | None = None
    fails: str | None = None
    params: Any = None
    mocks: Mapping[str, Any] = field(default_factory=dict)


def request_case(work: p.Request, returns: Any, attempts: int = 1, **rest: Any) -> Case:
    return Case(workflow(*tried(work), GOT, **rest), returns, attempts)


def message(start: str) -> Callable[[Any], bool]:
    return lambda got: isinstance(got, str) and got.startswith(start)


def body_of(**expected: Any) -> Callable[[Any], bool]:
    """What OTHER saw of a request."""
    return lambda got: got["status"] == 200 and expected.items() <= {**got["body"], **got["body"]["headers"]}.items()


def _request_cases() -> dict[str, Case]:
    found: dict[str, Case] = {}
    for status in (408, 425, 429, 500, 503, 599):
        said = f"GET https://other.test/status/{status} answered {status}: says {'x' * 195}"
        found[f"status_{status}_is_retried"] = request_case(call(f"status/{status}"), said, 3)
    for status in (400, 401, 403, 404, 409, 410, 422):
        said = f"NonRetryableError: GET https://other.test/status/{status} answered {status}: says {'x' * 195}"
        found[f"status_{status}_is_final"] = request_case(call(f"status/{status}"), said, 1)
    for status in (200, 204, 404, 503):
        work = call(f"status/{status}", throws=False)
        found[f"status_{status}_is_a_result"] = request_case(work, lambda got, s=status: got["status"] == s)
    kinds: list[tuple[str, str, Any]] = [
        ("application/json", '{"a":1}', {"a": 1}),
        ("application/json; charset=utf-8", "[1]", [1]),
        ("Application/Problem+JSON", '"x"', "x"),
        ("application/json", "", None),
        ("application/json", "  ", None),
        ("application/json", "{broken", "{broken"),
        ("application/jsonl", "1", "1"),
        ("text/plain", '{"a":1}', '{"a":1}'),
        ("text/html; x=/json", "1", "1"),
    ]
    for number, (kind, text, expected) in enumerate(kinds):
        work = call(f"text/{quote(text)}?type={quote(kind)}")
        found[f"answer_{number}"] = request_case(work, lambda got, e=expected: got["body"] == e)
    return found


QUERY = record(a=p.Constant([1, "two", None]), b=p.Constant(None), c=p.Undefined(), d=p.Constant("x y&z"))
REQUESTS = {
    **_request_cases(),
    "query": request_case(call("echo?x=%20y", query=QUERY), body_of(search="?x=%20y&a=1&a=two&d=x+y%26z")),
    "query_without_one": request_case(call("echo", query=p.Constant({"a": 1})), body_of(search="?a=1")),
    "url_stays_as_it_is": request_case(call("echo?x=%20y&&"), body_of(search="?x=%20y&&")),
    "body_text": request_case(call("echo", "POST", body=p.Constant("é{")), body_of(body="é{")),
    "body_json": request_case(
        call("echo", "POST", body=record(a=p.Constant('"'))),
        body_of(body='{"a":"\\""}', **{"content-type": "application/json"}),
    ),
    "body_null": request_case(call("echo", "POST", body=p.Constant(None)), body_of(body="null")),
    "body_undefined": request_case(
        call("echo", "POST", body=p.Undefined()),
        lambda got: got["body"]["body"] == "" and "content-type" not in got["body"]["headers"],
    ),
    "body_form": request_case(
        call("echo", "POST", body=expr("new URLSearchParams({ a: 'b c' })")),
        lambda got: got["body"]["body"] == "a=b+c" and "urlencoded" in got["body"]["headers"]["content-type"],
    ),
    "content_type_of_the_user": request_case(
        call("echo", "POST", headers=p.Constant({"CONTENT-type": "application/x"}), body=p.Constant([1])),
        body_of(body="[1]", **{"content-type": "application/x"}),
    ),
    "headers": request_case(
        call("echo", headers=record(a=p.Constant(1), b=p.Undefined())),
        lambda got: got["body"]["headers"]["a"] == "1" and "b" not in got["body"]["headers"],
    ),
    "bad_header": request_case(
        call("echo", headers=p.Constant({"a": "x\ny"})),
        message("NonRetryableError: The GET request cannot be made: "),
        1,
    ),
    "bad_url": request_case(
        call(p.Constant("nowhere")), message("NonRetryableError: The GET request cannot be made: "), 1
    ),
    "bad_body": request_case(
        call("echo", "POST", body=expr("1n")),
        message("NonRetryableError: The POST request cannot be made: "),
        1,
    ),
    "cookies": request_case(call("cookies"), lambda got: got["headers"]["set-cookie"] == "a=1, b=2"),
    "large": request_case(
        call(f"large/{1024 * 1024}"),
        message("NonRetryableError: GET https://other.test/large/1048576 answered 10"),
        1,
    ),
    "large_without_throwing": request_case(
        call(f"large/{1024 * 1024}", throws=False), message("NonRetryableError: GET"), 1
    ),
    "nearly_large": request_case(call(f"large/{1024 * 1023}"), lambda got: len(got["body"]) == 1024 * 1023),
    "secrets_stay_out_of_messages": request_case(
        call(p.Constant("https://user:word@other.test/status/400?token=abc")),
        message("NonRetryableError: GET https://other.test/status/400 answered 400: says"),
        1,
    ),
    "no_answer": request_case(
        p.Request("call", "GET", p.Constant("https://nowhere.test/a?b=c")),
        lambda got: (
            got.startswith("NonRetryableError: no mock answers") and got.endswith(" (GET https://nowhere.test/a)")
        ),
        1,
    ),
    "by_fetch": Case(
        workflow(*tried(p.Request("call", "POST", p.Constant("https://api.test/x"))), GOT),
        lambda got: got["body"] == {"ok": 1},
        2,
        mocks={"POST https://api.test/x": {"$sequence": [{"status": 500, "body": "no"}, {"body": {"ok": 1}}]}},
    ),
    "key": Case(
        workflow(
            *tried(call("busy/key", "POST", key=True), settings=QUICK),
            p.Return(record(got=p.Name("got"), id=value("event", "instanceId"))),
        ),
        lambda got: got["got"]["body"] == {"times": 3, "key": hashlib.sha256(f"{got['id']}\nA".encode()).hexdigest()},
        3,
    ),
    "key_of_the_user": request_case(
        call("echo", headers=p.Constant({"idempotency-key": "mine"}), key=True),
        body_of(**{"idempotency-key": "mine"}),
    ),
    "key_in_a_body": Case(
        workflow(
            p.Const("keys", p.Items(())),
            p.Times(
                "l",
                "i",
                p.Constant(2),
                None,
                (
                    do(
                        "A",
                        "return ctx.idempotencyKey + ctx.attempt;",
                        "key",
                        context="key",
                        step=p.StepName("A", ("i",)),
                    ),
                    p.Push("keys", p.Name("key")),
                ),
            ),
            p.Return(record(keys=p.Name("keys"), id=value("event", "instanceId"))),
        ),
        lambda got: got["keys"] == [hashlib.sha256(f"{got['id']}\nA [{i}]".encode()).hexdigest() + "1" for i in (0, 1)],
    ),
    "view": Case(
        workflow(
            do("A", call('text/{"status":"paid","id":7,"__proto__":1}?type=application/json'), "a", view=True),
            p.Const("b", p.Stored(p.Name("a"), "request")),
            p.View(p.Bind("c"), p.Undefined(), "request"),
            p.Return(expr("[a.id, a.status, a.body.status, Object.keys(b), String(c)]")),
        ),
        [7, 200, "paid", ["status", "headers", "body"], "undefined"],
    ),
    "view_of_an_array": Case(
        workflow(do("A", call("text/[5]?type=application/json"), "a", view=True), p.Return(expr("Object.keys(a)"))),
        ["status", "headers", "body"],
    ),
}

WORK = """
globalThis.now = (globalThis.now ?? 0) + 1;
globalThis.most = Math.max(globalThis.most ?? 0, globalThis.now);
await scheduler.wait(60 - item * 10);
globalThis.now--;
return item * 2;
"""
AT = p.StepName("Work", ("i",))


def turn(text: str) -> p.Arm:
    return arm(do("Work", text, "w", step=AT), gives="w")


def raced(*arms: p.Arm) -> p.Program:
    race = p.Race("r", p.StepName("R"), arms, "won")
    return workflow(
        p.Declare("got"),
        p.Try("t", (race, p.Assign("got", p.Name("won"))), "err", (p.Assign("got", expr("err.message")),)),
        GOT,
    )


def paralleled(*arms: p.Arm) -> p.Program:
    both = p.Parallel("p", arms, "all", "all")
    return workflow(
        p.Declare("got"),
        p.Try("t", (both, p.Assign("got", p.Name("all"))), "err", (p.Assign("got", expr("err.message")),)),
        GOT,
    )


def child(**given: Any) -> p.Program:
    wait, timeout, binding = given.pop("wait", True), given.pop("timeout", 60_000), given.pop("binding", "CHILD")
    one = p.Child("c", p.StepName("C"), binding, p.Constant(given), wait, timeout, p.Bind("c"))
    return workflow(
        p.Declare("got"),
        p.Try("t", (one, p.Assign("got", p.Name("c"))), "err", (p.Assign("got", expr("err.message")),)),
        GOT,
    )


def until(time: p.Expr) -> p.Program:
    return workflow(p.SleepUntil("s", p.StepName("S"), time), p.Return(p.Constant("up")))


NO = "throw new NonRetryableError('{} is down');"
NO_TIMES: tuple[p.Expr, ...] = (
    p.Constant("soon"),
    p.Constant(None),
    p.Undefined(),
    p.Constant(True),
    expr("NaN"),
    expr("[1]"),
    expr("1e300"),
)
DAY = 24 * 60 * 60 * 1000
SHAPES = {
    "concurrent": Case(
        workflow(
            p.Concurrent("l", "item", "i", p.Constant([0, 1, 2, 3, 4]), None, 2, turn(WORK), "all"),
            do("Most", "return globalThis.most;", "most"),
            p.Return(record(all=p.Name("all"), most=p.Name("most"))),
        ),
        {"all": [0, 2, 4, 6, 8], "most": 2},
    ),
    "concurrent_times": Case(
        workflow(
            p.Concurrent("l", None, "i", None, p.Constant(3), 5, turn("return i;"), "all"),
            p.Return(p.Name("all")),
        ),
        [0, 1, 2],
    ),
    "concurrent_set": Case(
        workflow(
            p.Concurrent("l", "item", "i", expr("new Set(['a', 'b'])"), None, 5, turn("return item + i;"), "all"),
            p.Return(p.Name("all")),
        ),
        ["a0", "b1"],
    ),
    "concurrent_fails": Case(
        workflow(
            p.Concurrent(
                "l",
                "item",
                "i",
                p.Constant([0, 1, 2, 3]),
                None,
                2,
                turn("if (item === 0) await scheduler.wait(100); throw new NonRetryableError('item ' + item);"),
                "all",
            )
        ),
        fails="item 0",
        steps=("Work [0]", "Work [1]"),
    ),
    "race": Case(
        raced(
            arm(do("Slow", "await scheduler.wait(400); return 'slow';", "a"), gives="a"),
            arm(do("Fast", "return 'fast';", "b"), gives="b"),
        ),
        "fast",
        steps=("Slow", "Fast", "R: winner"),
    ),
    "race_failing_arm_loses": Case(
        raced(
            arm(do("A", NO.format("A"), "a"), gives="a"),
            arm(do("B", "await scheduler.wait(50); return 'b';", "b"), gives="b"),
        ),
        "b",
    ),
    "race_all_fail": Case(
        raced(arm(do("A", NO.format("A"))), arm(do("B", "await scheduler.wait(50);" + NO.format("B")))),
        "R: every arm failed: NonRetryableError: A is down; NonRetryableError: B is down",
        steps=("A", "B"),
    ),
    "race_of_records": Case(
        raced(
            p.Arm((do("A", "return 1;", "a"),), p.Name("a"), ("a",), record=True),
            p.Arm((do("B", NO.format("B")),), None, (), record=True),
        ),
        {"value": 1, "a": 1},
    ),
    "parallel": Case(
        paralleled(
            arm(do("A", "return 1;", "a"), gives="a"),
            arm(),
            arm(do("B", bind="b"), do("C", "return 3;", "c"), gives="c"),
        ),
        lambda got: got in ([1, None, 3], [1, {}, 3]),
    ),
    "parallel_first_error_in_order": Case(
        paralleled(
            arm(do("A", "await scheduler.wait(80);" + NO.format("A"))),
            arm(do("B", NO.format("B"))),
            arm(do("C", "await scheduler.wait(200);")),
        ),
        "NonRetryableError: A is down",
        steps=("A", "B", "C"),
    ),
    "settled": Case(
        workflow(
            p.Parallel(
                "p",
                (arm(do("A", NO.format("A"), "a"), gives="a"), arm(do("B", "return 2;", "b"), gives="b")),
                "settled",
                "all",
            ),
            p.Return(expr("all.map((one) => [one.status, one.value ?? one.reason.message])")),
        ),
        [["rejected", "NonRetryableError: A is down"], ["fulfilled", 2]],
    ),
    "child": Case(child(a=1), lambda got: got["output"] == {"got": {"a": 1}} and len(got["instanceId"]) == 36),
    "child_slow": Case(
        child(nap="10 seconds"),
        lambda got: got["output"] == {"got": {"nap": "10 seconds"}},
        steps=(
            "C: id",
            "C: create",
            "C: status [1]",
            "C: part 1",
            "C: status [2]",
            "C: part 2",
            "C: status [3]",
            "C: part 3",
            "C: status [4]",
            "C: part 4",
            "C: status [5]",
        ),
    ),
    "child_that_exists": Case(
        child(binding="FLOWS"),
        lambda got: got["output"] == "as it was",
        steps=("C: id", "C: create", "C: status [1]"),
    ),
    "child_fails": Case(child(fails=True), lambda got: got.startswith("C: ") and got.endswith("child is unwell")),
    "child_too_slow": Case(child(nap="1 hour", timeout=5000), lambda got: got.endswith("did not end in 5 s")),
    "child_not_waited_for": Case(
        child(nap="1 hour", wait=False), lambda got: list(got) == ["instanceId"], steps=("C: id", "C: create")
    ),
    "children_in_a_loop": Case(
        workflow(
            p.Times(
                "l",
                "i",
                p.Constant(2),
                None,
                (p.Child("c", p.StepName("C", ("i",)), "CHILD", record(i=p.Name("i")), True, 1000),),
            )
        ),
        steps=(
            "C: id [0]",
            "C: create [0]",
            "C: status [0][1]",
            "C: id [1]",
            "C: create [1]",
            "C: status [1][1]",
        ),
    ),
    "until_past": Case(until(p.Constant("2020-01-01")), "up", steps=("S: remaining",)),
    "until_soon": Case(until(expr(f"new Date(Date.now() + {DAY})")), "up", steps=("S: remaining", "S")),
    "until_milliseconds": Case(until(expr(f"Date.now() + {DAY}")), "up", steps=("S: remaining", "S")),
    "until_digits": Case(until(expr(f"String(Date.now() + {DAY})")), "up", steps=("S: remaining", "S")),
    "until_far": Case(
        until(expr(f"Date.now() + {800 * DAY}")),
        "up",
        steps=("S: remaining", "S: part 1", "S: part 2", "S: part 3"),
    ),
    **{
        f"until_no_time_{number}": Case(until(time), fails="is not a point in time", steps=("S: remaining",))
        for number, time in enumerate(NO_TIMES)
    },
    "duration": Case(
        workflow(
            p.Sleep("s", p.StepName("S"), expr("'3 days'"), True),
            p.Sleep("s", p.StepName("T"), expr("5"), True),
        ),
        steps=("S", "T"),
    ),
    "duration_that_is_none": Case(
        workflow(p.Sleep("s", p.StepName("S"), expr("'soon'"), True)),
        fails='S has "soon" as duration; write',
        steps=(),
    ),
    "stored_condition": Case(
        workflow(
            p.If(
                "b",
                (
                    (
                        p.StepValue(p.StepName("B: value"), expr("Math.random() >= 0")),
                        (p.Return(p.Constant("yes")),),
                    ),
                ),
            )
        ),
        "yes",
        steps=("B: value",),
    ),
    "output_cell": Case(
        workflow(
            do("A", body("_output.push(2); return 5;", output=p.OutputCell(p.Constant([1]))), "a"),
            p.Return(p.Name("a")),
        ),
        {"value": 5, "output": [1, 2]},
    ),
}

COUNTED = "globalThis.times = (globalThis.times ?? 0) + 1;"
TIGHT = p.Settings(2, 20, "exponential", "")


def answers(work: p.Work | str, settings: p.Settings | None, **rest: Any) -> p.Program:
    """A script with one step, which tells the error's message too."""
    step = do("A", work, "a", settings=settings, **rest)
    kept = p.Assign("got", p.Name("a"))
    return script(
        p.Declare("got"),
        p.Try("t", (step, kept), "err", (p.Assign("got", expr("err.message")),)),
        p.Return(expr("({ got, times: globalThis.times })")),
    )


SCRIPTS = {
    "once": Case(answers(f"{COUNTED} throw new Error('no');", None), {"got": "no", "times": 1}),
    "context": Case(
        answers("return ctx;", None, context="plain"),
        {"got": {"attempt": 1, "step": {"name": "A", "count": 1}}},
    ),
    "retried": Case(
        answers(
            f"{COUNTED} if (ctx.attempt < 3) throw new Error('no'); return [ctx.attempt, ctx.step];",
            TIGHT,
            context="plain",
        ),
        {"got": [3, {"name": "A", "count": 1}], "times": 3},
    ),
    "retried_in_vain": Case(answers(f"{COUNTED} throw new Error('no');", TIGHT), {"got": "no", "times": 3}),
    "final": Case(answers(f"{COUNTED} throw new NonRetryableError('never');", TIGHT), {"got": "never", "times": 1}),
    "timed_out": Case(
        answers(f"{COUNTED} await scheduler.wait(500);", p.Settings(2, 20, "constant", 50)),
        {"got": "A timed out after 50 ms", "times": 1},
    ),
    "one_key": Case(
        answers(
            "(globalThis.keys ??= []).push(ctx.idempotencyKey);\n"
            "if (ctx.attempt < 3) throw new Error();\n"
            "return new Set(globalThis.keys).size;",
            TIGHT,
            context="key",
        ),
        {"got": 1},
    ),
    "linear": Case(
        answers(
            "const at = (globalThis.at ??= []);\n"
            "at.push(Date.now());\n"
            "if (ctx.attempt < 3) throw new Error();\n"
            "return at[1] - at[0] >= 95 && at[2] - at[1] >= 190;",
            p.Settings(2, 100, "linear", ""),
            context="plain",
        ),
        {"got": True},
    ),
    "request": Case(
        answers(call("busy/script", key=True), TIGHT),
        lambda out: out["got"]["body"]["times"] == 3 and len(out["got"]["body"]["key"]) == 36,
    ),
    "request_final": Case(answers(call("status/404"), TIGHT), lambda out: "answered 404" in out["got"]),
    "request_once": Case(answers(call("status/503"), None), lambda out: "answered 503" in out["got"]),
    "request_large": Case(
        answers(call(f"large/{1024 * 1024}"), None), lambda out: len(out["got"]["body"]) == 1024 * 1024
    ),
    "request_aborted": Case(
        answers(call("slow/2000"), p.Settings(0, 20, "constant", 50)),
        lambda out: "(GET https://other.test/slow/2000)" in out["got"],
    ),
    "race": Case(
        script(
            p.Race(
                "r",
                p.StepName("R"),
                (
                    arm(do("A", "throw new Error('x');", "a", settings=None), gives="a"),
                    arm(do("B", "return 2;", "b", settings=None), gives="b"),
                ),
                "won",
            ),
            p.Return(p.Name("won")),
        ),
        2,
    ),
    "parallel_starts_what_is_behind": Case(
        script(
            p.Try(
                "t",
                (
                    p.Parallel(
                        "p",
                        (
                            arm(do("A", call(value("event", "none", "deep")), settings=None)),
                            arm(do("B", "globalThis.began = true;", settings=None)),
                        ),
                        "all",
                    ),
                ),
                None,
                (),
            ),
            p.Return(expr("globalThis.began ?? false")),
        ),
        True,
    ),
    "race_hears_who_loses": Case(
        script(
            do("Watch", "globalThis.addEventListener('unhandledrejection', () => { globalThis.lost = true; });"),
            p.Race(
                "r",
                p.StepName("R"),
                (
                    arm(do("A", "await scheduler.wait(10); throw new Error('late');", "a", settings=None), gives="a"),
                    arm(do("B", "return 2;", "b", settings=None), gives="b"),
                ),
                "won",
            ),
            do("Later", "await scheduler.wait(50); return globalThis.lost ?? false;", "later", settings=None),
            p.Return(value("later")),
        ),
        False,
    ),
    "concurrent": Case(
        script(
            p.Concurrent(
                "l",
                "item",
                "i",
                p.Constant([1, 2]),
                None,
                2,
                arm(do("A", "return item + i;", "a", settings=None), gives="a"),
                "all",
            ),
            p.Return(p.Name("all")),
        ),
        [1, 3],
    ),
    "child": Case(
        script(
            p.Child("c", p.StepName("C"), "CHILD", record(a=p.Constant(1)), False, 0, p.Bind("c")),
            p.Return(p.Name("c")),
        ),
        lambda got: list(got) == ["instanceId"],
    ),
    "no_json": Case(script(p.Return(expr("({ was: typeof event.payload })"))), {"was": "undefined"}),
    "error": Case(script(do("A", "throw new Error('broken');", settings=None)), fails="broken"),
}

CASES = {**REQUESTS, **SHAPES, **{f"script_{name}": case for name, case in SCRIPTS.items()}}


def _job(case: Case) -> Job:
    mocks = tuple(make_mock(pattern, answer) for pattern, answer in case.mocks.items())
    worker = spec(
        case.program,
        services={"OTHER": ServiceRef("other"), "FLOWS": ServiceRef("other", "Flows")},
        foreign={"CHILD": WorkflowRef("child")},
        vars={"NAME": "n"},
    )
    options = RunOptions(params=case.params, mocks=mocks, timeout=60)
    return Job(worker, options, (OTHER, CHILD), script=case.program.kind == "script")


@pytest.fixture(scope="module")
def outcomes(toolchain: Toolchain) -> dict[str, Any]:
    return dict(zip(CASES, run_batch(toolchain, [_job(case) for case in CASES.values()]), strict=True))


@pytest.mark.parametrize("name", list(CASES))
def test_case(name: str, outcomes: Mapping[str, Any]) -> None:
    case, outcome = CASES[name], outcomes[name]
    assert isinstance(outcome, Outcome), outcome
    if case.fails is not None:
        assert outcome.error is not None
        assert case.fails in outcome.error.message
    else:
        assert outcome.error is None
        assert case.returns(outcome.output) if callable(case.returns) else outcome.output == case.returns, (
            outcome.output
        )
    if case.steps is not None:
        assert tuple(step.name for step in outcome.steps) == case.steps
    if case.attempts is not None:
        assert next(step.attempts for step in outcome.steps if step.name == "A") == case.attempts
