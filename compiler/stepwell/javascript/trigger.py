"""Custom trigger code: a body for `fetch`, or functions that say by an annotation which handler they are.

Annotations are no JavaScript. Each `@word` is replaced by blanks of its length and what remains is parsed;
where it then turns out that an `@word` stood in a string, a template, a regular expression or a comment, or
decorates a class, it was none and is put back. So the tree decides, and every offset stays the author's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from stepwell.javascript.cache import Cache
from stepwell.javascript.code import OPAQUE, best_tree, facts_of, half_pair, opaque_ranges, parse
from stepwell.javascript.config import QueueConfig, read_config
from stepwell.javascript.facts import Facts, Fault, Import, Kind, fault
from stepwell.javascript.literals import name_of
from stepwell.javascript.scopes import DECLARED_FUNCTIONS
from stepwell.javascript.tree import COMMENTS, Tree

HandlerKind = Literal["fetch", "queue", "scheduled"]
Range = tuple[int, int]

HANDLERS: Final[dict[str, HandlerKind]] = {"fetch": "fetch", "queue": "queue", "scheduled": "scheduled"}
SHAPES: Final = {
    "fetch": "@fetch function handler(request, env, ctx) { … }",
    "queue": "@queue function NAME(batch, env, ctx) { … }",
    "scheduled": "@scheduled function NAME(controller, env, ctx) { … }",
}
CLASSES: Final = frozenset({"class_declaration", "abstract_class_declaration", "class", "class_body"})
MAX_QUEUE_NAME: Final = 63
MAX_ANNOTATIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Handler:
    """An annotated function, the annotation included in `start` and `end`.

    `parameters_range` is what stands between the parentheses (`parameters` is its text, types and defaults
    included), `body_range` what stands between the braces. `@config` is blank in `TriggerCode.facts.text`.
    """

    kind: HandlerKind
    name: str
    start: int
    end: int
    parameters: str
    parameters_range: Range
    untyped: tuple[tuple[int, int], ...]
    """Parameters with neither a type nor a default: where each ends, and its place among them (from 0)."""
    body_range: Range
    is_async: bool
    config: QueueConfig | None
    line: int
    result_range: Range | None = None
    """The type that the function returns as it is written, the colon left out."""
    promises: bool = False
    """That type is a `Promise<…>`."""


@dataclass(frozen=True, slots=True)
class TriggerCode:
    """Trigger code, understood. `facts.text` is the text with its annotations blanked, offsets unchanged."""

    form: Literal["body", "declarations"]
    handlers: tuple[Handler, ...]
    pieces: tuple[Range, ...]
    """What stands between the handlers and imports: the module's own code."""
    imports: tuple[Import, ...]
    facts: Facts
    faults: tuple[Fault, ...]
    language: Literal["js", "ts"]


_KNOWN: Final[Cache[TriggerCode]] = Cache()


@dataclass(frozen=True, slots=True)
class _Annotation:
    word: str
    start: int
    end: int


def parse_trigger(text: str) -> TriggerCode:
    """Understand trigger code. Never raises: what is wrong is in `faults`."""
    return _KNOWN.get(text, None, lambda: _understood(text))


def _understood(text: str) -> TriggerCode:
    words = [] if half_pair(text) >= 0 else list(_candidates(text))
    if not words:
        return _body(text)
    tree = best_tree(_blanked(text, words), Kind.MODULE)
    opaque = sorted(opaque_ranges(tree, (row for row, kind in enumerate(tree.kinds) if kind in OPAQUE)))
    found = [word for word in words if _is_annotation(tree, word, opaque)][:MAX_ANNOTATIONS]
    if not found:
        return _body(text)
    if len(found) != len(words):
        tree = best_tree(_blanked(text, found), Kind.MODULE)
    return _Declarations(text, tree, found).result()


def queue_name(identifier: str) -> str:
    """The queue that `@queue function identifier` consumes: lower case, words split by hyphens."""
    out: list[str] = []
    for before, ch in zip(" " + identifier, identifier, strict=False):
        if ch.isupper() and (before.islower() or before.isdigit()):
            out.append("-")
        out.append(ch.lower() if ch.isascii() and ch.isalnum() else "-")
    return "-".join(part for part in "".join(out).split("-") if part)


def _body(text: str) -> TriggerCode:
    facts = parse(text, Kind.BODY)
    faults = (*facts.faults, *_export_faults(facts))
    return TriggerCode("body", (), (), facts.imports, facts, faults, facts.language)


def _export_faults(facts: Facts) -> Iterator[Fault]:
    nested = {found.start for found in facts.faults}
    for start in facts.exports:
        if start not in nested:
            message = "trigger code exports nothing: the compiler writes the exports; leave `export` out"
            yield fault(facts.text, start, message, "export")


# -- annotations -------------------------------------------------------------------------------------------


def _candidates(text: str) -> Iterator[_Annotation]:
    at = text.find("@")
    while at >= 0:
        end = at + 1
        while end < len(text) and (text[end].isalnum() or text[end] in "_$"):
            end += 1
        if end > at + 1:
            yield _Annotation(text[at + 1 : end], at, end)
        at = text.find("@", end)


def _blanked(text: str, found: list[_Annotation]) -> str:
    """The text without its annotations. After `void` the object of `@config` is an expression."""
    pieces: list[str] = []
    at = 0
    for word in found:
        cover = "void" if word.word == "config" else ""
        pieces += [text[at : word.start], cover.ljust(word.end - word.start)]
        at = word.end
    return "".join((*pieces, text[at:]))


def _is_annotation(tree: Tree, word: _Annotation, opaque: list[tuple[int, int, str]]) -> bool:
    place = bisect_right(opaque, (word.start, len(tree.text), "")) - 1
    if place >= 0 and word.start < opaque[place][1]:
        return False
    if word.word in HANDLERS or word.word == "config":
        return True
    row = _row_after(tree, word.end)
    return row < 0 or not _in_class(tree, row)


def _row_after(tree: Tree, offset: int) -> int:
    """The outermost node that begins with the first token at or after an offset, or -1."""
    row = bisect_left(tree.starts, offset, 1)
    while row < len(tree.starts) and tree.kinds[row] in COMMENTS:
        row += 1
    return row if row < len(tree.starts) else -1


def _in_class(tree: Tree, row: int) -> bool:
    """Whether the node is a class or one of its members: then an `@word` before it is a decorator."""
    return tree.kinds[row] in CLASSES or tree.kinds[tree.parents[row]] in CLASSES


# -- declarations ------------------------------------------------------------------------------------------


class _Declarations:
    """Trigger code with annotated functions."""

    def __init__(self, text: str, tree: Tree, found: list[_Annotation]) -> None:
        self.text = text
        self.faults: list[Fault] = []
        self.configs: dict[int, QueueConfig] = {}
        self.tree = self._configure(tree, found)
        self.handlers: list[Handler] = []
        self.functions: list[int] = []
        for word in found:
            if word.word != "config":
                self._annotated(word)

    def result(self) -> TriggerCode:
        """Everything together, the faults in the order of the text."""
        tree = self.tree
        facts = facts_of(tree, Kind.MODULE, self.functions)
        if not tree.broken:
            self._check()
        faults = sorted({*facts.faults, *self.faults, *_export_faults(facts)}, key=lambda one: one.start)
        imports, pieces = facts.imports, tuple(self._pieces(facts))
        return TriggerCode(
            "declarations", tuple(self.handlers), pieces, imports, facts, tuple(faults[:10]), facts.language
        )

    def _fault(self, at: int, message: str, code: str = "annotation") -> None:
        self.faults.append(fault(self.text, at, message, code))

    # -- @config -------------------------------------------------------------------------------------------

    def _configure(self, tree: Tree, found: list[_Annotation]) -> Tree:
        """Read the `@config` blocks, and blank them out of the text that is compiled."""
        configs = [word for word in found if word.word == "config"]
        holes = [hole for word in configs if (hole := self._config(tree, word, found))]
        if not holes:
            return tree
        text = tree.text
        for start, end in holes:
            blank = "".join(ch if ch in "\r\n" else " " for ch in text[start:end])
            text = text[:start] + blank + text[end:]
        return best_tree(text, Kind.MODULE)

    def _config(self, tree: Tree, word: _Annotation, found: list[_Annotation]) -> Range | None:
        """Note the configuration of the function it stands in; the range to blank, or None."""
        block = _object_after(tree, word.end)
        if block is None:
            self._fault(word.start, "`@config` needs an object: `@config { max_batch_size: 10 }`")
            return None
        config, faults = read_config(self.text, *block)
        self.faults += faults
        self._own_config(tree, word, found, config)
        return word.start, block[1]

    def _own_config(self, tree: Tree, word: _Annotation, found: list[_Annotation], config: QueueConfig) -> None:
        function = _function_around(tree, word.start)
        owner = _annotation_before(tree, found, function) if function >= 0 else None
        if function < 0 or owner is None or owner.word != "queue":
            self._fault(word.start, "`@config` belongs into a `@queue` function, as its first statement")
        elif tree.starts[function] in self.configs:
            self._fault(word.start, "this function has a `@config` already")
        else:
            self.configs[tree.starts[function]] = config
            if tree.starts[_first_statement(tree, function)] != word.start:
                self._fault(word.start, "`@config` has to be the first statement of the function")

    # -- handlers ------------------------------------------------------------------------------------------

    def _annotated(self, word: _Annotation) -> None:
        kind = HANDLERS.get(word.word)
        if kind is None:
            self._fault(word.start, _unknown(word.word), "unknown-annotation")
            return
        row = _row_after(self.tree, word.end)
        if row >= 0 and self.tree.kinds[row] in DECLARED_FUNCTIONS and self.tree.parents[row] == 0:
            self._handler(kind, word, row)
        elif not self.tree.broken:
            self._fault(word.start, self._misplaced(word, row))

    def _misplaced(self, word: _Annotation, row: int) -> str:
        tree = self.tree
        nested = row >= 0 and tree.kinds[row] in DECLARED_FUNCTIONS
        if nested or _function_around(tree, word.start) >= 0:
            return f"`@{word.word}` has to stand at the top level, outside any function or block"
        if any(tree.starts[r] == tree.starts[row] for r in range(row, row + 4) if _is_unnamed(tree, r)):
            return f"the function after `@{word.word}` needs a name: `{SHAPES[word.word]}`"
        return f"`@{word.word}` has to stand before a function: `{SHAPES[word.word]}`"

    def _handler(self, kind: HandlerKind, word: _Annotation, row: int) -> None:
        tree = self.tree
        name, listed, body = (tree.child(row, field) for field in ("name", "parameters", "body"))
        if min(name, listed, body) < 0:
            return
        if tree.kinds[row] == "generator_function_declaration":
            self._fault(word.start, f"the function after `@{word.word}` cannot be a generator")
        inside = (tree.starts[listed] + 1, tree.ends[listed] - 1)
        result = self._result(row)
        self.functions.append(row)
        self.handlers.append(
            Handler(
                kind=kind,
                name=name_of(tree, name),
                start=word.start,
                end=tree.ends[row],
                parameters=self.text[inside[0] : inside[1]],
                parameters_range=inside,
                untyped=tuple(_untyped(tree, listed)),
                body_range=(tree.starts[body] + 1, tree.ends[body] - 1),
                is_async=tree.has(row, "'async"),
                config=self.configs.get(tree.starts[row]),
                line=fault(self.text, word.start, "").line,
                result_range=(tree.starts[result], tree.ends[result]) if result >= 0 else None,
                promises=result >= 0 and _is_promise(tree, result),
            )
        )

    def _result(self, function: int) -> int:
        """The type that a function returns, or -1. (`x is T` and `asserts x` mean nothing where everything waits.)"""
        tree = self.tree
        annotation = tree.child(function, "return_type")
        if annotation < 0 or tree.kinds[annotation] != "type_annotation":
            return -1
        return next(iter(tree.named(annotation)), -1)

    def _check(self) -> None:
        """What the handlers must not have in common."""
        first: dict[str, Handler] = {}
        for handler in self.handlers:
            for key in _claims(handler):
                if key in first:
                    code = "queue" if handler.kind == first[key].kind == "queue" else "annotation"
                    self._fault(handler.start, _clash(handler, first[key], key), code)
                    break
                first[key] = handler
            if handler.kind == "fetch" and handler.name != "handler":
                message = f"the function after `@fetch` has to be named `handler`, not `{handler.name}`"
                self._fault(handler.start, message)
            if handler.kind == "queue" and not 1 <= len(queue_name(handler.name)) <= MAX_QUEUE_NAME:
                self._fault(handler.start, f"`{handler.name}` gives no queue name of 1 to {MAX_QUEUE_NAME} letters")

    # -- the rest ------------------------------------------------------------------------------------------

    def _pieces(self, facts: Facts) -> Iterator[Range]:
        """What is neither handler nor import."""
        taken = [(handler.start, handler.end) for handler in self.handlers]
        taken += [(found.start, found.end) for found in facts.imports if not found.dynamic]
        at = 0
        for start, end in [*sorted(taken), (len(self.text), len(self.text))]:
            if facts.text[at:start].strip("; \t\r\n"):
                yield at, start
            at = max(at, end)


def _claims(handler: Handler) -> Iterator[str]:
    """What no other handler may claim."""
    yield f"name {handler.name}"
    yield f"queue {queue_name(handler.name)}" if handler.kind == "queue" else handler.kind


def _clash(handler: Handler, other: Handler, key: str) -> str:
    if handler.kind == "fetch" and other.kind == "fetch":
        return f"a second `@fetch`: line {other.line} has one already"
    if handler.kind == "scheduled" and other.kind == "scheduled":
        return f"a second `@scheduled`: line {other.line} has one; tell schedules apart by `controller.cron`"
    if key.startswith("queue"):
        names = f"`{other.name}` and `{handler.name}`" if other.name != handler.name else f"two `{handler.name}`"
        return f"{names} consume the same queue, `{queue_name(handler.name)}`"
    return f"`{handler.name}` is declared twice"


def _unknown(word: str) -> str:
    near = get_close_matches(word.lower(), [*HANDLERS, "config"], 1, 0.5)
    hint = f"; did you mean `@{near[0]}`?" if near else "; there are `@fetch`, `@queue` and `@scheduled`"
    return f"unknown annotation `@{word}`{hint}"


def _is_promise(tree: Tree, row: int) -> bool:
    name = tree.child(row, "name") if tree.kinds[row] == "generic_type" else -1
    return name >= 0 and name_of(tree, name) == "Promise"


def _is_unnamed(tree: Tree, row: int) -> bool:
    return row < len(tree.kinds) and tree.kinds[row] in ("function_expression", "generator_function")


def _object_after(tree: Tree, offset: int) -> Range | None:
    """The range of the `{…}` that comes next, found by its brackets, for there may be faults inside."""
    row = bisect_left(tree.starts, offset)
    depth, start = 0, -1
    for leaf in range(row, len(tree.kinds)):
        kind = tree.kinds[leaf]
        if tree.stops[leaf] != leaf + 1 or kind in COMMENTS:
            continue
        if start < 0 and kind != "'{":
            return None
        start = tree.starts[leaf] if start < 0 else start
        depth += (kind in ("'{", "'${")) - (kind == "'}")
        if not depth:
            return start, tree.ends[leaf]
    return None


def _untyped(tree: Tree, listed: int) -> Iterator[tuple[int, int]]:
    for number, row in enumerate(tree.named(listed)):
        pattern = row
        if tree.kinds[row] == "required_parameter":
            pattern = tree.child(row, "pattern")
            if tree.child(row, "type") >= 0 or tree.child(row, "value") >= 0:
                continue
        if pattern >= 0 and tree.kinds[pattern] in ("identifier", "object_pattern", "array_pattern"):
            yield tree.ends[row], number


def _function_around(tree: Tree, offset: int) -> int:
    """The innermost declared function whose body holds an offset, or -1."""
    rows = (row for row, kind in enumerate(tree.kinds) if kind in DECLARED_FUNCTIONS)
    return max((row for row in rows if tree.starts[row] < offset < tree.ends[row]), default=-1)


def _annotation_before(tree: Tree, found: list[_Annotation], function: int) -> _Annotation | None:
    return next((word for word in found if _row_after(tree, word.end) == function), None)


def _first_statement(tree: Tree, function: int) -> int:
    body = tree.child(function, "body")
    inner = tree.named(body) if body >= 0 else []
    return inner[0] if inner else function
