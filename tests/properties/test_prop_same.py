"""The same input gives the same output: twice, in threads, without a trace left behind."""

from __future__ import annotations

import copy
import gc
import json
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given

from stepwell import Compiled, Diagnostic, check, compile_artifact
from stepwell.check.analysis import Analysis
from stepwell.graph.read import Document
from stepwell.lower.program import Program
from tests.properties.documents import goldens, graph, mutated, node
from tests.properties.hostile import Json, bounded


@bounded(60)
@given(mutated())
def test_a_document_is_compiled_alike_and_not_changed(document: Json) -> None:
    before = copy.deepcopy(document)
    first = compile_artifact(document)
    assert repr(document) == repr(before)
    assert compile_artifact(before) == first
    assert repr(check(document)) == repr(check(before))


def test_threads_do_not_see_each_other() -> None:
    """Eight at once, several documents, each of them in its two languages and as text."""
    documents = [value for _, value in goldens()][:90]
    documents += [
        graph(node("a", code=f"return {n};"), node("b", name=f"B{n}", code="return {{a}};")) for n in range(30)
    ]
    alone = [answer(one) for one in documents]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answer, documents)) == alone
        assert list(pool.map(answer, reversed(documents))) == alone[::-1]


def answer(document: Json) -> list[Compiled]:
    return [compile_artifact(document), compile_artifact(json.dumps(document), language="js")]


def test_the_order_of_keys_changes_no_code() -> None:
    for name, document in goldens()[:60]:
        turned = turn(document)
        assert compile_artifact(turned).js == compile_artifact(document).js, name


def turn(value: Json) -> Json:
    """A document with the keys of its outer objects in another order; those of data mean something (headers, bodies)."""
    if isinstance(value, list):
        return [turn(item) for item in value]
    if isinstance(value, dict):
        return {
            key: value[key] if key in ("data", "envVars", "dependencies") else turn(value[key])
            for key in reversed(value)
        }
    return value


def test_nothing_is_left_behind() -> None:
    documents = [
        graph(
            node("a", code=f"return {n};"),
            node("b", code="return {{a}};"),
            node("c", code="return {{nobody}};" * (n % 2)),
        )
        for n in range(60)
    ]

    def alive() -> int:
        gc.collect()
        return sum(isinstance(one, (Diagnostic, Program, Analysis, Document, Compiled)) for one in gc.get_objects())

    for document in documents[:10]:
        compile_artifact(document)
    before = alive()
    for document in documents:
        compile_artifact(document)
        check(json.dumps(document))
    assert alive() <= before
