"""A project's folder, an account to deploy it to, and the command line between them, with every request seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from stepwell.cloudflare import Cloudflare
from tests.cli.cli_calls import Said, stepwell
from tests.dev.account import Dev

ROOT: Final = "/client/v4"
TRIGGER: Final = """
@fetch async function handler(request, env) {
  const seen = await env.CACHE_KV.get("seen");
  const { results } = await env.ORDERS_DB.prepare("select 1 as one").all();
  await env.BUCKET_FILES.put("last", "1");
  await env.JOBS_QUEUE.send({ seen });
  const instance = await env.WORKFLOW.create({ params: { region: env.REGION, results } });
  return Response.json({ id: instance.id, region: env.REGION, key: env.API_KEY?.length ?? 0 }, { status: 202 });
}

@queue async function Jobs(batch, env) {
  @config { max_batch_size: 10, max_retries: 2, max_batch_timeout: 5, dead_letter_queue: "dead-jobs" }
  await env.CACHE_KV.put("seen", String(batch.messages.length));
}

@scheduled async function nightly(controller, env) {
  await env.WORKFLOW.create({ params: { cron: controller.cron } });
}
"""
"""Trigger code that binds one of everything that can be made."""


@dataclass(frozen=True)
class Sent:
    """A request that was sent; its path is the one below the API."""

    method: str
    path: str
    query: dict[str, str]
    headers: httpx.Headers
    content: bytes

    @classmethod
    def of(cls, request: httpx.Request) -> Sent:
        """What a request is."""
        path = request.url.path.removeprefix(ROOT)
        return cls(request.method, path, dict(request.url.params), request.headers, request.read())

    @property
    def place(self) -> str:
        """Method and path, with words for the ids of the account and of zones."""
        parts = self.path.split("/")
        for place, part in enumerate(parts[:-1]):
            if part in ("accounts", "zones"):
                parts[place + 1] = part[:-1].upper()
        return f"{self.method} {'/'.join(parts).removeprefix('/accounts/ACCOUNT')}"

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.content)

    @property
    def parts(self) -> dict[str, tuple[str, bytes]]:
        """The parts of its form: content type and content by name. Read by another parser than the product's."""
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser(policy=HTTP).parsebytes(head + self.content)
        found = {}
        for part in form.iter_parts():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            name = part.get_param("name", header="content-disposition")
            found[str(name)] = (part.get_content_type(), content)
        return found

    @property
    def metadata(self) -> Any:
        """The metadata of an upload."""
        return json.loads(self.parts["metadata"][1])


class Watched(httpx.BaseTransport):
    """Passes requests on and keeps them. `answer` may answer one in place of the account."""

    def __init__(self, answer: Callable[[Sent], httpx.Response | None] = lambda sent: None) -> None:
        self.sent: list[Sent] = []
        self.answer = answer
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        sent = Sent.of(request)
        self.sent.append(sent)
        answer = self.answer(sent)
        if answer is None:
            answer = self._real.handle_request(request)
        answer.read()
        return answer

    def close(self) -> None:
        """Ends connections."""
        self._real.close()


def refusal(status: int, code: int, message: str) -> httpx.Response:
    """An answer of the API that says no."""
    errors = [{"code": code, "message": message}]
    return httpx.Response(status, json={"success": False, "errors": errors, "messages": [], "result": None})


def graph(name: str, *codes: str, **more: Any) -> dict[str, Any]:
    """A chain of steps with these bodies; `nodes` are put behind them."""
    steps: list[dict[str, Any]] = [
        {"id": f"s{place}", "type": "step", "name": f"Step {place}", "data": {"code": code}}
        for place, code in enumerate(codes or ("return 1;",), 1)
    ]
    nodes = [*steps, *more.pop("nodes", ())]
    edges = [
        {"id": f"e{place}", "source": one["id"], "target": other["id"]}
        for place, (one, other) in enumerate(pairwise(nodes), 1)
    ]
    return {
        "metadata": {"name": name, "version": 1},
        "entryNodeId": nodes[0]["id"],
        "nodes": nodes,
        "edges": edges,
        **more,
    }


def calls(workflow: str, id: str = "child") -> dict[str, Any]:
    """A node that calls a workflow of another graph."""
    data = {"workflowId": workflow.lower(), "workflowName": workflow, "input": {}}
    return {"id": id, "type": "sub_workflow", "name": f"Call {workflow}", "data": data}


def asks(worker: str, id: str = "ask") -> dict[str, Any]:
    """A node that calls another Worker."""
    return {"id": id, "type": "sub_script", "name": f"Ask {worker}", "data": {"workerName": worker, "body": "{}"}}


def waits() -> dict[str, Any]:
    """A node that waits for an event."""
    return {"id": "wait", "type": "wait_for_event", "name": "Wait", "data": {"eventType": "go", "timeout": "1 day"}}


@dataclass
class Shop:
    """The folder is the current one; the account's variables are set."""

    folder: Path
    account: Dev
    monkeypatch: pytest.MonkeyPatch
    watched: Watched = field(default_factory=Watched)

    def __post_init__(self) -> None:
        self.monkeypatch.chdir(self.folder)
        for name, value in self.account.env.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.delenv("CLOUDFLARE_ENV", raising=False)
        self.watch()

    def watch(self, answer: Callable[[Sent], httpx.Response | None] = lambda sent: None) -> Watched:
        """From now on requests go this way."""
        self.watched = Watched(answer)
        client = partial(Cloudflare, transport=self.watched, sleep=lambda seconds: None)
        self.monkeypatch.setattr("stepwell.cloudflare.Cloudflare", client)
        return self.watched

    @property
    def sent(self) -> list[Sent]:
        """What the last command sent."""
        return self.watched.sent

    @property
    def written(self) -> list[str]:
        """What of that changes anything."""
        return [one.place for one in self.sent if one.writes]

    def file(self, name: str, value: object) -> Path:
        """Writes a file: a text as it is, anything else as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
        return path

    def project(self, text: str = "", **graphs: object) -> None:
        """Writes the project: its graphs by key, and the rest of stepwell.toml."""
        for key, value in graphs.items():
            self.file(f"{key}.json", value)
        names = ", ".join(f'"{key}.json"' for key in graphs)
        self.file("stepwell.toml", f"artifacts = [{names}]\n{text}")

    def call(self, *arguments: str | Path) -> Said:
        """Calls the command line."""
        self.watched.sent.clear()
        return stepwell(*arguments)

    def deploy(self, *arguments: str | Path) -> Said:
        """A deploy that must succeed."""
        said = self.call("deploy", "--yes", *arguments)
        assert said.code == 0, said
        return said

    def plan(self, *arguments: str | Path) -> Any:
        """The plan as JSON, whatever it says."""
        said = self.call("plan", "--json", *arguments)
        assert said.code in (0, 1), said
        return json.loads(said.out)

    def changes(self, *arguments: str | Path) -> list[tuple[str, str, str]]:
        """The changes of the plan."""
        workers = self.plan(*arguments)["workers"]
        return [(one["kind"], one["what"], one["name"]) for worker in workers for one in worker["changes"]]
