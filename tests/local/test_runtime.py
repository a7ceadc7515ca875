"""The runtime process: its life, its state, its bindings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stepwell.bundle.toolchain import ensure
from stepwell.local import capnp
from stepwell.local.config import Consumer, ServiceRef, WorkerSpec
from stepwell.local.runtime import ControlError, LogLine, Runtime, RuntimeFailed
from tests.local.local_workers import script, workflow

LONG = """
    await step.do("a", async () => 1);
    await step.sleep("nap", 1200);
    return step.do("b", async () => "done");"""


def _until(true: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _living(group: int) -> list[str]:
    """The processes of a group that are not just waiting to be reaped."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,comm="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [row[2] for row in rows if int(row[0]) == group and not row[1].startswith("Z")]


def test_state_survives_a_kill_in_mid_sleep(tmp_path: Path) -> None:
    workerd, spec = ensure().workerd, workflow(LONG)
    with Runtime(workerd, [spec], state=tmp_path) as first:
        first.create("main", "main", None, "one")
        _until(lambda: first.status("main", "main", "one")["status"] == "waiting")
        os.killpg(first.pid, signal.SIGKILL)
        _until(lambda: not first.alive)
        with pytest.raises(RuntimeFailed):
            first.status("main", "main", "one")
    with Runtime(workerd, [spec], state=tmp_path) as second:
        _until(lambda: second.status("main", "main", "one")["status"] == "complete")
        assert second.status("main", "main", "one")["output"] == "done"


def test_a_race_survives_a_kill(tmp_path: Path) -> None:
    """Both arms wait for longer than an idle run stays in memory; the event comes after the kill."""
    body = """
    const approval = step.waitForEvent("w", { type: "ok", timeout: "7 days" }).then((e) => e.payload);
    return Promise.race([approval, step.sleep("day", "1 day").then(() => "late")]);"""
    workerd, spec = ensure().workerd, workflow(body)
    with Runtime(workerd, [spec], state=tmp_path) as first:
        first.create("main", "main", None, "one")
        _until(lambda: first.status("main", "main", "one")["status"] == "waiting")
        os.killpg(first.pid, signal.SIGKILL)
    with Runtime(workerd, [spec], state=tmp_path) as second:
        second.send_event("main", "main", "one", "ok", "yes")
        _until(lambda: second.status("main", "main", "one")["status"] == "complete")
        assert second.status("main", "main", "one")["output"] == "yes"


def test_nothing_is_left_after_close() -> None:
    with Runtime(ensure().workerd, [workflow(LONG)]) as runtime:
        assert any("workerd" in name for name in _living(runtime.pid))
        scratch = runtime.scratch
        assert scratch.is_dir()
    assert _living(runtime.pid) == []
    assert not scratch.exists()
    assert not runtime.alive
    runtime.close()


STARTER = """
import sys, time
from stepwell.bundle.toolchain import ensure
from stepwell.local.config import WorkerSpec
from stepwell.local.runtime import Runtime
spec = WorkerSpec("w", {"w.js": "export default {}"}, "w.js", "2026-06-01")
with Runtime(ensure().workerd, [spec]) as runtime:
    print(runtime.pid, runtime.scratch, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_parent_dies(sent: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        group, scratch = parent.stdout.readline().split()
        assert _living(int(group))
        parent.send_signal(sent)
        _until(lambda: not _living(int(group)))
        _until(lambda: not Path(scratch).exists())


def test_a_runtime_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed):
        Runtime(tmp_path / "no-workerd", [])
    with pytest.raises(RuntimeFailed) as caught:
        Runtime(ensure().workerd, [replace(script(""), modules={"worker.js": "import 'nowhere';"})])
    assert "nowhere" in caught.value.faults["script"]
    assert "\n" not in str(caught.value)


def test_instances_are_driven_as_on_cloudflare() -> None:
    body = "const got = await step.waitForEvent('w', { type: 'go', timeout: '1 day' }); return got.payload;"
    with Runtime(ensure().workerd, [workflow(body)]) as runtime:
        one = runtime.create("main", "main", {"a": 1})
        _until(lambda: runtime.status("main", "main", one)["status"] == "waiting")
        assert runtime.act("main", "main", one, "pause")["status"] == "paused"
        assert runtime.act("main", "main", one, "resume")["status"] == "waiting"
        runtime.send_event("main", "main", one, "go", {"x": 2})
        _until(lambda: runtime.status("main", "main", one)["status"] == "complete")
        assert runtime.status("main", "main", one)["output"] == {"x": 2}
        with pytest.raises(ControlError, match="cannot_terminate"):
            runtime.act("main", "main", one, "terminate")
        with pytest.raises(ControlError, match="not_found"):
            runtime.status("main", "main", "nobody")
        with pytest.raises(ControlError, match="already_exists"):
            runtime.create("main", "main", None, one)
        with pytest.raises(ControlError, match="no workflow"):
            runtime.create("main", "other")


STORES = """
await env.KV.put("k", "v");
await env.DB.exec("CREATE TABLE IF NOT EXISTS t (a INTEGER)");
await env.DB.prepare("INSERT INTO t VALUES (?)").bind(5).run();
await env.Q.send({ hello: 1 });
const { results } = await env.DB.prepare("SELECT a FROM t").all();
return Response.json({ kv: await env.KV.get("k"), rows: results, text: env.TEXT, json: env.JSON, other:
  await (await env.OTHER.fetch("https://other/path", { method: "PUT", body: "hi" })).text() });
"""
OTHER = """
export default {
  async fetch(request) {
    return new Response(request.method + " " + request.url + " " + await request.text());
  },
  async queue(batch) {
    console.log("batch", batch.queue, JSON.stringify(batch.messages.map((m) => m.body)));
  },
  async scheduled(event) { console.log("cron", event.cron, event.scheduledTime); },
};
"""


def test_stores_services_queues_and_schedules(tmp_path: Path) -> None:
    main = script(
        STORES,
        vars={"TEXT": 'a"\\\n\0é😀', "JSON": {"a": [1]}},
        kv={"KV": "kv-id"},
        d1={"DB": "db-id"},
        queues={"Q": "jobs"},
        services={"OTHER": ServiceRef("other")},
    )
    consumer = Consumer("jobs", max_batch_size=1, max_batch_timeout=0)
    other = WorkerSpec("other", {"w.js": OTHER}, "w.js", "2026-06-01", consumers=(consumer,), crons=("0 0 1 1 *",))
    heard: list[LogLine] = []
    with Runtime(ensure().workerd, [main, other], state=tmp_path, on_log=heard.append) as runtime:
        answer = runtime.fetch("script", "https://script/", method="POST", body=b"{}")
        assert json.loads(answer.body) == {
            "kv": "v",
            "rows": [{"a": 5}],
            "text": 'a"\\\n\0é😀',
            "json": {"a": [1]},
            "other": "PUT https://other/path hi",
        }
        _until(lambda: any(line.text == 'batch jobs [{"hello":1}]' for line in heard))
        runtime.call("scheduled", {"worker": "other", "cron": "0 0 1 1 *", "time": 1000})
        _until(lambda: any(line.text == "cron 0 0 1 1 * 1000" for line in heard))
    with Runtime(ensure().workerd, [main, other], state=tmp_path) as again:
        assert json.loads(again.fetch("script", "https://script/").body)["rows"] == [{"a": 5}, {"a": 5}]


def test_the_control_port_wants_the_token() -> None:
    from http.client import HTTPConnection

    with Runtime(ensure().workerd, [script("")]) as runtime:
        connection = HTTPConnection("127.0.0.1", runtime.port)
        connection.request("POST", "/ping", "{}", {"x-stepwell-token": "guess"})
        assert connection.getresponse().status == 403
        assert runtime.call("ping", {}) == "pong"


def test_modules_of_every_kind() -> None:
    main = """
    import text from "./note.txt";
    import json from "./data.json";
    import data from "./raw.bin";
    import { x } from "./lib/x.mjs";
    export default { fetch: () => Response.json([text, json, data.byteLength, x]) };"""
    modules: dict[str, str | bytes] = {
        "note.txt": 'hé"\\',
        "data.json": '{"a": 1}',
        "raw.bin": bytes(range(256)),
        "lib/x.mjs": "export const x = 1;",
        "main.js": main,
    }
    with Runtime(ensure().workerd, [WorkerSpec("w", modules, "main.js", "2026-06-01")]) as runtime:
        assert json.loads(runtime.fetch("w", "https://w/").body) == ['hé"\\', {"a": 1}, 256, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        ('"\\\n\t\r', '"\\"\\\\\\n\\t\\r"'),
        ("\0é\ud800", '"\\x00\\xc3\\xa9\\xef\\xbf\\xbd"'),
        (b"\x00\xff", '0x"00ff"'),
        ({"a": [1, True, None], "b": None, "c": capnp.Symbol("proxy")}, "(a = [1, true, void], c = proxy)"),
    ],
)
def test_capnp_text(value: capnp.Value, text: str) -> None:
    assert capnp.text(value) == text
