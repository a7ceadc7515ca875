"""A plan as text, Markdown and JSON. Values of secrets are in none of them: a plan does not know them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from stepwell.cli.words import count, plain
from stepwell.deploy.plan import Change, Plan, WorkerPlan

_MARKS = {
    "created": ("+", "green"),
    "changed": ("~", "yellow"),
    "renamed": ("~", "yellow"),
    "removed": ("-", "red"),
    "taken over": ("!", "magenta"),
    "written": ("=", "cyan"),
}
_ROOM = 80


def show(plan: Plan, err: bool = False) -> None:
    """The plan on the terminal."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, stderr=err)
    for worker in plan.workers:
        head = Text(plain(worker.desired.name), "bold")
        if not worker.changes:
            head.append("  unchanged", "dim")
        console.print(head)
        for change in worker.changes:
            console.print(_line(change))
        for warning in worker.warnings:
            console.print(Text(f"  ! {plain(warning)}", "yellow"))
        for problem in worker.problems:
            console.print(Text(f"  ✗ {plain(problem)}", "red"))
    console.print(_sum(plan))


def show_changes(found: Sequence[Change]) -> None:
    """Changes on the terminal."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for change in found:
        console.print(_line(change))


def _line(change: Change) -> Text:
    mark, style = _MARKS[change.kind]
    line = Text(f"  {mark} ", style)
    line.append(f"{change.what:<9} ")
    line.append(plain(change.name), "bold")
    said = _said(change)
    if said:
        line.append(f"  {plain(said)}", "dim")
    return line


def _sum(plan: Plan) -> str:
    if plan.problems:
        return f"{count(len(plan.problems), 'problem')}: nothing can be deployed."
    if plan.nothing:
        return "Nothing to do."
    changes = sum(len(worker.changes) for worker in plan.workers)
    touched = sum(bool(worker.changes) for worker in plan.workers)
    return f"{count(changes, 'change')} of {count(touched, 'Worker')}."


def _said(change: Change) -> str:
    values = ""
    if change.before is not None and change.after is not None:
        values = f"{_short(change.before)} → {_short(change.after)}"
    elif change.after is not None:
        values = _short(change.after)
    elif change.before is not None:
        values = f"was {_short(change.before)}"
    return ", ".join(part for part in (values, change.note or "") if part)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}…"


def as_markdown(plan: Plan) -> str:
    """The plan for a pull request."""
    return "\n".join(_markdown(plan))


def _markdown(plan: Plan) -> Iterator[str]:
    yield f"### stepwell plan: {_sum(plan)}"
    for worker in plan.workers:
        yield ""
        yield f"**`{worker.desired.name}`**" + ("" if worker.changes else " — unchanged")
        if worker.changes:
            yield ""
            yield "| | What | Name | |"
            yield "| --- | --- | --- | --- |"
            for change in worker.changes:
                cells = (change.kind, change.what, f"`{_cell(change.name)}`", _cell(_said(change)))
                yield f"| {' | '.join(cells)} |"
        for warning in worker.warnings:
            yield f"\n> **Warning** {_cell(warning)}"
        for problem in worker.problems:
            yield f"\n> **Problem** {_cell(problem)}"


def _cell(text: str) -> str:
    return plain(text).replace("|", "\\|").replace("`", "'")


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as a JSON value."""
    return {
        "changes": sum(len(worker.changes) for worker in plan.workers),
        "problems": plan.problems,
        "workers": [_worker(worker) for worker in plan.workers],
    }


def _worker(worker: WorkerPlan) -> dict[str, Any]:
    return {
        "name": worker.desired.name,
        "graph": worker.desired.carried.graph,
        "exists": worker.live.exists,
        "version": worker.live.version,
        "changes": changes(worker.changes),
        "warnings": worker.warnings,
        "problems": worker.problems,
    }


def changes(found: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes as JSON values."""
    names = ("kind", "what", "name", "before", "after", "note")
    return [{name: getattr(change, name) for name in names} for change in found]
