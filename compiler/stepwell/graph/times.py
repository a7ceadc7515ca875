"""Points in time: ISO 8601 dates and date-times, or milliseconds since 1970."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_MILLISECONDS = re.compile(r"\d{12,16}", re.ASCII)
_RANGE = 8_640_000_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(value: object) -> int | None:
    """Milliseconds since 1970 (UTC) of an ISO 8601 text or a number of milliseconds; None when it is no time.

    Without an offset a time is UTC, as it is in a Worker. Numbers may be text of 12 to 16 digits; what lies
    outside JavaScript's range of dates is no time.
    """
    if isinstance(value, str):
        return _parse_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _in_range(round(value))


def _in_range(milliseconds: int) -> int | None:
    return milliseconds if -_RANGE <= milliseconds <= _RANGE else None


def _parse_text(text: str) -> int | None:
    if _MILLISECONDS.fullmatch(text):
        return _in_range(int(text))
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    try:
        # Whole years of the calendar only; `datetime` refuses the 31st of February and the like.
        moment = datetime(*_numbers(match), tzinfo=_offset(match[8]))
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def _numbers(match: re.Match[str]) -> tuple[int, int, int, int, int, int, int]:
    year, month, day, hour, minute, second = (int(match[i] or 0) for i in range(1, 7))
    return year, month, day, hour, minute, second, int(((match[7] or "") + "000000")[:6])


def _offset(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
