"""The client for runs, over the account's client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from stepwell.cloudflare import Cloudflare

from .models import Run, RunSummary
from .talks import Listing, Talks


class Runs:
    """Runs of the workflows of an account. Every method raises `ApiError`, with status 404 for what is not there.

    `sleep` waits between two looks, in seconds. Steps are led back to nodes by what travelled with the deploy.
    """

    def __init__(self, api: Cloudflare, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._sleep = sleep
        self._talks = Talks()

    @property
    def api(self) -> Cloudflare:
        """The account's client that it speaks through."""
        return self._api

    # Started

    def trigger(self, workflow: str, params: Any = None, id: str | None = None) -> str:
        """Starts a run and gives its id. A start whose answer was lost is looked up, never made twice: the id is chosen
        here where nobody gives one.
        """
        return self._api.run(self._talks.trigger(workflow, params, id, self._api.attempts))

    # Seen

    def workflows(self) -> list[str]:
        """The names of the workflows."""
        return [str(one["name"]) for one in self._api.pages("workflows")]

    def get(self, workflow: str, id: str, *, nodes: bool = True) -> Run:
        """A run with its steps; `nodes` False saves the call that leads steps back to nodes."""
        return self._api.run(self._talks.get(workflow, id, nodes))

    def find(self, id: str) -> Run | None:
        """A run of any workflow."""
        return self._api.run(self._talks.find(self.workflows(), id))

    def list(
        self,
        workflow: str,
        *,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[RunSummary]:
        """Runs, the newest first, page by page as they are asked for."""
        listing = Listing(workflow, status, since, until)
        while not listing.over:
            yield from self._api.run(listing.next())

    def wait(
        self, workflow: str, id: str, *, timeout: float | None = None, changed: Callable[[Run], None] | None = None
    ) -> Run:
        """The run once it has ended; asks less and less often. Raises `WaitTimeout` after `timeout` seconds.

        `changed` is called with each state that differs from the one before.
        """
        return self._api.run(self._talks.wait(workflow, id, timeout, changed), self._sleep)

    def graph(self, workflow: str) -> dict[str, Any] | None:
        """The graph of a workflow as it is deployed, as far as a picture needs it: `stepwell.picture.draw` takes it.

        None where the Worker was not deployed from here.
        """
        return (self._api.run(self._talks.deployed(workflow))).graph

    # Steered

    def send_event(self, workflow: str, id: str, event_type: str, payload: Any = None) -> None:
        """Sends an event to a run that has not ended. Raises `ApiError` 409 for one that has.

        The platform takes events for ended runs too, and nobody would ever see them.
        """
        self._api.run(self._talks.send_event(workflow, id, event_type, payload))

    def pause(self, workflow: str, id: str) -> str:
        """Pauses a run; gives its status."""
        return self._api.run(self._talks.steer(workflow, id, {"status": "pause"}))

    def resume(self, workflow: str, id: str) -> str:
        """Resumes a run; gives its status."""
        return self._api.run(self._talks.steer(workflow, id, {"status": "resume"}))

    def terminate(self, workflow: str, id: str) -> str:
        """Ends a run; gives its status."""
        return self._api.run(self._talks.steer(workflow, id, {"status": "terminate"}))

    def restart(self, workflow: str, id: str, from_node: str | None = None) -> str:
        """Starts a run again, from the first step of a node where one is given.

        Raises `ValueError` for a node of which the run has no step.
        """
        return self._api.run(self._talks.restart(workflow, id, from_node))
