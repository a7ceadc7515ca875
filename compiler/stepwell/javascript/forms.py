"""How tightly an expression holds together, so that whoever prints it knows where it needs parentheses."""

from __future__ import annotations

from typing import Final

from stepwell.javascript.facts import Form
from stepwell.javascript.names import words
from stepwell.javascript.tree import Tree

ACCESSES: Final = frozenset({"member_expression", "subscript_expression", "call_expression"})
WHOLE: Final = words(
    """
    identifier this string template_string regex array parenthesized_expression import meta_property
    true false null undefined
    """
)
"""What accesses and calls may follow without more ado."""


def form_of(tree: Tree) -> Form:
    """The form of the expression between the parentheses that the tree was grown with; a loose one in doubt."""
    expression = _expression(tree)
    if expression < 0:
        return Form.OPERATION
    kind = tree.kinds[expression]
    if kind == "array":
        return Form.ARRAY
    if kind == "object":
        return Form.OBJECT
    return _of_chain(tree, expression)


def _expression(tree: Tree) -> int:
    """The row of the expression itself: the program holds one statement, that the parentheses, and those it."""
    row = 0
    for kind in ("program", "expression_statement", "parenthesized_expression"):
        inner = tree.named(row) if tree.kinds[row] == kind else []
        if len(inner) != 1:
            return -1
        row = inner[0]
    return row


def _of_chain(tree: Tree, node: int) -> Form:
    """The form of accesses and calls, which is that of what they begin with."""
    optional = False
    while tree.kinds[node] in ACCESSES:
        if tree.child(node, "type_arguments") >= 0:
            return Form.OPERATION
        optional = optional or tree.has(node, "'?.") or tree.has(node, "optional_chain")
        node = tree.named(node)[0]
    if tree.kinds[node] == "number":
        return Form.NUMBER
    if tree.kinds[node] not in WHOLE:
        return Form.OPERATION
    return Form.CHAIN if optional else Form.MEMBER
