"""Writes a flow's file for a graph: one and the same text for equal graphs.

`read(write(document))` gives the artifact again, with all that it says.
"""

from __future__ import annotations

import builtins
import json
import keyword
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import stepwell.flow as door
from stepwell.diagnostics import Diagnostic, has_errors
from stepwell.diagnostics import codes as c
from stepwell.flow.forms import DELAY, FORMS, HEAD, Form, Param, edge_id, id_from
from stepwell.flow.phrases import DEPTH, Phrases, code_literal, depth_of, literal
from stepwell.flow.structure import Arm, Block, Item, Key, Shape, shape_of
from stepwell.graph import model

WIDTH: Final = 100
STEP: Final = "    "

Text = Callable[[str], str]
"""A piece of Python by the indentation of the line that it begins on."""
Given = tuple[str | None, Text]
"""An argument, with the name of its parameter where it is written."""
_METHODS: Final = {form.type: form for form in FORMS.values() if form.type and form.type != "loop"}
_LOOPS: Final = {"forEach": FORMS["for_each"], "times": FORMS["times"], "while": FORMS["while_"]}
_MEANING: Final = frozenset(
    {
        c.UNKNOWN_TYPE,
        c.WRONG_PROVIDER,
        c.NAME_TOO_LONG,
        c.BAD_CRON,
        c.NODE_DEFINITION,
        c.NODE_UNPINNED,
        c.NODE_VERSION,
    }
)
"""Findings about what a document means, not about its form: a graph with them can be written down."""
_TRIGGERS: Final[dict[str, type[model.Model]]] = {
    "http": model.HttpTrigger,
    "cron": model.CronTrigger,
    "event": model.EventTrigger,
    "manual": model.ManualTrigger,
}
_TAKEN: Final = frozenset(door.__all__) | frozenset(dir(builtins)) | {"flow"}


@dataclass(frozen=True)
class Written:
    """A flow's file, or None and why there is none; and what was found on the way."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...]


def write(document: object) -> Written:
    """The flow's file of a document: JSON text, or a JSON value.

    A document that cannot be read gives its findings. Keys that nobody knows are left out, with the warning that
    every command gives of them. Nothing else is lost. Whether the types of its nodes are known is not asked.
    """
    value, found = readable(document)
    return Written(None if value is None else print_flow(value), tuple(found))


def readable(document: object) -> tuple[dict[str, Any] | None, list[Diagnostic]]:
    """A document without what says nothing, if it has the form of one; and what is to be said of that form."""
    from stepwell.graph import jsontext
    from stepwell.graph.locate import with_places
    from stepwell.graph.read import read_text, read_value

    _, found = read_text(document) if isinstance(document, str) else read_value(document)
    found = [one for one in found if one.code not in _MEANING]
    if isinstance(document, str):
        found = with_places(document, found)
    if has_errors(found):
        return None, found
    return cleaned(jsontext.parse(document)[0] if isinstance(document, str) else document), found


def cleaned(value: Any) -> dict[str, Any]:
    """A document that can be read, without what says nothing: unknown keys, and null where a key may be absent."""
    if "ir" in value and "nodes" not in value:
        around = {key: item for key, item in value.items() if key in model.Source.model_fields and item is not None}
        around["ir"] = _artifact(value["ir"])
        if "envVars" in around:
            around["envVars"] = [_only(model.EnvVar, one) for one in around["envVars"]]
        return around if len(around) > 1 else dict(around["ir"])
    return _artifact(value)


def _artifact(value: dict[str, Any]) -> dict[str, Any]:
    made = _only(model.Artifact, value)
    made["metadata"] = _only(model.Metadata, made["metadata"])
    made["nodes"] = [_node(one) for one in made["nodes"]]
    made["edges"] = [_only(model.Edge, one) for one in made["edges"]]
    if "trigger" in made:
        made["trigger"] = _only(_TRIGGERS[made["trigger"]["type"]], made["trigger"])
    return made


def _node(value: dict[str, Any]) -> dict[str, Any]:
    made = _only(model.Node, value)
    if "config" in made:
        made["config"] = _only(model.StepConfig, made["config"])
        if "retries" in made["config"]:
            made["config"]["retries"] = _only(model.Retries, made["config"]["retries"])
    if "position" in made:
        made["position"] = {key: made["position"][key] for key in ("x", "y") if key in made["position"]}
    return made


def _only(owner: type[model.Model], value: dict[str, Any]) -> dict[str, Any]:
    return {key: value[key] for key in owner.model_fields if value.get(key) is not None}


# -- the file ----------------------------------------------------------------------------------------


def print_flow(document: dict[str, Any]) -> str:
    """The flow's file of a cleaned document."""
    return _Printer(document).text()


@dataclass(eq=False)
class _Call:
    """A call that is printed once all names are settled."""

    callee: Text
    arguments: list[Given]
    indent: str
    node: int | None = None
    bound: bool = False
    """Whether it stands in a `with`."""


class _Printer:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.artifact = document.get("ir", document)
        self.nodes: list[dict[str, Any]] = self.artifact["nodes"]
        self.ids = Counter(node["id"] for node in self.nodes)
        self.phrases = Phrases(frozenset(self.ids), words_of(self.nodes))
        self.shape: Shape = shape_of(self.artifact)
        self.defaults = {key: _usual(self.nodes, key) for key in ("version", "provider")}
        self.printer = NodePrinter(self.phrases, self._refer, self.defaults)
        self.values = self.printer.values
        self.written: dict[str, int] = {}
        self.order: list[int] = []
        self.derived: list[tuple[Key, str]] = []
        self.names: dict[int, str] = {}
        self.lines: list[_Call | str] = []

    def text(self) -> str:
        self._block(self.shape.root, STEP)
        for key, target in self.shape.edges:
            self._edge(key, target)
        self._layout()
        head = self._head()
        body = [self._printed(one) if isinstance(one, _Call) else one for one in self.lines]
        return "\n".join([self._imports(), "", head, *body]) + "\n"

    def _imports(self) -> str:
        maker = "script" if self.artifact.get("kind") == "script" else "workflow"
        names = sorted({maker, *self.phrases.used})
        line = f"from stepwell.flow import {', '.join(names)}"
        if len(line) <= WIDTH:
            return line
        return "from stepwell.flow import (\n" + "".join(f"{STEP}{name},\n" for name in names) + ")"

    def _head(self) -> str:
        artifact, metadata = self.artifact, self.artifact["metadata"]
        is_script = artifact.get("kind") == "script"
        given: list[Given] = [(None, self._plain(metadata["name"]))]
        trigger = artifact.get("trigger")
        if trigger is not None and not (is_script and trigger == {"type": "http"}):
            given.append(("trigger", self.values.trigger(trigger)))
        given += [(param, self._plain(metadata[key])) for param, key in HEAD if key in metadata]
        first = self.nodes[self.order[0]]["id"] if self.order else None
        if artifact["entryNodeId"] != first:
            given.append(("entry", self._plain(artifact["entryNodeId"])))
        if artifact.get("kind") == "workflow":
            given.append(("kind", self._plain("workflow")))
        given += [(f"node_{key}", self._plain(usual)) for key, usual in self.defaults.items() if usual is not None]
        given += self.values.around(self.document)
        maker = "script" if is_script else "workflow"
        return call_text("with ", maker, given, "", " as flow:")

    # -- blocks --------------------------------------------------------------------------------------

    def _block(self, block: Block, indent: str) -> None:
        for item in block.items:
            self._item(item, indent)
        if block.closed:
            self.lines.append(f"{indent}flow.end()")
        elif not block.items:
            self.lines.append(f"{indent}pass")

    def _item(self, item: Item, indent: str) -> None:
        node = self.nodes[item.node]
        form, arguments, arms = self._node(item)
        call = _Call(lambda _: f"flow.{form.method}", arguments, indent, item.node)
        self.lines.append(call)
        self.order.append(item.node)
        self._derive(item)
        self.written.setdefault(node["id"], item.node)
        if not item.nested:
            return
        call.bound = True
        if form.method in ("for_each", "times", "while_"):
            self._block(item.arms[0].block, indent + STEP)
            return
        for arm in arms:
            self.lines.append(_Call(self._arm_callee(item.node, arm[1]), arm[2], indent + STEP, None, True))
            self._block(arm[0].block, indent + 2 * STEP)
        if not arms:
            self.lines.append(f"{indent}{STEP}pass")

    def _arm_callee(self, node: int, method: str) -> Text:
        self._name(node)
        return lambda _: f"{self.names[node]}.{method}"

    def _derive(self, item: Item) -> None:
        """Notes the edges that the statement makes, in the builder's order."""
        target = self.nodes[item.node]["id"]
        self.derived += [(key, target) for key in item.keys]

    # -- a node --------------------------------------------------------------------------------------

    def _node(self, item: Item) -> tuple[Form, list[Given], list[tuple[Arm, str, list[Given]]]]:
        node = self.nodes[item.node]
        listed = (node.get("data") or {}).get("branches")
        spoken = node["type"] == "branch" and item.nested and says_branches(listed, [a.label for a in item.arms])
        form, given = self.printer.arguments(node, spoken)
        if item.after is not None:
            given.append(("after", self._after(item.after)))
        if "position" in node and self.ids[node["id"]] > 1:
            given.append(("at", self.values.position(node["position"])))
        return form, given, self._arms(item, listed if spoken else None)

    def _arms(self, item: Item, listed: list[dict[str, str]] | None) -> list[tuple[Arm, str, list[Given]]]:
        """The arms of a container, each with its method and arguments."""
        if listed is not None:
            return [(arm, *self.printer.branch_arm(listed, number)) for number, arm in enumerate(item.arms)]
        return [(arm, *self.printer.arm(self.nodes[item.node], arm.label)) for arm in item.arms]

    # -- names ---------------------------------------------------------------------------------------

    def _name(self, number: int) -> str:
        """The variable of a node; from now on it has one."""
        if number not in self.names:
            self.names[number] = self._free(self.nodes[number])
        return self.names[number]

    def _free(self, node: dict[str, Any]) -> str:
        for text in (node["id"], node["name"]):
            word = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
            if word and not word[0].isdigit():
                break
        else:
            word = node["type"] if re.fullmatch(r"[A-Za-z_]\w*", node["type"], re.ASCII) else "node"
        taken = _TAKEN | set(self.names.values())
        made, number = word, 1
        while made in taken or keyword.iskeyword(made) or made.startswith("__"):
            number += 1
            made = f"{word.lstrip('_') or 'node'}_{number}"
        return made

    def _refer(self, id: str) -> str:
        return self._name(self.written[id]) if id in self.written else literal(id)

    def _end(self, key: Key) -> str:
        source, label = key
        name = self._name(self.written[source])
        if label is None:
            return name
        return f"{name}.then" if label == "then" else f"{name}.via({literal(label)})"

    def _after(self, keys: Sequence[Key]) -> Text:
        ends = [self._end(key) for key in keys]
        return (lambda _: ends[0]) if len(ends) == 1 else (lambda indent: sequence("[", "]", said(ends), indent))

    # -- behind the nodes ----------------------------------------------------------------------------

    def _edge(self, key: Key, target: str) -> None:
        self.derived.append((key, target))
        given: list[Given] = [(None, self._node_text(key[0])), (None, self._node_text(target))]
        if key[1] is not None:
            given.append((None, self._plain(key[1])))
        self.lines.append(_Call(lambda _: "flow.edge", given, STEP))

    def _node_text(self, id: str) -> Text:
        text = self._name(self.written[id]) if id in self.written and self.ids[id] == 1 else literal(id)
        return lambda _: text

    def _layout(self) -> None:
        given: list[Given] = []
        placed = [(n["id"], n["position"]) for n in self.nodes if "position" in n and self.ids[n["id"]] == 1]
        if placed:
            pairs = [(literal(id), self.values.position(place)) for id, place in placed]
            given.append(("positions", lambda indent: members(pairs, indent)))
        ids = [node["id"] for node in self.nodes]
        if [ids[number] for number in self.order] != ids:
            given.append(("order", self._plain(ids)))
        if self._default_edges() != self.artifact["edges"]:
            given.append(("edges", self.values.edges(self.artifact["edges"])))
        if given:
            self.lines.append(_Call(lambda _: "flow.layout", given, STEP))

    def _default_edges(self) -> list[dict[str, Any]]:
        taken: set[str] = set()
        return [
            {"id": edge_id(source, target, label, taken), "source": source, "target": target}
            | ({} if label is None else {"label": label})
            for (source, label), target in self.derived
        ]

    # -- texts ---------------------------------------------------------------------------------------

    def _plain(self, value: Any) -> Text:
        return self.values.plain(value)

    def _printed(self, call: _Call) -> str:
        name = self.names.get(call.node) if call.node is not None else None
        callee = call.callee(call.indent)
        if call.bound:
            behind = f" as {name}:" if name else ":"
            return call_text(f"{call.indent}with ", callee, call.arguments, call.indent, behind)
        return call_text(f"{call.indent}{name} = " if name else call.indent, callee, call.arguments, call.indent, "")


class NodePrinter:
    """The calls of nodes and of arms; the writer and edits share it.

    `refer` names a node where it is referred to, `defaults` are the version and the provider of nodes that say none.
    """

    def __init__(self, phrases: Phrases, refer: Callable[[str], str], defaults: Mapping[str, str | None]) -> None:
        self.phrases = phrases
        self.refer = refer
        self.defaults = defaults
        self.values = Values(phrases)

    def value(self, value: Any) -> Text:
        """A value of a field."""
        return self.values.text(value, self.refer)

    def text(self, value: Any) -> Text:
        """A value that is never an expression: a name, an id, a label."""
        return self.values.plain(value)

    def condition(self, text: str) -> Text:
        """A condition, as a comparison or as code."""
        made = self.phrases.condition(text)
        if made is None:
            return self.values.js(text)
        spoken = self.phrases.python(made, self.refer)
        return lambda _: spoken

    def arguments(self, node: dict[str, Any], spoken: bool = False) -> tuple[Form, list[Given]]:
        """The method and the arguments of a node. `spoken`: its arms say its branches."""
        form = form_of(node)
        data = dict(node.get("data") or {})
        given: list[Given] = [(None, self.text(node["name"]))]
        if form.method == "node":
            given.append(("type", self.text(node["type"])))
        for key, _ in form.implied:
            del data[key]
        if spoken:
            del data["branches"]
        given += self._params(form, data)
        if node["id"] != id_from(node["name"], node["type"]):
            given.append(("id", self.text(node["id"])))
        given += self._config(node.get("config"), form)
        if data or "data" not in node:
            given.append(("data", self.value(data if "data" in node else None)))
        given += [(key, self.text(node.get(key))) for key, usual in self.defaults.items() if node.get(key) != usual]
        return form, given

    def _params(self, form: Form, data: dict[str, Any]) -> list[Given]:
        """The parameters that are said; they are taken out of `data`."""
        given: list[Given] = []
        in_place = True
        for param in form.params:
            text = self.param(form, param, data.get(param.key))
            if text is not None:
                del data[param.key]
                given.append((None if param.positional and in_place else param.name, text))
            elif param.positional:
                in_place = False
        return given

    def param(self, form: Form, param: Param, value: Any) -> Text | None:
        """The value of a parameter; None where the parameter cannot say it."""
        if value is None:
            return None
        if param.style == "value":
            return self.value(value)
        if not isinstance(value, str):
            return None if param.style == "condition" else self.value(value)
        if param.style == "condition":
            return self.condition(value)
        if form.method != "step" and self.phrases.reference(value) is not None:
            return self.value(value)
        return self.values.js(value)

    def arm(self, node: dict[str, Any], label: str | None) -> tuple[str, list[Given]]:
        """The method and the arguments of an arm."""
        methods = {"try": "try_", "catch": "catch", "finally": "finally_"} if node["type"] == "try_catch" else {}
        if label in methods and form_of(node).method == "try_":
            return methods[label], []
        return "arm", [] if label is None else [(None, self.text(label))]

    def branch_arm(self, listed: Sequence[dict[str, str]], number: int) -> tuple[str, list[Given]]:
        """The method and the arguments of an arm that says its condition."""
        condition, label = listed[number]["condition"], listed[number]["label"]
        same = 1 + sum(1 for one in listed[:number] if bool(one["condition"]) == bool(condition))
        word = "if" if condition else "else"
        given: list[Given] = [(None, self.condition(condition))] if condition else []
        if label != (word if same == 1 else f"{word} {same}"):
            given.append(("label", self.text(label)))
        return "when" if condition else "otherwise", given

    def _config(self, config: dict[str, Any] | None, form: Form) -> list[Given]:
        if config is None:
            return []
        if not config or ("timeout" in config and form.key_of("timeout") is not None):
            return [("config", self.value(config))]
        given: list[Given] = []
        if "retries" in config:
            given.append(("retries", self.retries(config["retries"])))
        if "timeout" in config:
            given.append(("timeout", self.value(config["timeout"])))
        return given

    def retries(self, retries: dict[str, Any]) -> Text:
        """How a node is tried again."""
        if retries.keys() == {"limit", "delay"} and retries["delay"] == DELAY and type(retries["limit"]) is int:
            return self.value(retries["limit"])
        given = [literal(retries["limit"])]
        if retries["delay"] != DELAY:
            given.append(literal(retries["delay"]))
        if "backoff" in retries:
            named = "" if retries["delay"] != DELAY else "backoff="
            given.append(named + literal(retries["backoff"]))
        function = self.phrases.spelt("retry")
        return lambda _: f"{function}({', '.join(given)})"


class Values:
    """Values as Python; the writer and edits share it."""

    def __init__(self, phrases: Phrases) -> None:
        self.phrases = phrases

    def text(self, value: Any, refer: Callable[[str], str]) -> Text:
        """Any JSON value."""
        if isinstance(value, dict | list):
            if depth_of(value) > DEPTH:
                function, dumped = self.phrases.spelt("from_json"), literal(json.dumps(value))
                return lambda _: f"{function}({dumped})"
            if isinstance(value, list):
                items = [self.text(item, refer) for item in value]
                return lambda indent: sequence("[", "]", items, indent)
            pairs = [(literal(key), self.text(item, refer)) for key, item in value.items()]
            return lambda indent: members(pairs, indent)
        if isinstance(value, str) and (made := self.phrases.reference(value)) is not None:
            spoken = self.phrases.python(made, refer)
            return lambda _: spoken
        written = literal(value)
        return lambda _: written

    def plain(self, value: Any) -> Text:
        """A scalar, or a list of them, as it is."""
        if isinstance(value, list):
            items = said([literal(item) for item in value])
            return lambda indent: sequence("[", "]", items, indent)
        written = literal(value)
        return lambda _: written

    def js(self, text: str) -> Text:
        """Code."""
        function = self.phrases.spelt("js")
        return lambda indent: f"{function}({code_literal(text, indent)})"

    def position(self, place: dict[str, Any]) -> Text:
        """Where a node stands."""
        if place.keys() == {"x", "y"}:
            return lambda _: f"({literal(place['x'])}, {literal(place['y'])})"
        pairs = [(literal(key), self.text(item, literal)) for key, item in place.items()]
        return lambda indent: members(pairs, indent)

    def trigger(self, trigger: dict[str, Any]) -> Text:
        """What starts it."""
        made = self.phrases.spelt(
            {"http": "http", "cron": "cron", "event": "on_event", "manual": "manual"}[trigger["type"]]
        )
        if trigger["type"] == "http":
            given = [literal(trigger["method"])] if "method" in trigger else []
            named = "" if given else "path="
            given += [named + literal(trigger["path"])] if "path" in trigger else []
        else:
            given = [literal(value) for key, value in trigger.items() if key != "type"]
        return lambda _: f"{made}({', '.join(given)})"

    def edges(self, edges: Sequence[dict[str, Any]]) -> Text:
        """Edges as `layout` lists them."""
        rows = [
            ", ".join(literal(edge[key]) for key in ("id", "source", "target", "label") if key in edge)
            for edge in edges
        ]
        return lambda indent: sequence("[", "]", said([f"({row})" for row in rows]), indent)

    def around(self, document: dict[str, Any]) -> list[Given]:
        """What stands around the artifact."""
        if "ir" not in document:
            return []
        given: list[Given] = []
        if "triggerCode" in document:
            given.append(("trigger_code", self.js(document["triggerCode"])))
        if "dependencies" in document:
            given.append(("dependencies", self.text(document["dependencies"], literal)))
        if "envVars" in document:
            given.append(("env_vars", self.variables(document["envVars"])))
        if "deployConfig" in document:
            given.append(("deploy_config", self.text(document["deployConfig"], literal)))
        return given

    def variables(self, listed: Sequence[dict[str, Any]]) -> Text:
        """Variables of the Worker."""
        function = self.phrases.spelt("env_var") if listed else ""
        rows = [
            f"{function}({literal(one['name'])}, {literal(one['value'])}"
            + (f", secret={literal(one['isSecret'])})" if "isSecret" in one else ")")
            for one in listed
        ]
        return lambda indent: sequence("[", "]", said(rows), indent)


# -- layout ------------------------------------------------------------------------------------------


def call_text(before: str, callee: str, given: Sequence[Given], indent: str, behind: str) -> str:
    flat = [_named(name, text(indent)) for name, text in given]
    line = f"{before}{callee}({', '.join(flat)}){behind}"
    if "\n" not in line and len(line) <= WIDTH:
        return line
    inner = indent + STEP
    rows = "".join(f"{inner}{_named(name, text(inner))},\n" for name, text in given)
    return f"{before}{callee}(\n{rows}{indent}){behind}"


def _named(name: str | None, text: str) -> str:
    return text if name is None else f"{name}={text}"


def sequence(opening: str, closing: str, items: Sequence[Text], indent: str) -> str:
    flat = f"{opening}{', '.join(item(indent) for item in items)}{closing}"
    if "\n" not in flat and len(indent) + len(flat) <= WIDTH - 20:
        return flat
    inner = indent + STEP
    return f"{opening}\n" + "".join(f"{inner}{item(inner)},\n" for item in items) + indent + closing


def members(pairs: Sequence[tuple[str, Text]], indent: str) -> str:
    """A dict on one line, or on several."""
    return sequence("{", "}", [_member(key, text) for key, text in pairs], indent)


def _member(key: str, text: Text) -> Text:
    return lambda indent: f"{key}: {text(indent)}"


def said(texts: Iterable[str]) -> list[Text]:
    """Pieces that are the same at every indentation."""
    return [_same(text) for text in texts]


def _same(text: str) -> Text:
    return lambda _: text


def form_of(node: dict[str, Any]) -> Form:
    data = node.get("data")
    if node["type"] == "loop":
        kind = data.get("loopType") if isinstance(data, dict) else None
        return _LOOPS.get(kind, FORMS["node"]) if isinstance(kind, str) else FORMS["node"]
    return _METHODS.get(node["type"], FORMS["node"]) if isinstance(data, dict) else FORMS["node"]


def says_branches(listed: Any, labels: Sequence[str | None]) -> bool:
    """Whether `when` and `otherwise` say all of a branch's data, in its order."""
    if not isinstance(listed, list) or len(listed) != len(labels):
        return False
    return all(
        isinstance(one, dict)
        and one.keys() == {"label", "condition"}
        and isinstance(one["condition"], str)
        and one["label"] == label
        for one, label in zip(listed, labels, strict=True)
    )


def words_of(nodes: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The names that loops and catch arms give to values."""
    words = {"item", "i", "err", "_loop_i"}
    for node in nodes:
        data = node.get("data") if node["type"] == "loop" else None
        for key in ("itemVar", "indexVar"):
            if isinstance(data, dict) and isinstance(data.get(key), str):
                words.add(data[key])
    return frozenset(word for word in words if re.fullmatch(r"[A-Za-z_$][\w$]*", word, re.ASCII))


def _usual(nodes: Sequence[dict[str, Any]], key: str) -> str | None:
    """What more than half of the nodes say of themselves."""
    counts = Counter(node.get(key) for node in nodes)
    value, count = counts.most_common(1)[0]
    return value if value is not None and count * 2 > len(nodes) and len(nodes) > 1 else None
