"""Runs the goldens' Workers on workerd: many in one process, each with an engine and a clock of its own.

A run of a workflow creates an instance with `params`, delivers `events`, answers its requests from `mocks`, and
skips sleeps. A run with `requests` (scripts, triggers) speaks to the Worker from outside instead: a request is
{method, path, headers, body (as JSON) or text}, `{"scheduled": CRON, "time": MS}` calls the clock's handler,
`{"created": PARAMS}` creates an instance as Cloudflare's API does, `{"sent": N}` waits until N requests have gone
out. After each every instance comes to rest; no sleep is skipped. `$1` stands for the id of the first instance that
was made, and `"then": 1` adds how that instance stands.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from unittest.mock import patch

from stepwell.bundle.toolchain import Toolchain
from stepwell.compiler import Compiled
from stepwell.local import worker_spec
from stepwell.local.config import WorkerSpec
from stepwell.local.events import RunEvent
from stepwell.local.mock import Desk, Mock, Response, World, make_mock
from stepwell.local.party import Job, Party, PendingEvent, RunOptions, party
from stepwell.local.run import run_batch
from stepwell.local.runtime import Runtime
from stepwell.local.sink import Sink

from .arms import Arms
from .cases import Case
from .happened import Json, Times, answer, common, normal, of_workflow, request

_SECONDS: Final = 60.0
_HOST: Final = "https://worker.test"
_QUIET_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Run:
    """One run of a case: `number` is its place in `runs`."""

    case: Case
    number: int
    plan: Mapping[str, Any]
    spec: WorkerSpec
    children: tuple[WorkerSpec, ...] = ()
    script: bool = False
    arms: Arms | None = None

    @property
    def speaks(self) -> bool:
        """Whether it talks to the Worker instead of creating an instance."""
        return self.script or "requests" in self.plan

    @property
    def requests(self) -> list[Mapping[str, Any]]:
        """A script's `params` are one POST."""
        if "requests" in self.plan:
            return list(self.plan["requests"])
        return [{"method": "POST", "body": self.plan.get("params")}]

    @property
    def mocks(self) -> tuple[Mock, ...]:
        return tuple(make_mock(pattern, value) for pattern, value in self.plan.get("mocks", {}).items())


def runs_of(case: Case, made: Compiled, children: Mapping[str, Compiled]) -> list[Run]:
    """The runs of a case that compiles. `children` are compiled cases by name."""
    assert made.manifest is not None
    script, arms = made.manifest["kind"] == "script", Arms(case, made.manifest)
    found = []
    for number, plan in enumerate(case.run.get("runs", [])):
        spec = worker_spec(made, plan.get("env"))
        missing = {name: why for name, why in spec.missing.items() if name not in plan.get("env", {})}
        called = tuple(worker_spec(children[name]) for name in plan.get("children", []))
        found.append(Run(case, number, plan, replace(spec, missing=missing), called, script, arms))
    return found


def happened(toolchain: Toolchain, runs: Sequence[Run], times: int = 1) -> dict[tuple[str, int], Json]:
    """What happens in each run, by case and number. Each is run `times` times: order that differs is left out."""
    found: dict[tuple[str, int], list[Json]] = defaultdict(list)
    for _ in range(times):
        began = time.time() * 1000
        driven = [run for run in runs if not run.speaks]
        speaking = [run for run in runs if run.speaks]
        for run, told in [*_drive(toolchain, driven, began), *_speak(toolchain, speaking, began)]:
            found[run.case.name, run.number].append(told)
    return {key: common(told) for key, told in found.items()}


# -- instances


def _drive(toolchain: Toolchain, runs: Sequence[Run], began: float) -> Iterator[tuple[Run, Json]]:
    if not runs:
        return
    events: list[list[RunEvent]] = [[] for _ in runs]
    jobs = [_job(run, told) for run, told in zip(runs, events, strict=True)]
    with _recorded() as sent:
        outcomes = run_batch(toolchain, jobs, concurrency=4)
    for number, (run, outcome) in enumerate(zip(runs, outcomes, strict=True)):
        if isinstance(outcome, Exception):
            yield run, {"failed": str(outcome)}
            continue
        times = Times(began, time.time() * 1000 + outcome.slept_ms)
        name = run.spec.workflows[0].name
        own = [event for event in events[number] if getattr(getattr(event, "place", None), "workflow", name) == name]
        assert run.arms is not None
        yield run, of_workflow(outcome, own, sent[number], times, run.arms)


def _job(run: Run, told: list[RunEvent]) -> Job:
    given = tuple(PendingEvent(event["type"], event.get("payload")) for event in run.plan.get("events", []))
    options = RunOptions(params=run.plan.get("params"), events=given, mocks=run.mocks, timeout=_SECONDS)
    return Job(run.spec, options, run.children, on_event=told.append)


@contextmanager
def _recorded() -> Iterator[defaultdict[int, list[Json]]]:
    """The requests that go out, by the number of the job: the runtime tells of them without headers and body."""
    sent: defaultdict[int, list[Json]] = defaultdict(list)
    lock = threading.Lock()

    class Recording(Desk):
        def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Response:
            number = int(headers["x-stepwell-worker"].partition(".")[0])
            if not url.startswith("https://workflow.stepwell.invalid/"):
                with lock:
                    sent[number].append(request(method, url, headers, body))
            return super().answer(method, url, headers, body)

    class InOrder(Sink):
        """Tells what the engine tells in the engine's order, which times in milliseconds do not give."""

        def tell(self, told: Sequence[tuple[float, RunEvent]] = ()) -> None:
            for _, event in told:
                if self._on_event is not None:
                    self._on_event(event)

    with (
        patch("stepwell.local.run.Desk", Recording),
        patch("stepwell.local.run.Sink", InOrder),
        patch(f"{__name__}.Desk", Recording),
    ):
        yield sent


# -- Workers that are spoken to


def _speak(toolchain: Toolchain, runs: Sequence[Run], began: float) -> Iterator[tuple[Run, Json]]:
    if not runs:
        return
    parties = [party(number, Job(run.spec, RunOptions(), run.children, script=True)) for number, run in enumerate(runs)]
    with _recorded() as sent, ExitStack() as stack:
        desks = [Desk(run.mocks, allow_network=False, on_exchange=lambda _: None) for run in runs]
        addresses = {worker.name: desk for each, desk in zip(parties, desks, strict=True) for worker in each.workers}
        world = stack.enter_context(World(addresses))
        workers = [worker for each in parties for worker in each.workers]
        runtime = stack.enter_context(
            Runtime(toolchain.workerd, workers, test=True, world=world.address, token=world.token)
        )
        talks = [
            _Talk(runtime, each, run, sent[number])
            for number, (each, run) in enumerate(zip(parties, runs, strict=True))
        ]
        with ThreadPoolExecutor(4) as pool:
            held = list(pool.map(_Talk.hold, talks))
    times = Times(began, time.time() * 1000)
    for run, told in zip(runs, held, strict=True):
        yield run, normal(told, times)


@dataclass
class _Talk:
    """One conversation with a Worker."""

    runtime: Runtime
    party: Party
    run: Run
    sent: list[Json]
    instances: list[str] = field(default_factory=list)

    def hold(self) -> Json:
        try:
            return {"answers": [self._say(each) for each in self.run.requests], "requests": self.sent}
        except Exception as failure:  # one that fails must not hide what the others do
            return {"failed": f"{type(failure).__name__}: {failure}"}

    def _say(self, asked: Mapping[str, Any]) -> Json:
        if "scheduled" in asked:
            arguments = {"worker": self.party.main.name, "cron": asked["scheduled"], "time": asked.get("time", 0)}
            self.runtime.call("scheduled", arguments)
            told: Json = {}
        elif "created" in asked:
            workflow = self.party.main.workflows[0].name
            made = self.runtime.create(self.party.main.name, workflow, asked["created"])
            self.instances.append(made)
            told = {"instanceId": made}
        elif "sent" in asked:
            told = self._await_requests(asked["sent"])
        else:
            told = self._fetch(asked)
        self._rest()
        if "then" in asked:
            told = {**told, "instance": self._status(int(asked["then"]) - 1)}
        return told

    def _fetch(self, asked: Mapping[str, Any]) -> Json:
        raw = json.dumps(asked["body"]) if "body" in asked else asked.get("text", "")
        headers = {"content-type": "application/json"} if "body" in asked else {}
        got = self.runtime.fetch(
            self.party.main.name,
            _HOST + self._named(asked.get("path", "/")),
            method=asked.get("method", "GET"),
            headers={**headers, **asked.get("headers", {})},
            body=self._named(raw).encode(),
            timeout=_SECONDS,
        )
        told = answer(got.status, got.headers, got.body)
        made = told.get("body")
        if (
            isinstance(made, dict)
            and isinstance(made.get("instanceId"), str)
            and made["instanceId"] not in self.instances
        ):
            self.instances.append(made["instanceId"])
        return told

    def _named(self, text: str) -> str:
        for number, instance in enumerate(self.instances, 1):
            text = text.replace(f"${number}", instance)
        return text

    def _status(self, number: int) -> Json:
        """How the instance stands that was created as the `number`-th; those nobody told of are found by the engine."""
        seen = self._settle()["instances"]
        ids = [*self.instances, *(each["id"] for each in seen if each["id"] not in self.instances)]
        workflow = self.party.main.workflows[0].name
        status = self.runtime.status(self.party.main.name, workflow, ids[number])
        return {key: value for key, value in status.items() if key in ("status", "output", "error")}

    def _settle(self) -> Json:
        names = self.party.with_workflows
        seen: Json = self.runtime.call(
            "settle", {"workers": names, "cursors": {name: {} for name in names}, "patience": 200}
        )
        return seen

    def _rest(self) -> None:
        """Waits until no instance is at work."""
        names = self.party.with_workflows
        cursors: dict[str, dict[str, int]] = {name: {} for name in names}
        until = time.monotonic() + _QUIET_SECONDS
        while names and time.monotonic() < until:
            seen = self.runtime.call("settle", {"workers": names, "cursors": cursors, "patience": 200})
            for each in seen["instances"]:
                for event in each["events"]:
                    place = cursors[each["worker"]]
                    place[each["key"]] = max(place.get(each["key"], 0), event["eventId"])
            if seen["idle"]:
                return

    def _await_requests(self, count: int) -> Json:
        """Waits until so many requests have gone out, as a queue's consumer sends them some time later."""
        until = time.monotonic() + _QUIET_SECONDS
        while len(self.sent) < count and time.monotonic() < until:
            self.runtime.call("ping", {})
            time.sleep(0.05)
        return {"sent": len(self.sent)}
