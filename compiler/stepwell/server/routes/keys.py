"""API keys. A key can make others that can do what it can, and no more."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from .. import keys
from ..database import now
from ..door import needs
from ..errors import Problem, missing
from ..keys import SCOPES, Scope
from ..lookup import known
from ..paging import Cursor, Limit, page
from ..shapes import KeyAsk, KeyTell, NewKeyTell, Ok, Page
from ..tables import KeyRow
from .common import Hall, Who, make_router

router = make_router("api-keys")


@router.get("/api-keys")
@needs("read")
def list_keys(house: Hall, who: Who, cursor: Cursor = None, limit: Limit = 50) -> Page[KeyTell]:
    """The keys of the project, also those that were revoked. None is shown itself."""
    with house.database.read() as session:
        return page(session, select(KeyRow).where(KeyRow.project_id == who.project), KeyRow, cursor, limit, tell)


@router.post("/api-keys", status_code=201)
@needs("write")
def create_key(house: Hall, who: Who, ask: KeyAsk) -> NewKeyTell:
    """Makes a key. It is shown only here. It can do no more than the key that asks."""
    if ask.project_id not in (None, who.project):
        raise missing("Project")
    beyond = sorted(set(ask.scopes) - who.scopes)
    if beyond:
        raise Problem(403, f"a key can only give what it has; this one lacks: {', '.join(beyond)}")
    expires = None if ask.expires_at is None else _microseconds(ask.expires_at)
    with house.database.write() as session:
        row, key = keys.make(session, who.project, ask.name, ask.scopes, expires)
    return tell_new(row, key)


@router.delete("/api-keys/{key_id}")
@needs("write")
def revoke_key(house: Hall, who: Who, key_id: str) -> Ok:
    """Revokes a key, at once and for good."""
    with house.database.write() as session:
        row = session.get(KeyRow, key_id) if known(key_id) else None
        if row is None or row.project_id != who.project:
            raise missing("API key")
        if not set(row.scopes.split()) <= who.scopes:
            raise Problem(403, "this key can do more than the one that asks")
        row.revoked_at = row.revoked_at or now()
    return Ok()


def _microseconds(moment: datetime) -> int:
    try:
        found = round(moment.astimezone(UTC).timestamp() * 1_000_000)
    except (OverflowError, ValueError):
        raise Problem(422, "expiresAt: out of the calendar") from None
    if found <= now():
        raise Problem(422, "expiresAt: is over already")
    return found


def tell(row: KeyRow) -> KeyTell:
    """A key without itself."""
    scopes: list[Scope] = [scope for scope in SCOPES if scope in row.scopes.split()]
    return KeyTell.model_validate(
        {
            "id": row.id,
            "project_id": row.project_id,
            "name": row.name,
            "prefix": row.prefix,
            "scopes": scopes,
            "expires_at": row.expires_at,
            "revoked_at": row.revoked_at,
            "last_used_at": row.used_at,
            "created_at": row.created_at,
        }
    )


def tell_new(row: KeyRow, key: str) -> NewKeyTell:
    """A key that was just made."""
    return NewKeyTell(**tell(row).model_dump(by_alias=False), key=key)
