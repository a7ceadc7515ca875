"""Source maps: every character of a user's lies where the map says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepwell.emit import emit, source_map
from stepwell.emit.sourcemap import _vlq
from stepwell.javascript import Kind, parse
from stepwell.lower import program as p

from .making import do, with_trigger, workflow

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
STEP = "\n  const a = one;\n  const t = `\n text ${a}`;\n\treturn /* 🦆 */ a;\n"
TRIGGER = """import { a } from "node:a";
const page = 1;
@fetch function handler(request) {
  return new Response(page);
}"""


def decoded(text: str) -> list[tuple[int, int, int, int, int]]:
    """(line, column, source, line, column) of each segment."""
    found = []
    source = line = column = 0
    for number, segments in enumerate(text.split(";")):
        at = 0
        for segment in filter(None, segments.split(",")):
            first, *rest = numbers(segment)
            at, source, line, column = at + first, source + rest[0], line + rest[1], column + rest[2]
            found.append((number, at, source, line, column))
    return found


def numbers(segment: str) -> list[int]:
    out, value, shift = [], 0, 0
    for digit in map(DIGITS.index, segment):
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            out.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return out


@given(st.integers(-(2**40), 2**40))
def test_numbers(value: int) -> None:
    assert numbers("".join(_vlq(value))) == [value]


def made() -> tuple[str, dict[str, Any]]:
    own = p.Code(
        parse(STEP, Kind.BODY),
        "nodes/a b/ü/code",
        (p.Replacement(STEP.index("one"), STEP.index("one") + 3, p.Name("x")),),
    )
    inner = "x.y + 1"
    part = p.Code(parse(inner, Kind.EXPRESSION), "nodes/field", (), (0, 9))
    program = workflow(do("A", p.Body(own), "a"), p.Const("b", part))
    sources = {
        "nodes/a b/ü/code": STEP,
        "nodes/field": "payload: x.y + 1 and so on",
        "trigger": TRIGGER,
        "nodes/unused": "x",
    }
    program = with_trigger(program, TRIGGER)
    program = replace(program, sources=sources)
    emitted = emit(program, "ts")
    return emitted.text, json.loads(source_map(emitted, program, "worker.ts"))


def test_the_map() -> None:
    _, found = made()
    assert found["version"] == 3
    assert found["file"] == "worker.ts"
    assert found["sources"] == ["trigger", "nodes/a%20b/%C3%BC/code", "nodes/field"]
    assert found["sourcesContent"] == [TRIGGER, STEP, "payload: x.y + 1 and so on"]


def test_each_segment_points_at_the_same_text() -> None:
    text, found = made()
    lines = text.split("\n")
    segments = decoded(found["mappings"])
    assert len(segments) > 8
    for line, column, source, source_line, source_column in segments:
        original = found["sourcesContent"][source].split("\n")[source_line][source_column:].rstrip()
        printed = lines[line][column:]
        shared = 0
        while shared < min(len(original), len(printed)) and original[shared] == printed[shared]:
            shared += 1
        assert shared >= min(3, len(original)), (printed, original)


def test_nothing_of_ours_is_mapped() -> None:
    text, found = made()
    mapped = {line for line, *_ in decoded(found["mappings"])}
    lines = text.split("\n")
    assert not any(lines[line].startswith(("export class", "interface", "  async run")) for line in mapped)
