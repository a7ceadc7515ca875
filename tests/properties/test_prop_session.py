"""A session gives what a compile of its own gives, whatever is edited, and is quick where only texts are."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from hypothesis import given, target
from hypothesis import strategies as st

from stepwell import Session, check, compile_artifact
from stepwell.compiler import Language
from tests.properties.documents import goldens, graph, mutate, node, ways
from tests.properties.hostile import Json, bounded
from tests.random_graphs import prepared
from tests.semantics.artifact import artifact
from tests.semantics.generate import drawn

WORDS = (
    " ",
    "\n",
    "\n\n  ",
    "x",
    "1",
    " + 1",
    "// note\n",
    "/* a",
    ";",
    "(",
    ")",
    "{",
    "}",
    "`",
    "'",
    "const total = 1;\n",
    "const request = 1;\n",
    "let n1 = 2;\n",
    "return 5;\n",
    "return { value: 1, name: 'x' };\n",
    "console.log(1);\n",
    "await fetch('https://x.test');\n",
    "Date.now()",
    "_output = 1;\n",
    "env.TOKEN",
    "await env.KV.get('a')",
    "ctx.attempt",
    "ctx.idempotencyKey",
    "valuesOf(1);\n",
    "NonRetryableError",
    "import x from 'node:fs';\n",
    "(1 as number)",
    "event.payload.a",
    "{{trigger.a}}",
    "{{env.TOKEN}}",
    "{{n0}}",
    "{{n1.v}}",
    "{{n2 ?? 1}}",
    "{{nobody}}",
    "item.a",
    "i",
    "err.message",
    "ß😀",
    "\u2028",
    "\ud800",
    "true",
    "1.0",
)
"""What is typed into texts, or set in their place."""

_NUMBERS: tuple[Any, ...] = (1, 1.0, True, 0, 2, False, None, "1", [], {})


class Editing:
    """A document that is edited; `text` is how it is written down at the moment."""

    def __init__(self, draw: st.DrawFn, document: Json) -> None:
        self.draw, self.document = draw, document
        self.before: list[Json] = []
        self.indent: int | None = None
        self.ascii = True

    def text(self) -> str:
        return json.dumps(self.document, indent=self.indent, ensure_ascii=self.ascii)

    def edit(self) -> None:
        """One edit, most often of a text."""
        self.before.append(copy.deepcopy(self.document))
        kinds = ["type"] * 8 + ["set", "set", "move", "undo", "undo", "layout", "order", "anything", "settings", "two"]
        kind = self.draw(st.sampled_from([*kinds, "head", "head"]))
        getattr(self, f"_{kind}")()
        if kind == "type" and self.draw(st.booleans()):
            self._head()

    def _texts(self) -> list[tuple[str | int, ...]]:
        """The ways to texts and numbers in the data of nodes."""
        found = [way for way in ways(self.document) if "data" in way and self._is_plain(way)]
        return found or [()]

    def _is_plain(self, way: tuple[str | int, ...]) -> bool:
        return isinstance(self._at(way), str | int | float | bool)

    def _at(self, way: tuple[str | int, ...]) -> Any:
        return _value(self.document, way)

    def _type(self) -> None:
        """A word is put into a text, or a part of it is taken out."""
        way = self.draw(st.sampled_from(self._texts()))
        if not way or not isinstance(self._at(way), str):
            return
        text = self._at(way)
        start = self.draw(st.integers(0, len(text)))
        end = min(len(text), start + self.draw(st.sampled_from([0, 0, 0, 1, 3])))
        self._at(way[:-1])[way[-1]] = text[:start] + self.draw(st.sampled_from(("", *WORDS))) + text[end:]

    def _two(self) -> None:
        self._type()
        self._type()

    def _set(self) -> None:
        way = self.draw(st.sampled_from(self._texts()))
        if way:
            self._at(way[:-1])[way[-1]] = copy.deepcopy(self.draw(st.sampled_from((*WORDS, *_NUMBERS))))

    def _move(self) -> None:
        nodes = self._nodes()
        if nodes:
            self.draw(st.sampled_from(nodes))["position"] = {"x": self.draw(st.integers(0, 9)), "y": 0.5}

    def _undo(self) -> None:
        self.document = copy.deepcopy(self.draw(st.sampled_from(self.before)))

    def _layout(self) -> None:
        self.indent = self.draw(st.sampled_from([None, 0, 2, 4]))
        self.ascii = self.draw(st.booleans())

    def _order(self) -> None:
        nodes = self._nodes()
        random.Random(self.draw(st.integers(0, 9))).shuffle(nodes)

    def _anything(self) -> None:
        self.document = mutate(self.draw, self.document)

    def _settings(self) -> None:
        nodes = self._nodes()
        if not nodes:
            return
        one = self.draw(st.sampled_from(nodes))
        key, value = self.draw(
            st.sampled_from(
                [
                    ("name", "Other"),
                    ("name", "EXPORT_x"),
                    ("name", "request"),
                    ("config", {"retries": {"limit": 2, "delay": 10}}),
                    ("version", "1.0.1"),
                    ("id", "n9"),
                    ("unknown", 1),
                ]
            )
        )
        one[key] = value

    def _head(self) -> None:
        """What is written with an edit, and what is said of the graph; now and then in another place, or wrong."""
        metadata = self._artifact().get("metadata")
        if not isinstance(metadata, dict):
            return
        key = self.draw(st.sampled_from(["updatedAt"] * 4 + ["createdAt", "description", "version", "name", "unknown"]))
        known = {"version": (2, 3, 0, 1.0, True), "description": ("two\nlines", "*/ x", "", None)}
        metadata[key] = self.draw(st.sampled_from(known.get(key, ("2026-11-28", "2026-11-29", "ß😀", None, 1))))
        if self.draw(st.integers(0, 5)) == 0:
            artifact = self._artifact()
            artifact["metadata"] = artifact.pop("metadata")

    def _artifact(self) -> Json:
        inner = self.document.get("ir", self.document) if isinstance(self.document, dict) else None
        return inner if isinstance(inner, dict) else {}

    def _nodes(self) -> list[Json]:
        inner = self._artifact()
        nodes = inner.get("nodes")
        return [one for one in nodes if isinstance(one, dict)] if isinstance(nodes, list) else []


@st.composite
def documents(draw: st.DrawFn) -> Json:
    kind = draw(st.sampled_from(["golden", "golden", "case", "script", "random"]))
    if kind == "golden":
        return copy.deepcopy(draw(st.sampled_from(goldens()))[1])
    if kind == "random":
        found = prepared(draw(st.integers(0, 5000)))
        return found[0] if found is not None else graph(node("n0", code="return 1;"))
    case = draw(drawn(scenarios=0, script=kind == "script"))
    return artifact(case.case, case.shape)


@bounded(150)
@given(st.data())
def test_every_edit_is_compiled_as_if_it_were_the_first(data: st.DataObject) -> None:
    language: Language = data.draw(st.sampled_from(["ts", "js"]))
    session = Session(language=language, off=data.draw(st.sampled_from([(), ("SW302",)])))
    editing = Editing(cast(st.DrawFn, data.draw), data.draw(documents()))
    for _ in range(data.draw(st.integers(2, 8))):
        _compare(session, editing)
        editing.edit()
    _compare(session, editing)
    target(float(session.quick))


def _compare(session: Session, editing: Editing) -> None:
    try:
        text = editing.text()
    except (TypeError, ValueError):  # keys that JSON has not
        return
    if len(text) % 2:
        assert session.check(text) == check(text, off=session._options.off)
    _same(session, text)


def _same(session: Session, text: str) -> bool:
    """Whether it compiles; it must give what a compile of its own gives."""
    options = session._options
    fresh = compile_artifact(text, language=options.language, off=options.off)
    ours = session.compile(text)
    assert ours == fresh, text
    assert ours.source == fresh.source
    assert ours.program == fresh.program
    return ours.ok


def test_a_good_part_of_what_is_typed_is_quick() -> None:
    """Words typed into the texts of nodes at random, most of which break something, and taken out again."""
    counts: Counter[str] = Counter()
    for seed in range(80):
        rng = random.Random(seed)
        _, document = rng.choice(goldens())
        session = Session()
        if not _same(session, json.dumps(document)):
            continue
        for typed in (*(rng.choice(WORDS) for _ in range(6)), None):
            edited = copy.deepcopy(document)
            if typed is not None:
                _put(rng, edited, typed)
            before = session.quick
            ok = _same(session, json.dumps(edited))
            counts["all"] += 1
            counts["quick"] += session.quick - before
            counts["quick, of a document that compiles"] += (session.quick - before) * ok
    assert counts["quick"] * 2 > counts["all"] > 100, counts
    assert counts["quick, of a document that compiles"] * 8 > counts["all"], counts


def _put(rng: random.Random, document: Json, word: str) -> None:
    texts = [way for way in ways(document) if "data" in way and isinstance(_value(document, way), str)]
    if texts:
        *to, key = rng.choice(texts)
        text = _value(document, (*to, key))
        at = rng.randint(0, len(text))
        _value(document, to)[key] = text[:at] + word + text[at:]


def _value(document: Json, way: Sequence[str | int]) -> Any:
    for key in way:
        document = document[key]
    return document
