"""Which names a snippet declares, and where it uses names that it does not declare.

One pass over the rows opens scopes, declares what hoists into them and notes every use; a second, over the
notes alone, resolves the uses with a stack of bindings per name. Both are linear however deep scopes nest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from stepwell.javascript.literals import key_of, name_of
from stepwell.javascript.names import KEYWORDS, is_identifier, is_name, words
from stepwell.javascript.tree import COMMENTS, Tree

TYPES: Final = words(
    """
    type_annotation asserts asserts_annotation omitting_type_annotation adding_type_annotation
    opting_type_annotation optional_type rest_type constructor_type template_type template_literal_type
    infer_type conditional_type generic_type type_predicate type_predicate_annotation type_query
    index_type_query lookup_type mapped_type_clause literal_type existential_type flow_maybe_type
    parenthesized_type predefined_type type_arguments object_type type_parameters array_type tuple_type
    readonly_type union_type intersection_type function_type interface_body interface_declaration
    type_alias_declaration function_signature method_signature abstract_method_signature index_signature
    ambient_declaration implements_clause nested_type_identifier this_type
    """
)
"""Nodes that are erased with all they hold."""

FUNCTIONS: Final = words(
    """
    function_declaration function_expression generator_function generator_function_declaration
    arrow_function method_definition
    """
)
DECLARED_FUNCTIONS: Final = frozenset({"function_declaration", "generator_function_declaration"})
FIELDS: Final = frozenset({"public_field_definition", "field_definition"})
ACCESSES: Final = frozenset({"call_expression", "member_expression", "subscript_expression", "non_null_expression"})
LOOPS: Final = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
OPERATIONS: Final = frozenset(
    {"binary_expression", "unary_expression", "await_expression", "update_expression", "as_expression"}
)
NOT_FIRST: Final = {
    "function_expression": "a function that is a statement needs a name",
    "generator_function": "a function that is a statement needs a name",
    "class": "a class that is a statement needs a name",
    "object": "a statement cannot begin with an object: put it in parentheses",
    "object_pattern": "a statement cannot begin with an object pattern: put the assignment in parentheses",
}
LEXICAL: Final = frozenset({"let", "class", "import"})
MAX_CLIMB: Final = 1000
"""How far a `break` looks up for its loop before it is let pass: the search must not be quadratic."""
MAX_PATH: Final = 64
"""Longer paths are cut: nobody writes them, and copying them again and again would be quadratic."""


class Binding:
    """A declared name. `function` is the function or class it names (or -1), `chains` what it stands for."""

    __slots__ = ("chains", "function", "kind", "name", "refs")

    def __init__(self, name: str, kind: str, function: int = -1) -> None:
        self.name = name
        self.kind = kind
        self.function = function
        self.refs: list[int] = []
        self.chains: list[object] = []


class Scope:
    """A block of the function `function` (-1: the snippet itself); its `var`s go to `home`, None for here."""

    __slots__ = ("body", "function", "home", "names", "stop", "visible")

    def __init__(self, stop: int, function: int, home: Scope | None, body: bool = False) -> None:
        self.stop = stop
        self.function = function
        self.home = home
        self.body = body
        self.names: dict[str, Binding] = {}
        self.visible = False


Step = str | int | None


def targets(tree: Tree, pattern: int) -> Iterator[tuple[int, tuple[Step, ...], bool]]:
    """The places that a pattern fills: row, path (None: a key not known), and whether it is a rest."""
    stack: list[tuple[int, tuple[Step, ...], bool]] = [(pattern, (), False)]
    while stack:
        node, path, rest = stack.pop()
        inner = _inner_targets(tree, node, path, rest)
        if inner is None:
            yield node, path, rest
        else:
            stack.extend(reversed(inner))


def _inner_targets(
    tree: Tree, node: int, path: tuple[Step, ...], rest: bool
) -> list[tuple[int, tuple[Step, ...], bool]] | None:
    kind = tree.kinds[node]
    if kind == "object_pattern":
        return [_property(tree, child, path) for child in tree.named(node)]
    if kind == "array_pattern":
        return list(_elements(tree, node, path))
    if kind in ("assignment_pattern", "object_assignment_pattern"):
        left = tree.child(node, "left")
        return [(left, path, rest)] if left >= 0 else []
    if kind == "rest_pattern":
        return [(child, path, True) for child in tree.named(node)]
    if kind in ("required_parameter", "optional_parameter"):
        inner = tree.child(node, "pattern")
        return [(inner, path, rest)] if inner >= 0 else []
    if kind in ("parenthesized_expression", "non_null_expression"):
        return [(child, path, rest) for child in tree.named(node)[:1]]
    return None


def _property(tree: Tree, node: int, path: tuple[Step, ...]) -> tuple[int, tuple[Step, ...], bool]:
    kind = tree.kinds[node]
    if kind == "pair_pattern":
        key, value = tree.child(node, "key"), tree.child(node, "value")
        return (value if value >= 0 else node), longer(path, key_of(tree, key) if key >= 0 else None), False
    if kind == "object_assignment_pattern":
        left = tree.child(node, "left")
        return node, longer(path, name_of(tree, left) if left >= 0 else None), False
    if kind == "rest_pattern":
        return node, path, True
    return node, longer(path, name_of(tree, node)), False


def _elements(tree: Tree, node: int, path: tuple[Step, ...]) -> Iterator[tuple[int, tuple[Step, ...], bool]]:
    index = 0
    for child in tree.children(node):
        kind = tree.kinds[child]
        if kind == "',":
            index += 1
        elif kind == "rest_pattern":
            yield child, path, True
        elif kind[0] != "'" and kind != "comment":
            yield child, longer(path, index), False


def longer(path: tuple[Step, ...], key: Step) -> tuple[Step, ...]:
    """A path with one key more, unless it is too long already."""
    return (*path, key) if len(path) < MAX_PATH else path


class Scopes:
    """The names of one tree, and on the way the rows that later passes look at."""

    def __init__(self, tree: Tree, module: bool, awaiting: frozenset[int] = frozenset()) -> None:
        self.tree = tree
        self.module = module
        self.awaiting = awaiting
        self.top = Scope(tree.stops[0], -1, None)
        self.stack = [self.top]
        self.notes: list[int | Scope] = []
        self.names: dict[int, str] = {}
        self.skip: set[int] = set()
        self.dark = -1
        self.bound: dict[int, Binding] = {}
        self.free: list[int] = []
        self.calls: list[int] = []
        self.awaits: list[int] = []
        self.opaque: list[int] = []
        self.imports: list[int] = []
        self.exports: list[int] = []
        self.jsx: list[int] = []
        self.returned: list[int] = []
        """The `return`s at the snippet's own level."""
        self.statements: list[int] = []
        self.faults: list[tuple[int, str, str]] = []
        """Offset, message and code."""
        self._walk()
        if "<!--" in tree.text:
            self._html_comments()
        if "\r" in tree.text:
            self._carriage_returns()
        self._resolve()

    # -- first pass ----------------------------------------------------------------------------------------

    def _walk(self) -> None:
        stack = self.stack
        stop = stack[-1].stop
        for node, handler in enumerate(map(HANDLERS.get, self.tree.kinds)):
            if handler is not None:
                while node >= stop:
                    self.notes.append(stack.pop())
                    stop = stack[-1].stop
                handler(self, node)
                stop = stack[-1].stop
        while len(stack) > 1:
            self.notes.append(stack.pop())

    def _open(self, stop: int, function: int, hoists: bool = False, body: bool = False) -> Scope:
        scope = Scope(stop, function, None if hoists else self._home(), body)
        self.stack.append(scope)
        self.notes.append(scope)
        return scope

    def _home(self) -> Scope:
        """The scope that a `var` of the current block is declared in."""
        scope = self.stack[-1]
        return scope.home or scope

    def _block(self, node: int) -> None:
        if node >= self.dark:
            self._open(self.tree.stops[node], self.stack[-1].function)

    def _statements(self, node: int) -> None:
        """A block: the body of a function collects `var`, any other only what is lexical."""
        parent = self.tree.kinds[self.tree.parents[node]]
        if parent == "class_static_block":
            self._open(self.tree.stops[node], self.tree.parents[node], hoists=True)
        else:
            body = parent in FUNCTIONS
            self._open(self.tree.stops[node], self.stack[-1].function, body, body)

    def _function(self, node: int) -> None:
        tree = self.tree
        name = tree.child(node, "name")
        kind = tree.kinds[node]
        if kind == "arrow_function":
            self._operand(node)
            self._arrow(node)
        if name >= 0 and kind in DECLARED_FUNCTIONS:
            self._declare(name, "function", self.stack[-1], node)
        scope = self._open(tree.stops[node], node, hoists=True)
        if kind == "arrow_function":
            single = tree.child(node, "parameter")
            if single >= 0:
                self._declare(single, "param", scope)
            return
        scope.names["arguments"] = Binding("arguments", "param")
        if name >= 0 and kind not in DECLARED_FUNCTIONS:
            self._declare(name, "own", scope, node)

    def _parameters(self, node: int) -> None:
        tree = self.tree
        parent = tree.parents[node]
        if node < self.dark or tree.kinds[parent] not in FUNCTIONS:
            return
        if tree.kinds[parent] == "method_definition":
            scope = self._open(tree.stops[parent], parent, hoists=True)
            scope.names["arguments"] = Binding("arguments", "param")
        for child in tree.named(node):
            self._declare_pattern(child, "param", self.stack[-1])

    def _field(self, node: int) -> None:
        self._open(self.tree.stops[node], node, hoists=True)

    def _class_declaration(self, node: int) -> None:
        name = self.tree.child(node, "name")
        if name >= 0 and node >= self.dark:
            self._declare(name, "class", self.stack[-1], node)

    def _class(self, node: int) -> None:
        scope = self._open(self.tree.stops[node], self.stack[-1].function)
        name = self.tree.child(node, "name")
        if name >= 0:
            self._declare(name, "own", scope, node)

    def _declarator(self, node: int) -> None:
        tree = self.tree
        if node < self.dark or tree.child(node, "name") < 0:
            return
        name, value = tree.child(node, "name"), tree.child(node, "value")
        parent = tree.parents[node]
        function = value if value >= 0 and tree.kinds[value] in FUNCTIONS else -1
        if tree.kinds[parent] == "variable_declaration":
            self._declare_pattern(name, "var", self._home())
        else:
            constant = tree.kinds[parent + 1] == "'const"
            if constant and value < 0:
                self._fault(name, f"{shown(tree.slice(name))} is a constant and needs a value", "constant")
            self._declare_pattern(name, "let", self.stack[-1], function if constant else -1)

    def _for_in(self, node: int) -> None:
        tree = self.tree
        self._open(tree.stops[node], self.stack[-1].function)
        kind, left = tree.child(node, "kind"), tree.child(node, "left")
        if kind >= 0 and left >= 0:
            if tree.kinds[kind] == "'var":
                self._declare_pattern(left, "var", self._home())
            else:
                self._declare_pattern(left, "let", self.stack[-1])
        if tree.has(node, "'await"):
            self._await(node)

    def _catch(self, node: int) -> None:
        scope = self._open(self.tree.stops[node], self.stack[-1].function)
        parameter = self.tree.child(node, "parameter")
        if parameter >= 0:
            self._declare_pattern(parameter, "catch", scope)

    def _named(self, node: int) -> None:
        """An enum or a namespace: a value with a name; both may be declared more than once."""
        name = self.tree.child(node, "name")
        if name >= 0 and node >= self.dark and self.tree.kinds[name] == "identifier":
            self._declare(name, "merging", self.stack[-1])

    def _import(self, node: int) -> None:
        tree = self.tree
        self.imports.append(node)
        if tree.parents[node] != 0:
            self._fault(node, "an import must stand at the top level", "import")
        for row in range(node, tree.stops[node]):
            kind = tree.kinds[row]
            if kind == "identifier" and tree.kinds[tree.parents[row]] != "import_specifier":
                self._declare(row, "import", self.top)
            elif kind == "import_specifier":
                self._import_specifier(row)

    def _import_specifier(self, node: int) -> None:
        tree = self.tree
        name, alias = tree.child(node, "name"), tree.child(node, "alias")
        self.skip.add(name)
        if (local := alias if alias >= 0 else name) >= 0:
            self._declare(local, "import", self.top)

    def _export(self, node: int) -> None:
        tree = self.tree
        outer = tree.parents[tree.parents[node]] if tree.parents[node] else 0
        if tree.kinds[outer] in ("internal_module", "module"):
            return
        self.exports.append(node)
        if tree.parents[node] != 0:
            self._fault(node, "an export must stand at the top level", "export")

    def _export_specifier(self, node: int) -> None:
        tree = self.tree
        self.skip.add(tree.child(node, "alias"))
        if tree.child(tree.parents[tree.parents[node]], "source") >= 0:
            self.skip.add(tree.child(node, "name"))

    def _namespace_export(self, node: int) -> None:
        self.skip.update(range(node, self.tree.stops[node]))

    def _jsx(self, node: int) -> None:
        tree = self.tree
        if tree.kinds[node] != "jsx_closing_element":
            self.jsx.append(node)
        name = tree.child(node, "name")
        if name >= 0:
            self.skip.update(range(name, tree.stops[name]))

    def _identifier(self, node: int) -> None:
        if node >= self.dark and node not in self.skip:
            name = self.names[node] = name_of(self.tree, node)
            self.notes.append(node)
            if not _is_plain(name):
                self._check_name(node, name)

    def _call(self, node: int) -> None:
        self.calls.append(node)

    def _expression(self, node: int) -> None:
        first = node
        while self.tree.stops[first] > first + 1 and self.tree.starts[first + 1] == self.tree.starts[node]:
            first += 1
            if (kind := self.tree.kinds[first]) in NOT_FIRST:
                self._fault(node, NOT_FIRST[kind], "statement")
                return
        if self.tree.kinds[node + 1] in ("call_expression", "parenthesized_expression"):
            self.statements.append(node + 1)

    def _comment(self, node: int) -> None:
        self.opaque.append(node)
        if self.tree.kinds[node] == "html_comment":
            self._fault(node, "`<!--` and `-->` are not comments in a module; use `//`", "html-comment")

    def _carriage_returns(self) -> None:
        """A carriage return ends a line, and so a string; tree-sitter thinks only of line feeds."""
        for node in self.opaque:
            kind = self.tree.kinds[node]
            if kind not in ("string", "regex"):
                continue
            if "\r" in self.tree.slice(node).replace("\\\r", ""):
                self._fault(node, f"the {kind} is not closed on its line", "newline")

    def _html_comments(self) -> None:
        """TypeScript's grammar reads `<!--` as operators; engines refuse it in modules."""
        for node, kind in enumerate(self.tree.kinds):
            if kind == "'<" and self.tree.text.startswith("<!--", self.tree.starts[node]):
                self._fault(node, "`<!--` and `-->` are not comments in a module; use `//`", "html-comment")

    def _opaque(self, node: int) -> None:
        self.opaque.append(node)

    def _type(self, node: int) -> None:
        self.dark = max(self.dark, self.tree.stops[node])

    def _template_type(self, node: int) -> None:
        self.opaque.append(node)
        self.dark = max(self.dark, self.tree.stops[node])

    def _hashbang(self, node: int) -> None:
        self._fault(node, "unexpected `#!`", "syntax")

    def _try(self, node: int) -> None:
        if self.tree.child(node, "handler") < 0 and self.tree.child(node, "finalizer") < 0:
            self._fault(node, "a `try` needs a `catch` or a `finally`", "try")

    def _nullish(self, token: int) -> None:
        """`a ?? b || c` has no meaning without parentheses."""
        tree = self.tree
        parent = tree.parents[token]
        for node in (tree.parents[parent], *tree.named(parent)):
            if tree.kinds[node] == "binary_expression" and (tree.has(node, "'||") or tree.has(node, "'&&")):
                self._fault(token, "`??` beside `||` or `&&` needs parentheses", "mixed")
                return

    def _commas(self, node: int) -> None:
        """Arguments and properties, unlike elements of an array, cannot be left out."""
        tree = self.tree
        if "'," not in tree.present:
            return
        before = ""
        for child in tree.children(node):
            kind = tree.kinds[child]
            if kind == "'," and before in ("',", "'(", "'{"):
                self._fault(child, "unexpected `,`: something is missing before it", "comma")
            before = before if kind in COMMENTS else kind

    def _operand(self, node: int) -> None:
        """What binds weaker than an operator cannot be its operand: `!a = b`, `a || x => y`."""
        tree = self.tree
        parent = tree.parents[node]
        kind = tree.kinds[parent]
        called = tree.kinds[node] == "arrow_function" and kind in ACCESSES and node == parent + 1
        condition = kind == "ternary_expression" and tree.fields[node] == "condition"
        if called or condition or kind in OPERATIONS:
            self._fault(node, f"{shown(tree.slice(node))} needs parentheses here", "operand")

    def _update(self, node: int) -> None:
        """`a`, a new line, `++`: JavaScript ends the statement after `a`."""
        tree = self.tree
        if tree.kinds[node + 1] not in ("'++", "'--"):
            self._same_line(tree.ends[node + 1], tree.ends[node], "the `++` or `--`")

    def _throw(self, node: int) -> None:
        values = self.tree.named(node)
        if values:
            self._same_line(self.tree.starts[node], self.tree.starts[values[0]], "what is thrown")

    def _arrow(self, node: int) -> None:
        """No new line after `async` nor before `=>`."""
        tree = self.tree
        before = node + 1
        for child in tree.children(node):
            if tree.kinds[before] == "'async" or tree.kinds[child] == "'=>":
                self._same_line(tree.ends[before], tree.starts[child], shown(tree.slice(child)))
            before = child

    def _same_line(self, start: int, end: int, what: str) -> None:
        between = self.tree.text[start:end]
        if "\n" in between or "\r" in between:
            self.faults.append((end, f"a new line cannot stand before {what}", "newline"))

    def _label(self, node: int) -> None:
        self._check_name(node, name_of(self.tree, node))

    def _super(self, node: int) -> None:
        """`super` belongs to the innermost function that is no arrow: a method, a field, a static block."""
        for scope in self.stack[-MAX_CLIMB:][::-1]:
            kind = self.tree.kinds[scope.function] if scope.function >= 0 else ""
            if kind == "arrow_function":
                continue
            if not kind or kind in FUNCTIONS - {"method_definition"}:
                self._fault(node, "`super` stands outside a method", "super")
            return

    def _delete(self, token: int) -> None:
        if self.tree.kinds[self.tree.stops[token]] == "identifier":
            self._fault(token, "a name cannot be deleted, only a property can", "strict")

    def _with(self, node: int) -> None:
        self._fault(node, "`with` is not allowed in modules", "strict")

    def _number(self, node: int) -> None:
        text = self.tree.slice(node)
        if len(text) > 1 and text[0] == "0" and text[1].isdigit():
            self._fault(node, f"`{text[:20]}`: a number cannot begin with a zero", "strict")

    def _return(self, node: int) -> None:
        function = self.stack[-1].function
        if function == -1:
            self.returned.append(node)
        outside = function == -1 and self.module
        if outside or (function >= 0 and self.tree.kinds[function] not in FUNCTIONS):
            self._fault(node, "`return` stands outside a function", "return")

    def _await(self, node: int) -> None:
        self.awaits.append(node)
        function = self.stack[-1].function
        if function < 0 or self.tree.starts[function] in self.awaiting:
            return
        if self.tree.kinds[function] not in FUNCTIONS or not self.tree.has(function, "'async"):
            self._fault(node, "`await` stands in a function that is not `async`", "await")

    def _yield(self, node: int) -> None:
        self._operand(node)
        function = self.stack[-1].function
        if function < 0 or not self._generates(function):
            self._fault(node, "`yield` stands outside a generator function", "yield")

    def _generates(self, function: int) -> bool:
        return self.tree.kinds[function].startswith("generator") or self.tree.has(function, "'*")

    def _jump(self, node: int) -> None:
        """`break` and `continue` without a label need a loop (or a switch) in the same function."""
        tree = self.tree
        if tree.child(node, "label") >= 0 or self._may_jump(node, tree.kinds[node] == "break_statement"):
            return
        word = tree.kinds[node].removesuffix("_statement")
        self._fault(node, f"`{word}` stands outside a loop", "jump")

    def _may_jump(self, node: int, switch: bool) -> bool:
        kinds, parents = self.tree.kinds, self.tree.parents
        function = self.stack[-1].function
        for _ in range(MAX_CLIMB):
            node = parents[node]
            if node <= function:
                return False
            if kinds[node] in LOOPS or (switch and kinds[node] == "switch_statement"):
                return True
        return True

    # -- declaring -----------------------------------------------------------------------------------------

    def _declare_pattern(self, pattern: int, kind: str, scope: Scope, function: int = -1) -> None:
        for node, _, _ in targets(self.tree, pattern):
            if self.tree.kinds[node] in ("identifier", "shorthand_property_identifier_pattern"):
                self._declare(node, kind, scope, function)

    def _declare(self, node: int, kind: str, scope: Scope, function: int = -1) -> None:
        name = name_of(self.tree, node)
        self.skip.add(node)
        self._check_name(node, name)
        known = scope.names.get(name)
        if known is None:
            known = scope.names[name] = Binding(name, kind, function)
            if scope.body and kind in LEXICAL:
                known = self.stack[-2].names.get(name, known) if len(self.stack) > 1 else known
                self._clash(node, name, known.kind if known.kind == "param" else "", kind)
        else:
            self._clash(node, name, known.kind, kind)
            known.function = -1
        self.bound[node] = scope.names[name]

    def _clash(self, node: int, name: str, old: str, new: str) -> None:
        if not old or "own" in (old, new) or "merging" in (old, new) or name == "arguments":
            return
        if old in LEXICAL or new in LEXICAL:
            self._fault(node, f"`{name}` is declared twice", "twice")

    def _check_name(self, node: int, name: str) -> None:
        if _is_plain(name) or is_name(name) or not name:
            return
        if is_identifier(name):
            self._fault(node, f"unexpected `{name}`: the word is reserved", "keyword")
        else:
            at = _odd(name)
            self.faults.append((self.tree.starts[node] + at, f"unexpected {shown(name[at])}", "character"))

    def _fault(self, node: int, message: str, code: str) -> None:
        self.faults.append((self.tree.starts[node], message, code))

    # -- second pass ---------------------------------------------------------------------------------------

    def _resolve(self) -> None:
        if not self.top.names and len(self.notes) == len(self.names):
            self.free = list(self.names)  # there are uses alone, and nothing that could be used
            return
        visible: dict[str, list[Binding]] = {}
        self._toggle(self.top, visible)
        for note in self.notes:
            if isinstance(note, Scope):
                self._toggle(note, visible)
                continue
            stack = visible.get(self.names[note])
            if stack:
                stack[-1].refs.append(note)
                self.bound[note] = stack[-1]
            else:
                self.free.append(note)

    def _toggle(self, scope: Scope, visible: dict[str, list[Binding]]) -> None:
        scope.visible = not scope.visible
        for name, binding in scope.names.items():
            if scope.visible:
                visible.setdefault(name, []).append(binding)
            else:
                visible[name].pop()


def _is_plain(name: str) -> bool:
    """What nearly all names are, of which there is no more to ask."""
    return name.isascii() and name not in KEYWORDS and (name.isidentifier() or name.replace("$", "_").isidentifier())


def _odd(name: str) -> int:
    """Where the first character stands that cannot be part of a name."""
    return next((at for at, ch in enumerate(name) if not is_name("a" + ch if at else ch)), 0)


def shown(token: str) -> str:
    """A piece of code as a message shows it."""
    if not token.isprintable():
        return " ".join(f"U+{ord(ch):04X}" for ch in token[:4])
    return f"`{token[:40]}`"


Handler = Callable[[Scopes, int], None]
ROWS: Final[dict[str, Handler]] = {
    "identifier": Scopes._identifier,
    "shorthand_property_identifier": Scopes._identifier,
    "shorthand_property_identifier_pattern": Scopes._identifier,
    "statement_block": Scopes._statements,
    "switch_body": Scopes._block,
    "for_statement": Scopes._block,
    "for_in_statement": Scopes._for_in,
    "catch_clause": Scopes._catch,
    "formal_parameters": Scopes._parameters,
    "public_field_definition": Scopes._field,
    "field_definition": Scopes._field,
    "class_declaration": Scopes._class_declaration,
    "abstract_class_declaration": Scopes._class_declaration,
    "class": Scopes._class,
    "variable_declarator": Scopes._declarator,
    "enum_declaration": Scopes._named,
    "internal_module": Scopes._named,
    "module": Scopes._named,
    "import_statement": Scopes._import,
    "export_statement": Scopes._export,
    "export_specifier": Scopes._export_specifier,
    "namespace_export": Scopes._namespace_export,
    "jsx_opening_element": Scopes._jsx,
    "jsx_closing_element": Scopes._jsx,
    "jsx_self_closing_element": Scopes._jsx,
    "call_expression": Scopes._call,
    "new_expression": Scopes._call,
    "expression_statement": Scopes._expression,
    "await_expression": Scopes._await,
    "yield_expression": Scopes._yield,
    "return_statement": Scopes._return,
    "break_statement": Scopes._jump,
    "continue_statement": Scopes._jump,
    "with_statement": Scopes._with,
    "assignment_expression": Scopes._operand,
    "augmented_assignment_expression": Scopes._operand,
    "update_expression": Scopes._update,
    "throw_statement": Scopes._throw,
    "try_statement": Scopes._try,
    "'??": Scopes._nullish,
    "arguments": Scopes._commas,
    "object": Scopes._commas,
    "object_pattern": Scopes._commas,
    "statement_identifier": Scopes._label,
    "super": Scopes._super,
    "'delete": Scopes._delete,
    "number": Scopes._number,
    "string": Scopes._opaque,
    "template_string": Scopes._opaque,
    "template_literal_type": Scopes._template_type,
    "regex": Scopes._opaque,
    "comment": Scopes._comment,
    "html_comment": Scopes._comment,
    "hash_bang_line": Scopes._hashbang,
}
HANDLERS: Final[dict[str, Handler]] = {
    **dict.fromkeys(TYPES, Scopes._type),
    **ROWS,
    **dict.fromkeys(FUNCTIONS - {"method_definition"}, Scopes._function),
}
