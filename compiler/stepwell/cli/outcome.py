"""What a run came to, for people and as JSON.

The JSON document's shape is stable: keys are added, never renamed or removed.

    {"version": 1,
     "status": "complete" | "errored" | "terminated" | "not-run",
     "output": any, "error": {"name", "message", "cause", "step", "nodeId", "place", "hint"} | null,
     "steps": [{"name", "nodeId", "kind": "do" | "sleep" | "wait", "attempts",
                "outcome": "completed" | "failed" | "unfinished", "output", "error", "startedMs", "endedMs"}],
     "requests": [{"method", "url", "status", "mocked", "hint"}],
     "logs": [{"level", "text"}],
     "wallMs", "sleptMs", "httpStatus", "notes": [text]}

An error has `name`, `message` and `place`: {"source", "line", "column", "text"} of the user's code, or null. Where the
graph is Python, a place has "file", "fileLine" and "fileColumn" too.

`not-run` has `error.message` alone, and the process exits with 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.json import JSON
from rich.text import Text

from stepwell.cli.code_place import FilePlace, in_file, place_lines
from stepwell.cli.said import advice, failure, unanswered
from stepwell.cli.steps import NodeName, StepTable
from stepwell.cli.words import duration, plain, skipped
from stepwell.local.events import Failure, Logged, Outcome, Requested, RunEvent, StepRecord, WaitTimedOut

if TYPE_CHECKING:
    from stepwell.cli.inputs import Input
    from stepwell.emit.sourcemap import SourcePlace, SourcePlaces


@dataclass(frozen=True)
class Report:
    """An outcome with what was seen on the way, and the nodes that the steps belong to."""

    outcome: Outcome
    events: Sequence[RunEvent]
    table: StepTable
    notes: Sequence[str] = ()
    places: SourcePlaces | None = None
    source: Input | None = None

    @property
    def culprit(self) -> StepRecord | None:
        """The step whose error ended the run; None where that arose between steps, in the code of `run()` itself."""
        error = self.outcome.error
        if error is not None and error.stack is not None:
            return None
        failed = [step for step in self.outcome.steps if step.error is not None]
        same = [step for step in failed if error and step.error and step.error.message in error.message]
        return (same or failed)[-1] if error and failed else None

    @property
    def cause(self) -> Failure | None:
        """The step's own error, where the run's only says that a step failed."""
        error, culprit = self.outcome.error, self.culprit
        own = culprit.error if culprit is not None else None
        return own if own is not None and error is not None and own.message not in error.message else None

    @property
    def hint(self) -> str | None:
        """What to do about a request that nothing answered, when that is what ended the run."""
        said = [error.message for error in (self.outcome.error, self.cause) if error is not None]
        hints = [event.hint for event in self.events if isinstance(event, Requested) and event.hint]
        return next((hint for hint in reversed(hints) if any(hint in words for words in said)), None)

    @property
    def place(self) -> SourcePlace | None:
        """Where in the user's code the run's error arose: in its step, else between steps."""
        culprit = self.culprit
        own = culprit.error if culprit is not None else None
        places = (self.place_of(error) for error in (own, self.outcome.error))
        return next((place for place in places if place is not None), None)

    def place_of(self, error: Failure | None) -> SourcePlace | None:
        """Where in the user's code an error arose."""
        if error is None or error.stack is None or self.places is None:
            return None
        return self.places.thrown_at(error.stack)

    def line(self, place: SourcePlace) -> str:
        """The line of the user's code at a place."""
        return "" if self.places is None else self.places.line(place)

    def file_place(self, place: SourcePlace) -> FilePlace | None:
        """Where a place stands in the file, when the graph is Python."""
        return None if self.source is None else in_file(self.source, place.source, place.line, place.column)

    def node(self, step: StepRecord | None) -> NodeName | None:
        """The node that a step belongs to."""
        return self.table.node(step.name) if step is not None else None

    @property
    def failed_node(self) -> NodeName | None:
        """The node whose step, or whose code between steps, ended the run."""
        place = self.place
        return self.node(self.culprit) or (None if place is None else self.table.node_with(place.source))


def as_json(report: Report) -> str:
    """The document."""
    outcome = report.outcome
    document = {
        "version": 1,
        "status": outcome.status,
        "output": outcome.output,
        "error": _error(report),
        "steps": [_step(report, step) for step in outcome.steps],
        "requests": [asdict(event) for event in report.events if isinstance(event, Requested)],
        "logs": [asdict(event) for event in report.events if isinstance(event, Logged)],
        "wallMs": outcome.wall_ms,
        "sleptMs": outcome.slept_ms,
        "httpStatus": outcome.http_status,
        "notes": list(report.notes),
    }
    return json.dumps(document, indent=2)


def not_run(message: str) -> str:
    """The document of a graph that could not be run."""
    return json.dumps({"version": 1, "status": "not-run", "error": {"message": message}}, indent=2)


def _error(report: Report) -> dict[str, Any] | None:
    error, culprit = report.outcome.error, report.culprit
    if error is None:
        return None
    node = report.failed_node
    return {
        "name": error.name,
        "message": error.message,
        "cause": _failure(report, report.cause),
        "step": culprit.name if culprit else None,
        "nodeId": node.id if node else None,
        "place": _place(report, report.place),
        "hint": report.hint,
    }


def _failure(report: Report, error: Failure | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"name": error.name, "message": error.message, "place": _place(report, report.place_of(error))}


def _place(report: Report, place: SourcePlace | None) -> dict[str, Any] | None:
    if place is None:
        return None
    found = report.file_place(place)
    in_python = {} if found is None else {"file": found.file, "fileLine": found.line, "fileColumn": found.column}
    return {**asdict(place), "text": report.line(place), **in_python}


def _step(report: Report, step: StepRecord) -> dict[str, Any]:
    node = report.node(step)
    return {
        "name": step.name,
        "nodeId": node.id if node else None,
        "kind": step.kind,
        "attempts": step.attempts,
        "outcome": step.outcome,
        "output": step.output,
        "error": _failure(report, step.error),
        "startedMs": step.started_ms,
        "endedMs": step.ended_ms,
    }


def show(report: Report, console: Console) -> None:
    """The outcome in words, then the result."""
    outcome = report.outcome
    is_good = outcome.status == "complete"
    took = f" in {duration(outcome.wall_ms)}"
    left_out = f", {skipped(outcome.slept_ms)} skipped" if outcome.slept_ms >= 1000 else ""
    status = f" (HTTP {outcome.http_status})" if outcome.http_status is not None else ""
    console.print(
        Text(outcome.status, "bold green" if is_good else "bold red").append(f"{status}{took}{left_out}", "default")
    )
    if outcome.error is not None:
        _show_error(report, outcome.error, console)
    elif outcome.output is None:
        console.print(Text("no result", "dim"))
    else:
        console.print(JSON.from_data(outcome.output, ensure_ascii=False), soft_wrap=True)


def _show_error(report: Report, error: Failure, console: Console) -> None:
    hints = unanswered(report.events)
    console.print(Text(failure(error, hints), "red"), soft_wrap=True)
    culprit, node = report.culprit, report.failed_node
    if report.cause is not None:
        console.print(Text(f"  because of {failure(report.cause, hints)}", "red"), soft_wrap=True)
    if node is not None:
        called = f' "{plain(node.name)}"' if node.name != node.id else ""
        console.print(Text(f"  node {plain(node.id)}{called}", "bold"), soft_wrap=True)
    elif culprit is not None:
        console.print(Text(f'  step "{plain(culprit.name)}"', "bold"), soft_wrap=True)
    if (place := report.place) is not None:
        told = place_lines(place.source, place.line, place.column, report.line(place), report.file_place(place))
        for line in told:
            console.print(line, soft_wrap=True)
    for words in [*map(advice, hints), *_event_hint(report)]:
        console.print(Text("  ").append("hint: ", "green").append(plain(words)), soft_wrap=True)


def _event_hint(report: Report) -> Iterator[str]:
    """How to deliver the event that did not come, when that is what ended the run."""
    culprit = report.culprit
    for event in report.events:
        if isinstance(event, WaitTimedOut) and culprit is not None and event.name == culprit.name:
            yield f"--event '{event.event_type}=JSON' delivers the event"
            return
