"""What holds for all tests."""

from __future__ import annotations

import os
import signal

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
