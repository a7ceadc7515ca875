"""Compiling on every keystroke: a session keeps what the last compile knew, and does anew what an edit has changed.

What is kept is only used where it is proven to be the same as a compile of its own would make:

- a text that differs from the last one within nodes, and in these in the position and in what fields are read from
  (`check.again.TEXTS`), has the same flow, regions and settings; only these nodes are checked again, if the others ask
  for nothing of them that has changed (`check.again.unseen`); so may it in the metadata that no check asks for
  (`check.again.METADATA`);
- if they need the same of the program (`lower.needs`), plan, names and bindings stay, and only their statements are
  built and printed again; if not, all is lowered and printed;
- everything else is a compile like any other.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import ValidationError

from stepwell import compiler
from stepwell.bundle.manifest import ArtifactText, artifact_text
from stepwell.check.again import Checked, Readers, checked, only_texts, only_told, readers, unseen
from stepwell.collector import paused
from stepwell.compiler import Again, Compiled, Known, Language
from stepwell.diagnostics import Diagnostic, Severity, has_errors
from stepwell.emit.asks import alike, same_module, told
from stepwell.emit.module import emit_by
from stepwell.emit.sheet import Piece, Sheet, piece, sheet
from stepwell.graph.edited import Changed, Spot, Text, about, changed, in_order, located, same_value, spots, spots_in
from stepwell.graph.jsontext import parse
from stepwell.graph.model import Metadata, Node
from stepwell.graph.read import Document
from stepwell.lower.lower import sources_of
from stepwell.lower.names import NameTable, Taken
from stepwell.lower.needs import needs, same_names
from stepwell.lower.plan import Plan
from stepwell.lower.program import Assign, Declare, If, Program, Statement

if TYPE_CHECKING:
    from stepwell.bundle.packages import Packages
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.graph.nodes import Nodes

MANY = 50
"""Of so many changed nodes, all are compiled."""

_Placed = Sequence[tuple[Diagnostic, Spot | None]]


class Session:
    """Compiles documents that are much like each other, such as those of an editor, each as `compile_artifact` does.

    It takes what that takes. It is quick where a JSON text differs from the last one that compiled in the texts of a
    few nodes, and in when it was written; `quick` counts how often it was. It holds about as much memory as a compile,
    and as many threads may share it as like to: they wait for each other.
    """

    def __init__(
        self,
        *,
        language: Language = "ts",
        toolchain: Toolchain | None = None,
        packages: Packages | None = None,
        nodes: Nodes | None = None,
        off: Collection[str] = (),
    ) -> None:
        self._options = replace(compiler.options_of(language, toolchain, packages, nodes, off), again=True)
        self._lock = threading.Lock()
        self._kept: _Kept | None = None
        self.quick = 0

    def compile(self, document: object) -> Compiled:
        """What `compile_artifact` gives for a document."""
        # What is made on the way is gone before the collector looks again: it counts what it sees living on, and looks
        # through all that a session keeps when that has grown.
        with self._lock, paused():
            edit = self._edit(document)
            if edit is None:
                return self._whole(document)
            compiled, self._kept = edit.compiled()
            self.quick += edit.is_quick
            return compiled

    def check(self, document: object) -> list[Diagnostic]:
        """What `stepwell.check` gives for a document."""
        with self._lock, paused():
            edit = self._edit(document)
            if edit is None:
                return compiler.check(document, nodes=self._options.nodes, off=self._options.off)
            self.quick += 1
            return list(edit.finish(edit.found))

    def _edit(self, document: object) -> _Edit | None:
        if self._kept is None or not isinstance(document, str):
            return None
        return _edit(self._kept, document)

    def _whole(self, document: object) -> Compiled:
        compiled, known = compiler.compiled(document, self._options)
        if known is not None and isinstance(document, str):
            value, repeated, _ = parse(document)
            text = None if repeated else located(document, value)
            apart = not any("/" in node.id for node in known.analysis.flow.nodes)
            if text is not None and apart and all(d.place is None for d in known.found):
                self._kept = _Kept(self._options, text, known, _again(known).builder.names.table)
        return compiled


@dataclass(frozen=True)
class _Kept:
    """What is known of the last document that compiled."""

    options: compiler.Options
    text: Text
    known: Known
    table: NameTable
    """The names as they were when all had been given."""

    @cached_property
    def readers(self) -> Readers:
        return readers(self.known.analysis)

    @cached_property
    def placed(self) -> _Placed:
        """What the checks have found, with its places."""
        return list(zip(self.known.found, spots(self.text, self.known.found), strict=True))

    @cached_property
    def sheet(self) -> Sheet:
        emitted = self.known.emitted
        page = emitted if isinstance(emitted, Sheet) else sheet(emitted)
        assert page is not None
        return page

    @cached_property
    def artifact(self) -> ArtifactText:
        return self.known.artifact or artifact_text(self.known.analysis.document.source.ir)


# -- an edit -------------------------------------------------------------------------------------------------


@dataclass
class _Edit:
    """A document that differs from the last one in the texts of some nodes, checked."""

    kept: _Kept
    text: Text
    nodes: Sequence[int]
    new: Checked
    placed: _Placed
    is_quick: bool = True

    @property
    def found(self) -> Sequence[Diagnostic]:
        return [d for d, _ in self.placed]

    def finish(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Findings as they are handed out."""
        options = self.kept.options
        known = {id(d): spot for d, spot in self.placed}
        kept = [d for d in found if d.severity is Severity.ERROR or d.slug not in options.off]
        more = [d for d in kept if id(d) not in known]
        known |= {id(d): spot for d, spot in zip(more, spots(self.text, more) if more else (), strict=True)}
        return tuple(in_order(self.text, [(d, known[id(d)]) for d in kept]))

    def compiled(self) -> tuple[Compiled, _Kept]:
        """What the document compiles to, and what is to be kept."""
        kept, options = self.kept, self.kept.options
        if has_errors(self.found):
            return Compiled(self.finish(self.found), language=options.language), kept
        known = self._patched()
        readers = kept.__dict__.get("readers")
        if known is not None:
            compiled, made = compiler.assembled(known, options, self.finish)
            table = kept.table
        else:
            self.is_quick = False
            more = self._printed_again, self._artifact()
            compiled, made = compiler.made(self.new.analysis, self.found, options, self.finish, *more)
            table = _again(made).builder.names.table if made is not None else kept.table
        if made is None:
            return compiled, kept
        new = _Kept(options, self.text, made, table)
        new.__dict__["placed"] = self.placed
        if readers is not None:
            new.__dict__["readers"] = readers.reading(self.new.analysis, self.nodes)
        return compiled, new

    def _patched(self) -> Known | None:
        """What is known of the new document, if nothing but the statements of its changed nodes is another."""
        old, new, table = self.kept.known, self.new.analysis, self.kept.table
        if old.program.description != new.document.source.ir.metadata.description:
            return None
        for node in self.nodes:
            if needs(old.analysis, node) != needs(new, node) or not same_names(old.analysis, new, node, table):
                return None
        try:
            builder, body = _again(old).builder.again(new, self.nodes)
        except Taken:
            return None
        program = replace(old.program, body=body, sources=sources_of(new))
        page = _page(self.kept, program)
        if page is None:
            return None
        again = _again(old)._replace(builder=builder)
        return Known(new, self.found, program, page, again, old.built, self._artifact())

    def _artifact(self) -> ArtifactText:
        ir = self.new.analysis.document.source.ir
        return self.kept.artifact.replaced({node: ir.nodes[node] for node in self.nodes}, ir.metadata)

    def _printed_again(self, program: Program, again: Again) -> Sheet | None:
        """A program that was lowered anew, the statements that have not changed as they were printed before."""
        page, (builder, printer) = self.kept.sheet, again
        old = _again(self.kept.known).printer
        if not same_module(old, printer):
            return None
        before = self.kept.known.program.body
        places = {_key(one): number for number, one in enumerate(before) if number in page.at}
        changed = self._holders(builder.plan)
        known: dict[int, int] = {}
        for number, one in enumerate(program.body):
            place = places.get(_key(one))
            if place is None or getattr(one, "node", None) in changed or one != before[place]:
                continue
            if alike(old, printer, old.asks[place]):
                known[number] = place
        emitted = emit_by(printer, program, {number: old.asks[at] for number, at in known.items()})
        return sheet(emitted, {number: page.pieces[page.at[at]] for number, at in known.items()})

    def _holders(self, plan: Plan) -> set[str]:
        """The nodes whose statements in the program's body hold what was built of changed nodes.

        Of all others, statements that compare equal are the same: their values come from the same texts.
        """
        flow = self.new.analysis.flow
        found = set(self.nodes)
        for node in self.nodes:
            chain = plan.chain(plan.scope_of(node))
            if len(chain) > 1:
                part = chain[-2]
                groups = self.new.analysis.regions.groups
                found.add(groups[part] if part in groups else flow.arm(part).container)
        return {flow.nodes[node].id for node in found}


def _key(statement: Statement) -> tuple[type, object]:
    """What statements of two programs are compared by."""
    return type(statement), getattr(statement, "node", None) or getattr(statement, "name", None)


def _again(known: Known) -> Again:
    """What every compile of a session keeps."""
    assert known.again is not None
    return known.again


def _page(kept: _Kept, program: Program) -> Sheet | None:
    """The printed module with the statements that have changed."""
    old, body, printer = kept.known.program.body, program.body, _again(kept.known).printer
    if len(old) != len(body):
        return None
    pieces: dict[int, Piece] = {}
    for number, (before, now) in enumerate(zip(old, body, strict=True)):
        if _is_same(before, now):
            continue
        place = kept.sheet.at.get(number)
        if place is None or told(before, printer.script) != told(now, printer.script):
            return None
        js, wanted = printer.asking(now)
        if wanted != printer.asks[number]:
            return None
        pieces[place] = piece(js, kept.sheet.pieces[place].begun)
        if not pieces[place].text:
            return None
    return kept.sheet.replaced(pieces)


def _is_same(before: Statement, now: Statement) -> bool:
    """Whether a statement was not built anew, or is one that holds no value of a user: to Python, 1 is True."""
    if before is now:
        return True
    if isinstance(before, If) and isinstance(now, If):
        return len(before.arms) == len(now.arms) == 1 and before.arms[0][1] is now.arms[0][1] and before == now
    return isinstance(before, Assign | Declare) and before == now


def _edit(kept: _Kept, document: str) -> _Edit | None:
    """The document as an edit of the last one; None where it is none that can be told from it."""
    found = changed(kept.text, document)
    if found is None or len(found.nodes) > MANY:
        return None
    nodes, analysis = found.nodes, kept.known.analysis
    read = _read(analysis.document, kept.text, found.text, nodes)
    if read is None:
        return None
    old, new = checked(analysis, analysis.document, nodes), checked(analysis, read, nodes)
    if old is None or new is None or not unseen(old, new, nodes, lambda: kept.readers):
        return None
    return _with_places(kept, found, old, new)


def _with_places(kept: _Kept, edit: Changed, old: Checked, new: Checked) -> _Edit | None:
    """The edit with all findings; None where it cannot be told which ones of changed nodes are about their texts."""
    base = kept.known.analysis.document.base
    told, known, now = (about(found, base, edit.nodes) for found in (kept.known.found, old.found, new.found))
    if sum(map(len, now.values())) != len(new.found):
        return None
    for node in edit.nodes:
        first = told[node][: len(told[node]) - len(known[node])]
        if [*first, *known[node]] != told[node] or any(d.pointer == f"{base}/nodes/{node}" for d in first):
            return None
        # What was said when the document was read is not about what has changed.
        now[node][:0] = first
    ours = {id(d) for one in told.values() for d in one}
    others = [d for d in kept.known.found if id(d) not in ours]
    placed = _others(kept, edit, others, base) if others else []
    for node, found in now.items():
        placed += zip(found, spots_in(edit.text, base, node, found) if found else (), strict=True)
    return _Edit(kept, edit.text, edit.nodes, new, placed)


def _others(kept: _Kept, edit: Changed, found: Sequence[Diagnostic], base: str) -> list[tuple[Diagnostic, Spot | None]]:
    """Findings about what has not changed, with their places, which have where it is written differently."""
    if edit.around:
        return list(zip(found, spots(edit.text, found), strict=True))
    known = {id(d): spot for d, spot in kept.placed}
    for node, about_it in about(found, base, edit.rewritten).items():
        known |= {id(d): s for d, s in zip(about_it, spots_in(edit.text, base, node, about_it), strict=True)}
    return [(d, known[id(d)]) for d in found]


def _read(document: Document, old: Text, new: Text, nodes: Sequence[int]) -> Document | None:
    """The document with its changed nodes and metadata read, if only what `again` allows has changed."""
    ir = document.source.ir
    metadata = ir.metadata if same_value(old.metadata, new.metadata) else _metadata(old, new)
    if metadata is None:
        return None
    models = list(ir.nodes)
    for node in nodes:
        if not only_texts(old.nodes[node], new.nodes[node]):
            return None
        try:
            models[node] = Node.model_validate(new.nodes[node])
        except ValidationError:
            return None
    source = document.source.model_copy(update={"ir": ir.model_copy(update={"nodes": models, "metadata": metadata})})
    return replace(document, source=source)


def _metadata(old: Text, new: Text) -> Metadata | None:
    if not isinstance(new.metadata, dict) or not only_told(old.metadata, new.metadata):
        return None
    try:
        return Metadata.model_validate(new.metadata)
    except ValidationError:
        return None
