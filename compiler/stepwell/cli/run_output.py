"""Runs as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stepwell.cli.code_place import place_lines
from stepwell.cli.words import duration, plain
from stepwell.graph.stepnames import node_with
from stepwell.picture import Mark, State, draw
from stepwell.runs import Run, RunSummary, StepRun

_STYLES = {"complete": "green", "errored": "red", "terminated": "yellow"}
_LINES = {"✓": "green", "✗": "red", "⋯": "cyan"}
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


def show(run: Run, graph: Mapping[str, Any] | None, out: Console) -> None:
    """A run with its steps, and `graph` with what the run has made of it."""
    head = Text(f"{plain(run.workflow)} {plain(run.id)}  ", "bold")
    head.append(run.status, _STYLES.get(run.status, "cyan"))
    out.print(head, soft_wrap=True)
    out.print(f"  queued {_time(run.queued) or '-'}, by {run.trigger}, version {run.version}", soft_wrap=True)
    for step in run.steps:
        out.print(step_line(step), soft_wrap=True)
    if graph is not None:
        out.print()
        for line in draw(graph, "text", marks(run, graph)).splitlines():
            out.print(Text(f"  {plain(line)}", _line_style(line)), soft_wrap=True)
        out.print()
    show_end(run, out)


def _line_style(line: str) -> str:
    """The colour of a line of the picture, by its mark."""
    found = next((style for mark, style in _LINES.items() if f"{mark} " in line[: line.find("  ") + 2]), None)
    return found or "dim"


def marks(run: Run, graph: Mapping[str, Any]) -> dict[str, Mark]:
    """What the run has made of each node. One that has no steps of its own ran where a node behind it did."""
    of: dict[str, list[StepRun]] = {}
    for step in run.steps:
        if step.node is not None:
            of.setdefault(step.node, []).append(step)
    found = {node: _mark(steps) for node, steps in of.items()}
    if run.error is not None and run.error.place is not None:
        broken = node_with(run.error.place.source, [node["id"] for node in graph["nodes"]])
        found |= {broken: Mark("failed")} if broken is not None else {}
    silent = [node["id"] for node in graph["nodes"] if node["id"] not in found]
    before = {edge["target"]: set[str]() for edge in graph["edges"]}
    for edge in graph["edges"]:
        before[edge["target"]].add(edge["source"])
    waiting = list(found)
    while waiting:
        for node in before.get(waiting.pop(), set()) - found.keys():
            found[node] = Mark("done")
            waiting.append(node)
    return {**{node: Mark("idle") for node in silent}, **found}


def _mark(steps: Sequence[StepRun]) -> Mark:
    """The state of a node with steps: of its last turn, where it stands in a loop."""
    tries = sum(max(1, len(step.attempts)) for step in steps)
    said = [f"{len(steps)} steps" if len(steps) > 1 else "", f"{tries} attempts" if tries > len(steps) else ""]
    if any(not step.done for step in steps):
        state: State = "active"
        said.append(next(_waiting(step) for step in steps if not step.done))
    else:
        state = "failed" if steps[-1].success is False else "done"
        said.append(_took(steps[-1].duration) if len(steps) == 1 else "")
    return Mark(state, ", ".join(part for part in said if part))


def show_end(run: Run, out: Console) -> None:
    """What a run has come to: its error with the node, or its output."""
    if run.error is not None:
        out.print(Text(f"  {plain(run.error.name)}: {plain(run.error.message)}", "red"), soft_wrap=True)
        failed = run.failed_step
        if failed is not None:
            out.print(Text(f"  at the node {plain(failed.node or failed.name)}", "red"), soft_wrap=True)
        place = (failed.error.place if failed is not None and failed.error is not None else None) or run.error.place
        if place is not None:
            for line in place_lines(place.source, place.line, place.column, place.text):
                out.print(line, soft_wrap=True)
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
    if len(step.attempts) > 1 and step.done:
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
    last = step.attempts[-1] if step.attempts else None
    if last is not None and last.success is False:
        error = "" if last.error is None else f": {plain(last.error.name)}: {plain(last.error.message)}"
        return f"attempt {len(step.attempts)} failed{error}; it is tried again"
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
