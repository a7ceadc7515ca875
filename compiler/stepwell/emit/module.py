"""The printing of a whole module: from the `Program` to text that knows where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote as percent

from stepwell.emit.comments import doc_comment
from stepwell.emit.environment import module, render
from stepwell.emit.names import HELPERS, Names
from stepwell.emit.printer import Printer
from stepwell.javascript import Js, Mapping, Snippet, flatten, place, quote
from stepwell.lower.program import Code, Handler, Piece, Program, Settings

Language = Literal["ts", "js"]


@dataclass(frozen=True, slots=True)
class Emitted:
    """The text of a Worker, and which places of it came from which of the user's texts."""

    text: str
    mappings: tuple[Mapping, ...]


def emit(program: Program, language: Language) -> Emitted:
    """Print a program as one module. `ts` differs from `js` by type annotations only."""
    printed = flatten(_Module(program, language).print())
    return Emitted(printed.text, printed.mappings)
