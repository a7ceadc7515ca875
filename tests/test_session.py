"""A session: what it is quick at, and that it gives what `compile_artifact` gives.

Random edits: `tests/properties/test_prop_session.py`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from benchmarks import _shapes

from stepwell import Session, check, compile_artifact

SHAPES = (_shapes.chain, _shapes.diamonds, _shapes.parallels, _shapes.loops, _shapes.nesting, _shapes.script)


def _with(document: str, node: int, **data: Any) -> str:
    value = json.loads(document)
    value["nodes"][node]["data"] |= data
    return json.dumps(value)


def _same(session: Session, document: str) -> bool:
    """Whether it was quick; it must be right."""
    before = session.quick
    ours, fresh = session.compile(document), compile_artifact(document)
    assert ours == fresh
    assert ours.source == fresh.source and ours.program == fresh.program
    return session.quick > before


@pytest.mark.parametrize("shape", SHAPES)
def test_texts_are_compiled_quickly(shape: _shapes.Shape) -> None:
    session, document = Session(), shape(6)
    assert not _same(session, document)
    for number in range(8):
        document = _shapes.edited(document, number)
        assert _same(session, document)


def test_code_that_is_broken_and_mended_is_quick() -> None:
    session, document = Session(), _shapes.chain(5)
    session.compile(document)
    for code in (
        "return (",
        "return {{nobody}};",
        "return { value: {{s1.value}} };",
        "return {",
        "return { value: {{s1.value}} + 2 };",
    ):
        assert _same(session, _with(document, 2, code=code)), code


def test_two_nodes_at_once_and_one_that_was_moved() -> None:
    session, document = Session(), _shapes.chain(5)
    session.compile(document)
    document = _with(
        _with(document, 1, code="return { value: {{s0.value}} };"), 3, code="return { value: {{s2.value}} };"
    )
    assert _same(session, document)
    value = json.loads(document)
    value["nodes"][1]["position"] = {"x": 5, "y": 7}
    assert _same(session, json.dumps(value, indent=2).replace("  ", " ")) is True


@pytest.mark.parametrize("enveloped", [False, True])
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("indent", [None, 2])
def test_when_it_was_written_is_quick(enveloped: bool, behind: bool, indent: int | None) -> None:
    """Alone, with a text, and where the nodes have moved; what is found stays where it stands."""
    value = json.loads(_shapes.chain(5))
    value["metadata"] |= {"updatedAt": "1", "more": 1}
    value["nodes"][1]["unknown"] = value["edges"][1]["unknown"] = 1
    if behind:
        value["metadata"] = value.pop("metadata")
    document = {"ir": value, "envVars": []} if enveloped else value
    session = Session()
    assert not _same(session, json.dumps(document, indent=indent))
    for written, node in (("2", None), ("three", 2), ("ß\n", 3), ("", 3), (None, None), ("1", 1)):
        value["metadata"]["updatedAt"] = written
        if node is not None:
            code = f"return {{ value: {{{{s{node - 1}.value}}}} + {len(written or '')} }};"
            value["nodes"][node]["data"]["code"] = code
        text = json.dumps(document, indent=indent)
        assert session.check(text) == check(text)
        assert _same(session, text), written


def test_what_else_is_said_of_a_graph() -> None:
    session, value = Session(), json.loads(_shapes.chain(5))
    value["metadata"] |= {"description": "One.", "createdAt": None}
    session.compile(json.dumps(value))
    for key, told, quick in (
        ("version", 2, True),
        ("version", 0, False),
        ("version", 3, True),
        ("description", "Two\nlines.", False),
        ("createdAt", 1, False),
        ("createdAt", "now", True),
        ("updatedAt", "now", False),
        ("name", "Other", False),
    ):
        value["metadata"][key] = told
        assert _same(session, json.dumps(value)) is quick, key
        assert session.check(json.dumps(value)) == check(json.dumps(value))
    assert not _same(session, json.dumps(value | {"metadata": None}))


def test_what_bodies_of_a_script_declare_is_quick_where_no_other_reads_it() -> None:
    session, document = Session(), _shapes.script(5)
    document = _with(document, 4, code="return { value: {{s3.value}} + typeof later };")
    session.compile(document)
    for node in (2, 3, 2):
        code = f"const total{node} = 1; return {{ value: {{{{s{node - 1}.value}}}} + {node} }};"
        document = _with(document, node, code=code)
        assert _same(session, document)
    assert _same(session, _with(document, 4, code="return { value: {{s3.value}} + total2 };"))
    assert not _same(session, _with(document, 2, code="const later = 1; return { value: {{s1.value}} + 2 };"))


def test_what_others_depend_on_is_compiled_as_a_whole() -> None:
    session, document = Session(), _shapes.chain(5)
    session.compile(document)
    for edited in (
        _with(document, 2, code="return { value: 1 };"),
        _with(document, 2, code="return { value: {{s0.value}} + {{s1.value}} };"),
        _with(document, 2, code="const Step_s1 = 1; return { value: {{s1.value}} };"),
        _with(document, 2, code="return { value: {{s1.value}} + await env.KV.get('a') };"),
        _with(document, 2, inline=True),
        document.replace("Step s1", "Other"),
        document.replace('"entryNodeId": "s0"', '"entryNodeId": "s1"'),
    ):
        assert not _same(session, edited)
        session.compile(document)


def test_a_loop_over_what_has_another_form_is_told() -> None:
    """Another node's finding depends on the form of what was edited."""
    document = _with(_with(_shapes.loops(1), 0, code="return { items: [{ value: 1 }] };"), 2, code="return item.value;")
    session = Session()
    assert not session.compile(document).diagnostics
    edited = _with(document, 0, code="return { items: [{ price: 1 }] };")
    assert not _same(session, edited)
    assert [d.slug for d in session.compile(edited).diagnostics] == ["unknown-path"]


@pytest.mark.parametrize("indent", [None, 2])
def test_findings_move_with_the_text(indent: int | None) -> None:
    """They stand in the edited node, before it and behind it; one is about a key that nobody knows."""
    value = json.loads(_shapes.chain(4))
    for node in (0, 1, 3):
        value["nodes"][node]["unknown"] = 1
        value["nodes"][node]["data"]["code"] = "return event.nothing;"
    document = json.dumps(value, indent=indent)
    session = Session()
    assert len(session.compile(document).diagnostics) == 6
    for node, code in (
        (1, "// now\n\nreturn event.nothing;"),
        (3, "return event.payload;"),
        (0, "return event.other;"),
    ):
        document = _with_code(document, node, code, indent)
        assert _same(session, document), node
        assert session.check(document) == check(document)


def _with_code(document: str, node: int, code: str, indent: int | None) -> str:
    value = json.loads(document)
    value["nodes"][node]["data"]["code"] = code
    return json.dumps(value, indent=indent)


def test_what_is_no_text_is_compiled_too() -> None:
    session = Session(language="js", off={"unknown-key"})
    for value in (json.loads(_shapes.chain(3)), {**json.loads(_shapes.chain(3)), "more": 1}, {}, None, "{", ""):
        assert session.compile(value) == compile_artifact(value, language="js", off={"unknown-key"})
        assert session.check(value) == check(value, off={"unknown-key"})


def test_a_language_or_finding_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="language"):
        Session(language="py")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing"):
        Session(off={"nothing"})


def test_threads_may_share_one() -> None:
    session, document = Session(), _shapes.chain(8)
    documents = [_shapes.edited(document, number) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(session.compile, documents)) == [compile_artifact(one) for one in documents]
