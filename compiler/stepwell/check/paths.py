"""References to paths that a value is known not to have (`{{order.totl}}`), told with what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stepwell.check.custom import INPUT
from stepwell.check.fields import Fields
from stepwell.check.shapes import Shapes
from stepwell.check.values import Arr, CodeValue, Lit, Obj, Ref, Text, Use, Value
from stepwell.diagnostics import Diagnostic, SnippetPosition, pointer
from stepwell.diagnostics import codes as c
from stepwell.javascript.names import is_identifier
from stepwell.javascript.shapes import Shape, follow

if TYPE_CHECKING:
    from stepwell.check.analysis import Analysis


Keys = tuple[str | int, ...]


class Read(NamedTuple):
    """A path that is read of something of the graph. `at` leads to its place from the node's data; `code` is the code
    it stands in, `offset` where in it."""

    use: Use
    name: str
    path: Keys
    at: Keys
    code: CodeValue | None = None
    offset: int = 0


def shapes_of(analysis: Analysis) -> Shapes:
    """The forms of what names stand for."""
    script = analysis.document.source.ir.kind == "script"
    return Shapes(analysis.flow.kinds, analysis.data, analysis.fields, script)


def unknown_paths(analysis: Analysis, vertices: Sequence[int]) -> Iterator[Diagnostic]:
    """The warnings about paths that do not exist."""
    shapes, nodes, kinds = shapes_of(analysis), analysis.flow.nodes, analysis.flow.kinds
    for vertex in vertices:
        for at, raw, value in _placed(nodes[vertex].data, analysis.fields[vertex], kinds[vertex].custom is not None):
            for read in reads_of(value, at, raw, analysis):
                shape = shapes.of_use(read.use)
                if shape.types and follow(shape, read.path)[0] is None:
                    place = analysis.document.base + pointer("nodes", vertex, "data", *read.at)
                    yield _unknown(read, shape, place, nodes[vertex].id)


def _placed(data: dict[str, Any], fields: Fields, custom: bool) -> Iterator[tuple[Keys, Any, Value]]:
    """A node's fields that read something: where each stands in its data, what stands there, what it is read as."""
    for name, value in fields.items():
        if type(value) is Lit:
            continue
        if custom and isinstance(value, Obj):
            # What the definition calls config and inputs are keys of the data itself.
            keys = [(INPUT + key if name == "inputs" else key, inner) for key, inner in value.entries]
            yield from (((key,), data.get(key), inner) for key, inner in keys)
        elif name.startswith("arms/"):
            number = int(name[5:])
            yield ("branches", number, "condition"), data["branches"][number].get("condition"), value
        else:
            yield (name,), data.get(name), value


def reads_of(value: Value, at: Keys, raw: Any, analysis: Analysis) -> Iterable[Read]:
    """Every path that a field's value reads, with its place."""
    return _of_code(value, at, analysis) if type(value) is CodeValue else _reads_of(value, at, raw, analysis)


def _reads_of(value: Value, at: Keys, raw: Any, analysis: Analysis) -> Iterator[Read]:
    """Not recursive."""
    names = analysis.flow.nodes
    stack: list[tuple[Value, Keys, Any]] = [(value, at, raw)]
    while stack:
        here, place, given = stack.pop()
        if isinstance(here, Obj):
            # JSON that is written as text is one place.
            inside = given if isinstance(given, dict) else {}
            stack += [(v, (*place, k) if inside else place, inside.get(k)) for k, v in reversed(here.entries)]
        elif isinstance(here, Arr):
            items = given if isinstance(given, list) else []
            stack += [(v, (*place, i) if items else place, items[i] if items else None)
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


def _of_code(code: CodeValue, at: Keys, analysis: Analysis) -> Sequence[Read]:
    """Reads of code. A value that the code writes into is its own from there on; local names are not followed, for they
    may stand for something else too."""
    holes, named, nodes = code.holes, code.names, analysis.flow.nodes
    if not holes and not named:
        return ()
    text, own = code.facts.text, code.facts.mutated | code.facts.assigned
    roots: dict[int, tuple[str, Use, str, Keys]] = {
        start: (text[start:end], ref.use, _name(ref.use, nodes), ref.path) for start, end, ref in holes
    }
    roots |= {one.name.start: (one.name.name, one.use, one.name.name, ()) for one in named}
    chains: list[tuple[int, Keys]] = [(m.start, m.path) for m in code.facts.members if m.start in roots]
    chains += [(hole.start, ()) for hole in holes]
    chains.sort(key=_longest_first)
    found: list[Read] = []
    said: set[tuple[str, Keys]] = set()
    for start, path in chains:
        root, use, name, before = roots[start]
        if (before or path) and root not in own and (root, path) not in said:
            said.add((root, path))
            found.append(Read(use, name, (*before, *path), at, code, start))
    for hole in holes:
        default = hole.ref.default
        while isinstance(default, Ref):
            found.append(Read(default.use, _name(default.use, nodes), default.path, at, code, hole.start))
            default = default.default
    return found


def _longest_first(chain: tuple[int, Keys]) -> tuple[int, int]:
    return chain[0], -len(chain[1])


def _name(use: Use, nodes: Any) -> str:
    return str(nodes[use.vertex].id) if use.kind == "node" else _WORDS.get(use.kind, use.kind)


_WORDS = {"error": "err", "output": "_output", "item": "the item", "index": "the index"}


def _unknown(read: Read, shape: Shape, place: str, reader: str) -> Diagnostic:
    from difflib import get_close_matches

    number = follow(shape, read.path)[1]
    holder = follow(shape, read.path[:number])[0] or shape
    key, path = str(read.path[number]), dotted(read.path[:number])
    fields = [name for name, _ in holder.fields]
    what = f"`{read.name}{path}`"
    has = f"it has {', '.join(f'`{name}`' for name in fields[:8])}" if fields else f"it is {_kind(holder)}"
    close = get_close_matches(key, fields, 1, 0.6) or [name for name in fields if name.lower() == key.lower()]
    within = SnippetPosition(*read.code.position(read.offset)) if read.code is not None else None
    hint = f"Did you mean `{read.name}{path}{dotted((close[0],))}`?" if close else _elsewhere(read, shape, number)
    said = f"{what} has no `{key}`; {has}{' …' if len(fields) > 8 else ''}"
    return Diagnostic(c.UNKNOWN_PATH, said, place, reader, hint, within)


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
