"""A reference interpreter of graphs, written from design.md section 3 and sharing nothing with `check` and `lower`.

Given a case and a scenario (what each step returns, throws or receives, and how long it takes) it tells which steps
run, when, behind which others, what each reads, and the result. It runs in virtual time, so that arms and turns
really run at once. Which arm wins a race where time is not to be trusted (after a kill, on a busy machine) it is
told: `winners`; it then says what follows from that.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.semantics.case import CHILD_SECONDS, EPOCH, STATES, Case, Json, Node, Read, timeout_of
from tests.semantics.clock import run_virtually
from tests.semantics.shape import ELSE, Arm, Shape
from tests.semantics.values import UNDEFINED, shown, through_json

_RETRIES: Final = 5
_DELAY_MS: Final = 10_000
_RETRIED_STATUS: Final = (408, 425, 429)


class Failure(Exception):
    """An error; `marks` are the nodes and the times that its message names, in order."""

    def __init__(self, *marks: str, fatal: bool = False) -> None:
        super().__init__(*marks)
        self.marks = tuple(dict.fromkeys(marks))
        self.fatal = fatal


class Left(Exception):
    """An Exit; `value` is what has been computed so far."""

    def __init__(self, value: Any, loop: bool) -> None:
        super().__init__()
        self.value, self.loop = value, loop


class Wrong(Exception):
    """What the interpreter was told cannot be so."""


@dataclass(eq=False)
class Record:
    """One step, sleep or wait that began."""

    name: str
    node: str
    kind: str
    began: float
    past: frozenset[str]
    strands: tuple[_Strand, ...]
    tag: str = ""
    """What the body of a step says of where it ran."""
    ended: float = math.inf
    attempts: int = 1
    value: Any = UNDEFINED
    failed: tuple[str, ...] | None = None

    @property
    def sure(self) -> bool:
        """Whether it must have begun; a race's losers may be cut off at any time by the end of the run."""
        return all(strand.sure for strand in self.strands)


@dataclass(eq=False)
class _Strand:
    sure: bool = True


@dataclass
class Turn:
    """One turn of a loop. `output` is shared by the turns, unless they run at once."""

    loop: Node
    index: int
    item: Any
    output: list[Any]


@dataclass
class Frame:
    """A block at work: what has run in it, and in the arms inside it that are done."""

    block: Arm | None
    parent: Frame | None = None
    turn: Turn | None = None
    error: Failure | None = None
    strands: tuple[_Strand, ...] = ()
    past: set[str] = field(default_factory=set)
    live: set[tuple[str, str]] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)
    worth: tuple[Any] | None = None

    def absorb(self, arm: Frame) -> None:
        """An arm is over: what it leaves is this block's."""
        self.past |= arm.past
        self.live |= arm.live
        self.values |= arm.values

    def as_it_stands(self) -> Frame:
        """A copy that does not see what comes later: a race's losers run on, but behind their race is not for them."""
        return replace(self, parent=self.parent and self.parent.as_it_stands(), values=dict(self.values))

    def chain(self) -> list[Frame]:
        """The frames from here outwards."""
        found, frame = [], self
        while frame is not None:
            found.append(frame)
            frame = frame.parent  # type: ignore[assignment]
        return found

    @property
    def turns(self) -> list[Turn]:
        """The turns around, innermost first."""
        return [frame.turn for frame in self.chain() if frame.turn is not None]

    @property
    def indices(self) -> tuple[int, ...]:
        return tuple(turn.index for turn in reversed(self.turns))


@dataclass
class Run:
    """What happens in a run."""

    status: str = "complete"
    output: Any = UNDEFINED
    failed: tuple[str, ...] = ()
    ended: float = 0.0
    records: list[Record] = field(default_factory=list)
    calls: list[tuple[float, Json]] = field(default_factory=list)
    """Requests and created children, with the time."""
    visible: dict[tuple[str, str], set[bool]] = field(default_factory=lambda: defaultdict(set))
    """Reader and node → whether the node had run where it was read; both, when it differed."""
    blind: list[tuple[str, str]] = field(default_factory=list)
    """Reads of nodes that had not run."""

    @property
    def by_name(self) -> dict[str, Record]:
        return {record.name: record for record in self.records}


def interpret(
    case: Case, shape: Shape, scenario: Json, *, winners: Mapping[str, int] | None = None, strict: bool = True
) -> Run:
    """Runs a case. `strict`: times mean something; else turns that may or may not begin do, and are not sure."""
    return run_virtually(_Interpreter(case, shape, scenario, winners or {}, strict).run())


def latency(name: str, attempt: int) -> float:
    """How many milliseconds an attempt of a step takes: another number for each."""
    code = 2166136261
    for byte in f"{name}#{attempt}".encode():
        code = ((code ^ byte) * 16777619) & 0xFFFFFFFF
    return code % 4_000_000 / 1000 + 1


class _Mail:
    """Events: buffered by type, first come, first served."""

    def __init__(self, events: list[tuple[float, str, Any]]) -> None:
        self._waiting: dict[str, list[asyncio.Future[Any]]] = defaultdict(list)
        self._kept: dict[str, list[Any]] = defaultdict(list)
        for at, kind, payload in events:
            asyncio.get_running_loop().call_at(at, self._arrive, kind, payload)

    def _arrive(self, kind: str, payload: Any) -> None:
        if self._waiting[kind]:
            self._waiting[kind].pop(0).set_result(payload)
        else:
            self._kept[kind].append(payload)

    async def take(self, kind: str, timeout: float) -> Any:
        """Raises TimeoutError."""
        if self._kept[kind]:
            return self._kept[kind].pop(0)
        letter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[kind].append(letter)
        try:
            return await asyncio.wait_for(letter, timeout)
        finally:
            if letter in self._waiting[kind]:
                self._waiting[kind].remove(letter)


class _Interpreter:
    def __init__(self, case: Case, shape: Shape, scenario: Json, winners: Mapping[str, int], strict: bool) -> None:
        self.case, self.shape, self.scenario = case, shape, scenario
        self.winners, self.strict = winners, strict
        self.told = Run()
        self.losers: list[asyncio.Task[Any]] = []
        self.asked: dict[str, int] = defaultdict(int)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def run(self) -> Run:
        self.mail = _Mail(self.scenario["events"])
        top = Frame(None)
        try:
            await self.block(top)
            self.told.output = top.worth[0] if top.worth else UNDEFINED
        except Left as left:
            self.told.output = left.value
        except Failure as failure:
            self.told.status, self.told.failed = "errored", failure.marks
        self._export(top)
        self.told.ended = self.now
        await asyncio.gather(*self.losers, return_exceptions=True)
        return self.told

    def _export(self, top: Frame) -> None:
        exported = [node for node in self.case.nodes if node.name.startswith("EXPORT_")]
        if exported or self.case.script:
            named = {n.name.removeprefix("EXPORT_"): top.values[n.id] for n in exported if n.id in top.values}
            self.told.output = named

    # -- blocks and arms

    async def block(self, frame: Frame) -> None:
        for vertex in self.shape.members(frame.block):
            into = self.shape.graph.pred[vertex]
            if vertex == self.shape.entry or any((source, vertex) in frame.live for source in into):
                await self.node(self.shape.nodes[vertex], frame)

    async def node(self, node: Node, frame: Frame) -> None:
        value = await getattr(self, f"_{node.type}")(node, frame)
        out = self.shape.then[node.id] if node.id in self.shape.arms else self.shape.edges[node.id]
        frame.live |= {(node.id, target) for target in out}
        if self.shape.has_value(node.id):
            frame.worth = (value,)

    def _open(self, frame: Frame, arm: Arm, **more: Any) -> Frame:
        inner = Frame(arm, frame, strands=frame.strands, past=set(frame.past), **more)
        inner.live = {(arm, target) for target in self.shape.edges[arm]}
        return inner

    async def _through(self, frame: Frame, arm: Arm, **more: Any) -> Any:
        """Runs an arm; what it is worth."""
        inner = self._open(frame, arm, **more)
        try:
            await self.block(inner)
        finally:
            frame.absorb(inner)
        return inner.worth[0] if inner.worth else UNDEFINED

    # -- containers

    async def _branch(self, node: Node, frame: Frame) -> Any:
        return await self._through(frame, self.shape.arms[node.id][self._taken(node, frame)])

    def _taken(self, node: Node, frame: Frame) -> str:
        for label in node.arms:
            if node.asks and label == node.arms[0]:
                if self._ran(node.asks, node, frame):
                    return label
            elif self.word("flags", node, frame, label):
                return label
        return "else" if node.has_else else ELSE

    async def _parallel(self, node: Node, frame: Frame) -> Any:
        arms = list(self.shape.arms[node.id].values())
        inner = [self._open(frame, arm) for arm in arms]
        done = await asyncio.gather(*map(self.block, inner), return_exceptions=True)
        for each in inner:
            frame.absorb(each)
        worth = [each.worth[0] if each.worth else UNDEFINED for each in inner]
        self._raise_odd(done)
        if node.settled:
            for arm, outcome in zip(arms, done, strict=True):
                if outcome is not None:
                    frame.live |= self._leaving(arm)
            value: Any = [
                {"status": "rejected"} if outcome is not None else {"status": "fulfilled", "value": each}
                for outcome, each in zip(done, worth, strict=True)
            ]
        else:
            for outcome in done:
                if outcome is not None:
                    raise outcome
            value = worth
        frame.values[node.id] = value
        return value

    def _raise_odd(self, done: list[Any]) -> None:
        for outcome in done:
            if outcome is not None and not isinstance(outcome, Failure):
                raise outcome

    def _leaving(self, arm: Arm) -> set[tuple[str, str]]:
        inside = self.shape.within(arm)
        return {(u, v) for u in inside for v in self.shape.edges[u] if v not in inside}

    async def _race(self, node: Node, frame: Frame) -> Any:
        arms = list(self.shape.arms[node.id].values())
        inner = [self._open(frame.as_it_stands(), arm) for arm in arms]
        for each in inner:
            each.strands = (*frame.strands, _Strand())
        tasks = [asyncio.create_task(self._timed(each)) for each in inner]
        winner = await self._winner(node, frame, tasks)
        for number, each in enumerate(inner):
            each.strands[-1].sure = number == winner
        self.losers += [task for number, task in enumerate(tasks) if number != winner]
        frame.absorb(inner[winner])
        worth = inner[winner].worth
        frame.values[node.id] = worth[0] if worth else UNDEFINED
        return frame.values[node.id]

    async def _timed(self, frame: Frame) -> float:
        await self.block(frame)
        return self.now

    async def _winner(self, node: Node, frame: Frame, tasks: list[asyncio.Task[float]]) -> int:
        told = self.winners.get(self._label(node, frame, ": winner"))
        if told is not None:
            await self._confirm(node, tasks, told)
            return told
        open_: set[asyncio.Task[float]] = set(tasks)
        while open_:
            _, open_ = await asyncio.wait(open_, return_when=asyncio.FIRST_COMPLETED)
            for number, task in enumerate(tasks):
                if task.done() and task.exception() is None:
                    return number
        raise self._all_failed(node, tasks)

    async def _confirm(self, node: Node, tasks: list[asyncio.Task[float]], told: int) -> None:
        try:
            ended = await tasks[told]
        except Failure as failure:
            raise Wrong(f"{node.id}: arm {told} is said to have won, but it fails") from failure
        earlier = [t for t in tasks if t.done() and t.exception() is None and t.result() < ended - 1e-6]
        if self.strict and earlier:
            raise Wrong(f"{node.id}: arm {told} is said to have won, but another one was earlier")

    def _all_failed(self, node: Node, tasks: list[asyncio.Task[float]]) -> Failure:
        marks = [node.id]
        for task in tasks:
            error = task.exception()
            if not isinstance(error, Failure):
                raise error or AssertionError
            marks += error.marks
        return Failure(*marks)

    async def _try_catch(self, node: Node, frame: Frame) -> Any:
        arms = self.shape.arms[node.id]
        try:
            try:
                return await self._through(frame, arms["try"])
            except Failure as failure:
                return await self._through(frame, arms["catch"], error=failure)
        finally:
            if "finally" in arms:
                await self._through(frame, arms["finally"])

    # -- loops

    async def _loop(self, node: Node, frame: Frame) -> Any:
        if node.concurrency > 1:
            results, output = await self._at_once(node, frame)
        else:
            results, output = await self._in_turn(node, frame)
        frame.values[node.id] = {"results": results, "output": output}
        return frame.values[node.id]

    def _items(self, node: Node, frame: Frame) -> list[Any]:
        if node.kind != "forEach":
            return [UNDEFINED] * int(self.scenario["turns"][node.id])
        if not node.source:
            return list(self.scenario["items"][node.id])
        found = self._visible(node.source, node, frame)
        return [] if found is UNDEFINED else list(found["list"])

    async def _in_turn(self, node: Node, frame: Frame) -> tuple[list[Any], Any]:
        results: list[Any] = []
        output: list[Any] = [UNDEFINED]
        items = self._items(node, frame)
        last: dict[str, Any] = {}
        for index, item in enumerate(items):
            if node.kind == "while" and node.asks and self._ran(node.asks, node, frame, last):
                break
            inner = self._open(frame, self.shape.arms[node.id]["body"], turn=Turn(node, index, item, output))
            try:
                await self.block(inner)
                results.append(inner.worth[0] if inner.worth else UNDEFINED)
            except Left as left:
                if not left.loop:
                    raise
                results.append(left.value)
                break
            finally:
                frame.absorb(inner)
            last = inner.values
        return results, output[0]

    async def _at_once(self, node: Node, frame: Frame) -> tuple[list[Any], Any]:
        """No turn begins after a failure; the first error by index is thrown when those that run are done."""
        body = self.shape.arms[node.id]["body"]
        items = self._items(node, frame)
        turns = [Turn(node, index, item, [UNDEFINED]) for index, item in enumerate(items)]
        frames = [self._open(frame, body, turn=turn) for turn in turns]
        for each in frames:
            each.strands = (*frame.strands, _Strand())
        failures: dict[int, BaseException] = {}
        waiting = list(range(len(frames)))

        async def work() -> None:
            while waiting and not (failures and self.strict):
                index = waiting.pop(0)
                try:
                    await self.block(frames[index])
                except Failure as failure:
                    failures[index] = failure

        await asyncio.gather(*(work() for _ in range(min(node.concurrency, len(frames)))))
        for each in frames:
            frame.absorb(each)
        if failures:
            self._unsure_behind(min(failures), frames)
            raise failures[min(failures)]
        outputs = [turn.output[0] for turn in turns if turn.output[0] is not UNDEFINED]
        worths = [each.worth[0] if each.worth else UNDEFINED for each in frames]
        return worths, outputs[-1] if outputs else UNDEFINED

    def _unsure_behind(self, failed: int, frames: list[Frame]) -> None:
        for each in frames[failed + 1 :] if not self.strict else ():
            each.strands[-1].sure = False

    async def _break(self, node: Node, frame: Frame) -> Any:
        if node.bare or self.word("flags", node, frame, "exit"):
            around = frame.chain()
            turn = next((number for number, each in enumerate(around) if each.turn is not None), None)
            inside = around if turn is None else around[: turn + 1]
            worth = next((each.worth for each in inside if each.worth is not None), (UNDEFINED,))
            raise Left(worth[0], turn is not None)

    # -- steps

    async def _step(self, node: Node, frame: Frame) -> Any:
        read = [self._read(read, node, frame) for read in node.reads]
        self._look_around(node, frame)
        value: Any = {"tag": self._tag(node, frame), "r": read}
        if any(other.source == node.id for other in self.case.nodes):
            value["list"] = self.scenario["items"][node.id]
        value = UNDEFINED if node.nothing else value
        does = self.word("does", node, frame)
        if node.inline:
            if does == "fail":
                raise Failure(node.id)
        else:
            await self._durable(
                node, frame, lambda record, attempt: self._body(node, frame, record, does, attempt, value)
            )
        frame.values[node.id] = value
        return value

    async def _body(self, node: Node, frame: Frame, record: Record, does: str, attempt: int, value: Any) -> Any:
        if does == "hang":
            await asyncio.sleep(timeout_of(node))
            raise Failure(f"{timeout_of(node)}ms")
        await asyncio.sleep(self.word("late", node, frame) if self.case.script else latency(record.name, attempt))
        if does in ("fail", "fatal") or (does == "flaky" and attempt < 2):
            raise Failure(node.id, fatal=does == "fatal")
        if not node.writes:
            return value
        output = frame.turns[0].output
        before = output[0]
        tag = self._tag(node, frame)
        output[0] = tag if node.writes == "assign" else [*([] if before is UNDEFINED else before), tag]
        return {"value": value, "output": output[0]}

    async def _durable(self, node: Node, frame: Frame, body: Callable[[Record, int], Awaitable[Any]]) -> Any:
        """Attempts until one succeeds, the retries are used up, or an error says that they are no use."""
        record = self._begin(node, frame, "do")
        default = 0 if self.case.script else _RETRIES
        limit = default if node.retries is None else node.retries
        try:
            for attempt in range(1, limit + 2):
                record.attempts = attempt
                try:
                    record.value = await body(record, attempt)
                    return record.value
                except Failure as failure:
                    if failure.fatal or attempt > limit:
                        record.failed = failure.marks
                        raise
                exponential = node.retries is None
                await asyncio.sleep(_DELAY_MS * 2 ** (attempt - 1) if exponential else 1000 * attempt)
        finally:
            self._end(record, frame)
        raise AssertionError

    def _begin(self, node: Node, frame: Frame, kind: str) -> Record:
        name = self._label(node, frame)
        record = Record(name, node.id, kind, self.now, frozenset(frame.past), frame.strands)
        record.tag = self._tag(node, frame) if node.type == "step" else ""
        self.told.records.append(record)
        return record

    def _end(self, record: Record, frame: Frame) -> None:
        record.ended = self.now
        frame.past.add(record.name)

    def _label(self, node: Node, frame: Frame, what: str = "") -> str:
        at = "".join(f"[{index}]" for index in frame.indices)
        return self.case.step_name(node) + what + (f" {at}" if at else "")

    def _tag(self, node: Node, frame: Frame) -> str:
        return node.id + "".join(f"[{index}]" for index in frame.indices)

    # -- requests

    async def _http_request(self, node: Node, frame: Frame) -> Any:
        return await self._requests(node, frame, node.method)

    async def _sub_script(self, node: Node, frame: Frame) -> Any:
        return await self._requests(node, frame, "POST")

    async def _requests(self, node: Node, frame: Frame, method: str) -> Any:
        read = [self._read(read, node, frame) for read in node.reads]
        path = "/".join([node.id, *map(str, frame.indices)])
        sent = {str(number): str(each) for number, each in enumerate(read) if each is not UNDEFINED}
        request = {"method": method, "path": path, "r": sent if method == "GET" else through_json(read)}
        kind = self.word("answers", node, frame)

        async def body(record: Record, attempt: int) -> Any:
            self.asked[path] += 1
            self.told.calls.append((self.now, request))
            status, answer = answered(kind, path, self.asked[path])
            await asyncio.sleep(latency(*((path, self.asked[path]) if self.case.script else (record.name, attempt))))
            if node.throws and status >= 400:
                raise Failure(node.id, fatal=status < 500 and status not in _RETRIED_STATUS)
            return {"status": status, "body": answer}

        frame.values[node.id] = await self._durable(node, frame, body)
        return frame.values[node.id]

    async def _sub_workflow(self, node: Node, frame: Frame) -> Any:
        read = [self._read(read, node, frame) for read in node.reads]
        params = {"from": node.id, "at": list(frame.indices), "r": read}
        self.told.calls.append((self.now, {"method": "CREATE", "path": node.id, "params": params}))
        does = self.word("child", node, frame)
        value: Any = {}
        if node.waits and not self.case.script:
            await asyncio.sleep(1000 if does in ("ok", "fail") else CHILD_SECONDS * 1000)
            if does != "ok":
                raise Failure(node.id)
            value = {"output": {"tag": f"child {self._tag(node, frame)}"}}
        frame.values[node.id] = value
        return value

    # -- time and events

    async def _sleep(self, node: Node, frame: Frame) -> None:
        await self._sleeps(node, frame, self.scenario["ms"][node.id])

    async def _sleep_until(self, node: Node, frame: Frame) -> None:
        until = self.scenario["until"][node.id]
        if isinstance(until, str):
            raise Failure(node.id)
        left = until - math.floor(EPOCH + self.now)
        if left > 0 or not self.strict:  # whether it has passed is a matter of time
            await self._sleeps(node, frame, max(left, 0), () if self.strict else (_Strand(False),))

    async def _sleeps(self, node: Node, frame: Frame, milliseconds: float, strands: tuple[_Strand, ...] = ()) -> None:
        record = self._begin(node, frame, "sleep")
        record.strands += strands
        await asyncio.sleep(milliseconds)
        self._end(record, frame)

    async def _wait_for_event(self, node: Node, frame: Frame) -> Any:
        record = self._begin(node, frame, "wait")
        kind = f"ev-{node.id}"
        try:
            payload = await self.mail.take(kind, timeout_of(node))
        except TimeoutError:
            record.failed = (f"{timeout_of(node)}ms",)
            raise Failure(*record.failed) from None
        finally:
            self._end(record, frame)
        record.value = {"payload": payload, "type": kind}
        frame.values[node.id] = record.value
        return record.value

    # -- reading

    def word(self, question: str, node: Node, frame: Frame, part: str = "") -> Any:
        """What the scenario says about a node in this turn."""
        asked = self.scenario[question][node.id]
        asked = asked[part] if part else asked
        return asked[frame.turns[0].index % STATES if frame.turns else 0]

    def _ran(self, target: str, reader: Node, frame: Frame, last: dict[str, Any] | None = None) -> bool:
        """Whether a node has told its tag here: `last` is what the last turn of the reader's own body left."""
        found = self._visible(target, reader, frame, last)
        return found is not UNDEFINED and _view(found).get("tag", UNDEFINED) is not UNDEFINED

    def _visible(self, target: str, reader: Node, frame: Frame, last: dict[str, Any] | None = None) -> Any:
        """The value of a node where another reads it: that of this turn, or of the last one from outside a loop."""
        around = [*self.shape.around(target), None]
        if last is not None and any(arm and self.shape.owner(arm) == reader.id for arm in around):
            return last.get(target, UNDEFINED)
        mine = {each.block: each for each in frame.chain()}
        common = next(block for block in around if block in mine)
        return mine[common].values.get(target, UNDEFINED)

    def _has_run(self, target: str, frame: Frame) -> bool:
        mine = {each.block: each for each in frame.chain()}
        common = next(block for block in [*self.shape.around(target), None] if block in mine)
        return target in mine[common].values

    def _look_around(self, node: Node, frame: Frame) -> None:
        for target in self.shape.nodes:
            if target != node.id:
                self.told.visible[node.id, target].add(self._has_run(target, frame))

    def _read(self, read: Read, node: Node, frame: Frame) -> Any:
        if not read.node:
            return self._variable(read.part, frame)
        if read.part == "error":
            caught = next(each for each in frame.chain() if each.block == f"{read.node}/catch")
            assert caught.error is not None
            return ",".join(caught.error.marks)
        if not self._has_run(read.node, frame):
            self.told.blind.append((node.id, read.node))
        found: Any = self._visible(read.node, node, frame)
        for key in read.part.split(".") if read.part else ():
            found = _view(found).get(key, UNDEFINED)
        if read.default and found in (UNDEFINED, None):
            found = "none"
        if read.by_name or self.shape.nodes[read.node].type in ("loop", "parallel", "race"):
            return shown(_view(found) if read.by_name and isinstance(found, dict) else found)
        return found

    def _variable(self, part: str, frame: Frame) -> Any:
        if part == "list":
            return ",".join(map(str, self.scenario["list"]))
        if part == "err":
            error = next(each.error for each in frame.chain() if each.error is not None)
            return ",".join(error.marks)
        if part == "item.x":
            return next(turn.item for turn in frame.turns if turn.loop.kind == "forEach")["x"]
        return frame.turns[0].index  # `_loop_i`


def _view(value: Any) -> Json:
    """The fields of a value, with those of a request's body or an event's payload beside; none, of what is none."""
    if not isinstance(value, dict):
        return {}
    for inner in ("body", "payload"):
        if isinstance(value.get(inner), dict):
            return {**value[inner], **value}
    return value


def answered(kind: str, path: str, number: int) -> tuple[int, Any]:
    """What the world answers to the `number`-th request to a path."""
    status = {"404": 404, "503": 503, "flaky": 503 if number == 1 else 200}.get(kind, 200)
    if kind in ("text", "empty", "broken"):
        return status, {"text": f"text {path}", "empty": None, "broken": "{oops"}[kind]
    return status, {"tag": path, "status": "own", "code": status}
