"""Changes a flow's file so that it says another graph, and leaves everything else in it as it is.

The change is made in rounds: what is added, taken out and moved first, then fields and edges, then what an editor
keeps. After each round the text is read again, and it is done when it says what it shall. So whatever a round
overlooks is seen by the next one, and a text that says something else than was asked for is never given back.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final

import libcst as cst

from stepwell.diagnostics import Diagnostic
from stepwell.diagnostics import codes as c
from stepwell.flow import nodes as made
from stepwell.flow.forms import HEAD, edge_id, id_from
from stepwell.flow.phrases import Phrases, code_literal, literal
from stepwell.flow.reader import NodeSite, Reading, Statement, entries, read
from stepwell.flow.reader import _Exported as Exported
from stepwell.flow.reader import _Room as Room
from stepwell.flow.spans import Span, children, string_value, tokens_of
from stepwell.flow.splices import Items, OverlapError, Splice, indent_at, line_end, line_start, spliced
from stepwell.flow.structure import labels_of
from stepwell.flow.writer import WIDTH, Given, NodePrinter, call_text, cleaned, form_of, says_branches, words_of

ROUNDS: Final = 8
Key = tuple[str, str | None]
Json = dict[str, Any]


class Refused(Exception):
    """The change cannot be written into the file; the message says why."""

    def __init__(self, message: str, node: Any = None) -> None:
        super().__init__(message)
        self.message, self.node = message, node


@dataclass(frozen=True)
class Move:
    """A statement of a node that goes elsewhere: behind or before another one's, or first into an arm."""

    node: str
    where: str
    anchor: str
    label: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is known about a change besides where it leads: ids that become others, a statement that moves.

    `exact`: the order of nodes and of edges is a part of the graph; else it is what the statements make of it.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    move: Move | None = None
    exact: bool = True


@dataclass(frozen=True)
class Updated:
    """The changed text, and what it says; None, and why, where it cannot be."""

    text: str | None
    reading: Reading | None
    diagnostics: tuple[Diagnostic, ...] = ()


def update(reading: Reading, target: Json, plan: Plan | None = None) -> Updated:
    """The text of a flow's file, changed so that it says `target`, a document that can be read."""
    plan = plan or Plan()
    target = cleaned(target)
    try:
        changed = _in_rounds(reading, target, plan)
    except Refused as refused:
        place = reading.place_of_syntax(refused.node) if refused.node is not None else None
        return Updated(None, None, (Diagnostic(c.FLOW_EDIT, refused.message, place=place),))
    except (OverlapError, RecursionError):
        message = "The change cannot be written into the file as it stands; make it in smaller steps."
        return Updated(None, None, (Diagnostic(c.FLOW_EDIT, message),))
    return Updated(changed.mark + changed.text, changed)


def _in_rounds(reading: Reading, target: Json, plan: Plan) -> Reading:
    if reading.document is None or reading.root is None:
        raise Refused("There is no workflow in the file that could be changed.")
    closed = frozenset((site.handle.id, param) for site in reading.sites for param in site.unread)
    faults = _faults(reading)
    for number in range(ROUNDS):
        splices = _Round(reading, target, plan, number, closed).splices()
        if not splices:
            break
        reading = read(reading.mark + spliced(reading.text, splices), files=reading.files)
        if reading.document is None or reading.root is None:
            raise Refused("The change would leave a file that cannot be read.")
    if not _says(reading.document, target, plan.exact) or _faults(reading) - faults:
        raise Refused("The graph that is wanted cannot be written into the file as it stands.")
    return reading


def _faults(reading: Reading) -> Counter[tuple[str, str]]:
    return Counter((d.code.id, d.message) for d in reading.diagnostics if d.severity is c.Severity.ERROR)


def _says(document: Any, target: Json, exact: bool) -> bool:
    document = cleaned(document)
    if exact:
        return bool(document == target)
    return _unordered(document) == _unordered(target)


def _unordered(document: Json) -> Json:
    artifact = document.get("ir", document)
    loose = {
        **artifact,
        "nodes": {node["id"]: node for node in artifact["nodes"]},
        "edges": Counter((e["id"], e["source"], e["target"], e.get("label")) for e in artifact["edges"]),
    }
    return {**document, "ir": loose} if artifact is not document else loose


@dataclass(eq=False)
class _New:
    """A node that is to be added, with what stands in its arms."""

    node: Json
    arms: list[tuple[str | None, list[_New]]] = field(default_factory=list)
    name: str | None = None


@dataclass(eq=False)
class _Point:
    """Where statements are put in: an offset, the indentation there, and the `pass` that they stand in place of."""

    offset: int
    indent: str
    instead: Span | None = None


class _Round:
    """One round: the splices that lead from a reading towards a document."""

    def __init__(
        self, reading: Reading, target: Json, plan: Plan, number: int, closed: frozenset[tuple[str, str]] = frozenset()
    ) -> None:
        assert reading.document is not None and reading.root is not None and reading.flow is not None
        self.reading, self.plan, self.number, self.closed = reading, plan, number, closed
        self.text, self.spans, self.flow, self.root = reading.text, reading.spans, reading.flow, reading.root
        self.target, self.artifact = target, target.get("ir", target)
        self.now = cleaned(reading.document)
        self.now_artifact = self.now.get("ir", self.now)
        self.wanted: dict[str, Json] = {node["id"]: node for node in self.artifact["nodes"]}
        self.sites = {str(site.handle.id): site for site in reading.sites}
        if len(self.wanted) != len(self.artifact["nodes"]) or len(self.sites) != len(reading.sites):
            raise Refused("Two nodes have the same id; give each its own.")
        self.ids = list(self.sites)
        self.newline = reading.module.default_newline
        self.step = reading.module.default_indent
        self.phrases = Phrases(frozenset(self.wanted), words_of(self.artifact["nodes"]))
        self.phrases.known_as = self._known_as()
        self.at = 0
        defaults = {key: self.flow._defaults.get(key) for key in ("version", "provider")}
        self.printer = NodePrinter(self.phrases, self._refer, defaults)
        self.made: list[Splice] = []
        self.taken = set(reading.names)
        self.fresh: dict[str, str] = {}
        self.gone: set[int] = set()

    def splices(self) -> list[Splice]:
        """The changes of the first of these that has any."""
        for change in (self._rename, self._move, self._take_out_and_put_in, self._arms, self._details, self._kept):
            change()
            if self.made:
                return [*self.made, *self._imports()]
        return []

    # -- names -------------------------------------------------------------------------------------

    def _known_as(self) -> dict[str, str]:
        known: dict[str, str] = {}
        rooms = [name for name, value in self.reading.names.items() if isinstance(value, Room)]
        for name, value in self.reading.names.items():
            if isinstance(value, Exported) and (value.name not in known or name == value.name):
                known[value.name] = name
        if rooms and not known:
            value = self.reading.names[rooms[0]]
            prefix = rooms[0] if isinstance(value, Room) and value.part != "stepwell" else f"{rooms[0]}.flow"
            import stepwell.flow as door

            known = {name: f"{prefix}.{name}" for name in door.__all__}
        return known

    def _refer(self, id: str) -> str:
        site = self.sites.get(id)
        name = self._name_of(site) if site is not None else None
        return name if name is not None else literal(id)

    def _name_of(self, site: NodeSite | None) -> str | None:
        """The variable of a node, where it stands for it at `at`."""
        if site is None or site.statement.name is None:
            return None
        name = site.statement.name
        is_it = self.reading.names.get(name) is site.handle
        return name if is_it and self.spans.of(site.statement.cst).start < self.at else None

    def _free_name(self, id: str) -> str:
        import keyword

        word = re.sub(r"[^A-Za-z0-9_]+", "_", id).strip("_")
        word = word if word and not word[0].isdigit() else f"node_{word}".rstrip("_")
        name, number = word, 1
        while name in self.taken or keyword.iskeyword(name) or name in ("flow", self.root.name):
            number += 1
            name = f"{word}_{number}"
        self.taken.add(name)
        return name

    def _imports(self) -> list[Splice]:
        """Names of `stepwell.flow` that the changes need and the file does not import."""
        missing = sorted(self.phrases.used - self.phrases.known_as.keys())
        if not missing:
            return []
        for line in self.reading.module.body:
            for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if self._imported_from(small) == "stepwell.flow":
                    return self._more_imports(small, missing)
        first = self.reading.module.body[0]
        span = self.spans.of(first)
        at = line_end(self.text, span.end) if _is_docstring(first) else line_start(self.text, span.start)
        return [Splice(at, at, f"from stepwell.flow import {', '.join(missing)}{self.newline}")]

    def _imported_from(self, small: Any) -> str:
        if not isinstance(small, cst.ImportFrom) or small.module is None or isinstance(small.names, cst.ImportStar):
            return ""
        found = self.spans.of(small.module)
        return self.text[found.start : found.end]

    def _more_imports(self, small: Any, missing: list[str]) -> list[Splice]:
        spans = [self._alias_span(alias) for alias in small.names]
        items = Items(self.text, spans, spans[0].start, self.spans.of(small).end, self.newline)
        listed = [self.text[span.start : span.end] for span in spans]
        for name in missing:
            behind = max((n for n, one in enumerate(listed) if one < name), default=-1)
            items.add(name, behind)
        return items.splices()

    def _alias_span(self, alias: Any) -> Span:
        start = self.spans.of(alias.name).start
        end = self.spans.of(alias.asname.name).end if alias.asname is not None else self.spans.of(alias.name).end
        return Span(start, end)

    # -- ids ---------------------------------------------------------------------------------------

    def _rename(self) -> None:
        for old, new in self.plan.renamed.items():
            site = self.sites.get(old)
            if site is None or new in self.sites:
                continue
            self._argument(site.statement.call, site, "id", literal(new))
            self._rename_in_layout(old, new)

    def _rename_in_layout(self, old: str, new: str) -> None:
        positions = self._layout_literal("positions", cst.Dict)
        for element in positions.elements if positions is not None else ():
            self._replace_text(getattr(element, "key", None), old, new)
        order = self._layout_literal("order", cst.List)
        for element in order.elements if order is not None else ():
            self._replace_text(element.value, old, new)
        edges = self._layout_literal("edges", cst.List)
        for element in edges.elements if edges is not None else ():
            row = element.value
            for part in row.elements[1:3] if isinstance(row, cst.Tuple | cst.List) else ():
                self._replace_text(part.value, old, new)

    def _replace_text(self, node: Any, old: str, new: str) -> None:
        if _text_of(node) == old:
            span = self.spans.of(node)
            quote = node.value[0] if node.value[0] in "'\"" else '"'
            self.made.append(Splice(span.start, span.end, literal(new, quote)))

    def _layout_literal(self, param: str, kind: type) -> Any:
        node = self.reading.layout.get(param)
        return node if isinstance(node, kind) else None

    # -- statements: where they stand ------------------------------------------------------------------

    def _own(self, statement: Statement) -> Statement:
        """A statement that can be moved and taken out as a whole. Raises `Refused`."""
        if statement.broken:
            raise Refused("This statement is not understood as a whole, so it is left as it is.", statement.cst)
        shared = [one for one in statement.block if one.cst is statement.cst]
        lines = isinstance(statement.cst, cst.SimpleStatementLine | cst.With)
        if len(shared) != 1 or not lines or (statement.kind != "flow" and _in_one_with(statement)):
            raise Refused("This statement shares its line with others; write it on a line of its own.", statement.cst)
        return statement

    def _extent(self, statement: Statement, comments: bool = False) -> Span:
        """The lines of a statement; with `comments` those directly above it and below its body too."""
        span = self.spans.of(statement.cst)
        start, end = line_start(self.text, span.start), line_end(self.text, span.end)
        indent = indent_at(self.text, span.start)
        while comments and start > 0:
            above = line_start(self.text, start - 1)
            line = self.text[above:start]
            if not line.strip().startswith("#") or not line.startswith(indent + "#"):
                break
            start = above
        if comments and isinstance(statement.cst, cst.With):
            end = self._with_footer(end, indent)
        return Span(start, end)

    def _with_footer(self, end: int, indent: str) -> int:
        """Past comments that are indented deeper than the `with` that they close."""
        at = end
        while at < len(self.text):
            behind = line_end(self.text, at)
            line = self.text[at:behind]
            if line.strip() and not (line.strip().startswith("#") and len(indent_of(line)) > len(indent)):
                return end
            at = behind
            end = at if line.strip() else end
        return end

    def _behind(self, statement: Statement) -> _Point:
        span = self.spans.of(statement.cst)
        indent = indent_at(self.text, span.start)
        end = self._extent(statement, comments=True).end
        return _Point(end, indent)

    def _before(self, statement: Statement) -> _Point:
        span = self.spans.of(statement.cst)
        return _Point(self._extent(statement, comments=True).start, indent_at(self.text, span.start))

    def _first_in(self, holder: Statement) -> _Point:
        """The start of the body of an arm, a loop or the workflow."""
        body = holder.body
        if not body or not isinstance(holder.cst.body, cst.IndentedBlock) or _in_one_with(holder):
            raise Refused("This block cannot be added to as it stands.", holder.cst)
        first = body[0]
        if first.kind == "pass" and len(body) == 1 and not tokens_of_statement(first):
            span = self._extent(first)
            return _Point(span.start, indent_at(self.text, self.spans.of(first.cst).start), span)
        if first.kind == "pass" and tokens_of_statement(first):
            return self._behind(first)
        return self._before(first)

    def _last_in_workflow(self) -> _Point:
        """Behind the last node, before the edges and the layout."""
        last = next((one for one in reversed(self.root.body) if one.kind not in ("edge", "layout", "pass")), None)
        return self._behind(last) if last is not None else self._first_in(self.root)

    def _reindented(self, span: Span, old: str, new: str) -> str:
        """Lines of the text at another indentation. Lines inside of strings move only where that means nothing."""
        if old == new:
            return self.text[span.start : span.end]
        fixed = self._string_lines(span, old, new)
        lines = re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z", self.text[span.start : span.end])
        at, moved = span.start, []
        for line in lines:
            keep = at in fixed or not line.strip() or not line.startswith(old)
            moved.append(line if keep else new + line[len(old) :])
            at += len(line)
        return "".join(moved)

    def _string_lines(self, span: Span, old: str, new: str) -> set[int]:
        """The starts of the lines that begin inside of a string and are a part of what it says."""
        fixed: set[int] = set()
        for token, is_code in _strings_in(self.reading.module, self.spans, span):
            inner = self.spans.of(token)
            body = self.text[inner.start : inner.end]
            if "\n" not in body and "\r" not in body:
                continue
            lines = [found.end() + inner.start for found in re.finditer(r"\r\n|\n|\r", body)]
            free = is_code and all(
                self.text.startswith(old, at) or not self.text[at : line_end(self.text, at)].strip() for at in lines
            )
            begins = re.match(r"[A-Za-z]*(?:\"\"\"|''')(?:\r\n|\n|\r)", body) is not None
            if not (free and begins):
                fixed.update(lines)
        return fixed

    def _outer(self, node: Any) -> Span:
        """The span of a value with the parentheses that it stands in."""
        span = self.spans.of(node)
        if not getattr(node, "lpar", None):
            return span
        return Span(self.spans.of(node.lpar[0]).start, self.spans.of(node.rpar[-1]).end)

    # -- moving --------------------------------------------------------------------------------------

    def _move(self) -> None:
        move = self.plan.move
        if move is None or self.number > 0:
            return
        site = self.sites.get(move.node)
        if site is None:
            raise Refused(f"There is no node `{move.node}` in the file.")
        statement = self._own(site.statement)
        if self._is_there(statement, move):
            return
        self._displace([statement], self._point_of(move, statement))

    def _point_of(self, move: Move, statement: Statement | None = None) -> _Point:
        anchor = self.sites.get(move.anchor)
        if anchor is None:
            raise Refused(f"There is no node `{move.anchor}` in the file.")
        if statement is not None and _holds(statement, anchor.statement):
            raise Refused("A node cannot be moved into itself.", statement.cst)
        if move.where == "into":
            return self._into(anchor, move.label)
        self._own(anchor.statement)
        return self._behind(anchor.statement) if move.where == "after" else self._before(anchor.statement)

    def _into(self, site: NodeSite, label: str | None) -> _Point:
        if isinstance(site.handle, made.Loop) and label in ("body", None):
            return self._first_in(site.statement)
        for arm in _arms_of(site):
            if arm.label == label:
                return self._first_in(arm)
        raise Refused(f"`{site.handle.id}` has no arm {label!r} in the file.", site.statement.cst)

    def _is_there(self, statement: Statement, move: Move) -> bool:
        anchor = self.sites.get(move.anchor)
        if anchor is None or anchor.statement.block is not statement.block:
            return False
        here = statement.block.index(statement) - statement.block.index(anchor.statement)
        return here == (1 if move.where == "after" else -1) and move.where != "into"

    def _displace(self, statements: list[Statement], point: _Point) -> None:
        """Takes statements out where they stand, and puts them in at a point."""
        parts = []
        for statement in statements:
            span = self._extent(statement)
            named = [one for one in (statement, *_within(statement)) if one.kind == "node" and one.name is not None]
            if span.end <= point.offset:
                self._spell_out(named, span.end, point.offset)
        for statement in statements:
            span = self._extent(self._own(statement), comments=True)
            parts.append(self._at_indent(statement, point.indent))
            self._cut(span, statement)
        self._put("".join(parts), point)

    def _spell_out(self, named: list[Statement], start: int, end: int) -> None:
        """References by name, between two offsets, to nodes that do not stand before them any more: by id."""
        ids = {one.name: str(self.reading.sites[one.number].handle.id) for one in named}
        if not any(re.search(rf"\b{name}\b", self.text[start:end]) for name in ids):
            return
        for node, quote in self._in_quotes(self.root.cst, '"'):
            if not isinstance(node, cst.Call) or _called(node) not in ("ref", "edge"):
                continue
            for used in (arg.value for arg in node.args):
                span = self.spans.of(used)
                if isinstance(used, cst.Name) and used.value in ids and start <= span.start < end:
                    text = literal(ids[used.value], quote)
                    if quote == "'" and ('"' in text or "\\" in text):
                        raise Refused("The id does not fit into this f-string.", used)
                    self.made.append(Splice(span.start, span.end, text))

    def _in_quotes(self, node: Any, quote: str) -> Iterator[tuple[Any, str]]:
        """All of the syntax, and the quotes that a text may have there: in an f-string not those of its own."""
        stack = [(node, quote)]
        while stack:
            here, quote = stack.pop()
            yield here, quote
            inner = ("'" if here.end == '"' else '"') if isinstance(here, cst.FormattedString) else quote
            stack.extend((child, inner) for child in children(here))

    def _at_indent(self, statement: Statement, indent: str) -> str:
        """The lines of a statement at another indentation."""
        span = self._extent(self._own(statement), comments=True)
        moved = self._reindented(span, indent_at(self.text, self.spans.of(statement.cst).start), indent)
        return self._ended(moved)

    def _ended(self, text: str) -> str:
        return text if text.endswith(("\n", "\r")) else text + self.newline

    def _cut(self, span: Span, statement: Statement) -> None:
        """Takes lines out; a block that loses its last statement gets a `pass`."""
        self.gone.add(id(statement))
        left = [one for one in statement.block if id(one) not in self.gone]
        indent = indent_at(self.text, self.spans.of(statement.cst).start)
        self.made.append(Splice(span.start, span.end, "" if left else f"{indent}pass{self.newline}"))

    def _put(self, text: str, point: _Point) -> None:
        if point.instead is not None:
            self.made.append(Splice(point.instead.start, point.instead.end, text))
            return
        is_open = point.offset == len(self.text) and not self.text.endswith(("\n", "\r"))
        self.made.append(Splice(point.offset, point.offset, (self.newline if is_open else "") + text))

    # -- nodes that go and come --------------------------------------------------------------------------

    def _take_out_and_put_in(self) -> None:
        gone = [id for id, site in self.sites.items() if id not in self.wanted or self._becomes(site, self.wanted[id])]
        if gone:
            self._take_out(gone)
            return
        self._put_in([node for node in self.artifact["nodes"] if node["id"] not in self.sites])

    def _becomes(self, site: NodeSite, node: Json) -> bool:
        """Whether a plain node is to become a container, or the other way: then it goes, and comes anew."""
        return form_of(node).container != site.form.container and "node" not in (form_of(node).method, site.form.method)

    def _take_out(self, gone: list[str]) -> None:
        chosen = {id(self.sites[one].statement) for one in gone}
        for one in gone:
            statement = self.sites[one].statement
            if not any(id(above) in chosen for above in _above(statement)):
                self._take_out_one(self._own(statement), chosen)
                lost = [self.sites[id].statement for id in gone if _holds(statement, self.sites[id].statement)]
                lost = [one for one in lost if one.name is not None]
                self._spell_out(lost, self._extent(statement).end, len(self.text))
        self._forget_in_layout(set(gone))

    def _take_out_one(self, statement: Statement, chosen: set[int]) -> None:
        """Takes a statement out; nodes inside of it that stay are put in its place."""
        inside = list(_within(statement))
        foreign = next((one for one in inside if one.kind == "other" or one.broken), None)
        if foreign is not None:
            raise Refused("This code is not understood, so what stands around it is not taken out.", foreign.cst)
        staying = [one for one in inside if one.kind == "node" and id(one) not in chosen]
        tops = [one for one in staying if not any(one in _within(other) for other in staying if other is not one)]
        span, indent = self._extent(statement), indent_at(self.text, self.spans.of(statement.cst).start)
        kept = [self._at_indent(one, indent) for one in tops]
        self._cut(span, statement)
        if kept:
            self.made[-1] = Splice(span.start, span.end, "".join(kept))

    def _forget_in_layout(self, gone: set[str]) -> None:
        """Takes out what the layout says of nodes that go; what is empty then goes with it."""
        emptied = [param for param in ("positions", "order", "edges") if self._drop(param, gone)]
        call = self.reading.layout.get("")
        if call is None or not emptied:
            return
        statement = next(one for one in _within(self.root) if one.call is call)
        if len(emptied) == len(call.args) and not self._has_comments(call):
            self._cut(self._extent(self._own(statement)), statement)
        else:
            self._in_call(call, dict.fromkeys(emptied), _layout_site(self.reading))

    def _drop(self, param: str, gone: set[str]) -> bool:
        """Takes elements out of a part of the layout; True, and nothing done, where none would be left."""
        node = self.reading.layout.get(param)
        if not isinstance(node, cst.Dict | cst.List):
            return False
        numbers = [n for n, one in enumerate(node.elements) if not gone.isdisjoint(_named_in(param, one))]
        if numbers and len(numbers) == len(node.elements) and not self._has_comments(node):
            return True
        items = self._items(node)
        for number in numbers:
            items.remove(number)
        self.made += items.splices()
        return False

    def _put_in(self, added: list[Json]) -> None:
        leaving: defaultdict[str, list[Json]] = defaultdict(list)
        coming: defaultdict[str, list[Json]] = defaultdict(list)
        for edge in self.artifact["edges"]:
            leaving[edge["source"]].append(edge)
            coming[edge["target"]].append(edge)
        new = {one["id"]: _New(one, [(label, []) for label in labels_of(one, leaving[one["id"]])]) for one in added}
        rows: dict[tuple[int, int], tuple[_Point, list[_New]]] = {}
        where: dict[str, list[_New]] = {}
        arms: defaultdict[str, list[tuple[str | None, list[_New]]]] = defaultdict(list)
        for node in self._in_order(added, coming):
            self._place(new[node["id"]], coming, leaving, new, rows, where, arms)
        for point, row in rows.values():
            self._put("".join(self._statement(one, point.indent) for one in row), point)
        for id, told in arms.items():
            self._put_arms(self.sites[id], told)

    def _in_order(self, added: list[Json], coming: Mapping[str, list[Json]]) -> list[Json]:
        """Nodes behind those that lead to them."""
        left, done = {node["id"]: node for node in added}, []
        while left:
            ready = [id for id in left if not any(e["source"] in left and e["source"] != id for e in coming[id])]
            chosen = ready[0] if ready else next(iter(left))
            done.append(left.pop(chosen))
        return done

    def _place(
        self,
        new: _New,
        coming: Mapping[str, list[Json]],
        leaving: Mapping[str, list[Json]],
        all_new: Mapping[str, _New],
        rows: dict[tuple[int, int], tuple[_Point, list[_New]]],
        where: dict[str, list[_New]],
        arms: defaultdict[str, list[tuple[str | None, list[_New]]]],
    ) -> None:
        """Chooses where a new node stands: behind what leads to it, in its arm, or before what it leads to."""
        id = new.node["id"]
        edges = [e for e in coming[id] if e["source"] in self.sites or e["source"] in where]
        targets = [e["target"] for e in leaving[id] if e["target"] in self.sites]
        if len(edges) == 1 or (edges and not targets):
            edge = edges[0]
            source, label = edge["source"], edge.get("label")
            if source in where:
                row = self._row_in(all_new[source], label, where[source])
                row.insert(0 if row is not where[source] else row.index(all_new[source]) + 1, new)
                where[id] = row
                return
            site = self.sites[source]
            if self._leads_in(site, label):
                arm = self._arm_point(site, label)
                if arm is None:
                    row = [new]
                    arms[source].append((label, row))
                    where[id] = row
                    return
                self._note(arm, new, rows, where)
                return
            self._note(self._behind(self._own(site.statement)), new, rows, where)
            return
        if targets:
            self._note(self._before(self._own(self.sites[targets[0]].statement)), new, rows, where)
        else:
            self._note(self._last_in_workflow(), new, rows, where)

    def _row_in(self, source: _New, label: str | None, row: list[_New]) -> list[_New]:
        for one, inside in source.arms:
            if one == label and not (inside and source.node["type"] in ("parallel", "race")):
                return inside
        return row

    def _note(
        self,
        point: _Point,
        new: _New,
        rows: dict[tuple[int, int], tuple[_Point, list[_New]]],
        where: dict[str, list[_New]],
    ) -> None:
        _, row = rows.setdefault((point.offset, len(point.indent)), (point, []))
        row.append(new)
        where[new.node["id"]] = row

    def _leads_in(self, site: NodeSite, label: str | None) -> bool:
        """Whether an edge of this label leads into an arm."""
        node = self.wanted.get(str(site.handle.id), site.handle._json)
        match site.handle._json["type"]:
            case "parallel" | "race":
                return label != "then"
            case "loop" | "try_catch" | "branch":
                return label in labels_of(node, [{"label": label}]) and label not in (None, "then")
        return False

    def _arm_point(self, site: NodeSite, label: str | None) -> _Point | None:
        """Where the arm begins; None when the file has none yet."""
        self._own(site.statement)
        if isinstance(site.handle, made.Loop):
            return self._first_in(site.statement)
        is_own = site.handle._json["type"] in ("parallel", "race")
        for arm in _arms_of(site):
            if arm.label == label and not (is_own and any(one.kind == "node" for one in arm.body)):
                return self._first_in(arm)
        return None

    def _put_arms(self, site: NodeSite, arms: list[tuple[str | None, list[_New]]]) -> None:
        """New arms at the end of a container."""
        statement = self._own(site.statement)
        if not isinstance(statement.cst, cst.With):
            raise Refused("The container stands without a `with`, so it gets no arms.", statement.cst)
        name = self._ensure_name(site)
        point = self._behind(statement.body[-1]) if statement.body else None
        if point is None:
            raise Refused("This container cannot be added to as it stands.", statement.cst)
        node = self.wanted[str(site.handle.id)]
        text = "".join(self._arm(node, name, label, row, point.indent) for label, row in arms)
        only = statement.body[0]
        if only.kind == "pass" and len(statement.body) == 1:
            point = _Point(point.offset, point.indent, self._extent(only))
        self._put(text, point)

    # -- statements: how they are written --------------------------------------------------------------

    def _statement(self, new: _New, indent: str) -> str:
        """A new node, with what stands in it."""
        node = new.node
        spoken = node["type"] == "branch" and says_branches(
            (node.get("data") or {}).get("branches"), [label for label, _ in new.arms]
        )
        form, given = self.printer.arguments(node, spoken)
        callee = f"{self.root.name}.{form.method}"
        if "position" in node and self.reading.layout.get("positions") is None:
            given.append(("at", self.printer.values.position(node["position"])))
        inner = indent + self.step
        if not new.arms:
            return self._lines(call_text(indent, callee, given, indent, ""))
        if form.method in ("for_each", "times", "while_"):
            head = call_text(f"{indent}with ", callee, given, indent, ":")
            return self._lines(head) + self._body(new.arms[0][1], inner)
        name = self._free_name(node["id"])
        head = call_text(f"{indent}with ", callee, given, indent, f" as {name}:")
        return self._lines(head) + "".join(self._arm(node, name, label, row, inner) for label, row in new.arms)

    def _arm(self, node: Json, name: str, label: str | None, row: list[_New], indent: str) -> str:
        listed: Any = (node.get("data") or {}).get("branches")
        labels = [one.get("label") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if node["type"] == "branch" and says_branches(listed, labels) and label in labels:
            method, given = self.printer.branch_arm(listed, labels.index(label))
        else:
            method, given = self.printer.arm(node, label)
        head = call_text(f"{indent}with ", f"{name}.{method}", given, indent, ":")
        leads_on = any((e["source"], e.get("label")) == (node["id"], label) for e in self.artifact["edges"])
        return self._lines(head) + self._body(row, indent + self.step, leads_on)

    def _body(self, row: list[_New], indent: str, leads_on: bool = True) -> str:
        nothing = "pass" if leads_on else f"{self.root.name}.end()"
        return "".join(self._statement(one, indent) for one in row) or f"{indent}{nothing}{self.newline}"

    def _lines(self, text: str) -> str:
        return f"{text}\n".replace("\n", self.newline)

    def _ensure_name(self, site: NodeSite) -> str:
        """The variable of a node; it gets one where it has none."""
        statement, id = site.statement, str(site.handle.id)
        if statement.name is not None:
            if self.reading.names.get(statement.name) is not site.handle:
                raise Refused(f"The name `{statement.name}` stands for something else too.", statement.cst)
            return statement.name
        if id not in self.fresh:
            name = self.fresh[id] = self._free_name(id)
            if isinstance(statement.cst, cst.With):
                end = self.spans.of(statement.call).end
                self.made.append(Splice(end, end, f" as {name}"))
            else:
                start = self.spans.of(statement.call).start
                self.made.append(Splice(start, start, f"{name} = "))
        return self.fresh[id]

    # -- arms of a branch ----------------------------------------------------------------------------

    def _arms(self) -> None:
        for id, site in self.sites.items():
            node = self.wanted[id]
            listed: Any = (node.get("data") or {}).get("branches")
            if not isinstance(site.handle, made.Branch) or site.handle._given:
                continue
            now = site.handle._json.get("data", {}).get("branches") or []
            if listed == now:
                continue
            labels = [one.get("label") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            if not says_branches(listed, labels) or len(set(labels)) != len(labels):
                raise Refused("These arms cannot be written by `when` and `otherwise`.", site.statement.cst)
            self._change_arms(site, node, listed)

    def _change_arms(self, site: NodeSite, node: Json, listed: list[dict[str, str]]) -> None:
        now = [str(arm.label) for arm in site.arms]
        wanted = [one["label"] for one in listed]
        renamed = self._renamed_arms(now, wanted)
        now = [renamed.get(label, label) for label in now]
        gone = [n for n, label in enumerate(now) if label not in wanted]
        if gone:
            self._drop_arms(site, gone)
            return
        order = [label for label in wanted if label in now]
        if order != now:
            self._reorder(site, [now.index(label) for label in order])
            return
        for number, label in enumerate(wanted):
            if label in now:
                self._change_arm(site, site.arms[now.index(label)], listed, number)
        self._add_arms(site, node, wanted, now)

    def _renamed_arms(self, now: list[str], wanted: list[str]) -> dict[str, str]:
        if len(now) != len(wanted):
            return {}
        pairs = [(a, b) for a, b in zip(now, wanted, strict=True) if a != b]
        return {a: b for a, b in pairs if a not in wanted and b not in now}

    def _drop_arms(self, site: NodeSite, gone: list[int]) -> None:
        """Takes arms out; nodes that are left in one stand behind the branch from then on."""
        point = self._behind(self._own(site.statement))
        kept = []
        for number in gone:
            arm = self._own(site.arms[number])
            for one in arm.body:
                if one.kind in ("other", "edge", "layout"):
                    raise Refused("The arm holds more than nodes, so it is not taken out.", one.cst)
                if one.kind == "node":
                    kept.append(self._at_indent(one, point.indent))
            self._cut(self._extent(arm), arm)
        if kept:
            self._put("".join(kept), point)

    def _reorder(self, site: NodeSite, order: list[int]) -> None:
        spans = [self._extent(self._own(arm), comments=True) for arm in site.arms]
        for span, number in zip(spans, order, strict=True):
            other = spans[number]
            text = self._ended(self.text[other.start : other.end])
            if span != other:
                self.made.append(Splice(span.start, span.end, text))

    def _change_arm(self, site: NodeSite, arm: Statement, listed: list[dict[str, str]], number: int) -> None:
        now = site.handle._json["data"]["branches"][site.arms.index(arm)]
        told = listed[number]
        if now == told:
            return
        self.at = self.spans.of(arm.cst).start
        if bool(now["condition"]) != bool(told["condition"]):
            self._rewrite_arm(arm, listed, number)
            return
        given = {a.keyword.value if a.keyword else "when": a.value for a in arm.call.args}
        if now["condition"] != told["condition"]:
            self._change_condition(given["when"], told["condition"])
        if now["label"] != told["label"]:
            self._in_call(arm.call, {"label": literal(told["label"])})

    def _rewrite_arm(self, arm: Statement, listed: list[dict[str, str]], number: int) -> None:
        method, given = self.printer.branch_arm(listed, number)
        span, indent = self.spans.of(arm.call), indent_at(self.text, self.spans.of(arm.call).start)
        owner = self.spans.of(arm.call.func.value)
        name = self.text[owner.start : owner.end]
        text = call_text("", f"{name}.{method}", given, indent, "")
        self.made.append(Splice(span.start, span.end, self._breaks(text)))

    def _add_arms(self, site: NodeSite, node: Json, wanted: list[str], now: list[str]) -> None:
        name = ""
        for number, label in enumerate(wanted):
            if label in now:
                continue
            name = name or self._ensure_name(site)
            before = [site.arms[now.index(one)] for one in wanted[:number] if one in now]
            statement = self._own(site.statement)
            if not isinstance(statement.cst, cst.With):
                raise Refused("The branch stands without a `with`, so it gets no arms.", statement.cst)
            point = self._behind(self._own(before[-1])) if before else self._first_in(statement)
            self._put(self._arm(node, name, label, [], point.indent), point)

    # -- fields, edges ---------------------------------------------------------------------------------

    def _details(self) -> None:
        for id, site in self.sites.items():
            self._node(site, self.wanted[id])
        self._edges()
        self._head()

    def _node(self, site: NodeSite, node: Json) -> None:
        now = {**site.handle._json}
        place = self.flow._positions.get(now["id"])
        if place is not None and "position" not in now:
            now = self.flow._placed(now)
        now = {key: value for key, value in now.items() if value is not None}
        if now == node:
            return
        self.at = self.spans.of(site.statement.cst).start
        form = form_of(node)
        is_branch = isinstance(site.handle, made.Branch) and not site.handle._given
        if form.method != site.form.method and site.form.method != "node":
            self._rewrite_call(site, node, is_branch)
        else:
            self._fields(site, now, node, is_branch)
        if now.get("position") != node.get("position"):
            self._place_node(site, node.get("position"))

    def _rewrite_call(self, site: NodeSite, node: Json, is_branch: bool) -> None:
        """Another type: the call is written anew."""
        statement = site.statement
        if statement.broken:
            raise Refused("This call is not understood, so it is left as it is.", statement.cst)
        form, given = self.printer.arguments(node, is_branch and node["type"] == "branch")
        if "after" in site.arguments:
            span = self._outer(site.arguments["after"])
            after = self.text[span.start : span.end]
            given.append(("after", lambda _: after))
        span = self.spans.of(statement.call)
        indent = indent_at(self.text, span.start)
        text = call_text("", f"{self.root.name}.{form.method}", given, indent, "")
        self.made.append(Splice(span.start, span.end, self._breaks(text)))

    def _fields(self, site: NodeSite, now: Json, node: Json, is_branch: bool) -> None:
        changes: dict[str, str | None] = {}
        indent = self._indent_of_arguments(site.statement.call)
        if now["name"] != node["name"]:
            changes["name"] = literal(node["name"])
            if "id" not in site.arguments and id_from(node["name"], node["type"]) != node["id"]:
                changes["id"] = literal(node["id"])
        if now["type"] != node["type"]:
            changes["type"] = literal(node["type"])
        for key in ("version", "provider"):
            if now.get(key) != node.get(key):
                usual = self.flow._defaults.get(key)
                changes[key] = None if node.get(key) == usual else literal(node.get(key))
        self._data(site, now.get("data"), node.get("data"), changes, indent, is_branch)
        if now.get("config") != node.get("config"):
            self._config(site, now.get("config"), node.get("config"), changes, indent)
        self._in_call(site.statement.call, changes, site)

    def _data(
        self, site: NodeSite, now: Any, wanted: Any, changes: dict[str, str | None], indent: str, is_branch: bool
    ) -> None:
        if wanted is None or now is None:
            if now != wanted:
                said = literal(None) if wanted is None else self._said(wanted, indent)
                changes["data"] = None if wanted == {} else said
            return
        implied = dict(site.form.implied)
        loose = site.arguments.get("data")
        rest: dict[str, tuple[Any, Any]] = {}
        for key in [*now, *(key for key in wanted if key not in now)]:
            old, new = now.get(key, _ABSENT), wanted.get(key, _ABSENT)
            if _same(old, new) or (is_branch and key == "branches") or key in implied:
                continue
            param = next((p for p in site.form.params if p.key == key), None)
            in_loose = isinstance(loose, cst.Dict) and any(k == key for k, _ in entries(loose))
            text = self.printer.param(site.form, param, None if new is _ABSENT else new) if param else None
            if param is None or in_loose or (text is None and new is not _ABSENT):
                rest[key] = (old, new)
                if param is not None and param.name in site.arguments and not in_loose:
                    changes[param.name] = None
            elif param.name in site.arguments and text is not None:
                self._value(site.arguments[param.name], old, new, text, param.style, site, param.name)
            else:
                changes[param.name] = text(indent) if text is not None else None
        if rest:
            self._loose(site, loose, rest, changes, indent)

    def _loose(
        self,
        site: NodeSite,
        loose: Any,
        rest: dict[str, tuple[Any, Any]],
        changes: dict[str, str | None],
        indent: str,
    ) -> None:
        """Keys of `data` that no parameter says."""
        if loose is None:
            changes["data"] = self._said({key: new for key, (_, new) in rest.items() if new is not _ABSENT}, indent)
            return
        self._readable(site, "data", loose)
        if not isinstance(loose, cst.Dict):
            raise Refused("This `data` is written elsewhere, so its keys are not changed here.", loose)
        before = {key: old for key, (old, _) in rest.items() if old is not _ABSENT}
        after = {key: new for key, (_, new) in rest.items() if new is not _ABSENT}
        if not after and len(loose.elements) == len(before):
            changes["data"] = None
        else:
            self._dict(loose, before, after)

    def _config(self, site: NodeSite, now: Any, wanted: Any, changes: dict[str, str | None], indent: str) -> None:
        if wanted is None:
            changes |= {"config": None, "retries": None}
            if site.form.key_of("timeout") is None:
                changes["timeout"] = None
            return
        can_say = bool(wanted) and ("timeout" not in wanted or site.form.key_of("timeout") is None)
        if not can_say or "config" in site.arguments:
            changes |= {"config": self._said(wanted, indent), "retries": None}
            if site.form.key_of("timeout") is None:
                changes["timeout"] = None
            return
        now = now or {}
        if now.get("retries") != wanted.get("retries"):
            told = wanted.get("retries")
            changes["retries"] = None if told is None else self.printer.retries(told)(indent)
        if now.get("timeout") != wanted.get("timeout"):
            changes["timeout"] = None if "timeout" not in wanted else literal(wanted["timeout"])

    def _said(self, value: Any, indent: str) -> str:
        return self.printer.value(value)(indent)

    # -- values ----------------------------------------------------------------------------------------

    def _readable(self, site: NodeSite | None, param: str, node: Any) -> None:
        """Code that was not understood from the start is left alone. What an earlier round left behind is not."""
        if isinstance(site, NodeSite) and (site.handle.id, param) in self.closed:
            raise Refused("This code is not understood, so it is left as it is.", node)

    def _value(
        self,
        node: Any,
        old: Any,
        new: Any,
        text: Any,
        style: str = "value",
        site: NodeSite | None = None,
        param: str = "",
    ) -> None:
        """One value in place of another; of what is written out, only the parts that differ."""
        self._readable(site, param, node)
        if isinstance(node, cst.Dict) and isinstance(old, dict) and isinstance(new, dict):
            self._dict(node, old, new)
        elif isinstance(node, cst.List) and isinstance(old, list) and isinstance(new, list):
            self._list(node, old, new)
        elif style == "condition" and isinstance(new, str):
            self._change_condition(node, new)
        elif isinstance(new, str) and self._code(node, new):
            return
        else:
            span = self._outer(node)
            written = text(indent_at(self.text, span.start))
            written = self._requoted(node, written)
            self.made.append(Splice(span.start, span.end, self._breaks(written)))

    def _requoted(self, node: Any, text: str) -> str:
        """A text in the quotes of the one that it stands in place of."""
        is_plain = isinstance(node, cst.SimpleString) and node.value[0] == "'" and not node.value.startswith("'''")
        return literal(string_value(text), "'") if is_plain and text.startswith('"') else text

    def _code(self, node: Any, new: str) -> bool:
        """Another text inside of `js(…)`, which stays."""
        is_js = isinstance(node, cst.Call) and len(node.args) == 1 and node.args[0].keyword is None
        if not is_js or not tokens_of(node.args[0].value) or self.phrases.reference(new) is not None:
            return False
        span = self.spans.of(node.args[0].value)
        text = code_literal(new, indent_at(self.text, self.spans.of(node).start))
        if text.endswith("dedent=False"):
            return False
        first = self.text[span.start]
        if first == "'" and text.startswith('"') and not text.startswith('"""'):
            text = literal(new, "'")
        self.made.append(Splice(span.start, span.end, self._breaks(text)))
        return True

    def _change_condition(self, node: Any, new: str) -> None:
        if self.phrases.condition(new) is None and self._code(node, new):
            return
        span = self._outer(node)
        text = self.printer.condition(new)(indent_at(self.text, span.start))
        self.made.append(Splice(span.start, span.end, self._breaks(text)))

    def _breaks(self, text: str) -> str:
        return text if self.newline == "\n" else text.replace("\n", self.newline)

    def _items(self, node: Any) -> Items:
        span = self.spans.of(node)
        elements = node.args if isinstance(node, cst.Call) else node.elements
        opened = span.start + 1
        if isinstance(node, cst.Call):
            opened = self.text.index("(", self.spans.of(node.func).end) + 1
        return Items(self.text, [self.spans.of(one) for one in elements], opened, span.end - 1, self.newline)

    def _dict(self, node: Any, old: Json, new: Json) -> None:
        """Changes members of a dict that is written out. What is in neither of both stays."""
        items = self._items(node)
        there = {key: (number, value) for number, (key, value) in enumerate(entries(node)) if key is not None}
        for key in [*old, *(key for key in new if key not in old)]:
            before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
            if _same(before, after):
                continue
            if after is _ABSENT:
                if key not in there:
                    raise Refused("This value is written elsewhere, so it is not changed here.", node)
                items.remove(there[key][0])
            elif key in there:
                self._value(there[key][1], before, after, self.printer.value(after))
            else:
                items.add(self._breaks(f"{literal(key)}: {self._said(after, items.indent)}"))
        self.made += items.splices()

    def _list(self, node: Any, old: list[Any], new: list[Any]) -> None:
        """Changes elements of a list that is written out."""
        if len(node.elements) != len(old):
            raise Refused("This list is not written out, so it is not changed here.", node)
        items = self._items(node)
        a, b = [_frozen(one) for one in old], [_frozen(one) for one in new]
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            if tag == "replace" and i2 - i1 == j2 - j1:
                for n, m in zip(range(i1, i2), range(j1, j2), strict=True):
                    self._value(node.elements[n].value, old[n], new[m], self.printer.value(new[m]))
                continue
            if tag in ("replace", "delete"):
                for n in range(i1, i2):
                    items.remove(n)
            if tag in ("replace", "insert"):
                for m in range(j1, j2):
                    items.add(self._breaks(self._said(new[m], items.indent)), i2 - 1)
        self.made += items.splices()

    def _indent_of_arguments(self, call: Any) -> str:
        return self._items(call).indent

    def _argument(self, call: Any, site: NodeSite | None, param: str, text: str | None) -> None:
        self._in_call(call, {param: text}, site)

    def _in_call(self, call: Any, changes: Mapping[str, str | None], site: NodeSite | None = None) -> None:
        """Arguments of a call: others in the place of those that are there, new ones behind them, None for none."""
        arguments = site.arguments if site is not None else _keywords(call)
        items = self._items(call)
        for param, text in changes.items():
            node = arguments.get(param)
            if node is not None:
                self._readable(site, param, node)
                if text is None:
                    items.remove(next(n for n, arg in enumerate(call.args) if arg.value is node))
                else:
                    span = self._outer(node)
                    self.made.append(Splice(span.start, span.end, self._breaks(self._requoted(node, text))))
            elif text is not None:
                items.add(self._breaks(f"{param}={text}"))
        self.made += self._broken_up(call, items) or items.splices()

    def _broken_up(self, call: Any, items: Items) -> list[Splice]:
        """A call on one line that would grow too long gets a line for each argument."""
        added = [text for texts in items.added.values() for text in texts]
        span = self.spans.of(call)
        on_one_line = "\n" not in self.text[span.start : span.end] and "\r" not in self.text[span.start : span.end]
        line = line_end(self.text, span.end) - line_start(self.text, span.start)
        length = line + sum(len(text) + 2 for text in added)
        if not added or items.removed or not on_one_line or (length <= WIDTH and not any("\n" in t for t in added)):
            return []
        if any(span.start <= one.start < span.end for one in self.made):
            return []
        indent = indent_at(self.text, span.start)
        rows = [self.text[one.start : one.end] for one in items.spans] + added
        inner = "".join(f"{self.newline}{indent}{self.step}{self._deeper(row)}," for row in rows)
        return [Splice(items.opened, items.closed, f"{inner}{self.newline}{indent}")]

    def _deeper(self, text: str) -> str:
        """A text of several lines, one step further in."""
        first, *rest = text.split("\n")
        return "\n".join([first, *(self.step + line if line.strip() else line for line in rest)])

    # -- edges -----------------------------------------------------------------------------------------

    def _edges(self) -> None:
        wanted: defaultdict[str, list[Key]] = defaultdict(list)
        for edge in self.artifact["edges"]:
            wanted[edge["target"]].append((edge["source"], edge.get("label")))
        written: defaultdict[str, list[tuple[Key, Statement]]] = defaultdict(list)
        for statement in _within(self.root):
            if statement.kind == "edge":
                source, label, target = self.flow._edges[statement.number][0]
                written[target].append(((source, label), statement))
        for id, site in self.sites.items():
            self._edges_to(id, site, wanted.pop(id, []), written.pop(id, []))
        for target in dict.fromkeys([*wanted, *written]):
            self._edges_to_nowhere(target, Counter(wanted.get(target, [])), written.get(target, []))

    def _edges_to(self, id: str, site: NodeSite, wanted: list[Key], written: list[tuple[Key, Statement]]) -> None:
        need = Counter(wanted)
        now = [self._key(number) for number in site.edges]
        left_behind = "after" in site.unread and (id, "after") not in self.closed
        if Counter(now) + Counter(key for key, _ in written) == need and not left_behind:
            return
        if not Counter(now) - need and not left_behind:
            left = need - Counter(now)
            left = self._keep(written, left)
            if not left:
                return
            need = Counter(now) + left
        else:
            need = self._keep(written, need)
        self._follow(id, site, [key for key in dict.fromkeys(wanted) for _ in range(need[key])])

    def _keep(self, written: list[tuple[Key, Statement]], need: Counter[Key]) -> Counter[Key]:
        """Keeps the edges written out that are needed, takes the others out, and gives what is still missing."""
        left = Counter(need)
        for key, statement in written:
            if left[key] > 0:
                left[key] -= 1
            else:
                self._cut(self._extent(self._own(statement)), statement)
        return +left

    def _key(self, number: int) -> Key:
        (source, label, _), _ = self.flow._edges[number]
        return source, label

    def _follow(self, id: str, site: NodeSite, need: list[Key]) -> None:
        """Has a node come after what it shall."""
        start = self.spans.of(site.statement.cst).start
        before = [key for key in need if self._starts_before(key[0], start)]
        for key in need:
            if key not in before:
                self._add_edge(key, id)
        self.at = start
        follows = Counter((end.source, end.label) for end in site.follows)
        there = site.arguments.get("after")
        if there is not None and self._in_list(site, there, before, Counter(before) == follows):
            return
        if Counter(before) == follows:
            if there is not None:
                self._argument(site.statement.call, site, "after", None)
            return
        ends = [self._end(key) for key in before]
        self._argument(site.statement.call, site, "after", ends[0] if len(ends) == 1 else f"[{', '.join(ends)}]")

    def _in_list(self, site: NodeSite, node: Any, wanted: list[Key], is_usual: bool) -> bool:
        """Changes a list of what a node comes after, element by element; False where that is no list of its own."""
        now = [self._key(number) for number in site.edges]
        is_list = isinstance(node, cst.List) and len(node.elements) == len(now) and "after" not in site.unread
        if not is_list or (is_usual and not self._has_comments(node)):
            return False
        items, left = self._items(node), Counter(wanted)
        for number, key in enumerate(now):
            left[key] -= 1
            if left[key] < 0:
                items.remove(number)
        for key in (+left).elements():
            items.add(self._end(key))
        self.made += items.splices()
        return True

    def _has_comments(self, node: Any) -> bool:
        span = self.spans.of(node)
        return "#" in self.text[span.start : span.end]

    def _starts_before(self, id: str, at: int) -> bool:
        site = self.sites.get(id)
        return site is not None and self.spans.of(site.statement.cst).start < at

    def _end(self, key: Key) -> str:
        source, label = key
        site = self.sites[source]
        if label is None:
            return self._name_of(site) or literal(source)
        name = self._ensure_name(site)
        return f"{name}.then" if label == "then" else f"{name}.via({literal(label)})"

    def _add_edge(self, key: Key, target: str) -> None:
        tail = next((one for one in self.root.body if one.kind == "layout"), None)
        point = self._before(tail) if tail is not None else self._behind(self.root.body[-1])
        self.at = point.offset
        given: list[Given] = [(None, self._same(self._refer(key[0]))), (None, self._same(self._refer(target)))]
        if key[1] is not None:
            given.append((None, self._same(literal(key[1]))))
        self._put(self._lines(call_text(point.indent, f"{self.root.name}.edge", given, point.indent, "")), point)

    def _same(self, text: str) -> Any:
        return lambda _: text

    def _edges_to_nowhere(self, target: str, need: Counter[Key], written: list[tuple[Key, Statement]]) -> None:
        for key in self._keep(written, need).elements():
            self._add_edge(key, target)

    # -- around the nodes ------------------------------------------------------------------------------

    def _head(self) -> None:
        call, head = self.root.call, self.reading.head
        if self.now_artifact.get("kind") != self.artifact.get("kind"):
            raise Refused("A workflow and a script do not become one another in place.", call)
        if _around_nodes(self.now) == _around_nodes(self.target):
            return
        self.at = self.spans.of(call).start
        indent, changes = self._indent_of_arguments(call), dict[str, str | None]()
        now, wanted = self.now_artifact["metadata"], self.artifact["metadata"]
        for param, key in (("name", "name"), *HEAD):
            if now.get(key) != wanted.get(key):
                changes[param] = literal(wanted[key]) if key in wanted else None
        if self.now_artifact.get("trigger") != self.artifact.get("trigger"):
            trigger = self.artifact.get("trigger")
            changes["trigger"] = None if trigger is None else self.printer.values.trigger(trigger)(indent)
        if self.now_artifact["entryNodeId"] != self.artifact["entryNodeId"]:
            first = self.reading.sites[0].handle.id if self.reading.sites else None
            entry = self.artifact["entryNodeId"]
            changes["entry"] = None if entry == first and "entry" in head else literal(entry)
        self._around(changes, indent)
        if changes:
            self._in_call(call, changes, _head_site(self.reading))

    def _around(self, changes: dict[str, str | None], indent: str) -> None:
        now = self.now if "ir" in self.now else {}
        wanted = self.target if "ir" in self.target else {}
        said = dict(self.printer.values.around(wanted))
        for key, param in _AROUND.items():
            if now.get(key) != wanted.get(key):
                node, text = self.reading.head.get(param), said.get(param)
                if node is not None and text is not None and key in now:
                    self._value(node, now[key], wanted[key], text)
                else:
                    changes[param] = None if text is None else text(indent)

    # -- what an editor keeps ----------------------------------------------------------------------------

    def _place_node(self, site: NodeSite, position: Json | None) -> None:
        id = str(site.handle.id)
        text = None if position is None else self.printer.values.position(position)("")
        positions = self._layout_literal("positions", cst.Dict)
        if "at" in site.arguments:
            self._argument(site.statement.call, site, "at", text)
        elif positions is not None:
            self._in_positions(positions, id, text)
        elif text is not None:
            self._argument(site.statement.call, site, "at", text)

    def _in_positions(self, positions: Any, id: str, text: str | None) -> None:
        items = self._items(positions)
        there = {key: (number, value) for number, (key, value) in enumerate(entries(positions))}
        if id in there and text is not None:
            span = self._outer(there[id][1])
            self.made.append(Splice(span.start, span.end, text))
        elif id in there:
            items.remove(there[id][0])
            self.made += items.splices()
        elif text is not None:
            items.add(f"{literal(id)}: {text}")
            self.made += items.splices()

    def _kept(self) -> None:
        """The order of nodes and edges, and the ids of edges: what the statements do not say."""
        changes: dict[str, str | None] = {}
        call = self.reading.layout.get("")
        indent = self._indent_of_arguments(call) if call is not None else self.step * 2
        order = self._order()
        if order is not None:
            changes["order"] = self.printer.text(order)(indent) if order else None
        edges = self._edge_rows()
        if edges is not None:
            node = self._layout_literal("edges", cst.List)
            rows = [[row[k] for k in ("id", "source", "target", "label") if k in row] for row in edges]
            if node is not None and (rows or self._has_comments(node)):
                self._rows(node, rows)
            else:
                changes["edges"] = self.printer.values.edges(edges)(indent) if edges else None
        if changes and call is not None:
            self._in_call(call, changes, _layout_site(self.reading))
        elif any(text is not None for text in changes.values()):
            given: list[Given] = [(param, self._same(text)) for param, text in changes.items() if text is not None]
            point = self._behind(self.root.body[-1])
            self._put(self._lines(call_text(point.indent, f"{self.root.name}.layout", given, point.indent, "")), point)

    def _order(self) -> list[str] | None:
        wanted = [node["id"] for node in self.artifact["nodes"]]
        if not self.plan.exact or [node["id"] for node in self.now_artifact["nodes"]] == wanted:
            return None
        return [] if self.ids == wanted else wanted

    def _edge_rows(self) -> list[Json] | None:
        """The edges that the layout shall list; None: those that it lists."""
        now, wanted = self.now_artifact["edges"], self.artifact["edges"]
        if now == wanted if self.plan.exact else _edge_set(now) == _edge_set(wanted):
            return None
        if self.plan.exact:
            return [] if self._default_edges() == wanted else list(wanted)
        listed = {id for id, _ in self.flow._listed}
        usual = _edge_set(self._default_edges())
        return [e for e in wanted if e["id"] in listed or not _edge_set([e]) <= usual]

    def _default_edges(self) -> list[Json]:
        taken: set[str] = set()
        rows = []
        for (source, label, target), id in self.flow._edges:
            row = {"id": id or edge_id(source, target, label, taken), "source": source, "target": target}
            rows.append(row if label is None else {**row, "label": label})
        return rows

    def _rows(self, node: Any, rows: list[list[str]]) -> None:
        old = [[_text_of(part.value) for part in one.value.elements] for one in node.elements]
        items = self._items(node)
        a, b = [tuple(row) for row in old], [tuple(row) for row in rows]
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            if tag in ("replace", "delete"):
                for n in range(i1, i2):
                    items.remove(n)
            if tag in ("replace", "insert"):
                for m in range(j1, j2):
                    items.add(f"({', '.join(map(literal, rows[m]))})", i2 - 1)
        self.made += items.splices()


_ABSENT: Final = object()
_AROUND: Final = {
    "triggerCode": "trigger_code",
    "dependencies": "dependencies",
    "envVars": "env_vars",
    "deployConfig": "deploy_config",
}


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return a is b or (_frozen(a) == _frozen(b) and a is not _ABSENT and b is not _ABSENT)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return ("dict", tuple(sorted((key, _frozen(item)) for key, item in value.items())))
    if isinstance(value, list | tuple):
        return ("list", tuple(_frozen(item) for item in value))
    return (type(value).__name__ if isinstance(value, bool | str) or value is None else "number", value)


def _edge_set(edges: Iterable[Json]) -> set[tuple[str, str, str, str | None]]:
    return {(e["id"], e["source"], e["target"], e.get("label")) for e in edges}


def _keywords(call: Any) -> dict[str, Any]:
    return {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}


def _around_nodes(document: Json) -> Any:
    """What a document says besides its nodes and edges."""
    artifact = document.get("ir", document)
    head = {key: value for key, value in artifact.items() if key not in ("nodes", "edges")}
    return head, {key: value for key, value in document.items() if key != "ir"} if "ir" in document else {}


def _named_in(param: str, element: Any) -> list[str | None]:
    """The ids of nodes that an element of the layout is about."""
    if param == "positions":
        return [_text_of(getattr(element, "key", None))]
    if param == "order":
        return [_text_of(element.value)]
    row = element.value
    return [_text_of(part.value) for part in row.elements[1:3]] if isinstance(row, cst.Tuple | cst.List) else []


class _Arguments:
    """Arguments of a call that is no node's."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.unread: frozenset[str] = frozenset()


def _head_site(reading: Reading) -> Any:
    return _Arguments(reading.head)


def _layout_site(reading: Reading) -> Any:
    return _Arguments({key: node for key, node in reading.layout.items() if key})


def _text_of(node: Any) -> str | None:
    return string_value(node.value) if isinstance(node, cst.SimpleString) else None


def _within(statement: Statement) -> Iterator[Statement]:
    for one in statement.body:
        yield one
        yield from _within(one)


def _above(statement: Statement) -> Iterator[Statement]:
    here = statement.parent
    while here is not None:
        yield here
        here = here.parent


def _holds(outer: Statement, inner: Statement) -> bool:
    return inner is outer or any(one is outer for one in _above(inner))


def _arms_of(site: NodeSite) -> list[Statement]:
    return [one for one in site.statement.body if one.kind == "arm"]


def _in_one_with(statement: Statement) -> bool:
    """Whether several stand in one `with a, b:`."""
    return isinstance(statement.cst, cst.With) and len(statement.cst.items) > 1


def _is_docstring(line: Any) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and bool(tokens_of(line.body[0].value))
    )


def tokens_of_statement(statement: Statement) -> bool:
    """Whether a statement is a text, as a docstring is."""
    return isinstance(statement.cst, cst.SimpleStatementLine) and _is_docstring(statement.cst)


def indent_of(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def _strings_in(module: Any, spans: Any, span: Span) -> Iterator[tuple[Any, bool]]:
    """The string literals between two offsets, and whether each is the text of a `js(…)`."""
    stack: list[tuple[Any, bool]] = [(module, False)]
    while stack:
        node, is_code = stack.pop()
        if isinstance(node, cst.SimpleString | cst.FormattedString):
            yield node, is_code and isinstance(node, cst.SimpleString)
            continue
        if isinstance(node, cst.SimpleStatementLine | cst.With):
            found = spans.of(node)
            if found.end <= span.start or found.start >= span.end:
                continue
        code = isinstance(node, cst.Call) and _called(node) == "js"
        for child in children(node):
            stack.append((child, is_code if isinstance(node, cst.Arg) else code))


def _called(node: Any) -> str:
    func = node.func
    name: str = func.value if isinstance(func, cst.Name) else func.attr.value if isinstance(func, cst.Attribute) else ""
    return name
