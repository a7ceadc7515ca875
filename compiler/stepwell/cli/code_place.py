"""Where in a graph's code an error arose, in words and with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from stepwell.cli.inputs import Input
from stepwell.cli.words import plain


@dataclass(frozen=True)
class FilePlace:
    """A place of a graph's code in the file that it was read from."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def in_file(graph: Input, source: str, line: int, column: int) -> FilePlace | None:
    """Where code of a graph in Python stands in its file, or in the file of code that it names."""
    found = graph.flow.place_of_code(source, line, column) if graph.flow is not None else None
    if found is None:
        return None
    file, place = found
    name = graph.name if file is None else str(Path(graph.name).parent / file)
    return FilePlace(name, place.line, place.column)


def place_lines(
    source: str, line: int, column: int, text: str, file: FilePlace | None = None, indent: str = "  "
) -> Iterator[Text]:
    """`at nodes/charge/code, line 3, column 8`, or `at order.py:9:12`, and the line with a mark below the column."""
    where = f"{source}, line {line}, column {column}" if file is None else str(file)
    yield Text(f"{indent}at {plain(where)}", "bold")
    shown = text.replace("\t", " ").rstrip()
    if shown:
        lead = len(shown) - len(shown.lstrip())
        yield Text(f"{indent}  {plain(shown.lstrip())}", "dim")
        yield Text(f"{indent}  {' ' * max(0, column - 1 - lead)}^", "red")
