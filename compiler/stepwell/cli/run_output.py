"""Runs as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stepwell.cli.words import duration, plain
from stepwell.runs import Run, RunSummary, StepRun

_STYLES = {"complete": "green", "errored": "red", "terminated": "yellow"}
_ROOM = 72


def console() -> Console:
    """Where it is printed; a pipe has no width, so nothing is cut there."""
    made = Console(highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = 240
    return made


def table(runs: Iterable[RunSummary]) -> Table:
    """Runs, one a line."""
    found = Table(box=None, pad_edge=False)
    for column in ("Run", "Workflow", "Status", "Created", "Ended", "Took", "By"):
        found.add_column(column, no_wrap=True)
    for run in runs:
        status = Text(run.status, _STYLES.get(run.status, "cyan"))
        times = (_time(run.created), _time(run.ended), _took(run.duration))
        found.add_row(plain(run.id), plain(run.workflow), status, *times, run.trigger)
    return found


def show(run: Run, out: Console) -> None:
    """A run with its steps."""
    head = Text(f"{plain(run.workflow)} {plain(run.id)}  ", "bold")
    head.append(run.status, _STYLES.get(run.status, "cyan"))
    out.print(head, soft_wrap=True)
    out.print(f"  queued {_time(run.queued) or '-'}, by {run.trigger}, version {run.version}", soft_wrap=True)
    for step in run.steps:
        out.print(step_line(step), soft_wrap=True)
    show_end(run, out)


def show_end(run: Run, out: Console) -> None:
    """What a run has come to: its error with the node, or its output."""
    if run.error is not None:
        out.print(Text(f"  {plain(run.error.name)}: {plain(run.error.message)}", "red"), soft_wrap=True)
        failed = run.failed_step
        if failed is not None:
            out.print(Text(f"  at the node {plain(failed.node or failed.name)}", "red"), soft_wrap=True)
    if run.status == "complete":
        out.print(json.dumps(run.output, indent=2, ensure_ascii=False), soft_wrap=True)


def step_line(step: StepRun) -> Text:
    """A step on one line."""
    mark, style = ("✓", "green") if step.success else ("✗", "red") if step.done else ("⋯", "cyan")
    line = Text(f"  {mark} ", style)
    line.append(plain(step.name), "bold")
    said = []
    if step.node is not None and step.node != step.name:
        said.append(f"[{plain(step.node)}]")
    if not step.done:
        said.append(_waiting(step))
    said.append(_took(step.duration))
    if len(step.attempts) > 1:
        said.append(f"{len(step.attempts)} attempts")
    if step.error is not None:
        said.append(f"{plain(step.error.name)}: {plain(step.error.message)}")
    elif step.output is not None:
        said.append(_short(step.output))
    line.append(f"  {'  '.join(one for one in said if one)}".rstrip(), "dim")
    return line


def _waiting(step: StepRun) -> str:
    if step.kind == "waitForEvent":
        return f"waits for the event {plain(step.event_type or '')}, until {_time(step.end)}"
    if step.kind == "sleep":
        return f"sleeps until {_time(step.end)}"
    return "runs"


def _short(value: Any) -> str:
    text = plain(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}…"


def _took(length: timedelta | None) -> str:
    return "" if length is None else duration(round(length.total_seconds() * 1000))


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def as_json(value: Run | RunSummary) -> dict[str, Any]:
    """A run as a JSON value; times are ISO 8601."""
    told: dict[str, Any] = json.loads(json.dumps(asdict(value), default=lambda moment: moment.isoformat()))
    return told
