"""What the code of a body says of the value that it returns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from typing import Final

from stepwell.javascript.literals import key_of
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


def returned(tree: Tree, values: Collection[int], bound: Collection[str]) -> Shape:
    """The form of the `values` of a body's own `return`s (-1: one without a value).

    `bound` are the names that the code declares anywhere.
    """
    return _any_of([_shape(tree, value, bound, 0) if value >= 0 else UNDEFINED for value in values])


def _any_of(shapes: list[Shape]) -> Shape:
    """A value of one of these forms, of which there is one at least."""
    return shapes[0] if len(shapes) == 1 else reduce(either, dict.fromkeys(shapes))


def _shape(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    kind = tree.kinds[node]
    if depth > MAX_DEPTH:
        return ANY
    if kind == "object":
        return _object(tree, node, bound, depth)
    if kind == "array":
        return _array(tree, node, bound, depth)
    if kind in _INNER:
        inner = tree.first(node)
        return _shape(tree, inner, bound, depth + 1) if inner >= 0 else ANY
    if kind == "ternary_expression":
        ways = [tree.child(node, "consequence"), tree.child(node, "alternative")]
        return _any_of([_shape(tree, way, bound, depth + 1) for way in ways if way >= 0] or [ANY])
    if kind == "number":
        digits = tree.slice(node)
        return ANY if digits.endswith("n") and not digits.startswith("0x") else NUMBER
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
        name = child + 1 if kind == "pair" else tree.child(child, "name")
        key = key_of(tree, name) if kind in ("pair", "method_definition") and name >= 0 else None
        if key is None or key == "__proto__":
            open_ = True
            continue
        value = tree.child(child, "value") if kind == "pair" else -1
        fields[str(key)] = _shape(tree, value, bound, depth + 1) if value >= 0 else ANY
    return record(fields, open=open_)


def _array(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    items = [_shape(tree, child, bound, depth + 1) for child in tree.named(node)]
    return array(_any_of(items) if items else NEVER)


def _operation(tree: Tree, node: int, bound: Collection[str], depth: int) -> Shape:
    operator = tree.child(node, "operator")
    sign = tree.kinds[operator][1:] if operator >= 0 else ""
    if sign in ("??", "||"):
        sides = [tree.child(node, "left"), tree.child(node, "right")]
        return _any_of([_shape(tree, side, bound, depth + 1) for side in sides if side >= 0] or [ANY])
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
