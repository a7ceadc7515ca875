"""A parsed snippet as flat columns: one row a node, in the order of the text.

tree-sitter's own nodes are made anew each time they are asked for, and asking is what costs. So the tree is
walked once, with a cursor, into parallel lists; everything after that is indexing. Nothing here recurses:
snippets may nest as deeply as they like.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, Final, Literal

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Parser, TreeCursor

Dialect = Literal["js", "ts"]

ERROR_ID: Final = 65535


class Grammar:
    """One of tree-sitter's grammars, its numbers as words; a token's kind is its text after an apostrophe."""

    __slots__ = ("fields", "kinds", "language")

    def __init__(self, pointer: object) -> None:
        language = Language(pointer)
        self.language = language
        self.kinds: dict[int, str] = {ERROR_ID: "ERROR"}
        for number in range(language.node_kind_count):
            word = language.node_kind_for_id(number) or ""
            self.kinds[number] = word if language.node_kind_is_named(number) else "'" + word
        self.fields: dict[int | None, str] = {None: ""}
        self.fields |= {n: language.field_name_for_id(n) or "" for n in range(1, language.field_count + 1)}


GRAMMARS: Final[dict[Dialect, Grammar]] = {
    "ts": Grammar(tree_sitter_typescript.language_typescript()),
    "js": Grammar(tree_sitter_javascript.language()),
}


class Tree:
    """The rows. Row 0 is the program; the rows of node `i`'s subtree are `range(i, stops[i])`.

    `starts` and `ends` are offsets in characters of the user's text, which for wrapped text lie `shift`
    before those of what was parsed.
    """

    __slots__ = (
        *("broken", "dialect", "ends", "fields", "kinds"),
        *("missing", "parents", "present", "starts", "stops", "text"),
    )

    def __init__(self, text: str, dialect: Dialect, broken: bool) -> None:
        self.text = text
        self.dialect = dialect
        self.broken = broken
        self.kinds: list[str] = []
        self.fields: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.parents: list[int] = []
        self.stops: list[int] = []
        self.missing: list[int] = []
        self.present: frozenset[str] = frozenset()
        """The kinds that there are: what looks for one of them need not walk where it is not."""

    def children(self, node: int) -> Iterator[int]:
        """The children of a node, tokens and comments included."""
        child, stop, stops = node + 1, self.stops[node], self.stops
        while child < stop:
            yield child
            child = stops[child]

    def named(self, node: int) -> list[int]:
        """The children that are neither tokens nor comments."""
        kinds, stops = self.kinds, self.stops
        found = []
        child, stop = node + 1, stops[node]
        while child < stop:
            kind = kinds[child]
            if kind[0] != "'" and kind not in COMMENTS:
                found.append(child)
            child = stops[child]
        return found

    def first(self, node: int) -> int:
        """The first of them, or -1."""
        kinds, stops = self.kinds, self.stops
        child, stop = node + 1, stops[node]
        while child < stop:
            kind = kinds[child]
            if kind[0] != "'" and kind not in COMMENTS:
                return child
            child = stops[child]
        return -1

    def child(self, node: int, field: str) -> int:
        """The child in a field of the grammar, or -1."""
        stops, fields = self.stops, self.fields
        child, stop = node + 1, stops[node]
        while child < stop:
            if fields[child] == field and self.kinds[child] not in COMMENTS:
                return child
            child = stops[child]
        return -1

    def has(self, node: int, token: str) -> bool:
        """Whether one of the node's own children is that token."""
        kinds, stops = self.kinds, self.stops
        child, stop = node + 1, stops[node]
        while child < stop:
            if kinds[child] == token:
                return True
            child = stops[child]
        return False

    def slice(self, node: int) -> str:
        """The text of a node."""
        return self.text[self.starts[node] : self.ends[node]]

    def leaves(self) -> Iterator[int]:
        """All rows without children, comments left out."""
        stops, kinds = self.stops, self.kinds
        return (i for i in range(len(kinds)) if stops[i] == i + 1 and kinds[i] not in COMMENTS)


COMMENTS: Final = frozenset({"comment", "html_comment"})


def grow(text: str, dialect: Dialect, before: str = "", after: str = "", reading: str | None = None) -> Tree:
    """Parse text (between `before` and `after`, which are ASCII) with one grammar.

    `reading` is what is parsed instead, as long as the text, character for character. Raises
    `UnicodeEncodeError` for half a surrogate pair, which no file can hold.
    """
    grammar = GRAMMARS[dialect]
    data = (before + (text if reading is None else reading) + after).encode()
    root = Parser(grammar.language).parse(data)
    tree = Tree(text, dialect, root.root_node.has_error)
    _fill(tree, grammar, root.walk())
    tree.present = frozenset(tree.kinds)
    _to_characters(tree, len(before), len(data) != len(before) + len(text) + len(after))
    return tree


def _fill(tree: Tree, grammar: Grammar, cursor: TreeCursor) -> None:
    """Copy the tree into rows: the one walk. Written out flat, for it is what a keystroke pays for."""
    words, names, broken = grammar.kinds, grammar.fields, tree.broken
    kinds, fields, starts, ends = tree.kinds, tree.fields, tree.starts, tree.ends
    parents, stops, missing = tree.parents, tree.stops, tree.missing
    down, right, up = cursor.goto_first_child, cursor.goto_next_sibling, cursor.goto_parent
    parent, row = -1, 0
    while True:
        node: Any = cursor.node
        if broken and node.is_missing:
            missing.append(row)
        kinds.append(words[node.kind_id])
        fields.append(names[cursor.field_id])
        starts.append(node.start_byte)
        ends.append(node.end_byte)
        parents.append(parent)
        row += 1
        if down():
            parent = row - 1
            stops.append(0)
            continue
        stops.append(row)
        while not right():
            if not up():
                return
            stops[parent] = row
            parent = parents[parent]


def _to_characters(tree: Tree, shift: int, wide: bool) -> None:
    if wide:
        table = _characters(tree.text)
        last = len(table) - 1
        tree.starts = [table[min(max(start - shift, 0), last)] for start in tree.starts]
        tree.ends = [table[min(max(end - shift, 0), last)] for end in tree.ends]
    elif shift:
        last = len(tree.text)
        # Only what stands around the text lies before or behind it.
        behind = last + shift
        tree.starts = [at - shift if shift <= at <= behind else last if at > shift else 0 for at in tree.starts]
        tree.ends = [at - shift if shift <= at <= behind else last if at > shift else 0 for at in tree.ends]


def _characters(text: str) -> array[int]:
    """For every byte of the text in UTF-8 the number of its character, and one more for the end."""
    table = array("l")
    for number, ch in enumerate(text):
        point = ord(ch)
        width = 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
        if width == 1:
            table.append(number)
        else:
            table.extend([number] * width)
    table.append(len(text))
    return table
