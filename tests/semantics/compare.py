"""Whether what ran is what the reference says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.semantics.case import Case, Json
from tests.semantics.reference import Record, Run, Wrong, interpret
from tests.semantics.shape import Shape
from tests.semantics.values import plain, through_json

_MARK: Final = re.compile(r"n\d+|\d+ms")
_CLOSE: Final = 1e-6


@dataclass(frozen=True)
class Seen:
    """A run of the compiled Worker, on whichever engine."""

    status: str
    output: Any
    error: str | None
    trace: list[Json]
    """What began, in that order: {name, kind, began, ended, value or failed, attempts}; no `ended`: unfinished."""
    calls: list[tuple[float, Json]]
    ended: float = 0.0
    winners: Mapping[str, int] | None = None
    lossy: bool = False
    """Values have gone through JSON: an event's wait has none, and `undefined` is null or missing."""

    def value(self, told: Any) -> Any:
        """A value of the reference, as this run would tell it."""
        return through_json(plain(told)) if self.lossy else plain(told)

    @property
    def steps(self) -> list[Json]:
        """Those that a node asked for: what the compiler adds has a colon in its name."""
        return [entry for entry in self.trace if ": " not in entry["name"]]


def marks(message: str | None) -> tuple[str, ...]:
    """The nodes and times that a message names, in order."""
    return tuple(dict.fromkeys(_MARK.findall((message or "").lower())))


def expected(case: Case, shape: Shape, scenario: Json, seen: Seen, *, strict: bool) -> Run | str:
    """What the reference says when the races end as they were seen to; or why they cannot."""
    try:
        return interpret(case, shape, scenario, winners=seen.winners, strict=strict)
    except Wrong as wrong:
        return str(wrong)


def differences(want: Run | str, seen: Seen, *, strict: bool) -> Iterator[str]:
    """What differs, one line each. `strict`: times and attempts too, and the calls."""
    if isinstance(want, str):
        yield want
        return
    yield from _ends(want, seen)
    yield from _steps(want, seen, strict)
    yield from _order(want, seen)
    if strict:
        yield from _calls(want, seen)


def _ends(want: Run, seen: Seen) -> Iterator[str]:
    if want.status != seen.status:
        yield f"status: {seen.status} ({seen.error}) instead of {want.status} {want.failed}"
    elif want.status == "complete" and seen.value(want.output) != seen.value(seen.output):
        yield f"output: {plain(seen.output)} instead of {seen.value(want.output)}"
    elif want.status == "errored" and want.failed != marks(seen.error):
        yield f"error: {seen.error!r} instead of {want.failed}"


def _steps(want: Run, seen: Seen, strict: bool) -> Iterator[str]:
    records = want.by_name
    names = Counter(entry["name"] for entry in seen.steps)
    yield from (f"{name}: ran twice" for name, count in names.items() if count > 1)
    yield from (f"{name}: ran, but should not" for name in names if name not in records)
    for record in want.records:
        due = record.began < want.ended - _CLOSE if strict else record.sure
        if due and record.name not in names:
            yield f"{record.name}: did not run"
    for entry in seen.steps:
        if entry["name"] in records:
            yield from _step(records[entry["name"]], entry, seen, strict)


def _step(record: Record, entry: Json, seen: Seen, strict: bool) -> Iterator[str]:
    name = record.name
    if entry["kind"] != record.kind:
        yield f"{name}: is a {entry['kind']} instead of a {record.kind}"
    if strict and abs(entry["began"] - record.began) > _CLOSE:
        yield f"{name}: began at {entry['began']} instead of {record.began}"
    if "failed" in entry:
        wait = seen.lossy and record.kind == "wait"  # the local runtime words a timeout itself
        if record.failed is None or (marks(entry["failed"]) != record.failed and not wait):
            yield f"{name}: failed with {entry['failed']!r} instead of {record.failed}"
    elif entry.get("ended") is not None:
        if record.failed is not None:
            yield f"{name}: succeeded, but should fail"
        elif _has_value(record, seen) and seen.value(entry["value"]) != seen.value(record.value):
            yield f"{name}: gave {plain(entry['value'])} instead of {seen.value(record.value)}"
        if strict and (abs(entry["ended"] - record.ended) > _CLOSE or entry["attempts"] != record.attempts):
            yield f"{name}: ended at {entry['ended']} instead of {record.ended}"
            yield f"{name}: took {entry['attempts']} attempts instead of {record.attempts}"


def _has_value(record: Record, seen: Seen) -> bool:
    return record.kind == "do" or (record.kind == "wait" and not seen.lossy)


def _order(want: Run, seen: Seen) -> Iterator[str]:
    """What a step stands behind has ended before it begins."""
    ended = {entry["name"]: entry.get("ended") for entry in seen.steps}
    for entry in seen.steps:
        record = want.by_name.get(entry["name"])
        for before in record.past if record else ():
            if before in ended and (ended[before] is None or ended[before] > entry["began"] + _CLOSE):
                yield f"{entry['name']}: began before {before} had ended"


def _calls(want: Run, seen: Seen) -> Iterator[str]:
    due = Counter(str(plain(call)) for at, call in want.calls if at < want.ended - _CLOSE)
    may = Counter(str(plain(call)) for _, call in want.calls)
    made = Counter(str(plain(call)) for _, call in seen.calls)
    yield from (f"not sent: {call}" for call in due - made)
    yield from (f"sent, but should not: {call}" for call in made - may)
