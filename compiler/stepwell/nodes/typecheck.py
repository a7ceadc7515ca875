"""Type-checks templates by their definitions: `tsc --strict`, with the type of `ctx` and of the result made of them.

A template whose parameter has no type gets the one of its definition, in the copy that tsc reads.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stepwell.graph.definition import ConfigField, Definition, OutputField
from stepwell.graph.nodes import CustomNode
from stepwell.javascript import BindingKind, kind_of, merged, property_key, quote
from stepwell.javascript.facts import position
from stepwell.javascript.template import parse_template, with_type

if TYPE_CHECKING:
    from stepwell.bundle.toolchain import Toolchain

_ERROR: Final = re.compile(r"^(\d+)/(template|call)\.ts\((\d+),(\d+)\): error (TS\d+): (.*)$")
_CONTEXT: Final = 'import("./context").Context'
_CALL: Final = """import type { Context, Output } from "./context";
import node from "./template";

export const call: (ctx: Context) => Output | Promise<Output> = node;
"""
_CONFIG: Final = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
        "lib": ["es2024"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "moduleDetection": "force",
        "types": ["@cloudflare/workers-types"],
    },
    "include": ["*/*.ts", "modules.d.ts"],
}
_BINDINGS: Final[Mapping[BindingKind, str]] = MappingProxyType(
    {
        BindingKind.STRING: "string",
        BindingKind.KV: "KVNamespace",
        BindingKind.D1: "D1Database",
        BindingKind.R2: "R2Bucket",
        BindingKind.QUEUE: "Queue<any>",
        BindingKind.SERVICE: "Fetcher",
        BindingKind.BROWSER: "Fetcher",
        BindingKind.AI: "Ai",
        BindingKind.VECTORIZE: "VectorizeIndex",
        BindingKind.ANALYTICS: "AnalyticsEngineDataset",
        BindingKind.HYPERDRIVE: "Hyperdrive",
        BindingKind.EMAIL: "SendEmail",
        BindingKind.IMAGES: "ImagesBinding",
        BindingKind.RATE_LIMIT: "RateLimit",
    }
)


@dataclass(frozen=True)
class TypeFault:
    """What tsc has against a node: in its template at a line and column, or in what it promises (then without)."""

    message: str
    line: int | None = None
    column: int | None = None


def type_faults(toolchain: Toolchain, nodes: Sequence[CustomNode]) -> list[list[TypeFault]]:
    """The faults of each node, all checked in one go. OSError when tsc cannot be run."""
    with tempfile.TemporaryDirectory(prefix="stepwell-") as name:
        folder = Path(name)
        _lay_out(folder, toolchain, nodes)
        command = [str(toolchain.tsc), "--project", "tsconfig.json", "--pretty", "false"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found: list[list[TypeFault]] = [[] for _ in nodes]
    for number, fault in _read(done.stdout, nodes):
        found[number].append(fault)
    if done.returncode != 0 and not any(found):
        raise RuntimeError(f"tsc ended with code {done.returncode}: {(done.stdout + done.stderr).strip()[:500]}")
    return found


def _lay_out(folder: Path, toolchain: Toolchain, nodes: Sequence[CustomNode]) -> None:
    for number, node in enumerate(nodes):
        own = folder / str(number)
        own.mkdir()
        (own / "template.ts").write_text(with_type(node.template or "", _CONTEXT), "utf-8")
        (own / "context.ts").write_text(context_types(node), "utf-8")
        (own / "call.ts").write_text(_CALL, "utf-8")
    packages = sorted({name for node in nodes for name in node.definition.dependencies or {}})
    declared = [f"declare module {quote(name)};\ndeclare module {quote(name + '/*')};\n" for name in packages]
    # Neither Node's types nor those of packages are part of the toolchain.
    (folder / "modules.d.ts").write_text("".join(['declare module "node:*";\n', *declared]), "utf-8")
    (folder / "node_modules").symlink_to(toolchain.types / "node_modules")
    (folder / "tsconfig.json").write_text(json.dumps(_CONFIG), "utf-8")


def _read(printed: str, nodes: Sequence[CustomNode]) -> Iterator[tuple[int, TypeFault]]:
    lines = printed.splitlines()
    for at, line in enumerate(lines):
        told = _ERROR.match(line)
        if told is None:
            continue
        number, more = int(told[1]), _more(lines, at + 1)
        message = f"{told[6]}{f' ({more})' if more else ''} [{told[5]}]"
        if told[2] == "call":
            yield number, TypeFault(f"the function does not fit the definition: {message}")
        else:
            yield number, TypeFault(message, *_place(nodes[number].template or "", int(told[3]), int(told[4])))


def _more(lines: Sequence[str], at: int) -> str:
    """The innermost reason, which tsc indents below an error."""
    reasons = []
    while at < len(lines) and lines[at].startswith(" "):
        reasons.append(lines[at].strip())
        at += 1
    return reasons[-1] if reasons else ""


def _place(text: str, line: int, column: int) -> tuple[int, int]:
    """A place of tsc's copy in the template itself: behind the type that was put in, it lies further left."""
    at = parse_template(text).untyped
    if at < 0 or position(text, at)[0] != line:
        return line, column
    start, wide = position(text, at)[1], len(_CONTEXT) + 2
    return line, column if column <= start else max(start, column - wide)


# -- types ---------------------------------------------------------------------------------------------


def context_types(node: CustomNode) -> str:
    """The types of `ctx` and of the result, as a module."""
    definition = node.definition
    config = [_config_entry(key, field) for key, field in definition.configSchema.items()]
    return "\n".join(
        [
            f"export interface Config {_object(config)}",
            f"export interface Env {_object([*_env_entries(node)])}",
            "export interface Context {",
            "  config: Config;",
            "  inputs: Record<string, any>;",
            "  env: Env;",
            "  workflow: { id: string; name: string; instanceId: string };",
            "  attempt: number;",
            "  idempotencyKey: string;",
            "}",
            f"export type Output = {_output(definition)};",
            "",
        ]
    )


def _object(entries: Sequence[str]) -> str:
    return "{ " + "; ".join(entries) + " }" if entries else "{}"


def _config_entry(key: str, field: ConfigField) -> str:
    there = field.required or field.has_default
    return f"{property_key(key)}{'' if there else '?'}: {_config_type(field)}"


def _config_type(field: ConfigField) -> str:
    choices = " | ".join(str(quote(option)) for option in field.options or ()) or "string"
    types = {"number": "number", "boolean": "boolean", "json": "any", "expression": "any", "select": choices}
    return f"({choices})[]" if field.type == "multiselect" else types.get(field.type, "string")


def _env_entries(node: CustomNode) -> Iterator[str]:
    """Secrets, and what else the template reads, by how it uses it."""
    definition = node.definition
    required = {field.envVarName: field.required for field in definition.configSchema.values() if field.envVarName}
    for name, needed in required.items():
        yield f"{property_key(str(name))}{'' if needed else '?'}: string"
    for name, read in merged(parse_template(node.template or "").env.reads).items():
        if name not in required:
            yield f"{property_key(name)}: {_BINDINGS.get(kind_of(name, read), 'any')}"


def _output(definition: Definition) -> str:
    if not definition.outputSchema:
        return "any"
    return _object([f"{property_key(key)}: {_output_type(field)}" for key, field in definition.outputSchema.items()])


def _output_type(field: OutputField) -> str:
    plain = {"string": "string", "number": "number", "boolean": "boolean", "null": "null"}
    if field.type == "array":
        made = f"({_output_type(field.items)})[]" if field.items else "any[]"
    elif field.type == "object":
        inner = [f"{property_key(key)}: {_output_type(one)}" for key, one in (field.properties or {}).items()]
        made = _object(inner) if inner else "any"
    else:
        made = plain[field.type]
    return f"{made} | null" if field.nullable else made
