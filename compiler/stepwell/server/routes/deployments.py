"""Deploys and takedowns."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from sqlalchemy import select

from .. import deploying, lookup
from ..deploying import Order
from ..door import needs
from ..house import House
from ..paging import Cursor, Limit, page
from ..shapes import DeployAsk, DeploymentTell, DeployTell, Page, TakedownAsk, TakedownTell
from ..tables import DeploymentRow
from .common import Hall, Who, make_router
from .telling import deployment

router = make_router("deployments", provider=True)

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`event: progress` with `{stage, message, progress}`, then `event: result` with how it ended",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post("/workflows/{workflow_id}/deploy")
@needs("deploy", heavy=True)
def deploy(house: Hall, who: Who, workflow_id: str, ask: DeployAsk) -> DeployTell:
    """Deploys a version (the current one by default) and answers when it is done.

    Repeating it goes on where it stopped. A refusal has `success: false` and what was done until then.
    """
    order = deploying.accept(house, who, workflow_id, ask)
    return deploying.deploy(house, order, lambda event: None)


@router.post("/workflows/{workflow_id}/deploy-stream", response_class=StreamingResponse, responses=_STREAM)
@needs("deploy", heavy=True)
def deploy_stream(house: Hall, who: Who, workflow_id: str, ask: DeployAsk) -> StreamingResponse:
    """Deploys and tells each stage as it comes (server-sent events). It goes on when the client leaves."""
    order = deploying.accept(house, who, workflow_id, ask)
    return StreamingResponse(
        _events(house, order), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(house: House, order: Order) -> AsyncIterator[bytes]:
    number = 0
    async for told in deploying.stream(house, order):
        if told is None:
            yield format_sse_event(comment="still deploying")
        else:
            number += 1
            yield format_sse_event(event=told["event"], data_str=json.dumps(told["data"]), id=str(number))


@router.post("/workflows/{workflow_id}/takedown")
@needs("deploy", heavy=True)
def take_down(house: Hall, who: Who, workflow_id: str, ask: TakedownAsk) -> TakedownTell:
    """Removes the Worker with its routes, schedules and workflow. Its instances end; runs stay in the list."""
    return deploying.take_down(house, who, workflow_id, ask.connection_id)


@router.get("/workflows/{workflow_id}/deployments")
@needs("read")
def list_deployments_of_workflow(
    house: Hall, who: Who, workflow_id: str, cursor: Cursor = None, limit: Limit = 50
) -> Page[DeploymentTell]:
    """The deploys of a workflow, also those that failed."""
    with house.database.read() as session:
        row = lookup.workflow(session, who, workflow_id)
        chosen = select(DeploymentRow).where(DeploymentRow.workflow_id == row.id)
        return page(session, chosen, DeploymentRow, cursor, limit, deployment)


@router.get("/deployments")
@needs("read")
def list_deployments(house: Hall, who: Who, cursor: Cursor = None, limit: Limit = 50) -> Page[DeploymentTell]:
    """The deploys of the project."""
    chosen = select(DeploymentRow).where(DeploymentRow.project_id == who.project)
    with house.database.read() as session:
        return page(session, chosen, DeploymentRow, cursor, limit, deployment)
