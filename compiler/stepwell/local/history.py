"""Reads the engine's history of one instance, entry by entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from stepwell.graph.stepnames import shown

from . import events
from .config import JSON
from .events import Failure, Place, RunEvent, StepKind, StepRecord

_NON_RETRYABLE: Final = re.compile(r'Step threw a NonRetryableError with message "(.*)"', re.DOTALL)


@dataclass(frozen=True)
class Wait:
    """A wait for an event that is open."""

    step: str
    event_type: str


class History:
    """Follows one instance: turns entries into run events, and keeps what its steps have come to.

    ``start`` is the time of the run's first entry, in milliseconds, from which all times count.
    """

    def __init__(self, workflow: str, instance: str, start: int) -> None:
        self.workflow, self.instance = workflow, instance
        self.cursor = 0
        self.latest = start
        self.waits: list[Wait] = []
        self.ended: events.RunEnded | None = None
        self._start = start
        self._steps: dict[tuple[StepKind, str], StepRecord] = {}
        self._errors: dict[str, Failure] = {}

    @property
    def steps(self) -> tuple[StepRecord, ...]:
        """The steps reached so far, in the order they were reached."""
        return tuple(self._steps.values())

    def place(self, timestamp: int) -> Place:
        """This instance at a time of its engine's clock."""
        return Place(self.workflow, self.instance, max(0, timestamp - self._start))

    def read(self, entry: Mapping[str, Any]) -> Iterator[RunEvent]:
        """The run events that one entry means: none or one."""
        self.cursor = max(self.cursor, entry["eventId"])
        self.latest = entry["timestamp"]
        handler = getattr(self, f"_{entry['type']}", None)
        if handler is not None:
            yield from handler(entry, self.place(entry["timestamp"]))

    # Steps

    def _attempt_started(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step = self._begin("do", entry, place)
        self._put(replace(step, attempts=entry["attempt"]), entry)
        yield events.StepStarted(place, step.name, entry["attempt"])

    def _attempt_errored(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step, error = self._begin("do", entry, place), _failure(entry["error"])
        self._errors[entry["stepName"]] = error
        if "retryDelayMs" in entry:
            delay = _ms(entry["retryDelayMs"])
            yield events.StepRetrying(place, step.name, entry["attempt"], error, delay)

    def _step_completed(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step, output = self._begin("do", entry, place), entry.get("output")
        self._put(replace(step, outcome="completed", output=output, ended_ms=place.at_ms), entry)
        yield events.StepCompleted(place, step.name, step.attempts, output, place.at_ms - step.started_ms)

    def _step_errored(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step = self._begin("do", entry, place)
        error = self._errors.get(entry["stepName"], Failure("Error", "the step failed"))
        self._put(replace(step, outcome="failed", error=error, ended_ms=place.at_ms), entry)
        yield events.StepFailed(place, step.name, step.attempts, error)

    # Sleeps and waits

    def _sleep_started(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step = self._begin("sleep", entry, place)
        yield events.SleepStarted(place, step.name, _ms(entry["durationMs"]))

    def _sleep_completed(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step = self._begin("sleep", entry, place)
        self._put(replace(step, outcome="completed", ended_ms=place.at_ms), entry)
        yield events.SleepEnded(place, step.name)

    def _wait_started(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step = self._begin("wait", entry, place)
        kind = str(entry.get("eventType", ""))
        self.waits.append(Wait(entry["stepName"], kind))
        yield events.WaitStarted(place, step.name, kind)

    def _wait_completed(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step, kind = self._begin("wait", entry, place), self._close(entry["stepName"])
        self._put(replace(step, outcome="completed", ended_ms=place.at_ms), entry)
        yield events.WaitEnded(place, step.name, kind)

    def _wait_timed_out(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        step, kind = self._begin("wait", entry, place), self._close(entry["stepName"])
        error = Failure("WorkflowTimeoutError", f"the event {kind} did not come in time")
        self._put(replace(step, outcome="failed", error=error, ended_ms=place.at_ms), entry)
        yield events.WaitTimedOut(place, step.name, kind)

    # Ends

    def _workflow_completed(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        yield self._end(events.RunEnded(place, "complete", entry.get("output"), None))

    def _workflow_errored(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        yield self._end(events.RunEnded(place, "errored", None, _failure(entry["error"])))

    def _workflow_terminated(self, entry: Mapping[str, Any], place: Place) -> Iterator[RunEvent]:
        yield self._end(events.RunEnded(place, "terminated", None, None))

    def _end(self, ended: events.RunEnded) -> RunEvent:
        self.waits.clear()
        self.ended = ended
        return ended

    # Records

    def _begin(self, kind: StepKind, entry: Mapping[str, Any], place: Place) -> StepRecord:
        name, attempts = shown(entry["stepName"]), 1 if kind != "do" else 0
        fresh = StepRecord(name, kind, attempts, "unfinished", None, None, place.at_ms, None)
        return self._steps.setdefault((kind, entry["stepName"]), fresh)

    def _put(self, step: StepRecord, entry: Mapping[str, Any]) -> None:
        self._steps[step.kind, entry["stepName"]] = step

    def _close(self, step: str) -> str:
        wait = next((wait for wait in self.waits if wait.step == step), Wait(step, ""))
        self.waits = [other for other in self.waits if other is not wait]
        return wait.event_type


def _ms(duration: float | None) -> int:
    """A time that is no number, as of a sleep of NaN, comes as None."""
    return 0 if duration is None else round(duration)


def _failure(error: Mapping[str, JSON]) -> Failure:
    name, message = str(error.get("name", "Error")), str(error.get("message", ""))
    stack = str(error["stack"]) if "stack" in error else None
    found = _NON_RETRYABLE.fullmatch(message)
    return Failure("NonRetryableError", found[1], stack) if found else Failure(name, message, stack)
