"""What is done with runs, whoever waits: which calls, in which order, and what their answers mean."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from stepwell.cloudflare import ApiError, Ask, Pages, Talk
from stepwell.cloudflare.talk import Pause, create, do, find, get, result

from .deployed import Deployed, read_deployed
from .models import ENDED, Run, RunSummary, Unknown, read_run, read_summary

FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 5.0


class WaitTimeout(Exception):
    """A run did not end in time; `run` is as it was last seen."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"the run {run.id} is {run.status} still")
        self.run = run


class Talks:
    """The talks. What travelled with a workflow's Worker is read once and kept."""

    def __init__(self) -> None:
        self._deployed: dict[str, Deployed] = {}

    def trigger(self, workflow: str, params: Any, id: str | None, attempts: int) -> Talk[str]:
        """Starts a run once, however often it is tried; gives its id."""
        chosen = id or str(uuid.uuid4())
        body = {"instance_id": chosen, "params": {} if params is None else params}
        look = _at(workflow, chosen)
        yield from create(Ask("POST", _at(workflow), json=body), lambda: find(look, simple="true"), attempts)
        return chosen

    def get(self, workflow: str, id: str, nodes: bool = True) -> Talk[Run]:
        """A run with its steps."""
        told = yield from get(_at(workflow, id))
        return read_run(workflow, id, told, (yield from self.deployed(workflow)) if nodes else Unknown())

    def find(self, workflows: list[str], id: str) -> Talk[Run | None]:
        """A run of any of these workflows."""
        for workflow in workflows:
            told = yield from find(_at(workflow, id))
            if told is not None:
                return read_run(workflow, id, told, (yield from self.deployed(workflow)))
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
        path = f"{_at(workflow, id)}/events"
        if run.over:
            raise ApiError("POST", path, 409, None, f"the run is {run.status}: nothing waits for events any more")
        yield Ask("POST", f"{path}/{quote(event_type, safe='')}", json={} if payload is None else payload)

    def steer(self, workflow: str, id: str, body: dict[str, Any]) -> Talk[str]:
        """Changes a run's status; gives it. Not repeated unseen: a pause that was done is refused the second time."""
        told = yield from result(Ask("PATCH", f"{_at(workflow, id)}/status", json=body, repeat=False))
        return str(told["status"])

    def restart(self, workflow: str, id: str, from_node: str | None) -> Talk[str]:
        """Starts a run again, from the first step of a node where one is given."""
        body: dict[str, Any] = {"status": "restart"}
        if from_node is not None:
            body["from"] = _first_step((yield from self.get(workflow, id)), from_node)
        return (yield from self.steer(workflow, id, body))

    def deployed(self, workflow: str) -> Talk[Deployed]:
        """What travelled with a workflow's Worker."""
        if workflow not in self._deployed:
            self._deployed[workflow] = yield from read_deployed(workflow)
        return self._deployed[workflow]


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
