"""Changes values where they are written: of what is written out, only the parts that differ."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any, Final

import libcst as cst

from stepwell.flow.phrases import code_literal, literal
from stepwell.flow.reader import NodeSite, entries
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.plan import Json, Refused
from stepwell.flow.spans import Span, string_value, tokens_of
from stepwell.flow.splices import Items, Splice, indent_at

ABSENT: Final = object()


def change_value(
    draft: Draft,
    node: Any,
    old: Any,
    new: Any,
    text: Any,
    style: str = "value",
    site: NodeSite | None = None,
    param: str = "",
) -> None:
    """One value in place of another; of what is written out, only the parts that differ."""
    ensure_readable(draft, site, param, node)
    if isinstance(node, cst.Dict) and isinstance(old, dict) and isinstance(new, dict):
        change_dict(draft, node, old, new)
    elif isinstance(node, cst.List) and isinstance(old, list) and isinstance(new, list):
        _change_list(draft, node, old, new)
    elif style == "condition" and isinstance(new, str):
        change_condition(draft, node, new)
    elif isinstance(new, str) and _change_code(draft, node, new):
        return
    else:
        span = outer(draft, node)
        written = text(indent_at(draft.text, span.start))
        written = requoted(node, written)
        draft.made.append(Splice(span.start, span.end, with_breaks(draft, written)))


def change_dict(draft: Draft, node: Any, old: Json, new: Json) -> None:
    """Changes members of a dict that is written out. What is in neither of both stays."""
    items = items_of(draft, node)
    there = {key: (number, value) for number, (key, value) in enumerate(entries(node)) if key is not None}
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if same(before, after):
            continue
        if after is ABSENT:
            if key not in there:
                raise Refused("This value is written elsewhere, so it is not changed here.", node)
            items.remove(there[key][0])
        elif key in there:
            change_value(draft, there[key][1], before, after, draft.printer.value(after))
        else:
            items.add(with_breaks(draft, f"{literal(key)}: {value_text(draft, after, items.indent)}"))
    draft.made += items.splices()


def _change_list(draft: Draft, node: Any, old: list[Any], new: list[Any]) -> None:
    """Changes elements of a list that is written out."""
    if len(node.elements) != len(old):
        raise Refused("This list is not written out, so it is not changed here.", node)
    items = items_of(draft, node)
    a, b = [_frozen(one) for one in old], [_frozen(one) for one in new]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "replace" and i2 - i1 == j2 - j1:
            for n, m in zip(range(i1, i2), range(j1, j2), strict=True):
                change_value(draft, node.elements[n].value, old[n], new[m], draft.printer.value(new[m]))
            continue
        if tag in ("replace", "delete"):
            for n in range(i1, i2):
                items.remove(n)
        if tag in ("replace", "insert"):
            for m in range(j1, j2):
                items.add(with_breaks(draft, value_text(draft, new[m], items.indent)), i2 - 1)
    draft.made += items.splices()


def change_condition(draft: Draft, node: Any, new: str) -> None:
    """Another condition in place of one: inside of a `js(…)` that stays, else written anew."""
    if draft.phrases.condition(new) is None and _change_code(draft, node, new):
        return
    span = outer(draft, node)
    text = draft.printer.condition(new)(indent_at(draft.text, span.start))
    draft.made.append(Splice(span.start, span.end, with_breaks(draft, text)))


def _change_code(draft: Draft, node: Any, new: str) -> bool:
    """Another text inside of `js(…)`, which stays."""
    is_js = isinstance(node, cst.Call) and len(node.args) == 1 and node.args[0].keyword is None
    if not is_js or not tokens_of(node.args[0].value) or draft.phrases.reference(new) is not None:
        return False
    span = draft.spans.of(node.args[0].value)
    text = code_literal(new, indent_at(draft.text, draft.spans.of(node).start))
    if text.endswith("dedent=False"):
        return False
    first = draft.text[span.start]
    if first == "'" and text.startswith('"') and not text.startswith('"""'):
        text = literal(new, "'")
    draft.made.append(Splice(span.start, span.end, with_breaks(draft, text)))
    return True


def ensure_readable(draft: Draft, site: NodeSite | None, param: str, node: Any) -> None:
    """Code that was not understood from the start is left alone. What an earlier round left behind is not."""
    if isinstance(site, NodeSite) and (site.handle.id, param) in draft.closed:
        raise Refused("This code is not understood, so it is left as it is.", node)


def value_text(draft: Draft, value: Any, indent: str) -> str:
    """A value as it is written at an indentation."""
    return draft.printer.value(value)(indent)


def requoted(node: Any, text: str) -> str:
    """A text in the quotes of the one that it stands in place of."""
    is_plain = isinstance(node, cst.SimpleString) and node.value[0] == "'" and not node.value.startswith("'''")
    return literal(string_value(text), "'") if is_plain and text.startswith('"') else text


def with_breaks(draft: Draft, text: str) -> str:
    """A text with the line breaks that the file has."""
    return text if draft.newline == "\n" else text.replace("\n", draft.newline)


def items_of(draft: Draft, node: Any) -> Items:
    """The elements of a list or a dict, or the arguments of a call."""
    span = draft.spans.of(node)
    elements = node.args if isinstance(node, cst.Call) else node.elements
    opened = span.start + 1
    if isinstance(node, cst.Call):
        opened = draft.text.index("(", draft.spans.of(node.func).end) + 1
    return Items(draft.text, [draft.spans.of(one) for one in elements], opened, span.end - 1, draft.newline)


def outer(draft: Draft, node: Any) -> Span:
    """The span of a value with the parentheses that it stands in."""
    span = draft.spans.of(node)
    if not getattr(node, "lpar", None):
        return span
    return Span(draft.spans.of(node.lpar[0]).start, draft.spans.of(node.rpar[-1]).end)


def has_comments(draft: Draft, node: Any) -> bool:
    """Whether there may be comments inside; to be on the safe side any `#` is one."""
    span = draft.spans.of(node)
    return "#" in draft.text[span.start : span.end]


def same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return a is b or (_frozen(a) == _frozen(b) and a is not ABSENT and b is not ABSENT)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return ("dict", tuple(sorted((key, _frozen(item)) for key, item in value.items())))
    if isinstance(value, list | tuple):
        return ("list", tuple(_frozen(item) for item in value))
    return (type(value).__name__ if isinstance(value, bool | str) or value is None else "number", value)
