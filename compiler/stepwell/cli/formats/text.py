"""As compilers print: place, severity, code, message; the node; the line with a caret; the hint."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from stepwell.cli.findings import Checked, code, display_name, each, tally
from stepwell.cli.inputs import Input
from stepwell.cli.words import plain
from stepwell.diagnostics import Diagnostic, Severity

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_WIDTH = 110
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


def write(checked: Sequence[Checked], out: TextIO) -> None:
    """Findings, then one line that counts them."""
    console = Console(file=out, highlight=False, markup=False, emoji=False, soft_wrap=True)
    findings(checked, console)
    console.print(Text(str(tally(checked)), "bold"))


def findings(checked: Sequence[Checked], console: Console) -> None:
    """The findings alone."""
    for source, diagnostic in each(checked):
        for line in _block(source, diagnostic):
            console.print(line)
        console.print()


def _block(source: Input, d: Diagnostic) -> Iterator[Text]:
    yield _headline(source, d)
    if d.node_id is not None:
        yield Text(f"  node {plain(d.node_id)}{_called(source, d)}", "bold")
    if d.file is not None:
        yield Text(f"  at {plain(d.file)}{f':{d.snippet}' if d.snippet else ''}", "bold")
    yield from _excerpt(source, d)
    if d.hint:
        hint = Text("  ")
        hint.append("hint: ", "green")
        yield hint.append(plain(d.hint))


def _headline(source: Input, d: Diagnostic) -> Text:
    place = f"{d.place.line}:{d.place.column}:" if d.place else ""
    line = Text(f"{plain(source.name)}:{place} ", "bold")
    line.append(f"{d.severity.value}[{d.code.id} {d.slug}]", _STYLES[d.severity])
    return line.append(f": {plain(d.message)}", "bold")


def _called(source: Input, d: Diagnostic) -> str:
    name = display_name(source, d)
    return f' "{plain(name)}"' if name is not None else ""


def _excerpt(source: Input, d: Diagnostic) -> Iterator[Text]:
    """The line of the code where the fault lies in code, else the line of the file."""
    text = code(source, d)
    if text is not None and d.snippet is not None:
        yield from _marked(_LINE_END.split(text), d.snippet.line, d.snippet.column, " of its code")
    elif d.place is not None:
        yield from _marked(source.lines, d.place.line, d.place.column, "")


def _marked(lines: list[str], line: int, column: int, where: str) -> Iterator[Text]:
    if not 1 <= line <= len(lines):
        return
    before, rest = lines[line - 1][: column - 1], lines[line - 1][column - 1 :].rstrip("\r")
    before = _tail(plain(before), _WIDTH * 2 // 3) if len(before) + len(rest) > _WIDTH else plain(before)
    rest = _head(plain(rest), _WIDTH - len(before))
    gutter = f"{line:>5}"
    yield Text(f"{gutter} | ", "blue").append(before + rest, "default")
    yield (
        Text(f"{' ' * len(gutter)} | ", "blue")
        .append(" " * _cells(before) + "^", "bold red")
        .append(f" line {line}{where}" if where else "", "dim")
    )


def _tail(text: str, room: int) -> str:
    return text if len(text) <= room else "…" + text[-room:]


def _head(text: str, room: int) -> str:
    return text if len(text) <= room else text[:room] + "…"


def _cells(text: str) -> int:
    """Columns of a terminal that a text takes, so that the caret stands below the fault."""
    return sum(0 if unicodedata.combining(ch) else 2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)
