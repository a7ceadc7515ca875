from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.graph import cron


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/5 * * * *",
        "0 15 1 * *",
        "59 23 LW * *",
        "10 7 * * MON-FRI",
        "10 7 * * mon-fri",
        "0 17 * * sun",
        "0 0 L * *",
        "0 0 L-3 * *",
        "0 0 L-3W * *",
        "0 0 15W * *",
        "0 0 * * 6L",
        "0 0 * * FRIL",
        "0 0 * * MON#2",
        "0 0 * * 2#1",
        "0 0 * * L",
        "0,30 8-18/2 1,15 JAN,JUL 2-6",
        "0 22-6 * * *",
        "5/15 * * * *",
        "0 0 29 2 *",
        "0 0 30 2 MON",
        "0  0\t* * *",
    ],
)
def test_takes(expression: str) -> None:
    assert cron.fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * *", "no seconds"),
        ("@daily", "@daily"),
        ("60 * * * *", "minute `60`"),
        ("* 24 * * *", "hour `24`"),
        ("* * 0 * *", "day of the month `0`"),
        ("* * 32 * *", "day of the month"),
        ("* * * 13 *", "month `13`"),
        ("* * * FOO *", "names from JAN"),
        ("* * * * 0", "from 1 (Sunday)"),
        ("* * * * 8", "weekday `8`"),
        ("* * * * MON#6", "weekday"),
        ("*/0 * * * *", "step"),
        ("*/60 * * * *", "step"),
        ("1-2-3 * * * *", "minute"),
        ("a * * * *", "minute"),
        ("? * * * *", "minute"),
        ("*,5 * * * *", "minute"),
        ("0 0 1W,2 * *", "day of the month"),
        ("0 0 30 2 *", "never"),
        ("0 0 31 APR,JUN *", "never"),
        ("١ * * * *", "minute"),
    ],
)
def test_explains(expression: str, words: str) -> None:
    assert words in (cron.fault(expression) or "")


@given(st.text("0123456789*/,-LW#MONSU? @", max_size=30) | st.text())
def test_never_raises(expression: str) -> None:
    cron.fault(expression)
