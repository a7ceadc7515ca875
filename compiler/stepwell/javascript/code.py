"""Facts about the users' snippets, and the way from a user's text to `Js`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from stepwell.javascript.cache import Cache
from stepwell.javascript.facts import Facts, Fault, Form, Import, Kind, Member, fault
from stepwell.javascript.faults import expression_faults, odd_characters, syntax_faults
from stepwell.javascript.flow import Flow
from stepwell.javascript.forms import form_of
from stepwell.javascript.js import Js, Snippet, line_width, utf16
from stepwell.javascript.literals import UNKNOWN, literal
from stepwell.javascript.names import words
from stepwell.javascript.purity import Purity
from stepwell.javascript.returned import returned
from stepwell.javascript.scopes import TYPES, Scopes
from stepwell.javascript.shapes import ANY
from stepwell.javascript.tree import COMMENTS, Tree, grow

_FACTS: Final[Cache[Facts]] = Cache()

TYPESCRIPT: Final = TYPES | words(
    """
    non_null_expression type_assertion as_expression satisfies_expression instantiation_expression
    enum_declaration import_require_clause import_alias abstract_class_declaration module
    internal_module accessibility_modifier override_modifier optional_parameter 'type 'readonly 'declare
    'abstract 'namespace 'using
    """
)
AMBIGUOUS: Final = frozenset({"type_arguments"})
"""`f(a < b, c > (d))` is JavaScript too; like TypeScript itself we read it as `a<b, c>(d)`."""


def parse(text: str, kind: Kind) -> Facts:
    """What is known of a snippet. Never raises: what is wrong is in `faults`."""
    return _FACTS.get(text, kind, lambda: examine(text, kind))


def examine(text: str, kind: Kind) -> Facts:
    """`parse` without the cache."""
    half = half_pair(text)
    if half >= 0:
        return Facts(text, kind, faults=(fault(text, half, "half a surrogate pair", "character"),))
    if kind is Kind.EXPRESSION and not text.strip():
        return Facts(text, kind, faults=(fault(text, 0, "an expression is missing", "empty"),))
    return facts_of(best_tree(text, kind), kind)


def half_pair(text: str) -> int:
    """Where a surrogate stands alone, or -1. No file can hold one."""
    if text.isascii():
        return -1
    return next((at for at, ch in enumerate(text) if "\ud800" <= ch <= "\udfff"), -1)


def forget() -> None:
    """Forget all facts: what is compiled next is compiled as if it were the first. For benchmarks and tests."""
    _FACTS.forget()


def _grown(text: str, kind: Kind, dialect: Literal["js", "ts"]) -> Tree:
    before, after = ("(\n", "\n)") if kind is Kind.EXPRESSION else ("", "")
    tree = grow(text, dialect, before, after)
    reading = _joined(tree)
    return tree if reading is None else grow(text, dialect, before, after, reading)


def _joined(tree: Tree) -> str | None:
    """The text with the line breaks after `let` and `new` gone where tree-sitter took these for names."""
    text = tree.text
    if "let" not in text and "new" not in text:
        return None
    rows = (row for row, kind in enumerate(tree.kinds) if kind == "identifier")
    ends = [tree.ends[row] for row in rows if tree.slice(row) in ("let", "new")]
    for end in ends:
        blanks = len(text) - end - len(text[end:].lstrip(" \t\r\n"))
        text = text[:end] + " " * blanks + text[end + blanks :]
    return text if text != tree.text else None


def best_tree(text: str, kind: Kind) -> Tree:
    """TypeScript's grammar reads nearly everything; what JavaScript's reads too is JavaScript."""
    tree = _grown(text, kind, "ts")
    if not tree.broken and TYPESCRIPT.isdisjoint(tree.present) and not _typed_field(tree):
        tree.dialect = "js"
        return tree
    if not tree.broken and not AMBIGUOUS.isdisjoint(tree.present):
        return tree
    script = _grown(text, kind, "js")
    if not script.broken:
        return script
    if not tree.broken:
        return tree
    best = script if _reach(script) > _reach(tree) else tree
    best.dialect = "js" if TYPESCRIPT.isdisjoint(best.present) else "ts"
    return best


def _typed_field(tree: Tree) -> bool:
    """`class { a?; b!: … }`: tokens that only TypeScript has in a class."""
    holders = ("public_field_definition", "method_definition")
    if tree.present.isdisjoint(holders):
        return False
    kinds, parents = tree.kinds, tree.parents
    return any(kind in ("'?", "'!") and kinds[parents[row]] in holders for row, kind in enumerate(kinds))


def _reach(tree: Tree) -> int:
    """How far a tree was understood."""
    if tree.kinds[0] == "ERROR" or not tree.broken:
        return -1 if tree.broken else len(tree.text)
    errors = [tree.starts[row] for row, kind in enumerate(tree.kinds) if kind == "ERROR"]
    return min(errors + [tree.starts[row] for row in tree.missing], default=-1)


def facts_of(tree: Tree, kind: Kind, handlers: Sequence[int] = (), custom: int = -1) -> Facts:
    """The facts of a parsed text. `handlers`: functions that the runtime calls; they will be made async.

    `custom`: the function of a custom node, which is given its `ctx`.
    """
    faults = _syntax_faults(tree, kind)
    if faults:
        return _broken(tree, kind, faults)
    starts, present = tree.starts, tree.present
    scopes = Scopes(tree, kind is Kind.MODULE, frozenset([starts[row] for row in handlers]) if handlers else _NOTHING)
    flow = Flow(scopes, handlers, custom)
    purity = Purity(scopes, flow)
    opaque = tuple(opaque_ranges(tree, scopes.opaque)) if scopes.opaque else ()
    bound = frozenset([binding.name for binding in scopes.bound.values()]) if scopes.bound else _NOTHING
    values = [tree.first(row) for row in scopes.returned]
    returns = max(values, default=-1) >= 0
    return Facts(
        text=tree.text,
        kind=kind,
        language=tree.dialect,
        faults=_faults(tree, scopes) if scopes.faults else (),
        free=tuple(flow.free),
        members=tuple(flow.members),
        followed=tuple(flow.followed),
        whole=tuple(flow.whole),
        comparisons=tuple(flow.comparisons),
        defaulted=frozenset(_defaulted(tree)) if "'??" in present else _NOTHING,
        form=form_of(tree) if kind is Kind.EXPRESSION else Form.SEQUENCE,
        returns=returns,
        shape=returned(tree, values, bound) if returns and kind is Kind.BODY else ANY,
        declared=frozenset(scopes.top.names) if scopes.top.names else _NOTHING,
        bound=bound,
        assigned=frozenset(flow.assigned) if flow.assigned else _NOTHING,
        mutated=frozenset(flow.mutated) if flow.mutated else _NOTHING,
        impurities=purity.impurities(),
        step_calls=tuple([(str(m.path[0]), m.start) for m in flow.members if _is_step_call(m)]),
        imports=tuple(_imports(tree, scopes)) if scopes.imports or "import" in present else (),
        exports=tuple([starts[row] for row in scopes.exports]),
        jsx=tuple([starts[row] for row in scopes.jsx]),
        opaque=opaque,
        line_comment_at_end=bool(opaque) and _ends_in_comment(tree.text, opaque),
        floating=tuple(purity.floating),
        non_retryable_extra=tuple(purity.non_retryable_extra),
        verbatim=_verbatim(tree.text, opaque) if opaque else _NOTHING,
    )


_NOTHING: Final[frozenset[Any]] = frozenset()


def _faults(tree: Tree, scopes: Scopes) -> tuple[Fault, ...]:
    """The first rules that the text breaks, though it parses."""
    return tuple([fault(tree.text, *rule) for rule in sorted(set(scopes.faults))[:5]])


def _defaulted(tree: Tree) -> Iterator[int]:
    for row, kind in enumerate(tree.kinds):
        if kind != "binary_expression" or not tree.has(row, "'??"):
            continue
        node, optional = tree.child(row, "left"), True
        while node >= 0 and tree.kinds[node] != "identifier":
            if tree.kinds[node] == "member_expression":
                optional = tree.child(node, "optional_chain") >= 0 or tree.has(node, "optional_chain")
                node = tree.child(node, "object")
            elif tree.kinds[node] == "parenthesized_expression":
                node = next(iter(tree.named(node)), -1)
            else:
                node = -1
        if node >= 0 and optional:
            yield tree.starts[node]


def _is_step_call(member: Member) -> bool:
    return member.call and member.root == "step" and len(member.path) == 1


# -- faults ------------------------------------------------------------------------------------------------


def _broken(tree: Tree, kind: Kind, faults: tuple[Fault, ...]) -> Facts:
    """What is known of a text that does not parse: nothing that a half-understood tree would only suggest."""
    opaque = tuple(opaque_ranges(tree, (row for row, word in enumerate(tree.kinds) if word in OPAQUE)))
    return Facts(
        text=tree.text,
        kind=kind,
        language=tree.dialect,
        faults=faults,
        opaque=opaque,
        line_comment_at_end=_ends_in_comment(tree.text, opaque),
        verbatim=_verbatim(tree.text, opaque),
    )


def _syntax_faults(tree: Tree, kind: Kind) -> tuple[Fault, ...]:
    if not tree.broken and kind is not Kind.EXPRESSION and tree.text.isascii():
        return ()
    odd = odd_characters(tree)
    found = sorted(odd + (expression_faults(tree) if kind is Kind.EXPRESSION else syntax_faults(tree)))
    if odd and found[0] == odd[0]:
        return (fault(tree.text, *odd[0], "character"),)
    if found and kind is Kind.EXPRESSION:
        return _expression_faults(tree, found)
    return tuple(fault(tree.text, at, message) for at, message in found)


def _expression_faults(tree: Tree, found: list[tuple[int, str]]) -> tuple[Fault, ...]:
    """The usual mistakes by name: a `;` at the end, a statement, nothing but a comment."""
    text = tree.text
    leaves = [leaf for leaf in tree.leaves() if tree.ends[leaf] > tree.starts[leaf]]
    if not leaves:
        return (fault(text, 0, "an expression is missing", "empty"),)
    last = leaves[-1]
    if tree.kinds[last] == "';":
        message = "remove the `;` at the end: this is an expression, not a statement"
        return (fault(text, tree.starts[last], message, "statement"),)
    statement = _statement(text)
    if statement:
        message = f"an expression is expected here, not {statement}"
        return (fault(text, tree.starts[leaves[0]], message, "statement"),)
    return tuple(fault(text, at, message) for at, message in found)


STATEMENTS: Final = {
    "return_statement": "`return` (leave the word out)",
    "lexical_declaration": "a declaration",
    "variable_declaration": "a declaration",
    "if_statement": "an `if` statement (use `condition ? a : b`)",
    "for_statement": "a loop",
    "for_in_statement": "a loop",
    "while_statement": "a loop",
    "do_statement": "a loop",
    "throw_statement": "`throw`",
    "switch_statement": "a `switch` statement",
    "try_statement": "a `try` statement",
    "import_statement": "an import",
    "export_statement": "an export",
}


def _statement(text: str) -> str | None:
    """What kind of statement the text begins with, if it is statements."""
    tree = best_tree(text, Kind.BODY)
    if tree.broken:
        return None
    children = tree.named(0)
    if len(children) > 1 and tree.kinds[children[0]] == "expression_statement":
        return "several statements"
    return STATEMENTS.get(tree.kinds[children[0]]) if children else None


# -- small facts -------------------------------------------------------------------------------------------


def _imports(tree: Tree, scopes: Scopes) -> list[Import]:
    found = [_import(tree, row) for row in scopes.imports]
    for call in scopes.calls:
        if tree.kinds[call + 1] == "import":
            arguments = tree.child(call, "arguments")
            values = tree.named(arguments) if arguments >= 0 else []
            module = literal(tree, values[0]) if values else UNKNOWN
            name = module if isinstance(module, str) else ""
            found.append(Import(tree.starts[call], tree.ends[call], name, tree.slice(call), True))
    return sorted(found, key=lambda item: item.start)


def _import(tree: Tree, row: int) -> Import:
    source = tree.child(row, "source")
    if source < 0:
        source = next((r for r in range(row, tree.stops[row]) if tree.kinds[r] == "string"), -1)
    module = literal(tree, source) if source >= 0 else ""
    return Import(tree.starts[row], tree.ends[row], str(module), tree.slice(row))


OPAQUE: Final = COMMENTS | {"string", "template_string", "template_literal_type", "regex"}


def opaque_ranges(tree: Tree, rows: Iterable[int]) -> list[tuple[int, int, str]]:
    """Where the text is no code: strings, the text of templates, regular expressions, comments."""
    found: list[tuple[int, int, str]] = []
    for row in rows:
        kind = tree.kinds[row]
        if kind in ("template_string", "template_literal_type"):
            found += _template_parts(tree, row)
        else:
            found.append((tree.starts[row], tree.ends[row], "comment" if kind in COMMENTS else kind))
    return found


def _template_parts(tree: Tree, row: int) -> list[tuple[int, int, str]]:
    """The text of a template literal: what stands outside its `${…}`."""
    parts: list[tuple[int, int, str]] = []
    start = tree.starts[row]
    for child in tree.children(row):
        if tree.kinds[child] in ("template_substitution", "template_type"):
            parts.append((start, tree.starts[child], "template"))
            start = tree.ends[child]
    return [*parts, (start, tree.ends[row], "template")]


def _ends_in_comment(text: str, opaque: tuple[tuple[int, int, str], ...]) -> bool:
    last = (start for start, end, kind in opaque if end == len(text) and kind == "comment")
    return any(text.startswith("//", start) for start in last)


def _verbatim(text: str, opaque: tuple[tuple[int, int, str], ...]) -> frozenset[int]:
    """Lines that begin inside a string or the text of a template."""
    lines: set[int] = set()
    line, at = 1, 0
    for start, end, kind in sorted(opaque):
        if kind in ("template", "string") and ("\n" in (part := text[start:end]) or "\r" in part):
            line += _newlines(text[at:start]).count("\n")
            more = _newlines(part).count("\n")
            lines.update(range(line, line + more))
            line, at = line + more, end
    return frozenset(lines)


def _newlines(text: str) -> str:
    """Carriage returns gone: JavaScript itself reads them as line feeds, in template literals too."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


# -- printing ----------------------------------------------------------------------------------------------


def place(
    facts: Facts,
    source: str,
    replacements: Sequence[tuple[int, int, Js]] = (),
    start: int = 0,
    end: int | None = None,
    line: int = 0,
    column: int = 0,
) -> Js:
    """The user's text, or the part of it from `start` to `end`, as `Js` that remembers where it came from.

    `replacements` are ranges (of the whole text, in order, not overlapping) and what stands there instead.
    `line` and `column` (from 0, UTF-16) are where the whole text begins in `source`. Blanks around the part
    and the margin that its lines share are left out; lines inside template literals stay as they are.
    """
    text = facts.text
    end = len(text) if end is None else end
    part = (
        _Line(facts, source, start, end, line, column)
        if _is_line(text)
        else _Part(facts, source, start, end, line, column)
    )
    pieces: list[str | Snippet | Js] = []
    at = part.start
    for first, last, js in replacements:
        if part.start <= first and last <= part.end:
            if at < first:
                pieces.append(part.piece(at, first))
            pieces.append(js)
            at = last
    if at < part.end:
        pieces.append(part.piece(at, part.end))
    return Js(tuple(pieces))


def _is_line(text: str) -> bool:
    return "\n" not in text and "\r" not in text


class _Line:
    """A range of a text that is one line: most conditions are, and many bodies."""

    __slots__ = ("column", "end", "line", "source", "start", "text")

    def __init__(self, facts: Facts, source: str, start: int, end: int, line: int, column: int) -> None:
        self.text = facts.text
        self.start, self.end = _trimmed(facts.text, start, end)
        self.source = source
        self.line = line
        self.column = column

    def piece(self, start: int, end: int) -> Snippet:
        return Snippet(self.text[start:end], self.source, self.line, self.column + utf16(self.text[:start]))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The range without the blanks around it."""
    blanks = " \t\r\n"
    last = start + len(text[start:end].rstrip(blanks))
    return (min(last, end - len(text[start:end].lstrip(blanks))) if last > start else start), last


class _Part:
    """A range of a snippet without the blanks around it, and the margin its lines share."""

    def __init__(self, facts: Facts, source: str, start: int, end: int, line: int, column: int) -> None:
        self.start, self.end = _trimmed(facts.text, start, end)
        self.facts = facts
        self.source = source
        self.line = line
        self.column = column
        self.margin = self._margin()

    def _margin(self) -> int:
        """The indentation that all lines share, the first one's counted where only blanks stand before it."""
        before = _newlines(self.facts.text[: self.start])
        first = before.count("\n")
        head = before[before.rfind("\n") + 1 :]
        lines = (head + _newlines(self.facts.text[self.start : self.end])).split("\n")
        skip = 0 if not head.strip(" \t") else 1
        return min(
            (line_width(text) for number, text in enumerate(lines)
             if number >= skip and text.strip() and first + number not in self.facts.verbatim),
            default=0,
        )  # fmt: skip

    def piece(self, start: int, end: int) -> Snippet:
        before = _newlines(self.facts.text[:start])
        lines = before.count("\n")
        head = utf16(before[before.rfind("\n") + 1 :])
        text = _newlines(self.facts.text[start:end])
        inside = frozenset(line - lines for line in self.facts.verbatim if lines < line <= lines + text.count("\n"))
        column = head if lines else self.column + head
        return Snippet(text, self.source, self.line + lines, column, inside, self.margin)
