"""What the plan, the names and the bindings of a program ask of the texts of one node.

Where that is the same for two texts, the program differs in the node's own statement only. Each consumer of fields in
this room stands here: `_read_fields` and the rest of the plan ask what is used and written into, `make_names` what is
declared, imported and hidden, the bindings what of `env` is read, `lower` itself for imports and the language.
"""

from __future__ import annotations

from stepwell.check.analysis import Analysis
from stepwell.check.values import CodeValue, Ref, Use, Value, codes_of, uses_of, walk, written_into
from stepwell.graph.data import LoopData
from stepwell.javascript import env_reads
from stepwell.lower.names import NameTable, is_like_helper
from stepwell.lower.naming import declared_by, taken_by
from stepwell.lower.plan import STORED_KEYS


def needs(analysis: Analysis, vertex: int) -> object:
    """What others than the node's own statement ask of it, but for the names in its code: see `same_names`."""
    return [(name, *_of_value(analysis, value)) for name, value in analysis.fields[vertex].items()]


def _of_value(analysis: Analysis, value: Value) -> tuple[object, ...]:
    uses = dict.fromkeys((use, _part(analysis, use, path)) for use, path in uses_of(value))
    refs = [part for part in walk(value) if isinstance(part, Ref)]
    env = [part.path[:1] for part in refs if part.use.kind == "env"]
    return list(uses), env, [_of_code(code) for code in codes_of(value)]


def _part(analysis: Analysis, use: Use, path: tuple[str | int, ...] | None) -> str | int | None:
    """The part of a value that is read, where parts are kept apart: those of loops, requests and events."""
    apart = use.kind == "node" and (
        isinstance(analysis.data[use.vertex], LoopData) or analysis.flow.nodes[use.vertex].type in STORED_KEYS
    )
    return path[0] if apart and path else None


def _of_code(code: CodeValue) -> tuple[object, ...]:
    facts = code.facts
    refs = [part for hole in code.holes for part in walk(hole.ref) if isinstance(part, Ref)]
    inside = {part.use for part in refs if part.use.kind != "node"}
    return (
        facts.language,
        [(one.module, one.text, one.dynamic) for one in facts.imports],
        frozenset(written_into(code)),
        {named.use for named in code.names if named.use.kind == "output"} if "_output" in facts.mutated else (),
        (inside, facts.bound) if inside else (),
        [one._replace(starts=()) for one in env_reads(facts).reads],
    )


def names_of(analysis: Analysis, vertex: int) -> tuple[frozenset[str], frozenset[str]]:
    """The names in a node's code that variables are not called by: what it takes from the module, what it declares."""
    return frozenset(taken_by(analysis.codes[vertex])), frozenset(declared_by(analysis, vertex))


def same_names(old: Analysis, new: Analysis, vertex: int, table: NameTable) -> bool:
    """Whether everything is called the same: nobody ever wanted a name that only one of both has."""
    pairs = zip(names_of(old, vertex), names_of(new, vertex), strict=True)
    return not any(name in table.tried or is_like_helper(name) for one, other in pairs for name in one ^ other)
