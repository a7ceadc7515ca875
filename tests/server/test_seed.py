"""The page this project started from: its requests as they stand, but for the host and the ids."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.graphs import graph
from tests.dev.account import Dev, eventually
from tests.dev.npm_client import node_and_npm
from tests.runs.graphs import SCRIPT
from tests.server.door import Caller, Served, connect, workflow
from tests.server.process import ServeProcess

REQUESTS = Path(__file__).parent / "data" / "seed"


def approvals() -> dict[str, Any]:
    """A workflow that waits for the page's event."""
    made = graph("Approvals", "return event.payload;")
    [wait] = [node for node in made["nodes"] if node["type"] == "wait_for_event"]
    wait["data"]["eventType"] = "approval-decision"
    return made


class Page:
    """What the page's examples speak of: a workflow, a connection and a key, under their names there."""

    def __init__(self, process: ServeProcess, who: Caller, workflow: str, connection: str) -> None:
        self.process, self.who, self.workflow, self.connection = process, who, workflow, connection

    def text(self, name: str, instance: str = "") -> str:
        """An example with the host and the ids of this server."""
        told = (REQUESTS / name).read_text()
        for there, here in {
            "https://app.awaitstep.dev": self.process.url,
            "wf_abc123": self.workflow,
            "conn_xyz789": self.connection,
            "ask_yourkey": str(self.who.key),
            "9d3f1a2b-4c5e-6d7f-8a9b-0c1d2e3f4a5b": instance,
        }.items():
            told = told.replace(there, here)
        return told

    def curl(self, name: str, instance: str = "") -> Any:
        """What an example's curl answers."""
        words = shlex.split(self.text(name, instance).replace("\\\n", " "))
        done = subprocess.run([*words, "-s"], capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    def status(self, instance: str) -> str:
        """The status of a run."""
        return str(self.who.get(f"/workflows/{self.workflow}/runs/{instance}")["status"])


@pytest.fixture(scope="module")
def page(new_database: Callable[[], str], account: Dev, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with ServeProcess(new_database(), tmp_path_factory.mktemp("serve"), account.base) as process:
        who = process.caller()
        id, connection = workflow(who, approvals()), connect(who, account)
        who.post(f"/workflows/{id}/deploy", {"connectionId": connection})
        yield Page(process, who, id, connection)


def test_the_curl_examples(page: Page) -> None:
    started = page.curl("trigger.sh")
    instance = started["instanceId"]
    eventually(lambda: page.status(instance) == "paused")
    sent = page.curl("event.sh", instance)
    assert sent["instanceId"] == instance
    eventually(lambda: page.status(instance) == "complete")
    [one] = page.who.get(f"/workflows/{page.workflow}/runs")["data"]
    assert one["output"] == {"orderId": "ord_001", "userId": "usr_42", "amount": 4999}


def test_the_javascript_examples(page: Page) -> None:
    """The page's own loop sees the run end, and its own words for an event reach it."""
    event = page.text("event.sh", "INSTANCE").split("-d '")[1].removesuffix("'\n")
    script = f"""
const instance = await (async () => {{
  const log = console.log; console.log = () => {{}};
  {page.text("trigger.js")}
  console.log = log;
  return instanceId;
}})();
{page.text("poll.js")}
setTimeout(() => fetch({json.dumps(f"{page.process.url}/api/workflows/{page.workflow}/trigger")}, {{
  method: 'POST',
  headers: {{ Authorization: 'Bearer {page.who.key}', 'Content-Type': 'application/json' }},
  body: {json.dumps(event)}.replace('INSTANCE', instance),
}}), 1500);
const run = await waitForCompletion({json.dumps(page.workflow)}, instance, {json.dumps(page.who.key)});
console.log(JSON.stringify(run));
"""
    node = str(node_and_npm()[0])
    done = subprocess.run(
        [node, "--input-type=module", "-"], input=script, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "complete"


def test_functions(page: Page, account: Dev) -> None:
    """A function has no runs: it is called at its own URL."""
    id = workflow(page.who, SCRIPT)
    deployed = page.who.post(f"/workflows/{id}/deploy", {"connectionId": page.connection})
    status, words = page.who.refused("POST", f"/workflows/{id}/trigger", {"connectionId": page.connection})
    assert status == 400 and "function" in words
    url = f"{account.origin}/worker/{deployed['serviceName']}"
    assert httpx.post(url, json={"n": 21}, trust_env=False).json() == {"twice": 42}


def test_a_server_in_this_process_agrees(server: Served, account: Dev) -> None:
    """A run steered: paused, resumed, terminated."""
    who = server.caller()
    id, connection = workflow(who, graph("Steered")), connect(who, account)
    who.post(f"/workflows/{id}/deploy", {"connectionId": connection})
    run = who.post(f"/workflows/{id}/trigger", {"connectionId": connection, "params": {"orderId": "ord_001"}})
    assert run["status"] == "queued" and run["versionId"] and run["connectionId"] == connection
    path = f"/workflows/{id}/runs/{run['id']}"
    eventually(lambda: who.get(path)["providerStatus"] == "waiting")
    assert who.get(path)["status"] == "paused"
    paused = who.post(f"{path}/pause")
    assert paused["ok"] and paused["providerStatus"] == "paused"
    assert who.refused("POST", f"{path}/pause")[0] == 409
    assert who.post(f"{path}/resume")["ok"]
    assert who.post(f"{path}/terminate")["status"] == "terminated"
    assert who.get(path)["status"] == "terminated"
    assert who.refused("POST", f"{path}/terminate")[0] == 409
