"""What people do with wrangler, done with wrangler: deploying, secrets, versions, workflows, resources, refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dev.account import Dev, eventually
from tests.dev.npm_client import Wrangler, wrangler

_DATE = "2026-09-01"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_SHOP = """
import { WorkflowEntrypoint } from "cloudflare:workers";

export class Order extends WorkflowEntrypoint {
  async run(event, step) {
    const price = await step.do("price", async () => event.payload.amount * 2);
    const answer = await step.waitForEvent("approval", { type: "approve", timeout: "1 hour" });
    await step.do("note", async () => this.env.KV.put("approved", answer.payload.by));
    return { price, by: answer.payload.by };
  }
}

export default {
  async fetch(request, env) {
    await env.KV.put("seen", "kv");
    await env.DB.prepare("INSERT INTO seen (what) VALUES (?)").bind("d1").run();
    await env.BUCKET.put("seen.txt", "r2");
    await env.QUEUE.send({ what: "queue" });
    return Response.json({
      release: "RELEASE",
      kv: await env.KV.get("seen"),
      d1: await env.DB.prepare("SELECT what FROM seen LIMIT 1").first("what"),
      r2: await (await env.BUCKET.get("seen.txt")).text(),
      variable: env.COLOUR,
      secret: env.API_KEY ?? null,
      told: await env.KV.get("told"),
      path: new URL(request.url).pathname,
    });
  },
  async queue(batch, env) {
    for (const message of batch.messages) await env.KV.put("delivered", message.body.what);
  },
  async scheduled(controller, env) {
    await env.KV.put("cron", controller.cron);
  },
};
"""
_SMALL = """
export default {
  fetch: (request, env) => Response.json({ release: "RELEASE", host: new URL(request.url).host, ...env }),
};
"""


@pytest.fixture(scope="module")
def tool(account: Dev, tmp_path_factory: pytest.TempPathFactory) -> Wrangler:
    """Wrangler with the account."""
    return Wrangler(account, *wrangler(), tmp_path_factory.mktemp("home"))


def _project(folder: Path, name: str, code: str, **config: Any) -> Path:
    """A folder that wrangler deploys."""
    folder.mkdir(exist_ok=True)
    given = {"name": name, "main": "index.js", "compatibility_date": _DATE, **config}
    (folder / "wrangler.json").write_text(json.dumps(given))
    _write(folder, code, "one")
    return folder


def _at(account: Dev, host: str, path: str = "/", **query: str) -> httpx.Response:
    """What a host name answers, which is told by the header alone: nobody has to know the name."""
    return httpx.get(account.origin + path, headers={"host": host}, params=query, timeout=60, trust_env=False)


def _write(folder: Path, code: str, release: str) -> None:
    (folder / "index.js").write_text(code.replace("RELEASE", release))


def _at_once(*calls: Callable[[], str]) -> list[str]:
    """Calls at the same time, as two terminals would: most of a call is wrangler getting started."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1] if found.groups() else found[0]


def test_a_worker_with_every_resource(account: Dev, tool: Wrangler, tmp_path: Path) -> None:
    kv, d1, _, _ = _at_once(
        lambda: tool(tmp_path, "kv", "namespace", "create", "shop-kv"),
        lambda: tool(tmp_path, "d1", "create", "shop-db"),
        lambda: tool(tmp_path, "r2", "bucket", "create", "shop-bucket"),
        lambda: tool(tmp_path, "queues", "create", "shop-queue"),
    )
    namespace, database = _found(r"[0-9a-f]{32}", kv), _found(_UUID, d1)
    shop = _project(
        tmp_path / "shop",
        "shop",
        _SHOP,
        vars={"COLOUR": "green"},
        kv_namespaces=[{"binding": "KV", "id": namespace}],
        d1_databases=[{"binding": "DB", "database_name": "shop-db", "database_id": database}],
        r2_buckets=[{"binding": "BUCKET", "bucket_name": "shop-bucket"}],
        queues={
            "producers": [{"binding": "QUEUE", "queue": "shop-queue"}],
            "consumers": [{"queue": "shop-queue", "max_batch_size": 1, "max_batch_timeout": 0}],
        },
        workflows=[{"binding": "ORDER", "name": "shop-order", "class_name": "Order"}],
        triggers={"crons": ["*/5 * * * *"]},
    )
    _at_once(
        lambda: tool(shop, "d1", "execute", "DB", "--remote", "-y", "--command", "CREATE TABLE seen (what TEXT)"),
        lambda: tool(shop, "kv", "key", "put", "told", "by wrangler", "--binding", "KV", "--remote"),
    )
    said = tool(shop, "deploy")
    assert "schedule: */5 * * * *" in said and "workflow: shop-order" in said and "Consumer for shop-queue" in said
    expected = {
        "release": "one", "kv": "kv", "d1": "d1", "r2": "r2", "variable": "green", "secret": None,
        "told": "by wrangler", "path": "/a/b",
    }  # fmt: skip
    assert account.worker("shop", "/a/b").json() == expected

    tool(shop, "secret", "put", "API_KEY", stdin="s3cret")
    assert account.worker("shop", "/a/b").json() == {**expected, "secret": "s3cret"}

    # The second deploy goes by versions and deployments, and leaves the secret alone.
    _write(shop, _SHOP, "two")
    tool(shop, "deploy")
    assert account.worker("shop", "/a/b").json() == {**expected, "release": "two", "secret": "s3cret"}

    def value(key: str) -> str | None:
        answer = account.call("GET", f"/storage/kv/namespaces/{namespace}/values/{key}")
        return answer.text if answer.is_success else None

    eventually(lambda: value("delivered") == "queue")
    assert _at(account, "shop.localhost", "/cdn-cgi/handler/scheduled", cron="*/5 * * * *").text == "ok"
    assert value("cron") == "*/5 * * * *"

    assert "shop-queue" in tool(tmp_path, "queues", "list")
    tool(shop, "delete", "--force")
    assert account.worker("shop").status_code == 404


def test_workflows_and_their_instances(account: Dev, tool: Wrangler, tmp_path: Path) -> None:
    bound = [{"binding": "ORDER", "name": "flow-order", "class_name": "Order"}]
    namespace = account.api("POST", "/storage/kv/namespaces", json={"title": "flow-kv"})["id"]
    kv = [{"binding": "KV", "id": namespace}]
    flow = _project(tmp_path / "flow", "flow", _SHOP, workflows=bound, kv_namespaces=kv)
    tool(flow, "deploy")

    def instances(*arguments: str) -> str:
        return tool(flow, "workflows", "instances", arguments[0], "flow-order", *arguments[1:])

    def status(id: str) -> str:
        return str(account.api("GET", f"/workflows/flow-order/instances/{id}")["status"])

    def reaches(id: str, *wanted: str) -> None:
        eventually(lambda: status(id) in wanted)

    trigger = ("workflows", "trigger", "flow-order", '{"amount": 21}', "--id")
    said, _, _ = _at_once(
        lambda: tool(flow, *trigger, "first"),
        lambda: tool(flow, *trigger, "second"),
        lambda: tool(flow, "workflows", "describe", "flow-order"),
    )
    assert "first" in said
    listed, refused, described = _at_once(
        lambda: tool(flow, "workflows", "list"),
        lambda: tool.refused(flow, *trigger, "first"),
        lambda: instances("list"),
    )
    assert "flow-order" in listed and "Order" in listed
    assert "already_exists" in refused and "10002" in refused
    assert "first" in described and "second" in described

    waiting = ("running", "waiting")
    reaches("first", *waiting)
    reaches("second", *waiting)
    instances("pause", "second")
    reaches("second", "paused")
    assert "approval" in instances("describe", "first")
    _at_once(
        lambda: instances("send-event", "first", "--type", "approve", "--payload", '{"by": "Ada"}'),
        lambda: instances("resume", "second"),
    )
    reaches("first", "complete")
    reaches("second", *waiting)
    told = account.api("GET", "/workflows/flow-order/instances/first")
    assert told["output"] == {"price": 42, "by": "Ada"}
    assert [step["name"] for step in told["steps"]] == ["price-1", "approval-1", "note-1"]
    described, _ = _at_once(lambda: instances("describe", "first"), lambda: instances("terminate", "second"))
    assert "Completed" in described and "42" in described
    reaches("second", "terminated")
    instances("restart", "second")
    reaches("second", *waiting)

    tool(flow, "workflows", "delete", "flow-order")
    assert account.refused("GET", "/workflows/flow-order") == (404, 10200)
    assert account.worker("flow").status_code == 500, "the Worker itself stays (its fetch handler lacks DB)"


def test_secrets_versions_and_triggers(account: Dev, tool: Wrangler, tmp_path: Path) -> None:
    routes = ["small.example.com/api/*", {"pattern": "hooks.small.example.com", "custom_domain": True}]
    small = _project(tmp_path / "small", "small", _SMALL, routes=routes, workers_dev=True)

    def secrets() -> set[str]:
        return {secret["name"] for secret in account.api("GET", "/workers/scripts/small/secrets")}

    def versions(text: str) -> list[str]:
        return [version["id"] for version in json.loads(text)]

    tool(small, "deploy")
    assert _at(account, "small.example.com", "/api/x").json()["host"] == "small.example.com"
    assert _at(account, "hooks.small.example.com", "/").json()["host"] == "hooks.small.example.com"
    assert _at(account, "small.example.com", "/other").status_code == 421

    tool(small, "secret", "put", "FIRST", stdin="1")
    (small / "secrets.json").write_text(json.dumps({"SECOND": "2", "THIRD": "3"}))
    tool(small, "secret", "bulk", "secrets.json")
    assert secrets() == {"FIRST", "SECOND", "THIRD"}
    tool(small, "secret", "delete", "SECOND")
    listed = json.loads(tool(small, "secret", "list"))
    assert sorted(secret["name"] for secret in listed) == ["FIRST", "THIRD"]

    _write(small, _SMALL, "two")
    tool(small, "versions", "upload", "--tag", "t2", "--message", "the second")
    assert account.worker("small").json()["release"] == "one", "an uploaded version answers nobody yet"
    tool(small, "versions", "secret", "put", "LATER", stdin="4")
    old, _, new = versions(tool(small, "versions", "list", "--json"))[-3:]
    tool(small, "versions", "deploy", f"{old}@50", f"{new}@50", "-y", "--message", "half")
    answers = [account.worker("small").json() for _ in range(40)]
    assert {(answer["release"], answer.get("LATER")) for answer in answers} == {("one", None), ("two", "4")}
    assert all(answer["FIRST"] == "1" and "SECOND" not in answer for answer in answers), "both versions have secrets"
    status, listed_deployments = _at_once(
        lambda: tool(small, "deployments", "status"), lambda: tool(small, "deployments", "list")
    )
    assert f"(50%) {old}" in status and f"(50%) {new}" in status
    assert "half" in listed_deployments
    tool(small, "rollback", old, "-y", "-m", "back")
    assert {account.worker("small").json()["release"] for _ in range(10)} == {"one"}

    _project(small, "small", _SMALL, routes=["small.example.com/new/*"])
    tool(small, "triggers", "deploy")
    assert _at(account, "small.example.com", "/new/x").status_code == 200
    assert _at(account, "small.example.com", "/api/x").status_code == 421
    tool(small, "delete", "--force")
    assert account.refused("GET", "/workers/scripts/small/settings") == (404, 10007)


_NO_CLASS = [{"binding": "ORDER", "name": "wrong-order", "class_name": "Order"}]


@pytest.mark.parametrize(
    ("name", "code", "config", "number", "words"),
    [
        ("wrong-syntax", "export default { fetch: () => /(/ };", {}, 10021, "SyntaxError"),
        ("wrong-class", _SMALL, {"workflows": _NO_CLASS}, 10021, "Order"),
        ("wrong-handlers", "export const nothing = 1;", {}, 10068, "No event handlers were registered"),
    ],
)
def test_what_does_not_run_is_refused(
    account: Dev,
    tool: Wrangler,
    tmp_path: Path,
    name: str,
    code: str,
    config: dict[str, Any],
    number: int,
    words: str,
) -> None:
    project = _project(tmp_path / name, name, code, **config)
    said = tool.refused(project, "deploy", "--no-bundle")  # else wrangler itself would find what is wrong
    assert f"code: {number}" in said and words in said, said
    assert account.refused("GET", f"/workers/services/{name}") == (404, 10090), "nothing of it is kept"
