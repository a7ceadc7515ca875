"""What the rest of a module asks of a statement of its body: which names it holds, and what its steps are like."""

from __future__ import annotations

from stepwell.emit import walk
from stepwell.emit.printer import Printer
from stepwell.emit.requests import asked, tried
from stepwell.lower.names import is_like_helper
from stepwell.lower.program import Statement


def told(statement: Statement, script: bool) -> object:
    """What the rest of a module asks of a statement, apart from the names that its print asks for.

    Where both are the same for two statements, one can be printed in the place of the other, and all else stays.
    """
    found = walk.search((statement,))
    free = {free.name for facts in found.facts.values() for free in facts.free if is_like_helper(free.name)}
    names = {name for name in found.names if name is not None and is_like_helper(name)}
    return free, names, asked(found.steps, script), tried(found.steps)


def alike(old: Printer, new: Printer, wanted: frozenset[str]) -> bool:
    """Whether two printers print a statement that asks for some names alike."""
    return all(str(old.names.name(name)) == str(new.names.name(name)) for name in wanted)


def same_module(old: Printer, new: Printer) -> bool:
    """Whether what statements are told of their module, apart from names, is the same."""
    run = str(old.context["run"]) == str(new.context["run"])
    return run and all(old.context[key] == new.context[key] for key in ("asked", "tried", "script", "ts"))
