"""Any text in any place: it arrives as it was, and nothing breaks out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepwell.bundle.toolchain import Toolchain
from stepwell.emit import emit
from stepwell.emit.comments import doc_comment
from stepwell.local.config import ServiceRef
from stepwell.local.events import Outcome
from stepwell.local.run import Job, RunOptions, run_batch
from stepwell.lower import program as p

from .making import arm, do, expr, parse_all, record, script, spec, workflow
from .test_helpers_run import OTHER

TEXTS = (
    "'",
    '"',
    "`",
    "\\",
    "\\\\`",
    "${x}",
    "$",
    "${",
    "}",
    "*/",
    "/*",
    "//",
    "<!--",
    "-->",
    "</script>",
    "]]>",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\x1b",
    "\x7f",
    "\u2028\u2029",
    "\ufeff",
    "\u202e",
    "é",
    "漢字",
    "🦆",
    "a\u0301",
    "__proto__",
    "constructor",
    "await",
    "'; throw 1; //",
    '"); process.exit(); ("',
    "`); await evil(`",
    "{{ names.x }}",
    "{% raw %}",
    "«: any»",
    "#}",
    "",
)
LONE = ("\ud83d", "\udc00x", "a\ud800")


def everywhere(text: str) -> p.Block:
    """`text` wherever a program can hold text that is no code."""
    name = "".join(" " if ch < " " or ch == "\x7f" else ch for ch in text) or "empty"
    constant = p.Constant(text)
    return (
        p.Const("kept", p.Constant({text: [text, {"x": text}]})),
        p.Const("keyed", p.Record(((text, constant), (f"{text}2", p.Path(p.Name("kept"), (text,)))))),
        p.Const(
            "templated",
            p.Template((text, p.Path(p.Name("kept"), (text, 0), True), text, p.Constant(text), text)),
        ),
        do("A", p.Evaluate(expr("1")), step=p.StepName(name)),
        p.Times("l", "i", p.Constant(1), None, (do("B", p.Evaluate(expr("1")), step=p.StepName(name, ("i",))),)),
        do(
            "C",
            p.Request(
                "c",
                "POST",
                p.Constant("https://other.test/echo"),
                query=p.Constant({"q": text}),
                body=p.Record(((text, constant),)),
                binding="OTHER",
            ),
            "c",
        ),
        p.Return(
            record(
                kept=p.Name("kept"),
                keyed=p.Name("keyed"),
                templated=p.Name("templated"),
                sent=p.Path(p.Name("c"), ("body", "body")),
            )
        ),
    )


def expected(text: str) -> dict[str, Any]:
    inner = [text, {"x": text}]
    return {"kept": {text: inner}, "keyed": {text: text, f"{text}2": inner}, "templated": text * 5}


@pytest.fixture(scope="module")
def outcomes(toolchain: Toolchain) -> dict[str, Any]:
    jobs = [
        Job(
            spec(workflow(*everywhere(text)), services={"OTHER": ServiceRef("other")}, foreign={}),
            RunOptions(timeout=60),
            (OTHER,),
        )
        for text in TEXTS
    ]
    return dict(zip(TEXTS, run_batch(toolchain, jobs), strict=True))


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_arrives_as_it_was(text: str, outcomes: dict[str, Any]) -> None:
    outcome = outcomes[text]
    assert isinstance(outcome, Outcome), outcome
    assert outcome.error is None
    assert isinstance(outcome.output, dict)
    sent = json.loads(str(outcome.output["sent"]))
    assert {key: outcome.output[key] for key in ("kept", "keyed", "templated")} == expected(text)
    assert sent == {text: text}
    names = [step.name for step in outcome.steps]
    shown = "".join(" " if ch < " " or ch == "\x7f" else ch for ch in text) or "empty"
    assert names[:2] == [shown, f"{shown} [0]"]


def _programs() -> Iterator[tuple[str, p.Program]]:
    for number, text in enumerate((*TEXTS, *LONE)):
        trigger = p.DefaultTrigger("http", text or None, "POST")
        event = p.DefaultTrigger("event", event_type=text or "x")
        bindings = tuple(p.Binding(name, "string") for name in {text, "A"})
        yield (
            f"flow{number}",
            workflow(*everywhere(text), description=text * 2, default_trigger=trigger, bindings=bindings),
        )
        yield f"event{number}", workflow(default_trigger=event)
        wait = p.Wait("w", p.StepName(text), p.Constant(text), p.Constant(text))
        arms = (arm(wait), p.Arm((p.SleepUntil("s", p.StepName(text), p.Constant(text)),)))
        yield f"arms{number}", workflow(p.Parallel("p", arms, "all"), p.Race("r", p.StepName(text), arms))
        ctx = do(text, "return ctx;", context="key", settings=None)
        yield (
            f"script{number}",
            script(ctx, replace(ctx, settings=p.Settings(1, 1, "constant", "")), description=text),
        )


def test_all_parse(toolchain: Toolchain, tmp_path: Path) -> None:
    texts = {
        f"{name}_{language}": emit(program, language).text for name, program in _programs() for language in ("js", "ts")
    }
    assert parse_all(toolchain, texts, tmp_path) == ""


@pytest.mark.parametrize("text", (*TEXTS, *LONE), ids=ascii)
def test_a_comment_cannot_be_ended(text: str) -> None:
    made = doc_comment(f"{text}before\n{text} after{text}")
    assert made is not None
    shown = str(made)
    assert shown.isprintable() or "\n" in shown
    assert shown.index("*/") == len(shown) - 2
    shown.encode()


def test_a_blank_description_is_no_comment() -> None:
    assert doc_comment(" \n\t") is None
    assert str(doc_comment("one")) == "/** one */"
    assert str(doc_comment("one\n\n  two\n")) == "/**\n * one\n *\n *   two\n */"
