"""Events that are sent with an Idempotency-Key, each by one request."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from .database import new_id, now
from .errors import Problem
from .house import House
from .tables import EventRow, RunRow, WorkflowRow

_SENDING: Final = 5 * 60 * 1_000_000
"""So long a request may take to send its event, in microseconds, with every call tried as often as it may be; after
that, it is taken to have died."""
_AGAIN_SECONDS: Final = 5


class Claim:
    """An event with an Idempotency-Key, claimed by the one request that sends it. Without a key there is nothing to it.

    Cloudflare knows no ids of events: one whose answer is lost may be there or not, and is sent again when it is asked
    for again.
    """

    def __init__(self, house: House, workflow: WorkflowRow, run: RunRow, key: str | None, request: str) -> None:
        self._house, self._workflow, self._run, self._key, self._request = house, workflow, run, key, request
        self._id = new_id("evt")

    def take(self) -> bool:
        """Whether it is this request that sends it; False once it was sent. Raises `Problem`."""
        if self._key is None:
            return True
        row = EventRow(
            id=self._id,
            workflow_id=self._workflow.id,
            idempotency_key=self._key,
            request=self._request,
            run_id=self._run.id,
            sent=False,
            created_at=now(),
        )
        try:
            with self._house.database.write() as session:
                session.add(row)
        except IntegrityError:
            return self._take_over()
        return True

    def _take_over(self) -> bool:
        """Whether an earlier request has not sent it and must have died."""
        of_key = (EventRow.workflow_id == self._workflow.id, EventRow.idempotency_key == self._key)
        with self._house.database.write() as session:
            row = session.scalar(select(EventRow).where(*of_key).with_for_update())
            if row is not None and row.request != self._request:
                raise used("Idempotency-Key", 422)
            if row is not None and row.sent:
                return False
            if row is None or now() - row.created_at < _SENDING:
                headers = {"Retry-After": str(_AGAIN_SECONDS)}
                raise Problem(409, "another request sends this event now; look at the run, or try again", None, headers)
            row.created_at, self._id = now(), row.id
        return True

    def sent(self) -> None:
        """It has arrived."""
        if self._key is not None:
            with self._house.database.write() as session:
                session.execute(update(EventRow).where(EventRow.id == self._id).values(sent=True))

    def give_back(self) -> None:
        """It has not, as far as is known."""
        if self._key is not None:
            with self._house.database.write() as session:
                session.execute(delete(EventRow).where(EventRow.id == self._id))


def used(what: str, status: int) -> Problem:
    """A key or an id stands for another request already."""
    return Problem(status, f"this {what} was used for another request")
