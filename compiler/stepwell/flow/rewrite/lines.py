"""Whole lines of the text: put in, taken out, and moved to another indentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import libcst as cst

from stepwell.flow.reader import Statement
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.statements import Point, extent, own
from stepwell.flow.rewrite.syntax import called
from stepwell.flow.spans import Span, children
from stepwell.flow.splices import Splice, indent_at, line_end


def put(draft: Draft, text: str, point: Point) -> None:
    """Puts lines in at a point."""
    if point.instead is not None:
        draft.made.append(Splice(point.instead.start, point.instead.end, text))
        return
    is_open = point.offset == len(draft.text) and not draft.text.endswith(("\n", "\r"))
    draft.made.append(Splice(point.offset, point.offset, (draft.newline if is_open else "") + text))


def cut(draft: Draft, span: Span, statement: Statement) -> None:
    """Takes lines out; a block that loses its last statement gets a `pass`."""
    draft.gone.add(id(statement))
    left = [one for one in statement.block if id(one) not in draft.gone]
    indent = indent_at(draft.text, draft.spans.of(statement.cst).start)
    draft.made.append(Splice(span.start, span.end, "" if left else f"{indent}pass{draft.newline}"))


def at_indent(draft: Draft, statement: Statement, indent: str) -> str:
    """The lines of a statement at another indentation."""
    span = extent(draft, own(statement), comments=True)
    moved = _reindented(draft, span, indent_at(draft.text, draft.spans.of(statement.cst).start), indent)
    return ended(draft, moved)


def ended(draft: Draft, text: str) -> str:
    """A text whose last line ends."""
    return text if text.endswith(("\n", "\r")) else text + draft.newline


def _reindented(draft: Draft, span: Span, old: str, new: str) -> str:
    """Lines of the text at another indentation. Lines inside of strings move only where that means nothing."""
    if old == new:
        return draft.text[span.start : span.end]
    fixed = _string_lines(draft, span, old, new)
    lines = re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z", draft.text[span.start : span.end])
    at, moved = span.start, []
    for line in lines:
        keep = at in fixed or not line.strip() or not line.startswith(old)
        moved.append(line if keep else new + line[len(old) :])
        at += len(line)
    return "".join(moved)


def _string_lines(draft: Draft, span: Span, old: str, new: str) -> set[int]:
    """The starts of the lines that begin inside of a string and are a part of what it says."""
    fixed: set[int] = set()
    for token, is_code in _strings_in(draft.reading.module, draft.spans, span):
        inner = draft.spans.of(token)
        body = draft.text[inner.start : inner.end]
        if "\n" not in body and "\r" not in body:
            continue
        lines = [found.end() + inner.start for found in re.finditer(r"\r\n|\n|\r", body)]
        free = is_code and all(
            draft.text.startswith(old, at) or not draft.text[at : line_end(draft.text, at)].strip() for at in lines
        )
        begins = re.match(r"[A-Za-z]*(?:\"\"\"|''')(?:\r\n|\n|\r)", body) is not None
        if not (free and begins):
            fixed.update(lines)
    return fixed


def _strings_in(module: Any, spans: Any, span: Span) -> Iterator[tuple[Any, bool]]:
    """The string literals between two offsets, and whether each is the text of a `js(…)`."""
    stack: list[tuple[Any, bool]] = [(module, False)]
    while stack:
        node, is_code = stack.pop()
        if isinstance(node, cst.SimpleString | cst.FormattedString):
            yield node, is_code and isinstance(node, cst.SimpleString)
            continue
        if isinstance(node, cst.SimpleStatementLine | cst.With):
            found = spans.of(node)
            if found.end <= span.start or found.start >= span.end:
                continue
        code = isinstance(node, cst.Call) and called(node) == "js"
        for child in children(node):
            stack.append((child, is_code if isinstance(node, cst.Arg) else code))
