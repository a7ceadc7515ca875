"""The one thing that outlives a compile: facts by content, bounded and locked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

from stepwell.javascript import Kind, forget, parse
from stepwell.javascript.cache import OVERHEAD, Cache
from stepwell.javascript.code import examine


def test_facts_are_found_once() -> None:
    cache: Cache[str] = Cache()
    asked: list[str] = []

    def find(text: str) -> str:
        asked.append(text)
        return text.upper()

    for text in ("a", "b", "a"):
        assert cache.get(text, 1, lambda text=text: find(text)) == text.upper()  # type: ignore[misc]
    assert asked == ["a", "b"]
    assert cache.get("a", 2, lambda: "other") == "other"
    cache.forget()
    assert len(cache) == 0


def test_what_was_asked_for_last_stays() -> None:
    cache: Cache[int] = Cache(3 * (OVERHEAD + 1))
    for text in "abc":
        cache.get(text, None, lambda: 1)
    cache.get("a", None, lambda: 2)
    cache.get("d", None, lambda: 1)
    assert len(cache) == 3
    assert cache.get("a", None, lambda: 2) == 1
    assert cache.get("b", None, lambda: 2) == 2


def test_it_never_holds_more_than_its_bound() -> None:
    cache: Cache[int] = Cache(1000)
    for length in range(300):
        cache.get("x" * length, None, lambda: 1)
        assert len(cache) * OVERHEAD <= 1000
    cache.get("y" * 2000, None, lambda: 1)
    assert len(cache) == 0


def test_many_threads_find_the_same_facts() -> None:
    texts = [f"return event.payload.n{number} + {number};" for number in range(40)]

    def one(seed: int) -> bool:
        random = Random(seed)
        for text in random.choices(texts, k=60):
            if random.random() < 0.2:
                forget()
            assert parse(text, Kind.BODY) == examine(text, Kind.BODY)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(16)))
