"""What a local run tells as it goes, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .config import JSON

Status: TypeAlias = Literal["complete", "errored", "terminated"]
StepKind: TypeAlias = Literal["do", "sleep", "wait"]
StepOutcome: TypeAlias = Literal["completed", "failed", "unfinished"]


@dataclass(frozen=True)
class Failure:
    """An error as the engine keeps it; `stack`, which makes no error another one, is where it arose in the Worker."""

    name: str
    message: str
    stack: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Place:
    """Where and when: workflow, instance, and milliseconds of the engine's clock since the run began."""

    workflow: str
    instance: str
    at_ms: int


@dataclass(frozen=True)
class StepStarted:
    """An attempt of a step begins; ``attempt`` counts from 1."""

    place: Place
    name: str
    attempt: int


@dataclass(frozen=True)
class StepRetrying:
    """An attempt failed; the next one comes after ``delay_ms``."""

    place: Place
    name: str
    attempt: int
    error: Failure
    delay_ms: int


@dataclass(frozen=True)
class StepCompleted:
    """A step has its result."""

    place: Place
    name: str
    attempts: int
    output: JSON
    duration_ms: int


@dataclass(frozen=True)
class StepFailed:
    """A step failed for good."""

    place: Place
    name: str
    attempts: int
    error: Failure


@dataclass(frozen=True)
class SleepStarted:
    """A sleep begins."""

    place: Place
    name: str
    duration_ms: int


@dataclass(frozen=True)
class SleepEnded:
    """A sleep is over."""

    place: Place
    name: str


@dataclass(frozen=True)
class WaitStarted:
    """The instance waits for an event."""

    place: Place
    name: str
    event_type: str


@dataclass(frozen=True)
class EventDelivered:
    """One of the events given with the run was sent to the instance."""

    place: Place
    event_type: str
    payload: JSON


@dataclass(frozen=True)
class WaitEnded:
    """The event came."""

    place: Place
    name: str
    event_type: str


@dataclass(frozen=True)
class WaitTimedOut:
    """The event did not come in time."""

    place: Place
    name: str
    event_type: str


@dataclass(frozen=True)
class RunEnded:
    """An instance is over: the run's own, or that of a sub-workflow."""

    place: Place
    status: Status
    output: JSON
    error: Failure | None


@dataclass(frozen=True)
class Requested:
    """A Worker made a request; ``status`` None: it failed, and ``hint`` says why and what to do."""

    method: str
    url: str
    status: int | None
    mocked: bool
    hint: str | None


@dataclass(frozen=True)
class Logged:
    """A line of ``console``: level debug, info, log, warn or error."""

    level: str
    text: str


RunEvent: TypeAlias = (
    StepStarted
    | StepRetrying
    | StepCompleted
    | StepFailed
    | SleepStarted
    | SleepEnded
    | WaitStarted
    | EventDelivered
    | WaitEnded
    | WaitTimedOut
    | RunEnded
    | Requested
    | Logged
)


@dataclass(frozen=True)
class StepRecord:
    """One step of the run's own instance, as it stood at the end; times on the engine's clock."""

    name: str
    kind: StepKind
    attempts: int
    outcome: StepOutcome
    output: JSON
    error: Failure | None
    started_ms: int
    ended_ms: int | None


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    ``output`` is what ``run`` returned, or for a script the body of the answer (its JSON, else its text),
    whose status is ``http_status``. ``steps`` are in the order they were first reached. ``wall_ms`` is real
    time from the instance's creation, ``slept_ms`` what the clock was moved by instead of waiting.
    """

    status: Status
    output: JSON
    error: Failure | None
    steps: tuple[StepRecord, ...]
    wall_ms: int
    slept_ms: int
    http_status: int | None = None
