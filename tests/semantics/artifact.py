"""The artifact of a case: its JSON as an editor would write it."""

from __future__ import annotations

from tests.semantics.case import CHILD_SECONDS, STATES, Case, Json, Node, Read, timeout_of
from tests.semantics.shape import Shape

SHOW = (
    "const show = (x) => Array.isArray(x) ? x.map(show) : x && typeof x === 'object' ? x.tag ?? "
    "Object.fromEntries(Object.entries(x).filter(([k]) => "
    "!['headers', 'timestamp', 'instanceId', 'reason'].includes(k)).map(([k, y]) => [k, show(y)])) : x;\n"
)
WHO = "const who = (e) => [...new Set(e.message.toLowerCase().match(/n\\d+|\\d+ms/g))].join();\n"
RETRIED_TYPES = ("step", "http_request", "sub_script")


def artifact(case: Case, shape: Shape | None = None) -> Json:
    printer = _Printer(case, shape or Shape(case))
    return {
        **({"kind": "script", "trigger": {"type": "http"}} if case.script else {}),
        "metadata": {"name": "G", "version": 1},
        "nodes": [printer.node(node) for node in case.nodes],
        "edges": [
            {"id": f"e{number}", "source": edge.source, "target": edge.target}
            | ({"label": edge.label} if edge.label else {})
            for number, edge in enumerate(case.edges)
        ],
        "entryNodeId": case.nodes[case.entry].id,
    }


class _Printer:
    def __init__(self, case: Case, shape: Shape) -> None:
        self.case, self.shape = case, shape

    def node(self, node: Node) -> Json:
        printed: Json = {
            "id": node.id,
            "type": node.type,
            "name": node.name,
            "position": {"x": 0, "y": 0},
            "version": "1.0.0",
            "provider": "cloudflare",
            "data": getattr(self, f"_{node.type}")(node),
        }
        config: Json = {}
        if node.type in RETRIED_TYPES and not node.inline:
            if node.retries is not None:
                config["retries"] = {"limit": node.retries, "delay": 1000, "backoff": "linear"}
            if node.type == "step" and not self.case.script:
                config["timeout"] = timeout_of(node)
        return {**printed, **({"config": config} if config else {})}

    # -- steps

    def _step(self, node: Node) -> Json:
        code = "".join(
            [
                SHOW if any(self._needs_show(read) for read in node.reads) else "",
                WHO if any(read.part == "err" or read.part == "error" for read in node.reads) else "",
                f"const r = [{', '.join(self.read(read) for read in node.reads)}];\n",
                *(self._spoil(target) for target in node.spoils),
                self._happens(node),
                f"const tag = {self._tag(node)};\n",
                self._output(node),
                "" if node.nothing else f"return {{ tag, r{self._list(node)} }};",
            ]
        )
        return {"code": code, **({"inline": True} if node.inline else {})}

    def _happens(self, node: Node) -> str:
        does = f"const does = {self.word('does', node)};\n"
        fails = 'does === "fail"' + ("" if node.inline else ' || (does === "flaky" && ctx.attempt < 2)')
        thrown = f'if ({fails}) throw new Error("{node.id}");\n'
        if node.inline:
            return does + thrown
        fatal = f'if (does === "fatal") throw new NonRetryableError("{node.id}");\n'
        if self.case.watched:
            does += 'await fetch("https://log.test/" + encodeURIComponent(ctx.step.name));\nawait scheduler.wait(80);\n'
        if self.case.script:
            return f"{does}await scheduler.wait({self.word('late', node)});\n{self._ran(node)}{thrown}{fatal}"
        return f'{does}if (does === "hang") await new Promise(() => {{}});\n{thrown}{fatal}'

    def _ran(self, node: Node) -> str:
        """A script keeps no record of its steps: its bodies tell."""
        return f"console.log('ran', {self._tag(node)}, ctx.attempt, JSON.stringify(r));\n"

    def _tag(self, node: Node) -> str:
        if node.inline or self.case.script:
            return " + ".join([f'"{node.id}"', *(f'"[" + {index} + "]"' for index in self.indices(node.id))])
        return f'"{node.id}" + ctx.step.name.replace(/^[^[]*/, "")'

    def _output(self, node: Node) -> str:
        if node.writes == "append":
            return "_output = [...(_output ?? []), tag];\n"
        return "_output = tag;\n" if node.writes else ""

    def _list(self, node: Node) -> str:
        wanted = any(other.source == node.id for other in self.case.nodes)
        return f", list: event.payload.items.{node.id}" if wanted else ""

    def _spoil(self, target: str) -> str:
        if target == "event":
            return "event.payload.list.sort();\nevent.payload.list.push(9);\n"
        if target == "item":
            return 'item.x = "spoiled";\n'
        return f'if ({{{{{target}}}}}) {{ {{{{{target}}}}}.tag = "spoiled"; delete {{{{{target}}}}}.r; }}\n'

    # -- reading

    def read(self, read: Read) -> str:
        """The expression by which code reads it."""
        if not read.node:
            return {"err": "who(err)", "list": "event.payload.list.join()"}.get(read.part, read.part)
        if read.part == "error":
            return f"who({{{{{read.node}.error}}}})"
        if read.by_name:
            return f"show({self._identifier(read.node)})"
        braces = self.braces(read)
        return f"show({braces})" if self._needs_show(read) else braces

    def braces(self, read: Read) -> str:
        path = f".{read.part}" if read.part else ""
        default = ' ?? "none"' if read.default else ""
        return f"{{{{{read.node}{path}{default}}}}}"

    def _needs_show(self, read: Read) -> bool:
        kind = self.shape.nodes[read.node].type if read.node else ""
        return read.by_name or kind in ("loop", "parallel", "race")

    def _identifier(self, node: str) -> str:
        return self.shape.nodes[node].name.removeprefix("EXPORT_")

    def _fields(self, node: Node) -> list[str]:
        return [self.braces(read) for read in node.reads]

    # -- the scenario's words

    def indices(self, vertex: str) -> list[str]:
        """The index variables of the loops around a node, outermost first."""
        return [self.index_variable(loop) for loop in reversed(self.shape.loops(vertex))]

    def index_variable(self, loop: Node) -> str:
        alone = not self.shape.loops(loop.id) and not any(
            other.type == "loop" and loop in self.shape.loops(other.id) for other in self.case.nodes
        )
        return "i" if alone else f"i_{loop.id}"

    def word(self, question: str, node: Node, part: str = "") -> str:
        turn = f"_loop_i % {STATES}" if self.shape.loops(node.id) else "0"
        return f"event.payload.{question}.{node.id}{part}[{turn}]"

    def _impure(self, node: Node, code: str, wrap: str) -> str:
        return wrap.format(code) if node.impure else code

    # -- other nodes

    def _http_request(self, node: Node) -> Json:
        return {
            "method": node.method,
            "url": self._url("https://api.test/", node),
            "throwOnError": node.throws,
            **({"queryParams": self._query(node)} if node.method == "GET" else {"body": {"r": self._fields(node)}}),
        }

    def _url(self, base: str, node: Node) -> str:
        return base + "/".join([node.id, *(f"${{{index}}}" for index in self.indices(node.id))])

    def _query(self, node: Node) -> Json:
        return {f"r{number}": field for number, field in enumerate(self._fields(node))}

    def _sub_script(self, node: Node) -> Json:
        return {
            "workerName": "callee",
            "url": self._url("https://invoke/", node),
            "throwOnError": node.throws,
            "body": {"r": self._fields(node)},
        }

    def _sub_workflow(self, node: Node) -> Json:
        at = [f"{{{{{index}}}}}" for index in self.indices(node.id)]
        return {
            "workflowId": "child",
            "workflowName": "Child",
            "input": {"from": node.id, "at": at, "r": self._fields(node)},
            "waitForCompletion": node.waits,
            "timeout": f"{CHILD_SECONDS} seconds",
        }

    def _sleep(self, node: Node) -> Json:
        time = f"event.payload.ms.{node.id}"
        return {
            "duration": f"{{{{{time}}}}}" if not node.impure else f"${{Math.min(Date.now(), {time}) / 1000}} seconds"
        }

    def _sleep_until(self, node: Node) -> Json:
        return {"timestamp": f"{{{{event.payload.until.{node.id}}}}}"}

    def _wait_for_event(self, node: Node) -> Json:
        return {"eventType": f"ev-{node.id}", "timeout": timeout_of(node)}

    def _branch(self, node: Node) -> Json:
        arms = [{"label": label, "condition": self._condition(node, label)} for label in node.arms]
        return {"branches": [*arms, *([{"label": "else", "condition": ""}] if node.has_else else [])]}

    def _condition(self, node: Node, label: str) -> str:
        if node.asks and label == node.arms[0]:
            return f'{{{{{node.asks}.tag ?? "none"}}}} !== "none"'
        return self._impure(node, self.word("flags", node, f".{label}"), "Date.now() > 0 && {}")

    def _parallel(self, node: Node) -> Json:
        return {"mode": "settled" if node.settled else "all"}

    def _race(self, node: Node) -> Json:
        return {}

    def _try_catch(self, node: Node) -> Json:
        return {}

    def _loop(self, node: Node) -> Json:
        turns = f"event.payload.turns.{node.id}"
        data: Json = {"loopType": node.kind, "indexVar": self.index_variable(node)}
        if node.kind == "forEach":
            items = f"{{{{{node.source}.list ?? []}}}}" if node.source else f"event.payload.items.{node.id}"
            data["collection"] = self._impure(node, items, "[...{}].slice(0, Date.now())")
        elif node.kind == "times":
            data["count"] = self._impure(node, turns, "Math.min(Date.now(), {})")
        else:
            asked = f' && {{{{{node.asks}.tag ?? "none"}}}} === "none"' if node.asks else ""
            data["condition"] = self._impure(node, f"_loop_i < {turns}{asked}", "Date.now() > 0 && {}")
        return {**data, **({"concurrency": node.concurrency} if node.concurrency > 1 else {})}

    def _break(self, node: Node) -> Json:
        return (
            {}
            if node.bare
            else {"condition": self._impure(node, self.word("flags", node, ".exit"), "Date.now() > 0 && {}")}
        )
