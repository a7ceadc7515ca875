"""Programs made by hand, and what is needed to look at their print."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from stepwell.bundle.toolchain import Toolchain
from stepwell.emit import emit
from stepwell.javascript import Kind, parse
from stepwell.javascript.trigger import parse_trigger
from stepwell.local.config import WorkerSpec, WorkflowSpec
from stepwell.lower import program as p

DEFAULT = p.Settings()
BINDINGS = (
    p.Binding("WORKFLOW", "workflow", "made", "Made"),
    p.Binding("CHILD", "workflow", "child", "Child"),
    p.Binding("OTHER", "service", "other"),
    p.Binding("KV", "kv_namespace"),
    p.Binding("NAME", "string"),
)


def code(text: str, **rest: Any) -> p.Code:
    """A user's statements."""
    return p.Code(parse(text, Kind.BODY), "nodes/a/code", **rest)


def expr(text: str, **rest: Any) -> p.Code:
    """A user's expression."""
    return p.Code(parse(text, Kind.EXPRESSION), "nodes/a/condition", **rest)


def body(text: str, **rest: Any) -> p.Body:
    """A user's function body."""
    return p.Body(code(text), **rest)


def do(
    name: str,
    work: p.Work | str = "return 1;",
    bind: str | None = None,
    *,
    context: Any = "none",
    **rest: Any,
) -> p.Do:
    """A step; text is its body."""
    made = body(work, context=context) if isinstance(work, str) else work
    step = rest.pop("step", None) or p.StepName(name)
    given = {"settings": DEFAULT, **rest}
    return p.Do(name, step, made, p.Bind(bind) if bind else None, **given)


def value(name: str, *keys: str | int) -> p.Expr:
    """A name, or what is read of it."""
    return p.Path(p.Name(name), keys) if keys else p.Name(name)


def record(**entries: p.Expr) -> p.Record:
    """An object literal."""
    return p.Record(tuple(entries.items()))


def arm(*block: p.Statement, gives: str | None = None) -> p.Arm:
    """An arm that is worth a name."""
    return p.Arm(tuple(block), p.Name(gives) if gives else None)


def workflow(*block: p.Statement, **rest: Any) -> p.Program:
    """A workflow with the default trigger code."""
    return _program("workflow", block, rest)


def script(*block: p.Statement, **rest: Any) -> p.Program:
    """A script with the default handler. Its steps are not retried unless they say so."""
    return _program("script", block, rest)


def _program(kind: Literal["workflow", "script"], block: p.Block, rest: Mapping[str, Any]) -> p.Program:
    given: dict[str, Any] = {
        "bindings": BINDINGS,
        "default_trigger": p.DefaultTrigger("http"),
        "handlers": (p.Handler("fetch", "handler"),),
        "uses_env": True,
        **rest,
    }
    return p.Program(kind, "Made", "Made", "made", "made", given.pop("description", None), block, "js", **given)


def with_trigger(program: p.Program, text: str) -> p.Program:
    """The program with trigger code of a user's, which has handlers with annotations."""
    from dataclasses import replace

    found = parse_trigger(text)
    assert not found.faults
    handlers = tuple(
        p.Handler(
            h.kind,
            h.name,
            h.name.lower().replace("_", "-"),
            ((p.Piece(*h.parameters_range), None),),
            p.Piece(*h.body_range),
            p.Piece(*h.result_range) if h.result_range else None,
            h.promises,
        )
        for h in found.handlers
    )
    pieces = tuple(p.Piece(*piece) for piece in found.pieces)
    imports = tuple(("trigger", one.text) for one in found.imports)
    trigger = p.Code(found.facts, "trigger")
    return replace(program, trigger=trigger, handlers=handlers, modules=pieces, imports=imports, default_trigger=None)


def js(*block: p.Statement) -> str:
    """The lines of `run()` that a block of a workflow is printed as."""
    return run_of(emit(workflow(*block, uses_env=False), "js").text)


def run_of(text: str) -> str:
    """The body of `run()`, its indentation taken off."""
    _, _, rest = text.partition("  async run(event, step) {\n")
    inside, _, _ = rest.partition("\n  }\n")
    return "\n".join(line.removeprefix("    ") for line in inside.split("\n"))


def graph_of(text: str) -> str:
    """The body of `runGraph`, its indentation taken off."""
    _, _, rest = text.partition("async function runGraph(env, event) {\n")
    inside, _, _ = rest.partition("\n}\n")
    return "\n".join(line.removeprefix("  ") for line in inside.split("\n"))


def parse_all(toolchain: Toolchain, texts: Mapping[str, str], folder: Path) -> str:
    """What esbuild has against the modules."""
    for name, text in texts.items():
        (folder / f"{name}.{'ts' if name.endswith('ts') else 'js'}").write_text(text, "utf-8")
    files = [str(path) for path in sorted(folder.iterdir())]
    done = subprocess.run(
        [str(toolchain.esbuild), *files, f"--outdir={folder}/out", "--log-level=warning", "--log-limit=0"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def spec(program: p.Program, **rest: Any) -> WorkerSpec:
    """The Worker that a program becomes."""
    workflows = (WorkflowSpec("made", "Made", "WORKFLOW"),) if program.kind == "workflow" else ()
    modules = {"worker.js": emit(program, "js").text}
    return WorkerSpec("made", modules, "worker.js", "2026-06-01", workflows=workflows, **rest)
