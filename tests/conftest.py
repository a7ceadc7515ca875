"""What holds for all tests."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

# A shell that starts the tests in the background has them ignore Ctrl-C, and what they start inherits that; some of
# them press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what these tests leave out, where the server's were among them."""
    ran = any("tests/server/" in str(one.nodeid) for one in terminalreporter.stats.get("passed", ()))
    tested = os.environ.get("STEPWELL_TEST_POSTGRES") or os.environ.get("STEPWELL_TESTED_POSTGRES")
    if ran and not tested:
        terminalreporter.write_line("PostgreSQL was not tested: `make test-postgres` does that", yellow=True)
    _write_tally(terminalreporter)


def _write_tally(terminalreporter: pytest.TerminalReporter) -> None:
    """The sums over all processes of what tests left with `record_property("tally", {what: count})`."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", ()):
        for name, told in report.user_properties:
            counts.update(told if name == "tally" else {})
    if counts:
        terminalreporter.section("translation validation")
    for what, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:>9} {what}")
