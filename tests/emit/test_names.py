"""Names of the scaffold never meet those of users or nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.bundle.toolchain import Toolchain
from stepwell.emit import emit
from stepwell.emit.names import IMPORTS, Names
from stepwell.lower import program as p
from stepwell.lower.names import HELPERS

from .making import code, do, expr, parse_all, with_trigger, workflow
from .test_statements import BLOCKS, DECLARED, DURABLE

EVERYTHING = tuple(
    s for name, block in {**BLOCKS, **DURABLE}.items() if name not in ("return", "exit", "if", "while") for s in block
)


def everything(*more: p.Statement, **rest: object) -> p.Program:
    """All helpers are used."""
    scoped = [p.If("b", ((p.Constant(True), (statement,)),)) for statement in EVERYTHING]
    return workflow(*DECLARED, *more, *scoped, default_trigger=p.DefaultTrigger("http", token=True), **rest)


def heads(text: str) -> list[str]:
    return [
        line.split("function ")[1].split("(")[0]
        for line in text.split("\n")
        if line.startswith(("function", "async function"))
    ]


def test_all_helpers_stand_before_those_they_call() -> None:
    text = emit(everything(), "js").text
    found = heads(text)
    assert found == sorted(found, key=HELPERS.index)
    for name in found:
        rest = text.split(f"function {name}(", 1)[1]
        for other in found[: found.index(name)]:
            assert f"{other}(" not in rest.split("\nexport default")[0].split("\n}\n")[0]


@pytest.mark.parametrize("name", [name for name in HELPERS if name != "unused"])
def test_a_helper_gives_way(name: str) -> None:
    for program in (
        everything(p.Declare(name)),
        everything(do("Z", f"return {name};")),
        everything(taken=frozenset({name})),
        with_trigger(everything(), f"function {name}() {{}}\n@fetch function handler() {{}}"),
    ):
        names = Names(program)
        assert str(names.name(name)) == f"{name}2"


def test_all_helpers_under_other_names(toolchain: Toolchain, tmp_path: Path) -> None:
    program = everything(taken=frozenset(HELPERS))
    text = emit(program, "js").text
    assert {name.removesuffix("2") for name in heads(text)} <= set(HELPERS)
    assert all(name.endswith("2") for name in heads(text))
    assert "const DEFAULTS2 = {" in text
    assert parse_all(toolchain, {"a_js": text, "a_ts": emit(program, "ts").text}, tmp_path) == ""


def test_imports_of_the_users_are_not_imported_again() -> None:
    trigger = """
    import { WorkflowEntrypoint, env } from "cloudflare:workers";
    import { NonRetryableError } from "cloudflare:workflows";
    @fetch function handler() {}
    """
    text = emit(with_trigger(workflow(do("A", "throw new NonRetryableError();")), trigger), "ts").text
    imports = [line for line in text.split("\n") if line.startswith("import")]
    assert imports == [
        'import { type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";',
        'import { WorkflowEntrypoint, env } from "cloudflare:workers";',
        'import { NonRetryableError } from "cloudflare:workflows";',
    ]


def test_imports_give_way_to_what_users_declare(toolchain: Toolchain, tmp_path: Path) -> None:
    declared = "".join(f"class {name} {{}}\n" for name in IMPORTS)
    trigger = f"{declared}@fetch function handler() {{}}"
    program = with_trigger(everything(), trigger)
    text = emit(program, "ts").text
    assert "WorkflowEntrypoint as WorkflowEntrypoint2, type WorkflowEvent as WorkflowEvent2" in text
    assert "extends WorkflowEntrypoint2<Env, any>" in text
    assert "new NonRetryableError2(" in text
    assert parse_all(toolchain, {"a_js": emit(program, "js").text, "a_ts": text}, tmp_path) == ""


def test_a_name_that_is_none_raises() -> None:
    with pytest.raises(AttributeError):
        Names(workflow()).name("nothing")


def test_names_are_found_at_any_depth() -> None:
    inner = expr("a", replacements=(p.Replacement(0, 1, p.Coalesce(p.Name("race"), p.Constant(1))),))
    block = (p.If("b", ((inner, (p.Inline("i", p.Body(code("request;"))),)),)),)
    names = Names(workflow(*block))
    assert (str(names.race), str(names.request)) == ("race2", "request2")
