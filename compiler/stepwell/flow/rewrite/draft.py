"""What is known in one round of a change: the reading, the graph that is wanted, the names that can be used."""

from __future__ import annotations

import re

import libcst as cst

from stepwell.flow.phrases import Phrases, literal
from stepwell.flow.reader import NodeSite, Reading
from stepwell.flow.reader import _Exported as Exported
from stepwell.flow.reader import _Room as Room
from stepwell.flow.rewrite.plan import Json, Plan, Refused
from stepwell.flow.splices import Splice
from stepwell.flow.writer import NodePrinter, cleaned, words_of


class Draft:
    """A change as it stands in one round: what is there, what is wanted, and the splices made so far.

    `at` is the offset of what is written next: names that are given behind it mean nothing there yet. `closed` are
    the arguments that could not be read from the start, `fresh` the names given in this round, `gone` the statements
    taken out in it.
    """

    def __init__(
        self, reading: Reading, target: Json, plan: Plan, number: int, closed: frozenset[tuple[str, str]] = frozenset()
    ) -> None:
        assert reading.document is not None and reading.root is not None and reading.flow is not None
        self.reading, self.plan, self.number, self.closed = reading, plan, number, closed
        self.text, self.spans, self.flow, self.root = reading.text, reading.spans, reading.flow, reading.root
        self.target, self.artifact = target, target.get("ir", target)
        self.now = cleaned(reading.document)
        self.now_artifact = self.now.get("ir", self.now)
        self.wanted: dict[str, Json] = {node["id"]: node for node in self.artifact["nodes"]}
        self.sites = {str(site.handle.id): site for site in reading.sites}
        if len(self.wanted) != len(self.artifact["nodes"]) or len(self.sites) != len(reading.sites):
            raise Refused("Two nodes have the same id; give each its own.")
        self.ids = list(self.sites)
        self.newline = reading.module.default_newline
        self.step = reading.module.default_indent
        self.phrases = Phrases(frozenset(self.wanted), words_of(self.artifact["nodes"]))
        self.phrases.known_as = _known_as(self.reading)
        self.at = 0
        defaults = {key: self.flow._defaults.get(key) for key in ("version", "provider")}
        self.printer = NodePrinter(self.phrases, self.refer, defaults)
        self.made: list[Splice] = []
        self.taken = set(reading.names)
        self.fresh: dict[str, str] = {}
        self.gone: set[int] = set()

    def refer(self, id: str) -> str:
        """A node as an argument names it: its variable, else its id."""
        site = self.sites.get(id)
        name = self.name_of(site) if site is not None else None
        return name if name is not None else literal(id)

    def name_of(self, site: NodeSite | None) -> str | None:
        """The variable of a node, where it stands for it at `at`."""
        if site is None or site.statement.name is None:
            return None
        name = site.statement.name
        is_it = self.reading.names.get(name) is site.handle
        return name if is_it and self.spans.of(site.statement.cst).start < self.at else None

    def free_name(self, id: str) -> str:
        """A new variable for a node; it is taken from then on."""
        import keyword

        word = re.sub(r"[^A-Za-z0-9_]+", "_", id).strip("_")
        word = word if word and not word[0].isdigit() else f"node_{word}".rstrip("_")
        name, number = word, 1
        while name in self.taken or keyword.iskeyword(name) or name in ("flow", self.root.name):
            number += 1
            name = f"{word}_{number}"
        self.taken.add(name)
        return name

    def ensure_name(self, site: NodeSite) -> str:
        """The variable of a node; it gets one where it has none."""
        statement, id = site.statement, str(site.handle.id)
        if statement.name is not None:
            if self.reading.names.get(statement.name) is not site.handle:
                raise Refused(f"The name `{statement.name}` stands for something else too.", statement.cst)
            return statement.name
        if id not in self.fresh:
            name = self.fresh[id] = self.free_name(id)
            if isinstance(statement.cst, cst.With):
                end = self.spans.of(statement.call).end
                self.made.append(Splice(end, end, f" as {name}"))
            else:
                start = self.spans.of(statement.call).start
                self.made.append(Splice(start, start, f"{name} = "))
        return self.fresh[id]


def _known_as(reading: Reading) -> dict[str, str]:
    """How the file calls what `stepwell.flow` exports."""
    known: dict[str, str] = {}
    rooms = [name for name, value in reading.names.items() if isinstance(value, Room)]
    for name, value in reading.names.items():
        if isinstance(value, Exported) and (value.name not in known or name == value.name):
            known[value.name] = name
    if rooms and not known:
        value = reading.names[rooms[0]]
        prefix = rooms[0] if isinstance(value, Room) and value.part != "stepwell" else f"{rooms[0]}.flow"
        import stepwell.flow as door

        known = {name: f"{prefix}.{name}" for name in door.__all__}
    return known
