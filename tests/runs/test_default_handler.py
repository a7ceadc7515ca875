"""The generated Worker's own handler, asked from outside as strangers ask it (design.md, section 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.deploy.graphs import graph
from tests.dev.account import Dev, dev, eventually
from tests.runs.graphs import SCRIPT

TRIGGER = {"type": "http", "path": "/in", "method": "POST"}
LONG = "x" * 5000


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("handler")
    graphs = {
        "orders": graph("Orders", trigger=TRIGGER),
        "guarded": graph("Guarded", trigger=TRIGGER),
        "answer": SCRIPT,
    }
    for name, value in graphs.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    with dev(folder / "state", *(str(folder / f"{name}.json") for name in graphs)) as running:
        eventually(lambda: running.text.count("deployed in") == len(graphs))
        yield running


def counted(account: Dev, workflow: str = "Orders") -> int:
    """How many instances a workflow has."""
    return len(account.api("GET", f"/workflows/{workflow}/instances", params={"per_page": 100}))


def started(answer: httpx.Response) -> str:
    told = answer.json()
    assert answer.status_code == 200 and list(told) == ["instanceId"]
    return str(told["instanceId"])


def test_an_event_goes_to_its_instance_and_starts_none(account: Dev) -> None:
    id = started(account.worker("orders", "/in", "POST", json={"n": 1}))
    assert account.instance("Orders", id)["params"] == {"n": 1}
    before = counted(account)
    sent = {"instanceId": id, "eventType": "go", "payload": {"by": "Ada"}}
    answer = account.worker("orders", "/in", "POST", json=sent)
    assert (answer.status_code, answer.json()) == (200, {"instanceId": id, "delivered": True})
    ended = account.ends("Orders", id)
    [wait] = [step for step in ended["steps"] if step["type"] == "waitForEvent"]
    assert wait["output"]["payload"] == {"by": "Ada"} and counted(account) == before
    told = account.worker("orders", f"/?instanceId={id}").json()
    assert told["status"] == "complete" and told["output"] == {"id": 1}


@pytest.mark.parametrize("id", ["nobody", "", LONG, "../..", "a b\u0000c"])
def test_an_unknown_instance(account: Dev, id: str) -> None:
    before = counted(account)
    answer = account.worker("orders", "/in", "POST", json={"instanceId": id, "eventType": "go"})
    assert (answer.status_code, answer.json()) == (404, {"message": "Instance not found"})
    if id:
        answer = account.worker("orders", "/", params={"instanceId": id})
        assert (answer.status_code, answer.json()) == (404, {"message": "Instance not found"})
    assert counted(account) == before


@pytest.mark.parametrize(
    ("body", "params"), [(b"[1]", [1]), (b"5", 5), (b'"text"', "text"), (b'{"a": null}', {"a": None})]
)
def test_any_json_is_the_params(account: Dev, body: bytes, params: Any) -> None:
    id = started(account.worker("orders", "/in", "POST", content=body))
    assert account.instance("Orders", id)["params"] == params


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/in"),
        ("OPTIONS", "/in"),
        ("PUT", "/in"),
        ("DELETE", "/in"),
        ("GET", "/in"),
        ("POST", "/in/"),
        ("POST", "/"),
    ],
)
def test_other_requests_start_nothing(account: Dev, method: str, path: str) -> None:
    before = counted(account)
    answer = account.worker("orders", path, method)
    assert (answer.status_code, answer.content) == (200, b"") and counted(account) == before


@pytest.mark.parametrize("secret", ["s3cret", ""])
def test_a_token_guards_every_request(account: Dev, secret: str) -> None:
    """An empty one lets nobody in."""
    told = {"name": "TRIGGER_TOKEN", "type": "secret_text", "text": secret}
    account.api("PUT", "/workers/scripts/guarded/secrets", json=told)
    before = counted(account, "Guarded")
    wrong = [
        None,
        "Bearer wrong",
        "Bearer s3cretx",
        "Bearer",
        "Basic s3cret",
        "s3cret",
        *([] if secret else ["Bearer s3cret"]),
    ]
    for header in wrong:
        headers = {"authorization": header or ""}
        for method, path in (("POST", "/in"), ("GET", "/?instanceId=nobody"), ("HEAD", "/"), ("OPTIONS", "/")):
            answer = account.worker("guarded", path, method, headers=headers)
            assert answer.status_code == 401, (header, method)
    assert counted(account, "Guarded") == before
    if secret:
        started(account.worker("guarded", "/in", "POST", json={}, headers={"authorization": f"Bearer {secret}"}))


def test_a_script_answers_posts_only(account: Dev) -> None:
    assert account.worker("answer", "/", "POST", json={"n": 4}).json() == {"twice": 8}
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        answer = account.worker("answer", "/", method)
        assert (answer.status_code, answer.content) == (200, b"")
    failed = account.worker("answer", "/", "POST", content=b"null")
    assert failed.status_code == 500 and list(failed.json()) == ["message"]
