"""Code that tries to get out of the place it stands in: a finding at the right place, or code that stays inside."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepwell import Compiled, compile_artifact
from stepwell.bundle import toolchain
from stepwell.diagnostics import has_errors
from stepwell.javascript import Kind, parse
from tests.properties.documents import edge, graph, node
from tests.properties.findings import assert_sound
from tests.properties.hostile import Json, bounded
from tests.properties.observer import Observer

PIECES = (
    "evil()",
    "evil();",
    "await evil();",
    "return ",
    "return 1;",
    "return {{a}};",
    "{{a}}",
    "{{a.b}}",
    "{{ a }}",
    "{{a ?? 1}}",
    "{{event.payload}}",
    "{{nobody}}",
    "{{a",
    "a}}",
    "x{{a}}",
    "{{a}}x",
    ".{{a}}",
    "{{a}}.b",
    "{{a}}`t`",
    "{{a}}()",
    "[{{a}}]",
    "{ {{a}}: 1 }",
    "{ {{a}} }",
    "({{a}}) => 1",
    "var {{a}};",
    "{{a}} = 1;",
    "{{a}}++;",
    "'{{a}}'",
    '"{{a}}"',
    "`{{a}}`",
    "`${{{a}}}`",
    "`${`${{{a}}}`}`",
    "/{{a}}/",
    "/[/]{{a}}/g",
    "// {{a}}",
    "/* {{a}} */",
    "label: ",
    "}",
    "{",
    ")",
    "(",
    "]",
    "[",
    "} evil(); {",
    "}) ; evil(); (() => {",
    "a) { evil(",
    ") + (",
    "*/",
    "/*",
    "*/ evil() /*",
    "//",
    "// evil()",
    "\n",
    ";",
    ",",
    ":",
    "?",
    "'",
    '"',
    "`",
    "${",
    "\\",
    "\\`",
    "/",
    "</script>",
    "-->",
    "<!--",
    "#!",
    "@fetch",
    "=>",
    "...",
    "??",
    "?.",
    "if (1) ",
    "else ",
    "for (;;) break;",
    "while (0) ",
    "function f() {",
    "class A {",
    "static {",
    "async () => ",
    "import 'x';",
    "import x from 'cloudflare:workers';",
    "export default 1;",
    "import('x')",
    "import.meta",
    "new.target",
    "super.x",
    "this",
    "arguments",
    "eval('1')",
    "with (a) ",
    "yield",
    "await",
    "break;",
    "continue;",
    "debugger;",
    "throw 1;",
    "try {",
    "} catch {",
    "} finally {",
    "let a;",
    "const step = 1;",
    "x",
    "1",
    "''",
    "a",
    "step",
    "env.A",
    "<div/>",
    "as any",
    ": string",
    "!",
    "enum E {}",
    "namespace N {}",
    "declare let q;",
    "\u2028",
    "\ufeff",
    "\u00a0",
    "\x0b",
    "é",
    "𝒳",
    "#x",
    "@d",
)

scraps = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6)
WHOLE = (
    "return {{a}};",
    "return { ...{{a}}, x: [{{a.b}}] };",
    "{{a.b}} === 1",
    "[{{a.b}}, 2]",
    "() => {{a}}",
    "`${{{a.b}}}`",
    "/[}]/.test('}')",
    "a.b + 1",
    "{{a}} ?? {}",
    "if (a) { evil(); } return a;",
    "const x = () => { evil(); }; x(); return 1;",
    "for (const x of [1]) { evil(x); }",
    "class A { m() { return evil(); } } return new A().m();",
    "try { evil(); } catch { } finally { evil(); }",
    "switch (1) { case 1: { evil(); } }",
    "label: { break label; }",
    "return `a${`b${{{a.b}}}`}`;",
    '{ "k": {{a}} }',
    "[1].map((x) => x)",
)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Code that was whole, with something put into it."""
    text = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
    return text


snippets = spoiled() | scraps.map("".join) | scraps.map(" ".join) | scraps.map("\n".join)


def document(code: str, field: str) -> Json:
    """A graph in which `code` stands in a body, a condition or another field; steps before and behind it."""
    nodes = [node("a", code="return { b: 1 };")]
    last = node("z", code="return 'end';")
    match field:
        case "body" | "inline":
            return graph(
                *nodes, node("c", "step", None, code=code, **({"inline": True} if field == "inline" else {})), last
            )
        case "arm":
            branch = node("c", "branch", branches=[{"label": "y", "condition": code}])
            return graph(
                *nodes, branch, node("y"), last, edges=[edge("a", "c"), edge("c", "y", "y"), edge("c", "z", "then")]
            )
        case "exit":
            return graph(*nodes, node("c", "break", condition=code), last)
        case "each" | "while" | "times":
            kind, key = {
                "each": ("forEach", "collection"),
                "while": ("while", "condition"),
                "times": ("times", "count"),
            }[field]
            loop = node("c", "loop", loopType=kind, **{key: code})
            return graph(
                *nodes, loop, node("y"), last, edges=[edge("a", "c"), edge("c", "y", "body"), edge("c", "z", "then")]
            )
        case "url" | "payload" | "interpolated":
            data: dict[str, Any] = {"url": "https://x.test/" + (code if field == "url" else "")}
            data["body"] = code if field == "payload" else {"k": "${" + code + "}"} if field == "interpolated" else None
            return graph(*nodes, node("c", "http_request", method="POST", **data), last)
        case _:
            return graph(*nodes, node("c", "sleep", duration=code), last)


FIELDS = (
    "body",
    "body",
    "body",
    "inline",
    "arm",
    "exit",
    "each",
    "while",
    "times",
    "url",
    "payload",
    "interpolated",
    "sleep",
)


@bounded(500)
@given(snippets, st.sampled_from(FIELDS))
@example("} evil(); {", "body")
@example("a) { evil(", "arm")
@example("*/ evil() /*", "body")
@example("true) evil(); if (true", "arm")
@example("1; evil()", "times")
@example("[]) evil(); for (const x of []", "each")
@example("return 1 // {{a}}", "body")
@example("{{a}} // x", "arm")
@example("1 /* x */ // y", "arm")
@example("`${`{{a.b}}${`{{a}}`}`}`", "interpolated")
def test_code_stays_where_it_stands(observer: Observer, code: str, field: str) -> None:
    """V8 reads the whole module only where it reads each user's text alone, between brackets of both kinds."""
    made = document(code, field)
    compiled = compile_artifact(made)
    assert_sound(compiled.diagnostics, made)
    if not compiled.ok:
        assert has_errors(compiled.diagnostics)
        assert all(d.node_id == "c" or d.severity.value != "error" for d in compiled.diagnostics), [
            (d.node_id, d.message) for d in compiled.diagnostics
        ]
        for finding in compiled.diagnostics:
            if finding.snippet is not None:
                assert_inside(finding.snippet, code, field)
        return
    judge(observer, compiled, code, field)


def assert_inside(place: Any, code: str, field: str) -> None:
    """The place of a finding lies within the text that was written."""
    text = {"url": "https://x.test/" + code, "interpolated": "${" + code + "}"}.get(field, code)
    lines = text.split("\n")
    assert 1 <= place.line <= len(lines), (place, text)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1, (place, text)


def judge(observer: Observer, compiled: Compiled, code: str, field: str) -> None:
    """The module is refused by a full parser, or the code is whole in itself and the steps around it are those of the graph."""
    assert compiled.js is not None and compiled.manifest is not None
    compiled.js.encode()
    parsed = observer.ask(parse=compiled.js)
    if not parsed["parses"]:
        # The tolerant parser let it pass; `build` asks a full one, which does not read the inside of regular expressions.
        assert (
            "regular expression" in parsed["message"] or not compile_artifact(document(code, field), toolchain=TOOLS).ok
        ), compiled.js
        return
    assert whole(observer, code, field), compiled.js
    seen = observer.ask(
        source=compiled.js, run={"className": compiled.manifest["workflow"]["class"], "payload": None, "patience": 25}
    )
    if field == "body":
        assert all(around == ["c"] for around in seen.get("evil", ())), (seen["evil"], compiled.js)
    strangers = {name.split(" [")[0] for name in seen.get("names", ())} - {
        "a",
        "c",
        "y",
        "z",
        "c: value",
        "c: remaining",
    }
    assert not strangers, (strangers, compiled.js)


def whole(observer: Observer, code: str, field: str) -> bool:
    """Whether V8 reads the code alone, as a function's body or between brackets of both kinds."""
    alone = re.sub(r"\{\{ ?(?:a|event)[^}]*\}\}", " a ", code)
    kind = Kind.BODY if field in ("body", "inline") else Kind.EXPRESSION
    if (
        field in ("url", "interpolated", "sleep")
        or parse(alone, kind).language == "ts"
        or "import" in code
        or "{{" in alone
    ):
        return True
    if kind is Kind.BODY:
        return bool(observer.ask(bodies=[alone], expressions=[])["bodies"][0])
    return not alone.strip() or bool(observer.ask(bodies=[], expressions=[alone])["expressions"][0])


TOOLS = toolchain.ensure()


SMUGGLED = (
    "} evil(); {",
    "}); evil(); (() => {",
    "} ); } } evil(); class B { a() { (() => {",
    "*/ evil() /*",
    "return 1; } evil(); async () => {",
    "return `${",
    "return '",
    "return /x",
    "/* ",
    "{{a}}); evil(",
    "return 1; // \u2028 } evil(); {",
    "return 1;\r} evil();\r{",
    'return "\\',
    "return 1 }), evil(), (() => {",
    "</script><script>evil()</script>",
    "--> evil()",
    "<!-- } \n evil()",
    "#!/bin/evil",
    "return ({{a}} }); evil(); ({",
    "function f() { } } evil(); {",
    "`\\`} evil(); {`${`",
    "class { static { } } evil()",
    "if (1) { } } evil(); if (0) {{",
)


@pytest.mark.parametrize("code", SMUGGLED)
@pytest.mark.parametrize(
    "field", ["body", "inline", "arm", "exit", "each", "while", "times", "payload", "interpolated"]
)
def test_smuggled_code_is_refused_or_harmless(observer: Observer, code: str, field: str) -> None:
    made = document(code, field)
    compiled = compile_artifact(made, toolchain=TOOLS)
    if compiled.ok:
        seen = observer.run(compiled)
        assert not [around for around in seen["evil"] if around != ["c"]], (seen, compiled.js)
    else:
        assert_sound(compiled.diagnostics, made)
        assert [d for d in compiled.diagnostics if d.node_id == "c" and d.pointer.startswith("/nodes/1/data")]


TRIGGERS = (
    "}",
    "} evil(); {",
    "}, evil() {",
    "@fetch function f() {",
    "@fetch function f() {}} evil(); {{",
    "@fetch function f(a = evil()) {}",
    "@queue function f(b) {} }; evil(); ({",
    "@fetch function f() {} evil(); export default 1;",
    "export default { fetch() { evil() } }",
    "*/ evil()",
    "@fetch function f(a) { return `}`; } }",
    "@scheduled function default() {}",
    "@fetch function f() {} // @fetch",
    "import x from 'x'",
    "@fetch\n@fetch function f() {}",
    "@fetch function __proto__() {}",
    "@config {}",
    "return 1; }, scheduled() { evil() ",
    "@fetch class A {}",
)


@bounded(250)
@given(
    st.lists(st.sampled_from(TRIGGERS + PIECES), min_size=1, max_size=4).map("\n".join),
    st.sampled_from(["workflow", "script"]),
)
def test_trigger_code_stays_in_its_handler(observer: Observer, code: str, kind: str) -> None:
    made = {"ir": graph(node("a"), kind=kind, trigger={"type": "http"}), "triggerCode": code}
    compiled = compile_artifact(made)
    assert_sound(compiled.diagnostics, made)
    if not compiled.ok:
        assert all(d.pointer.startswith("/triggerCode") for d in compiled.diagnostics if d.severity.value == "error")
        return
    assert compiled.js is not None
    compiled.js.encode()
    parsed = observer.ask(parse=compiled.js)
    if not parsed["parses"]:
        assert "regular expression" in parsed["message"] or not compile_artifact(made, toolchain=TOOLS).ok, (
            parsed,
            compiled.js,
        )
