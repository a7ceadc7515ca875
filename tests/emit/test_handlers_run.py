"""The default export, ours and the users', on the real runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from stepwell.bundle.toolchain import Toolchain
from stepwell.local.config import WorkerSpec
from stepwell.local.runtime import Runtime
from stepwell.lower import program as p

from .making import do, expr, record, script, spec, value, with_trigger, workflow

WAIT = p.Wait("w", p.StepName("W"), p.Constant("go"), p.Constant("1 hour"), p.Bind("w"))
BLOCK = (WAIT, p.Return(record(sent=value("w", "payload"), given=value("event", "payload"))))

TRIGGERS = {
    "http": p.DefaultTrigger("http"),
    "path": p.DefaultTrigger("http", "/aufträge/neu {1}"),
    "put": p.DefaultTrigger("http", "in", "PUT"),
    "get": p.DefaultTrigger("http", None, "GET"),
    "event": p.DefaultTrigger("event", event_type='or"der'),
    "manual": p.DefaultTrigger("manual"),
    "cron": p.DefaultTrigger("cron"),
    "token": p.DefaultTrigger("http", token=True),
    "open": p.DefaultTrigger("http", token=True),
}

CUSTOM = """
import { env as all } from "cloudflare:workers";
const shown = (batch) => batch.messages.map((one) => one.body);
@fetch function handler(req, { NAME }, context = { waitUntil() {} }) {
  const url = new URL(req.url); // the end of the body is a comment
  return Response.json([NAME, all.NAME, url.pathname, typeof context.waitUntil]) // so
}
@queue function FIRST(batch) { console.log(shown(batch)); }
@queue async function SECOND_ONE(batch, env, ctx) { console.log(shown(batch)); }
@scheduled function NIGHTLY(controller, env) { console.log(controller.cron); }
"""


@dataclass
class Worlds:
    runtime: Runtime

    def ask(
        self, worker: str, method: str = "GET", path: str = "/", body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.runtime.fetch(worker, f"https://w.test{path}", method=method, headers=headers, body=sent)
        text = answer.body.decode()
        return answer.status, json.loads(text) if text else None

    def started(self, worker: str, method: str, path: str = "/", body: Any = None, **headers: str) -> str:
        status, told = self.ask(worker, method, path, body, **headers)
        assert status == 200
        assert list(told) == ["instanceId"]
        return str(told["instanceId"])


def _workers() -> Iterator[WorkerSpec]:
    for name, trigger in TRIGGERS.items():
        token = (p.Binding("TRIGGER_TOKEN", "secret", optional=True),) if trigger.token else ()
        kinds = (p.Handler("fetch", "handler"), *((p.Handler("scheduled", "s"),) if name == "cron" else ()))
        made = workflow(*BLOCK, default_trigger=trigger, handlers=kinds, bindings=token, uses_env=False)
        given = {"TRIGGER_TOKEN": "sésame öffne"} if name == "token" else {}
        yield _named(spec(made, vars=given), name)
    yield _named(spec(with_trigger(workflow(), CUSTOM), vars={"NAME": "n"}), "custom")
    answer = script(
        do("A", "if (!event.payload) throw new Error('nothing came'); return 1;", settings=None),
        p.Return(expr("event")),
    )
    yield _named(spec(answer), "script")
    statements = with_trigger(
        script(p.Return(record(got=value("event", "payload")))), "@fetch function handler(request, env) { }"
    )
    body = "const graph = await runGraph(env, { payload: 5 });\nreturn Response.json(graph);"
    yield _named(spec(_with_body(statements, body)), "statements")


def _with_body(program: p.Program, text: str) -> p.Program:
    from stepwell.javascript import Kind, parse

    trigger = p.Code(parse(text, Kind.BODY), "trigger")
    handler = p.Handler("fetch", "handler", body=p.Piece(0, len(text)))
    return replace(program, trigger=trigger, handlers=(handler,), modules=())


def _named(worker: WorkerSpec, name: str) -> WorkerSpec:
    flows = tuple(replace(flow, key=name) for flow in worker.workflows)
    return replace(worker, name=name, workflows=flows)


@pytest.fixture(scope="module")
def worlds(toolchain: Toolchain) -> Iterator[Worlds]:
    with Runtime(toolchain.workerd, list(_workers()), test=True) as runtime:
        yield Worlds(runtime)


@pytest.mark.parametrize(
    ("worker", "method", "path"),
    [
        ("http", "POST", "/"),
        ("http", "POST", "/any"),
        ("path", "POST", "/auftr%C3%A4ge/neu%20%7B1%7D?x=1"),
        ("put", "PUT", "/in"),
        ("get", "GET", "/?instanceId=x"),
        ("open", "POST", "/"),
    ],
)
def test_requests_that_start(worlds: Worlds, worker: str, method: str, path: str) -> None:
    worlds.started(worker, method, path, {"a": 1} if method != "GET" else None)


@pytest.mark.parametrize(
    ("worker", "method", "path", "body", "status"),
    [
        ("path", "POST", "/", {}, 200),
        ("path", "GET", "/", None, 200),
        ("put", "POST", "/in", {}, 200),
        ("put", "PUT", "/out", {}, 200),
        ("get", "POST", "/", {}, 200),
        ("event", "POST", "/", {"eventType": "other"}, 200),
        ("event", "POST", "/", {"instanceId": 5, "eventType": "other"}, 200),
        ("http", "DELETE", "/", None, 200),
        ("manual", "POST", "/", {}, 404),
        ("cron", "POST", "/", {}, 404),
        ("manual", "GET", "/", None, 200),
        ("http", "GET", "/?instanceId=nobody", None, 404),
        ("http", "POST", "/", {"instanceId": "nobody", "eventType": "go"}, 404),
    ],
)
def test_requests_that_start_nothing(
    worlds: Worlds, worker: str, method: str, path: str, body: Any, status: int
) -> None:
    got, told = worlds.ask(worker, method, path, body)
    assert (got, told is None) == (status, status == 200)
    assert told is None or list(told) == ["message"]


def test_an_event_reaches_its_instance(worlds: Worlds) -> None:
    instance = worlds.started("http", "POST", "/", {"a": 1})
    sent = {"instanceId": instance, "eventType": "go", "payload": [1]}
    assert worlds.ask("http", "POST", "/elsewhere", sent) == (
        200,
        {"instanceId": instance, "delivered": True},
    )
    for _ in range(200):
        _, told = worlds.ask("http", "GET", f"/?instanceId={instance}")
        if told["status"] == "complete":
            break
    assert told["output"] == {"sent": [1], "given": {"a": 1}}


def test_an_event_trigger_starts_on_its_type(worlds: Worlds) -> None:
    worlds.started("event", "POST", "/", {"eventType": 'or"der', "payload": 1})


def test_a_body_that_is_no_json_is_no_payload(worlds: Worlds) -> None:
    worlds.started("http", "POST", "/", b"{nothing")


@pytest.mark.parametrize(
    "given", [None, "sésame öffne", "Bearer ", "Bearer sesame", "Basic sésame öffne", "Bearer sésame öffnet"]
)
def test_without_the_token_nothing_works(worlds: Worlds, given: str | None) -> None:
    headers = {} if given is None else {"authorization": given.encode().decode("latin-1")}
    for method in ("GET", "POST"):
        assert worlds.ask("token", method, "/", None, **headers)[0] == 401


def test_with_the_token_it_works(worlds: Worlds) -> None:
    worlds.started("token", "POST", "/", {}, authorization="bearer sésame öffne".encode().decode("latin-1"))


def test_a_script_answers(worlds: Worlds) -> None:
    assert worlds.ask("script", "POST", "/", {"a": 1}) == (200, {"payload": {"a": 1}})
    assert worlds.ask("script", "POST", "/", b"no json") == (500, {"message": "nothing came"})
    assert worlds.ask("script") == (200, None)
    assert worlds.ask("statements", "POST") == (200, {"got": 5})


def test_handlers_of_the_users(worlds: Worlds) -> None:
    assert worlds.ask("custom", "GET", "/x") == (200, ["n", "n", "/x", "function"])
