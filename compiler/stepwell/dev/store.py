"""The account on disk: one SQLite file. What a transaction wrote is safe once it ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from .models import Kept, now

T = TypeVar("T", bound=Kept)

_TABLES = """
CREATE TABLE IF NOT EXISTS kept (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    UNIQUE (kind, key));
CREATE TABLE IF NOT EXISTS modules (
    version TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (version, name));
"""


class Store:
    """What is kept, by kind and key. For one thread; transactions do not nest."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        path.chmod(0o600)  # it holds secrets
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Ends the use of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is kept, or nothing of it. Nothing may be awaited inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, model: type[T], key: str) -> T | None:
        """One thing, or None."""
        row = self._db.execute("SELECT value FROM kept WHERE kind = ? AND key = ?", (model.kind, key)).fetchone()
        return None if row is None else model.model_validate_json(row[0])

    def all(self, model: type[T]) -> list[T]:
        """All of a kind, the oldest first."""
        rows = self._db.execute("SELECT value FROM kept WHERE kind = ? ORDER BY seq", (model.kind,))
        return [model.model_validate_json(row[0]) for row in rows]

    def put(self, thing: T) -> T:
        """Keeps a thing, in the place of the one of its key. Raises `ValidationError` for what it could not read."""
        text = thing.model_dump_json(warnings=False)
        type(thing).model_validate_json(text)  # fields are set from what was sent, and setting them checks nothing
        self._db.execute(
            "INSERT INTO kept (kind, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            (thing.kind, thing.key, text),
        )
        return thing

    def change(self, thing: T) -> T:
        """Keeps a thing that was changed now."""
        thing.modified_on = now()
        return self.put(thing)

    def remove(self, thing: Kept) -> None:
        """Forgets a thing."""
        self._db.execute("DELETE FROM kept WHERE kind = ? AND key = ?", (thing.kind, thing.key))

    # Modules of versions: name → content type and bytes

    def modules(self, version: str) -> dict[str, tuple[str, bytes]]:
        """The modules of a version."""
        rows = self._db.execute("SELECT name, type, content FROM modules WHERE version = ? ORDER BY rowid", (version,))
        return {name: (kind, content) for name, kind, content in rows}

    def put_modules(self, version: str, modules: Mapping[str, tuple[str, bytes]]) -> None:
        """Keeps the modules of a version."""
        rows = [(version, name, kind, content) for name, (kind, content) in modules.items()]
        self._db.executemany("INSERT INTO modules VALUES (?, ?, ?, ?)", rows)

    def remove_modules(self, version: str) -> None:
        """Forgets the modules of a version."""
        self._db.execute("DELETE FROM modules WHERE version = ?", (version,))
