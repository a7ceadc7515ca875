"""What happened in a run, as JSON that is the same every time: no ids, no times, steps in their partial order."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from stepwell.local.events import (
    Outcome,
    RunEvent,
    SleepEnded,
    SleepStarted,
    StepCompleted,
    StepFailed,
    StepRecord,
    StepStarted,
    WaitEnded,
    WaitStarted,
    WaitTimedOut,
)

from .arms import Arms

Json = dict[str, Any]

_UUID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_HEX: Final = re.compile(r"\b[0-9a-f]{64}\b")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_REMAINING: Final = re.compile(r": remaining( \[\d+\])*$")
_POLL: Final = re.compile(r": status[ \[\]\d]*$")
_AT_WORK: Final = ("queued", "running", "waiting")
_LARGE: Final = 600
_HOUR: Final = 3_600_000
_STARTS: Final = (StepStarted, SleepStarted, WaitStarted)
_ENDS: Final = (StepCompleted, StepFailed, SleepEnded, WaitEnded, WaitTimedOut)
_REQUEST_HEADERS: Final = ("idempotency-key", "authorization", "content-type", "accept")


class Times:
    """Tells times that belong to the run from those that a graph names. `began` and `ended` in milliseconds."""

    def __init__(self, began: float, ended: float) -> None:
        self._began, self._ended = began - _HOUR, ended + _HOUR

    def holds(self, at: float) -> bool:
        return self._began <= at <= self._ended


class _Drawn:
    """Ids and hashes, each numbered by when it is seen first, so that equal ones are seen to be equal."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def __call__(self, found: re.Match[str]) -> str:
        kind = "id" if "-" in found[0] else "hash"
        number = sum(1 for shown in self._seen.values() if shown.startswith(f"<{kind} ")) + 1
        return self._seen.setdefault(found[0], f"<{kind} {number}>")


RUNAWAY: Final = 1000
"""No golden has so many steps: a loop that does not end is not worth being told in order."""


def of_workflow(
    outcome: Outcome, events: Sequence[RunEvent], requests: Sequence[Json], times: Times, arms: Arms
) -> Json:
    """The run of a workflow. `events` are those of its own instance."""
    told: Json = {"status": outcome.status, "output": outcome.output}
    if len(outcome.steps) > RUNAWAY:
        return told | {"steps": [], "runaway": len(outcome.steps)}
    ended = {
        name: {other for other in before if not arms.beside(name, other)}
        for name, before in ends_before(events).items()
    }
    if outcome.error is not None:
        told["error"] = {"name": outcome.error.name, "message": outcome.error.message}
    told["steps"] = [_step(step, sorted(ended.get(step.name, ()))) for step in outcome.steps]
    told["requests"] = list(requests)
    settled: Json = normal(told, times)
    return settled


def ends_before(events: Sequence[RunEvent]) -> dict[str, set[str]]:
    """For each step those that had ended before it started first."""
    over: list[str] = []
    found: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event, _STARTS):
            found.setdefault(event.name, set(over))
        elif isinstance(event, _ENDS):
            over.append(event.name)
    return found


def _step(step: StepRecord, after: list[str]) -> Json:
    told: Json = {"name": step.name, "kind": step.kind}
    if step.attempts > 1:
        told["attempts"] = step.attempts
    if step.outcome != "completed":
        told["outcome"] = step.outcome
    if step.kind == "do" and step.outcome == "completed":
        told["output"] = _output(step)
    if step.error is not None:
        told["error"] = {"name": step.error.name, "message": step.error.message}
    return {**told, "after": after}


def _output(step: StepRecord) -> Any:
    """What differs between runs in the results of our own steps: the time that is left, how far a child has come."""
    output = step.output
    if _REMAINING.search(step.name) and isinstance(output, int | float) and output > _HOUR:
        return "<ms>"
    if _POLL.search(step.name) and isinstance(output, dict) and output.get("status") in _AT_WORK:
        return {**output, "status": "<at work>"}
    return output


def request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Json:
    """A request that went out."""
    told: Json = {"method": method, "url": url}
    kept = {name: headers[name] for name in _REQUEST_HEADERS if name in headers}
    kept |= {
        name: value for name, value in headers.items() if name.startswith("x-") and not name.startswith("x-stepwell")
    }
    if kept:
        told["headers"] = kept
    if body:
        told["body"] = _body(body)
    return told


def answer(status: int, headers: Mapping[str, str], body: bytes) -> Json:
    """What a Worker answered."""
    kept = {
        name: value for name, value in headers.items() if name in ("content-type", "location") or name.startswith("x-")
    }
    return {"status": status, **({"headers": kept} if kept else {}), **({"body": _body(body)} if body else {})}


def _body(body: bytes) -> Any:
    text = body.decode("utf-8", "backslashreplace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def normal(value: Any, times: Times) -> Any:
    """`value` without what differs between runs."""
    return _normal(value, times, _Drawn())


def _normal(value: Any, times: Times, drawn: _Drawn) -> Any:
    if isinstance(value, str):
        return _text(value, times, drawn)
    if isinstance(value, dict):
        return {key: _normal(item, times, drawn) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item, times, drawn) for item in value]
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and times.holds(value)
    return "<time>" if is_time else value


def _text(text: str, times: Times, drawn: _Drawn) -> str:
    text = _HEX.sub(drawn, _UUID.sub(drawn, text))
    text = _TIME.sub(lambda found: "<time>" if times.holds(_at(found[0])) else found[0], text)
    size = len(text)
    return text if size <= _LARGE else f"{text[:80]}… ({size} characters)"


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


# -- several runs of one thing


def common(runs: Sequence[Json]) -> Json:
    """One run out of several of the same: `after` holds in all of them, without what follows from the rest."""
    first = runs[0]
    if "requests" in first:
        sent = first["requests"]
        steady = all(run.get("requests") == sent for run in runs)
        first = {**first, "requests": sent if steady else _sorted_requests(sent)}
    if "steps" not in first:
        return first
    shared = _after(first)
    for run in runs[1:]:
        other = _after(run)
        shared = {name: before & other.get(name, set()) for name, before in shared.items()}
    steps = [{**step, "after": _reduced(step["name"], shared)} for step in first["steps"]]
    ordered = sorted(steps, key=lambda step: (_depth(step["name"], shared), step["name"]))
    return {**first, "steps": ordered}


def differences(kept: Json, now: Json) -> list[str]:
    """How a run differs from what is kept of it: one line a difference."""
    if "steps" not in now or "steps" not in kept:
        return _unequal("", _without(kept), _without(now))
    after = _after(now)
    found = _unequal("", _without(kept), _without(now))
    mine, theirs = _by_name(kept), _by_name(now)
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        if _loses(mine.get(name)) and _loses(theirs.get(name)):
            continue
        if name not in theirs:
            found.append(f"the step {name} did not run")
        elif name not in mine:
            found.append(f"the step {name} ran")
        else:
            found += _unequal(f"step {name}: ", _bare(mine[name]), _bare(theirs[name]))
            found += [
                f"step {name} started before {other} ended" for other in mine[name]["after"] if other not in after[name]
            ]
    return found


def _loses(step: Json | None) -> bool:
    """Whether a step was not heard of any more: what losers of a race still do when the run ends is chance."""
    return step is None or step.get("outcome") == "unfinished"


def _unequal(where: str, kept: Json, now: Json) -> list[str]:
    keys = [*kept, *(key for key in now if key not in kept)]
    return [
        f"{where}{key} was {_shown(kept.get(key))}, is {_shown(now.get(key))}"
        for key in keys
        if kept.get(key) != now.get(key)
    ]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _without(run: Json) -> Json:
    """A run without its steps, and without an order of its requests."""
    return {
        key: _sorted_requests(value) if key == "requests" else value for key, value in run.items() if key != "steps"
    }


def _bare(step: Json) -> Json:
    return {key: value for key, value in step.items() if key != "after"}


def _by_name(run: Json) -> dict[str, Json]:
    return {step["name"]: step for step in run["steps"]}


def _after(run: Json) -> dict[str, set[str]]:
    return {step["name"]: set(step["after"]) for step in run["steps"]}


def _sorted_requests(requests: Sequence[Json]) -> list[Json]:
    """Requests that arms send at once come in any order."""
    return sorted(requests, key=lambda request: json.dumps(request, sort_keys=True))


def _reduced(name: str, after: Mapping[str, set[str]]) -> list[str]:
    implied = {far for near in after[name] for far in after.get(near, ())}
    return sorted(after[name] - implied)


def _depth(name: str, after: Mapping[str, set[str]]) -> int:
    return len(after[name])
