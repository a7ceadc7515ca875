"""The names that the scaffold of a module takes: helpers, constants, imports."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

from stepwell.emit import walk
from stepwell.javascript import GLOBALS, RESERVED, Js, identifier
from stepwell.lower.names import HELPERS
from stepwell.lower.program import Code, Program

IMPORTS: Final = {
    "WorkflowEntrypoint": "cloudflare:workers",
    "WorkflowEvent": "cloudflare:workers",
    "WorkflowStep": "cloudflare:workers",
    "NonRetryableError": "cloudflare:workflows",
}
"""What the runtime's own modules give; the user's code means the same by these names, so it may use them."""


class Names:
    """`names.request` is the helper `request` under its name in this module. Asking marks it as used."""

    def __init__(self, program: Program, found: walk.Found | None = None) -> None:
        self._module = walk.module_names(program)
        found = found or walk.search(program.body)
        free = {name.name for facts in found.facts.values() for name in facts.free} | _free(program.trigger)
        declared = {name for name in found.names if name is not None}
        self._bound = declared | self._module.keys() | {program.class_name, "Env", "runGraph"}
        self._taken = self._bound | free | program.taken | RESERVED | GLOBALS | IMPORTS.keys()
        self._given: dict[str, Js] = {}
        self.asked: set[str] = set()
        """What was asked for; whoever wants to know what a part of the module asks for may empty it."""
        if "NonRetryableError" in free - self._bound:
            self._given["NonRetryableError"] = identifier("NonRetryableError")

    def __getattr__(self, wanted: str) -> Js:
        if wanted.startswith("_") or (wanted not in HELPERS and wanted not in IMPORTS):
            raise AttributeError(wanted)
        self.asked.add(wanted)
        if wanted not in self._given:
            self._given[wanted] = identifier(self._choose(wanted))
        return self._given[wanted]

    def used(self, wanted: str) -> bool:
        """Whether something that is printed asked for this name."""
        return wanted in self._given

    def name(self, wanted: str) -> Js:
        """The name that `wanted` goes by in this module."""
        return self.__getattr__(wanted)

    def imports(self, module: str) -> list[str]:
        """What the printed module must import itself: it is used, and the user does not import it."""
        wanted = [name for name, home in IMPORTS.items() if home == module and name in self._given]
        return [name for name in wanted if self._module.get(name) != module]

    def alias(self, wanted: str) -> bool:
        """Whether an import goes by another name, because the user's module code has this one."""
        return str(self._given[wanted]) != wanted

    def _choose(self, wanted: str) -> str:
        if wanted in IMPORTS and (wanted not in self._bound or self._module.get(wanted) == IMPORTS[wanted]):
            return wanted
        name = next(name for name in _candidates(wanted) if name not in self._taken)
        self._taken = self._taken | {name}
        return name


def _free(code: Code | None) -> set[str]:
    return {name.name for name in code.facts.free} if code is not None else set()


def _candidates(wanted: str) -> Iterator[str]:
    yield wanted
    yield from (f"{wanted}{number}" for number in count(2))
