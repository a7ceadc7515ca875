"""Small things about words that several commands say."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'check'?`, or nothing when no known word is near."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    begun = [name for name in names if len(word) > 2 and name.startswith(word.lower())]
    near = begun or get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f" Did you mean {names[near[0]]!r}?" if near else ""


def count(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plain(text: str) -> str:
    """A text of the user's on one line of a terminal: what would steer the terminal is shown, not sent."""
    return "".join(_shown(ch) for ch in text)


def _shown(ch: str) -> str:
    if ch == "\t":
        return " "
    if unicodedata.category(ch) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"\\u{ord(ch):04x}" if ch not in "\n\r" else " "
    return ch


_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))


def skipped(milliseconds: int) -> str:
    """A time that was skipped, as it was asked for: of 5 seconds a few milliseconds pass by themselves."""
    return duration(round(milliseconds, -3 if milliseconds >= 10_000 else -2))


def duration(milliseconds: int) -> str:
    """`1 day`, `2 hours 30 minutes`, `0.25 seconds`: the two largest units."""
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.3g} second{'' if milliseconds == 1000 else 's'}"
    rest = round(milliseconds, -3)
    parts: list[str] = []
    for size, unit in _UNITS:
        whole, rest = divmod(rest, size)
        if whole and len(parts) < 2:
            parts.append(count(whole, unit))
    return " ".join(parts)
