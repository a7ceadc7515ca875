"""JSON to Python and back, Python to JSON and back, reading beside running."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stepwell import compile_artifact
from stepwell.flow import read, write
from stepwell.graph.read import read_value
from tests.flow.flows import TOP, generated, readable, run, said
from tests.properties.documents import mutated, node
from tests.properties.hostile import bounded

GRAPHS = dict(readable())


def both_ways(document: Any) -> str:
    """Asserts all that holds of a document that can be read; gives its Python."""
    written = write(document)
    assert written.text is not None
    reading = read(written.text)
    assert reading.diagnostics == ()
    assert reading.document == said(document)
    assert write(reading.document).text == written.text
    return written.text


@pytest.mark.parametrize("name", GRAPHS)
def test_a_golden_goes_both_ways(name: str) -> None:
    text = both_ways(GRAPHS[name])
    assert run(text) == said(GRAPHS[name])


def test_there_are_goldens() -> None:
    assert len(GRAPHS) > 200


def test_it_compiles_to_the_same_worker() -> None:
    for name in ("order-approval", "guard-nested", "race-guards", "trigger-code-declarations", "try-nested"):
        text = write(GRAPHS[name]).text
        assert text is not None
        ours, theirs = compile_artifact(read(text)), compile_artifact(GRAPHS[name])
        assert ours.ok == theirs.ok and ours.source == theirs.source


@pytest.mark.parametrize("seed", range(150))
def test_a_generated_graph_goes_both_ways(seed: int) -> None:
    document = generated(seed)
    assert run(both_ways(document)) == said(document)


@bounded(80)
@given(mutated())
def test_whatever_can_be_read_goes_both_ways(document: Any) -> None:
    assume(isinstance(document, dict) and read_value(document)[0] is not None)
    assert run(both_ways(document)) == said(document)


_texts = st.text(max_size=30) | st.sampled_from(
    [
        '"""',
        "'''",
        '"',
        "'",
        "\\",
        "\n",
        "\r\n",
        "a\n  b\n",
        "\n\n",
        "\t\ta\n\tb",
        "{{a}}",
        "{{a.b ?? 1}} > 2",
        "\ud800",
    ]
)


@bounded(200)
@given(st.lists(_texts, min_size=1, max_size=4), st.booleans())
def test_texts_go_both_ways(parts: list[str], as_code: bool) -> None:
    text = "".join(parts)
    a = node("a", code=text or "1") if as_code else node("a", "http_request", url=text, body=text, headers={text: text})
    both_ways({"metadata": {"name": "T"}, "nodes": [a, node("b")], "edges": [], "entryNodeId": "a"})


def test_comparisons_become_conditions_and_nothing_is_lost() -> None:
    conditions = [
        '{{a.x}} === "y"', "{{a.x}} > 1 && event.payload.ok", '({{a.x}} === 1 || {{a.y}}) && !{{a["b c"][0]}}',
        "!({{a.x}} < 2)", "{{a.x ?? null}} !== null", "{{ a.x }}", "a.x > 1", "event.payload['x']", "1 < 2", "{{a.x}}>1",
    ]  # fmt: skip
    arms = [{"label": str(n), "condition": one} for n, one in enumerate(conditions)]
    document = {
        "metadata": {"name": "C"},
        "nodes": [node("a"), node("b", "branch", branches=arms)],
        "edges": [{"id": "e", "source": "a", "target": "b"}],
        "entryNodeId": "a",
    }
    text = both_ways(document)
    spoken = [
        'ref(a).x == "y"', "all_of(ref(a).x > 1, event.payload.ok)",
        'all_of(any_of(ref(a).x == 1, ref(a).y), not_(ref(a)["b c"][0]))', "not_(ref(a).x < 2)",
        "or_(ref(a).x, None) != None",
    ]  # fmt: skip
    assert [one for one in spoken if f"b.when({one}, label=" not in text] == []
    assert text.count("b.when(js(") == 5


def test_deep_containers_and_deep_values() -> None:
    nodes, edges = [node("n0", "parallel")], []
    for number in range(1, 40):
        nodes.append(node(f"n{number}", "parallel"))
        edges.append({"id": f"e{number}", "source": f"n{number - 1}", "target": f"n{number}"})
    value: Any = 1
    for _ in range(150):
        value = [value]
    nodes.append(node("deep", "http_request", url="https://x.y", body=value))
    edges.append({"id": "last", "source": "n39", "target": "deep"})
    document = {"metadata": {"name": "D"}, "nodes": nodes, "edges": edges, "entryNodeId": "n0"}
    assert run(both_ways(document)) == said(document)


def test_a_document_that_cannot_be_read_gives_its_findings() -> None:
    written = write('{"nodes": []}')
    assert written.text is None and {d.slug for d in written.diagnostics} == {"schema"}
    assert write("[").diagnostics[0].slug == "not-json"


def test_unknown_keys_are_left_out_with_a_warning() -> None:
    document = json.loads(GRAPHS["order-approval"])
    document["nodes"][0]["colour"] = "red"
    written = write(document)
    assert [d.slug for d in written.diagnostics] == ["unknown-key"]
    assert written.text == write(GRAPHS["order-approval"]).text


@pytest.mark.parametrize("path", sorted(TOP.glob("examples/**/*.py")), ids=lambda path: path.stem)
def test_an_example_reads_as_it_runs(path: Path) -> None:
    code = (
        "import json, runpy, sys\n"
        "made = runpy.run_path(sys.argv[1])['flow'].document()\n"
        "assert not {'libcst', 'pydantic', 'networkx'} & sys.modules.keys()\n"
        "print(json.dumps(made))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    reading = read(path.read_text("utf-8"), files=lambda file: (path.parent / file).read_text("utf-8"))
    assert reading.ok
    assert reading.document == json.loads(done.stdout)
    assert compile_artifact(reading).ok


def test_the_builder_is_light_and_json_needs_no_libcst() -> None:
    code = (
        "import sys, stepwell.flow\n"
        "assert not {'libcst', 'pydantic', 'networkx'} & sys.modules.keys(), sys.modules.keys()\n"
        "from stepwell import compile_artifact\n"
        "assert compile_artifact(sys.stdin.read()).ok\n"
        "assert 'libcst' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], input=GRAPHS["order-approval"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_libcst_is_imported_in_the_static_part_alone() -> None:
    package = TOP / "compiler" / "stepwell"
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "libcst" in path.read_text("utf-8")
        for part in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(part, ast.Import | ast.ImportFrom)
        and any(
            one.partition(".")[0] == "libcst"
            for one in ([part.module or ""] if isinstance(part, ast.ImportFrom) else [a.name for a in part.names])
        )
    }
    in_rewrite = {one for one in found if one.startswith("flow/rewrite/")}
    assert in_rewrite
    assert found - in_rewrite == {"flow/reader.py", "flow/spans.py", "flow/told.py"}
