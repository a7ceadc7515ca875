"""The template of a custom node: an ES module whose default export is a function of `ctx`.

Its text is never changed; it is read for what it needs: bindings, packages, and whether it writes into its `ctx`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stepwell.javascript.bindings import EnvReads, env_reads
from stepwell.javascript.code import best_tree, facts_of, half_pair, parse
from stepwell.javascript.facts import Facts, Fault, Kind, fault
from stepwell.javascript.flow import CONTEXT
from stepwell.javascript.literals import name_of
from stepwell.javascript.tree import Tree

FUNCTIONS: Final = frozenset({"function_declaration", "function_expression", "arrow_function"})
GENERATORS: Final = frozenset({"generator_function", "generator_function_declaration"})
KEY: Final = "idempotencyKey"
_SHAPE: Final = "export default async function (ctx) { … }"


@dataclass(frozen=True, slots=True)
class NodeModule:
    """A template, understood. With faults there is nothing else to be known of it."""

    facts: Facts
    faults: tuple[Fault, ...]
    env: EnvReads
    """What it reads of `ctx.env`; dynamic where that, or `ctx` itself, goes where it cannot be followed."""
    keyed: bool = False
    """It reads `ctx.idempotencyKey`, or may do so."""
    mutates: bool = False
    """It is seen to write into what it is given."""
    untyped: int = -1
    """Where the type of its parameter would stand, or -1 when it has one (or no parameter)."""

    def uses(self, key: str) -> tuple[frozenset[str], frozenset[str]]:
        """The methods that it calls on `ctx.config.<key>`, and the properties that it reads of it."""
        found = [m for m in self.facts.followed if m.root == CONTEXT and m.path[:2] == ("config", key)]
        called = frozenset(str(m.path[2]) for m in found if m.call and len(m.path) == 3)
        return called, frozenset(str(m.path[2]) for m in found if len(m.path) > 2) - called


def with_type(text: str, type_: str) -> str:
    """The template with a type for its parameter, where it has none: for a type checker only, nothing else sees it."""
    at = parse_template(text).untyped
    return text if at < 0 else f"{text[:at]}: {type_}{text[at:]}"


@lru_cache(maxsize=64)
def parse_template(text: str) -> NodeModule:
    """Understand a template. Never raises: what is wrong is in `faults`."""
    if half_pair(text) >= 0:
        return _faulty(parse(text, Kind.MODULE))
    tree = best_tree(text, Kind.MODULE)
    function = -1 if tree.broken else _default(tree)
    facts = facts_of(tree, Kind.MODULE, (), function)
    if facts.faults:
        return _faulty(facts)
    wrong = _shape_fault(tree, function)
    if wrong is not None:
        return _faulty(facts, wrong)
    passed = [start for root, start in facts.whole if root == CONTEXT]
    reads = env_reads(facts)
    return NodeModule(
        facts,
        (),
        EnvReads(reads.reads, (*reads.dynamic, *passed)),
        bool(passed) or any(m.root == CONTEXT and m.path[:1] == (KEY,) for m in facts.followed),
        CONTEXT in facts.mutated,
        _untyped(tree, function),
    )


def _faulty(facts: Facts, *more: Fault) -> NodeModule:
    return NodeModule(facts, (*facts.faults[:5], *more), EnvReads())


def _default(tree: Tree) -> int:
    """What the module exports as its default: its row, or -1."""
    exported = _exported(tree)
    while exported >= 0 and tree.kinds[exported] == "parenthesized_expression":
        exported = next(iter(tree.named(exported)), -1)
    if exported >= 0 and tree.kinds[exported] == "identifier":
        return _declared(tree, name_of(tree, exported))
    return exported


def _exported(tree: Tree) -> int:
    for row in tree.named(0):
        if tree.kinds[row] != "export_statement":
            continue
        if tree.has(row, "'default"):
            return max(tree.child(row, "value"), tree.child(row, "declaration"))
        clause = next((inner for inner in tree.named(row) if tree.kinds[inner] == "export_clause"), -1)
        for one in tree.named(clause) if clause >= 0 else ():
            alias = tree.child(one, "alias")
            if alias >= 0 and tree.slice(alias) == "default":
                return tree.child(one, "name")
    return -1


def _declared(tree: Tree, name: str) -> int:
    """The function that the module declares by a name, or what else its name is given to."""
    for row in tree.named(0):
        inner = next((r for r in tree.named(row) if tree.kinds[r] in FUNCTIONS), row)
        for one in (row, inner, *tree.named(row)):
            own = tree.child(one, "name")
            if own >= 0 and name_of(tree, own) == name:
                value = tree.child(one, "value")
                return value if value >= 0 else one
    return -1


def _shape_fault(tree: Tree, function: int) -> Fault | None:
    text = tree.text
    if function < 0:
        exported = _exported(tree)
        at, why = (tree.starts[exported], "is no function") if exported >= 0 else (0, "is missing")
        return fault(text, at, f"the default export {why}: `{_SHAPE}`", "default")
    if tree.kinds[function] in GENERATORS:
        return fault(text, tree.starts[function], f"the default export is a generator; write `{_SHAPE}`", "default")
    if tree.kinds[function] not in FUNCTIONS:
        return fault(text, tree.starts[function], f"the default export is no function: `{_SHAPE}`", "default")
    return None


def _untyped(tree: Tree, function: int) -> int:
    listed = tree.child(function, "parameters")
    first = next(iter(tree.named(listed)), -1) if listed >= 0 else -1
    if first < 0 or tree.child(first, "type") >= 0 or tree.child(first, "value") >= 0:
        return -1
    return tree.ends[first]
