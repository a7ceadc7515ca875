"""Small questions to the nodes of LibCST."""

from __future__ import annotations

from typing import Any

import libcst as cst

from stepwell.flow.spans import string_value, tokens_of


def text_of(node: Any) -> str | None:
    """What a plain string literal says; None for all else."""
    return string_value(node.value) if isinstance(node, cst.SimpleString) else None


def called(node: Any) -> str:
    """The last name of what a call calls."""
    func = node.func
    name: str = func.value if isinstance(func, cst.Name) else func.attr.value if isinstance(func, cst.Attribute) else ""
    return name


def keywords(call: Any) -> dict[str, Any]:
    """The keyword arguments of a call."""
    return {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}


def is_docstring(line: Any) -> bool:
    """Whether a line is a text alone."""
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and bool(tokens_of(line.body[0].value))
    )
