"""Every operation of the API's description is asked for, granted and refused: every answer is one it describes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.dev.account import MODULE, Dev, eventually
from tests.dev.contract import Contract, Operation

_CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Order extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("try", { retries: { limit: 2, delay: 1, backoff: "constant" } }, async (context) => {
      if (context.attempt === 1) throw new TypeError("at first");
      return { tried: context.attempt };
    });
    await step.sleep("nap", 1);
    try { await step.waitForEvent("missed", { type: "never", timeout: 1 }); } catch {}
    if (event.payload.fail) throw new Error("as told");
    return await step.waitForEvent("wait", { type: "go", timeout: "1 hour" });
  }
}
export default { fetch: () => new Response("hi"), queue() {}, scheduled() {} };
"""

# Not here: nobody reads the code of workflows for a graph, and logs are on the terminal.
_NEVER_GRANTED = {
    "wor-describe-workflow-versions-graph",
    "wor-describe-workflow-versions-dag",
    "create-workers-scripts-tails",
    "get-workers-scripts-tails",
    "delete-workers-scripts-tails",
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    """The description, and what was seen of it so far."""
    return Contract.read()


@pytest.fixture(scope="module")
def client(account: Dev, contract: Contract) -> Iterator[httpx.Client]:
    """A client of the account whose every answer is checked."""
    with contract.client() as client:
        client.headers["authorization"] = account.http.headers["authorization"]
        yield client


class _Calls:
    """Calls that are granted, by paths below the account (or below the API: those with `~`)."""

    def __init__(self, account: Dev, client: httpx.Client) -> None:
        self._account, self._client = account, client

    def __call__(self, method: str, path: str, given: Any = None, **more: Any) -> Any:
        url = self._account.base + (path[1:] if path.startswith("~") else self._account.account + path)
        answer = self._client.request(method, url, **({} if given is None else {"json": given}), **more)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()["result"] if answer.headers["content-type"] == "application/json" else answer.content

    def form(self, method: str, path: str, **metadata: Any) -> Any:
        """An upload."""
        told = {"main_module": "index.js", "compatibility_date": "2026-09-01", **metadata}
        parts = [("metadata", (None, json.dumps(told))), ("index.js", ("index.js", _CODE, MODULE))]
        return self(method, path, files=parts)


def test_whatever_is_granted_is_as_described(account: Dev, client: httpx.Client, contract: Contract) -> None:
    call = _Calls(account, client)
    _identity(call)
    _resources(call)
    bindings = _bindings(call)
    _worker(call, bindings)
    _workflows(call)
    _ways_in(call)
    call("DELETE", "/workers/scripts/all", params={"force": "true"})
    granted = {id for id, success in contract.seen if success}
    assert {operation.id for operation in contract.operations} - granted == _NEVER_GRANTED


def _identity(call: _Calls) -> None:
    call("GET", "~/user/tokens/verify")
    call("GET", "/tokens/verify")
    call("GET", "~/accounts")


def _resources(call: _Calls) -> None:
    for path, given in (
        ("/storage/kv/namespaces", {"title": "all"}),
        ("/d1/database", {"name": "all", "primary_location_hint": "weur"}),
        ("/r2/buckets", {"name": "all", "locationHint": "apac", "storageClass": "InfrequentAccess"}),
        ("/queues", {"queue_name": "all"}),
    ):
        call("POST", path, given)
        call("GET", path)


def _bindings(call: _Calls) -> list[dict[str, Any]]:
    """One of each type that the API shows again."""
    return [
        {"type": "plain_text", "name": "TEXT", "text": "x"},
        {"type": "secret_text", "name": "SECRET", "text": "x"},
        {"type": "json", "name": "JSON", "json": {"a": [1, None]}},
        {"type": "kv_namespace", "name": "KV", "namespace_id": call("GET", "/storage/kv/namespaces")[0]["id"]},
        {"type": "d1", "name": "DB", "id": call("GET", "/d1/database")[0]["uuid"]},
        {"type": "r2_bucket", "name": "BUCKET", "bucket_name": "all"},
        {"type": "queue", "name": "QUEUE", "queue_name": "all"},
        {"type": "workflow", "name": "ORDER", "workflow_name": "all", "class_name": "Order"},
        {"type": "service", "name": "SELF", "service": "all"},
        {"type": "version_metadata", "name": "VERSION"},
        {"type": "ai", "name": "AI"},
        {"type": "analytics_engine", "name": "EVENTS", "dataset": "events"},
        {"type": "ratelimit", "name": "LIMIT", "namespace_id": "1", "simple": {"limit": 1, "period": 60}},
        {"type": "hyperdrive", "name": "HYPER", "id": "1" * 32},
        {"type": "vectorize", "name": "VECTORS", "index_name": "all"},
        {"type": "browser", "name": "BROWSER"},
    ]


def _worker(call: _Calls, bindings: list[dict[str, Any]]) -> None:
    path = "/workers/scripts/all"
    whole = {
        "observability": {"enabled": True, "head_sampling_rate": 0.5},
        "placement": {"mode": "smart"},
        "limits": {"cpu_ms": 50},
        "tags": ["tag"],
        "tail_consumers": [{"service": "all"}],
        "annotations": {"workers/message": "m", "workers/tag": "t"},
    }
    call.form("PUT", path, bindings=bindings, **whole)
    call("GET", "/workers/scripts")
    call("GET", path)
    version = call.form("POST", f"{path}/versions", bindings=bindings, annotations=whole["annotations"])
    call("GET", f"{path}/versions")
    call("GET", f"{path}/versions/{version['id']}")
    parts = [{"version_id": version["id"], "percentage": 100}]
    made = call("POST", f"{path}/deployments", {"strategy": "percentage", "versions": parts})
    call("GET", f"{path}/deployments/{made['id']}")
    first = call("GET", f"{path}/deployments")["deployments"][-1]
    call("DELETE", f"{path}/deployments/{first['id']}")
    call.form("PUT", f"{path}/content")
    call("PATCH", f"{path}/script-settings", {"logpush": True, "tags": []})
    call("GET", f"{path}/script-settings")
    call("PATCH", f"{path}/settings", files=[("settings", (None, json.dumps({"limits": {"cpu_ms": 60}})))])
    call("GET", f"{path}/settings")
    call("PUT", f"{path}/secrets", {"name": "MORE", "text": "x", "type": "secret_text"})
    key = {"type": "secret_key", "format": "raw", "algorithm": {"name": "HMAC"}, "usages": ["sign"]}
    call("PUT", f"{path}/secrets", {"name": "KEY", "key_base64": "AAAA", **key})
    call("GET", f"{path}/secrets")
    call("GET", f"{path}/secrets/KEY")
    call("PATCH", f"{path}/secrets-bulk", {"secrets": {"MORE": None, "OTHER": {"text": "x", "type": "secret_text"}}})
    call("DELETE", f"{path}/secrets/OTHER")
    call("PUT", f"{path}/schedules", [{"cron": "0 9 * * *"}])
    call("GET", f"{path}/schedules")


def _ways_in(call: _Calls) -> None:
    path = "/workers/scripts/all"
    call("POST", f"{path}/subdomain", {"enabled": True})
    call("GET", f"{path}/subdomain")
    call("DELETE", f"{path}/subdomain")
    call("PUT", "/workers/subdomain", {"subdomain": "mine"})
    call("GET", "/workers/subdomain")
    [zone] = call("GET", "~/zones", params={"name": "all.example"})
    routes = f"~/zones/{zone['id']}/workers/routes"
    route = call("POST", routes, {"pattern": "all.example/*", "script": "all"})
    call("GET", routes)
    call("PUT", f"{routes}/{route['id']}", {"pattern": "all.example/x"})
    call("GET", f"{routes}/{route['id']}")
    call("DELETE", f"{routes}/{route['id']}")
    named = {"hostname": "www.all.example", "service": "all", "zone_id": zone["id"], "environment": "production"}
    domain = call("PUT", "/workers/domains", named)
    call("GET", "/workers/domains")
    call("GET", f"/workers/domains/{domain['id']}")
    call("DELETE", f"/workers/domains/{domain['id']}")
    [queue] = call("GET", "/queues")
    queues = f"/queues/{queue['queue_id']}"
    consumer = {"type": "worker", "script_name": "all", "settings": {"batch_size": 5, "max_concurrency": None}}
    made = call("POST", f"{queues}/consumers", consumer)
    call("PUT", f"{queues}/consumers/{made['consumer_id']}", {**consumer, "dead_letter_queue": "dead"})
    call("GET", f"{queues}/consumers")
    call("GET", queues)
    call("DELETE", f"{queues}/consumers/{made['consumer_id']}")
    pull = call("POST", f"{queues}/consumers", {"type": "http_pull", "settings": {"visibility_timeout_ms": 1000}})
    call("DELETE", f"{queues}/consumers/{pull['consumer_id']}")
    spare = call("POST", "/queues", {"queue_name": "spare"})
    call("DELETE", f"/queues/{spare['queue_id']}")
    trigger = {"type": "r2", "targets": [{"type": "workflow", "workflow_name": "all", "script_name": "all"}]}
    for method in ("PUT", "PATCH"):
        call(method, "/triggers/all", [trigger])
    call("GET", "/triggers/all")
    call("DELETE", "/triggers/all")


def _workflows(call: _Calls) -> None:
    kept = {"success_retention": "3 days", "error_retention": 60_000}
    given = {"script_name": "all", "class_name": "Order", "limits": {"steps": 50}, "default_retention": kept}
    call("PUT", "/workflows/all", {**given, "schedules": [{"cron": "0 0 1 1 *"}]})
    call("GET", "/workflows")
    call("PATCH", "/workflows/settings", {"default_retention": kept})
    call("GET", "/workflows/settings")
    path = "/workflows/all"
    [version] = call("GET", f"{path}/versions")
    call("GET", f"{path}/versions/{version['id']}")

    def reaches(id: str, status: str) -> None:
        eventually(lambda: call("GET", f"{path}/instances/{id}")["status"] == status)

    call("POST", f"{path}/instances", {"instance_id": "one", "params": {"a": 1}, "instance_retention": kept})
    call(
        "POST",
        f"{path}/instances/batch",
        [{"instance_id": id, "params": {"fail": id == "bad"}} for id in ("bad", "two")],
    )
    reaches("one", "waiting")
    reaches("bad", "errored")
    call("GET", f"{path}/instances/one", params={"simple": "true"})
    call("GET", f"{path}/instances/one/step", params={"name": "try-1", "type": "step"})
    call("PATCH", f"{path}/instances/one/status", {"status": "pause"})
    reaches("one", "paused")
    call("PATCH", f"{path}/instances/one/status", {"status": "resume"})
    reaches("one", "waiting")
    call("POST", f"{path}/instances/one/events/go", {"by": "Ada"})
    reaches("one", "complete")
    call("GET", f"{path}/instances/one/step", params={"name": "wait-1", "type": "waitForEvent"})
    call("PATCH", f"{path}/instances/one/status", {"status": "restart", "from": {"name": "nap", "type": "sleep"}})
    reaches("one", "waiting")
    call("PATCH", f"{path}/instances/one/status", {"status": "terminate", "rollback": True})
    reaches("one", "terminated")
    call("GET", f"{path}/instances")
    call("GET", path)
    call("DELETE", f"{path}/instances/bad")
    call("POST", f"{path}/instances/batch/terminate", ["two", "nobody"])
    call("POST", f"{path}/instances/batch/delete", {"instances": ["two", "nobody"]})
    call("PUT", f"{path}/instances/terminate")
    call("GET", f"{path}/instances/terminate")
    call("DELETE", path)


def _url(account: Dev, operation: Operation) -> str:
    """The operation on things that are not there."""
    path = operation.path.replace("{account_id}", account.env["CLOUDFLARE_ACCOUNT_ID"])
    return account.base + re.sub(r"\{\w+\}", "nobody", path)


def test_nobody_gets_in_without_the_token(account: Dev, client: httpx.Client, contract: Contract) -> None:
    for operation in contract.operations:
        for token, expected in (("", (400, 9106)), ("Bearer no", (401, 10000))):
            answer = client.request(operation.method, _url(account, operation), headers={"authorization": token})
            code = answer.json()["errors"][0]["code"]
            unknown = operation.id.endswith("scripts-tails")
            assert (answer.status_code, code) == ((404, 7000) if unknown else expected), operation.id


def test_what_is_not_there_is_refused_as_described(account: Dev, client: httpx.Client, contract: Contract) -> None:
    """Without a body, with one that is no JSON, and with JSON of the wrong kinds; never an internal error."""
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        *(
            {"json": value}
            for value in ("text", 1, [], [1], {}, {"settings": 1}, {"secrets": {"A": 1}}, {"versions": 1})
        ),
        {"files": [("metadata", (None, "[]")), ("files", ("index.js", b"\xff", MODULE))]},
    )
    for operation in contract.operations:
        for more in wrong:
            answer = client.request(operation.method, _url(account, operation), **more)
            assert answer.status_code < 500, f"{operation.id} {more}: {answer.text}"
            if "nobody" in str(answer.request.url) and operation.method != "PUT" and answer.is_success:
                assert answer.json()["result"] == [], f"{operation.id}: {answer.text}"


def test_wrong_kinds_are_refused_for_what_is_there(account: Dev, contract: Contract) -> None:
    """Whatever is sent: no internal error, and nothing is kept that could not be read afterwards."""
    call = _Calls(account, account.http)
    call.form("PUT", "/workers/scripts/there")
    call("PUT", "/workflows/there", {"script_name": "there", "class_name": "Order"})
    call("POST", "/workflows/there/instances", {"instance_id": "there"})
    queue = call("POST", "/queues", {"queue_name": "there"})["queue_id"]
    [zone] = call("GET", "~/zones", params={"name": "there.example"})
    names = {"script_name": "there", "workflow_name": "there", "instance_id": "there", "queue_id": queue}
    names |= {"zone_id": zone["id"], "account_id": account.env["CLOUDFLARE_ACCOUNT_ID"], "event_type": "there"}
    wrong = []
    for operation in contract.operations:
        url = account.base + re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "nobody"), operation.path)
        for given in _wrong(contract, operation):
            more: dict[str, Any] = {"json": given}
            if "multipart/form-data" in operation.spec["requestBody"]["content"]:
                part = "settings" if operation.path.endswith("settings") else "metadata"
                more = {"files": [(part, (None, json.dumps(given))), ("x.js", ("x.js", "export default {}", MODULE))]}
            answer = account.http.request(operation.method, url, **more)
            if answer.status_code >= 500:
                wrong.append(f"{operation.id} {given}: {answer.text}")
    assert not wrong, "\n".join(wrong)
    for path in ("/workers/scripts", "/workers/scripts/there/settings", "/workflows", "/queues", "/r2/buckets"):
        call("GET", path)


def _wrong(contract: Contract, operation: Operation) -> Iterator[Any]:
    """Bodies with each field that the description has in turn of another kind."""
    body = operation.spec.get("requestBody")
    if body is None:
        return
    yield from ("text", [1], [None], {})
    [content] = body["content"].values()
    for field in contract.fields(content["schema"]):
        for value in (1, [1], {"a": 1}):
            yield {"main_module": "x.js", field: value}
