"""References to paths that a value is known not to have (`{{order.totl}}`), told with what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from stepwell.check.custom import INPUT
from stepwell.check.fields import Fields
from stepwell.check.shapes import Shapes
from stepwell.check.values import Arr, CodeValue, Obj, Ref, Text, Use, Value
from stepwell.diagnostics import Diagnostic, SnippetPosition, pointer
from stepwell.diagnostics import codes as c
from stepwell.javascript.names import is_identifier
from stepwell.javascript.shapes import Shape, follow

if TYPE_CHECKING:
    from stepwell.check.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Read:
    """A path that is read of something of the graph. `code` is the code it stands in, `offset` where in it."""

    use: Use
    name: str
    path: tuple[str | int, ...]
    pointer: str
    code: CodeValue | None = None
    offset: int = 0


def shapes_of(analysis: Analysis) -> Shapes:
    """The forms of what names stand for."""
    script = analysis.document.source.ir.kind == "script"
    return Shapes(analysis.flow.kinds, analysis.data, analysis.fields, script)


def unknown_paths(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    """The warnings about paths that do not exist."""
    shapes = shapes_of(analysis)
    for vertex in vertices:
        fields = analysis.fields[vertex]
        base = analysis.document.base + pointer("nodes", vertex, "data")
        given = analysis.flow.nodes[vertex].data
        for at, raw, value in _placed(base, given, fields, analysis.flow.kinds[vertex].custom is not None):
            for read in reads_of(value, at, raw, analysis):
                shape = shapes.of_use(read.use)
                if shape.types:
                    found = _unknown(read, shape, analysis.flow.nodes[vertex].id)
                    if found is not None:
                        yield found


def _placed(base: str, data: dict[str, Any], fields: Fields, custom: bool) -> Iterator[tuple[str, Any, Value]]:
    """A node's fields: where each stands in the file, what stands there, and what it is read as."""
    for name, value in fields.items():
        if custom and isinstance(value, Obj):
            # What the definition calls config and inputs are keys of the data itself.
            keys = [(INPUT + key if name == "inputs" else key, inner) for key, inner in value.entries]
            yield from ((base + pointer(key), data.get(key), inner) for key, inner in keys)
        elif name.startswith("arms/"):
            number = int(name[5:])
            arm = data["branches"][number]
            yield base + pointer("branches", number, "condition"), arm.get("condition"), value
        else:
            yield base + pointer(name), data.get(name), value


def reads_of(value: Value, at: str, raw: Any, analysis: Analysis) -> Iterator[Read]:
    """Every path that a field's value reads, with its place. Not recursive."""
    names = analysis.flow.nodes
    stack: list[tuple[Value, str, Any]] = [(value, at, raw)]
    while stack:
        here, place, given = stack.pop()
        if isinstance(here, Obj):
            # JSON that is written as text is one place.
            inside = given if isinstance(given, dict) else {}
            stack += [(v, place + pointer(k) if inside else place, inside.get(k)) for k, v in reversed(here.entries)]
        elif isinstance(here, Arr):
            items = given if isinstance(given, list) else []
            stack += [(v, place + pointer(i) if items else place, items[i] if items else None)
                      for i, v in reversed(list(enumerate(here.items)))]  # fmt: skip
        elif isinstance(here, Text):
            stack += [(part, place, given) for part in reversed(here.parts) if not isinstance(part, str)]
        elif isinstance(here, CodeValue):
            yield from _of_code(here, place, analysis)
        elif isinstance(here, Ref):
            if here.path:
                yield Read(here.use, _name(here.use, names), here.path, place)
            if here.default is not None:
                stack.append((here.default, place, given))


def _of_code(code: CodeValue, place: str, analysis: Analysis) -> Iterator[Read]:
    """Reads of code. A value that the code writes into is its own from there on; local names are not followed, for they
    may stand for something else too."""
    facts, nodes = code.facts, analysis.flow.nodes
    roots: dict[str, tuple[Use, str, tuple[str | int, ...]]] = {
        facts.text[hole.start : hole.end]: (hole.ref.use, _name(hole.ref.use, nodes), hole.ref.path)
        for hole in code.holes
    }
    roots |= {named.name.name: (named.use, named.name.name, ()) for named in code.names}
    at = {hole.start for hole in code.holes} | {named.name.start for named in code.names}
    chains = [(m.root, m.path, m.start) for m in facts.members if m.start in at]
    chains += [(facts.text[hole.start : hole.end], (), hole.start) for hole in code.holes]
    said: set[tuple[str, tuple[str | int, ...]]] = set()
    for root, path, offset in sorted(chains, key=lambda one: (one[2], -len(one[1]))):
        if root not in roots or root in facts.mutated or root in facts.assigned:
            continue
        use, name, before = roots[root]
        if (root, path) not in said and (before or path):
            said.add((root, path))
            yield Read(use, name, (*before, *path), place, code, offset)
    for hole in code.holes:
        default = hole.ref.default
        while isinstance(default, Ref):
            yield Read(default.use, _name(default.use, nodes), default.path, place, code, hole.start)
            default = default.default


def _name(use: Use, nodes: Any) -> str:
    return str(nodes[use.vertex].id) if use.kind == "node" else _WORDS.get(use.kind, use.kind)


_WORDS = {"error": "err", "output": "_output", "item": "the item", "index": "the index"}


def _unknown(read: Read, shape: Shape, reader: str) -> Diagnostic | None:
    found, number = follow(shape, read.path)
    if found is not None:
        return None
    holder = follow(shape, read.path[:number])[0] or shape
    key, path = str(read.path[number]), dotted(read.path[:number])
    fields = [name for name, _ in holder.fields]
    what = f"`{read.name}{path}`"
    has = f"it has {', '.join(f'`{name}`' for name in fields[:8])}" if fields else f"it is {_kind(holder)}"
    close = get_close_matches(key, fields, 1, 0.6) or [name for name in fields if name.lower() == key.lower()]
    place = SnippetPosition(*read.code.position(read.offset)) if read.code is not None else None
    hint = f"Did you mean `{read.name}{path}{dotted((close[0],))}`?" if close else _elsewhere(read, shape, number)
    said = f"{what} has no `{key}`; {has}{' …' if len(fields) > 8 else ''}"
    return Diagnostic(c.UNKNOWN_PATH, said, read.pointer, reader, hint, place)


def _elsewhere(read: Read, shape: Shape, number: int) -> str | None:
    """One level deeper: AwaitStep's `{{loop.x}}` is `{{loop.output.x}}`, and `event.x` is `event.payload.x`."""
    if number or read.use.kind == "item":
        return None
    for outer in ("payload", "output"):
        if shape.field(outer) is not None:
            return f"Did you mean `{read.name}.{outer}{dotted(read.path)}`?"
    return None


def _kind(shape: Shape) -> str:
    kinds = sorted(shape.types)
    if kinds == ["object"]:
        return "an object without fields"
    return " or ".join(("an " if kind[0] in "aou" else "a ") + kind for kind in kinds)


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as it is written behind a root."""
    return "".join(_step(key) for key in path)


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    import json

    return f".{key}" if is_identifier(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
