"""What is said of a flow's file, and where."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import check, compile_artifact
from stepwell.flow import FlowError, event, js, name, read, ref, workflow
from tests.flow.flows import generated
from tests.properties.hostile import bounded

HEAD = "from stepwell.flow import *\n"


def found(body: str, *, head: str = HEAD) -> list[str]:
    """The findings of a workflow with these statements, with the lines counted from the first of them."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f'{head}with workflow("T") as flow:\n{lines}'
    first = source[: len(source) - len(lines)].count("\n")
    told = []
    for one in check(read(source)):
        assert one.place is not None
        told.append(f"{one.place.line - first}:{one.place.column} {one.slug}: {one.message} {one.hint or ''}".strip())
    return told


def test_a_finding_in_code_is_at_its_character() -> None:
    assert found('flow.step("A", js("return {{b}};"))')[0].startswith("1:31 unknown-reference")
    assert found('flow.step("A", js("\\n\\t\\\\" "\\treturn {{b}};"))')[0].startswith("1:42")
    assert found("flow.step('A', js(r'''\n    return 1;\n      return {{b}};\n'''))")[0].startswith("3:18")
    assert found('flow.step("A", js("""return 1;\n return {{b}};"""))')[0].startswith("2:13")


def test_a_finding_about_a_field_is_at_its_value() -> None:
    assert found('flow.sleep("S", "3 moons")')[0].startswith("1:21 duration")
    assert found('flow.http("H", "https://x.y", method="GOT")')[0].startswith("1:42")
    assert found('flow.http("H", "https://x.y", headers={"a": "{{zz}}"})')[0].startswith("1:49")
    assert found('flow.step("A", js("return 1;"), timeout="x")')[0].startswith("1:45")
    assert found('flow.step("A", js("return 1;"), retries=retry(1, backoff="up"))')[0].startswith("1:62")


def test_a_finding_in_a_constant_is_there() -> None:
    source = HEAD + 'CODE = js("return {{b}};")\nwith workflow("T") as flow:\n    flow.step("A", CODE)\n'
    assert [str(d.place) for d in check(read(source))] == ["2:19"]


def test_a_finding_about_the_head_and_about_edges() -> None:
    source = (
        HEAD
        + 'with workflow(\n    "T",\n    trigger=cron("61 * * * *"),\n) as flow:\n    flow.step("A", js("return 1;"))\n'
    )
    assert [str(d.place) for d in check(read(source))] == ["4:13"]
    assert found('a = flow.step("A", js("return 1;"))\nflow.step("B", js("return 1;"), after=[a, "zz"])')[0].startswith(
        "2:47"
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('flow.stap("A", js("1"))', "1:10 flow-call: A flow has no `stap`. Did you mean `step`?"),
        ('flow.step("A", cod=1)', "1:20 flow-call: `step` has no argument `cod`. Did you mean `code`?"),
        ('flow.step("A", js("1"), 3)', "1:29 flow-call: `step` takes 2 without a name: write it as `name=value`."),
        ('flow.step("A", code=js("1"), code=js("2"))', "1:34 flow-call: `code` stands twice."),
        ('flow.step("A", *a)', "1:20 not-read: Arguments are written down one by one, not with `*`."),
        ("flow.step()", "1:5 flow-call: A name is missing: it is the first argument."),
        ('x = 1 if flow else 2\nflow.step("A", js("1"), timeout=x)', "left-alone"),
        ('for a in b:\n    pass', "1:5 not-read: Here stands a call of the builder"),
        ('flow.step("A", js(1))', "1:20 flow-call: The builder does not take this"),
        ('flow.step("A", lambda: 1)', '1:20 not-read: A Python function cannot run in a Worker. Write js("…").'),
        ('flow.step("A", code=f"{1.5}")', "1:28 not-read: An f-string holds references, text and whole numbers."),
        ('with flow.step("A", js("1")):\n    pass', "1:10 not-read: `with` stands over a container"),
        ('flow.exit("A", 1 < 2)', "1:20 not-read: A condition compares an expression"),
        ('flow.exit("A", 1 < event.x < 3)', "1:20 not-read: A chain of comparisons"),
        ('flow.exit("A", event.x and event.y)', "1:20 not-read: `and` and `or` are decided when the file runs"),
        ('flow.exit("A", not event.x)', "1:20 not-read: An operator before a value"),
        ('flow.exit("A", evnt.x)', "1:20 not-read: `evnt` is not known here. Did you mean `event`?"),
        ('a = flow.step("A", js("1"))\nflow.exit("B", a.x == 1)', "2:20 not-read: A node has no `x`. Of its value: ref(a).x"),
        ('flow.http("A", event._x)', "1:20 flow-call: "),
        ('flow.http("A", headers={**a})', "1:29 not-read: Members are written down one by one"),
        ('flow.step("A", b"x")', "1:20 not-read: Bytes are no JSON value."),
        ('flow.step("A", js(file="x.ts"))', "1:20 flow-file: The file 'x.ts' was not given."),
        ('flow.http("A", body={1: 2})', "1:5 flow-call: A key of an object is text."),
        ('flow.http("A", body=event.x == 1)', "1:5 flow-call: A comparison is no value"),
        ("flow.end()", "flow-call: The workflow has no nodes"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(body: str, told: str) -> None:
    assert any(told in one for one in found(body)), found(body)


def test_what_python_would_not_run_is_too_deep() -> None:
    lines = ["    " * n + f"with flow.times('L{n}', 2):" for n in range(20)] + [
        "    " * 20 + "flow.step('A', js('return 1;'))"
    ]
    assert [one.partition(":")[0] for one in found("\n".join(lines))] == ["20"]
    assert found("\n".join([*lines[:19], "    " * 19 + "flow.step('A', js('return 1;'))"])) == []


def test_one_fault_is_told_once() -> None:
    told = found('a = flow.stap("A")\nflow.step("B", js("return 1;"), after=a)\nflow.exit("C", ref(a).x)')
    assert len(told) == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "1:1 flow-call"),
        ("x = 1", "1:1 flow-call"),
        ("def f(:", "1:7 not-python"),
        ("a\0b", "1:2 not-python"),
        ("x = '\ud800'", "1:6 not-python"),
        ("(" * 5000, "not-python"),
        ("x = " + "(" * 5000 + ")" * 5000, "not-python"),
        ("x = " + "-" * 100_000 + "1", "1:1 too-deep"),
        ("x = " + "not " * 20_000 + "1", "too-deep"),
        ("x = 1" + " + 1" * 20_000, "too-deep"),
        ("x = a" + ".b" * 20_000, "too-deep"),
        ("x = " + "[" * 150 + "]" * 150, "1:" ),
        ("\t\tx", "not-python"),
        ("if x:\n\ty\n        z", "not-python"),
        ("x" * 4_000_001, "too-large"),
        ("from stepwell.flow import nope\nwith workflow('x'):\n    pass", "flow-call: `stepwell.flow` has no `nope`"),
        (HEAD + "with workflow('a') as f:\n    pass\nwith workflow('b') as g:\n    pass", "second workflow"),
    ],
    ids=range(17),
)  # fmt: skip
def test_bad_python_is_a_finding(source: str, told: str) -> None:
    said = [f"{d.place} {d.slug}: {d.message}" for d in check(read(source))]
    assert any(told in one for one in said), said
    assert not compile_artifact(read(source)).ok


def test_every_form_of_lines() -> None:
    source = (
        HEAD
        + 'with workflow("T") as flow:\n    flow.step("A", js("""\n        return 1;\n        return {{b}};\n    """))\n'
    )
    for text in (source, source.replace("\n", "\r\n"), "\ufeff" + source, source.replace("    ", "\t")):
        reading = read(text)
        assert reading.document is not None
        assert reading.document["nodes"][0]["data"]["code"] == "return 1;\nreturn {{b}};"
        [finding] = check(reading)
        assert finding.place is not None and finding.place.line == 5


def test_names_of_the_module() -> None:
    for head, prefix in (
        ("import stepwell.flow as sf\n", "sf."),
        ("from stepwell import flow as sf\n", "sf."),
        ("import stepwell.flow\n", "stepwell.flow."),
        ("from stepwell.flow import workflow as w, js as j, ref as r\n", None),
    ):
        w, j, r = (f"{prefix}{n}" for n in ("workflow", "js", "ref")) if prefix else ("w", "j", "r")
        body = f'    a = f.step("A", {j}("return {{x: 1}};"))\n    f.http("B", "https://x.y", body={r}(a).x)\n'
        reading = read(f'{head}with {w}("T") as f:\n{body}')
        assert reading.diagnostics == () and reading.document is not None
        assert reading.document["nodes"][1]["data"]["body"] == "{{a.x}}"


def test_files_of_code() -> None:
    source = HEAD + 'with workflow("T") as flow:\n    flow.step("A", js(file="a.ts"))\n'
    reading = read(source, files={"a.ts": "return {{b}};"}.__getitem__)
    assert reading.document is not None and reading.document["nodes"][0]["data"]["code"] == "return {{b}};"
    assert [str(d.place) for d in check(reading)] == ["3:20"]

    def refuse(file: str) -> str:
        raise OSError(2, "No such file")

    [finding] = read(source, files=refuse).diagnostics
    assert finding.message == "The file 'a.ts' cannot be read: No such file."


def test_what_the_builder_refuses_it_refuses_when_it_runs() -> None:
    with workflow("T") as flow:
        a = flow.step("A", js("return 1;"))
        for wrong in (
            lambda: bool(ref(a).x == 1),
            lambda: bool(ref(a)),
            lambda: list(ref(a).x),
            lambda: 1 in ref(a).x,
            lambda: ref(a)[-1],
            lambda: name("a b"),
            lambda: flow.http("B", headers={"a": a}),
            lambda: flow.exit("C", "x"),  # type: ignore[arg-type]
            lambda: js(),
            lambda: f"{event.x:>3}",
        ):
            with pytest.raises(FlowError):
                wrong()
        with pytest.raises(AttributeError):
            print(event._x)
    with pytest.raises(FlowError):
        flow.step("Late", js("1"))


_lines = st.sampled_from(
    [
        'flow.step("A", js("return 1;"))', "with flow.branch('B') as b:", "    with b.when(event.x):", "pass", "    pass",
        "x = 1", "for a in b:", "with flow.parallel('P') as p, p.arm():", "flow.edge(a, b)", "a = flow.sleep('S', '1 day')",
        "ref(a)", "flow.end()", "@x", "    flow.end()", "return", "b.otherwise()", "flow.layout(order=[1, {}])", "'''",
        "flow.layout(edges=[1])", "flow.layout(positions=[1])", "a: int = 3", "flow = 3", "with flow:", "js = 1", "del a",
        "flow.layout(positions={1: 2})", "flow.layout(edges=[('a',)])", "flow.step({}, after=3)", "flow.node('x')",
        "flow.node('x', type=3)", "flow.step('A', id=[])", "flow.step('A', data=3)", "flow.step('A', config=3)",
        "flow.step('A', retries=[])", "flow.for_each('L', concurrency={})", "flow.edge(1, 2)", "flow.edge([], 'a')",
    ]
)  # fmt: skip


@bounded(300)
@given(st.lists(_lines, max_size=8), st.booleans())
def test_no_lines_raise(lines: list[str], inside: bool) -> None:
    body = "\n".join(("    " if inside else "") + line for line in lines)
    source = f'{HEAD}with workflow("T") as flow:\n    a = flow.step("Z", js("return 1;"))\n{body}\n'
    for finding in check(read(source)):
        assert finding.place is not None


@bounded(150)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_no_broken_file_raises(seed: int, rng: random.Random) -> None:
    from stepwell.flow import write

    text: Any = write(generated(seed)).text
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        cut = rng.randint(0, 12)
        text = text[:at] + rng.choice(["", "(", '"', "\n", "=", " ", "\t", "0", "*", "#", "\\", "é"]) + text[at + cut :]
    compile_artifact(read(text))
