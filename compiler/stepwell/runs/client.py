"""The client for runs, over the account's client."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from stepwell.cloudflare import ApiError, Cloudflare

from .models import ENDED, Run, RunSummary, read_run, read_summary

_PER_PAGE: Final = 100
_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0


class WaitTimeout(Exception):
    """A run did not end in time; `run` is as it was last seen."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"the run {run.id} is {run.status} still")
        self.run = run


class Runs:
    """Runs of the workflows of an account. Every method raises `ApiError`, with status 404 for what is not there.

    `sleep` waits between two looks, in seconds. Steps are led back to nodes by what travelled with the deploy.
    """

    def __init__(self, api: Cloudflare, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._sleep = sleep
        self._nodes: dict[str, dict[str, str]] = {}

    # Started

    def trigger(self, workflow: str, params: Any = None, id: str | None = None) -> str:
        """Starts a run and gives its id. A start whose answer was lost is looked up, never made twice: the id is chosen
        here where nobody gives one.
        """
        chosen = id or str(uuid.uuid4())
        body = {"instance_id": chosen, "params": {} if params is None else params}
        path = f"workflows/{quote(workflow, safe='')}/instances"
        self._api.create(path, lambda: self._api.find(f"{path}/{chosen}", simple="true"), body)
        return chosen

    # Seen

    def workflows(self) -> list[str]:
        """The names of the workflows."""
        return [str(one["name"]) for one in self._api.pages("workflows")]

    def get(self, workflow: str, id: str, *, nodes: bool = True) -> Run:
        """A run with its steps; `nodes` False saves the call that leads steps back to nodes."""
        told = self._api.get(f"{self._path(workflow)}/{quote(id, safe='')}")
        return read_run(workflow, id, told, self._nodes_of(workflow) if nodes else {})

    def find(self, id: str) -> Run | None:
        """A run of any workflow."""
        for workflow in self.workflows():
            told = self._api.find(f"{self._path(workflow)}/{quote(id, safe='')}")
            if told is not None:
                return read_run(workflow, id, told, self._nodes_of(workflow))
        return None

    def list(
        self,
        workflow: str,
        *,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[RunSummary]:
        """Runs, the newest first, page by page as they are asked for."""
        filters = {"status": status, "date_start": _utc(since), "date_end": _utc(until)}
        asked: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
        number = 1
        while True:
            answer = self._api.call(
                "GET", self._path(workflow), params={**asked, "page": number, "per_page": _PER_PAGE}
            )
            yield from (read_summary(workflow, row) for row in answer.result)
            if len(answer.result) < _PER_PAGE:
                return
            number += 1

    def wait(
        self, workflow: str, id: str, *, timeout: float | None = None, changed: Callable[[Run], None] | None = None
    ) -> Run:
        """The run once it has ended; asks less and less often. Raises `WaitTimeout` after `timeout` seconds.

        `changed` is called with each state that differs from the one before.
        """
        until = None if timeout is None else time.monotonic() + timeout
        pause, before = _FIRST_WAIT, None
        while True:
            run = self.get(workflow, id)
            if changed is not None and run != before:
                changed(run)
            pause = _FIRST_WAIT if run != before else min(pause * 1.5, _LONGEST_WAIT)
            before = run
            if run.status in ENDED:
                return run
            if until is not None and time.monotonic() >= until:
                raise WaitTimeout(run)
            self._sleep(pause if until is None else max(0.01, min(pause, until - time.monotonic())))

    # Steered

    def send_event(self, workflow: str, id: str, event_type: str, payload: Any = None) -> None:
        """Sends an event to a run that has not ended. Raises `ApiError` 409 for one that has.

        The platform takes events for ended runs too, and nobody would ever see them.
        """
        run = self.get(workflow, id, nodes=False)
        if run.over:
            path = f"{self._path(workflow)}/{id}/events"
            raise ApiError("POST", path, 409, None, f"the run is {run.status}: nothing waits for events any more")
        path = f"{self._path(workflow)}/{quote(id, safe='')}/events/{quote(event_type, safe='')}"
        self._api.call("POST", path, json={} if payload is None else payload)

    def pause(self, workflow: str, id: str) -> str:
        """Pauses a run; gives its status."""
        return self._status(workflow, id, {"status": "pause"})

    def resume(self, workflow: str, id: str) -> str:
        """Resumes a run; gives its status."""
        return self._status(workflow, id, {"status": "resume"})

    def terminate(self, workflow: str, id: str) -> str:
        """Ends a run; gives its status."""
        return self._status(workflow, id, {"status": "terminate"})

    def restart(self, workflow: str, id: str, from_node: str | None = None) -> str:
        """Starts a run again, from the first step of a node where one is given.

        Raises `ValueError` for a node of which the run has no step.
        """
        if from_node is None:
            return self._status(workflow, id, {"status": "restart"})
        run = self.get(workflow, id)
        step = next((one for one in run.steps if from_node in (one.node, one.name)), None)
        if step is None:
            known = ", ".join(dict.fromkeys(one.node or one.name for one in run.steps)) or "none"
            raise ValueError(f"the run has no step of {from_node!r}; it has those of: {known}")
        kind = {"step": "do"}.get(step.kind, step.kind)
        return self._status(workflow, id, {"status": "restart", "from": {"name": step.name, "type": kind}})

    def _status(self, workflow: str, id: str, body: dict[str, Any]) -> str:
        # Not repeated unseen: a pause that was done would be refused the second time.
        told = self._api.call("PATCH", f"{self._path(workflow)}/{quote(id, safe='')}/status", json=body, repeat=False)
        return str(told.result["status"])

    # Nodes

    def _nodes_of(self, workflow: str) -> dict[str, str]:
        """The nodes of a workflow's steps, read once from what travelled with its Worker."""
        if workflow not in self._nodes:
            self._nodes[workflow] = self._read_nodes(workflow)
        return self._nodes[workflow]

    def _read_nodes(self, workflow: str) -> dict[str, str]:
        from stepwell.deploy.carried import read
        from stepwell.deploy.live import read_content

        try:
            script = str(self._api.get(f"workflows/{quote(workflow, safe='')}")["script_name"])
            carried = read(read_content(self._api, script))
        except ApiError:
            return {}
        return {} if carried is None else carried.steps

    @staticmethod
    def _path(workflow: str) -> str:
        return f"workflows/{quote(workflow, safe='')}/instances"


def _utc(moment: datetime | None) -> str | None:
    """A time without an offset, in UTC, as the API takes it."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
