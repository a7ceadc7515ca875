"""npm's version ranges, as far as it takes to say whether several can be met by one version.

Which versions there are only a registry knows. So a `False` here is certain, and a `True` says that nothing is
against it. Pre-releases are taken to stand where their release does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Final

Version = tuple[int, int, int]

_FIRST: Final[Version] = (0, 0, 0)
_LAST: Final[Version] = (10**16, 0, 0)
_PARTS: Final = re.compile(r"([~^]|[<>]=?|=)?v?([^.+-]*)(?:\.([^.+-]*))?(?:\.([^.+-]*))?(-)?")
_ANY: Final = frozenset({"", "x", "X", "*"})
_TAG: Final = re.compile(r"[a-wyz][a-z0-9._-]*|x[a-z0-9._-]+")


@dataclass(frozen=True)
class _Span:
    """Versions from `low` up to `high`, which is outside."""

    low: Version = _FIRST
    high: Version = _LAST

    def __and__(self, other: _Span) -> _Span:
        return _Span(max(self.low, other.low), min(self.high, other.high))

    @property
    def is_empty(self) -> bool:
        return self.low >= self.high


def is_tag(text: str) -> bool:
    """Whether a range is a name that the registry gives to a version (`latest`)."""
    return _TAG.fullmatch(text.strip()) is not None


def combined(ranges: Sequence[str]) -> str | None:
    """One range that means all of these (each one that npm takes), None when no version can be in all of them."""
    once = list(dict.fromkeys(" ".join(text.split()) for text in ranges))
    if len(once) == 1:
        return once[0]
    if any(map(is_tag, once)):
        return None
    choices = product(*(text.split("||") for text in once))
    kept = [" ".join(c for alternative in choice for c in _comparators(alternative)) for choice in choices]
    return " || ".join(text for text in dict.fromkeys(kept) if not _span(text.split()).is_empty) or None


def _comparators(alternative: str) -> list[str]:
    """The comparators of one alternative; `1.0 - 2.0` stands for two of them."""
    parts = re.sub(r"([~^<>=])\s+", r"\1", alternative).split()
    if len(parts) == 3 and parts[1] == "-":
        return [f">={parts[0]}", f"<={parts[2]}"]
    return parts or ["*"]


def _span(comparators: Sequence[str]) -> _Span:
    return reduce(_Span.__and__, map(_of_comparator, comparators), _Span())


def _of_comparator(text: str) -> _Span:
    found = _PARTS.match(text)
    assert found is not None  # every part of the pattern may be absent
    operator, *parts, pre = found.groups()
    numbers = list(_numbers(parts))
    low = _padded(numbers)
    if operator is None or operator == "=":
        return _Span(low, _next(numbers))
    if operator == "~":
        return _Span(low, _next(numbers[:2]))
    if operator == "^":
        return _Span(low, _next(numbers[: _significant(numbers)]))
    return _compared(operator, numbers, low, bool(pre))


def _compared(operator: str, numbers: list[int], low: Version, pre: bool) -> _Span:
    if not numbers:  # of `>*` and `<*` there is none; `>=*` and `<=*` are all
        return _Span() if operator.endswith("=") else _Span(_LAST, _LAST)
    if operator == ">=":
        return _Span(low)
    if operator == ">":
        return _Span(low if pre else _next(numbers))
    return _Span(high=_next(numbers) if operator == "<=" or pre else low)


def _numbers(parts: Sequence[str | None]) -> Iterator[int]:
    """The numbers that are given: `1.x.3` has one."""
    for part in parts:
        if part is None or part in _ANY or not part.isdigit():
            return
        yield int(part)


def _padded(numbers: Sequence[int]) -> Version:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


def _next(numbers: Sequence[int]) -> Version:
    """The first version behind all that begin with these numbers."""
    if not numbers:
        return _LAST
    return _padded([*numbers[:-1], numbers[-1] + 1])


def _significant(numbers: Sequence[int]) -> int:
    """How many numbers `^` holds fast: up to the first that is not zero."""
    return next((place + 1 for place, number in enumerate(numbers) if number), len(numbers))
