"""Any string in any text field gives source that parses and carries exactly that string."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import Compiled, compile_artifact
from stepwell.diagnostics import has_errors
from tests.properties.documents import edge, graph, node
from tests.properties.findings import assert_sound
from tests.properties.hostile import Json, anything, bounded, literal, strings
from tests.properties.observer import Observer

filled = literal.filter(lambda text: bool(text.strip()))


def whole(text: str) -> bool:
    """Whether UTF-8 can hold a text. Names of Workers and classes, and code, that it cannot hold are refused."""
    return not any("\ud800" <= ch <= "\udfff" for ch in text)


def compiled_of(document: Json) -> Compiled:
    compiled = compile_artifact(document)
    assert compiled.ok, [d.message for d in compiled.diagnostics]
    assert_sound(compiled.diagnostics, document)
    return compiled


def shown_name(name: str) -> str:
    """A name as the runtime takes it: control characters are spaces."""
    return "".join(" " if ch < " " or ch == "\x7f" else ch for ch in name)


@bounded(150)
@given(
    st.lists(filled.filter(lambda t: not t.startswith("EXPORT_")), min_size=1, max_size=3, unique=True),
    st.lists(filled, min_size=3, max_size=3, unique=True),
)
def test_display_names_and_ids(observer: Observer, names: list[str], ids: list[str]) -> None:
    document = graph(*(node(identifier, name=name[:256]) for name, identifier in zip(names, ids, strict=False)))
    seen = observer.run(compiled_of(document))
    arrived = seen["names"]
    assert arrived[0] == cut(shown_name(names[0]))
    assert len(set(arrived)) == len(arrived) == len(names)
    assert seen["result"] == 1


def cut(name: str) -> str:
    """The beginning of a name that a step's name has room for."""
    units = name.encode("utf-16-le", "surrogatepass")
    return name if len(units) <= 2 * 236 else name[: len(units[: 2 * 236].decode("utf-16-le", "ignore"))]


@bounded(200)
@given(literal, literal, literal, literal, literal, literal)
def test_requests(
    observer: Observer, url: str, header: str, header_value: str, key: str, query_value: str, body: str
) -> None:
    data = {
        "method": "POST",
        "url": "https://a.test/" + url,
        "headers": {header: header_value},
        "queryParams": {key: query_value},
        "body": {key: [body, {header: body}]},
    }
    seen = observer.run(compiled_of(graph(node("h", "http_request", None, **data))))
    assert seen["error"] is None
    request = seen["requests"][0]
    assert request["url"] == "https://a.test/" + url
    assert [header, header_value] in request["headers"]
    assert seen["query"] == [[key, query_value]]
    assert json.loads(request["body"]) == {key: [body, {header: body}]}


@bounded(100)
@given(literal, literal, literal)
def test_json_text(observer: Observer, key: str, value: str, other: str) -> None:
    """The same, where the field is JSON text."""
    data = {
        "method": "PUT",
        "url": "https://a.test/",
        "headers": json.dumps({key: value}, ensure_ascii=False),
        "queryParams": json.dumps({key: other}),
        "body": json.dumps(value, ensure_ascii=False),
    }
    seen = observer.run(compiled_of(graph(node("h", "http_request", **data))))
    request = seen["requests"][0]
    assert [key, value] in request["headers"]
    assert seen["query"] == [[key, other]]
    assert request["body"] == (value if value else value)


@bounded(100)
@given(literal, literal, filled.filter(whole), filled.filter(whole))
def test_children(observer: Observer, key: str, value: str, worker: str, class_: str) -> None:
    document = graph(
        node(
            "w",
            "sub_workflow",
            workflowId=worker,
            workflowName=class_,
            input={key: {"v": [value]}},
            waitForCompletion=False,
        ),
        node("s", "sub_script", workerName=worker, body={key: value}, headers={"x": value}),
    )
    compiled = compiled_of(document)
    seen = observer.run(compiled)
    assert seen["created"] == [{key: {"v": [value]}}]
    assert json.loads(seen["requests"][0]["body"]) == {key: value}
    assert len(set(seen["bindings"])) == 2
    assert compiled.manifest is not None
    by_kind = {b["kind"]: b for b in compiled.manifest["bindings"]}
    assert by_kind["workflow"]["worker"] == worker and by_kind["workflow"]["class"] == class_
    assert by_kind["service"]["worker"] == worker


@bounded(100)
@given(strings, literal)
def test_exported_keys(observer: Observer, key: str, inner: str) -> None:
    document = graph(
        node("a", name=("EXPORT_" + key)[:256], code=f"return {{ {json.dumps(inner)}: 1 }};"),
        node("b", code="return 2;"),
    )
    seen = observer.run(compiled_of(document))
    want = {inner: 1} if inner != "__proto__" else {}
    assert seen["result"] == ({key[:249]: want} if key else 2)


@bounded(100)
@given(filled.filter(lambda t: t != "then"), filled.filter(lambda t: t != "then"))
def test_branch_labels(observer: Observer, label: str, other: str) -> None:
    arms = [{"label": label, "condition": "event.payload === 1"}]
    if other != label:
        arms.append({"label": other, "condition": ""})
    nodes = [node("b", "branch", branches=arms), node("x", code="return 'x';"), node("y", code="return 'y';")]
    edges = [edge("b", "x", label), edge("b", "y", other if other != label else "then", 1)]
    compiled = compiled_of(graph(*nodes, edges=edges))
    assert observer.run(compiled, 1)["names"] == (["x"] if other != label else ["x", "y"])
    assert observer.run(compiled, 2)["names"] == ["y"]


@bounded(100)
@given(strings, strings, strings)
def test_texts_that_describe(observer: Observer, name: str, description: str, edge_id: str) -> None:
    document = graph(
        node("a"),
        node("b"),
        edges=[{"id": edge_id or "e", "source": "a", "target": "b", "label": description}],
        name=name or "n",
    )
    document["metadata"]["description"] = description
    compiled = compiled_of(document)
    assert observer.run(compiled)["names"] == ["a", "b"]
    assert compiled.manifest is not None and compiled.manifest["description"] == description


@bounded(80)
@given(anything)
def test_variables(observer: Observer, value: str) -> None:
    document = {
        "ir": graph(node("a", code="return env.A;")),
        "envVars": [{"name": "A", "value": value, "isSecret": False}],
    }
    compiled = compiled_of(document)
    assert (
        compiled.variables == {"A": value}
        and compiled.wrangler is not None
        and compiled.wrangler["vars"] == {"A": value}
    )
    assert observer.run(compiled, env={"A": value})["result"] == value


@bounded(100)
@given(literal, literal, literal)
def test_keys_and_defaults_of_expressions(observer: Observer, key: str, value: str, default: str) -> None:
    """`{{event.payload["…"] ?? "…"}}` in a field, in longer text, and in code."""
    read = f"{{{{event.payload[{json.dumps(key, ensure_ascii=False)}] ?? {json.dumps(default)}}}}}"
    document = graph(
        node("h", "http_request", method="POST", url="https://a.test/", body={"whole": read, "text": f"<{read}>"}),
        node("c", code=f"return {read};"),
    )
    compiled = compiled_of(document)
    for payload, want in (({key: value}, value), ({"\0other": 1}, default)):
        if key in ("__proto__", "constructor", "toString", "hasOwnProperty"):
            continue
        seen = observer.run(compiled, payload)
        assert json.loads(seen["requests"][0]["body"]) == {"whole": want, "text": f"<{want}>"}
        assert seen["result"] == want


@bounded(150)
@given(literal, literal, st.sampled_from(["single", "longer", "both"]))
def test_text_beside_expressions(observer: Observer, before: str, after: str, how: str) -> None:
    """Text around an expression is a template literal's: every character of it is itself."""
    if (before + "{").endswith(("${", "\\{", "{{")) or after.startswith("}"):
        before, after = before.rstrip("$\\{"), after.lstrip("}")
    text = {
        "single": before + "{{event.payload}}",
        "longer": before + "{{event.payload}}" + after,
        "both": before + "{{event.payload}}{{event.payload}}" + after,
    }[how]
    want = text.replace("{{event.payload}}", "P")
    document = graph(
        node("h", "http_request", method="POST", url="https://a.test/" + text, headers={"x": text}, body={"k": text})
    )
    request = observer.run(compiled_of(document), "P")["requests"][0]
    assert request["url"] == "https://a.test/" + want
    assert ["x", want] in request["headers"]
    assert json.loads(request["body"]) == {"k": want}


@bounded(150)
@given(filled.filter(lambda t: "}}" not in t), st.booleans())
def test_a_reference_to_any_id_reads_that_node_or_is_refused(observer: Observer, identifier: str, longer: bool) -> None:
    other = identifier[:-1] if len(identifier) > 1 and identifier[:-1].strip() and longer else "other"
    document = graph(
        node(other, name="O", code='return "wrong";'),
        node(identifier, name="N", code='return {v: "right"};'),
        node("reader of it", name="R", code=f"return {{{{{identifier}.v}}}};"),
    )
    compiled = compile_artifact(document)
    if compiled.ok:
        assert observer.run(compiled)["result"] == "right"
    else:
        assert_sound(compiled.diagnostics, document)
        assert {d.node_id for d in compiled.diagnostics if d.severity.value == "error"} <= {
            "reader of it",
            identifier,
            other,
        }


@bounded(150)
@given(
    strings
    | st.sampled_from(
        ["item", "i", "x", "Array", "Promise", "Object", "structuredClone", "console", "Math", "Error", "Response"]
    ),
    st.sampled_from(["forEach", "times"]),
    st.sampled_from([1, 2]),
)
def test_loop_variables(observer: Observer, name: str, kind: str, concurrency: int) -> None:
    """A loop's variable of any name is refused, or it is the item."""
    key = "itemVar" if kind == "forEach" else "indexVar"
    data = {
        "loopType": kind,
        key: name,
        "concurrency": concurrency,
        **({"collection": [0, 1]} if kind == "forEach" else {"count": 2}),
    }
    nodes = [
        node("l", "loop", None, **data),
        node("p", "parallel"),
        node("a", code=f"return [{name}, typeof structuredClone];"),
        node("b", code="return {{a}};"),
        node("c", code="return {{l}};"),
    ]
    edges = [edge("l", "p", "body"), edge("p", "a", "1"), edge("p", "b", "then"), edge("l", "c", "then")]
    document = graph(*nodes, edges=edges)
    compiled = compile_artifact(document)
    assert_sound(compiled.diagnostics, document)
    if not compiled.ok:
        assert has_errors(compiled.diagnostics)
        return
    seen = observer.run(compiled)
    assert seen["error"] is None, (seen["error"], compiled.js)
    want = "number" if name == "structuredClone" else "function"
    if not name.strip():
        return
    assert [value for step, value in seen["steps"] if step.startswith("a ")] == [[0, want], [1, want]]


@bounded(120)
@given(strings, strings, st.sampled_from(["duration", "timeout", "retryDelay", "eventType"]))
def test_what_must_have_a_form_is_refused_or_arrives(observer: Observer, kind: str, duration: str, field: str) -> None:
    data: dict[str, Any] = (
        {"eventType": kind}
        if field == "eventType"
        else {"eventType": "e", "timeout": duration}
        if field == "timeout"
        else {}
    )
    type_ = "sleep" if field == "duration" else "step" if field == "retryDelay" else "wait_for_event"
    data |= {"duration": duration} if field == "duration" else {"retryDelay": duration} if field == "retryDelay" else {}
    document = graph(node("a", type_, **data))
    compiled = compile_artifact(document)
    assert_sound(compiled.diagnostics, document)
    if not compiled.ok:
        return
    seen = observer.run(compiled)
    if field == "eventType" and seen["calls"]:
        assert seen["calls"][0][2]["type"] == kind
    else:
        assert not (duration.strip() and field == "retryDelay")


@bounded(80)
@given(strings.filter(lambda t: "?" not in t and "#" not in t), st.sampled_from(["POST", "GET", "PUT"]))
def test_trigger_paths(observer: Observer, path: str, method: str) -> None:
    document = graph(node("a"), trigger={"type": "http", "path": "/" + path, "method": method})
    compiled = compile_artifact(document)
    if compiled.ok:
        observer.text(compiled)
    else:
        assert_sound(compiled.diagnostics, document)


@bounded(150)
@given(literal.filter(whole).filter(lambda t: "\0" not in t), st.integers(0, 6), st.sampled_from(["`", '"']))
def test_strings_of_code_stay_as_they_are(observer: Observer, text: str, margin: int, mark: str) -> None:
    """Template literals over several lines keep their blanks, whatever is indented around them."""
    inner = (
        text.replace("\\", "\\\\").replace("`", "\\`").replace("\r", "\\r")
        if mark == "`"
        else json.dumps(text, ensure_ascii=False)[1:-1]
    )
    blanks = " " * margin
    code = f"{blanks}const a = 1;\n{blanks}  return {mark}{inner}{mark};\n"
    seen = observer.run(compiled_of(graph(node("a", code=code))))
    assert seen["result"] == text


@pytest.mark.parametrize("kind", ["workflow", "script"])
def test_every_word_as_every_name(observer: Observer, kind: str) -> None:
    """All words at once: as names, ids, loop variables, exported keys."""
    from tests.properties.hostile import BREAKERS, WORDS

    words = [*WORDS, *(b for b in BREAKERS if b.strip())]
    nodes = [node(f"n{i} {word}", name=word, code=f"return {i};") for i, word in enumerate(words)]
    nodes += [node(f"e{i} {word}", name=f"EXPORT_{word}", code=f"return {i};") for i, word in enumerate(words)]
    document = graph(*nodes, kind=kind, trigger={"type": "http"})
    compiled = compiled_of(document)
    if kind == "workflow":
        seen = observer.run(compiled)
        assert len(seen["names"]) == len(nodes)
        result = seen["result"]
    else:
        result = observer.fetch(compiled, "POST", "/")["result"]
    assert result == {word: i for i, word in enumerate(words)}
