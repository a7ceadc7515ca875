"""Reads the text of fields into values: expressions, interpolations, JSON with expressions in it, code.

A `FieldReader` reads one node at a time. Whatever cannot be read becomes a finding and a harmless value.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepwell.check.scope import SCAFFOLD, Scope
from stepwell.check.values import Arr, CodeValue, Hole, Lit, NamedUse, Obj, Ref, Text, Use, Value
from stepwell.diagnostics import Code, Diagnostic, SnippetPosition, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph.expressions import Malformed, Reference, Scanner
from stepwell.javascript import Facts, FreeName, Kind, parse
from stepwell.javascript.code import half_pair
from stepwell.javascript.facts import position as place_in
from stepwell.javascript.names import GLOBALS, is_identifier

_OF_CODE = frozenset({c.SYNTAX, c.NOT_ONE_EXPRESSION, c.EXPRESSION_IN_STRING, c.UNKNOWN_NAME})
"""Findings that a text has only when it is read as code."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def hole_name(number: int, length: int) -> str:
    """An identifier of exactly `length` characters (at least 5: `{{a}}`), another one for each number."""
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return ("$" + digits).ljust(length, "$")


class FieldReader:
    """Reads the fields of the node `vertex`; findings are added to `found`, texts to `sources`."""

    def __init__(
        self,
        scope: Scope,
        scanner: Scanner,
        vertex: int,
        base: str,
        found: list[Diagnostic],
        sources: dict[str, str],
        known: frozenset[str] = frozenset(),
        locals_of: Mapping[str, str] | None = None,
        turn_of: int | None = None,
    ) -> None:
        self.scope, self.scanner = scope, scanner
        self.found, self.sources = found, sources
        self.known = known
        self.locals_of = locals_of or {}
        self._base = base
        self._said: set[tuple[str, str, str, SnippetPosition | None]] = set()
        self.enter(vertex, turn_of)

    def enter(self, vertex: int, turn_of: int | None = None) -> None:
        """Go on with another node."""
        self.vertex = vertex
        self.node = self.scope.flow.nodes[vertex]
        self.base = f"{self._base}/nodes/{vertex}/data"
        self.turn_of = turn_of

    # -- findings ---------------------------------------------------------------------------------

    def say(
        self, code: Code, message: str, at: str, hint: str | None = None, text: str | None = None, offset: int = 0
    ) -> None:
        """A finding at the field `at`, and at `offset` of its `text` where that holds code. Said once for one place."""
        place = SnippetPosition(*place_in(text, offset)) if text is not None else None
        self._add(Diagnostic(code, message, at, self.node.id, hint, place))

    def _add(self, finding: Diagnostic) -> None:
        key = (finding.code.id, finding.pointer, finding.message, finding.snippet)
        if key not in self._said:
            self._said.add(key)
            self.found.append(finding)

    # -- references -------------------------------------------------------------------------------

    def reference(self, reference: Reference, at: str, text: str | None = None) -> Ref:
        """The value of an expression, a harmless one where it is wrong. `text` is the code it stands in, if any."""
        use, path, fault = self._root(reference)
        default: Value | None = None
        if isinstance(reference.default, tuple):
            default = Lit(reference.default[0])
        elif reference.default is not None:
            default = self.reference(reference.default, at, text)
        if fault is not None and not (fault is c.POSSIBLE_REFERENCE and default is not None):
            target = self.scope.ids.get(reference.root)
            finding = self.scope.explain(fault, reference.root, target, self.vertex, at, _defaulted(reference))
            place = SnippetPosition(*place_in(text, reference.start)) if text is not None else None
            self._add(replace(finding, snippet=place))
        # Of what starts a run nothing is known, so nothing more is said of a reference that is wrong.
        return Ref(use or Use("trigger"), path, default, reference.optional)

    def _knows(self, root: str) -> bool:
        """Whether an expression's root means anything here."""
        if root in self.scope.ids or root == "trigger":
            return True
        return self.scope.local(root, self.vertex, self.turn_of) is not None

    def _root(self, reference: Reference) -> tuple[Use | None, tuple[str | int, ...], Code | None]:
        root, path = reference.root, reference.path
        target = self.scope.ids.get(root)
        if target is not None:
            if (
                path
                and path[0] == "error"
                and self.scope.flow.shape(target) == "try"
                and self.scope.in_catch_of(self.vertex, target)
            ):
                return Use("error", target), path[1:], None
            use, fault = self.scope.node_use(target, self.vertex, self.turn_of)
            return use, path, fault
        if root == "trigger":
            return Use("trigger"), path, None
        local = self.scope.local(root, self.vertex, self.turn_of)
        return (local, path, None) if local else (None, path, c.UNKNOWN_REFERENCE)

    # -- text ------------------------------------------------------------------------------------

    def value(self, value: Any, at: str, key: str) -> Value:
        """Any JSON value with expressions in its strings. Not recursive beyond the depth of JSON (200)."""
        if isinstance(value, str):
            return self.text(value, at, key)
        if isinstance(value, dict):
            return Obj(tuple((k, self.value(v, at + pointer(k), f"{key}/{k}")) for k, v in value.items()))
        if isinstance(value, list):
            return Arr(tuple(self.value(v, at + pointer(i), f"{key}/{i}") for i, v in enumerate(value)))
        return Lit(value)

    def text(self, text: str, at: str, key: str) -> Value:
        """A string field: one expression is its value, in longer text it is interpolated."""
        if "{{" not in text and "${" not in text:
            return Lit(text)
        found, escapes = self.scanner.scan(text)
        if len(found) == 1 and isinstance(found[0], Reference) and (found[0].start, found[0].end) == (0, len(text)):
            return self.reference(found[0], at)
        return self._template(text, found, escapes, at, key)

    def _template(
        self, text: str, found: Sequence[Reference | Malformed], escapes: list[int], at: str, key: str
    ) -> Value:
        parts: list[str | Value] = []
        by_start = {f.start: f for f in found}
        skip = set(escapes)
        position, literal = 0, ""
        while position < len(text):
            expression = by_start.get(position)
            if isinstance(expression, Reference):
                parts += [literal, self.reference(expression, at)]
                literal, position = "", expression.end
            elif isinstance(expression, Malformed):
                self.say(
                    c.BAD_EXPRESSION,
                    f"`{text[expression.start : expression.end]}` cannot be read: {expression.reason}",
                    at,
                )
                position = expression.end
            elif text.startswith("\\${", position):
                literal, position = literal + "${", position + 3
            elif text.startswith("${", position):
                code, end = self._interpolation(text, position, at, key)
                if code is not None:
                    parts += [literal, code]
                    literal = ""
                position = end
            else:
                literal += "" if position in skip else text[position]
                position += 1
        parts.append(literal)
        kept = tuple(p for p in parts if p != "")
        return (
            Lit("".join(p for p in kept if isinstance(p, str))) if all(isinstance(p, str) for p in kept) else Text(kept)
        )

    def _interpolation(self, text: str, start: int, at: str, key: str) -> tuple[CodeValue | None, int]:
        """The code of `${…}` at `start`, and where it ends: at the first brace with which it parses."""
        prepared, expressions = self._punch(text, start + 2)
        end = prepared.find("}", start + 2)
        tries = 0
        while end >= 0 and tries < 64:
            facts = parse(prepared[start + 2 : end], Kind.EXPRESSION)
            if not facts.faults:
                inside = [e for e in expressions if e.end <= end]
                return self._code_value(facts, inside, at, key, text, start + 2), end + 1
            end = prepared.find("}", end + 1)
            tries += 1
        if not self._unknown_roots(text, at, begin=start + 2):
            self.say(
                c.BAD_EXPRESSION,
                "what stands in `${…}` is not one JavaScript expression",
                at,
                "write `\\${` where the characters themselves are meant",
                text,
                start,
            )
        return None, len(text)

    # -- code ------------------------------------------------------------------------------------

    def code(self, text: str, kind: Kind, at: str, key: str) -> CodeValue:
        """A body or an expression of code, its holes and names resolved, its faults reported."""
        prepared, expressions = self._punch(text)
        facts = parse(_unescaped(prepared, text, kind) if "\\{{" in text else prepared, kind)
        if facts.faults and self._unknown_roots(text, at, facts.opaque):
            return self._code_value(facts, expressions, at, key, text)
        for fault in facts.faults[:5]:
            if half_pair(text) >= 0:
                self.say(
                    c.LONE_SURROGATE,
                    "the code holds half a surrogate pair, which no source file can",
                    at,
                    "write its escape (`\\ud83d`), or the whole character",
                    text,
                    fault.start,
                )
                break
            code = c.SYNTAX if kind is Kind.BODY or fault.code == "syntax" else c.NOT_ONE_EXPRESSION
            message = fault.message
            for expression in expressions:
                span = slice(expression.start, expression.end)
                message = message.replace(prepared[span], text[span])
            self.say(code, message, at, _statement_hint(code, text), text, fault.start)
        return self._code_value(facts, expressions, at, key, text)

    def _unknown_roots(self, text: str, at: str, opaque: Sequence[tuple[int, int, str]] = (), begin: int = 0) -> bool:
        """Whether code that does not parse holds braces of an unknown root, which is then what is wrong."""
        unknown = [
            f
            for f in self.scanner.scan(text)[0]
            if f.start >= begin
            and isinstance(f, Reference)
            and not self._knows(f.root)
            and not any(start <= f.start < end and kind == "comment" for start, end, kind in opaque)
        ]
        for reference in unknown:
            self.reference(reference, at, text)
        return bool(unknown)

    def _punch(self, text: str, begin: int = 0) -> tuple[str, list[Reference | Malformed]]:
        """`text` with each of our expressions from `begin` on replaced by an identifier of the same length.

        Also those that cannot be read: they are one fault, not a second one of the code around them.
        """
        expressions: list[Reference | Malformed] = []
        if "{{" not in text:
            return text, expressions
        found, escapes = self.scanner.scan(text)
        pieces: list[str] = []
        position = 0
        for expression in found:
            unknown = isinstance(expression, Reference) and not self._knows(expression.root)
            if expression.start < begin or unknown:
                continue
            pieces.append(text[position : expression.start])
            pieces.append(hole_name(len(expressions), expression.end - expression.start))
            position = expression.end
            expressions.append(expression)
        pieces.append(text[position:])
        prepared = "".join(pieces)
        for escape in escapes:
            prepared = prepared[:escape] + " " + prepared[escape + 1 :]
        return prepared, expressions

    def _code_value(
        self,
        facts: Facts,
        expressions: Sequence[Reference | Malformed],
        at: str,
        key: str,
        text: str,
        begin: int = 0,
    ) -> CodeValue:
        """Code that stands in the field's `text` from `begin` on, and the expressions in it."""
        source = f"nodes/{self.node.id}/{key}"
        self.sources[source] = text
        holes = self._holes(facts, expressions, at, text, begin) if expressions else ()
        names = self._names(facts, [expression.start - begin for expression in expressions], at, text, begin)
        line, column = place_in(text, begin) if begin else (1, 1)
        return CodeValue(facts, source, at, (line - 1, column - 1), holes, names, begin)

    def _names(self, facts: Facts, holes: Sequence[int], at: str, text: str, begin: int) -> tuple[NamedUse, ...]:
        """The free names that stand for something of the graph; those that begin or hold one of the `holes` do not."""
        wrong = {fault.start for fault in facts.faults} if facts.faults else ()
        named = []
        for name in facts.free:
            start, end = name.start, name.end
            after = bisect_left(holes, start) if holes else 0
            if start in wrong or (after < len(holes) and holes[after] < end):
                continue
            use = self._named(name, at, text, begin + start, facts.defaulted)
            if use is not None:
                named.append(use)
        return tuple(named)

    def _holes(
        self, facts: Facts, expressions: Sequence[Reference | Malformed], at: str, text: str, begin: int
    ) -> tuple[Hole, ...]:
        """The expressions that stand where one can; findings for the others. What a comment holds is nothing."""
        free = {name[1:3] for name in facts.free}  # where they begin and end
        kept = []
        for expression in expressions:
            start, end = expression.start - begin, expression.end - begin
            inside = next((kind for s, e, kind in facts.opaque if s <= start < e), None) if facts.opaque else None
            if inside == "comment":
                continue
            if isinstance(expression, Malformed):
                self.say(
                    c.BAD_EXPRESSION,
                    f"`{text[expression.start : expression.end]}` cannot be read: {expression.reason}",
                    at,
                    None,
                    text,
                    expression.start,
                )
                continue
            ref = self.reference(expression, at, text)
            if (start, end) in free:
                kept.append(Hole(start, end, ref))
            elif inside in ("string", "template"):
                self.say(
                    c.EXPRESSION_IN_STRING,
                    "an expression stands inside a string of code, where it would be plain text",
                    at,
                    "use a template literal: `` `… ${{{node.path}}} …` ``",
                    text,
                    expression.start,
                )
            elif not facts.faults:
                self.say(
                    c.BAD_EXPRESSION,
                    "an expression cannot stand here",
                    at,
                    "it stands where a value can",
                    text,
                    expression.start,
                )
        return tuple(kept)

    def _named(self, name: FreeName, at: str, text: str, start: int, defaulted: frozenset[int]) -> NamedUse | None:
        """What a free name of code, at `start` of the field's text, stands for in the graph, if anything."""
        local = self.scope.local(name.name, self.vertex, self.turn_of)
        if local is not None:
            return NamedUse(name, local)
        if name.name in GLOBALS or name.name in SCAFFOLD or name.name in self.known or name.name == "step":
            return None
        target = self.scope.node_named(name.name)
        if target is not None and self.scope.flow.kinds[target].value and not (target == self.vertex and name.write):
            use, fault = self.scope.node_use(target, self.vertex, self.turn_of)
            if fault is not None and not (fault is c.POSSIBLE_REFERENCE and name.start in defaulted):
                default = f'{name.name} ?? "none"'
                explained = self.scope.explain(fault, name.name, target, self.vertex, at, default)
                self._add(replace(explained, snippet=SnippetPosition(*place_in(text, start))))
            return NamedUse(name, use) if use else None
        if name.typeof:
            return None
        if name.name == "_output":
            self.say(
                c.OUTPUT_OUTSIDE,
                "`_output` stands outside a loop",
                at,
                "it belongs to the loop around a step",
                text,
                start,
            )
        elif name.name in self.locals_of and self.locals_of[name.name] != self.node.id:
            owner = self.locals_of[name.name]
            self.say(
                c.INLINE_LOCAL,
                f"`{name.name}` is local to the body of `{owner}`",
                at,
                f"return it there, and read `{{{{{owner}}}}}`",
                text,
                start,
            )
        else:
            said, hint = f"`{name.name}` is not known here", self.scope.suggestion(name.name, self.vertex)
            place = SnippetPosition(*place_in(text, start))
            self._add(Diagnostic(c.UNKNOWN_NAME, said, at, self.node.id, hint, place, subject=name.name))
        return None

    # -- fields that are one of several things ----------------------------------------------------------

    def expression(self, value: Any, at: str, key: str) -> Value:
        """A field that is exactly one expression: `{{…}}`, or code; a JSON value that is no text is itself."""
        if not isinstance(value, str):
            return self.value(value, at, key)
        found, _ = self.scanner.scan(value) if "{{" in value else ([], [])
        trimmed = value.strip()
        if len(found) == 1 and isinstance(found[0], Reference) and value[found[0].start : found[0].end] == trimmed:
            return self.reference(found[0], at, value)
        return self.code(value, Kind.EXPRESSION, at, key)

    def payload(self, value: Any, at: str, key: str) -> Value:
        """The body of a request, the input of a child: a value, JSON text with expressions, or one expression."""
        if not isinstance(value, str):
            return self.value(value, at, key)
        found, _ = self.scanner.scan(value) if "{{" in value else ([], [])
        if (
            len(found) == 1
            and isinstance(found[0], Reference)
            and value[found[0].start : found[0].end] == value.strip()
        ):
            return self.reference(found[0], at)
        parsed = self.json_text(value, found)
        if parsed is not None:
            return self.value(parsed[0], at, key)
        before = len(self.found)
        code = self.code(value, Kind.EXPRESSION, at, key)
        said = self.found[before:]
        if code.facts.faults:
            # Only what its expressions lack is still a fault where the text is no code.
            self.found[before:] = [one for one in said if one.code not in _OF_CODE]
        if code.facts.faults and not any(one.code is c.UNKNOWN_REFERENCE for one in said):
            self.say(
                c.BAD_BODY,
                f"this is neither JSON nor one JavaScript expression: {code.facts.faults[0].message}",
                at,
                'text is written as a JavaScript string: "…", or `… ${…}` with expressions in it',
                value,
                code.facts.faults[0].start,
            )
        return code

    def json_text(self, text: str, found: Sequence[Reference | Malformed]) -> tuple[Any] | None:
        """The value of JSON text once each of its expressions is taken for a value; None when it is not JSON."""
        if not text.lstrip().startswith(("{", "[", '"')) or text.lstrip().startswith("{{"):
            return None
        pieces, position, inside = [], 0, False
        for expression in found:
            before = text[position : expression.start]
            inside = _in_string(before, inside)
            braces = json.dumps(text[expression.start : expression.end])
            pieces += [before, braces[1:-1] if inside else braces]
            position = expression.end
        try:
            return (json.loads("".join(pieces) + text[position:]),)
        except (ValueError, RecursionError):
            return None


def _defaulted(reference: Reference) -> str:
    """An expression with a default, as one would write it."""
    path = "".join(f".{key}" if is_identifier(str(key)) else f"[{json.dumps(key)}]" for key in reference.path)
    return f'{{{{{reference.root}{path} ?? "none"}}}}'


def _statement_hint(code: Code, text: str) -> str | None:
    """For a condition that is written as the statement it will become a part of."""
    found = re.match(r"\s*(if|while|return)\b", text) if code is c.NOT_ONE_EXPRESSION else None
    return f"write the expression alone, without `{found[1]}`" if found else None


def _unescaped(prepared: str, text: str, kind: Kind) -> str:
    """The backslashes of `\\{{` back where they stand in a string or a template: there JavaScript drops them itself."""
    at = [i for i in range(text.find("\\{{"), len(text)) if text.startswith("\\{{", i)] if "\\{{" in text else []
    opaque = parse(prepared, kind).opaque if at else ()
    for escape in at:
        if any(start <= escape < end and what != "comment" for start, end, what in opaque):
            prepared = prepared[:escape] + "\\" + prepared[escape + 1 :]
    return prepared


def _in_string(text: str, inside: bool) -> bool:
    """Whether JSON text that began `inside` a string (or not) ends inside one."""
    escaped = False
    for ch in text:
        if inside and escaped:
            escaped = False
        elif inside and ch == "\\":
            escaped = True
        elif ch == '"':
            inside = not inside
    return inside
