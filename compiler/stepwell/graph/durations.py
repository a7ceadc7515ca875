"""Durations as Cloudflare takes them: `"<n> second|minute|hour|day|week|month|year[s]"` or milliseconds."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

SECOND = 1000
DAY = 86_400 * SECOND
MAX = 365 * DAY
"""The longest duration that Cloudflare takes, in milliseconds."""

UNITS = MappingProxyType(
    {
        "second": SECOND,
        "minute": 60 * SECOND,
        "hour": 3600 * SECOND,
        "day": DAY,
        "week": 7 * DAY,
        "month": 30 * DAY,
        "year": 365 * DAY,
    }
)
"""Milliseconds of each unit; a month is 30 days and a year 365."""

_SHORT = MappingProxyType(
    {
        "s": "second",
        "sec": "second",
        "secs": "second",
        "m": "minute",
        "min": "minute",
        "mins": "minute",
        "h": "hour",
        "hr": "hour",
        "hrs": "hour",
        "d": "day",
        "w": "week",
        "wk": "week",
        "wks": "week",
        "mo": "month",
        "mon": "month",
        "mth": "month",
        "y": "year",
        "yr": "year",
        "yrs": "year",
    }
)
_GRAMMAR = re.compile(r"([0-9]+)\s+(second|minute|hour|day|week|month|year)s?", re.ASCII)
_LOOSE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([A-Za-z]{1,12})\.?", re.ASCII)
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Duration:
    """A readable duration: whole `milliseconds` (0 and over `MAX`, too), and its text: `"3 days"`, `"1 day"`.

    A duration that was given as a number has a unit only where it is whole seconds; else the text says
    `"1500 milliseconds"`, which Cloudflare does not take: emit `value`.
    """

    milliseconds: int
    text: str

    @property
    def value(self) -> str | int:
        """What a Worker hands to Cloudflare: the text, or the number of milliseconds where no unit fits."""
        return self.milliseconds if self.text.endswith(("millisecond", "milliseconds")) else self.text


def parse(value: object) -> Duration | None:
    """Read a duration from its text or a number of milliseconds; None when it is neither."""
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        return None
    return _of_milliseconds(round(value))


def suggest(text: str) -> str | None:
    """What an unreadable text probably means: `"5 minutes"` for `"5 minuts"`, `"90 minutes"` for `"1.5h"`."""
    match = _LOOSE.fullmatch(text.strip())
    if match is None:
        return None
    unit = _unit(match[2].lower())
    if unit is None:
        return None
    milliseconds = Fraction(match[1]) * UNITS[unit]
    return _exact(milliseconds, unit)


def _parse_text(text: str) -> Duration | None:
    match = _GRAMMAR.fullmatch(text.strip())
    if match is None:
        return None
    digits = match[1].lstrip("0") or "0"
    # Python refuses to read integers of thousands of digits; anything this long is over the limit anyway.
    count = int(digits) if len(digits) <= _DIGITS else 10**_DIGITS
    return Duration(count * UNITS[match[2]], counted(count, match[2]))


def counted(count: int, unit: str) -> str:
    """`count` of `unit` in words: `1 day`, `3 days`."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _of_milliseconds(milliseconds: int) -> Duration:
    if milliseconds <= 0 or milliseconds % SECOND or milliseconds > MAX:
        return Duration(milliseconds, counted(milliseconds, "millisecond"))
    # Weeks, months and years are left out: nobody reads `86400000 * 30` as a month.
    unit = next(u for u in ("day", "hour", "minute", "second") if milliseconds % UNITS[u] == 0)
    return Duration(milliseconds, counted(milliseconds // UNITS[unit], unit))


def _unit(word: str) -> str | None:
    if word in _SHORT:
        return _SHORT[word]
    close = difflib.get_close_matches(word, [*UNITS, *(f"{unit}s" for unit in UNITS)], n=1, cutoff=0.6)
    return close[0].removesuffix("s") if close else None


def _exact(milliseconds: Fraction, unit: str) -> str | None:
    units = [unit, *(u for u in ("hour", "minute", "second") if UNITS[u] < UNITS[unit])]
    for candidate in units:
        count = milliseconds / UNITS[candidate]
        if count.denominator == 1:
            return counted(int(count), candidate)
    return None
