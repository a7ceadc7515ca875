"""Changes the arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.flow.reader import NodeSite
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.syntax import keywords
from stepwell.flow.rewrite.values import ensure_readable, items_of, outer, requoted, with_breaks
from stepwell.flow.splices import Items, Splice, indent_at, line_end, line_start
from stepwell.flow.writer import WIDTH


class Arguments:
    """Arguments of a call that is no node's."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.unread: frozenset[str] = frozenset()


def change_argument(draft: Draft, call: Any, site: NodeSite | None, param: str, text: str | None) -> None:
    """One argument of a call: another in its place, or none."""
    change_call(draft, call, {param: text}, site)


def change_call(draft: Draft, call: Any, changes: Mapping[str, str | None], site: NodeSite | None = None) -> None:
    """Arguments of a call: others in the place of those that are there, new ones behind them, None for none."""
    arguments = site.arguments if site is not None else keywords(call)
    items = items_of(draft, call)
    for param, text in changes.items():
        node = arguments.get(param)
        if node is not None:
            ensure_readable(draft, site, param, node)
            if text is None:
                items.remove(next(n for n, arg in enumerate(call.args) if arg.value is node))
            else:
                span = outer(draft, node)
                draft.made.append(Splice(span.start, span.end, with_breaks(draft, requoted(node, text))))
        elif text is not None:
            items.add(with_breaks(draft, f"{param}={text}"))
    draft.made += _broken_up(draft, call, items) or items.splices()


def _broken_up(draft: Draft, call: Any, items: Items) -> list[Splice]:
    """A call on one line that would grow too long gets a line for each argument."""
    added = [text for texts in items.added.values() for text in texts]
    span = draft.spans.of(call)
    on_one_line = "\n" not in draft.text[span.start : span.end] and "\r" not in draft.text[span.start : span.end]
    line = line_end(draft.text, span.end) - line_start(draft.text, span.start)
    length = line + sum(len(text) + 2 for text in added)
    if not added or items.removed or not on_one_line or (length <= WIDTH and not any("\n" in t for t in added)):
        return []
    if any(span.start <= one.start < span.end for one in draft.made):
        return []
    indent = indent_at(draft.text, span.start)
    rows = [draft.text[one.start : one.end] for one in items.spans] + added
    inner = "".join(f"{draft.newline}{indent}{draft.step}{_deeper(draft, row)}," for row in rows)
    return [Splice(items.opened, items.closed, f"{inner}{draft.newline}{indent}")]


def _deeper(draft: Draft, text: str) -> str:
    """A text of several lines, one step further in."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(draft.step + line if line.strip() else line for line in rest)])


def indent_of_arguments(draft: Draft, call: Any) -> str:
    """The indentation that an argument on a line of its own has."""
    return items_of(draft, call).indent
