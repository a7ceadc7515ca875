"""Pages: the newest first, led on by a cursor that holds where the last page ended."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session

from .errors import Problem
from .shapes import Page

R = TypeVar("R")
T = TypeVar("T")

_CURSOR: Final = re.compile(r"([0-9]{1,18}) ([A-Za-z0-9_-]{1,40})")

Cursor = Annotated[str | None, Query(description="`nextCursor` of the page before", max_length=200)]
Limit = Annotated[int, Query(ge=1, le=100, description="how many at most")]


def page(
    session: Session, chosen: Select[R], table: Any, cursor: str | None, limit: int, tell: Callable[[R], T]
) -> Page[T]:
    """One page of rows that have `created_at` and `id`. Raises `Problem` 400 for a cursor that is none."""
    if cursor is not None:
        chosen = chosen.where(tuple_(table.created_at, table.id) < tuple_(*_place(cursor)))
    rows: list[Any] = list(session.scalars(chosen.order_by(table.created_at.desc(), table.id.desc()).limit(limit + 1)))
    more = len(rows) > limit
    shown = rows[:limit]
    return Page[T].model_construct(data=[tell(row) for row in shown], next_cursor=_cursor(shown[-1]) if more else None)


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at} {row.id}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[int, str]:
    try:
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = _CURSOR.fullmatch(text.decode("ascii"))
    except (ValueError, binascii.Error):
        found = None
    if found is None:
        raise Problem(400, "the cursor is not one of ours; leave it out to begin at the start")
    return int(found[1]), found[2]
