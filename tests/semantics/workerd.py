"""Cases on the real runtime: many Workers in one workerd process, each run with a clock of its own.

Time is not to be trusted there: which arm wins a race is read from what the engine stored, and the reference says what
follows. Sub-workflows and called Workers are small Workers that are told the scenario; requests go to a desk.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from unittest.mock import patch

from stepwell.bundle.toolchain import Toolchain
from stepwell.local import worker_spec
from stepwell.local.config import ServiceRef, WorkerSpec, WorkflowRef, WorkflowSpec
from stepwell.local.events import (
    Outcome,
    RunEvent,
    SleepEnded,
    SleepStarted,
    StepCompleted,
    StepFailed,
    StepStarted,
    WaitEnded,
    WaitStarted,
    WaitTimedOut,
)
from stepwell.local.mock import Desk, Response
from stepwell.local.party import Job, PendingEvent, RunOptions
from stepwell.local.run import run_batch
from stepwell.local.sink import Sink
from tests.semantics.case import STATES, Json
from tests.semantics.compare import Seen, differences, expected
from tests.semantics.generate import Drawn
from tests.semantics.reference import answered
from tests.semantics.validate import Tally, compiled

_SECONDS: Final = 60.0
_STARTS: Final = (StepStarted, SleepStarted, WaitStarted)
_ENDS: Final = (StepCompleted, StepFailed, SleepEnded, WaitEnded, WaitTimedOut)
_DATE: Final = "2026-11-01"
_CALLEE: Final = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    return fetch("https://callee.test" + pathname, { method: request.method, body: await request.text() });
  },
};
"""
_CHILD: Final = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Child extends WorkflowEntrypoint {
  async run({ payload: { from, at } }, step) {
    const does = JSON.parse(this.env.CHILD)[from][at.length ? at.at(-1) % 3 : 0];
    if (does === "fail") throw new Error(`${from} failed`);
    if (does === "never") await step.sleep("never", "300 days");
    return { tag: `child ${from}${at.map((index) => `[${index}]`).join("")}` };
  }
}
export default {};
"""


def validate_all(toolchain: Toolchain, cases: Sequence[Drawn], tally: Tally) -> list[list[str]]:
    """What differs in each case."""
    made = [(number, scenario) for number, drawn in enumerate(cases) for scenario in drawn.scenarios]
    specs = [spec_of(drawn) for drawn in cases]
    told: list[list[RunEvent]] = [[] for _ in made]
    jobs = [_job(specs[number], scenario, events) for (number, scenario), events in zip(made, told, strict=True)]
    with _world([scenario for _, scenario in made]):
        outcomes = run_batch(toolchain, jobs, concurrency=4)
    found: list[list[str]] = [[] for _ in cases]
    for (number, scenario), outcome, events in zip(made, outcomes, told, strict=True):
        tally.counts["runs on workerd"] += 1
        found[number] += _compared(cases[number], scenario, outcome, events)
    return found


def _compared(drawn: Drawn, scenario: Json, outcome: Outcome | Exception, events: list[RunEvent]) -> list[str]:
    if isinstance(outcome, Exception):
        return [str(outcome)]
    seen = seen_of(outcome, events)
    want = expected(drawn.case, drawn.shape, scenario, seen, strict=False)
    return list(differences(want, seen, strict=False))


def spec_of(drawn: Drawn) -> WorkerSpec:
    """The Worker of a case, bound to the small Workers here."""
    spec = worker_spec(compiled(drawn.case, drawn.shape))
    return replace(
        spec,
        services={name: ServiceRef("callee") for name in spec.services},
        foreign={name: WorkflowRef("Child", "child") for name in spec.foreign},
        missing={},
    )


def _job(spec: WorkerSpec, scenario: Json, told: list[RunEvent]) -> Job:
    events = tuple(PendingEvent(kind, payload) for _, kind, payload in scenario["events"])
    options = RunOptions(params=scenario, events=events, timeout=_SECONDS)
    return Job(spec, options, (callee(), child(scenario)), on_event=told.append)


def callee() -> WorkerSpec:
    """The Worker that `sub_script` calls: it asks the desk."""
    return WorkerSpec("callee", {"callee.js": _CALLEE}, "callee.js", _DATE)


def child(scenario: Json) -> WorkerSpec:
    """The Worker with the workflow that `sub_workflow` starts."""
    own = (WorkflowSpec("Child", "Child"),)
    return WorkerSpec(
        "child", {"child.js": _CHILD}, "child.js", _DATE, vars={"CHILD": json.dumps(scenario["child"])}, workflows=own
    )


class Answers:
    """The world of one run: what it answers to requests, by the scenario."""

    def __init__(self, scenario: Json) -> None:
        self._scenario = scenario
        self._asked: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def answer(self, url: str) -> Response:
        path = url.split("?")[0].split("/", 3)[3]
        node, *at = path.split("/")
        with self._lock:
            self._asked[path] += 1
            number = self._asked[path]
        kind = self._scenario["answers"][node][int(at[-1]) % STATES if at else 0]
        status, body = answered(kind, path, number)
        text = {"text": body, "empty": "", "broken": body}.get(kind, json.dumps(body))
        headers = {"content-type": "text/plain" if kind == "text" else "application/json"}
        return Response(status, MappingProxyType(headers), text.encode())


@contextmanager
def _world(scenarios: Sequence[Json]) -> Iterator[None]:
    """Every run gets its own answers, and its events in the engine's order, which times in milliseconds do not give."""
    answers = [Answers(scenario) for scenario in scenarios]

    class Answering(Desk):
        def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
            return answers[int(headers["x-stepwell-worker"].partition(".")[0])].answer(url)

    class InOrder(Sink):
        def tell(self, told: Sequence[tuple[float, RunEvent]] = ()) -> None:
            for _, event in told:
                if self._on_event is not None:
                    self._on_event(event)

    with patch("stepwell.local.run.Desk", Answering), patch("stepwell.local.run.Sink", InOrder):
        yield


def seen_of(outcome: Outcome, events: Sequence[RunEvent]) -> Seen:
    """A run as the comparison takes it. Times are places in the engine's history."""
    own = [e for e in events if isinstance(e, _STARTS + _ENDS) and e.place.workflow == "G"]
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for at, event in enumerate(own):
        if isinstance(event, _STARTS):
            began.setdefault(event.name, at)
        else:
            ended[event.name] = at
    trace = []
    for step in outcome.steps:
        entry: Json = {"name": step.name, "kind": step.kind, "began": began[step.name], "attempts": step.attempts}
        if step.outcome == "failed":
            entry["failed"] = _message(step.error)
        if step.outcome != "unfinished":
            entry |= {"ended": ended[step.name], "value": step.output}
        trace.append(entry)
    won = [step for step in outcome.steps if ": winner" in step.name and step.outcome == "completed"]
    winners = {step.name: step.output for step in won if isinstance(step.output, int)}
    return Seen(outcome.status, outcome.output, _message(outcome.error), trace, [], winners=winners, lossy=True)


def _message(error: Any) -> str | None:
    return None if error is None else str(error.message)
