"""Cron expressions in Cloudflare's dialect: five fields, weekdays 1-7 with 1 = Sunday, `L`, `W` and `#`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its range, the names of its values from `low` on, and what stands for a whole field."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    alone: str = r"\*"

    def number(self, text: str) -> int | None:
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        if not re.fullmatch(r"[0-9]{1,3}", text) or not self.low <= int(text) <= self.high:
            return None
        return int(text)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31, alone=r"\*|L|LW|L-([1-9]|[12][0-9]|30)W?|([1-9]|[12][0-9]|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 1, 7, _WEEKDAYS, alone=rf"\*|L|([1-7]|(?i:{'|'.join(_WEEKDAYS)}))(L|#[1-5])"),
)


def fault(expression: str) -> str | None:
    """What is wrong with a cron expression, in words that say what to do; None when Cloudflare takes it."""
    parts = expression.split()
    if len(parts) != len(_FIELDS):
        return _wrong_count(expression, len(parts))
    for field, part in zip(_FIELDS, parts, strict=True):
        reason = _field_fault(field, part)
        if reason is not None:
            return f"the {field.name} `{part}` {reason}"
    return _never(parts)


def _wrong_count(expression: str, count: int) -> str:
    if expression.strip().startswith("@"):
        return "names like `@daily` are not known to Cloudflare; write five fields, such as `0 0 * * *`"
    if count == 6:
        return "it has six fields; Cloudflare's expressions have no seconds: minute hour day month weekday"
    return f"it has {count} field{'' if count == 1 else 's'} and needs five: minute hour day month weekday"


def _field_fault(field: _Field, text: str) -> str | None:
    if re.fullmatch(field.alone, text):
        return None
    for item in text.split(","):
        reason = _item_fault(field, item)
        if reason is not None:
            return reason
    return None


def _item_fault(field: _Field, item: str) -> str | None:
    span, slash, step = item.partition("/")
    if slash and (not re.fullmatch(r"[0-9]{1,2}", step) or not 1 <= int(step) <= field.high - field.low):
        return f"has a step that is not 1 to {field.high - field.low}"
    if span == "*" and slash:
        return None
    bounds = span.split("-")
    if len(bounds) <= 2 and all(field.number(bound) is not None for bound in bounds):
        return None
    if field.name == "weekday" and "0" in bounds:
        return "holds 0; Cloudflare counts weekdays from 1 (Sunday) to 7 (Saturday), or names them SUN to SAT"
    return f"is not made of {_values(field)}, with `,` `-` `/`"


def _values(field: _Field) -> str:
    numbers = f"numbers from {field.low} to {field.high}"
    return f"{numbers} or names from {field.names[0]} to {field.names[-1]}" if field.names else numbers


def _never(parts: list[str]) -> str | None:
    """A day that none of the months has, such as the 30th of February."""
    days, months, weekdays = parts[2], parts[3], parts[4]
    if weekdays != "*" or not re.fullmatch(r"[0-9,]+", days) or not re.fullmatch(r"[0-9A-Za-z,]+", months):
        return None
    numbers = [_FIELDS[3].number(month) or 1 for month in months.split(",")]
    longest = max(_DAYS_IN_MONTH[number - 1] for number in numbers)
    if min(int(day) for day in days.split(",")) > longest:
        return f"it never runs: the month has at most {longest} days"
    return None
