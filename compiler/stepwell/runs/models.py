"""Runs as values. Times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from stepwell.graph.stepnames import shown

ENDED: Final = frozenset({"complete", "errored", "terminated"})
"""The statuses after which nothing more happens, unless somebody restarts the run."""


@dataclass(frozen=True)
class CodePlace:
    """A place in the code of a graph: `source` is `nodes/<id>/<field>` or `triggerCode`, line and column count from 1,
    `text` is the line.
    """

    source: str
    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Failure:
    """An error as Cloudflare keeps it. `place` is where it arose, which only the local account tells."""

    name: str
    message: str
    place: CodePlace | None = None


@dataclass(frozen=True)
class Attempt:
    """One try of a step. `success` None: it goes on."""

    start: datetime | None
    end: datetime | None
    success: bool | None
    error: Failure | None


@dataclass(frozen=True)
class StepRun:
    """A step of a run. `kind` is step, sleep, waitForEvent, rollback; `node` the id of the graph's node, where that is
    known. `done` False: it goes on, or waits.
    """

    name: str
    kind: str
    node: str | None
    start: datetime | None
    end: datetime | None
    done: bool
    success: bool | None
    output: Any
    error: Failure | None
    attempts: tuple[Attempt, ...]
    event_type: str | None

    @property
    def duration(self) -> timedelta | None:
        """How long it took, with the pauses between its attempts; None while it goes on."""
        return _between(self.start, self.end) if self.done else None


@dataclass(frozen=True)
class RunSummary:
    """A run in a list."""

    workflow: str
    id: str
    status: str
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    version: str
    trigger: str

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED

    @property
    def duration(self) -> timedelta | None:
        """From its start to its end; None before both are known."""
        return _between(self.started, self.ended)


@dataclass(frozen=True)
class Run:
    """All there is to say about a run. `status` is Cloudflare's word."""

    workflow: str
    id: str
    status: str
    queued: datetime | None
    started: datetime | None
    ended: datetime | None
    params: Any
    output: Any
    error: Failure | None
    version: str
    trigger: str
    steps: tuple[StepRun, ...]

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED

    @property
    def duration(self) -> timedelta | None:
        """From its start to its end; None before both are known."""
        return _between(self.started, self.ended)

    @property
    def failed_step(self) -> StepRun | None:
        """The step that failed last, of a run that ended in an error; None where that arose between steps."""
        if self.error is not None and self.error.place is not None:
            return None
        failed = [step for step in self.steps if step.success is False or step.error is not None]
        return failed[-1] if self.status == "errored" and failed else None


def read_summary(workflow: str, told: Mapping[str, Any]) -> RunSummary:
    """A row of the API's list."""
    return RunSummary(
        workflow,
        str(told["id"]),
        str(told["status"]),
        time(told.get("created_on")),
        time(told.get("started_on")),
        time(told.get("ended_on")),
        str(told.get("version_id", "")),
        str(told.get("trigger_source", "unknown")),
    )


class Known(Protocol):
    """What is known of the graph that ran."""

    def node(self, step: str) -> str | None:
        """The id of the node that a step belongs to."""

    def place(self, stack: str) -> CodePlace | None:
        """Where in the graph's code an error arose, by its stack."""


class Unknown:
    """A graph of which nothing is known."""

    def node(self, step: str) -> str | None:
        """None."""
        return None

    def place(self, stack: str) -> CodePlace | None:
        """None."""
        return None


def read_run(workflow: str, id: str, told: Mapping[str, Any], known: Known) -> Run:
    """An instance as the API describes it."""
    steps = [one for one in told.get("steps") or () if one.get("type") != "termination"]
    return Run(
        workflow,
        id,
        str(told["status"]),
        time(told.get("queued")),
        time(told.get("start")),
        time(told.get("end")),
        told.get("params"),
        told.get("output"),
        _failure(told.get("error"), known),
        str(told.get("versionId", "")),
        str((told.get("trigger") or {}).get("source", "unknown")),
        tuple(_step(one, known) for one in steps),
    )


def _step(told: Mapping[str, Any], known: Known) -> StepRun:
    kind, attempts = str(told["type"]), tuple(_attempt(one, known) for one in told.get("attempts") or ())
    is_step = kind in ("step", "rollback")
    error = _failure(told.get("error"), known)
    success = told.get("success") if is_step else (error is None if told.get("finished") else None)
    if is_step and success is False and attempts:
        error = attempts[-1].error
    name = shown(str(told["name"]))
    return StepRun(
        name,
        kind,
        known.node(name),
        time(told.get("start")),
        time(told.get("end")),
        success is not None,
        success,
        told.get("output"),
        error,
        attempts,
        told.get("event_type"),
    )


def _attempt(told: Mapping[str, Any], known: Known) -> Attempt:
    error = _failure(told.get("error"), known)
    return Attempt(time(told.get("start")), time(told.get("end")), told.get("success"), error)


def _failure(told: Any, known: Known) -> Failure | None:
    if not isinstance(told, Mapping):
        return None
    stack = told.get("stack")
    place = known.place(stack) if isinstance(stack, str) else None
    return Failure(str(told.get("name", "Error")), str(told.get("message", "")), place)


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start


def time(text: Any) -> datetime | None:
    """A time of the API."""
    return datetime.fromisoformat(text) if isinstance(text, str) else None
