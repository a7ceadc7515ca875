"""Where the values of free names go: chains of members, local names that stand for them, writes into them.

A work list starts at every use of a free name and climbs: through member accesses, which make the path, and
through what hands a value on unchanged (`??`, `await`, parentheses). Where the value gets a local name, the
uses of that name are put on the list, with the path so far. Nothing is executed and nothing is guessed: a
value that leaves through a call that is not known is not followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from stepwell.javascript.facts import Comparison, FreeName, Member, Path, Scalar
from stepwell.javascript.literals import UNKNOWN, key_of_index, literal, name_of
from stepwell.javascript.names import GLOBALS, words
from stepwell.javascript.scopes import FUNCTIONS, MAX_PATH, Binding, Scopes, Step, targets
from stepwell.javascript.tree import Tree

WRAPPERS: Final = frozenset({"non_null_expression", "as_expression", "satisfies_expression"})
MISREAD: Final = frozenset({"await_expression", "unary_expression", "binary_expression"})
"""What tree-sitter takes for the callee of `await f<T>(x)`, `!f<T>(x)` and `a + f<T>(x)`."""

WRITING: Final = words(
    """
    assignment_expression augmented_assignment_expression for_in_statement update_expression unary_expression
    assignment_pattern object_assignment_pattern pair_pattern array_pattern rest_pattern object_pattern
    """
)
"""What an expression stands in where its place is written into."""

STAYING: Final = words("pair return_statement throw_statement template_substitution array object")
"""What takes a name's value as it is; who then reads the new value is not followed."""
MISREADING: Final = MISREAD | {"call_expression"}

MUTATING: Final = words(
    """
    push pop shift unshift splice sort reverse fill copyWithin set add delete clear append setDate
    setFullYear setHours setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate
    setUTCFullYear setUTCHours setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds setYear
    """
)
"""Methods of the builtins that write into what they are called on."""

ELEMENT: Final = words("find findLast at pop shift get")
COPY: Final = words(
    """
    filter slice splice concat flat toSorted toReversed toSpliced with values entries
    """
)
SAME: Final = words("sort reverse fill copyWithin set add")
CALLBACK: Final = {
    **dict.fromkeys(
        words(
            """
        forEach map filter some every find findIndex findLast findLastIndex flatMap
        """
        ),
        (0,),
    ),
    **dict.fromkeys(words("reduce reduceRight"), (1,)),
    **dict.fromkeys(words("sort toSorted"), (0, 1)),
}
"""Which parameters of the callback are elements of what the method is called on."""

WRITERS: Final = {
    ("Object", "assign"), ("Object", "defineProperty"), ("Object", "defineProperties"),
    ("Object", "setPrototypeOf"), ("Object", "freeze"), ("Object", "seal"), ("Object", "preventExtensions"),
    ("Reflect", "set"), ("Reflect", "defineProperty"), ("Reflect", "deleteProperty"),
    ("Reflect", "setPrototypeOf"), ("Reflect", "preventExtensions"),
}  # fmt: skip
SPREADERS: Final = {("Object", "values"), ("Object", "entries"), ("Array", "from")}
REVERSED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
ARITHMETIC: Final = frozenset({"'+", "'-", "'*", "'/", "'%"})
COMPARING: Final = frozenset({"===", "!==", "==", "!=", "<", ">", "<=", ">="})
MAX_HOPS: Final = 16
"""How often a value is followed from one expression to the next: `a ?? (b ?? (c …` must not be quadratic."""
MAX_ARGUMENTS: Final = 8
"""Values passed in later places than these are not followed."""
ENV: Final = "env"
WORKERS: Final = "cloudflare:workers"
"""The module whose `env` is the same as the one that handlers are given, and the root of its other names."""
CONTEXT: Final = "ctx of a node"
"""The root of what a custom node's function is given; its `env` is that of handlers. No name can be spelt so."""
GRAPH: Final = "runGraph"
"""The graph of a script, which trigger code hands `env` to."""
MAX_CHAINS: Final = 8
"""How many different values one local name is followed for."""


class Chain(NamedTuple):
    """What an expression stands for: a path into a free name's value.

    `open`: the path goes on by keys that are not known. `copy`: the container itself is new, but its elements
    are the old ones, so that only writing deeper is writing into the free name's value.
    """

    root: str
    path: Path
    open: bool = False
    copy: bool = False

    def step(self, key: Step) -> Chain:
        """The chain of a member. A path that is not known any more does not grow."""
        if self.open or key is None or len(self.path) >= MAX_PATH:
            return Chain(self.root, self.path, True)
        if self.root in (WORKERS, CONTEXT) and self.path == () and key == ENV:
            return Chain(ENV, ())
        if self.copy and self.root != ENV:
            return Chain(self.root, self.path, True)
        return Chain(self.root, (*self.path, key))


class Flow:
    """Follows the values of all free names of a tree."""

    def __init__(self, scopes: Scopes, handlers: Sequence[int] = (), custom: int = -1) -> None:
        """`handlers` are functions that are given `env` second, `custom` is one that is given a node's `ctx`."""
        self.tree: Tree = scopes.tree
        self.scopes = scopes
        self.free: list[FreeName] = []
        self.members: list[Member] = []
        self.followed: list[Member] = []
        self.whole: list[tuple[str, int]] = []
        self.comparisons: list[Comparison] = []
        self.assigned: set[str] = set()
        self.mutated: set[str] = set()
        names = scopes.names
        self.roots: dict[int, str] = {node: names[node] for node in scopes.free}
        self.work: list[tuple[int, Chain]] = []
        """Uses of local names that stand for something, the next one last."""
        if handlers or scopes.imports:
            for row, chain in self._given(handlers):
                _Use(self, row, chain, False).take(row)
        for row in _parameters(self.tree, custom)[:1] if custom >= 0 else ():
            _Use(self, row, Chain(CONTEXT, ()), False).take(row)
        if "import" in self.tree.present:
            self.work += [(call, Chain(WORKERS, ())) for call in scopes.calls if self._loads(call)]
        self._follow_local()
        for node, name in self.roots.items():
            if _stays(self.tree, node):
                self._plain_use(node, name)
            else:
                _Use(self, node, Chain(name, ()), True).follow()
                self._follow_local()

    def _plain_use(self, node: int, name: str) -> None:
        """A free name whose value is used as a whole, and goes no further."""
        start = self.tree.starts[node]
        shorthand = self.tree.kinds[node] == "shorthand_property_identifier"
        self.free.append(FreeName(name, start, self.tree.ends[node], shorthand))
        self.whole.append((name, start))

    def _follow_local(self) -> None:
        while self.work:
            row, chain = self.work.pop()
            _Use(self, row, chain, False).follow()

    def _given(self, handlers: Sequence[int]) -> Iterator[tuple[int, Chain]]:
        """What is declared and stands for `env` from outside: parameters of handlers, imported names."""
        for function in handlers:
            listed = _parameters(self.tree, function)
            # A rest parameter holds what the second one would be given.
            second = listed[1:2] or [row for row in listed if _is_rest(self.tree, row)]
            for row in second:
                yield row, _passed(self.tree, row, Chain(ENV, ()))
        for statement in self.scopes.imports:
            source = self.tree.child(statement, "source")
            if source >= 0 and literal(self.tree, source) == WORKERS:
                yield from self._imported(statement)

    def _imported(self, statement: int) -> Iterator[tuple[int, Chain]]:
        tree = self.tree
        for row in range(statement, tree.stops[statement]):
            if tree.kinds[row] == "namespace_import":
                yield from ((name, Chain(WORKERS, ())) for name in tree.named(row))
            elif tree.kinds[row] == "import_specifier":
                name, alias = tree.child(row, "name"), tree.child(row, "alias")
                if name >= 0 and name_of(tree, name) == ENV:
                    yield (alias if alias >= 0 else name), Chain(ENV, ())

    def _loads(self, call: int) -> bool:
        """Whether it is `import("cloudflare:workers")`."""
        tree = self.tree
        arguments = tree.child(call, "arguments") if tree.kinds[call + 1] == "import" else -1
        values = tree.named(arguments) if arguments >= 0 else []
        return bool(values) and literal(tree, values[0]) == WORKERS

    def bind(self, binding: Binding, chain: Chain) -> None:
        """A local name may stand for a chain: look at its uses too."""
        if chain in binding.chains or len(binding.chains) >= MAX_CHAINS:
            return
        binding.chains.append(chain)
        self.work.extend((ref, chain) for ref in reversed(binding.refs))


class _Use:
    """One use of a name, climbing from the name outwards."""

    __slots__ = (
        *("before", "bound", "chain", "direct", "end", "flow", "free"),
        *("node", "row", "start", "stepped", "tree", "written"),
    )

    def __init__(self, flow: Flow, row: int, chain: Chain, free: bool) -> None:
        self.flow = flow
        self.tree = flow.tree
        self.row = row
        self.node = row
        self.chain = chain
        self.free = free
        self.before = chain
        self.stepped = False
        self.direct = True
        self.bound = False
        self.written = False
        """The place where the value lies is assigned, updated or deleted."""
        self.start = self.tree.starts[row]
        self.end = self.tree.ends[row]

    def follow(self) -> None:
        """Climb as long as the value is handed on, and note what happens to it on the way."""
        tree = self.tree
        for _ in range(MAX_HOPS):
            self._members()
            parent = tree.parents[self.node]
            call = self._called(parent)
            kind = tree.kinds[parent]
            self.written = kind in WRITING and self._is_written(parent, kind)
            if self.direct and self.free:
                self._note_name()
            onward = self._method(call) if call >= 0 else self._context(parent, kind)
            self._record(parent, call >= 0, onward >= 0)
            if onward < 0:
                return
            self.direct = self.stepped = self.bound = False
            self.node = onward
            self.start, self.end = tree.starts[onward], tree.ends[onward]

    def take(self, pattern: int) -> None:
        """The value is what a pattern is filled with from outside."""
        self._bind_pattern(pattern, self.chain)

    # -- climbing ------------------------------------------------------------------------------------------

    def _members(self) -> None:
        tree, kinds, parents = self.tree, self.tree.kinds, self.tree.parents
        node = self.node
        while (parent := parents[node]) >= 0:
            kind = kinds[parent]
            if kind == "member_expression" and node == parent + 1:
                self._step(name_of(tree, tree.stops[parent] - 1), parent)
            elif kind == "subscript_expression" and node == parent + 1:
                index = tree.child(parent, "index")
                self._step(key_of_index(tree, index) if index >= 0 else None, parent)
            elif not (kind == "parenthesized_expression" or (kind in WRAPPERS and node == parent + 1)):
                break
            node = parent
        self.node = node

    def _step(self, key: Step, member: int) -> None:
        self.before = self.chain
        self.chain = self.chain.step(key)
        self.stepped = True
        self.start, self.end = self.tree.starts[member], self.tree.ends[member]

    def _called(self, parent: int) -> int:
        """The call whose callee this is, or -1."""
        tree, node = self.tree, self.node
        if tree.kinds[parent] == "call_expression":
            return parent if tree.fields[node] == "function" else -1
        while parent >= 0 and tree.kinds[parent] in MISREAD and tree.stops[parent] == tree.stops[node]:
            node, parent = parent, tree.parents[parent]
            if tree.kinds[parent] == "call_expression" and tree.fields[node] == "function":
                return parent
        return -1

    # -- noting --------------------------------------------------------------------------------------------

    def _note_name(self) -> None:
        """The occurrence of a free name."""
        tree, row = self.tree, self.row
        above = tree.parents[row]
        name = FreeName(
            self.chain.root,
            tree.starts[row],
            tree.ends[row],
            tree.kinds[row].startswith("shorthand"),
            self.written and not self.stepped,
            tree.kinds[above] == "unary_expression" and tree.kinds[above + 1] == "'typeof",
        )
        self.flow.free.append(name)

    def _record(self, parent: int, call: bool, onward: bool) -> None:
        """The chain that ends here: a member, the value behind a local name, or a value as a whole."""
        chain = self.chain
        plain = not (call or onward or self.bound) and self._as_value(parent)
        if chain.path and (self.stepped or (plain and not (self.free and self.direct))):
            self._add(call, onward)
        elif not chain.path and (plain or (self.stepped and chain.open)):
            self.flow.whole.append((chain.root, self.tree.starts[self.row]))

    def _add(self, call: bool, onward: bool) -> None:
        chain = self.chain
        into = self.flow.members if self.free and self.direct else self.flow.followed
        bound = self.bound or (onward and not call)
        called = call and not chain.open
        into.append(Member(chain.root, chain.path, self.start, self.end, called, bound, chain.open))

    def _as_value(self, parent: int) -> bool:
        """Whether the value is used here, rather than the place it lies in."""
        kind = self.tree.kinds[parent]
        if kind == "new_expression" and self.tree.fields[self.node] == "constructor":
            return False
        if kind == "unary_expression" and self.tree.kinds[parent + 1] in ("'typeof", "'delete"):
            return False
        return not self.written

    # -- what stands around --------------------------------------------------------------------------------

    def _is_written(self, parent: int, kind: str) -> bool:
        """Whether the expression is a place that is assigned, updated or deleted."""
        tree, node = self.tree, self.node
        field = tree.fields[node]
        if tree.kinds[node] == "shorthand_property_identifier_pattern":
            return True
        if kind in ("assignment_expression", "augmented_assignment_expression", "for_in_statement"):
            return field == "left"
        if kind == "update_expression":
            return True
        if kind == "unary_expression":
            return tree.kinds[parent + 1] == "'delete"
        if kind in ("assignment_pattern", "object_assignment_pattern"):
            return field == "left"
        if kind == "pair_pattern":
            return field == "value"
        return kind in ("array_pattern", "rest_pattern")

    def _context(self, parent: int, kind: str) -> int:
        """What happens to the value; the row of the expression that hands it on, or -1."""
        if self.written:
            self._write()
            return -1
        look = CONTEXTS.get(kind)
        return look(self, parent) if look else -1

    def _write(self) -> None:
        if self.stepped:
            self._mutate(self.before)
        elif self.free and self.direct:
            self.flow.assigned.add(self.chain.root)

    def _mutate(self, chain: Chain) -> None:
        if not chain.copy:
            self.flow.mutated.add(chain.root)

    def _declarator(self, parent: int) -> int:
        if self.tree.fields[self.node] == "value":
            self._bind_pattern(self.tree.child(parent, "name"), self.chain)
        return -1

    def _default(self, parent: int) -> int:
        if self.tree.fields[self.node] in ("right", "value"):
            left = self.tree.child(parent, "left")
            self._bind_pattern(left if left >= 0 else self.tree.child(parent, "pattern"), self.chain)
        return -1

    def _assignment(self, parent: int) -> int:
        if self.tree.fields[self.node] == "right":
            self._bind_pattern(self.tree.child(parent, "left"), self.chain)
        return -1

    def _for_in(self, parent: int) -> int:
        tree = self.tree
        if tree.fields[self.node] == "right" and tree.has(parent, "'of"):
            element = self.chain._replace(open=True, copy=False)
            self._bind_pattern(tree.child(parent, "left"), element, loop=True)
        return -1

    def _binary(self, parent: int) -> int:
        tree = self.tree
        operator = tree.child(parent, "operator")
        word = tree.kinds[operator][1:] if operator >= 0 else ""
        if word in COMPARING:
            self._compare(parent, word)
            return -1
        right = tree.fields[self.node] == "right"
        return parent if word in ("??", "||") or (word == "&&" and right) else -1

    def _ternary(self, parent: int) -> int:
        return -1 if self.tree.fields[self.node] == "condition" else parent

    def _hand_on(self, parent: int) -> int:
        return parent

    def _sequence(self, parent: int) -> int:
        return parent if self.tree.stops[parent] == self.tree.stops[self.node] else -1

    def _spread(self, parent: int) -> int:
        """`[...x]` and `{...x}` are new, with the old elements."""
        outer = self.tree.parents[parent]
        if self.tree.kinds[outer] not in ("array", "object"):
            return -1
        self.chain = self.chain._replace(copy=True)
        return outer

    def _switch(self, parent: int) -> int:
        tree = self.tree
        body = tree.child(parent, "body")
        for case in tree.named(body) if tree.fields[self.node] == "value" else ():
            value = tree.child(case, "value")
            if value >= 0:
                self._compared("===", literal(tree, value), tree.starts[value])
        return -1

    def _compare(self, parent: int, word: str) -> None:
        tree = self.tree
        left, right = tree.child(parent, "left"), tree.child(parent, "right")
        if min(left, right) < 0:
            return
        if self.node == left:
            self._compared(word, literal(tree, right), tree.starts[parent])
        else:
            self._compared(REVERSED.get(word, word), literal(tree, left), tree.starts[parent])

    def _compared(self, word: str, value: Scalar | object, start: int) -> None:
        if value is UNKNOWN or self.chain.open or self.chain.copy:
            return
        assert value is None or isinstance(value, str | int | float)
        self.flow.comparisons.append(Comparison(self.chain.root, self.chain.path, word, value, start))

    # -- local names ---------------------------------------------------------------------------------------

    def _bind_pattern(self, pattern: int, chain: Chain, loop: bool = False) -> None:
        if pattern < 0:
            return
        tree = self.tree
        for node, path, rest in targets(tree, pattern):
            inner = self._inner(chain, path, rest)
            binding = self.flow.scopes.bound.get(node)
            if rest and not inner.path and (inner.open or inner.root != ENV):
                self.flow.whole.append((inner.root, tree.starts[node]))
            if binding is not None:
                self.flow.bind(binding, inner)
            if path and not loop:
                self._destructured(node, inner, binding is not None)
            self.bound = self.bound or binding is not None or bool(path)
        # An empty pattern reads nothing, and is no use of the value as a whole either.
        self.bound = self.bound or tree.kinds[pattern] in ("object_pattern", "array_pattern")

    @staticmethod
    def _inner(chain: Chain, path: tuple[Step, ...], rest: bool) -> Chain:
        for key in path:
            chain = chain.step(key)
        return chain._replace(copy=True) if rest else chain

    def _destructured(self, node: int, chain: Chain, bound: bool) -> None:
        tree = self.tree
        if not chain.path:
            if chain.open:
                self.flow.whole.append((chain.root, tree.starts[node]))
            return
        member = Member(chain.root, chain.path, tree.starts[node], tree.ends[node], False, bound, chain.open)
        (self.flow.members if self.free and self.direct else self.flow.followed).append(member)

    # -- calls ---------------------------------------------------------------------------------------------

    def _method(self, call: int) -> int:
        """A method called on the value: whether it writes, who gets the elements, what comes back."""
        name = self._method_name()
        if name is None:
            return -1
        base = self.before
        if not base.path and base.root in GLOBALS:
            return -1
        if name in MUTATING and base.root != "env":
            self._mutate(base)
        for parameter in CALLBACK.get(name, ()):
            self._bind_parameter(self._argument(call, 0), parameter, base._replace(open=True, copy=False))
        if name in ELEMENT:
            return self._result(call, base._replace(open=True, copy=False))
        if name in COPY:
            return self._result(call, base._replace(copy=True))
        return self._result(call, base) if name in SAME else -1

    def _result(self, call: int, chain: Chain) -> int:
        if chain.root == "env":
            return -1
        self._record_call()
        self.chain = chain
        return call

    def _record_call(self) -> None:
        """The called chain itself is noted here, for after this the chain is that of the result."""
        if self.stepped and self.chain.path:
            self._add(True, False)
        self.stepped = False
        self.bound = True

    def _method_name(self) -> str | None:
        if not self.stepped:
            return None
        tree, node = self.tree, self.node
        while tree.kinds[node] not in ("member_expression", "subscript_expression"):
            inner = tree.named(node)
            if not inner:
                return None
            node = inner[0]
        last = tree.stops[node] - 1
        return name_of(tree, last) if tree.kinds[node] == "member_expression" else None

    def _argument(self, call: int, number: int) -> int:
        arguments = self.tree.child(call, "arguments")
        if arguments < 0 or self.tree.kinds[arguments] != "arguments":
            return -1
        values = self.tree.named(arguments)
        return values[number] if number < len(values) else -1

    def _bind_parameter(self, callback: int, number: int, chain: Chain, loop: bool = True) -> None:
        """Give a parameter of a function literal, or of a function of the snippet, a chain."""
        tree = self.tree
        while callback >= 0 and tree.kinds[callback] == "parenthesized_expression":
            callback = next(iter(tree.named(callback)), -1)
        if callback < 0:
            return
        if tree.kinds[callback] == "identifier":
            binding = self.flow.scopes.bound.get(callback)
            callback = binding.function if binding is not None else -1
        if callback < 0 or tree.kinds[callback] not in FUNCTIONS:
            return
        for parameter in _parameters(tree, callback)[number : number + 1]:
            self._bind_pattern(parameter, _passed(tree, parameter, chain), loop)

    def _arguments(self, parent: int) -> int:
        """The value is passed to a call."""
        tree = self.tree
        call = tree.parents[parent]
        callee = tree.child(call, "function")
        if callee < 0:
            return -1
        first = islice(tree.children(parent), 2 * MAX_ARGUMENTS)
        position = sum(tree.kinds[child] == "'," for child in first if child < self.node)
        if position >= MAX_ARGUMENTS - 1:
            return -1
        if self.chain == Chain(ENV, ()) and self.flow.roots.get(callee) == GRAPH:
            self.bound = True  # what the graph reads of it is known
            return -1
        known = self._known(callee)
        if known in WRITERS and position == 0:
            if not self.chain.copy:
                self.flow.mutated.add(self.chain.root)
            return call
        if known in SPREADERS and position == 0:
            self.chain = self.chain._replace(copy=True)
            return call
        self._bind_parameter(callee, position, self.chain, loop=False)
        return -1

    def _known(self, callee: int) -> tuple[str, str] | None:
        """`Object.assign` as ("Object", "assign"), when `Object` is the global."""
        tree = self.tree
        if tree.kinds[callee] != "member_expression" or tree.kinds[callee + 1] != "identifier":
            return None
        if callee + 1 not in self.flow.roots:
            return None
        return self.flow.roots[callee + 1], name_of(tree, tree.stops[callee] - 1)


def _stays(tree: Tree, node: int) -> bool:
    """Whether a name stands where there is nothing to follow, so that nobody need climb."""
    kinds = tree.kinds
    parent = tree.parents[node]
    kind = kinds[parent]
    if kind != "binary_expression":
        return kind in STAYING
    operator = tree.stops[node] if node == parent + 1 else node - 1
    return kinds[operator] in ARITHMETIC and kinds[tree.parents[parent]] not in MISREADING


def _parameters(tree: Tree, function: int) -> list[int]:
    """The rows of a function's parameters."""
    single, listed = tree.child(function, "parameter"), tree.child(function, "parameters")
    if single >= 0:
        return [single]
    return tree.named(listed) if listed >= 0 else []


def _is_rest(tree: Tree, parameter: int) -> bool:
    pattern = tree.child(parameter, "pattern")
    return tree.kinds[pattern if pattern >= 0 else parameter] == "rest_pattern"


def _passed(tree: Tree, parameter: int, chain: Chain) -> Chain:
    """What a parameter holds: a rest parameter an array that the value is somewhere in."""
    return chain._replace(open=True, copy=True) if _is_rest(tree, parameter) else chain


CONTEXTS: Final = {
    "variable_declarator": _Use._declarator,
    "required_parameter": _Use._default,
    "optional_parameter": _Use._default,
    "assignment_pattern": _Use._default,
    "object_assignment_pattern": _Use._default,
    "assignment_expression": _Use._assignment,
    "augmented_assignment_expression": _Use._assignment,
    "for_in_statement": _Use._for_in,
    "binary_expression": _Use._binary,
    "ternary_expression": _Use._ternary,
    "await_expression": _Use._hand_on,
    "sequence_expression": _Use._sequence,
    "spread_element": _Use._spread,
    "switch_statement": _Use._switch,
    "arguments": _Use._arguments,
}
