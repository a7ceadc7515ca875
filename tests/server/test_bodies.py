"""What comes in: lengths, JSON that is none, texts of every kind in every field. Never a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any, Final

import pytest

from stepwell.server.door import BODY_BYTES, GRAPH_BYTES
from tests.deploy.graphs import graph
from tests.server.door import Caller, Served
from tests.server.world import BODIES, Route, World, absent, build, routes

ODD: Final[dict[str, Any]] = {
    "empty": "",
    "a space": " ",
    "U+0000": "a\0b",
    "a control character": "a\x1b[31mb\r\n",
    "other scripts": "Ωμέγα 订单 طلب 🚀 é",
    "right to left": "\u202eabc",
    "a byte order mark": "\ufeff",
    "beyond the basic plane": "\U0010ffff",
    "long": "x" * 5_000,
    "very long": "ä" * 300_000,
    "SQL": "'; DROP TABLE workflows; --",
    "a path": "../../etc/passwd",
    "a template": "{{7*7}}${7*7}<script>",
    "a number": 7,
    "a large number": 10**300,
    "a negative number": -1,
    "a fraction": 0.5,
    "true": True,
    "null": None,
    "a list": [1, [2]],
    "an object": {"a": {"b": 1}},
    "a long list": [0] * 10_000,
}
IDS: Final = (
    *("x", "-", "_", "%00", "%0a", "%2e%2e", "a%2Fb", "%ff%fe", "%F0%9F%9A%80", "'%20OR%201=1"),
    *("a" * 3_000, "wf_" + "x" * 24),
)


@pytest.fixture(scope="module")
def who(alone: Served) -> Caller:
    return alone.caller()


@pytest.fixture(scope="module")
def world(alone: Served, who: Caller) -> World:
    return build(alone, who)


def raw(who: Caller, content: Any, path: str = "/workflows", kind: str = "application/json") -> tuple[int, str]:
    """What is answered to bytes."""
    answer = who.call("POST", path, None, content=content, headers={"content-type": kind})
    return answer.status_code, answer.json()["error"]


# Lengths


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("path", "limit"), [("/workflows", BODY_BYTES), ("/check", GRAPH_BYTES)])
def test_a_body_has_a_limit(who: Caller, path: str, limit: int, chunked: bool) -> None:
    """It is refused before it is parsed (it is no JSON), with and without a length that is told before."""
    words = f"the body is longer than {limit:,} bytes"
    assert raw(who, body(limit + 1, chunked), path) == (413, words)
    status, words = raw(who, body(limit, chunked), path)
    assert status == 400 and words.startswith("the body is no JSON")


def body(length: int, chunked: bool) -> Any:
    """Bytes that are no JSON, at once or one after the other without a length."""
    parts = [b"x" * min(65536, length - begin) for begin in range(0, length, 65536)]
    return iter(parts) if chunked else b"".join(parts)


def test_little_is_kept_of_a_body_without_end(alone: Served, who: Caller) -> None:
    """The answer comes while the body still does."""
    url = alone.http.base_url
    with socket.create_connection((url.host, url.port or 80), 30) as line:
        head = f"POST /api/workflows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.key}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(20):
            line.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_is_cut_off_harms_nobody(alone: Served, who: Caller) -> None:
    url = alone.http.base_url
    with socket.create_connection((url.host, url.port or 80), 30) as line:
        head = f"POST /api/workflows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.key}\r\n"
        line.sendall(f'{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"na'.encode())
    assert who.get("/workflows")


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "9" * 5_000, "0x10", "١"])
def test_a_length_that_is_none(alone: Served, who: Caller, length: str) -> None:
    url = alone.http.base_url
    with socket.create_connection((url.host, url.port or 80), 30) as line:
        head = f"POST /api/workflows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.key}\r\n"
        line.sendall(f"{head}Content-Length: {length}\r\nContent-Type: application/json\r\n\r\n".encode())
        line.shutdown(socket.SHUT_WR)
        status = line.recv(65536).split(b" ", 2)[1]
    assert status in (b"400", b"413"), status


# JSON


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b'{"name": "a"', 400, "the body is no JSON: Expecting ',' delimiter"),
        (b"{'name': 'a'}", 400, "the body is no JSON"),
        (b'{"name": "a"}{}', 400, "the body is no JSON: Extra data"),
        (b'{"name": NaN}', 400, "the body is no JSON: NaN is not a JSON value"),
        (b'{"name": -Infinity}', 400, "the body is no JSON"),
        (b'{"name": "\xff"}', 400, "the body is no JSON"),
        ('{"name": "a"}'.encode("utf-16"), 400, "the body is no JSON"),
        (b"\xef\xbb\xbf{}", 400, "the body is no JSON"),
        (b"9" * 5_000, 400, "the body is no JSON"),
        (b" ", 400, "the body is no JSON"),
        (b'{"name": 1e999}', 422, "the body holds a number that is too large"),
        (b'{"name": "\\ud83d"}', 422, "the body holds half a character"),
        (b'{"\\udc00": 1}', 422, "the body holds half a character"),
        (b"[" * 100_000 + b"]" * 100_000, 422, "the body is nested deeper than 200 levels"),
        (b"[" * 202 + b"]" * 202, 422, "the body is nested deeper than 200 levels"),
        (b"", 422, "Validation failed"),
        (b"null", 422, "Validation failed"),
        (b"[]", 422, "Validation failed"),
        (b'"name"', 422, "Validation failed"),
        (b'{"name": "a", "more": 1}', 422, "Validation failed"),
        (b'{"name": 1}', 422, "Validation failed"),
    ],
)
def test_bodies_that_are_wrong(who: Caller, content: bytes, status: int, words: str) -> None:
    found, said = raw(who, content)
    assert (found, said[: len(words)]) == (status, words)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
def test_a_body_says_that_it_is_json(who: Caller, kind: str) -> None:
    assert raw(who, b'{"name": "a"}', kind=kind)[0] == 415


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
def test_forms_of_json(who: Caller, kind: str) -> None:
    answer = who.call("POST", "/workflows", None, content=b'{"name": "a"}', headers={"content-type": kind})
    assert answer.status_code == 201


def test_what_is_wrong_is_said_without_repeating_it(who: Caller) -> None:
    """Where and what, and never the value: it may be a token."""
    answer = who.call("POST", "/connections", {"name": 1, "credentials": {"apiToken": ["hunter2"], "accountId": "a"}})
    assert answer.status_code == 422 and "hunter2" not in answer.text
    assert {one["path"] for one in answer.json()["details"]} == {"name", "credentials.apiToken"}


# Fields


def places(value: Any) -> Iterator[list[str | int]]:
    """The paths to all that a body holds, itself left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield [name]
        yield from ([name, *more] for more in places(inner))


def changed(value: Any, path: list[str | int], odd: Any) -> Any:
    """A body in which something else stands at a place."""
    if not path:
        return odd
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


EXTRA: Final[dict[str, dict[str, Any]]] = {
    "create_project": {"description": "d"},
    "create_key": {"expiresAt": "2999-01-01T00:00:00Z"},
    "update_workflow": {
        "description": "d",
        "triggerCode": "return new Response();",
        "dependencies": {"left-pad": "1.0.0"},
        "envVars": [{"name": "A", "value": "b", "isSecret": False}],
    },
    "trigger": {"instanceId": "wish", "params": {"instanceId": "i", "eventType": "e", "payload": 1}},
    "check": {"triggerCode": "return new Response();"},
}
"""Fields beside those of the plain bodies. Those of a deploy's config are tried where there is an account."""


@pytest.mark.parametrize("name", sorted(BODIES))
def test_no_text_in_any_field_breaks_the_server(alone: Served, who: Caller, world: World, name: str) -> None:
    [route] = [one for one in routes(alone.app) if one.name == name]
    given = {**route.body(world), **EXTRA.get(name, {})}
    spared = absent(world) if name in ("take_down", "deploy", "deploy_stream") else world
    path = route.at(spared)
    graphs = name in ("create_version", "check", "compile_graph", "scope_of_node", "edit_graph", "write_flow")
    found: list[list[str | int]] = [["document" if name == "write_flow" else "ir"]] if graphs else list(places(given))
    for place in found:
        for what, odd in ODD.items():
            answer = who.call(route.method, path, changed(given, place, odd))
            provider = answer.status_code == 503 and name in ("trigger", "verify_token", "restart", "take_down")
            assert answer.status_code < 500 or provider, (place, what, answer.text)


@pytest.mark.parametrize("place", sorted({json.dumps(path) for path in places(graph())}))
def test_no_text_in_a_graph_breaks_the_server(who: Caller, world: World, place: str) -> None:
    for what, odd in ODD.items():
        if what != "very long":
            answer = who.call("POST", "/check", {"ir": changed(graph(), json.loads(place), odd)})
            assert answer.status_code == 200, (what, answer.text)
            ir = changed(graph(), json.loads(place), odd)
            answer = who.call("POST", f"/workflows/{world.workflow_id}/versions", {"ir": ir})
            assert answer.status_code in (200, 201, 422), (what, answer.text)


@pytest.mark.parametrize("id", IDS)
def test_odd_ids(alone: Served, who: Caller, world: World, id: str) -> None:
    for route in routes(alone.app):
        for name in vars(world):
            if f"{{{name}}}" in route.path:
                answer = who.call(route.method, route.at(World(**{**vars(world), name: id})), route.body(world))
                maybe = {503} if name == "run_id" else set()  # Cloudflare may know it
                assert answer.status_code in {404, 405, *maybe}, (route.name, name, answer.text)


CURSORS: Final = (
    "x", "%00", "====", "MTIz", "LTEgYQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5IGE", "MSBhO0RST1A", "%F0%9F%9A%80", "a" * 201,
)  # fmt: skip


@pytest.mark.parametrize(
    "query", [*(f"cursor={one}" for one in CURSORS), "limit=0", "limit=101", "limit=x", "limit=-1"]
)
def test_odd_pages(alone: Served, who: Caller, world: World, query: str) -> None:
    seen = 0
    for route in routes(alone.app):
        if takes_cursor(alone, route):
            answer = who.call(route.method, f"{route.at(world)}?{query}")
            assert answer.status_code in (400, 422), (route.name, answer.text)
            seen += 1
    assert seen > 7


def takes_cursor(server: Served, route: Route) -> bool:
    told = server.app.openapi()["paths"][route.path][route.method.lower()]
    return any(one["name"] == "cursor" for one in told.get("parameters", ()))


@pytest.mark.parametrize("query", ["status=x", "status=", "status=%00"])
def test_odd_filters(who: Caller, query: str) -> None:
    assert who.call("GET", f"/runs?{query}").status_code == 422


@pytest.mark.parametrize("key", [b"", b"\xc3\xa9", b"a\x07", b"x" * 256])
def test_odd_idempotency_keys(who: Caller, world: World, key: bytes) -> None:
    path = f"/workflows/{world.workflow_id}/trigger"
    answer = who.call("POST", path, {"connectionId": world.connection_id}, headers={"idempotency-key": key})
    assert answer.status_code in (400, 422)
