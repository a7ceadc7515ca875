"""What is done with runs, whoever waits: which calls, in which order, and what their answers mean."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from stepwell.cloudflare import ApiError, Ask, Pages, Talk
from stepwell.cloudflare.talk import Pause, create, do, find, get, result

from .deployed import Deployed, read_deployed
from .models import ENDED, Run, RunSummary, Unknown, read_run, read_summary

FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 5.0
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_NO_RUN: Final = 10400
"""Cloudflare's code for a run that is not there."""


class WaitTimeout(Exception):
    """A run did not end in time; `run` is as it was last seen."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"the run {run.id} is {run.status} still")
        self.run = run


class Talks:
    """The talks. What travelled with a workflow's Worker is kept, and read again for runs of another version."""

    def __init__(self) -> None:
        self._deployed: dict[str, Deployed] = {}
        self._versions: dict[str, set[str]] = {}
        """Versions of runs for which it was read, by workflow."""

    def trigger(self, workflow: str, params: Any, id: str | None, attempts: int) -> Talk[str]:
        """Starts a run once, however often it is tried; gives its id."""
        chosen = id or str(uuid.uuid4())
        body = {"instance_id": chosen, "params": {} if params is None else params}
        look = _at(workflow, chosen)
        yield from create(Ask("POST", _at(workflow), json=body), lambda: find(look, simple="true"), attempts)
        return chosen

    def get(self, workflow: str, id: str, nodes: bool = True) -> Talk[Run]:
        """A run with its steps."""
        told = yield from get(_of(workflow, id))
        return read_run(workflow, id, told, (yield from self._known(workflow, told)) if nodes else Unknown())

    def find(self, workflows: list[str], id: str) -> Talk[Run | None]:
        """A run of any of these workflows."""
        for workflow in workflows if _ID.fullmatch(id) else ():
            told = yield from find(_of(workflow, id))
            if told is not None:
                return read_run(workflow, id, told, (yield from self._known(workflow, told)))
        return None

    def wait(self, workflow: str, id: str, timeout: float | None, changed: Callable[[Run], object] | None) -> Talk[Run]:
        """The run once it has ended. Pauses longer and longer while nothing changes."""
        until = None if timeout is None else time.monotonic() + timeout
        pause, before = FIRST_WAIT, None
        while True:
            run = yield from self.get(workflow, id)
            if changed is not None and run != before:
                yield from do(_call(changed, run))
            pause = FIRST_WAIT if run != before else min(pause * 1.5, LONGEST_WAIT)
            before = run
            if run.status in ENDED:
                return run
            if until is not None and time.monotonic() >= until:
                raise WaitTimeout(run)
            yield Pause(pause if until is None else max(0.01, min(pause, until - time.monotonic())))

    def send_event(self, workflow: str, id: str, event_type: str, payload: Any) -> Talk[None]:
        """Sends an event to a run that has not ended."""
        run = yield from self.get(workflow, id, nodes=False)
        path = f"{_of(workflow, id)}/events"
        if run.over:
            raise ApiError("POST", path, 409, None, f"the run is {run.status}: nothing waits for events any more")
        if not _EVENT.fullmatch(event_type):
            raise ApiError("POST", path, 400, None, "the type of an event: letters, digits, - and _, at most 100")
        yield Ask("POST", f"{path}/{quote(event_type, safe='')}", json={} if payload is None else payload)

    def steer(self, workflow: str, id: str, body: dict[str, Any]) -> Talk[str]:
        """Changes a run's status; gives it. Not repeated unseen: a pause that was done is refused the second time."""
        told = yield from result(Ask("PATCH", f"{_of(workflow, id)}/status", json=body, repeat=False))
        return str(told["status"])

    def restart(self, workflow: str, id: str, from_node: str | None) -> Talk[str]:
        """Starts a run again, from the first step of a node where one is given."""
        body: dict[str, Any] = {"status": "restart"}
        if from_node is not None:
            body["from"] = _first_step((yield from self.get(workflow, id)), from_node)
        return (yield from self.steer(workflow, id, body))

    def deployed(self, workflow: str) -> Talk[Deployed]:
        """What travelled with a workflow's Worker; nothing where it cannot be read just now."""
        if workflow not in self._deployed:
            try:
                self._deployed[workflow] = yield from read_deployed(workflow)
            except ApiError:
                return Deployed({})
        return self._deployed[workflow]

    def _known(self, workflow: str, told: Mapping[str, Any]) -> Talk[Deployed]:
        """What is known of the graph of a run: since the one before, it may have been deployed again."""
        versions, version = self._versions.setdefault(workflow, set()), str(told.get("versionId", ""))
        if versions and version not in versions:
            self._deployed.pop(workflow, None)
        versions.add(version)
        return (yield from self.deployed(workflow))


class Listing:
    """Runs, the newest first, page after page."""

    def __init__(
        self, workflow: str, status: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> None:
        filters = {"status": status, "date_start": _utc(since), "date_end": _utc(until)}
        self._workflow = workflow
        self._pages = Pages(_at(workflow), {name: value for name, value in filters.items() if value is not None})

    @property
    def over(self) -> bool:
        """Whether the last page was given."""
        return self._pages.over

    def next(self) -> Talk[list[RunSummary]]:
        """The next page."""
        return [read_summary(self._workflow, row) for row in (yield from self._pages.next())]


def _at(workflow: str, id: str | None = None) -> str:
    path = f"workflows/{quote(workflow, safe='')}/instances"
    return path if id is None else f"{path}/{quote(id, safe='')}"


def _of(workflow: str, id: str) -> str:
    """The path of a run. What can be no id is not asked for: `..` would lead to something else."""
    if not _ID.fullmatch(id):
        raise ApiError(
            "GET", _at(workflow, id), 404, _NO_RUN, f"there is no run {id!r}: ids hold letters, digits, - and _"
        )
    return _at(workflow, id)


def _call(changed: Callable[[Run], object], run: Run) -> Callable[[], object]:
    return lambda: changed(run)


def _first_step(run: Run, node: str) -> dict[str, str]:
    """The step from which a restart at a node begins, as the API names it."""
    step = next((one for one in run.steps if node in (one.node, one.name)), None)
    if step is None:
        known = ", ".join(dict.fromkeys(one.node or one.name for one in run.steps)) or "none"
        raise ValueError(f"the run has no step of {node!r}; it has those of: {known}")
    return {"name": step.name, "type": {"step": "do"}.get(step.kind, step.kind)}


def _utc(moment: datetime | None) -> str | None:
    """A time without an offset, in UTC, as the API takes it."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
