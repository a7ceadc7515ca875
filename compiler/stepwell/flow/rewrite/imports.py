"""Imports what a change needs of `stepwell.flow` and the file does not import."""

from __future__ import annotations

from typing import Any

import libcst as cst

from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.syntax import is_docstring
from stepwell.flow.spans import Span
from stepwell.flow.splices import Items, Splice, line_end, line_start


def imports(draft: Draft) -> list[Splice]:
    """Names of `stepwell.flow` that the changes need and the file does not import."""
    missing = sorted(draft.phrases.used - draft.phrases.known_as.keys())
    if not missing:
        return []
    for line in draft.reading.module.body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if _imported_from(draft, small) == "stepwell.flow":
                return _more_imports(draft, small, missing)
    first = draft.reading.module.body[0]
    span = draft.spans.of(first)
    at = line_end(draft.text, span.end) if is_docstring(first) else line_start(draft.text, span.start)
    return [Splice(at, at, f"from stepwell.flow import {', '.join(missing)}{draft.newline}")]


def _imported_from(draft: Draft, small: Any) -> str:
    if not isinstance(small, cst.ImportFrom) or small.module is None or isinstance(small.names, cst.ImportStar):
        return ""
    found = draft.spans.of(small.module)
    return draft.text[found.start : found.end]


def _more_imports(draft: Draft, small: Any, missing: list[str]) -> list[Splice]:
    spans = [_alias_span(draft, alias) for alias in small.names]
    items = Items(draft.text, spans, spans[0].start, draft.spans.of(small).end, draft.newline)
    listed = [draft.text[span.start : span.end] for span in spans]
    for name in missing:
        behind = max((n for n, one in enumerate(listed) if one < name), default=-1)
        items.add(name, behind)
    return items.splices()


def _alias_span(draft: Draft, alias: Any) -> Span:
    start = draft.spans.of(alias.name).start
    end = draft.spans.of(alias.asname.name).end if alias.asname is not None else draft.spans.of(alias.name).end
    return Span(start, end)
