"""Runs workflows and scripts to their end on the real runtime, without waiting for their sleeps.

The engine's clock moves to the next timer only when nothing else can happen: every instance of the run, those
of sub-workflows included, rests, no request is open, and no event given with the run is waited for. So a race
between an approval and a day's sleep comes out as in life.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final

from ..bundle.toolchain import Toolchain
from .config import JSON, WorkerSpec
from .events import EventDelivered, Failure, Outcome, RunEvent, Status
from .history import History
from .mock import Desk, World
from .party import Job, Party, PendingEvent, RunOptions, party
from .runtime import Runtime, RuntimeFailed
from .sink import Sink

__all__ = ["Job", "PendingEvent", "RunFailed", "RunOptions", "run_batch", "run_script", "run_workflow"]

_PATIENCE_MS: Final = 200
_SHORTEST_NAP_SECONDS: Final = 0.05
_LONGEST_NAP_SECONDS: Final = 2.0
_SCRIPT_URL: Final = "https://script.invalid/"


class RunFailed(Exception):
    """The run came to no outcome; one line says why."""


def run_workflow(
    toolchain: Toolchain,
    spec: WorkerSpec,
    options: RunOptions,
    *,
    on_event: Callable[[RunEvent], None],
    children: Sequence[WorkerSpec] = (),
) -> Outcome:
    """Runs the first workflow of ``spec`` to its end.

    Raises RuntimeFailed when the Worker does not load, RunFailed when the run comes to no end.
    """
    return _run_one(toolchain, Job(spec, options, tuple(children), on_event=on_event))


def run_script(
    toolchain: Toolchain,
    spec: WorkerSpec,
    options: RunOptions,
    *,
    on_event: Callable[[RunEvent], None],
    children: Sequence[WorkerSpec] = (),
) -> Outcome:
    """Sends ``options.params`` as JSON to the Worker by POST; the answer is the outcome.

    Raises RuntimeFailed when the Worker does not load, RunFailed when it does not answer in time.
    """
    return _run_one(toolchain, Job(spec, options, tuple(children), script=True, on_event=on_event))


def run_batch(
    toolchain: Toolchain, jobs: Sequence[Job], *, concurrency: int = 4
) -> list[Outcome | RunFailed | RuntimeFailed]:
    """Runs many jobs in one runtime process, each with a clock and mocks of its own; results in order.

    A job whose Worker does not load is left out, and RuntimeFailed is its result. Console lines are not told
    apart, so no job is told of them.
    """
    broken: dict[int, RuntimeFailed] = {}
    while True:
        left = {i: job for i, job in enumerate(jobs) if i not in broken}
        try:
            with _Hall(toolchain, left) as hall, ThreadPoolExecutor(concurrency) as pool:
                done = dict(zip(left, pool.map(_caught, hall.runs), strict=True))
        except RuntimeFailed as failure:
            broken |= _blamed(failure)
            if not any(i in left for i in broken):
                raise
        else:
            return [broken[i] if i in broken else done[i] for i in range(len(jobs))]


def _run_one(toolchain: Toolchain, job: Job) -> Outcome:
    try:
        with _Hall(toolchain, {0: job}) as hall:
            return hall.runs[0].drive()
    except RuntimeFailed as failure:
        raise _blamed(failure).get(0, failure) from failure


def _caught(run: _Run) -> Outcome | RunFailed:
    try:
        return run.drive()
    except RunFailed as failure:
        return failure


def _blamed(failure: RuntimeFailed) -> dict[int, RuntimeFailed]:
    """The jobs whose Workers did not load, with the fault under the Worker's own name."""
    blamed: dict[int, RuntimeFailed] = {}
    for name, fault in failure.faults.items():
        number, _, worker = name.partition(".")
        text = f"the Worker {worker} does not load: {fault}"
        blamed.setdefault(int(number), RuntimeFailed(text, {worker: fault}))
    return blamed


# Setting up


class _Hall:
    """One runtime with the Workers of all jobs, and the desks that answer for the world."""

    def __init__(self, toolchain: Toolchain, jobs: Mapping[int, Job]) -> None:
        self._toolchain = toolchain
        self._parties = [party(number, job) for number, job in jobs.items()]
        self._sinks = [Sink(job.on_event, live=job.script) for job in jobs.values()]
        self._stack = ExitStack()
        self.runs: list[_Run] = []

    def __enter__(self) -> _Hall:
        with ExitStack() as stack:
            for sink in self._sinks:
                stack.callback(sink.flush)  # last of all, for the runtime's last words
            desks = [self._desk(*pair, stack) for pair in zip(self._parties, self._sinks, strict=True)]
            runtime = stack.enter_context(self._runtime(desks, stack))
            rooms = zip(self._parties, desks, self._sinks, strict=True)
            self.runs = [_Run(runtime, party, desk, sink) for party, desk, sink in rooms]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _desk(self, party: Party, sink: Sink, stack: ExitStack) -> Desk:
        options = party.job.options
        desk = Desk(
            options.mocks,
            allow_network=options.allow_network,
            on_exchange=sink.exchange,
            on_request=options.on_request,
        )
        stack.callback(desk.close)
        return desk

    def _runtime(self, desks: Sequence[Desk], stack: ExitStack) -> Runtime:
        parties = zip(self._parties, desks, strict=True)
        world = stack.enter_context(World({worker.name: desk for p, desk in parties for worker in p.workers}))
        return Runtime(
            self._toolchain.workerd,
            [worker for party in self._parties for worker in party.workers],
            test=True,
            world=world.address,
            token=world.token,
            on_log=self._sinks[0].log if len(self._sinks) == 1 else None,
        )


# One run


class _Run:
    """Drives one instance to its end."""

    def __init__(self, runtime: Runtime, party: Party, desk: Desk, sink: Sink) -> None:
        self._runtime, self._party, self._desk, self._sink = runtime, party, desk, sink
        self._options = party.job.options
        self._workers = party.with_workflows
        self._histories: dict[tuple[str, str], History] = {}
        self._events = list(self._options.events)
        self._offered: set[tuple[str, str, str]] = set()
        self._start: int | None = None
        self._slept_ms = 0
        self._stuck = False
        self._nap = _SHORTEST_NAP_SECONDS
        self._began = 0.0

    def drive(self) -> Outcome:
        """Runs to the end. Raises RunFailed when there is none."""
        self._began = time.monotonic()
        return self._script() if self._party.job.script else self._workflow()

    # Scripts

    def _script(self) -> Outcome:
        body = b"" if self._options.params is None else json.dumps(self._options.params).encode()
        try:
            answer = self._runtime.fetch(
                self._party.main.name,
                _SCRIPT_URL,
                method="POST",
                headers={"content-type": "application/json"},
                body=body,
                timeout=self._options.timeout,
            )
        except TimeoutError:
            raise RunFailed(f"the script did not answer within {self._options.timeout:g} seconds") from None
        output, status = _parsed(answer.body), answer.status
        error = None if status < 400 else Failure("Error", _message(output) or f"the script answered {status}")
        ended: Status = "errored" if error else "complete"
        return Outcome(ended, output, error, (), self._wall_ms(), 0, status)

    # Workflows

    def _workflow(self) -> Outcome:
        main = self._party.main
        place: dict[str, JSON] = {"worker": main.name, "workflow": main.workflows[0].name}
        instance = self._call("create", {**place, "params": self._options.params})["id"]
        while True:
            self._check_time()
            activity = self._desk.activity
            seen = self._settle()
            if (end := self._end_of(main.name, instance)) is not None:
                return end
            busy = self._desk.open > 0 or self._desk.activity != activity
            if self._deliver() or not seen["idle"] or busy:
                self._nap = _SHORTEST_NAP_SECONDS
            else:
                self._pass_time(seen["next"])

    def _settle(self) -> dict[str, Any]:
        cursors: dict[str, dict[str, int]] = {name: {} for name in self._workers}
        for (worker, key), history in self._histories.items():
            cursors[worker][key] = history.cursor
        arguments: dict[str, JSON] = {"workers": self._workers, "cursors": cursors, "patience": _PATIENCE_MS}
        seen: dict[str, Any] = self._call("settle", arguments)
        self._sink.tell(list(self._news(seen["instances"])))
        return seen

    def _call(self, action: str, arguments: Mapping[str, JSON]) -> Any:
        """A call that gives up when the run's time does, for user code may never let go of the processor."""
        limit = self._options.timeout
        left = None if limit is None else max(0.1, limit + _PATIENCE_MS / 1000 - self._elapsed())
        try:
            return self._runtime.call(action, arguments, timeout=left)
        except TimeoutError:
            raise self._overdue() from None

    def _news(self, instances: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, RunEvent]]:
        entries = [(entry, instance) for instance in instances for entry in instance["events"]]
        for entry, instance in sorted(entries, key=lambda pair: pair[0]["timestamp"]):
            for event in self._history(instance, entry["timestamp"]).read(entry):
                yield entry["timestamp"] - self._slept_ms, event

    def _history(self, instance: Mapping[str, Any], timestamp: int) -> History:
        if self._start is None:
            self._start = timestamp
        fresh = History(instance["workflow"], instance["id"], self._start)
        return self._histories.setdefault((instance["worker"], instance["key"]), fresh)

    def _end_of(self, worker: str, instance: str) -> Outcome | None:
        history = next((h for (w, _), h in self._histories.items() if (w, h.instance) == (worker, instance)), None)
        if history is None or history.ended is None:
            return None
        ended = history.ended
        return Outcome(ended.status, ended.output, ended.error, history.steps, self._wall_ms(), self._slept_ms)

    # Time and events

    def _deliver(self) -> bool:
        """Sends the first event that an open wait is for; whether there was one."""
        for (worker, key), history in self._histories.items():
            for wait in history.waits:
                event = next((event for event in self._events if event.type == wait.event_type), None)
                if event is not None and (worker, key, wait.step) not in self._offered:
                    self._offered.add((worker, key, wait.step))
                    self._events.remove(event)
                    self._send(worker, history, event)
                    return True
        return False

    def _send(self, worker: str, history: History, event: PendingEvent) -> None:
        place, now = history.place(history.latest), time.time() * 1000
        self._runtime.send_event(worker, history.workflow, history.instance, event.type, event.payload)
        self._sink.tell([(now, EventDelivered(place, event.type, event.payload))])

    def _pass_time(self, next_ms: float | None) -> None:
        if next_ms is None:
            self._check_stuck()
            return
        self._stuck = False
        if self._options.real_time:
            self._wait(next_ms / 1000)
            return
        ms = math.ceil(next_ms)
        self._slept_ms += ms
        self._call("advance", {"workers": self._workers, "ms": ms})

    def _wait(self, seconds: float) -> None:
        """Waits for the next timer, by naps that grow: to look more often would only keep the processor busy."""
        self._sink.settle()
        time.sleep(max(0.0, min(seconds, self._nap, self._left())))
        self._nap = min(2 * self._nap, _LONGEST_NAP_SECONDS)

    def _left(self) -> float:
        limit = self._options.timeout
        return math.inf if limit is None else limit - self._elapsed()

    def _check_stuck(self) -> None:
        """The last timer may just have run out by itself: only when there is none twice, there is none."""
        if self._stuck:
            raise RunFailed(f"nothing can happen any more, and the run has not ended: {self._standing()}")
        self._stuck = True

    def _check_time(self) -> None:
        limit = self._options.timeout
        if limit is not None and self._elapsed() > limit:
            raise self._overdue()

    def _overdue(self) -> RunFailed:
        limit = self._options.timeout
        return RunFailed(f"the run did not end within {limit:g} second{'s' * (limit != 1)}: {self._standing()}")

    def _standing(self) -> str:
        steps = [step for history in self._histories.values() for step in history.steps]
        awaited = {wait.step: wait.event_type for history in self._histories.values() for wait in history.waits}
        names = [
            f"{step.name} (it waits for the event {kind}: --event '{kind}=JSON')" if kind else step.name
            for step in steps
            if step.outcome == "unfinished"
            for kind in [awaited.get(f"{step.name}-1")]
        ]
        return f"it stands at {', '.join(names)}" if names else "it stands between two steps"

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _wall_ms(self) -> int:
        return round(self._elapsed() * 1000)


def _parsed(body: bytes) -> JSON:
    text = body.decode("utf-8", "replace")
    try:
        value: JSON = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _message(output: JSON) -> str | None:
    message = output.get("message") if isinstance(output, Mapping) else output
    return message if isinstance(message, str) and message else None
