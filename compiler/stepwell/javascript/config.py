"""The `@config` block of a queue's consumer."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from stepwell.javascript.code import best_tree, parse
from stepwell.javascript.facts import Fault, Kind, Scalar, fault
from stepwell.javascript.literals import UNKNOWN, key_of, literal
from stepwell.javascript.tree import Tree

QueueConfig = dict[str, int | str]

RANGES: Final = {
    "max_batch_size": (1, 100),
    "max_batch_timeout": (0, 60),
    "max_retries": (0, 100),
    "max_concurrency": (1, 20),
}
KEYS: Final = (*RANGES, "dead_letter_queue")


def read_config(text: str, start: int, end: int) -> tuple[QueueConfig, list[Fault]]:
    """Read the object literal at a range of the trigger code: its settings, and what is wrong with it."""
    block = text[start:end]
    facts = parse(block, Kind.EXPRESSION)
    if facts.faults:
        return {}, [fault(text, start + one.start, one.message, "config") for one in facts.faults]
    return _Block(text, start, best_tree(block, Kind.EXPRESSION)).read()


class _Block:
    def __init__(self, text: str, start: int, tree: Tree) -> None:
        self.text = text
        self.start = start
        self.tree = tree
        self.settings: QueueConfig = {}
        self.faults: list[Fault] = []

    def read(self) -> tuple[QueueConfig, list[Fault]]:
        for pair in self.tree.named(self.tree.kinds.index("object")):
            self._pair(pair)
        return self.settings, self.faults

    def _fault(self, node: int, message: str) -> None:
        self.faults.append(fault(self.text, self.start + self.tree.starts[node], message, "config"))

    def _pair(self, pair: int) -> None:
        tree = self.tree
        if tree.kinds[pair] != "pair":
            self._fault(pair, "`@config` holds settings only, each `name: value`")
            return
        key, value = tree.child(pair, "key"), tree.child(pair, "value")
        name = _snake(str(key_of(tree, key)))
        if name not in KEYS:
            self._fault(key, _unknown(str(key_of(tree, key)), name))
        elif name in self.settings:
            self._fault(key, f"`{name}` is set twice")
        else:
            self._set(name, value)

    def _set(self, name: str, value: int) -> None:
        found = literal(self.tree, value)
        if name == "dead_letter_queue":
            if isinstance(found, str) and found:
                self.settings[name] = found
            else:
                self._fault(value, "`dead_letter_queue` has to be the name of a queue, a string")
            return
        low, high = RANGES[name]
        number = _whole(found)
        if number is not None and low <= number <= high:
            self.settings[name] = number
        else:
            self._fault(value, f"`{name}` has to be a whole number from {low} to {high}")


def _whole(value: Scalar | object) -> int | None:
    """A whole number, also written `"5"` or `"5s"`."""
    if value is UNKNOWN or isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip().removesuffix("s")
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    return value if isinstance(value, int) else None


def _snake(name: str) -> str:
    return "".join("_" + ch.lower() if "A" <= ch <= "Z" else ch for ch in name)


def _unknown(written: str, name: str) -> str:
    near = get_close_matches(name, KEYS, 1, 0.5)
    hint = f"; did you mean `{near[0]}`?" if near else "; there are " + ", ".join(f"`{key}`" for key in KEYS)
    return f"unknown setting `{written[:40]}`{hint}"
