"""API keys: `ask_` and 40 characters, of which only a hash is kept. They belong to a project and have scopes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .database import Database, new_id, now
from .errors import Problem
from .tables import KeyRow

Scope = Literal["read", "write", "deploy"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

_BEARER: Final = re.compile(r"bearer +(ask_[A-Za-z0-9_-]{40})", re.IGNORECASE)
_RESOLUTION: Final = 60 * 1_000_000
"""`used_at` is that exact, in microseconds: not every request has to write."""


@dataclass(frozen=True)
class Caller:
    """Who asks: the key, its project and scopes."""

    key: str
    project: str
    scopes: frozenset[Scope]


def make(
    session: Session, project: str, name: str, scopes: Collection[Scope], expires: int | None = None
) -> tuple[KeyRow, str]:
    """A new key: its row, and the key itself, which is never seen again. Every key can read."""
    key = f"ask_{secrets.token_urlsafe(30)}"
    row = KeyRow(
        id=new_id("key"),
        project_id=project,
        name=name,
        prefix=key[:8],
        hash=_hash(key),
        scopes=" ".join(scope for scope in SCOPES if scope in scopes or scope == "read"),
        expires_at=expires,
        created_at=now(),
    )
    session.add(row)
    return row, key


def admit(database: Database, header: str | None) -> Caller:
    """The caller behind an `Authorization` header. Raises `Problem` 401."""
    given = (header or "").strip()
    found = _BEARER.fullmatch(given)
    if found is None:
        has_scheme = given.lower().startswith("bearer")
        raise _unauthorized("Invalid API key" if has_scheme else "send an API key: Authorization: Bearer ask_…")
    moment = now()
    with database.read() as session:
        row = session.scalar(select(KeyRow).where(KeyRow.hash == _hash(found[1])))
    if row is None or row.revoked_at is not None:
        raise _unauthorized("Invalid API key")
    if row.expires_at is not None and row.expires_at <= moment:
        raise _unauthorized("API key expired")
    if row.used_at is None or moment - row.used_at > _RESOLUTION:
        with database.write() as session:
            session.execute(update(KeyRow).where(KeyRow.id == row.id).values(used_at=moment))
    return Caller(row.id, row.project_id, frozenset(scope for scope in SCOPES if scope in row.scopes.split()))


def _unauthorized(words: str) -> Problem:
    return Problem(401, words, headers={"WWW-Authenticate": "Bearer"})


def _hash(key: str) -> str:
    # The key has 240 random bits, so a plain hash cannot be guessed back and needs no salt.
    return hashlib.sha256(key.encode()).hexdigest()
