"""Deep and long programs: nothing recurses, and time grows with length only."""

from __future__ import annotations

import inspect
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepwell.bundle.toolchain import Toolchain
from stepwell.emit import emit, source_map
from stepwell.lower import program as p

from .making import arm, do, expr, parse_all, workflow
from .test_statements import every

DEPTH = 200


def nested(kind: str, depth: int) -> p.Statement:
    made: p.Statement = do("A", "return 1;")
    for number in range(depth):
        made = _around(kind, number, made)
    return made


def _around(kind: str, number: int, inner: p.Statement) -> p.Statement:
    match kind:
        case "if":
            return p.If("n", ((p.Name("x"), (inner,)), (None, ())))
        case "loop":
            return p.Times("n", f"i{number}", p.Constant(1), None, (inner,))
        case "try":
            return p.Try("n", (inner,), None, (), (do("F", ""),))
        case "parallel":
            return p.Parallel("n", (arm(inner),), "all")
        case _:
            return p.Concurrent("n", "x", f"i{number}", p.Name("x"), None, 2, arm(inner), None)


def test_blocks_may_nest(toolchain: Toolchain, tmp_path: Path) -> None:
    texts = {}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 120)
    try:
        for kind in ("if", "loop", "try", "parallel", "concurrent"):
            texts[f"{kind}_js"] = emit(workflow(nested(kind, DEPTH)), "js").text
    finally:
        sys.setrecursionlimit(limit)
    assert parse_all(toolchain, texts, tmp_path) == ""


def test_values_may_nest() -> None:
    value: object = 1
    flat: p.Expr = p.Name("x")
    for number in range(DEPTH * 10):
        value = [value] if number % 2 else {"a": value}
        flat = p.Coalesce(flat, p.Items((flat,))) if number < 8 else p.Copy(flat)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 120)
    try:
        text = emit(workflow(p.Const("a", p.Constant(value)), p.Const("b", flat)), "js").text
    finally:
        sys.setrecursionlimit(limit)
    assert text.count("structuredClone") == DEPTH * 10 - 8


def timed(count: int) -> float:
    block = tuple(do(f"S{number}", "const r = 1;\nreturn r;", f"s{number}") for number in range(count))
    program = workflow(*block)
    start = time.process_time()
    source_map(emit(program, "ts"), program)
    return time.process_time() - start


def test_time_grows_with_length() -> None:
    timed(10)
    small, large = min(timed(200) for _ in range(2)), min(timed(1000) for _ in range(2))
    assert large < small * 5 * 2.5
    assert large < 1.0


def test_threads_do_not_meet() -> None:
    programs = list(every().values())
    alone = [emit(program, "ts").text for program in programs]
    barrier = threading.Barrier(4)

    def work(_: int) -> list[str]:
        barrier.wait()
        return [emit(program, "ts").text for program in programs]

    with ThreadPoolExecutor(4) as pool:
        assert all(texts == alone for texts in pool.map(work, range(4)))


@pytest.mark.parametrize("name", sorted(every()))
def test_the_same_program_gives_the_same_text(name: str) -> None:
    assert emit(every()[name], "ts").text == emit(every()[name], "ts").text


def test_a_long_condition_stays_code() -> None:
    text = " && ".join(f"x.a{number} > {number}" for number in range(2000))
    assert text in emit(workflow(p.If("b", ((expr(text), (do("A"),)),))), "js").text
