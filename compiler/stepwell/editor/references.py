"""References to nodes, where they stand: in braces by the scanner, in code by the parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from stepwell.editor.draft import Draft
from stepwell.editor.edits import Path, Spot, codes, refuse, strings, users, way_of
from stepwell.editor.scope import code_name, is_taken
from stepwell.graph.data import LoopData, StepData
from stepwell.graph.expressions import Reference
from stepwell.javascript import FreeName
from stepwell.javascript.names import is_name


@dataclass(frozen=True, slots=True)
class Braces:
    """`{{root.path}}`, or a default in it: `reference` is this part, and its root stands at `at`."""

    vertex: int
    path: Path
    text: str
    reference: Reference
    at: int


@dataclass(frozen=True, slots=True)
class Named:
    """A name in code of `vertex` that stands for the node `target` (None: for no node). `begin` is where it stands."""

    vertex: int
    path: Path | None
    name: FreeName
    begin: int
    target: int | None
    where: str


def braces(made: Draft, vertices: Iterable[int] | None = None) -> Iterator[Braces]:
    """Every reference in braces, in strings of nodes' data at any depth."""
    for vertex in users(made) if vertices is None else vertices:
        for path, text in strings(made.flow.nodes[vertex].data):
            if "{{" in text:
                for found in made.scanner.scan(text)[0]:
                    here: object = found
                    at = _behind_blanks(text, found.start + 2)
                    while isinstance(here, Reference):
                        yield Braces(vertex, path, text, here, at)
                        here = here.default
                        at = here.at if isinstance(here, Reference) else -1


def _behind_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def names(made: Draft, vertices: Iterable[int] | None = None) -> Iterator[Named]:
    """Every free name in code, with the node it stands for."""
    for vertex in users(made) if vertices is None else vertices:
        for code in codes(made, vertex):
            holes = {hole.start for hole in code.holes}
            for name in code.facts.free:
                if name.start not in holes:
                    way = way_of(code, made, vertex)
                    target = named(made, vertex, name)
                    yield Named(vertex, way, name, code.begin + name.start, target, code.pointer)


def named(made: Draft, vertex: int, name: FreeName) -> int | None:
    """The node that a free name in code of `vertex` stands for."""
    data = made.data[vertex]
    turn = vertex if isinstance(data, LoopData) and data.loopType == "while" else None
    if name.name in made.names or name.name == "step" or made.scope.local(name.name, vertex, turn) is not None:
        return None
    target = made.scope.node_named(name.name)
    if target is None or not made.flow.kinds[target].value or (target == vertex and name.write):
        return None
    return target


def spot(of: Named, text: str) -> Spot:
    """The name written otherwise. Raises `Refusal` where it stands in JSON that is text itself."""
    if of.path is None:
        raise refuse(
            f"the code that names `{of.name.name}` stands inside JSON that is written as text",
            None,
            f"write `{{{{…}}}}` instead of `{of.name.name}` there",
            of.where,
        )
    shown = f"{of.name.name}: {text}" if of.name.shorthand else text
    return Spot(of.vertex, of.path, of.begin, of.begin + of.name.end - of.name.start, shown)


def kept_names(before: Draft, after: Draft, prefer: Literal["id", "name"]) -> Iterator[Spot]:
    """New words for the names in code that stand for another node in `after`: same nodes, other ids or names."""
    for one in names(before):
        now = named(after, one.vertex, one.name)
        if one.target is not None and now != one.target:
            yield spot(one, word_for(after, one.target, one.vertex, prefer))


def word_for(made: Draft, target: int, reader: int, prefer: Literal["id", "name"]) -> str:
    """What code of `reader` calls the node `target`: an identifier, or its braces."""
    node_id = made.flow.nodes[target].id
    if prefer == "id" and is_name(node_id) and not is_taken(made, node_id, reader):
        return node_id
    return code_name(made, target, reader) or f"{{{{{node_id}}}}}"


def own_constant(made: Draft, vertex: int) -> str | None:
    """The constant of its own name that is the value of an inline step, or of a script's, that returns nothing."""
    data, code = made.data[vertex], made.fields[vertex].get("code")
    if not isinstance(data, StepData) or not (data.inline or made.script) or code is None:
        return None
    [body] = list(codes(made, vertex))
    if body.facts.returns:
        return None
    from stepwell.check.naming import identifier_of

    node = made.flow.nodes[vertex]
    short = identifier_of(node.name)
    own = (short, short.rstrip("_"), node.id, node.name)
    return next((name for name in own if name in body.facts.declared), None)
