"""The package is a straight pipeline of rooms: a room imports only rooms above it (design.md, section 1)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "compiler" / "stepwell"

ABOVE: dict[str, frozenset[str]] = {
    "diagnostics": frozenset(),
    "graph": frozenset({"diagnostics"}),
    "javascript": frozenset(),
    "picture": frozenset({"graph", "assets"}),
    "flow": frozenset({"diagnostics", "graph", "picture"}),
    "check": frozenset({"diagnostics", "graph", "javascript", "records"}),
    "lower": frozenset({"graph", "javascript", "check", "records"}),
    "editor": frozenset({"diagnostics", "graph", "javascript", "check", "lower", "compiler"}),
    "emit": frozenset({"graph", "javascript", "lower", "assets"}),
    "bundle": frozenset({"diagnostics", "graph", "javascript", "lower"}),
    "local": frozenset({"graph", "bundle"}),
    "nodes": frozenset({"assets", "diagnostics", "graph", "javascript", "compiler", "bundle", "local"}),
    "dev": frozenset({"graph", "local"}),
    "cloudflare": frozenset(),
    "deploy": frozenset({"cloudflare", "emit"}),
    "runs": frozenset({"graph", "cloudflare", "deploy", "emit"}),
    "server": frozenset(
        {
            "assets",
            "diagnostics",
            "graph",
            "flow",
            "compiler",
            "edit",
            "editor",
            "nodes",
            "bundle",
            "cloudflare",
            "deploy",
            "runs",
        }
    ),
}
"""What each room may import. `compiler.py` is the driver and `cli` the outermost room: they may import all of these."""

FOREIGN = {
    "diagnostics": ("networkx", "pydantic", "jinja2", "click", "httpx", "tree_sitter"),
    "graph": ("networkx", "jinja2", "click", "httpx", "tree_sitter_javascript", "tree_sitter_typescript"),
    "javascript": ("networkx", "jinja2", "click", "httpx", "pydantic"),
    "flow": ("jinja2", "click", "httpx", "tree_sitter"),
    "check": ("jinja2", "click", "httpx", "libcst"),
    "editor": ("jinja2", "click", "httpx", "networkx", "tree_sitter"),
    "lower": ("jinja2", "click", "httpx", "networkx", "tree_sitter"),
    "emit": ("httpx", "click", "networkx"),
    "bundle": ("click", "networkx", "jinja2"),
    "local": ("click", "networkx", "jinja2"),
    "nodes": ("click", "networkx", "jinja2", "rich", "httpx"),
    "dev": ("click", "networkx", "jinja2", "rich", "tree_sitter"),
    "cloudflare": ("click", "rich", "pydantic", "networkx", "jinja2", "tree_sitter"),
    "deploy": ("click", "rich", "httpx", "jinja2", "tree_sitter"),
    "runs": ("click", "rich", "httpx", "jinja2", "tree_sitter", "networkx"),
    "server": ("click", "rich", "httpx", "networkx", "tree_sitter"),
}
"""Packages that a room must not know."""


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs (those for type checkers only are left out)."""
    for node in _running(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = path.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level] if node.level else ()
            yield ".".join((*inside, *([node.module] if node.module else [])))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            stack.extend(node.orelse)
        else:
            stack.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("room", ABOVE)
def test_a_room_imports_only_rooms_above_it(room: str) -> None:
    wrong = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for module in imports(path):
            top, _, rest = module.partition(".")
            target = rest.split(".")[0]
            if top == "stepwell" and target and target != room and target not in ABOVE[room]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
            if top in FOREIGN.get(room, ()):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_every_room_is_known() -> None:
    rooms = {p.parent.name for p in PACKAGE.glob("*/__init__.py") if not p.parent.name.startswith("_")}
    assert rooms <= {*ABOVE, "cli"}
