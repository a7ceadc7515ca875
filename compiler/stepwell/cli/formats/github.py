"""Workflow commands, which GitHub Actions turns into annotations beside the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from stepwell.cli.findings import Checked, each
from stepwell.cli.inputs import Input
from stepwell.cli.words import plain
from stepwell.diagnostics import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def write(checked: Sequence[Checked], out: TextIO) -> None:
    """One command a finding."""
    for source, diagnostic in each(checked):
        out.write(_command(source, diagnostic) + "\n")


def _command(source: Input, d: Diagnostic) -> str:
    properties = {"file": source.name}
    if d.place is not None:
        properties |= {"line": str(d.place.line), "col": str(d.place.column)}
    properties["title"] = f"{d.code.id} {d.slug}"
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_COMMANDS[d.severity]} {listed}::{_message(_words(d))}"


def _words(d: Diagnostic) -> str:
    """The log shows the message alone, so the place inside the code and the hint stand in it."""
    parts = [d.message]
    if d.snippet is not None:
        code = d.file or "the node's code"
        parts.append(f"line {d.snippet.line}, column {d.snippet.column} of {code}")
    if d.hint:
        parts.append(f"hint: {d.hint}")
    return "\n".join(parts)


def _message(text: str) -> str:
    return "".join(_ESCAPES.get(ch) or plain(ch) for ch in text)


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
