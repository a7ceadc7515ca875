"""What outlives a compile: facts about texts, by their content, within a bound and behind a lock.

Nothing else may be kept between compiles, and nothing here depends on one: the facts of a text are always the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

F = TypeVar("F")

CHARACTERS = 2_000_000
"""What the texts of one cache may hold together; facts are some fifty times as large."""

OVERHEAD = 40
"""What an entry counts beside its text."""


class Cache(Generic[F]):
    """The facts of the texts that were asked for last. Any number of threads may ask."""

    def __init__(self, characters: int = CHARACTERS) -> None:
        self._room = characters
        self._held = 0
        self._facts: OrderedDict[tuple[str, Hashable], F] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str, how: Hashable, find: Callable[[], F]) -> F:
        """The facts of `text`, read as `how`; `find` makes them, outside the lock, where they are not known."""
        key = (text, how)
        with self._lock:
            known = self._facts.get(key)
            if known is not None:
                self._facts.move_to_end(key)
                return known
        found = find()
        with self._lock:
            if key not in self._facts:
                self._facts[key] = found
                self._held += len(text) + OVERHEAD
            while self._held > self._room and self._facts:
                (old, _), _ = self._facts.popitem(last=False)
                self._held -= len(old) + OVERHEAD
        return found

    def forget(self) -> None:
        """Empty it. Nobody has to; benchmarks do."""
        with self._lock:
            self._facts.clear()
            self._held = 0

    def __len__(self) -> int:
        return len(self._facts)
