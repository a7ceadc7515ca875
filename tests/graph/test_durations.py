from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.graph import durations, times

DAY = 86_400_000


@pytest.mark.parametrize(
    ("value", "milliseconds", "text"),
    [
        ("1 second", 1000, "1 second"),
        ("1 seconds", 1000, "1 second"),
        ("60 second", 60_000, "60 seconds"),
        ("3 day", 3 * DAY, "3 days"),
        ("  5   minutes ", 300_000, "5 minutes"),
        ("2 weeks", 14 * DAY, "2 weeks"),
        ("1 month", 30 * DAY, "1 month"),
        ("1 year", 365 * DAY, "1 year"),
        ("007 hours", 7 * 3_600_000, "7 hours"),
        ("0 days", 0, "0 days"),
        (1500, 1500, "1500 milliseconds"),
        (1, 1, "1 millisecond"),
        (60_000, 60_000, "1 minute"),
        (90_000.0, 90_000, "90 seconds"),
        (2 * DAY, 2 * DAY, "2 days"),
        (0, 0, "0 milliseconds"),
        (-5, -5, "-5 milliseconds"),
    ],
)
def test_reads(value: object, milliseconds: int, text: str) -> None:
    assert durations.parse(value) == durations.Duration(milliseconds, text)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "5",
        "5m",
        "5 minuts",
        "five minutes",
        "1.5 hours",
        "-1 day",
        "1 day 2 hours",
        "1 Day",
        "P1D",
        "1 days s",
        "٣ days",
        None,
        True,
        [],
        {},
        float("nan"),
        float("inf"),
    ],
)
def test_refuses(value: object) -> None:
    assert durations.parse(value) is None


def test_thousands_of_digits_are_over_the_limit() -> None:
    long = durations.parse("9" * 10_000 + " seconds")
    assert long is not None and long.milliseconds > durations.MAX


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5 minuts", "5 minutes"),
        ("5m", "5 minutes"),
        ("5 min", "5 minutes"),
        ("10s", "10 seconds"),
        ("2 Hrs", "2 hours"),
        ("1.5 hours", "90 minutes"),
        ("1 Day", "1 day"),
        ("0.5d", "12 hours"),
        ("3 wk", "3 weeks"),
        ("2.5 weeks", "420 hours"),
        ("soon", None),
        ("5", None),
        ("5 parsecs", None),
        ("1.0000001 seconds", None),
    ],
)
def test_suggests(text: str, meant: str | None) -> None:
    assert durations.suggest(text) == meant


def test_value_is_what_cloudflare_takes() -> None:
    assert [d.value for d in map(durations.parse, ("3 day", 1500, 60_000)) if d] == ["3 days", 1500, "1 minute"]


@given(st.text() | st.floats() | st.integers())
def test_never_raises(value: str | float) -> None:
    durations.parse(value)
    times.parse(value)
    if isinstance(value, str):
        durations.suggest(value)


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02", DAY),
        ("1970-01-01T00:00", 0),
        ("1970-01-01 01:00:00", 3_600_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00-0130", 5_400_000),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01t00:00:00.123456789z", 123),
        ("1767225600000", 1_767_225_600_000),
        (1_767_225_600_000, 1_767_225_600_000),
        (0.4, 0),
    ],
)
def test_reads_times(value: object, milliseconds: int) -> None:
    assert times.parse(value) == milliseconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "tomorrow",
        "2027-13-01",
        "2027-02-30",
        "2027-01-31T25:00:00Z",
        "2027-1-1",
        "20270131",
        "2027-W05-1",
        "1970-01-01T00:00:00+99:00",
        "0000-01-01",
        "12345",
        None,
        True,
        [],
        float("nan"),
        9e15,
        10**400,
    ],
)
def test_refuses_times(value: object) -> None:
    assert times.parse(value) is None
