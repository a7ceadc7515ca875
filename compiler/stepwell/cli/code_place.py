"""Where in a graph's code an error arose, in words and with its line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from stepwell.cli.words import plain


def place_lines(source: str, line: int, column: int, text: str, indent: str = "  ") -> Iterator[Text]:
    """`at nodes/charge/code, line 3, column 8`, and the line with a mark below the column."""
    yield Text(f"{indent}at {plain(source)}, line {line}, column {column}", "bold")
    shown = text.replace("\t", " ").rstrip()
    if shown:
        lead = len(shown) - len(shown.lstrip())
        yield Text(f"{indent}  {plain(shown.lstrip())}", "dim")
        yield Text(f"{indent}  {' ' * max(0, column - 1 - lead)}^", "red")
