"""Every request fits the description of Cloudflare's API; every recorded answer can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from stepwell.cloudflare import ApiError, Cloudflare
from stepwell.deploy.live import Zones, read_live
from stepwell.deploy.preflight import Resources, check_subdomain, find_bucket
from stepwell.deploy.takedown import read_takedown
from stepwell.deploy.versions import version_before, versions
from tests.deploy.contract import DATA, Contract
from tests.deploy.shop import TRIGGER, Sent, Shop, asks, calls, graph, waits

UNKNOWN: Final = {
    # Cloudflare's own command line asks so (traffic.json, "workflow"); the description has no parameters here.
    "GET /accounts/{account_id}/queues ?name",
    "GET /accounts/{account_id}/queues ?page",
    "GET /accounts/{account_id}/queues ?per_page",
    # A version "has the same form" as a Worker (facts of the command line's source); its description names fewer keys.
    "POST /accounts/{account_id}/workers/scripts/{script_name}/versions metadata.limits",
    "POST /accounts/{account_id}/workers/scripts/{script_name}/versions metadata.placement",
}
"""What we send and the description does not have, each with its reason."""

PROJECT: Final = """
[settings]
vars = { REGION = "eu", FLAGS = { beta = true } }
[artifact.orders]
bindings = { JOBS_QUEUE = "jobs" }
routes = ["api.example.com/*", { pattern = "*.example.com/hooks/*", zone_name = "example.com" }]
domains = ["shop.example.com"]
crons = ["0 3 * * *", "*/5 * * * *"]
workers_dev = true
limits = { cpu_ms = 1000, subrequests = 100, steps = 2000 }
placement = "smart"
observability = { enabled = true, head_sampling_rate = 0.5 }
compatibility_flags = ["nodejs_compat"]
[artifact.orders.consumers.jobs]
max_concurrency = 4
retry_delay = 30
"""


def orders(*codes: str) -> dict[str, Any]:
    """A graph that binds one of everything."""
    nodes = [calls("Pricing"), asks("helper"), waits()]
    trigger = {"type": "cron", "expression": "0 3 * * *"}
    env = [{"name": "API_KEY", "value": "", "isSecret": True}]
    return {"ir": graph("Orders", *codes, nodes=nodes, trigger=trigger), "triggerCode": TRIGGER, "envVars": env}


def others() -> dict[str, Any]:
    """The graphs that it calls."""
    return {"pricing": graph("Pricing"), "helper": graph("Helper", kind="script", trigger={"type": "http"})}


def test_every_request_is_as_described(shop: Shop) -> None:
    """All that a Worker goes through, from its first deploy to its end."""
    contract = Contract()
    faults: list[str] = []

    def check(sent: Sent) -> None:
        faults.extend(f"{sent.place}: {fault}" for fault in contract.check(sent))

    shop.watch(check)
    shop.monkeypatch.setenv("API_KEY", "s3cret-value")
    shop.project(PROJECT, orders=orders("return 1;"), **others())
    shop.deploy("--provision")
    metadata = next(one for one in shop.sent if one.place == "PUT /workers/scripts/orders").metadata
    kinds = {one["type"] for one in metadata["bindings"]}
    assert kinds == {
        *("kv_namespace", "d1", "r2_bucket", "queue", "service", "workflow"),
        *("plain_text", "json", "secret_text"),
    }
    shop.deploy()  # the secret is given, so a version is made
    shop.monkeypatch.delenv("API_KEY")
    assert shop.changes() == []
    assert "nothing was changed" in shop.deploy().out
    # another version with other settings; everything that it can take away is taken away
    queue = '[artifact.orders]\nbindings = { JOBS_QUEUE = "jobs" }\n'
    shop.project(f"{queue}vars = {{ REGION = 'us' }}\nobservability = false", orders=orders("return 2;"), **others())
    shop.deploy("--message", "other settings")
    consumer = "[artifact.orders.consumers.jobs]\nbatch_size = 5\n"
    shop.project(f"{queue}observability = true\n{consumer}", orders=orders("return 2;"), **others())
    shop.deploy()
    shop.project(f"{queue}{consumer}[artifact.helper]\nvars = {{ A = '1' }}", orders=orders("return 2;"), **others())
    shop.deploy("--percentage", "10", "helper.json")
    for command in (["plan", "helper.json"], ["drift", "orders"], ["versions", "orders"]):
        assert shop.call(*command).code == 0, command
    assert shop.call("rollback", "orders", "--yes").code == 0
    assert shop.call("rollback", "helper.json", "--yes").code == 0
    for name in ("orders", "pricing", "helper"):
        assert shop.call("takedown", name, "--yes").code == 0
    shop.monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID")
    assert shop.call("plan", "--provision").code == 0  # the account is found by the token
    assert faults == []
    assert contract.unknown == UNKNOWN
    print(f"\n{len(contract.seen)} operations of the description were used: {', '.join(sorted(contract.seen))}")


BAD_METADATA: Final = '{"main_module": "m", "bindings": [{"type": "d1", "name": "D"}]}'


@pytest.mark.parametrize(
    ("method", "path", "more", "fault"),
    [
        ("PUT", "accounts/a/workers/scripts/Bad Name/schedules", {"json": []}, "does not match"),
        ("PUT", "accounts/a/workers/scripts/x/schedules", {"json": [{"crn": "x"}]}, "'cron' is a required property"),
        ("PUT", "accounts/a/workflows/x", {"json": {"class_name": "X"}}, "'script_name' is a required property"),
        ("PUT", "accounts/a/workflows/x", {"json": {"class_name": "X", "script_name": "x", "stps": 1}}, "stps"),
        ("POST", "accounts/a/queues", {}, "needs a body"),
        ("PUT", "accounts/a/workers/domains", {"json": {"hostname": "h", "service": "s", "zoneid": "z"}}, "zoneid"),
        ("GET", "accounts/a/workers/scripts/x/versions", {"params": {"page": "one"}}, "is not of type 'integer'"),
        (
            "PUT",
            "accounts/a/workers/scripts/x",
            {"files": [("metadata", (None, BAD_METADATA, "application/json")), ("m", ("m", b""))]},
            "is not valid under any of the given schemas",
        ),
    ],
)  # fmt: skip
def test_wrong_requests_are_found(method: str, path: str, more: dict[str, Any], fault: str) -> None:
    sent = Sent.of(httpx.Request(method, f"http://localhost/client/v4/{path}", **more))
    found = Contract().check(sent)
    assert any(fault in one for one in found), found


# Recorded answers

RECORDED: Final[list[dict[str, Any]]] = [
    call
    for recording in json.loads((DATA / "traffic.json").read_text("utf-8"))
    for command in recording["commands"]
    for call in command["calls"]
]


_SCRIPT: Final = "GET /workers/scripts/order-flow"
UNRECORDED: Final[dict[str, dict[str, Any]]] = {
    _SCRIPT: {"text": "export default {}", "headers": {"content-type": "application/javascript"}},
    f"{_SCRIPT}/schedules": {"json": {"success": True, "result": {"schedules": [{"cron": "*/5 * * * *"}]}}},
    f"{_SCRIPT}/subdomain": {"json": {"success": True, "result": {"enabled": True, "previews_enabled": True}}},
    "GET /workers/domains": {"json": {"success": True, "result": []}},
}
"""What we read and Cloudflare's command line does not: as the description has it."""


class Replay(httpx.BaseTransport):
    """Answers with what was recorded, the last recording of a path first; what was not is nowhere."""

    def __init__(self, recorded: list[dict[str, Any]]) -> None:
        self._answers: dict[tuple[str, str], dict[str, Any]] = {
            (one["method"], one["path"]): one for one in recorded if one.get("query", {}).get("page") in (None, "1")
        }
        self.missing: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        sent = Sent.of(request)
        found = self._answers.get((sent.method, sent.path))
        if sent.place in UNRECORDED:
            return httpx.Response(200, **UNRECORDED[sent.place])
        if found is None:
            self.missing.add(sent.place)
            errors = [{"code": 7000, "message": "No route for that URI"}]
            return httpx.Response(404, json={"success": False, "errors": errors, "result": None})
        return response(found)


def response(call: dict[str, Any]) -> httpx.Response:
    """A recorded answer."""
    answer = call["answer"]
    if isinstance(answer, dict):
        return httpx.Response(call["status"], json=answer)
    return httpx.Response(call["status"], text=str(answer))


def single(call: dict[str, Any]) -> Cloudflare:
    """A client that is always given this answer."""
    transport = httpx.MockTransport(lambda request: response(call))
    return Cloudflare("token", "ACCOUNT", "http://localhost/client/v4", transport=transport, sleep=lambda seconds: None)


def _label(call: dict[str, Any]) -> str:
    return f"{call['method']} {call['path'].removeprefix('/accounts/ACCOUNT')} {call['status']}"


def _distinct() -> Iterator[dict[str, Any]]:
    seen = set()
    for call in RECORDED:
        key = json.dumps([call["method"], call["path"], call["status"], call["answer"]])
        if key not in seen:
            seen.add(key)
            yield call


def test_every_recorded_answer_is_read() -> None:
    """Its envelope, whatever it is: a result, or an error with the code and words that were sent."""
    for call in _distinct():
        answer = call["answer"]
        with single(call) as api:
            try:
                told = api.call(call["method"], call["path"]).result
            except ApiError as error:
                assert not answer["success"], _label(call)
                assert error.code == answer["errors"][0]["code"], _label(call)
                assert error.missing == (call["status"] == 404), _label(call)
            else:
                assert answer["success"] and told == answer["result"], _label(call)


def replaying(name: str, commands: int | None = None) -> tuple[Cloudflare, Replay]:
    """A client that is told what was recorded, up to a command."""
    [recording] = [one for one in json.loads((DATA / "traffic.json").read_text("utf-8")) if one["name"] == name]
    transport = Replay([call for command in recording["commands"][:commands] for call in command["calls"]])
    client = Cloudflare("token", "ACCOUNT", "http://localhost/client/v4", transport=transport)
    return client, transport


@pytest.mark.parametrize(
    ("attempts", "after", "sent", "slept"), [(3, "2", 3, [2, 2]), (1, "2", 1, []), (3, "6", 1, [])]
)
def test_attempts_and_pauses_are_as_asked_for(attempts: int, after: str, sent: int, slept: list[float]) -> None:
    limited = httpx.MockTransport(lambda request: httpx.Response(429, headers={"retry-after": after}, json={}))
    paused: list[float] = []
    with Cloudflare("t", "a", "http://x", transport=limited, sleep=paused.append, attempts=attempts, max_wait=5) as api:
        with pytest.raises(ApiError):
            api.get("workflows")
        assert (api.calls, paused) == (sent, slept)


def test_no_pause_is_longer_than_asked_for() -> None:
    paused: list[float] = []
    failing = httpx.MockTransport(lambda request: httpx.Response(503, json={}))
    api = Cloudflare("t", "a", "http://x", transport=failing, sleep=paused.append, attempts=4, max_wait=0.1)
    with api, pytest.raises(ApiError):
        api.get("workflows")
    assert paused == [0.1] * 3
    with pytest.raises(ValueError, match="at least one attempt"):
        Cloudflare("t", "a", attempts=0)


def test_a_recorded_worker_is_read() -> None:
    """What a plan reads of a Worker, from the answers that Cloudflare's command line was given."""
    api, transport = replaying("workflow", 2)
    live = read_live(api, "order-flow", Zones(api), None)
    assert live.exists and live.carried is None and live.version and live.workers_dev
    assert set(live.bindings) >= {"ENVIRONMENT", "CONFIG", "KV", "WORKFLOW", "SUB", "Q", "BUCKET", "DB", "SVC"}
    assert api.find("workflows/order-flow")["script_name"] == "order-flow"
    [queue] = api.get("queues", name="order-events", page=1)
    live.queues["order-events"] = queue
    assert list(live.consumers()) == ["order-events"]
    assert check_subdomain(api, []) is not None
    assert transport.missing == set()


def test_a_recorded_takedown_is_read() -> None:
    api, _ = replaying("workflow")
    live = read_takedown(api, "order-flow")
    assert [name for name, one in live.workflows.items() if one["script_name"] == "order-flow"]


def test_recorded_versions_are_read() -> None:
    api, _ = replaying("secrets-versions")
    rows = versions(api, "hook-script")
    assert rows and all(row.id and row.number for row in rows)
    assert [row.percentage for row in rows if row.percentage] == [100]
    assert version_before(api, "hook-script") in {row.id for row in rows}


def test_recorded_resources_are_read() -> None:
    api, _ = replaying("resources")
    resources = Resources(api)
    assert resources.by_name("kv_namespace", "CACHE") in resources.namespaces
    assert resources.by_name("d1", "orders") in resources.databases
    assert find_bucket(replaying("workflow", 1)[0], "nobody") is None


def test_recorded_refusals_are_no_worker() -> None:
    """Before a first deploy: everything that is asked for says 404, with codes of several kinds."""
    api, _ = replaying("workflow", 1)
    live = read_live(api, "order-flow", Zones(api), None)
    assert not live.exists and live.bindings == {} and live.version is None
