"""Builds the statements of a program out of the plan, innermost parts first (nothing here is recursive)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from stepwell.check.analysis import Analysis
from stepwell.check.data import Settings as Given
from stepwell.check.naming import identifier_of
from stepwell.check.regions import ROOT, must
from stepwell.check.values import CodeValue, Obj, Use, Value, uses_of, written_into
from stepwell.graph import data as d
from stepwell.graph.durations import Duration
from stepwell.graph.durations import parse as parse_duration
from stepwell.javascript.template import parse_template
from stepwell.lower import program as p
from stepwell.lower.bindings import other_secrets
from stepwell.lower.expressions import Expressions, record
from stepwell.lower.names import Full
from stepwell.lower.naming import Names
from stepwell.lower.plan import Key, Plan, Role, Segment, Sym, SymChoose, SymVar, leaves_turn

WAIT_TIMEOUT = "24 hours"


@dataclass(slots=True)
class Builder:
    """One compile's builder. `blocks` are the parts that are built already."""

    plan: Plan
    names: Names
    bindings: Mapping[int, str]
    """The service or workflow binding of nodes that call another Worker."""
    blocks: dict[int, p.Block] = field(default_factory=dict)
    built: dict[int, list[p.Statement]] = field(default_factory=dict)
    """The statements of each vertex."""

    def __post_init__(self) -> None:
        self.analysis = self.plan.analysis
        self.flow = self.analysis.flow
        self.regions = self.analysis.regions
        self.script = self.analysis.document.source.ir.kind == "script"
        self.counted = self._counted()
        self.added_to = self._added_to()
        self.giving = self._giving()

    analysis: Any = field(init=False)
    flow: Any = field(init=False)
    regions: Any = field(init=False)
    script: bool = field(init=False)
    counted: frozenset[int] = field(init=False)
    added_to: frozenset[int] = field(init=False)
    giving: Mapping[int, int] = field(init=False)

    # -- parts ------------------------------------------------------------------------------------

    def build(self) -> p.Block:
        """The body of the program."""
        parts = [
            part
            for part in self.regions.parts
            if part != ROOT and self.regions.groups.get(part, part) not in self.plan.dead
        ]
        missing = [a.vertex for a in self.flow.arms if a.vertex not in self.regions.parts]
        order = sorted([*parts, *missing], key=lambda part: len(self.plan.chain(part)), reverse=True)
        for part in order:
            self.blocks[part] = self._part(part)
        return self._whole()

    def again(self, analysis: Analysis, vertices: Iterable[int]) -> tuple[Builder, p.Block]:
        """A builder for texts of some vertices that have changed, and the body with these built anew.

        Raises `Taken` where it would take a name: which ones are free depends on the order in which all is built.
        """
        new = copy(self)
        new.analysis, new.flow, new.regions = analysis, analysis.flow, analysis.regions
        new.plan = copy(self.plan)
        new.plan.analysis = analysis
        naming = replace(self.names.naming, level=new.plan.level)
        new.names = replace(self.names, table=Full(), naming=naming)
        new.blocks, new.built = dict(self.blocks), dict(self.built)
        parts: dict[int, int] = {}
        for vertex in vertices:
            new.built.pop(vertex, None)
            chain = self.plan.chain(self.plan.scope_of(vertex))
            parts |= {part: len(chain) - number for number, part in enumerate(chain) if part != ROOT}
        for part in parts:
            if part not in self.regions.groups:
                new.built.pop(self.flow.arm(part).container, None)
        for part in sorted(parts, key=lambda part: parts[part], reverse=True):
            new.blocks[part] = new._part(part)
        return new, new._whole()

    def _whole(self) -> p.Block:
        aliases = [p.Const(alias, p.Name(name)) for name, alias in self.names.naming.aliases.items()]
        body = (*aliases, *self._part(ROOT))
        leaves = body and isinstance(body[-1], p.Exit) and body[-1].condition is None
        return body if leaves else (*body, *self._result())

    def _part(self, part: int) -> p.Block:
        out: list[p.Statement] = []
        if part != ROOT and self._is_arm(part):
            out += self._arm_begins(part)
        for member in self.plan.members(part):
            out += [self._declare(key) for key in self.plan.declares.get((part, member), ())]
            if member in self.regions.groups:
                guard = self.regions.groups[member]
                out.append(p.If(self._id(guard), ((p.Name(self.names.flags[guard]), self.blocks[member]),)))
            else:
                out += self._statements(member)
                if member in self.flow.exits:
                    return tuple(out)
                out += [p.Assign(self.names.flags[g], p.Constant(True)) for g in self.plan.flag_at.get(member, ())]
        if part != ROOT and self._is_arm(part):
            out += self._arm_ends(part)
        return tuple(out)

    def _declare(self, key: Key) -> p.Statement:
        return p.Declare(self.name(key), p.Constant(False) if key.role == "flag" else None)

    def _arm_begins(self, arm: int) -> list[p.Statement]:
        out: list[p.Statement] = []
        container = self.flow.arm(arm).container
        if self.flow.shape(container) == "race":
            out += [self._declare(k) for k in self.plan.handed.get(arm, ()) if k.role == "flag"]
        # What is handed out of an owning arm, but arises deeper in it, is declared by `declares` of this scope.
        loop = self.analysis.data[container]
        if isinstance(loop, d.LoopData) and loop.loopType == "while":
            out += self._reset_turn(arm, container)
        out += [p.Assign(self.names.flags[g], p.Constant(True)) for g in self.plan.flag_at.get(arm, ())]
        return out

    def _reset_turn(self, arm: int, loop: int) -> list[p.Statement]:
        """What the condition reads of the body is undefined when its node did not run in the turn."""
        condition = self.analysis.fields[loop]["condition"]
        out: list[p.Statement] = []
        for key in sorted(self._turn_keys(condition, arm)):
            if not (self.plan.scope_of(key.vertex) == arm and must(self.regions, arm, key.vertex)):
                out.append(p.Assign(self.name(key), p.Undefined()))
        return out

    def _turn_keys(self, condition: Value, arm: int) -> set[Key]:
        found: set[Key] = set()
        for use, path in uses_of(condition):
            if use.kind == "node" and self.regions.dominates(arm, use.vertex):
                keyed = self.names.naming.keyed.get(use.vertex)
                view = keyed is not None and (not path or path[0] not in keyed)
                found.add(
                    Key("view" if view else "value", use.vertex, self.plan.level(use.vertex, self.plan.parent(arm)))
                )
        return found

    def _arm_ends(self, arm: int) -> list[p.Statement]:
        out: list[p.Statement] = [
            p.Assign(self.names.flags[g], p.Constant(True)) for g in self.plan.flag_at_end.get(arm, ())
        ]
        container = self.flow.arm(arm).container
        shape = self.flow.shape(container)
        if shape in ("branch", "try") and arm in self.plan.arm_values:
            sym = self.plan.arm_values[arm]
            target = Key("result", container)
            if sym is not None and not (
                isinstance(sym, SymVar) and self.plan.resolve(sym.key) == self.plan.resolve(target)
            ):
                out.append(p.Assign(self.name(target), self.sym(sym)))
        data = self.analysis.data[container]
        if (
            shape == "loop"
            and container in self.plan.results_of
            and isinstance(data, d.LoopData)
            and data.concurrency == 1
        ):
            out.append(p.Push(self.names.turns[container], self.sym(self.plan.arm_values.get(arm))))
        return out

    def _is_arm(self, part: int) -> bool:
        return part not in self.regions.groups and bool(self.flow.is_arm(part))

    # -- names and values ----------------------------------------------------------------------------

    def _id(self, vertex: int) -> str:
        return str(self.flow.nodes[vertex].id)

    def name(self, key: Key) -> str:
        role, vertex, level = self.plan.resolve(key)
        if role == "flag":
            return self.names.flags[vertex]
        if role == "result":
            return self.names.results[vertex]
        if role == "export":
            return self.names.exports[key]
        return self.names.naming.variable(role == "view", vertex, level)

    def sym(self, sym: Sym | None) -> p.Expr:
        """A value as an expression."""
        if sym is None:
            return p.Undefined()
        chain: list[SymChoose] = []
        while isinstance(sym, SymChoose):
            chain.append(sym)
            sym = sym.no
        value: p.Expr = p.Name(self.name(sym.key)) if sym is not None else p.Undefined()
        for choice in reversed(chain):
            value = p.Choose(p.Name(self.names.flags[choice.vertex]), self.sym(choice.yes), value)
        return value

    def bind(self, key: Key) -> p.Bind | None:
        """Where the value of a node goes: a constant where it is read only there, else a declared variable."""
        resolved = self.plan.resolve(key)
        if resolved != key:
            return p.Bind(self.name(resolved), new=False)
        segments = self.plan.segments.get(key)
        if not segments:
            return None
        first = segments[0]
        return p.Bind(self.name(key), new=first.start == first.declared)

    def bound(self, vertex: int, role: Role = "value") -> tuple[p.Bind | None, list[p.Statement]]:
        """Where a node's value goes, and the statements that hand it on to readers outside its turn."""
        own = Key(role, vertex)
        keys = [own] if self.plan.reads.get(own) else []
        if vertex in self.plan.leveled:
            keys += [key for key in self.plan.outer_levels(vertex) if key.role == role]
        if role == "value" and vertex in self.plan.exports_to:
            keys.append(self.plan.exports_to[vertex])
        binds = [(bind, key in self.plan.boxed) for key in keys if (bind := self.bind(key)) is not None]
        if not binds:
            return None, []
        first = next((bind for bind, boxed in binds if not boxed), None)
        if first is None:
            first = p.Bind(self.names.table.take(f"{self.names.base[vertex]}_value"))
        value = p.Name(first.name)
        handed = [
            self._receive(bind, p.Record((("value", value),)) if boxed else value)
            for bind, boxed in binds
            if bind is not first
        ]
        return first, handed

    def step_name(self, vertex: int, extra: str = "") -> p.StepName:
        loops = self.regions.loops_around(vertex)
        indices = tuple([self.names.naming.indices[loop] for loop in reversed(loops)]) if loops else ()
        return p.StepName(self.names.steps[vertex] + extra, indices)

    def field(self, vertex: int, name: str) -> Value | None:
        value: Value | None = self.analysis.fields[vertex].get(name)
        return value

    def expr(self, vertex: int, value: Value) -> p.Expr:
        """A field's value; code that writes into what it reads does so on copies."""
        expressions = Expressions(self.names.naming, self.plan.scope_of(vertex))
        return expressions.code(value, copy_written=True) if isinstance(value, CodeValue) else expressions.of(value)

    def control(self, vertex: int, name: str, out: list[p.Statement]) -> p.Expr:
        """A field that must be the same on every replay: where it may not be, a step before stores it."""
        value = self.field(vertex, name)
        assert value is not None
        if (vertex, name) not in self.analysis.stored:
            return self.expr(vertex, value)
        bound = self.names.table.take(f"{self.names.base[vertex]}_value")
        out.append(
            p.Do(
                self._id(vertex),
                self.step_name(vertex, self.analysis.stored[vertex, name]),
                p.Evaluate(self.expr(vertex, value)),
                p.Bind(bound),
                p.Settings(),
            )
        )
        return p.Name(bound)

    # -- vertices -----------------------------------------------------------------------------------

    def _statements(self, vertex: int) -> list[p.Statement]:
        known = self.built.get(vertex)
        if known is None:
            known = self.built[vertex] = self._vertex(vertex)
        return known

    def _vertex(self, vertex: int) -> list[p.Statement]:
        if self.flow.kinds[vertex].custom is not None:
            return self._custom(vertex)
        return _BUILD[self.flow.nodes[vertex].type](self, vertex)

    def _step(self, vertex: int) -> list[p.Statement]:
        data = self.analysis.data[vertex]
        code = self.field(vertex, "code")
        assert isinstance(code, CodeValue)
        body = self._body(vertex, code, data.inline)
        if data.inline:
            return self._with_output(vertex, body, lambda bind: p.Inline(self._id(vertex), body, bind))
        settings = self.settings(vertex)
        return self._with_output(
            vertex, body, lambda bind: p.Do(self._id(vertex), self.step_name(vertex), body, bind, settings)
        )

    def _body(self, vertex: int, code: CodeValue, inline: bool) -> p.Body:
        written = written_into(code)
        loop = _output_loop(written)
        copies: list[tuple[str, p.Expr]] = []
        copied: dict[Use, str] = {}
        reader = Expressions(self.names.naming, self.plan.scope_of(vertex))
        for use in sorted(written):
            if use.kind in ("env", "output"):
                continue
            original = reader.name(use, None)
            wanted = original.name if isinstance(original, p.Name) else "payload"
            copied[use] = self.names.table.take(f"{wanted}_copy")
            copies.append((copied[use], p.Copy(reader.seen_behind(code.facts.bound, original))))
        expressions = (
            Expressions(self.names.naming, self.plan.scope_of(vertex), copied, inner_output=loop is not None)
            if written
            else reader
        )
        reassigned = tuple(sorted({copied[n.use] for n in code.names if n.name.write and n.use in copied}))
        output = p.OutputCell(self._initial_output(loop, code)) if loop is not None else None
        return p.Body(
            expressions.code(code),
            tuple(copies),
            reassigned,
            self._gives(vertex, code, inline),
            self._context(code),
            output,
        )

    def _context(self, code: CodeValue) -> Any:
        if "ctx" not in {free.name for free in code.facts.free}:
            return "none"
        whole = any(root == "ctx" for root, _ in code.facts.whole)
        keyed = any(
            m.root == "ctx" and m.path[:1] == ("idempotencyKey",) for m in (*code.facts.members, *code.facts.followed)
        )
        return "key" if whole or keyed else "plain"

    def _gives(self, vertex: int, code: CodeValue, inline: bool) -> str | None:
        """In a script and in inline steps: the `const` of the node's own name, where the body returns nothing."""
        if code.facts.returns or not (inline or self.script):
            return None
        node = self.flow.nodes[vertex]
        own = (identifier_of(node.name), identifier_of(node.name).rstrip("_"), node.id, node.name)
        return next((name for name in own if name in code.facts.declared), None)

    def _initial_output(self, loop: int | None, code: CodeValue) -> p.Expr:
        assert loop is not None
        data = self.analysis.data[loop]
        # Turns beside each other see nothing of one another; in one turn, what another step gave stays.
        alone = data.concurrency > 1 and self.giving[loop] == 1
        if loop not in self.names.naming.outputs or alone:
            return p.Items(()) if "_output" in code.facts.mutated else p.Undefined()
        name = p.Name(self.names.naming.outputs[loop])
        return p.Copy(name) if "_output" in code.facts.mutated else name

    def _with_output(
        self, vertex: int, body: p.Body, make: Callable[[p.Bind | None], p.Statement]
    ) -> list[p.Statement]:
        """A step whose result may carry `_output` beside its value."""
        bind, handed = self.bound(vertex)
        if body.output is None:
            return [make(bind), *handed]
        code = self.field(vertex, "code")
        assert isinstance(code, CodeValue)
        loop = _output_loop(written_into(code))
        assert loop is not None
        whole = self.names.table.take(f"{self.names.base[vertex]}_result")
        out: list[p.Statement] = [make(p.Bind(whole))]
        if loop in self.names.naming.outputs:
            out.append(p.Assign(self.names.naming.outputs[loop], p.Path(p.Name(whole), ("output",))))
        if bind is not None:
            value = p.Path(p.Name(whole), ("value",))
            out.append(self._receive(bind, value))
        return [*out, *handed]

    def settings(self, vertex: int) -> p.Settings | None:
        """Retry settings, written out. A script retries only what its graph sets."""
        given: Given = self.analysis.typed[vertex].retries
        if self.script:
            if not given.explicit:
                return None
            return p.Settings(
                given.limit or 0,
                _timing(given.delay, "10 seconds"),
                given.backoff or "exponential",
                _timing(given.timeout, ""),
            )
        default = p.DEFAULT
        if not given.explicit:
            return default
        return p.Settings(
            default.limit if given.limit is None else given.limit,
            _timing(given.delay, default.delay),
            given.backoff or default.backoff,
            _timing(given.timeout, default.timeout),
        )

    def _request(self, vertex: int) -> list[p.Statement]:
        data = self.analysis.data[vertex]
        fields = {name: self.expr(vertex, value) for name, value in self.analysis.fields[vertex].items()}
        work = p.Request(
            self._id(vertex),
            data.method,
            fields["url"],
            fields.get("headers"),
            fields.get("queryParams"),
            fields.get("body"),
            data.throwOnError,
            data.idempotencyKey,
            self.bindings.get(vertex),
        )
        (stored, handed), (view, viewed) = self.bound(vertex), self.bound(vertex, "view")
        do = p.Do(
            self._id(vertex),
            self.step_name(vertex),
            work,
            stored or view,
            self.settings(vertex),
            view=stored is None and view is not None,
        )
        return [do, *handed, *self._view(vertex, stored, view, "request"), *viewed]

    def _custom(self, vertex: int) -> list[p.Statement]:
        custom = self.flow.kinds[vertex].custom
        module = parse_template(custom.template)
        work = p.Custom(
            self.names.nodes[custom.definition.key],
            self._given(vertex, "config", module.mutates),
            self._given(vertex, "inputs", module.mutates),
            tuple(other_secrets(self.analysis, vertex).items()),
            module.keyed,
        )
        bind, handed = self.bound(vertex)
        return [p.Do(self._id(vertex), self.step_name(vertex), work, bind, self.settings(vertex)), *handed]

    def _given(self, vertex: int, name: str, copied: bool) -> p.Expr:
        """What a custom node is handed. One that writes into it gets copies: on a replay its changes would be lost."""
        value = self.field(vertex, name)
        assert isinstance(value, Obj)
        entries = []
        for key, inner in value.entries:
            expr = self.expr(vertex, inner)
            shared = {use.kind for use, _ in uses_of(inner)}
            # Bindings cannot be copied, and need not be.
            entries.append((key, p.Copy(expr) if copied and shared and "env" not in shared else expr))
        return record(tuple(entries))

    def _view(self, vertex: int, stored: p.Bind | None, view: p.Bind | None, of: Any) -> list[p.Statement]:
        if stored is None or view is None:
            return []
        return [p.View(view, p.Name(stored.name), of)]

    def _sleep(self, vertex: int) -> list[p.Statement]:
        out: list[p.Statement] = []
        duration = self.control(vertex, "duration", out)
        if isinstance(duration, p.Constant):
            parsed = parse_duration(duration.value)
            duration = p.Constant(parsed.value if parsed else duration.value)
        checked = not isinstance(duration, p.Constant)
        return [*out, p.Sleep(self._id(vertex), self.step_name(vertex), duration, checked)]

    def _sleep_until(self, vertex: int) -> list[p.Statement]:
        # What remains is computed in a step anyway, so the time need not be stored apart.
        value = self.field(vertex, "timestamp")
        assert value is not None
        return [p.SleepUntil(self._id(vertex), self.step_name(vertex), self.expr(vertex, value))]

    def _wait(self, vertex: int) -> list[p.Statement]:
        out: list[p.Statement] = []
        kind = self.control(vertex, "eventType", out)
        timeout: p.Expr = p.Constant(WAIT_TIMEOUT)
        fixed = self.analysis.typed[vertex].retries.timeout
        if isinstance(fixed, Duration):
            timeout = p.Constant(fixed.value)
        elif self.field(vertex, "timeout") is not None:
            timeout = self.control(vertex, "timeout", out)
            if isinstance(timeout, p.Constant):
                parsed = parse_duration(timeout.value)
                timeout = p.Constant(parsed.value if parsed else timeout.value)
        (stored, handed), (view, viewed) = self.bound(vertex), self.bound(vertex, "view")
        wait = p.Wait(
            self._id(vertex),
            self.step_name(vertex),
            kind,
            timeout,
            stored or view,
            view=stored is None and view is not None,
            checked=not isinstance(timeout, p.Constant),
        )
        return [*out, wait, *handed, *self._view(vertex, stored, view, "event"), *viewed]

    def _child(self, vertex: int) -> list[p.Statement]:
        data = self.analysis.data[vertex]
        given = self.field(vertex, "input")
        given_timeout = self.analysis.typed[vertex].retries.timeout
        timeout = given_timeout if isinstance(given_timeout, Duration) else parse_duration(data.timeout)
        bind, handed = self.bound(vertex)
        return [
            p.Child(
                self._id(vertex),
                self.step_name(vertex),
                self.bindings[vertex],
                self.expr(vertex, given) if given else None,
                data.waitForCompletion and not self.script,
                timeout.milliseconds if timeout else 300_000,
                bind,
            ),
            *handed,
        ]

    # -- containers ------------------------------------------------------------------------------------

    def _branch(self, vertex: int) -> list[p.Statement]:
        arms: list[tuple[p.Expr | None, p.Block]] = []
        for position, arm in enumerate(self.flow.arms_of[vertex]):
            if self.flow.arm(arm).missing or f"arms/{position}" not in self.analysis.fields[vertex]:
                arms.append((None, self.blocks[arm]))
                continue
            condition = self.expr(vertex, self.analysis.fields[vertex][f"arms/{position}"])
            extra = self.analysis.stored.get((vertex, f"arms/{position}"))
            if extra is not None:
                condition = p.StepValue(self.step_name(vertex, extra), condition)
            arms.append((condition, self.blocks[arm]))
        if arms[-1][0] is None and not arms[-1][1]:
            arms.pop()
        return [p.If(self._id(vertex), tuple(arms))] if arms else []

    def _try(self, vertex: int) -> list[p.Statement]:
        arms = {self.flow.arm(a).label: self.blocks[a] for a in self.flow.arms_of[vertex]}
        error = self.names.naming.errors[vertex] if vertex in self.plan.errors else None
        return [p.Try(self._id(vertex), arms["try"], error, arms["catch"], arms.get("finally"))]

    def _arm(self, arm: int, asked: bool) -> p.Arm:
        value = self.plan.arm_values.get(arm) if asked else None
        gives = tuple(dict.fromkeys(self.name(k) for k in self.plan.handed.get(arm, ())))
        return p.Arm(self.blocks[arm], self.sym(value) if value is not None else None, gives, None)

    def _parallel(self, vertex: int) -> list[p.Statement]:
        data = self.analysis.data[vertex]
        parts = self.plan.parts_of.get(vertex, {})
        bind, handed = self.bound(vertex)
        asked = bind is not None
        arms = []
        for arm in self.flow.arms_of[vertex]:
            built = self._arm(arm, asked or arm in parts)
            arms.append(p.Arm(built.block, built.value, (), None) if data.mode == "all" else self._settled(arm, built))
        names = tuple(self.name(parts[a]) if a in parts else None for a in self.flow.arms_of[vertex]) if parts else ()
        declared = [k for k in parts.values() if self.plan.segments[k][-1].start != self.plan.segments[k][-1].declared]
        assert not declared
        out: list[p.Statement] = [
            p.Parallel(self._id(vertex), tuple(arms), data.mode, bind.name if bind and bind.new else None, names)
        ]
        if bind and not bind.new:
            temporary = self.names.table.take(f"{bind.name}_all")
            out = [
                p.Parallel(self._id(vertex), tuple(arms), data.mode, temporary, names),
                p.Assign(bind.name, p.Name(temporary)),
            ]
        return [*out, *handed]

    def _settled(self, arm: int, built: p.Arm) -> p.Arm:
        """In settled mode a rejected arm's edges are live: its flags are set when it fails.

        What the arm is worth is returned where its variables are.
        """
        inside = [
            g
            for v, gs in (*self.plan.flag_at.items(), *self.plan.flag_at_end.items())
            for g in gs
            if self.regions.dominates(arm, v) and not self.regions.dominates(arm, g)
        ]
        if not inside:
            return p.Arm(built.block, built.value, (), None)
        block = built.block if built.value is None else (*built.block, p.Return(built.value))
        flags = tuple(p.Assign(self.names.flags[g], p.Constant(True)) for g in sorted(set(inside)))
        caught = p.Try(self._id(self.flow.arm(arm).container), block, "err", (*flags, p.Throw("err")))
        return p.Arm((caught,), None, (), None)

    def _race(self, vertex: int) -> list[p.Statement]:
        handed = list(dict.fromkeys(k for a in self.flow.arms_of[vertex] for k in self.plan.handed.get(a, ())))
        bind, outside = self.bound(vertex)
        gives = tuple(dict.fromkeys(self.name(k) for k in handed))
        arms = []
        for arm in self.flow.arms_of[vertex]:
            built = self._arm(arm, bind is not None)
            arms.append(p.Arm(built.block, built.value, built.gives if gives else (), None))
        name = self.step_name(vertex)
        if not gives:
            target = bind.name if bind else None
            if bind and not bind.new:
                target = self.names.table.take(f"{bind.name}_won")
            out: list[p.Statement] = [p.Race(self._id(vertex), name, tuple(arms), target)]
            return [
                *out,
                *([p.Assign(bind.name, p.Name(target))] if bind and not bind.new and target else []),
                *outside,
            ]
        won = self.names.table.take(f"{self.names.base[vertex]}_won")
        arms = [p.Arm(a.block, a.value, a.gives, None, record=True) for a in arms]
        out = [p.Race(self._id(vertex), name, tuple(arms), won)]
        if bind:
            out.append(self._receive(bind, p.Path(p.Name(won), ("value",))))
        for key in handed:
            out += self._take_over(key, vertex, p.Path(p.Name(won), (self.name(key),)))
        return [*out, *outside]

    def _receive(self, bind: p.Bind, value: p.Expr) -> p.Statement:
        return p.Const(bind.name, value) if bind.new else p.Assign(bind.name, value)

    def _take_over(self, key: Key, container: int, value: p.Expr) -> list[p.Statement]:
        """A variable that an owning arm returned, outside it."""
        if key.role == "flag":
            take = p.Assign(self.name(key), p.Constant(True))
            return [p.If(self._id(container), ((value, (take,)),))]
        scope = self.plan.scope_of(container)
        segments = self.plan.segments[key]
        number = next(n for n, s in enumerate(segments) if n and s.start == scope)
        return self._taken(key, segments[number], value, self.plan.boxed.get(key, -1) - number + 1)

    def _taken(self, key: Key, segment: Segment, value: p.Expr, boxed: int) -> list[p.Statement]:
        """`value` for the variable `key`; it is a box when `boxed` is not negative, and stays one when it is positive.

        Where the variable outlives the turn, one in which the node did not run leaves it as it is.
        """
        name = self.name(key)
        bind = p.Bind(name, segment.start == segment.declared)
        kept = leaves_turn(self.plan, segment)
        if boxed < 0:
            return [self._receive(bind, value)]
        if boxed > 0:
            return [self._receive(bind, p.Coalesce(value, p.Name(name)) if kept else value)]
        if not kept:
            return [self._receive(bind, p.Path(value, ("value",), optional=True))]
        found = self.names.table.take(f"{name}_found")
        take = p.Assign(name, p.Path(p.Name(found), ("value",)))
        return [p.Const(found, value), p.If(self._id(key.vertex), ((p.Name(found), (take,)),))]

    def _loop(self, vertex: int) -> list[p.Statement]:
        data: d.LoopData = self.analysis.data[vertex]
        body = self.flow.arms_of[vertex][0]
        if data.concurrency > 1:
            return self._concurrent(vertex, data, body)
        out: list[p.Statement] = []
        if vertex in self.plan.results_of:
            out.append(p.Const(self.names.turns[vertex], p.Items(())))
        if vertex in self.names.naming.outputs:
            out.append(p.Declare(self.names.naming.outputs[vertex], self._first_output(vertex)))
        out += self._turns(vertex, data, self.blocks[body])
        bind, handed_on = self.bound(vertex)
        if bind is not None:
            out.append(self._receive(bind, self._loop_value(vertex)))
        return [*out, *handed_on]

    def _first_output(self, vertex: int) -> p.Expr | None:
        """`_output` before the first turn: an array where a body adds to it, else undefined."""
        return p.Items(()) if vertex in self.added_to else None

    def _added_to(self) -> frozenset[int]:
        """Loops to whose `_output` some body adds (`_output.push(…)`)."""
        codes = [f["code"] for f in self.analysis.fields if isinstance(f.get("code"), CodeValue)]
        return frozenset(
            n.use.vertex
            for code in codes
            if "_output" in code.facts.mutated
            for n in code.names
            if n.use.kind == "output"
        )

    def _giving(self) -> Mapping[int, int]:
        """How many steps give something to the `_output` of each loop."""
        codes = [f["code"] for f in self.analysis.fields if isinstance(f.get("code"), CodeValue)]
        return Counter(loop for code in codes if (loop := _output_loop(written_into(code))) is not None)

    def _loop_value(self, vertex: int) -> p.Expr:
        entries: list[tuple[str, p.Expr]] = []
        if vertex in self.plan.results_of:
            entries.append(("results", p.Name(self.names.turns[vertex])))
        if vertex in self.names.naming.outputs:
            entries.append(("output", p.Name(self.names.naming.outputs[vertex])))
        return p.Record(tuple(entries))

    def _counted(self) -> frozenset[int]:
        """Loops whose index something reads: the name of a step in them, or a user's code."""
        counted = {
            use.vertex
            for fields in self.analysis.fields
            for value in fields.values()
            for use, _ in uses_of(value)
            if use.kind == "index"
        }
        named = {v for v, k in enumerate(self.flow.kinds) if not k.is_container and self.flow.nodes[v].type != "break"}
        named |= {v for v, _ in self.analysis.stored} | {v for v, k in enumerate(self.flow.kinds) if k.shape == "race"}
        for vertex in () if self.script else sorted(named):
            counted.update(self.regions.loops_around(vertex))
        return frozenset(counted)

    def _turns(self, vertex: int, data: d.LoopData, block: p.Block) -> list[p.Statement]:
        out: list[p.Statement] = []
        naming = self.names.naming
        index = naming.indices[vertex]
        if data.loopType == "forEach":
            used = vertex in self.counted
            collection = self.control(vertex, "collection", out)
            return [*out, p.ForEach(self._id(vertex), naming.items[vertex], index if used else None, collection, block)]
        if data.loopType == "times":
            count = self.control(vertex, "count", out)
            if isinstance(count, p.Constant) and isinstance(count.value, str):
                count = p.Constant(float(count.value))
            limit = None if isinstance(count, p.Constant) else self.names.table.take(f"{self.names.base[vertex]}_count")
            return [*out, p.Times(self._id(vertex), index, count, limit, block)]
        value = self.field(vertex, "condition")
        assert value is not None
        extra, store = self.analysis.stored.get((vertex, "condition")), None
        if extra is not None:
            store = self.step_name(vertex, extra)
            store = p.StepName(store.text, (*store.indices, index))
        return [p.While(self._id(vertex), index, self.expr(vertex, value), store, block)]

    def _concurrent(self, vertex: int, data: d.LoopData, body: int) -> list[p.Statement]:
        out: list[p.Statement] = []
        naming = self.names.naming
        handed = list(self.plan.handed.get(body, ()))
        gives = list(dict.fromkeys(self.name(k) for k in handed if k.role != "flag"))
        output = naming.outputs.get(vertex)
        wants_results = vertex in self.plan.results_of
        block = self.blocks[body]
        if output is not None:
            gives.append(output)
            block = (p.Declare(output), *block)
        value = self.sym(self.plan.arm_values.get(body)) if wants_results else None
        arm = p.Arm(block, value, tuple(gives), None, record=bool(gives))
        turns = self.names.turns.get(vertex) if not gives else self.names.table.take(f"{self.names.base[vertex]}_turns")
        is_each = data.loopType == "forEach"
        source = self.control(vertex, "collection" if is_each else "count", out)
        out.append(
            p.Concurrent(
                self._id(vertex),
                naming.items[vertex] if is_each else None,
                naming.indices[vertex],
                source if is_each else None,
                None if is_each else source,
                data.concurrency,
                arm,
                turns,
            )
        )
        if gives and turns:
            if wants_results:
                out.append(p.Const(self.names.turns[vertex], p.Pluck(p.Name(turns), "value")))
            if output is not None:
                out.append(p.Const(output, p.LastGiven(p.Name(turns), output)))
            for key in handed:
                if key.role != "flag":
                    last = p.LastGiven if key in self.plan.boxed else p.OfLast
                    out += self._take_over(key, vertex, last(p.Name(turns), self.name(key)))
        bind, handed_on = self.bound(vertex)
        if bind is not None:
            out.append(self._receive(bind, self._loop_value(vertex)))
        return [*out, *handed_on]

    # -- ends ------------------------------------------------------------------------------------------

    def _exit(self, vertex: int) -> list[p.Statement]:
        out: list[p.Statement] = []
        condition = None
        if self.field(vertex, "condition") is not None:
            condition = self.control(vertex, "condition", out)
        loops = self.regions.loops_around(vertex)
        if loops:
            first: p.Block = ()
            if loops[0] in self.plan.results_of:
                first = (p.Push(self.names.turns[loops[0]], self.sym(self.plan.exits.get(vertex))),)
            return [*out, p.Exit(self._id(vertex), condition, True, None, first)]
        return [*out, p.Exit(self._id(vertex), condition, False, self._exit_value(vertex))]

    def _exit_value(self, vertex: int) -> p.Expr | None:
        if self.plan.exporting:
            return self._exported(vertex)
        sym = self.plan.exits.get(vertex)
        return self.sym(sym) if sym is not None else None

    def _exported(self, end: int) -> p.Expr:
        """What is exported where the run ends."""
        return p.Record(tuple((name, self._last_given(keys)) for name, keys in self.plan.exported[end]))

    def _last_given(self, keys: list[Key]) -> p.Expr:
        names: list[p.Expr] = [p.Name(self.name(key)) for key in keys]
        boxed = keys[0].role == "export" and keys[0] in self.plan.boxed  # another one is, at most, inside its turns
        if len(names) == 1 and not boxed:
            return names[0]
        found = names.pop()
        while names:
            found = p.Coalesce(found, names.pop())
        return p.Path(found, ("value",), optional=True)

    def _result(self) -> p.Block:
        if self.plan.exporting:
            return (p.Return(self._exported(ROOT)),)
        return (p.Return(self.sym(self.plan.result)),) if self.plan.result is not None else ()


def _output_loop(written: Collection[Use]) -> int | None:
    """The loop whose `_output` is among what some code writes into."""
    return next((use.vertex for use in written if use.kind == "output"), None) if written else None


_BUILD: Final[Mapping[str, Callable[[Builder, int], list[p.Statement]]]] = MappingProxyType({
    "step": Builder._step,
    "http_request": Builder._request,
    "sub_script": Builder._request,
    "sleep": Builder._sleep,
    "sleep_until": Builder._sleep_until,
    "wait_for_event": Builder._wait,
    "branch": Builder._branch,
    "parallel": Builder._parallel,
    "race": Builder._race,
    "loop": Builder._loop,
    "try_catch": Builder._try,
    "break": Builder._exit,
    "sub_workflow": Builder._child,
})  # fmt: skip


def _timing(given: Duration | str | None, default: str | int | float) -> str | int | float:
    if given is None:
        return default
    return given.value if isinstance(given, Duration) else given
