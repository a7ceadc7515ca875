"""The builder: what a flow's file calls when it is run, and what the static reader calls in its place.

It imports the standard library alone, so that a flow's file can be imported anywhere.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, Unpack, cast

from stepwell.flow.forms import DELAY, FORMS, HEAD, edge_id, id_from
from stepwell.flow.nodes import (
    After,
    Arm,
    Block,
    Branch,
    End,
    Loop,
    Node,
    Other,
    Parallel,
    Race,
    Try,
    ends_of,
    id_of,
    text_of,
)
from stepwell.flow.values import Expr, FlowError, Js, Json, Truth, Value, condition, plain

Duration: TypeAlias = "str | int | float | Expr"
Method: TypeAlias = "Literal['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] | str"
Place: TypeAlias = "tuple[float, float] | Mapping[str, float]"
_Key: TypeAlias = "tuple[str, str | None, str]"
_N = TypeVar("_N", bound=Node)


class Retry(dict[str, Any]):
    """How a node is tried again."""


def retry(limit: int, delay: str | int | float = DELAY, backoff: str | None = None) -> Retry:
    """Tried again up to `limit` times, after `delay`; `backoff` is constant, linear or exponential."""
    return Retry({"limit": limit, "delay": delay} | ({} if backoff is None else {"backoff": backoff}))


class Common(TypedDict, total=False):
    """What every node takes."""

    id: str
    retries: int | Retry
    timeout: str | int | float
    config: Mapping[str, Json]
    data: Mapping[str, Value] | None
    after: After
    at: Place
    version: str | None
    provider: str | None


class CommonButTimeout(TypedDict, total=False):
    """What every node takes whose own `timeout` means something else."""

    id: str
    retries: int | Retry
    config: Mapping[str, Json]
    data: Mapping[str, Value] | None
    after: After
    at: Place
    version: str | None
    provider: str | None


class Trigger(dict[str, Any]):
    """What starts a workflow."""


def http(method: Method | None = None, path: str | None = None) -> Trigger:
    """Started by a request of this method (POST) on this path (any)."""
    return Trigger({"type": "http"} | _given(method=method, path=path))


def cron(expression: str) -> Trigger:
    """Started by the clock, in UTC: minute hour day month weekday."""
    return Trigger({"type": "cron", "expression": plain(expression)})


def on_event(event_type: str) -> Trigger:
    """Started by an event of this type."""
    return Trigger({"type": "event", "eventType": plain(event_type)})


def manual() -> Trigger:
    """Started through the API only."""
    return Trigger({"type": "manual"})


class EnvVar(dict[str, Any]):
    """A variable or a secret of the Worker."""


def env_var(name: str, value: str, *, secret: bool | None = None) -> EnvVar:
    """A variable of the Worker, or with `secret` a secret."""
    return EnvVar({"name": plain(name), "value": plain(value)} | _given(isSecret=secret))


def ref(node: Node | str) -> Expr:
    """The value of a node, named by itself or by its id."""
    return Expr(id_of(node))


class Flow:
    """A workflow or a script while it is built. Nodes are added where the innermost `with` stands."""

    def __init__(self, head: dict[str, Any], around: dict[str, Any], entry: str | None, defaults: dict[str, str]):
        self._head = head
        self._around = around
        self._entry = entry
        self._defaults = defaults
        self._nodes: list[dict[str, Any]] = []
        self._edges: list[tuple[_Key, str | None]] = []
        self._blocks: list[Block] = []
        self._positions: Mapping[str, dict[str, Any]] = {}
        self._order: Sequence[str] = ()
        self._listed: Sequence[tuple[str, _Key]] = ()

    def __enter__(self) -> Flow:
        self._blocks.append(Block())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks.pop()

    # -- nodes -----------------------------------------------------------------------------------

    def step(self, name: str, code: str | None = None, *, inline: bool | None = None, **common: Unpack[Common]) -> Node:
        """A body of code, run as a durable step."""
        return self._add(Node, "step", name, common, code=code, inline=inline)

    def http(
        self,
        name: str,
        url: str | Expr | None = None,
        *,
        method: Method | None = None,
        headers: Value = None,
        query: Value = None,
        body: Value = None,
        throw_on_error: bool | None = None,
        idempotency_key: bool | None = None,
        **common: Unpack[Common],
    ) -> Node:
        """An HTTP request."""
        return self._add(
            Node,
            "http",
            name,
            common,
            url=url,
            method=method,
            headers=headers,
            query=query,
            body=body,
            throw_on_error=throw_on_error,
            idempotency_key=idempotency_key,
        )

    def sleep(self, name: str, duration: Duration | None = None, **common: Unpack[Common]) -> Node:
        """A pause: "3 days", milliseconds, or an expression."""
        return self._add(Node, "sleep", name, common, duration=duration)

    def sleep_until(self, name: str, timestamp: Duration | None = None, **common: Unpack[Common]) -> Node:
        """A pause up to a point in time: ISO 8601, milliseconds since 1970, or an expression."""
        return self._add(Node, "sleep_until", name, common, timestamp=timestamp)

    def wait_for_event(
        self,
        name: str,
        event_type: str | None = None,
        *,
        timeout: Duration | None = None,
        **common: Unpack[CommonButTimeout],
    ) -> Node:
        """Waits for an event that is sent to the running instance; 24 hours without a timeout."""
        return self._add(Node, "wait_for_event", name, common, event_type=event_type, timeout=timeout)

    def exit(self, name: str, condition: Truth | None = None, **common: Unpack[Common]) -> Node:
        """Leaves the innermost loop; outside of loops it ends the run."""
        return self._add(Node, "exit", name, common, condition=condition)

    def sub_workflow(
        self,
        name: str,
        worker: str | None = None,
        workflow: str | None = None,
        *,
        input: Value = None,
        wait: bool | None = None,
        timeout: Duration | None = None,
        **common: Unpack[CommonButTimeout],
    ) -> Node:
        """Starts the workflow of this class in that Worker, and waits for it unless `wait` is False."""
        told = {"worker": worker, "workflow": workflow, "input": input, "wait": wait, "timeout": timeout}
        return self._add(Node, "sub_workflow", name, common, **told)

    def sub_script(
        self,
        name: str,
        worker: str | None = None,
        *,
        url: str | Expr | None = None,
        method: Method | None = None,
        headers: Value = None,
        query: Value = None,
        body: Value = None,
        throw_on_error: bool | None = None,
        idempotency_key: bool | None = None,
        **common: Unpack[Common],
    ) -> Node:
        """A request to another Worker through a service binding."""
        return self._add(
            Node,
            "sub_script",
            name,
            common,
            worker=worker,
            url=url,
            method=method,
            headers=headers,
            query=query,
            body=body,
            throw_on_error=throw_on_error,
            idempotency_key=idempotency_key,
        )

    def branch(
        self, name: str, *, branches: Sequence[Mapping[str, Json]] | None = None, **common: Unpack[Common]
    ) -> Branch:
        """Takes the first arm whose condition is true: `with` it, add arms by `when` and `otherwise`."""
        return self._add(Branch, "branch", name, common, branches=cast("Value", branches))

    def parallel(
        self, name: str, *, mode: Literal["all", "settled"] | str | None = None, **common: Unpack[Common]
    ) -> Parallel:
        """Runs its arms at once and waits for all: `with` it, add arms by `arm`."""
        return self._add(Parallel, "parallel", name, common, mode=mode)

    def race(self, name: str, **common: Unpack[Common]) -> Race:
        """Runs its arms at once and takes the first that is done: `with` it, add arms by `arm`."""
        return self._add(Race, "race", name, common)

    def for_each(
        self,
        name: str,
        items: Value = None,
        *,
        item: str | None = None,
        index: str | None = None,
        concurrency: int | None = None,
        **common: Unpack[Common],
    ) -> Loop:
        """Repeats its body for each item of a collection: `with` it, add the body's nodes."""
        return self._add(Loop, "for_each", name, common, items=items, item=item, index=index, concurrency=concurrency)

    def times(
        self,
        name: str,
        count: int | float | str | Expr | None = None,
        *,
        index: str | None = None,
        concurrency: int | None = None,
        **common: Unpack[Common],
    ) -> Loop:
        """Repeats its body a number of times."""
        return self._add(Loop, "times", name, common, count=count, index=index, concurrency=concurrency)

    def while_(
        self,
        name: str,
        condition: Truth | None = None,
        *,
        index: str | None = None,
        concurrency: int | None = None,
        **common: Unpack[Common],
    ) -> Loop:
        """Repeats its body while a condition holds."""
        return self._add(Loop, "while_", name, common, condition=condition, index=index, concurrency=concurrency)

    def try_(self, name: str, **common: Unpack[Common]) -> Try:
        """An arm that may fail: `with` it, add arms by `try_`, `catch` and `finally_`."""
        return self._add(Try, "try_", name, common)

    def node(self, name: str, *, type: str, **common: Unpack[Common]) -> Other:
        """A node of any type, also of a custom one; what it needs to know stands in `data`."""
        return self._add(Other, "node", name, common, type=type)

    # -- edges and what editors keep -------------------------------------------------------------

    def edge(
        self, source: Node | End | Arm | str, target: Node | str, label: str | None = None, *, id: str | None = None
    ) -> None:
        """An edge that does not follow from the order of the statements."""
        self._block()
        [end] = ends_of(source) if not isinstance(source, list | tuple) else [None]
        if end is None:
            raise FlowError("an edge leaves one node")
        chosen = text_of(label, "a label") if label is not None else end.label
        named = text_of(id, "an id") if id is not None else None
        self._edges.append(((end.source, chosen, id_of(target)), named))

    def end(self) -> None:
        """Nothing follows here: the next statement behind the container does not take this way up."""
        self._block().ends = []

    def layout(
        self,
        *,
        positions: Mapping[str, Place] | None = None,
        order: Sequence[str] | None = None,
        edges: Sequence[Sequence[str | None]] | None = None,
    ) -> None:
        """What an editor keeps, and a reader needs not: where nodes stand, the order of nodes and of edges, edges' ids.

        `order` lists nodes' ids, `edges` lists (id, source, target) or (id, source, target, label). What is not
        listed follows behind; what is listed and not there has no effect.
        """
        self._block()
        self._positions = {text_of(id, "an id"): _position(place) for id, place in dict(positions or {}).items()}
        self._order = [text_of(id, "an id") for id in order or ()]
        self._listed = [_row(edge) for edge in edges or ()]

    # -- the document ----------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """The artifact, or the source file around it where something is said around it."""
        artifact = {
            **self._head,
            "nodes": [self._placed(self._nodes[number]) for number in self._node_order()],
            "edges": [_edge(self._edges[number][0], id) for number, id in self._edge_order()],
            "entryNodeId": self._entry if self._entry is not None else self._nodes[0]["id"] if self._nodes else "",
        }
        return {"ir": artifact, **self._around} if self._around else artifact

    def _node_order(self) -> list[int]:
        """The numbers of the nodes, counted as they were added, in the order of the document."""
        waiting: defaultdict[str, deque[int]] = defaultdict(deque)
        for number, node in enumerate(self._nodes):
            waiting[node["id"]].append(number)
        listed = [waiting[id].popleft() for id in self._order if waiting.get(id)]
        chosen = set(listed)
        return [*listed, *(number for number in range(len(self._nodes)) if number not in chosen)]

    def _placed(self, node: dict[str, Any]) -> dict[str, Any]:
        place = self._positions.get(node["id"])
        return {**node, "position": place} if place is not None and "position" not in node else node

    def _edge_order(self) -> list[tuple[int, str]]:
        """The numbers of the edges, counted as they were added, and their ids, in the order of the document."""
        waiting: defaultdict[_Key, deque[int]] = defaultdict(deque)
        for number, (key, _) in enumerate(self._edges):
            waiting[key].append(number)
        listed: list[tuple[int, str]] = []
        for told, key in self._listed:
            if waiting.get(key):
                listed.append((waiting[key].popleft(), told))
        chosen = {number for number, _ in listed}
        rest = [number for number in range(len(self._edges)) if number not in chosen]
        taken = {id for _, id in listed} | {id for number in rest if (id := self._edges[number][1]) is not None}
        return [*listed, *((number, self._edge_id(number, taken)) for number in rest)]

    def _edge_id(self, number: int, taken: set[str]) -> str:
        (source, label, target), id = self._edges[number]
        return edge_id(source, target, label, taken) if id is None else id

    # -- how statements become edges -------------------------------------------------------------

    def _block(self) -> Block:
        if not self._blocks:
            raise FlowError("write it inside `with workflow(…) as flow:`")
        return self._blocks[-1]

    def _enter(self, block: Block, of: str | None = None) -> None:
        here = self._block()
        if of is not None and here.between != of:
            raise FlowError("an arm stands directly inside the `with` of its container")
        if of is None and here.between is not None:
            raise FlowError("a container stands in an arm, not between the arms of another one")
        self._blocks.append(block)

    def _leave(self, block: Block) -> None:
        if self._blocks and self._blocks[-1] is block:
            self._blocks.pop()

    def _go_on(self, ends: list[End]) -> None:
        if self._blocks:
            self._blocks[-1].ends = ends

    def _add(self, made: type[_N], method: str, name: str, common: Mapping[str, Any], /, **fields: Any) -> _N:
        block = self._block()
        if block.between is not None:
            raise FlowError(f"a node cannot stand between the arms of `{block.between}`: put it into an arm")
        json = self._json(method, name, common, fields)
        ends = ends_of(common["after"]) if "after" in common else block.ends
        self._nodes.append(json)
        self._edges += [((end.source, end.label, json["id"]), None) for end in ends]
        node = made(self, json)
        block.ends = node._ends()
        return node

    def _json(self, method: str, name: str, common: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
        form = FORMS[method]
        type_ = form.type or text_of(fields["type"], "a node's type")
        data = dict(form.implied) | {
            param.key: condition(value) if param.style == "condition" else plain(value)
            for param in form.params
            if (value := fields[param.name]) is not None
        }
        for key, value in (common.get("data") or {}).items():
            data[key] = plain(value)
        id = text_of(common["id"], "an id") if common.get("id") is not None else id_from(str(plain(name)), type_)
        return (
            {"id": id, "type": type_, "name": plain(name)}
            | ({"position": _position(common["at"])} if common.get("at") is not None else {})
            | self._said("version", common)
            | self._said("provider", common)
            | ({} if "data" in common and common["data"] is None and not data else {"data": data})
            | _config(common)
        )

    def _said(self, key: str, common: Mapping[str, Any]) -> dict[str, str]:
        said = common[key] if key in common else self._defaults.get(key)
        return {} if said is None else {key: plain(said)}


def workflow(
    name: str,
    *,
    trigger: Trigger | None = None,
    description: str | None = None,
    version: int | None = None,
    created_at: str | None = None,
    updated_at: str | None = None,
    entry: str | None = None,
    kind: Literal["workflow"] | None = None,
    node_version: str | None = None,
    node_provider: str | None = None,
    trigger_code: Js | str | None = None,
    dependencies: Mapping[str, str] | None = None,
    env_vars: Sequence[EnvVar] | None = None,
    deploy_config: Mapping[str, Json] | None = None,
) -> Flow:
    """A workflow: `with` it, add its nodes.

    `entry` is the node that it starts with, the first one when absent. `node_version` and `node_provider` are those of
    all nodes that say none. `trigger_code`, `dependencies`, `env_vars` and `deploy_config` stand around the artifact.
    """
    told = _given(
        description=description, version=version, created_at=created_at, updated_at=updated_at, trigger=trigger
    )
    around = _given(triggerCode=trigger_code, dependencies=dependencies, envVars=env_vars, deployConfig=deploy_config)
    return _flow(name, kind, told, around, entry, _given(version=node_version, provider=node_provider))


def script(
    name: str,
    *,
    trigger: Trigger | None = None,
    description: str | None = None,
    version: int | None = None,
    created_at: str | None = None,
    updated_at: str | None = None,
    entry: str | None = None,
    node_version: str | None = None,
    node_provider: str | None = None,
    trigger_code: Js | str | None = None,
    dependencies: Mapping[str, str] | None = None,
    env_vars: Sequence[EnvVar] | None = None,
    deploy_config: Mapping[str, Json] | None = None,
) -> Flow:
    """A script: a graph that runs once for each request. `with` it, add its nodes; see `workflow`.

    Its trigger is `http()` when none is given.
    """
    told = _given(
        description=description,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
        trigger=trigger if trigger is not None else http(),
    )
    around = _given(triggerCode=trigger_code, dependencies=dependencies, envVars=env_vars, deployConfig=deploy_config)
    return _flow(name, "script", told, around, entry, _given(version=node_version, provider=node_provider))


def _flow(
    name: str,
    kind: str | None,
    told: dict[str, Any],
    around: dict[str, Any],
    entry: str | None,
    defaults: dict[str, str],
) -> Flow:
    metadata = {"name": plain(name)} | {key: told[param] for param, key in HEAD if param in told}
    head = _given(kind=kind) | {"metadata": metadata} | _given(trigger=told.get("trigger"))
    return Flow(head, around, entry, defaults)


def _given(**fields: Any) -> dict[str, Any]:
    """What is not None, as JSON values."""
    return {key: plain(value) for key, value in fields.items() if value is not None}


def _config(common: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(plain(common["config"])) if common.get("config") is not None else None
    retries, timeout = common.get("retries"), common.get("timeout")
    if retries is not None:
        told = {**(told or {}), "retries": plain(retries if isinstance(retries, Mapping) else retry(retries))}
    if timeout is not None:
        told = {**(told or {}), "timeout": plain(timeout)}
    return {} if told is None else {"config": told}


def _position(place: object) -> dict[str, Any]:
    if isinstance(place, Mapping):
        return dict(plain(place))
    if isinstance(place, Sequence) and len(place) == 2 and not isinstance(place, str):
        return {"x": plain(place[0]), "y": plain(place[1])}
    raise FlowError("a position is (x, y)")


def _row(edge: object) -> tuple[str, _Key]:
    """An edge that `layout` lists: its id, and what it is."""
    if not isinstance(edge, Sequence) or isinstance(edge, str) or len(edge) not in (3, 4):
        raise FlowError("an edge in `edges` is (id, source, target) or (id, source, target, label)")
    parts = [text_of(part, "a part of an edge") for part in edge]
    return parts[0], (parts[1], parts[3] if len(parts) == 4 else None, parts[2])


def _edge(key: _Key, id: str) -> dict[str, Any]:
    source, label, target = key
    return {"id": id, "source": source, "target": target} | ({} if label is None else {"label": label})
