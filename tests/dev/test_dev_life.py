"""The state of `stepwell dev` over restarts and kills, its clock, crons and queues."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

from tests.dev.account import Dev, dev, eventually

FLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const first = await step.do("first", async () => {
      const key = `ran:${event.instanceId}`;
      await this.env.KV.put(key, String(Number(await this.env.KV.get(key)) + 1));
      return event.payload;
    });
    await step.sleep("nap", event.payload.nap ?? "1 second");
    if (event.payload.wait) await step.waitForEvent("ok", { type: "ok", timeout: "1 day" });
    await step.do("last", async () => "end");
    return { first, cron: event.schedule?.cron ?? null };
  }
}
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/run") return Response.json({ id: (await env.FLOW.create({ params: { nap: "1 hour" } })).id });
    if (pathname.startsWith("/get/")) return new Response(await env.KV.get(pathname.slice(5)));
    if (pathname === "/send") { await env.QUEUE?.send("hello"); return new Response("sent"); }
    return new Response("VERSION");
  },
  async scheduled(controller, env) { await env.KV.put("cron", controller.cron); },
  async queue(batch, env) { await env.KV.put("queue", batch.messages.map((m) => m.body).join()); },
};
"""


def prepare(account: Dev, queue: bool = False) -> str:
    """The Worker with its workflow; gives the id of its namespace."""
    namespace: str = account.api("POST", "/storage/kv/namespaces", json={"title": "KV"})["id"]
    bindings = [
        {"type": "kv_namespace", "name": "KV", "namespace_id": namespace},
        {"type": "workflow", "name": "FLOW", "workflow_name": "flow", "class_name": "Flow"},
    ]
    if queue:
        account.api("POST", "/queues", json={"queue_name": "q"})
        bindings.append({"type": "queue", "name": "QUEUE", "queue_name": "q"})
    account.deploy("app", FLOW, bindings=bindings)
    account.workflow("flow", "app", "Flow")
    return namespace


def create(account: Dev, id: str, **params: object) -> None:
    account.api("POST", "/workflows/flow/instances", json={"instance_id": id, "params": params})


def test_everything_goes_on_after_a_kill(tmp_path: Path) -> None:
    with dev(tmp_path / "state") as before:
        namespace = prepare(before)
        create(before, "sleeping", nap="4 seconds")
        create(before, "waiting", wait=True)
        eventually(lambda: before.instance("flow", "sleeping")["status"] == "waiting")
        before.api("PUT", f"/storage/kv/namespaces/{namespace}/values/kept", content=b"value")
        before.kill()
    with dev(tmp_path / "state") as after:
        assert after.env["CLOUDFLARE_API_TOKEN"] == before.env["CLOUDFLARE_API_TOKEN"]
        assert after.worker("app").text == "VERSION"
        assert after.call("GET", f"/storage/kv/namespaces/{namespace}/values/kept").content == b"value"
        after.ends("flow", "sleeping")
        assert after.worker("app", "/get/ran:sleeping").text == "1"  # no finished step ran again
        after.api("POST", "/workflows/flow/instances/waiting/events/ok", json={})
        assert after.ends("flow", "waiting")["output"] == {"first": {"wait": True}, "cron": None}


def test_the_runtime_alone_may_be_killed(tmp_path: Path) -> None:
    with dev(tmp_path / "state") as account:
        prepare(account)
        create(account, "one", nap="3 seconds")
        eventually(lambda: account.instance("flow", "one")["status"] == "waiting")
        [child] = [pid for pid in children(account.process.pid) if "workerd" in command(pid)]
        os.kill(child, signal.SIGKILL)
        account.ends("flow", "one")
        assert account.worker("app", "/get/ran:one").text == "1"


def children(pid: int) -> list[int]:
    """Processes below a process, of any depth."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(one) for task in tasks for one in task.read_text().split()]
    return found + [grand for child in found for grand in children(child)]


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]


def test_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    """Kills at random moments while instances are created, values kept and versions deployed."""
    seed = random.Random(7)
    instances: set[str] = set()
    values: dict[str, str] = {}
    versions: set[str] = set()
    namespace = ""
    for turn in range(3):
        with dev(tmp_path / "state") as account:
            if turn == 0:
                namespace = prepare(account)
            killer = threading.Timer(seed.uniform(0.3, 1.5), account.process.kill)
            killer.start()
            try:
                for count in range(1000):
                    id = f"i-{turn}-{count}"
                    create(account, id, nap="1 hour")
                    instances.add(id)
                    path = f"/storage/kv/namespaces/{namespace}/values/{id}"
                    account.api("PUT", path, content=id.encode())
                    values[id] = id
                    if count % 5 == 4:
                        told = account.deploy(
                            "other", f"export default {{ fetch() {{ return new Response('{id}') }} }}"
                        )
                        versions.add(told["etag"])
            except Exception:
                assert account.process.wait(10) != 0
            killer.cancel()
    with dev(tmp_path / "state") as account:
        listed = account.api("GET", "/workflows/flow/instances", params={"per_page": 100})
        assert instances <= {one["id"] for one in listed} or len(instances) > 100
        for id in sorted(instances)[-30:]:
            assert account.instance("flow", id)["status"] in ("queued", "running", "waiting")
        for id in values:
            assert account.call("GET", f"/storage/kv/namespaces/{namespace}/values/{id}").text == id
        if versions:
            assert account.api("GET", "/workers/scripts/other/versions", params={"per_page": 1000})["items"]
    assert instances and values


def test_the_test_clock(tmp_path: Path) -> None:
    with dev(tmp_path / "state", "--clock", "test") as account:
        prepare(account)
        create(account, "week", nap="7 days")
        eventually(lambda: account.instance("flow", "week")["status"] == "waiting")
        account.advance("6d")
        assert account.instance("flow", "week")["status"] == "waiting"
        assert account.advance("1 day")["ahead_ms"] == 7 * 86_400_000
        account.ends("flow", "week")
        create(account, "later", nap="3 hours")
        eventually(lambda: account.instance("flow", "later")["status"] == "waiting")
        account.deploy("other", "export default { fetch() { return new Response() } }")  # a restart of the runtime
        account.advance("1h")
        account.kill()
    with dev(tmp_path / "state", "--clock", "test") as account:
        assert account.instance("flow", "later")["status"] == "waiting"
        account.advance("2h")
        account.ends("flow", "later")


def test_crons_by_the_clock_and_by_a_call(tmp_path: Path) -> None:
    with dev(tmp_path / "state", "--clock", "test") as account:
        prepare(account)
        account.api("PUT", "/workers/scripts/app/schedules", json=[{"cron": "*/30 * * * *"}])
        account.advance("31m")
        eventually(lambda: account.worker("app", "/get/cron").text == "*/30 * * * *")
        assert account.worker("app", "/cdn-cgi/handler/scheduled", params={"cron": "1 1 1 1 *"}).text == "ok"
        assert account.worker("app", "/get/cron").text == "1 1 1 1 *"
        assert (
            account.http.post(f"{account.origin}/local/scheduled/app", params={"cron": "2 2 2 2 *"}).json()["outcome"]
            == "ok"
        )
        assert account.worker("app", "/get/cron").text == "2 2 2 2 *"


def test_schedules_of_a_workflow(tmp_path: Path) -> None:
    with dev(tmp_path / "state", "--clock", "test") as account:
        prepare(account)
        account.workflow("flow", "app", "Flow", schedules=[{"cron": "0 * * * *"}])
        told = account.api("GET", "/workflows/flow")["schedules"]
        assert [one["cron"] for one in told] == ["0 * * * *"] and told[0]["next_instance"].endswith(":00:00.000000Z")
        account.advance("61m")
        eventually(lambda: account.api("GET", "/workflows/flow/instances"))
        [row, *_] = account.api("GET", "/workflows/flow/instances")
        assert row["trigger_source"] == "cron"
        found = account.instance("flow", row["id"])
        assert found["schedule"]["cron"] == "0 * * * *" and found["trigger"] == {"source": "cron"}
        account.advance("1m")
        assert account.ends("flow", row["id"])["output"]["cron"] == "0 * * * *"


def test_queues_deliver(tmp_path: Path) -> None:
    with dev(tmp_path / "state") as account:
        prepare(account, queue=True)
        [queue] = account.api("GET", "/queues")
        consumer = {"type": "worker", "script_name": "app", "settings": {"batch_size": 1, "max_wait_time_ms": 1000}}
        account.api("POST", f"/queues/{queue['queue_id']}/consumers", json=consumer)
        assert account.worker("app", "/send").text == "sent"
        eventually(lambda: account.worker("app", "/get/queue").text == "hello")
        account.api("POST", f"/queues/{queue['queue_id']}/messages", json={"body": "again"})
        eventually(lambda: account.worker("app", "/get/queue").text == "again")
        [told] = account.api("GET", "/queues", params={"name": "q"})
        assert told["producers"] == [{"type": "worker", "script": "app"}] and told["consumers_total_count"] == 1


def test_fresh_starts_empty_and_removes_nothing_else(tmp_path: Path) -> None:
    with dev(tmp_path / "state") as account:
        account.deploy("app", "export default { fetch() { return new Response() } }")
    with dev(tmp_path / "state", "--fresh") as account:
        assert account.api("GET", "/workers/scripts") == []
