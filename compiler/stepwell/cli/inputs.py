"""The files a command reads: one graph, or every graph of a folder; `-` is standard input.

A graph is JSON, or Python (a file of `stepwell.flow`), which is read and never run.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.cli.faults import Unreadable, reason

if TYPE_CHECKING:
    from stepwell.flow import Reading

STDIN = "-"
PYTHON = ".py"
SUFFIXES = (".json", PYTHON)
"""What files of graphs end with."""
STDIN_NAME = "<stdin>"
_IGNORED_FOLDERS = frozenset({"node_modules", "dist", "__pycache__", "venv", "site-packages"})
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+stepwell|import[ \t]+stepwell\.flow)\b", re.M)
_FLOW = re.compile(r"^with[ \t]+(?:[\w.]+\.)?(?:workflow|script)[ \t]*\(", re.M)


@dataclass(frozen=True)
class Input:
    """A source: the name it is called by in findings, and its text."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def flow(self) -> Reading | None:
        """What is read from Python; None when the source is JSON."""
        if not self.name.endswith(PYTHON) and not (self.name == STDIN_NAME and is_flow(self.text)):
            return None
        from stepwell.flow import read as read_flow
        from stepwell.flow.values import file_text

        folder = Path(self.name).parent
        return read_flow(self.text, files=lambda file: file_text(folder, file))

    @property
    def source(self) -> object:
        """What `check` and `compile_artifact` take: JSON text, or Python that was read."""
        return self.text if self.flow is None else self.flow

    @property
    def json(self) -> str:
        """The document as JSON text."""
        return self.text if self.flow is None else json.dumps(self.document)

    @cached_property
    def document(self) -> Any:
        """What the text holds, None when it cannot be read: for showing findings, not for compiling."""
        if self.flow is not None:
            return self.flow.document
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def graph(self) -> dict[str, Any]:
        """The artifact as far as it is one, also inside a source file's `ir`."""
        outer = self.document if isinstance(self.document, dict) else {}
        inner = outer.get("ir")
        return inner if isinstance(inner, dict) else outer


@dataclass
class Gathered:
    """What was found: graphs, files that are something else, and what could not be read."""

    inputs: list[Input] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)


def read(path: str) -> Input:
    """One source. Raises Unreadable."""
    if path == STDIN:
        return Input(STDIN_NAME, _decode(STDIN_NAME, _stdin()))
    try:
        return Input(path, _decode(path, Path(path).read_bytes()))
    except (OSError, ValueError) as error:
        raise Unreadable(_why(path, error)) from error


def gather(paths: Iterable[str]) -> Gathered:
    """Every graph of the given files and folders, each once, in order."""
    found = Gathered()
    seen: set[str] = set()
    for path in paths:
        is_folder = path != STDIN and Path(path).is_dir()
        for name in _files(path) if is_folder else [path]:
            key = _identity(name)
            if key not in seen:
                seen.add(key)
                _add(found, name, is_folder)
    return found


def _identity(name: str) -> str:
    """The same for two names of one file; of a name that no file can have, the name."""
    try:
        return name if name == STDIN else os.path.realpath(name)
    except ValueError:
        return name


def _add(found: Gathered, name: str, listed: bool) -> None:
    """A file that was merely listed in a folder may be something else; one that was named is a graph."""
    try:
        source = read(name)
    except Unreadable as error:
        found.problems.append(error.message)
        return
    if listed and name.endswith(PYTHON):
        found.inputs += [source] if is_flow(source.text) else []
    elif listed and not looks_like_a_graph(source):
        found.skipped += 1
    else:
        found.inputs.append(source)


def is_flow(text: str) -> bool:
    """Whether a text looks like Python that builds a workflow."""
    return _IMPORT.search(text) is not None and _FLOW.search(text) is not None


def looks_like_a_graph(source: Input) -> bool:
    """A broken graph must not pass for something else: where it cannot be read, the words are enough."""
    if source.document is None:
        return '"entryNodeId"' in source.text or '"nodes"' in source.text
    return "nodes" in source.graph and not source.graph.keys().isdisjoint({"edges", "entryNodeId", "metadata"})


def _files(folder: str) -> Iterator[str]:
    for root, folders, names in os.walk(folder, onerror=None):
        folders[:] = sorted(name for name in folders if name not in _IGNORED_FOLDERS and not name.startswith("."))
        yield from (str(Path(root, name)) for name in sorted(names) if name.endswith(SUFFIXES))


def _stdin() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise Unreadable("standard input is closed")
    return sys.stdin.buffer.read()


def _decode(name: str, data: bytes) -> str:
    """UTF-8; the mark that some editors put in front is no part of the text."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name}: is not UTF-8 text (byte {error.start})") from error


def _why(path: str, error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return f"{path}: is a folder; give one file{_such_as(path)}"
    return f"{path}: {reason(error).removeprefix(f'{path}: ')}" if isinstance(error, OSError) else f"{path!r}: {error}"


def _such_as(folder: str) -> str:
    """One graph that lies in the folder itself."""
    with suppress(OSError, Unreadable):
        for path in sorted(Path(folder).glob("*.json")):
            if path.is_file() and looks_like_a_graph(read(str(path))):
                return f", such as {path}"
    return ""
