"""Writes references by name as ids where the name does not stand before them any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import libcst as cst

from stepwell.flow.phrases import literal
from stepwell.flow.reader import Statement
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.plan import Refused
from stepwell.flow.rewrite.syntax import called
from stepwell.flow.spans import children
from stepwell.flow.splices import Splice


def spell_out(draft: Draft, named: list[Statement], start: int, end: int) -> None:
    """References by name, between two offsets, to nodes that do not stand before them any more: by id."""
    ids = {one.name: str(draft.reading.sites[one.number].handle.id) for one in named}
    if not any(re.search(rf"\b{name}\b", draft.text[start:end]) for name in ids):
        return
    for node, quote in _in_quotes(draft.root.cst, '"'):
        if not isinstance(node, cst.Call) or called(node) not in ("ref", "edge"):
            continue
        for used in (arg.value for arg in node.args):
            span = draft.spans.of(used)
            if isinstance(used, cst.Name) and used.value in ids and start <= span.start < end:
                text = literal(ids[used.value], quote)
                if quote == "'" and ('"' in text or "\\" in text):
                    raise Refused("The id does not fit into this f-string.", used)
                draft.made.append(Splice(span.start, span.end, text))


def _in_quotes(node: Any, quote: str) -> Iterator[tuple[Any, str]]:
    """All of the syntax, and the quotes that a text may have there: in an f-string not those of its own."""
    stack = [(node, quote)]
    while stack:
        here, quote = stack.pop()
        yield here, quote
        inner = ("'" if here.end == '"' else '"') if isinstance(here, cst.FormattedString) else quote
        stack.extend((child, inner) for child in children(here))
