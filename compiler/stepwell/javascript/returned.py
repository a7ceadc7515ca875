"""What the code of a body says of the value that it returns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from typing import Final

from stepwell.javascript.literals import key_of
from stepwell.javascript.scopes import FUNCTIONS
from stepwell.javascript.shapes import (
    ANY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    STRING,
    UNDEFINED,
    Shape,
    array,
    either,
    record,
)
from stepwell.javascript.tree import Tree

MAX_DEPTH: Final = 24
"""Deeper values are not looked into."""


def returned(tree: Tree, bound: Collection[str]) -> Shape:
    """The form of what a body's own `return`s give; `UNDEFINED` when there is none.

    `bound` are the names that the code declares anywhere.
    """
    if "return_statement" not in tree.kinds:
        return UNDEFINED
    kinds, stops = tree.kinds, tree.stops
    found: list[Shape] = []
    row, end = 0, len(kinds)
    while row < end:
        if kinds[row] in FUNCTIONS:
            row = stops[row]
            continue
        if kinds[row] == "return_statement":
            value = tree.named(row)
            found.append(_shape(tree, value[0], bound, 0) if value else UNDEFINED)
        row += 1
    return reduce(either, dict.fromkeys(found)) if found else UNDEFINED


def _shape(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    kind = tree.kinds[node]
    if depth > MAX_DEPTH:
        return ANY
    if kind == "object":
        return _object(tree, node, bound, depth)
    if kind == "array":
        return _array(tree, node, bound, depth)
    if kind in _INNER:
        inner = tree.named(node)
        return _shape(tree, inner[0], bound, depth + 1) if inner else ANY
    if kind == "ternary_expression":
        ways = [tree.child(node, "consequence"), tree.child(node, "alternative")]
        return reduce(either, [_shape(tree, way, bound, depth + 1) for way in ways if way >= 0] or [ANY])
    if kind == "number":
        return ANY if tree.slice(node).endswith("n") and not tree.slice(node).startswith("0x") else NUMBER
    if kind in ("binary_expression", "unary_expression"):
        return _operation(tree, node, bound, depth)
    if kind == "call_expression":
        function = tree.child(node, "function")
        name = tree.slice(function) if function >= 0 else ""
        return ANY if name.partition(".")[0] in bound else _CALLS.get(name, ANY)
    return _LITERALS.get(kind, ANY)


def _object(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    fields: dict[str, Shape] = {}
    open_ = False
    for child in tree.named(node):
        kind = tree.kinds[child]
        if kind == "shorthand_property_identifier":
            fields[tree.slice(child)] = ANY
            continue
        name = tree.child(child, "key" if kind == "pair" else "name")
        key = key_of(tree, name) if kind in ("pair", "method_definition") and name >= 0 else None
        if key is None or key == "__proto__":
            open_ = True
            continue
        value = tree.child(child, "value")
        fields[str(key)] = _shape(tree, value, bound, depth + 1) if kind == "pair" and value >= 0 else ANY
    return record(fields, open=open_)


def _array(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    items = [_shape(tree, child, bound, depth + 1) for child in tree.named(node)]
    return array(reduce(either, dict.fromkeys(items)) if items else NEVER)


def _operation(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    operator = tree.child(node, "operator")
    sign = tree.slice(operator) if operator >= 0 else ""
    if sign in ("??", "||"):
        sides = [tree.child(node, "left"), tree.child(node, "right")]
        return reduce(either, [_shape(tree, side, bound, depth + 1) for side in sides if side >= 0] or [ANY])
    return _OPERATORS.get(sign, ANY)


_INNER: Final = frozenset({"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"})
_LITERALS: Final[Mapping[str, Shape]] = {
    "string": STRING,
    "template_string": STRING,
    "true": BOOLEAN,
    "false": BOOLEAN,
    "null": NULL,
    "undefined": UNDEFINED,
}
_OPERATORS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("===", "!==", "==", "!=", "<", "<=", ">", ">=", "!", "in", "instanceof"), BOOLEAN),
    **dict.fromkeys(("*", "/", "%", "-", "**"), NUMBER),
    "typeof": STRING,
    "void": UNDEFINED,
}
_CALLS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("String", "crypto.randomUUID", "encodeURIComponent"), STRING),
    **dict.fromkeys(
        (
            "Number",
            "parseInt",
            "parseFloat",
            "Date.now",
            "Math.round",
            "Math.floor",
            "Math.ceil",
            "Math.max",
            "Math.min",
        ),
        NUMBER,
    ),
    **dict.fromkeys(("Boolean", "Array.isArray"), BOOLEAN),
    **dict.fromkeys(("Object.keys",), array(STRING)),
    **dict.fromkeys(("Object.values", "Object.entries", "Array.from"), array()),
}
"""Calls of globals whose result is of one type."""
