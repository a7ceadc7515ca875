"""Reads a flow's file without running it: its graph, what is wrong, and where everything stands.

The file is parsed by LibCST, and its statements are carried out on the very builder that the file would call, so that
reading and running agree. What is carried out is a small subset: calls of the builder with literals, constants of the
file and the values of `stepwell.flow`. Everything else is kept as it is and reported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import libcst as cst

import stepwell.flow as door
from stepwell.diagnostics import Code, Diagnostic, Place
from stepwell.diagnostics import codes as c
from stepwell.flow import builder, nodes, values
from stepwell.flow.forms import COMMON, FORMS, HEAD, Form
from stepwell.flow.spans import Spans, offset_in, string_value, tokens_of
from stepwell.graph.faults import did_you_mean, shortened

LENGTH: Final = 4_000_000
DEPTH: Final = 90
"""How deep the syntax may be nested; Python itself takes 100 levels of indentation."""
BLOCKS: Final = 20
"""How many blocks Python runs in each other; the workflow's own is one."""

Files = Callable[[str], str]

_ROOM: Final = "stepwell.flow"
_ALIEN: Final = re.compile("[\0\ud800-\udfff]")
_MAKERS: Final = frozenset({"workflow", "script"})
_CALLED: Final = frozenset(
    {"js", "ref", "name", "or_", "all_of", "any_of", "not_", "retry", "env_var", "from_json"}
    | {"http", "cron", "on_event", "manual"}
)
_ARMS: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {
        nodes.Branch: ("when", "otherwise", "arm"),
        nodes.Parallel: ("arm",),
        nodes.Race: ("arm",),
        nodes.Try: ("try_", "catch", "finally_", "arm"),
        nodes.Loop: ("arm",),
        nodes.Other: ("arm",),
    }
)
_READABLE: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {nodes.Node: ("id", "then"), nodes.Loop: ("item", "index", "body"), nodes.Arm: ("error",)}
)
_COMPARED: Final[Mapping[type, Callable[[Any, Any], Any]]] = MappingProxyType(
    {
        cst.Equal: lambda a, b: a == b,
        cst.NotEqual: lambda a, b: a != b,
        cst.LessThan: lambda a, b: a < b,
        cst.LessThanEqual: lambda a, b: a <= b,
        cst.GreaterThan: lambda a, b: a > b,
        cst.GreaterThanEqual: lambda a, b: a >= b,
    }
)


@dataclass(eq=False)
class Statement:
    """A statement inside of the workflow, as it stands in the file.

    `kind` is node, arm, edge, end, layout, pass, text, or other for what is not understood. `number` is that of the
    node or the edge that it adds; `block` the statements it stands among, `body` those inside of it.
    """

    kind: str
    cst: Any
    call: Any = None
    number: int = -1
    block: list[Statement] = field(default_factory=list)
    body: list[Statement] = field(default_factory=list)
    parent: Statement | None = None
    name: str | None = None
    label: str | None = None
    broken: bool = False
    """Whether a part of it is not understood, so that it is left as it is."""


@dataclass(eq=False)
class NodeSite:
    """Where a node comes from: its statement, its call, and the argument of each parameter."""

    statement: Statement
    form: Form
    arguments: dict[str, Any]
    handle: nodes.Node
    edges: range
    """The numbers of the edges that the statement makes."""
    follows: list[nodes.End]
    """What the statement would come after if it said nothing."""
    unread: frozenset[str] = frozenset()
    """The parameters whose values are not understood."""
    arms: list[Statement] = field(default_factory=list)


class _Unread(Exception):
    def __init__(self, node: Any, message: str, hint: str | None = None, code: Code = c.NOT_READ) -> None:
        super().__init__(message)
        self.node, self.message, self.hint, self.code = node, message, hint, code


class _Broken(Exception):
    """Something that was reported where it was made."""


class Reading:
    """A flow's file that was read.

    `document` is the artifact, or the source file around it; what was not understood is missing in it, and
    `diagnostics` says so. `check` and `compile_artifact` take a `Reading` as it is.
    """

    def __init__(self, text: str, files: Files | None = None) -> None:
        self.mark = "\ufeff" if text.startswith("\ufeff") else ""
        self.text = text.removeprefix("\ufeff")
        self.files = files
        self.document: dict[str, Any] | None = None
        self.module: Any = None
        self.flow: builder.Flow | None = None
        self.root: Statement | None = None
        self.head: dict[str, Any] = {}
        self.sites: list[NodeSite] = []
        self.edge_sites: list[Any] = []
        self.layout: dict[str, Any] = {}
        self.names: dict[str, Any] = {}
        self._found: list[tuple[Diagnostic, Any]] = []
        self._placed: tuple[Diagnostic, ...] | None = None
        self.spans = Spans(self.text, None)
        _Reader(self, files).read()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was found, in the order of the file."""
        if self._placed is None:
            placed = [d if node is None else replace(d, place=self._start(node)) for d, node in self._found]
            self._placed = tuple(sorted(placed, key=_by_place))
        return self._placed

    @property
    def ok(self) -> bool:
        """Whether all of the workflow was understood."""
        return self.document is not None and not any(d.severity is c.Severity.ERROR for d, _ in self._found)

    def place(self, way: str) -> Place | None:
        """Where what a pointer of the document leads to stands in the file, or what holds it."""
        node = self.find(way)
        return None if node is None else self._start(node)

    def place_of_syntax(self, node: Any) -> Place | None:
        """Where a part of the syntax begins; None when it is of another reading."""
        try:
            return self._start(node)
        except KeyError:
            return None

    def with_places(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Findings about the document with their places in the file, in its order."""
        from stepwell.flow.told import in_python

        placed = [d if d.place else replace(in_python(self, d), place=self._place_of(d)) for d in diagnostics]
        return sorted(placed, key=_by_place)

    def place_of_code(self, source: str, line: int, column: int) -> tuple[str | None, Place] | None:
        """Where a place of the graph's code stands: in a file that `js(file=…)` names, or (None) in this one.

        `source` is the code's name in source maps: `nodes/ID/FIELD`, or that of the trigger's code.
        """
        way = self._way_to(source)
        node = self.find(way) if way is not None else None
        if node is None:
            return None
        file = _file_named(self.resolved(node), self.resolved)
        if file is not None:
            return file, Place(line, column)
        return None, self._inside(node, line, column) or self._start(node)

    def _way_to(self, source: str) -> str | None:
        """The pointer to code by its name in source maps; None where it is not the graph's (a template, a package)."""
        for number, at in enumerate(self.flow._node_order() if self.flow else ()):
            start = f"nodes/{self.sites[at].handle.id}/"
            if source.startswith(start):
                return f"/nodes/{number}/data/{source.removeprefix(start)}"
        return f"/{source}" if source == "triggerCode" and "trigger_code" in self.head else None

    def site_at(self, way: str) -> NodeSite | None:
        """Where the node comes from that a pointer of the document leads to, or into."""
        parts = way.removeprefix("/ir").split("/")[1:3]
        order = self.flow._node_order() if self.flow and parts[:1] == ["nodes"] else []
        number = int(parts[1]) if len(parts) == 2 and parts[1].isdigit() else len(order)
        return self.sites[order[number]] if number < len(order) else None

    def find(self, way: str) -> Any:
        """The syntax at a pointer of the document, or of what holds it."""
        parts = [part.replace("~1", "/").replace("~0", "~") for part in way.split("/")[1:]]
        if self.document is not None and "ir" in self.document and parts[:1] == ["ir"]:
            parts = parts[1:]
        found = self._site(parts)
        return found if found is not None else self.root.cst.items[0] if self.root is not None else None

    def _place_of(self, diagnostic: Diagnostic) -> Place | None:
        node = self.find(diagnostic.pointer)
        if node is None:
            return None
        snippet = diagnostic.snippet
        inside = self._inside(node, snippet.line, snippet.column) if snippet is not None else None
        return inside or self._start(node)

    def _start(self, node: Any) -> Place:
        return self.spans.place(self.spans.of(node).start)

    def _inside(self, node: Any, line: int, column: int) -> Place | None:
        """The place of a character of a text that is written down as a literal, perhaps inside `js`."""
        margin, skipped = 0, 0
        node = self.resolved(node)
        if isinstance(node, cst.Call):
            given = [arg for arg in node.args if arg.keyword is None]
            if len(given) != 1:
                return None
            is_dedented = len(node.args) == 1
            node = self.resolved(given[0].value)
            text = "".join(filter(None, (string_value(token.value) for token in tokens_of(node))))
            if is_dedented:
                margin, skipped = values.margin_of(text), int(text.startswith("\n"))
        tokens = tokens_of(node)
        text = "".join(filter(None, (string_value(token.value) for token in tokens)))
        if not tokens:
            return None
        lines = text.split("\n")
        row = min(line - 1 + skipped, len(lines) - 1)
        count = sum(len(one) + 1 for one in lines[:row]) + min(column - 1 + margin, len(lines[row]))
        for token in tokens:
            length = len(string_value(token.value) or "")
            if count <= length:
                return self.spans.place(self.spans.of(token).start + offset_in(token.value, count))
            count -= length
        return None

    def resolved(self, node: Any) -> Any:
        """What a name of a constant stands for."""
        if isinstance(node, cst.Name):
            constant = self.names.get(node.value)
            return constant.node if isinstance(constant, _Constant) else node
        return node

    def _site(self, parts: list[str]) -> Any:
        match parts:
            case ["nodes", index, *rest] if index.isdigit():
                order = self.flow._node_order() if self.flow else []
                return self._node_site(order[int(index)], rest) if int(index) < len(order) else None
            case ["edges", index, *_] if index.isdigit():
                edges = self.flow._edge_order() if self.flow else []
                return self.edge_sites[edges[int(index)][0]] if int(index) < len(edges) else None
            case ["metadata", key, *_]:
                return self.head.get(next((param for param, k in HEAD if k == key), key))
            case [key, *rest]:
                param = _AROUND.get(key, key)
                return self._descend(self.head.get(param), rest)
        return None

    def _node_site(self, number: int, rest: list[str]) -> Any:
        site = self.sites[number]
        call = site.statement.call
        match rest:
            case ["data", "branches", index, *more] if site.arms and index.isdigit() and int(index) < len(site.arms):
                return _arm_site(site.arms[int(index)], more)
            case ["data", key, *more]:
                param = next((p.name for p in site.form.params if p.key == key), None)
                if param in site.arguments:
                    return self._descend(site.arguments[param], more)
                return self._descend(site.arguments.get("data"), [key, *more]) or call
            case ["config", *more]:
                return self._config_site(site, more) or call
            case ["position", *more]:
                return self._descend(site.arguments.get("at"), more) or call
            case ["type"]:
                return site.arguments.get("type", call)
            case [key, *_]:
                return site.arguments.get(key, call)
        return call

    def _config_site(self, site: NodeSite, rest: list[str]) -> Any:
        if rest[:1] and rest[0] in site.arguments and rest[0] in ("retries", "timeout"):
            return self._descend(site.arguments[rest[0]], rest[1:])
        return self._descend(site.arguments.get("config"), rest) or next(
            (site.arguments[key] for key in ("retries", "timeout") if key in site.arguments), None
        )

    def _descend(self, node: Any, parts: Iterable[str]) -> Any:
        """Into a literal, as far as it is one."""
        for part in parts:
            here = self.resolved(node)
            inner = None
            if isinstance(here, cst.Dict):
                inner = next((value for key, value in entries(here) if key == part), None)
            elif isinstance(here, cst.List | cst.Tuple) and part.isdigit() and int(part) < len(here.elements):
                inner = here.elements[int(part)].value
            elif isinstance(here, cst.Call):
                inner = _argument_of(here, part)
            if inner is None:
                return node
            node = inner
        return node


_AROUND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "triggerCode": "trigger_code",
        "dependencies": "dependencies",
        "envVars": "env_vars",
        "deployConfig": "deploy_config",
        "entryNodeId": "entry",
    }
)


def read(text: str, *, files: Files | None = None) -> Reading:
    """The graph of a flow's file.

    `files` gives the text of a file that `js(file=…)` names, or raises OSError or ValueError; without it such a file
    is a finding. Nothing that stands in the text raises.
    """
    return Reading(text, files)


def entries(node: Any) -> Iterator[tuple[str | None, Any]]:
    """The members of a dict that is written down; the key is None where it is no text."""
    for element in node.elements:
        tokens = tokens_of(element.key) if isinstance(element, cst.DictElement) else []
        yield "".join(filter(None, (string_value(one.value) for one in tokens))) if tokens else None, element.value


def _file_named(node: Any, resolved: Callable[[Any], Any]) -> str | None:
    """The file of `js(file=…)`."""
    given = node.args if isinstance(node, cst.Call) else ()
    [tokens] = [tokens_of(resolved(arg.value)) for arg in given if arg.keyword and arg.keyword.value == "file"] or [[]]
    return "".join(string_value(token.value) or "" for token in tokens) or None


def _argument_of(call: Any, key: str) -> Any:
    """The argument of a call such as `retry(…)` that sets a key."""
    order = ("limit", "delay", "backoff") if key in ("limit", "delay", "backoff") else ("name", "value", "secret")
    name = "secret" if key == "isSecret" else key
    for number, arg in enumerate(call.args):
        if arg.keyword.value == name if arg.keyword else order[number : number + 1] == (name,):
            return arg.value
    return None


def _ends_sites(after: Any, count: int) -> list[Any]:
    """Where each of the edges of a node comes from."""
    if isinstance(after, cst.List | cst.Tuple) and len(after.elements) == count:
        return [element.value for element in after.elements]
    return [after] * count


def _arm_site(arm: Statement, rest: list[str]) -> Any:
    given = {arg.keyword.value if arg.keyword else "": arg.value for arg in arm.call.args}
    return given.get({"condition": "", "label": "label"}.get(rest[0] if rest else "", ""), arm.call)


def _by_place(diagnostic: Diagnostic) -> tuple[bool, int, int]:
    place = diagnostic.place
    return (place is None, place.line if place else 0, place.column if place else 0)


@dataclass(frozen=True)
class _Constant:
    """A name that the file gives to a literal."""

    node: Any
    value: Any


@dataclass(frozen=True)
class _Exported:
    """A name of `stepwell.flow`."""

    name: str


@dataclass(frozen=True)
class _Room:
    """The module `stepwell.flow` itself, under whatever name."""

    part: str = _ROOM


_BROKEN: Final = object()


class _Reader:
    """Carries out the statements of one file."""

    def __init__(self, reading: Reading, files: Files | None) -> None:
        self.reading = reading
        self.files = files
        self.names = reading.names
        self.blocks = 1

    # -- the file ----------------------------------------------------------------------------------

    def read(self) -> None:
        fault = _unparsable(self.reading.text)
        if fault is not None:
            self.reading._found.append((fault, None))
            return
        try:
            self.reading.module = cst.parse_module(self.reading.text)
            self.reading.spans = Spans(self.reading.text, self.reading.module)
            self._module()
        except cst.ParserSyntaxError as error:
            place = Place(error.raw_line, error.raw_column + 1)
            self.reading._found.append((Diagnostic(c.NOT_PYTHON, f"{_sentence(error.message)}.", place=place), None))
        except RecursionError:
            self.reading._found.append((_too_deep(None), None))

    def _module(self) -> None:
        for statement in self.reading.module.body:
            if isinstance(statement, cst.SimpleStatementLine):
                for small in statement.body:
                    self._outside(small)
            elif isinstance(statement, cst.With) and self._makes_a_flow(statement):
                self._flow(statement)
            else:
                self._left_alone(statement)
        if self.reading.flow is None and not any(d.code is not c.LEFT_ALONE for d, _ in self.reading._found):
            message = "The file holds no workflow: write `with workflow(…) as flow:` at its outermost level."
            self.reading._found.append((Diagnostic(c.FLOW_CALL, message, place=Place(1, 1)), None))

    def _outside(self, small: Any) -> None:
        if isinstance(small, cst.ImportFrom):
            self._import_from(small)
        elif isinstance(small, cst.Import):
            self._import(small)
        elif isinstance(small, cst.Assign | cst.AnnAssign) and _assigned(small)[0] is not None:
            name, value = _assigned(small)
            self._constant(str(name), value)
        elif not (isinstance(small, cst.Expr) and tokens_of(small.value)) and not isinstance(small, cst.Pass):
            self._left_alone(small)

    def _constant(self, name: str, node: Any) -> None:
        """A name that is given twice stands for nothing that can be known here."""
        try:
            value: object = _Constant(node, self._value(node)) if name not in self.names else _BROKEN
        except _Unread as unread:
            self._left_alone(node, unread.message)
            value = _BROKEN
        except _Broken:
            value = _BROKEN
        self.names[name] = value

    def _import_from(self, small: Any) -> None:
        module = _dotted(small.module)
        if isinstance(small.names, cst.ImportStar):
            if module == _ROOM:
                self.names.update({name: _Exported(name) for name in door.__all__})
            return
        for alias in small.names:
            imported = _dotted(alias.name)
            bound = alias.asname.name.value if alias.asname is not None else imported
            if module == _ROOM:
                if imported not in door.__all__:
                    hint = _meant(imported, door.__all__)
                    self._say(c.FLOW_CALL, alias, f"`stepwell.flow` has no `{imported}`.", hint)
                self.names[bound] = _Exported(imported) if imported in door.__all__ else _BROKEN
            elif (module, imported) == ("stepwell", "flow"):
                self.names[bound] = _Room()

    def _import(self, small: Any) -> None:
        for alias in small.names:
            module = _dotted(alias.name)
            if module == _ROOM:
                self.names[alias.asname.name.value if alias.asname else "stepwell"] = (
                    _Room() if alias.asname else _Room("stepwell")
                )

    def _left_alone(self, node: Any, why: str | None = None) -> None:
        message = "This code is not read; it is kept as it is" + (f" ({why.rstrip('.')})." if why else ".")
        self._say(c.LEFT_ALONE, node, message)

    # -- the workflow ------------------------------------------------------------------------------

    def _makes_a_flow(self, statement: Any) -> bool:
        call = statement.items[0].item
        return isinstance(call, cst.Call) and self._exported(call.func) in _MAKERS

    def _flow(self, statement: Any) -> None:
        if self.reading.flow is not None:
            self._say(c.FLOW_CALL, statement, "The file holds a second workflow: give each a file of its own.")
            return
        call, name = statement.items[0].item, _bound(statement.items[0])
        arguments, given = self._arguments(call, ("name",), _HEAD_PARAMS, f"`{self._exported(call.func)}`")
        self.reading.head = arguments
        flow = self._attempt(call, lambda: _maker(self._exported(call.func))(**given), broken="name" not in given)
        if not isinstance(flow, builder.Flow):
            return
        self.reading.flow = flow
        if name is not None:
            self.names[name] = flow
        root = Statement("flow", statement, call, name=name)
        self.reading.root = root
        with flow:
            if len(statement.items) > 1:
                self._say(c.NOT_READ, statement.items[1], "A workflow has a `with` of its own.")
            self._statements(statement.body, root)
        self.reading.document = flow.document()
        if not self.reading.sites:
            self._say(c.FLOW_CALL, call, "The workflow has no nodes: add one, such as `flow.step(…)`.")

    def _statements(self, block: Any, parent: Statement) -> None:
        for one in block.body:
            if isinstance(one, cst.SimpleStatementLine):
                for small in one.body:
                    self._small(one, small, parent)
            elif isinstance(one, cst.With):
                self._with(one, parent)
            elif isinstance(one, cst.BaseSmallStatement):
                self._small(one, one, parent)
            else:
                self._other(one, parent)

    def _add(self, statement: Statement, parent: Statement) -> Statement:
        statement.parent, statement.block = parent, parent.body
        parent.body.append(statement)
        return statement

    def _other(self, one: Any, parent: Statement, message: str = "") -> None:
        self._add(Statement("other", one), parent)
        usual = "Here stands a call of the builder, or a `with` over one; this is neither."
        self._say(c.NOT_READ, one, message or usual, _INSTEAD.get(type(one)))
        self._forget(one)

    def _forget(self, one: Any) -> None:
        """A name that is bound by what is not understood stands for nothing that is known."""
        if isinstance(one, cst.Assign):
            for target in one.targets:
                if isinstance(target.target, cst.Name):
                    self.names[target.target.value] = _BROKEN

    def _small(self, line: Any, small: Any, parent: Statement) -> None:
        if isinstance(small, cst.Pass) or (isinstance(small, cst.Expr) and tokens_of(small.value)):
            self._add(Statement("pass", line), parent)
            return
        name, value = _assigned(small)
        if isinstance(small, cst.Import | cst.ImportFrom):
            self._add(Statement("other", line), parent)
            self._outside(small)
        elif name is not None and value is not None and not isinstance(value, cst.Call):
            self._add(Statement("other", line), parent)
            self._constant(name, value)
        elif isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
            self._call(Statement("node", line, value, name=name), parent)
        else:
            self._other(small, parent)

    def _with(self, one: Any, parent: Statement) -> None:
        here, managers = parent, []
        self.blocks += len(one.items)
        if self.blocks == BLOCKS + 1:
            message = f"Python runs {BLOCKS} blocks in each other at most; move the inner part to a sub-workflow."
            self._say(c.TOO_DEEP, one, message)
        for item in one.items:
            call = item.item
            statement = Statement("node", one, call, name=_bound(item))
            manager = self._call(statement, here) if isinstance(call, cst.Call) else self._entered(statement, here)
            if isinstance(manager, nodes.Container | nodes.Arm):
                if self._attempt(call, manager.__enter__) is None:
                    manager = None
            else:
                if not statement.broken:
                    self._say(c.NOT_READ, call, "`with` stands over a container or one of its arms.")
                manager = None
            if manager is None:
                self._forget_inside(here, one)
                break
            managers.append(manager)
            here = statement
        else:
            self._statements(one.body, here)
        for manager in reversed(managers):
            manager.__exit__(None, None, None)
        self.blocks -= len(one.items)

    def _forget_inside(self, here: Statement, one: Any) -> None:
        """A `with` that is not understood stays as it is."""
        if not here.body or here.body[-1].cst is not one:
            self._add(Statement("other", one), here)
        else:
            here.body[-1].broken = True

    def _entered(self, statement: Statement, parent: Statement) -> Any:
        """`with` over a name: a container that was made before."""
        try:
            value = self._value(statement.call)
        except _Unread as unread:
            self._report(unread)
            statement.broken = True
            return None
        except _Broken:
            statement.broken = True
            return None
        statement.kind = "entered"
        self._add(statement, parent)
        return value

    # -- calls of the builder ----------------------------------------------------------------------

    def _call(self, statement: Statement, parent: Statement) -> Any:
        try:
            return self._carried_out(statement, parent)
        except _Unread as unread:
            self._report(unread)
        except _Broken:
            pass
        statement.kind, statement.broken = "other", True
        self._add(statement, parent)
        if statement.name is not None:
            self.names[statement.name] = _BROKEN
        return None

    def _carried_out(self, statement: Statement, parent: Statement) -> Any:
        call = statement.call
        if not isinstance(call.func, cst.Attribute):
            raise _Unread(call, "Here stands a call of the builder, such as `flow.step(…)`.")
        owner, method = self._owner(call.func.value), call.func.attr.value
        if isinstance(owner, builder.Flow) and method in FORMS:
            return self._node(statement, parent, FORMS[method])
        if isinstance(owner, builder.Flow) and method in ("edge", "end", "layout"):
            return self._other_call(statement, parent, method)
        if isinstance(owner, nodes.Container) and method in _ARMS[type(owner)]:
            return self._arm(statement, parent, owner, method)
        known = [*FORMS, "edge", "end", "layout"] if isinstance(owner, builder.Flow) else _ARMS.get(type(owner), ())
        if not known:
            raise _Unread(call, "Here stands a call of the builder, such as `flow.step(…)`.")
        what = "A flow" if isinstance(owner, builder.Flow) else f"`{_written(call.func.value)}`"
        raise _Unread(call.func.attr, f"{what} has no `{method}`.", _meant(method, known), c.FLOW_CALL)

    def _owner(self, node: Any) -> Any:
        if isinstance(node, cst.Name) and isinstance(self.names.get(node.value), builder.Flow):
            return self.names[node.value]
        return self._value(node)

    def _node(self, statement: Statement, parent: Statement, form: Form) -> Any:
        positional = ("name", *(param.name for param in form.params if param.positional))
        known = (*positional, *(param.name for param in form.params if not param.positional), *COMMON)
        known = (*known, "type") if form.method == "node" else known
        arguments, given = self._arguments(statement.call, positional, known, f"`{form.method}`", statement)
        flow = self.reading.flow
        assert flow is not None
        before, follows = len(flow._edges), list(flow._block().ends)
        handle = self._attempt(statement.call, lambda: getattr(flow, form.method)(**given), "name" not in given)
        if handle is None:
            raise _Broken
        statement.number = len(self.reading.sites)
        self._add(statement, parent)
        edges, unread = range(before, len(flow._edges)), frozenset(arguments.keys() - given.keys())
        self.reading.sites.append(NodeSite(statement, form, arguments, handle, edges, follows, unread))
        self.reading.edge_sites += _ends_sites(arguments.get("after", statement.call), len(edges))
        if statement.name is not None:
            self.names[statement.name] = handle
        return handle

    def _other_call(self, statement: Statement, parent: Statement, method: str) -> None:
        positional, known = _OTHER_CALLS[method]
        arguments, given = self._arguments(statement.call, positional, known, f"`{method}`", statement)
        flow = self.reading.flow
        assert flow is not None
        before = len(flow._edges)
        done = self._attempt(statement.call, lambda: getattr(flow, method)(**given) or True)
        if done is None:
            raise _Broken
        statement.kind, statement.number = method, before
        self._add(statement, parent)
        self.reading.edge_sites += [statement.call] * (len(flow._edges) - before)
        if method == "layout":
            self.reading.layout = {"": statement.call, **arguments}

    def _arm(self, statement: Statement, parent: Statement, owner: nodes.Container, method: str) -> Any:
        positional, known = _ARM_CALLS.get(method, ((), ()))
        written, given = self._arguments(statement.call, positional, known, f"`{method}`", statement)
        if "when" in written and "when" not in given:
            # The arm is there, whatever its condition: what stands in it is read too.
            given["when"] = values.Js(self.reading.module.code_for_node(written["when"]))
        arm = self._attempt(statement.call, lambda: getattr(owner, method)(**given))
        if arm is None:
            raise _Broken
        statement.kind, statement.label = "arm", arm._end.label
        statement.number = next(i for i, site in enumerate(self.reading.sites) if site.handle is owner)
        if method in ("when", "otherwise"):
            self.reading.sites[statement.number].arms.append(statement)
        self._add(statement, parent)
        if statement.name is not None:
            self.names[statement.name] = arm
        return arm

    def _arguments(
        self,
        call: Any,
        positional: tuple[str, ...],
        known: Iterable[str],
        what: str,
        statement: Statement | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The syntax and the value of each argument, by parameter. What is not understood is left out."""
        nodes_: dict[str, Any] = {}
        given: dict[str, Any] = {}
        for number, arg in enumerate(call.args):
            try:
                param = self._param(arg, number, positional, known, what, nodes_)
                nodes_[param] = arg.value
                given[param] = self._value(arg.value)
                continue
            except _Unread as unread:
                self._report(unread)
            except _Broken:
                pass
            if statement is not None:
                statement.broken = True
        return nodes_, given

    def _param(
        self,
        arg: Any,
        number: int,
        positional: tuple[str, ...],
        known: Iterable[str],
        what: str,
        seen: Mapping[str, Any],
    ) -> str:
        if arg.star:
            raise _Unread(arg, f"Arguments are written down one by one, not with `{arg.star}`.")
        if arg.keyword is None and number >= len(positional):
            places = "no argument without a name" if not positional else f"{len(positional)} without a name"
            raise _Unread(arg, f"{what} takes {places}: write it as `name=value`.", None, c.FLOW_CALL)
        param: str = positional[number] if arg.keyword is None else arg.keyword.value
        if param not in known:
            hint = _meant(param, known)
            raise _Unread(arg.keyword, f"{what} has no argument `{param}`.", hint, c.FLOW_CALL)
        if param in seen:
            raise _Unread(arg, f"`{param}` stands twice.", None, c.FLOW_CALL)
        return param

    def _attempt(self, node: Any, do: Callable[[], Any], broken: bool = False) -> Any:
        """What the builder makes of it; its refusal is a finding."""
        try:
            return do()
        except values.FlowError as error:
            self._say(c.FLOW_CALL, node, _sentence(str(error)) + ".")
        except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
            if not broken:
                self._say(c.FLOW_CALL, node, f"The builder does not take this: {error}.")
            elif not self.reading._found:
                self._say(c.FLOW_CALL, node, "A name is missing: it is the first argument.")
        return None

    # -- values ------------------------------------------------------------------------------------

    def _value(self, node: Any) -> Any:
        """The value of an expression of the subset. Raises `_Unread`, `_Broken`."""
        evaluate = _VALUES.get(type(node))
        if evaluate is None:
            message, hint = _REFUSED.get(type(node), ("This is not understood without running it", None))
            raise _Unread(node, f"{message}.", hint)
        return evaluate(self, node)

    def _text(self, node: Any) -> str:
        tokens = tokens_of(node)
        if not tokens:
            return (
                self._text(node.left) + self._text(node.right)
                if isinstance(node, cst.ConcatenatedString)
                else (self._formatted(node))
            )
        parts = []
        for token in tokens:
            part = string_value(token.value)
            if part is None:
                raise _Unread(token, "Bytes are no JSON value.")
            parts.append(part)
        return "".join(parts)

    def _formatted(self, node: Any) -> str:
        if isinstance(node, cst.SimpleString):
            raise _Unread(node, "Bytes are no JSON value.")
        parts = []
        raw = "r" if "r" in node.start.lower() else ""
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                text = part.value.replace("{{", "{").replace("}}", "}")
                parts.append(string_value(f"{raw}{node.end}{text}{node.end}") or "")
            elif part.conversion or part.format_spec or part.equal:
                raise _Unread(part, "A value in an f-string has no conversion and no format.")
            else:
                parts.append(self._inserted(part.expression))
        return "".join(parts)

    def _inserted(self, node: Any) -> str:
        value = self._value(node)
        if isinstance(value, values.Expr | str) or (isinstance(value, int) and not isinstance(value, bool)):
            return f"{value}"
        raise _Unread(node, "An f-string holds references, text and whole numbers.")

    def _number(self, node: Any) -> Any:
        try:
            return ast.literal_eval(node.value)
        except (ValueError, SyntaxError, MemoryError):
            raise _Unread(node, "A number has too many digits.") from None

    def _minus(self, node: Any) -> Any:
        value = self._value(node.expression)
        if isinstance(node.operator, cst.Minus) and isinstance(value, int | float) and not isinstance(value, bool):
            return -value
        hint = "Write not_(…)." if isinstance(node.operator, cst.Not) else None
        raise _Unread(node, "An operator before a value is computed when the file runs.", hint)

    def _named(self, node: Any) -> Any:
        if node.value in ("True", "False", "None"):
            return {"True": True, "False": False, "None": None}[node.value]
        if node.value not in self.names:
            exported = node.value in door.__all__
            hint = "Import it from stepwell.flow." if exported else _meant(node.value, self.names)
            raise _Unread(node, f"`{shortened(node.value)}` is not known here.", hint)
        value = self.names[node.value]
        if value is _BROKEN:
            raise _Broken
        if isinstance(value, _Constant):
            return value.value
        if isinstance(value, _Exported):
            return self._exported_value(node, value.name)
        return value

    def _exported_value(self, node: Any, name: str) -> Any:
        if name in ("event", "env", "trigger"):
            return getattr(values, name)
        raise _Unread(node, f"`{name}` is called: write {name}(…).", None, c.FLOW_CALL)

    def _attribute(self, node: Any) -> Any:
        exported, attr = self._exported(node), node.attr.value
        if exported is not None:
            return self._exported_value(node, exported)
        owner = self._value(node.value)
        if isinstance(owner, values.Expr):
            return self._tried(node, lambda: getattr(owner, attr))
        known = [name for kind, names in _READABLE.items() if isinstance(owner, kind) for name in names]
        if attr in known:
            return self._tried(node, lambda: getattr(owner, attr))
        if isinstance(owner, nodes.Node):
            raise _Unread(node, f"A node has no `{attr}`.", f"Of its value: ref({_written(node.value)}).{attr}")
        raise _Unread(node, "This is not understood without running it.")

    def _item(self, node: Any) -> Any:
        owner = self._value(node.value)
        if not isinstance(owner, values.Expr) or len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
            raise _Unread(node, "This is not understood without running it.")
        key = self._value(node.slice[0].slice.value)
        return self._tried(node, lambda: owner[key])

    def _compared(self, node: Any) -> Any:
        if len(node.comparisons) != 1:
            raise _Unread(node, "A chain of comparisons is decided when the file runs.", "Write all_of(a < b, b < c).")
        [one] = node.comparisons
        left, right = self._value(node.left), self._value(one.comparator)
        compare = _COMPARED.get(type(one.operator))
        if compare is None or not (isinstance(left, values.Expr) or isinstance(right, values.Expr)):
            raise _Unread(node, "A condition compares an expression by ==, !=, <, <=, > or >=.", 'Else write js("…").')
        return self._tried(node, lambda: compare(left, right))

    def _mapping(self, node: Any) -> dict[Any, Any]:
        made = {}
        for element in node.elements:
            if not isinstance(element, cst.DictElement):
                raise _Unread(element, "Members are written down one by one, not with `**`.")
            made[self._value(element.key)] = self._value(element.value)
        return made

    def _listed(self, node: Any) -> list[Any]:
        for element in node.elements:
            if not isinstance(element, cst.Element):
                raise _Unread(element, "Elements are written down one by one, not with `*`.")
        return [self._value(element.value) for element in node.elements]

    def _called(self, node: Any) -> Any:
        name = self._exported(node.func)
        if name in _CALLED:
            return self._called_by_name(node, str(name))
        if isinstance(node.func, cst.Attribute) and node.func.attr.value == "via":
            owner = self._value(node.func.value)
            if isinstance(owner, nodes.Node):
                _, given = self._arguments(node, ("label",), ("label",), "`via`")
                return self._tried(node, lambda: owner.via(**given))
        raise _Unread(node, "Only functions of stepwell.flow are called here.")

    def _called_by_name(self, node: Any, name: str) -> Any:
        if name == "js" and any(arg.keyword is not None and arg.keyword.value == "file" for arg in node.args):
            return self._file(node)
        args, kwargs = [], {}
        for arg in node.args:
            if arg.star:
                raise _Unread(arg, f"Arguments are written down one by one, not with `{arg.star}`.")
            if arg.keyword is None:
                args.append(self._value(arg.value))
            else:
                kwargs[arg.keyword.value] = self._value(arg.value)
        return self._tried(node, lambda: getattr(door, name)(*args, **kwargs))

    def _file(self, node: Any) -> values.Js:
        if len(node.args) != 1:
            raise _Unread(node, "js takes a text, or file=….", None, c.FLOW_CALL)
        path = self._value(node.args[0].value)
        if not isinstance(path, str) or self.files is None:
            raise _Unread(node, f"The file {path!r} was not given.", "Files are read by the command line.", c.FLOW_FILE)
        try:
            return values.Js(self.files(path))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise _Unread(node, f"The file {path!r} cannot be read: {reason}.", None, c.FLOW_FILE) from None

    def _tried(self, node: Any, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except values.FlowError as error:
            raise _Unread(node, f"{_sentence(str(error))}.", None, c.FLOW_CALL) from None
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise _Unread(node, f"The builder does not take this: {error}.", None, c.FLOW_CALL) from None

    def _exported(self, node: Any) -> str | None:
        """The name of `stepwell.flow` that a name or an attribute of the module leads to."""
        if isinstance(node, cst.Name):
            found = self.names.get(node.value)
            return found.name if isinstance(found, _Exported) else None
        if isinstance(node, cst.Attribute):
            room = self._room(node.value)
            return node.attr.value if room == _ROOM and node.attr.value in door.__all__ else None
        return None

    def _room(self, node: Any) -> str | None:
        if isinstance(node, cst.Name):
            found = self.names.get(node.value)
            return found.part if isinstance(found, _Room) else None
        if isinstance(node, cst.Attribute):
            inner = self._room(node.value)
            return f"{inner}.{node.attr.value}" if inner == "stepwell" else None
        return None

    # -- findings ----------------------------------------------------------------------------------

    def _report(self, unread: _Unread) -> None:
        self._say(unread.code, unread.node, unread.message, unread.hint)

    def _say(self, code: Code, node: Any, message: str, hint: str | None = None) -> None:
        self.reading._found.append((Diagnostic(code, message, hint=hint), node))


_VALUES: Final[Mapping[type, Callable[[_Reader, Any], Any]]] = MappingProxyType(
    {
        cst.SimpleString: _Reader._text,
        cst.ConcatenatedString: _Reader._text,
        cst.FormattedString: _Reader._formatted,
        cst.Integer: _Reader._number,
        cst.Float: _Reader._number,
        cst.UnaryOperation: _Reader._minus,
        cst.Name: _Reader._named,
        cst.Attribute: _Reader._attribute,
        cst.Subscript: _Reader._item,
        cst.Comparison: _Reader._compared,
        cst.Dict: _Reader._mapping,
        cst.List: _Reader._listed,
        cst.Tuple: _Reader._listed,
        cst.Call: _Reader._called,
    }
)
_REFUSED: Final[Mapping[type, tuple[str, str | None]]] = MappingProxyType(
    {
        cst.BooleanOperation: (
            "`and` and `or` are decided when the file runs, not when the workflow does",
            "Write all_of(…) or any_of(…).",
        ),
        cst.IfExp: ("A choice is made when the file runs, not when the workflow does", "Write flow.branch(…)."),
        cst.Lambda: ("A Python function cannot run in a Worker", 'Write js("…").'),
        cst.BinaryOperation: (
            "Arithmetic is computed when the file runs, not when the workflow does",
            'Write js("…").',
        ),
        cst.ListComp: ("A comprehension is not understood without running it", "Write the elements down."),
        cst.DictComp: ("A comprehension is not understood without running it", "Write the members down."),
        cst.Set: ("A set is no JSON value", "Write a list."),
        cst.Imaginary: ("A complex number is no JSON value", None),
    }
)
_INSTEAD: Final[Mapping[type, str]] = MappingProxyType(
    {
        cst.If: "Of the workflow's own: flow.branch(…).",
        cst.For: "Of the workflow's own: flow.for_each(…).",
        cst.While: "Of the workflow's own: flow.while_(…).",
        cst.Try: "Of the workflow's own: flow.try_(…).",
    }
)
_HEAD_PARAMS: Final = (
    "name",
    "trigger",
    *(param for param, _ in HEAD),
    "entry",
    "kind",
    "node_version",
    "node_provider",
    "trigger_code",
    "dependencies",
    "env_vars",
    "deploy_config",
)
_ARM_CALLS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = MappingProxyType(
    {"when": (("when",), ("when", "label")), "otherwise": ((), ("label",)), "arm": (("label",), ("label",))}
)
_OTHER_CALLS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = MappingProxyType(
    {
        "edge": (("source", "target", "label"), ("source", "target", "label", "id")),
        "end": ((), ()),
        "layout": ((), ("positions", "order", "edges")),
    }
)


def _maker(name: str | None) -> Callable[..., builder.Flow]:
    return builder.script if name == "script" else builder.workflow


def _assigned(small: Any) -> tuple[str | None, Any]:
    """The name and the value of a statement that gives a value to one name, or has a value alone."""
    if isinstance(small, cst.Assign) and len(small.targets) == 1 and isinstance(small.targets[0].target, cst.Name):
        return small.targets[0].target.value, small.value
    if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name) and small.value is not None:
        return small.target.value, small.value
    return None, small.value if isinstance(small, cst.Expr) else None


def _bound(item: Any) -> str | None:
    name = item.asname.name if item.asname is not None else None
    return name.value if isinstance(name, cst.Name) else None


def _dotted(node: Any) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def _written(node: Any) -> str:
    return shortened(_dotted(node) or "…")


def _meant(word: str, known: Iterable[str]) -> str | None:
    meant = did_you_mean(word, known)
    return f"Did you mean `{meant}`?" if meant else None


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}".rstrip(".")


def _unparsable(text: str) -> Diagnostic | None:
    """Why a text is not Python, or too much of it. Python's own parser says it best, and bounds what LibCST gets."""
    if len(text) > LENGTH:
        return Diagnostic(c.TOO_LARGE, f"The file has {len(text):,} characters, more than {LENGTH:,}; split it.")
    alien = _ALIEN.search(text)
    if alien is not None:
        place = Place(text.count("\n", 0, alien.start()) + 1, alien.start() - text.rfind("\n", 0, alien.start()))
        found = "A NUL character" if alien[0] == "\0" else "Half a surrogate pair"
        return Diagnostic(c.NOT_PYTHON, f"{found} stands here; Python cannot read it.", place=place)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        place = Place(max(error.lineno or 1, 1), max(error.offset or 1, 1))
        return Diagnostic(c.NOT_PYTHON, f"{_sentence(error.msg or 'it cannot be read')}.", place=place)
    except ValueError as error:
        return Diagnostic(c.NOT_PYTHON, f"{_sentence(str(error))}.", place=Place(1, 1))
    except (RecursionError, MemoryError):
        return _too_deep(None)
    return _depth_fault(tree)


def _depth_fault(tree: ast.AST) -> Diagnostic | None:
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return None
    deep = next((node for node in level if isinstance(node, ast.expr | ast.stmt)), None)
    return _too_deep(Place(deep.lineno, deep.col_offset + 1) if deep is not None else None)


def _too_deep(place: Place | None) -> Diagnostic:
    message = "The file is nested too deeply here; move the inner part to a constant, or to a sub-workflow."
    return Diagnostic(c.TOO_DEEP, message, place=place or Place(1, 1))
