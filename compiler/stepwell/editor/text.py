"""A changed document as text: what did not change is written as it was, what is new as what stands beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stepwell.editor.changes import aligned, same

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.S)


@dataclass(slots=True)
class _Span:
    """A value in the text: where it stands, and (key, where the key begins, value) of its members."""

    start: int
    end: int = 0
    members: list[tuple[str, int, _Span]] = field(default_factory=list)


def retext(text: str, before: Any, after: Any) -> str:
    """The text of `after`, given that of `before`."""
    root = _spans(text)
    writer = _Writer(text)
    return text[: root.start] + writer.value(root, before, after, "") + text[root.end :]


def _spans(text: str) -> _Span:
    """Where the values of a JSON text stand. The text is JSON."""
    stack: list[_Span] = []
    holder = _Span(0)
    root, key, key_at, in_object = holder, "", -1, [False]
    for token in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        word, start = token[0], token.start()
        if word in "]}":
            holder.end = token.end()
            holder = stack.pop()
            in_object.pop()
        elif word in ",:":
            continue
        elif in_object[-1] and key_at < 0:
            key, key_at = json.loads(word, strict=False), start
            continue
        else:
            span = _Span(start, token.end())
            holder.members.append((key, key_at if key_at >= 0 else start, span))
            if word in "[{":
                stack.append(holder)
                holder = span
                in_object.append(word == "{")
        key_at = -1
    return root.members[0][2]


class _Writer:
    def __init__(self, text: str) -> None:
        self.text = text
        found = re.search(r"\n([ \t]+)\S", text)
        self.step = found[1] if found else "  "
        self.ascii = text.isascii() and "\\u" in text

    def value(self, span: _Span, before: Any, after: Any, indent: str) -> str:
        """A value that stands at `span`, the line it begins on indented by `indent`."""
        if same(before, after):
            return self.text[span.start : span.end]
        if isinstance(before, dict) and isinstance(after, dict) and len(span.members) == len(before):
            # An object of the same keys is written in the order in which they stand in the text.
            keys = before if before.keys() == after.keys() else after
            pairs = [(key if key in before else None, key) for key in keys]
            return self._members(span, before, after, pairs, indent, [key for key in before if key not in after])
        if isinstance(before, list) and isinstance(after, list):
            both = aligned(before, after)
            pairs = [(one, other) for one, other in both if other is not None]
            gone = [one for one, other in both if other is None]
            return self._members(span, before, after, pairs, indent, gone)
        return self.fresh(after, indent, "\n" in self.text[span.start : span.end])

    def _members(
        self, span: _Span, before: Any, after: Any, pairs: Sequence[tuple[Any, Any]], indent: str, gone: Sequence[Any]
    ) -> str:
        """An object or a list: each member as it was or anew, what stands between as it was."""
        known: dict[Any, tuple[int, _Span]] = {}
        if isinstance(before, dict):
            known = {key: (at, inner) for key, at, inner in span.members}
        places = known or {number: (at, inner) for number, (_, at, inner) in enumerate(span.members)}
        kept = [one for one, _ in pairs if one is not None]
        if not gone and len(kept) == len(pairs) and kept == list(places):
            return "".join(self._in_place(span, before, after, pairs, places, indent))
        broken = "\n" in self.text[span.start : span.end] or not span.members
        inner_indent = self._indent(span, indent) if broken else indent
        written = [self._member(before, after, one, other, places, inner_indent) for one, other in pairs]
        opening, closing = self.text[span.start], self.text[span.end - 1]
        if not written:
            return opening + closing
        if not broken:
            pad = " " if self.text[span.start + 1] in " \t" else ""
            return f"{opening}{pad}{', '.join(written)}{pad}{closing}"
        lines = f",\n{inner_indent}".join(written)
        return f"{opening}\n{inner_indent}{lines}\n{self._own_indent(span, indent)}{closing}"

    def _in_place(
        self, span: _Span, before: Any, after: Any, pairs: Sequence[Any], places: Any, indent: str
    ) -> Iterator[str]:
        position = span.start
        for one, other in pairs:
            _, inner = places[one]
            yield self.text[position : inner.start]
            yield self.value(inner, before[one], after[other], indent)
            position = inner.end
        yield self.text[position : span.end]

    def _member(self, before: Any, after: Any, one: Any, other: Any, places: Any, indent: str) -> str:
        if one is not None:
            at, inner = places[one]
            return self.text[at : inner.start] + self.value(inner, before[one], after[other], indent)
        lines = any("\n" in self.text[inner.start : inner.end] for _, inner in places.values()) or not places
        value = self.fresh(after[other], indent, lines)
        return f"{json.dumps(other, ensure_ascii=self.ascii)}: {value}" if isinstance(after, dict) else value

    def fresh(self, value: Any, indent: str, lines: bool) -> str:
        """A value that was not there."""
        made = json.dumps(value, ensure_ascii=self.ascii, indent=self.step if lines else None)
        return made.replace("\n", "\n" + indent)

    def _indent(self, span: _Span, indent: str) -> str:
        """How far the members of a value stand from the margin."""
        if span.members:
            found = re.search(r"\n([ \t]*)$", self.text[span.start : span.members[0][1]])
            if found:
                return found[1]
        return self._own_indent(span, indent) + self.step

    def _own_indent(self, span: _Span, indent: str) -> str:
        """How far the line that a value begins on stands from the margin."""
        line = self.text.rfind("\n", 0, span.start) + 1
        found = re.match(r"[ \t]*", self.text[line:])
        return found[0] if found else indent
