"""Properties that hold for every text and every value."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.javascript import Facts, Kind, env_reads, flatten, parse, parse_trigger, place, quote

WORDS = """
( ) { } [ ] ; , a b = => + - / * ` ${ "x" 'y' . ? ?. ?? || : ... async await function return if else for
of in let const class new /x/ 1 ! // /* */ < > <!-- --> @fetch @config # \\ yield static get typeof import
export && var throw while do this super null env.KV step.do x.y push \\u0061 é
"""
TOKENS = [*WORDS.split(), "\0", "\ud800", "\n", "\r\n", " ", "//c\n"]
codes = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join),
    st.lists(st.sampled_from(TOKENS), max_size=25).map("".join),
)
odd = st.sampled_from(["__proto__", "\u2028", "</script>", "`${a}`", "\\", "\x7f", "\ufeff", "\x00"])
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
keys = st.text() | st.just("__proto__")
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text() | odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


class Node:
    """A node process that answers JSON lines; asked by one thread at a time."""

    SCRIPT = """
    const lines = require('node:readline').createInterface({ input: process.stdin, terminal: false })
    const places = [['(', ')'], ['[0, ', ']'], ['(0 ? ', ' : 0)'], ['`${', '}`']]
    const parses = text => {
      try { new Function('return async () => (' + text + ')'); return true } catch { return false }
    }
    lines.on('line', line => {
      const { value, text } = JSON.parse(line)
      const answer = value === undefined
        ? places.map(([head, tail]) => parses(head + '\\n' + text + '\\n' + tail))
        : JSON.stringify((0, eval)('(' + value + ')'))
      process.stdout.write(JSON.stringify(answer) + '\\n')
    })
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lock = threading.Lock()

    def ask(self, question: dict[str, str]) -> Any:
        into, out = self.process.stdin, self.process.stdout
        assert into is not None
        assert out is not None
        with self.lock:
            into.write(json.dumps(question) + "\n")
            into.flush()
            return json.loads(out.readline())


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    path = shutil.which("node")
    if path is None:
        pytest.skip("node is not on the path")
    with subprocess.Popen(
        [path, "-e", Node.SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Node(process)
        process.kill()


@given(codes, st.sampled_from(Kind))
@settings(max_examples=600, deadline=None)
def test_parse_never_raises(text: str, kind: Kind) -> None:
    facts = parse(text, kind)
    assert isinstance(facts, Facts)
    for name in facts.free:
        assert 0 <= name.start < name.end <= len(text)
    for found in facts.faults:
        assert 0 <= found.start <= len(text)
        assert found.line >= 1
        assert found.column >= 1
    env_reads(facts)
    flatten(place(facts, "x"))


@given(codes)
@settings(max_examples=300, deadline=None)
def test_trigger_code_never_raises(text: str) -> None:
    code = parse_trigger(text)
    assert len(code.facts.text) == len(text)


@given(codes)
@settings(max_examples=600, deadline=None)
def test_an_accepted_expression_is_one_expression(node: Node, text: str) -> None:
    facts = parse(text, Kind.EXPRESSION)
    if facts.faults or facts.language == "ts" or facts.jsx:
        return
    wrapped = parse(f"x(\n{text}\n)", Kind.EXPRESSION)
    assert wrapped.faults == ()
    in_parentheses, *elsewhere = node.ask({"text": text})
    if in_parentheses:
        assert all(elsewhere), text


@given(values)
@settings(max_examples=300, deadline=None)
def test_quote_carries_the_value(node: Node, value: Any) -> None:
    text = str(quote(value))
    assert parse(text, Kind.EXPRESSION).faults == ()
    answer = json.loads(node.ask({"value": text}), parse_int=float)
    assert answer == json.loads(json.dumps(value), parse_int=float)


@given(st.lists(codes, max_size=6))
@settings(max_examples=50, deadline=None)
def test_placing_keeps_the_code(parts: list[str]) -> None:
    text = "\n".join(parts)
    facts = parse(text, Kind.BODY)
    if facts.faults:
        return
    again = parse(str(place(facts, "x")), Kind.BODY)
    assert [one.name for one in again.free] == [one.name for one in facts.free]
    assert again.faults == ()
