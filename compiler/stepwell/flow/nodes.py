"""What a statement of a flow gives back: a node, a container with its arms, a way out of one.

Part of the importable builder: it imports the standard library alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from stepwell.flow.values import Expr, FlowError, Truth, condition, name

if TYPE_CHECKING:
    from stepwell.flow.builder import Flow


@dataclass(frozen=True, slots=True)
class End:
    """A way out of a node: the edge that leaves it under this label."""

    source: str
    label: str | None = None


@dataclass
class Block:
    """Statements in a row: the workflow itself, or an arm. `ends` are the ways out that wait for the next node.

    `between` names the container of which this is the place between the arms, where no node can stand.
    """

    ends: list[End] = field(default_factory=list)
    between: str | None = None


class Node:
    """A node of the graph."""

    def __init__(self, flow: Flow, json: dict[str, Any]) -> None:
        self._flow = flow
        self._json = json

    @property
    def id(self) -> str:
        """The node's id."""
        return str(self._json["id"])

    @property
    def then(self) -> End:
        """The way on once a container is done, whichever arm ran."""
        return End(self.id, "then")

    def via(self, label: str | None) -> End:
        """The way out under a label; None: the edge without one."""
        return End(self.id, None if label is None else text_of(label, "a label"))

    def _ends(self) -> list[End]:
        """The ways out that the next statement takes up."""
        leaves = self._json["type"] == "break" and not self._json.get("data", {}).get("condition")
        return [] if leaves else [End(self.id)]

    def __bool__(self) -> bool:
        return True


class Arm:
    """An arm of a container: `with` it, its nodes are added."""

    def __init__(self, container: Container, end: End) -> None:
        self._container = container
        self._end = end
        self._block = Block([end])

    @property
    def error(self) -> Expr:
        """In a catch arm: the error."""
        return name("err")

    def __enter__(self) -> Arm:
        self._container._flow._enter(self._block, of=self._container.id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container._flow._leave(self._block)
        self._container._arms.append(self._block)


class Container(Node):
    """A node with arms. `with` it, its arms are added."""

    _joins = True
    """Whether the next statement takes up the ends of the arms, and not the way out of the container."""

    def __init__(self, flow: Flow, json: dict[str, Any]) -> None:
        super().__init__(flow, json)
        self._block = Block([], self.id)
        self._arms: list[Block] = []

    def arm(self, label: str | None = None) -> Arm:
        """The arm of the edge with this label."""
        return Arm(self, self.via(label))

    def __enter__(self) -> Any:
        self._flow._enter(self._block)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flow._leave(self._block)
        self._flow._go_on(self._ends())

    def _ends(self) -> list[End]:
        if not self._joins or not self._arms:
            return [self.then]
        return [end for arm in self._arms for end in arm.ends]


class Branch(Container):
    """Takes the first arm whose condition is true."""

    def __init__(self, flow: Flow, json: dict[str, Any]) -> None:
        super().__init__(flow, json)
        self._given = "branches" in json.get("data", {})

    def __enter__(self) -> Branch:
        super().__enter__()
        return self

    def when(self, when: Truth, *, label: str | None = None) -> Arm:
        """An arm with its condition. Without a label it is called `if`, `if 2` …"""
        return self._add(label, condition(when), "if")

    def otherwise(self, *, label: str | None = None) -> Arm:
        """The arm that is taken when no condition is true; it stands last. Without a label it is called `else`."""
        return self._add(label, "", "else")

    def _add(self, label: str | None, when: str, word: str) -> Arm:
        if self._given:
            raise FlowError("the branch was given its `branches`: write arm(label)")
        arms = self._json.setdefault("data", {}).setdefault("branches", [])
        number = 1 + sum(1 for arm in arms if bool(arm["condition"]) == bool(when))
        named = text_of(label, "a label") if label is not None else word if number == 1 else f"{word} {number}"
        arms.append({"label": named, "condition": when})
        return self.arm(named)


class Parallel(Container):
    """Runs its arms at once, and waits for all of them."""

    def __enter__(self) -> Parallel:
        super().__enter__()
        return self


class Race(Container):
    """Runs its arms at once, and takes the first that is done."""

    def __enter__(self) -> Race:
        super().__enter__()
        return self


class Try(Container):
    """Runs an arm, another one when that fails, and a last one in any case."""

    _joins = False

    def __enter__(self) -> Try:
        super().__enter__()
        return self

    def try_(self) -> Arm:
        """What is tried."""
        return self.arm("try")

    def catch(self) -> Arm:
        """What is done when it fails."""
        return self.arm("catch")

    def finally_(self) -> Arm:
        """What is done in any case."""
        return self.arm("finally")


class Other(Container):
    """A node of any type, with arms where it has some."""

    def __enter__(self) -> Other:
        super().__enter__()
        return self

    def _ends(self) -> list[End]:
        if self._json["type"] in ("loop", "try_catch"):
            return [self.then]
        if self._arms or self._json["type"] in ("branch", "parallel", "race"):
            return super()._ends()
        return Node._ends(self)


class Loop(Container):
    """Repeats its body: `with` it, the body's nodes are added."""

    _joins = False

    def __init__(self, flow: Flow, json: dict[str, Any]) -> None:
        super().__init__(flow, json)
        self._block = Block([End(self.id, "body")])

    @property
    def item(self) -> Expr:
        """The current item."""
        return name(str(self._json.get("data", {}).get("itemVar", "item")))

    @property
    def index(self) -> Expr:
        """The current index, from 0."""
        return name(str(self._json.get("data", {}).get("indexVar", "i")))

    @property
    def body(self) -> End:
        """The way into the body."""
        return End(self.id, "body")

    def __enter__(self) -> Loop:
        self._flow._enter(self._block)
        return self


After: TypeAlias = "Node | End | Arm | str | Sequence[Node | End | Arm | str] | None"
"""What a node comes after: nodes, ways out of them, or their ids."""


def ends_of(after: After) -> list[End]:
    """The ways out that were named."""
    if after is None:
        return []
    if isinstance(after, Node | End | Arm | str):
        after = [after]
    return [_end(one) for one in after]


def _end(one: object) -> End:
    if isinstance(one, End):
        return one
    if isinstance(one, Arm):
        return one._end
    return End(id_of(one))


def text_of(value: object, what: str) -> str:
    """What must be a text."""
    if isinstance(value, str):
        return str(value)
    raise FlowError(f"{what} is text, not a {type(value).__name__}")


def id_of(one: object) -> str:
    """The id of a node that is named by itself or by its id."""
    if isinstance(one, Node):
        return one.id
    if isinstance(one, str) and one:
        return str(one)
    raise FlowError(f"a node, or a node's id, is wanted here, not a {type(one).__name__}")
