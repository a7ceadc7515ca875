"""What the rest of a module asks of a statement of its body: which names it holds, and what its steps are like."""

from __future__ import annotations

from stepwell.emit import walk
from stepwell.emit.printer import Printer
from stepwell.emit.requests import asked, tried
from stepwell.javascript import Js
from stepwell.lower.names import is_like_helper
from stepwell.lower.program import Statement


def printed(printer: Printer, statement: Statement) -> tuple[Js, object]:
    """A statement, and what the rest of the module asks of it.

    Where that is the same for two statements, one can be printed in the place of the other, and all else stays.
    """
    found = walk.search((statement,))
    free = {free.name for facts in found.facts.values() for free in facts.free if is_like_helper(free.name)}
    names = {name for name in found.names if name is not None and is_like_helper(name)}
    before = printer.names.asked
    printer.names.asked = set()
    js = printer.statement(statement)
    wanted, printer.names.asked = printer.names.asked, before
    return js, (free, names, wanted, asked(found.steps, printer.script), tried(found.steps))
