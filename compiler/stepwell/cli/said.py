"""Errors of a run in words: a request that nothing answered is told once, a time as people count it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stepwell.cli.words import duration, plain
from stepwell.local.events import Failure, Requested, RunEvent

_ADVICE = ": add --"
_TIMED_OUT = re.compile(r"(?<=timed out after )(\d{1,15})ms\b")


def unanswered(events: Iterable[RunEvent]) -> list[str]:
    """What was said of each request that nothing answered, once each."""
    return list(dict.fromkeys(event.hint for event in events if isinstance(event, Requested) and event.hint))


def failure(error: Failure, hints: Sequence[str]) -> str:
    """The error on one line, without the advice in `hints`, which stands elsewhere."""
    text = f"{error.name}: {error.message}"
    for hint in hints:
        what = hint.partition(_ADVICE)[0]
        request = what.rpartition(" answers ")[2]
        text = text.replace(hint, what).replace(f"{what} ({request})", what)
    text = _TIMED_OUT.sub(lambda found: duration(int(found[1])), text)
    return plain(text.removesuffix(": "))


def advice(hint: str) -> str:
    """`add --mock …` of what was said of a request; all of it where it gives no such advice."""
    what, begun, rest = hint.partition(_ADVICE)
    return f"{begun.removeprefix(': ')}{rest}" if begun else what
