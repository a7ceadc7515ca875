"""How many calls a deploy takes, beside Cloudflare's own command line: `python -m tests.deploy.calls`.

The Workers are those of `data/traffic.json`: "workflow" has two workflows, a queue and its consumer, crons, and one of
most bindings; "script" has a variable, a route and a custom domain. Ours have one workflow a graph, so the second one
is another graph, as users of ours have it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.contract import DATA
from tests.deploy.shop import Sent, Shop, graph
from tests.dev.account import Dev, dev

RECORDINGS: Final[dict[str, Any]] = {
    one["name"]: one["commands"] for one in json.loads((DATA / "traffic.json").read_text("utf-8"))
}
FLOW: Final = """
@fetch async function handler(request, env) {
  await env.KV.get("a");
  await env.DB.prepare("select 1").all();
  await env.BUCKET.put("a", "b");
  await env.QUEUE.send({ environment: env.ENVIRONMENT, config: env.CONFIG });
  return new Response("ok");
}

@queue async function OrderEvents(batch, env) {
  @config { max_batch_size: 10, max_retries: 2, max_concurrency: 3, dead_letter_queue: "order-dlq" }
  await env.WORKFLOW.create({ params: batch.messages.length });
}

@scheduled async function tick(controller, env) {
  await env.WORKFLOW.create({});
}
"""
FLOW_PROJECT: Final = """
[artifact.flow]
vars = { ENVIRONMENT = "production", CONFIG = { a = 1 } }
bindings = { QUEUE = "order-events", BUCKET = "orders-bucket" }
crons = ["*/5 * * * *", "0 9 * * MON"]
observability = { enabled = true, head_sampling_rate = 1 }
compatibility_flags = ["nodejs_compat"]
consumers = { order-events = { retry_delay = 10, max_wait = 5 } }
"""
SCRIPT_PROJECT: Final = """
[artifact.script]
vars = { A = "1" }
routes = ["api.example.com/hooks/*"]
domains = ["hooks.example.com"]
workers_dev = false
observability = false
"""


def flow(code: str = "return event.payload;") -> dict[str, Any]:
    """The workflow of the recording."""
    return {"ir": graph("Order Flow", code), "triggerCode": FLOW}


def script(code: str = "return env.A;") -> dict[str, Any]:
    """The script of the recording."""
    return graph("Hook Script", code, kind="script", trigger={"type": "http"})


def three(shop: Shop, project: str, key: str, first: Any, second: Any) -> dict[str, list[Sent]]:
    """What is sent for a first deploy, for one with other code, and for one without a change."""
    found = {}
    for name, value in {"first deploy": first, "redeploy": second, "no change": second}.items():
        shop.project(project, **{key: value})
        shop.deploy("--provision")
        found[name] = list(shop.sent)
    return found


def recorded(name: str) -> dict[str, list[Mapping[str, Any]]]:
    """What Cloudflare's command line sent for the same; it makes no difference between a change and none."""
    deploys = [command["calls"] for command in RECORDINGS[name] if command["command"] == "wrangler deploy"]
    return {"first deploy": deploys[0], "redeploy": deploys[1], "no change": deploys[1]}


def table(ours: Mapping[str, list[Sent]], theirs: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """The counts side by side."""
    rows = [f"{'':<14}{'stepwell':>20}{'wrangler 4.164.0':>20}"]
    for name, sent in ours.items():
        mine = f"{len(sent)} ({sum(one.writes for one in sent)} writes)"
        other = f"{len(theirs[name])} ({sum(one['method'] != 'GET' for one in theirs[name])} writes)"
        rows.append(f"{name:<14}{mine:>20}{other:>20}")
    return "\n".join(rows)


def report(account: Dev, folder: Path) -> str:
    """Both Workers, deployed three times each."""
    with pytest.MonkeyPatch.context() as patch:
        shop = Shop(folder, account, patch)
        flows = three(shop, FLOW_PROJECT, "flow", flow(), flow("return 2;"))
        scripts = three(shop, SCRIPT_PROJECT, "script", script(), script("return 2;"))
    parts = [("workflow", flows), ("script", scripts)]
    return "\n\n".join(f"{name}\n{table(sent, recorded(name))}" for name, sent in parts)


def main() -> int:
    """Prints the counts."""
    with tempfile.TemporaryDirectory() as folder, dev(Path(folder) / "state") as account:
        shop = Path(folder) / "shop"
        shop.mkdir()
        print(report(account, shop))
    return 0


if __name__ == "__main__":
    sys.exit(main())
