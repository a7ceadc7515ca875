"""The async client for runs, over the account's async client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from stepwell.cloudflare import AsyncCloudflare

from .models import Run, RunSummary
from .talks import Listing, Talks


class AsyncRuns:
    """As `Runs`, awaited. Whatever awaits a method may be cancelled; a run that was started goes on.

    `sleep` waits between two looks, in seconds.
    """

    def __init__(self, api: AsyncCloudflare, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._api = api
        self._sleep = sleep
        self._talks = Talks()

    @property
    def api(self) -> AsyncCloudflare:
        """The account's client that it speaks through."""
        return self._api

    # Started

    async def trigger(self, workflow: str, params: Any = None, id: str | None = None) -> str:
        """Starts a run and gives its id. A start whose answer was lost is looked up, never made twice: the id is chosen
        here where nobody gives one. Give one if the call may be cancelled: it says whether the run was started.
        """
        return await self._api.run(self._talks.trigger(workflow, params, id, self._api.attempts))

    # Seen

    async def workflows(self) -> list[str]:
        """The names of the workflows."""
        return [str(one["name"]) async for one in self._api.pages("workflows")]

    async def get(self, workflow: str, id: str, *, nodes: bool = True) -> Run:
        """A run with its steps; `nodes` False saves the call that leads steps back to nodes."""
        return await self._api.run(self._talks.get(workflow, id, nodes))

    async def find(self, id: str) -> Run | None:
        """A run of any workflow."""
        return await self._api.run(self._talks.find(await self.workflows(), id))

    async def list(
        self,
        workflow: str,
        *,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[RunSummary]:
        """Runs, the newest first, page by page as they are asked for."""
        listing = Listing(workflow, status, since, until)
        while not listing.over:
            for run in await self._api.run(listing.next()):
                yield run

    async def wait(
        self,
        workflow: str,
        id: str,
        *,
        timeout: float | None = None,
        changed: Callable[[Run], Awaitable[None] | None] | None = None,
    ) -> Run:
        """The run once it has ended; asks less and less often. Raises `WaitTimeout` after `timeout` seconds.

        `changed` is called with each state that differs from the one before, and awaited where it can be.
        """
        return await self._api.run(self._talks.wait(workflow, id, timeout, changed), self._sleep)

    async def graph(self, workflow: str) -> dict[str, Any] | None:
        """The graph of a workflow as it is deployed, as far as a picture needs it: `stepwell.picture.draw` takes it.

        None where the Worker was not deployed from here.
        """
        return (await self._api.run(self._talks.deployed(workflow))).graph

    # Steered

    async def send_event(self, workflow: str, id: str, event_type: str, payload: Any = None) -> None:
        """Sends an event to a run that has not ended. Raises `ApiError` 409 for one that has."""
        await self._api.run(self._talks.send_event(workflow, id, event_type, payload))

    async def pause(self, workflow: str, id: str) -> str:
        """Pauses a run; gives its status."""
        return await self._api.run(self._talks.steer(workflow, id, {"status": "pause"}))

    async def resume(self, workflow: str, id: str) -> str:
        """Resumes a run; gives its status."""
        return await self._api.run(self._talks.steer(workflow, id, {"status": "resume"}))

    async def terminate(self, workflow: str, id: str) -> str:
        """Ends a run; gives its status."""
        return await self._api.run(self._talks.steer(workflow, id, {"status": "terminate"}))

    async def restart(self, workflow: str, id: str, from_node: str | None = None) -> str:
        """Starts a run again, from the first step of a node where one is given.

        Raises `ValueError` for a node of which the run has no step.
        """
        return await self._api.run(self._talks.restart(workflow, id, from_node))
