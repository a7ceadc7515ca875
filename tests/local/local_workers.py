"""Small Workers, and a way to run them and look at what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from stepwell.bundle.toolchain import ensure
from stepwell.local.config import WorkerSpec, WorkflowSpec
from stepwell.local.events import Outcome, RunEvent
from stepwell.local.mock import parse_mock
from stepwell.local.run import PendingEvent, RunOptions, run_workflow

E = TypeVar("E")


def workflow(body: str, *, name: str = "main", workflow: str = "main", **rest: Any) -> WorkerSpec:
    """A Worker whose one workflow has this body."""
    source = f"""
import {{ WorkflowEntrypoint }} from "cloudflare:workers";
import {{ NonRetryableError }} from "cloudflare:workflows";
export class Main extends WorkflowEntrypoint {{
  async run(event, step) {{
    const env = this.env;
    {body}
  }}
}}
export default {{ async fetch() {{ return new Response("ok"); }} }};
"""
    return WorkerSpec(
        name=name,
        modules={"worker.js": source},
        main="worker.js",
        compatibility_date="2026-06-01",
        workflows=(WorkflowSpec(workflow, "Main"),),
        **rest,
    )


def script(body: str, **rest: Any) -> WorkerSpec:
    """A Worker whose ``fetch(request, env)`` has this body."""
    source = f"export default {{ async fetch(request, env) {{ {body} }} }};"
    return WorkerSpec("script", {"worker.js": source}, "worker.js", "2026-06-01", **rest)


def options(
    *mocks: str, params: Any = None, events: Sequence[tuple[str, Any]] = (), timeout: float = 30, **rest: Any
) -> RunOptions:
    """Options from the words of a command line."""
    parsed = tuple(mock for text in mocks for mock in parse_mock(text))
    pending = tuple(PendingEvent(kind, payload) for kind, payload in events)
    return RunOptions(params=params, events=pending, mocks=parsed, timeout=timeout, **rest)


def play(
    spec: WorkerSpec, chosen: RunOptions | None = None, children: Sequence[WorkerSpec] = ()
) -> tuple[Outcome, list[RunEvent]]:
    """The outcome of one run, and what it told."""
    told: list[RunEvent] = []
    outcome = run_workflow(ensure(), spec, chosen or options(), on_event=told.append, children=children)
    return outcome, told


def of(kind: type[E], told: Sequence[object]) -> list[E]:
    """The events of one kind."""
    return [event for event in told if isinstance(event, kind)]
