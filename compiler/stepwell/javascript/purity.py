"""Why a snippet is not provably deterministic and free of effects.

What is not on a list here is not pure: a warning too many costs a step that stores a value, a warning too few
costs a replay that takes another arm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stepwell.javascript.facts import Impurity, Member, Reason
from stepwell.javascript.flow import COPY, ELEMENT, ENV, MISREAD, MUTATING, WRAPPERS, Flow
from stepwell.javascript.literals import name_of
from stepwell.javascript.names import GLOBALS, words
from stepwell.javascript.scopes import FUNCTIONS, Scopes

PURE_FUNCTIONS: Final = words(
    """
    parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI decodeURIComponent escape
    unescape structuredClone Number String Boolean BigInt Array Object Symbol RegExp Error TypeError
    RangeError SyntaxError ReferenceError EvalError URIError AggregateError NonRetryableError atob btoa
    """
)
PURE_CLASSES: Final = words(
    """
    Array ArrayBuffer Object Number String Boolean Map Set WeakMap WeakSet URL URLSearchParams
    URLPattern RegExp Error TypeError RangeError SyntaxError ReferenceError EvalError URIError
    AggregateError NonRetryableError Date Headers TextEncoder TextDecoder DataView Int8Array Uint8Array
    Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array
    BigInt64Array BigUint64Array
    """
)
PURE_STATICS: Final[dict[str, frozenset[str] | None]] = {
    "Math": None,
    "JSON": None,
    "Number": None,
    "String": None,
    "BigInt": None,
    "Symbol": None,
    "Array": frozenset({"isArray", "from", "of"}),
    "Object": words(
        """
        keys values entries fromEntries is hasOwn getOwnPropertyNames getOwnPropertyDescriptor
        getPrototypeOf groupBy isFrozen isSealed isExtensible
        """
    ),
    "Map": frozenset({"groupBy"}),
    "Date": frozenset({"parse", "UTC"}),
    "URL": frozenset({"canParse", "parse"}),
    "ArrayBuffer": frozenset({"isView"}),
    "Reflect": frozenset({"get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"}),
}
"""Functions of the namespaces (None: all of them); `Math.random` is caught before."""

PURE_METHODS: Final = (ELEMENT | COPY) - {"pop", "shift", "splice"} | words(
    """
    includes startsWith endsWith map flatMap some every findIndex findLastIndex reduce reduceRight
    forEach indexOf lastIndexOf join keys has toString valueOf toLowerCase toUpperCase trim trimStart
    trimEnd padStart padEnd repeat split replace replaceAll match matchAll search substring substr
    charAt charCodeAt codePointAt normalize localeCompare isWellFormed toWellFormed test exec toFixed
    toPrecision toExponential toJSON toISOString getTime getDate getDay getFullYear getHours
    getMilliseconds getMinutes getMonth getSeconds getTimezoneOffset getUTCDate getUTCDay getUTCFullYear
    getUTCHours getUTCMilliseconds getUTCMinutes getUTCMonth getUTCSeconds toUTCString toDateString
    toTimeString hasOwnProperty isPrototypeOf propertyIsEnumerable getAll union intersection difference
    symmetricDifference isSubsetOf isSupersetOf isDisjointFrom subarray encode decode bind
    """
)
MENTIONS: Final[dict[str, Reason]] = {
    "fetch": "network", "WebSocket": "network", "EventSource": "network", "caches": "network",
    "crypto": "random", "performance": "clock", "env": "env",
}  # fmt: skip
"""Names that are never used for anything pure."""

GLOBAL_OBJECTS: Final = frozenset({"globalThis", "self", "global"})
ASYNC_METHODS: Final = words(
    """
    get put list delete getWithMetadata head run all first raw exec batch send sendBatch fetch create
    createBatch insert upsert query deleteByIds getByIds describe
    """
)
"""Methods of Cloudflare's bindings that return a promise."""

STRIPPED: Final = WRAPPERS | {"parenthesized_expression"}


class Purity:
    """The impurities of a tree, and the calls whose promise or second argument is lost."""

    def __init__(self, scopes: Scopes, flow: Flow) -> None:
        self.tree = scopes.tree
        self.scopes = scopes
        self.flow = flow
        self.found: dict[int, Impurity] = {}
        self.paths = {member.start: member.path for member in flow.members if member.root in MENTIONS}
        self.floating: list[int] = []
        self.non_retryable_extra: list[int] = []
        self._mentions()
        for call in scopes.calls:
            self._call(call)
        for node in scopes.awaits:
            start = self.tree.starts[node]
            self.found.setdefault(start, Impurity("await", "await", start))
        for node in scopes.statements:
            self._statement(node)

    def impurities(self) -> tuple[Impurity, ...]:
        """All that was found, in the order of the text."""
        return tuple(sorted(self.found.values(), key=lambda found: found.start)) if self.found else ()

    def _mentions(self) -> None:
        for name in self.flow.free:
            kind = MENTIONS.get(name.name)
            if kind is not None and not name.typeof:
                self._add(kind, self._chain_text(name.name, name.start), name.start)
        for member in self.flow.members:
            if member.path:
                self._member(member)
        for member in self.flow.followed:
            if member.root == ENV:
                self._add("env", ".".join((ENV, *map(str, member.path))), member.start)

    def _chain_text(self, name: str, start: int) -> str:
        path = self.paths.get(start, ())
        return ".".join((name, *map(str, path)))

    def _member(self, member: Member) -> None:
        root, path = member.root, member.path
        if root in GLOBAL_OBJECTS:
            root, path = str(path[0]), path[1:]
            if root in MENTIONS:
                self._add(MENTIONS[root], f"{member.root}.{root}", member.start)
        key = path[0] if path else None
        if root == "Math" and (key == "random" or (key is None and member.open)):
            self._add("random", "Math.random", member.start)
        elif root == "Date" and key == "now":
            self._add("clock", "Date.now", member.start)

    def _add(self, kind: Reason, what: str, start: int) -> None:
        self.found.setdefault(start, Impurity(kind, what, start))

    # -- calls ---------------------------------------------------------------------------------------------

    def _call(self, call: int) -> None:
        tree = self.tree
        new = tree.kinds[call] == "new_expression"
        callee = self._callee(call, new)
        if callee < 0:
            return
        if new:
            self._constructed(call, callee)
        elif not self._pure_call(call, callee):
            self._add("call", self._text(callee), tree.starts[callee])

    def _callee(self, call: int, new: bool) -> int:
        tree = self.tree
        callee = self._strip(tree.child(call, "constructor" if new else "function"))
        while callee >= 0 and tree.kinds[callee] in MISREAD:
            inner = tree.named(callee)
            callee = self._strip(inner[-1]) if inner else -1
        return callee

    def _strip(self, node: int) -> int:
        while node >= 0 and self.tree.kinds[node] in STRIPPED:
            inner = self.tree.named(node)
            node = inner[0] if inner else -1
        return node

    def _constructed(self, call: int, callee: int) -> None:
        tree = self.tree
        name = self.flow.roots.get(callee)
        values = self._values(call)
        if name == "NonRetryableError" and len(values) > 1:
            self.non_retryable_extra.append(tree.starts[call])
        if name == "Date" and not values:
            self._add("clock", "new Date()", tree.starts[call])
        elif name in MENTIONS or name in PURE_CLASSES or self._local(callee):
            return
        else:
            self._add("call", "new " + self._text(callee), tree.starts[call])

    def _values(self, call: int) -> list[int]:
        arguments = self.tree.child(call, "arguments")
        return self.tree.named(arguments) if arguments >= 0 else []

    def _local(self, callee: int) -> bool:
        """Whether it is a function or class of the snippet, which is judged by what it holds."""
        binding = self.scopes.bound.get(callee)
        return binding is not None and binding.function >= 0

    def _pure_call(self, call: int, callee: int) -> bool:
        tree = self.tree
        kind = tree.kinds[callee]
        if kind in FUNCTIONS or kind == "super":
            return True
        if kind == "identifier":
            return self._pure_function(call, callee)
        if kind == "member_expression":
            return self._pure_method(call, callee) and self._pure_arguments(call)
        return False

    def _pure_function(self, call: int, callee: int) -> bool:
        name = self.flow.roots.get(callee)
        if name is None:
            return self._local(callee)
        if name == "Date":
            self._add("clock", "Date()", self.tree.starts[callee])
        return name in PURE_FUNCTIONS or name in MENTIONS or name == "Date"

    def _pure_method(self, call: int, callee: int) -> bool:
        tree = self.tree
        method = name_of(tree, tree.stops[callee] - 1)
        owner = self._strip(callee + 1)
        name = self.flow.roots.get(owner)
        if name in GLOBAL_OBJECTS:
            return method in PURE_FUNCTIONS or method in MENTIONS
        if name in MENTIONS and name != "env":
            return True
        if name == "Object" and method == "assign":
            values = self._values(call)
            return bool(values) and tree.kinds[values[0]] == "object"
        if name == "Date" and method == "now":
            return True
        if name in GLOBALS and name is not None:
            allowed = PURE_STATICS.get(name, frozenset())
            return allowed is None or method in allowed
        return method in PURE_METHODS and method not in MUTATING

    def _pure_arguments(self, call: int) -> bool:
        """Whether no argument is a function not known; what the graph hands in is data, never a function."""
        for value in self._values(call):
            name = self.flow.roots.get(value)
            if name is not None and name in GLOBALS and name not in PURE_FUNCTIONS and name not in MENTIONS:
                return False
        return True

    def _text(self, node: int) -> str:
        text = " ".join(self.tree.text[self.tree.starts[node] : self.tree.starts[node] + 60].split())
        length = self.tree.ends[node] - self.tree.starts[node]
        return text[:length] if length <= 60 else text[:57] + "…"

    # -- promises let go -----------------------------------------------------------------------------------

    def _statement(self, node: int) -> None:
        """A statement that is a call: `fetch(…)`, `env.KV.put(…)`, `env.DB.prepare(…).run()`."""
        tree = self.tree
        call = self._strip(node)
        if call < 0 or tree.kinds[call] != "call_expression":
            return
        callee = tree.child(call, "function")
        if callee >= 0 and self._promising(callee):
            self.floating.append(tree.starts[node])

    def _promising(self, callee: int) -> bool:
        tree = self.tree
        if self.flow.roots.get(callee) == "fetch":
            return True
        if tree.kinds[callee] != "member_expression":
            return False
        if name_of(tree, tree.stops[callee] - 1) not in ASYNC_METHODS:
            return False
        depth, root = 0, callee
        for root in self._inward(callee):
            depth += tree.kinds[root] == "member_expression"
        return self.flow.roots.get(root) == "env" and depth > 1

    def _inward(self, node: int) -> Iterator[int]:
        """The owner, the owner's owner …, through calls."""
        tree = self.tree
        while tree.kinds[node] in ("member_expression", "call_expression", "non_null_expression"):
            yield node
            node += 1
        yield node
