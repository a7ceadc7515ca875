"""What went wrong outside the graph (files, pipes, the keyboard, stepwell itself): one line, an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

INTERRUPTED = 130
PIPE_CLOSED = 141
BUG = 70


class Unreadable(click.ClickException):
    """An input that cannot be had. The call was wrong, so it counts as a wrong call."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        say(self.format_message())


class Failed(click.ClickException):
    """The command could not do what it was asked to."""

    exit_code = 1

    def show(self, file: object = None) -> None:
        say(self.format_message())


class NotRun(Failed):
    """`run` came to no outcome."""

    exit_code = 3


def say(message: str) -> None:
    """One line on stderr."""
    from stepwell.cli.words import plain

    click.echo(f"stepwell: {plain(message)}", err=True)


def explain(error: BaseException) -> int:
    """Says what an exception means and gives the exit code."""
    if isinstance(error, BrokenPipeError):
        return _pipe_closed()
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        say("interrupted")
        return INTERRUPTED
    if isinstance(error, OSError):
        say(reason(error))
        return 1
    return _bug(error)


def reason(error: OSError) -> str:
    """`order.json: no such file`: an operating system's error without its number."""
    what = (error.strerror or str(error) or type(error).__name__).lower()
    named = {
        FileNotFoundError: "no such file",
        PermissionError: "permission denied",
        IsADirectoryError: "is a directory",
    }
    what = named.get(type(error), what)
    return f"{error.filename}: {what}" if error.filename else what


def _pipe_closed() -> int:
    """Whoever read our output has gone (`stepwell … | head`): no more is written, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):  # not a real file: nothing will be flushed into it
            continue
    return PIPE_CLOSED


def _bug(error: BaseException) -> int:
    if os.environ.get("STEPWELL_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {error}"
    say(f"internal error{_last_place(error)}: {what}. Please report it; STEPWELL_DEBUG=1 shows more.")
    return BUG


def _last_place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" in {Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}"
