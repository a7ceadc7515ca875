"""Loads an uploaded Worker in a runtime of its own, to say whether it loads and what it exports."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepwell.local import capnp
from stepwell.local.config import own_file as local_file

from .models import Binding
from .upload import KINDS, Code, invalid

# The handlers that an event can reach; other methods of the default export are nobody's.
HANDLERS: Final = ("fetch", "scheduled", "queue", "email", "tail", "tailStream", "trace", "alarm", "connect", "test")
PROBE: Final = "stepwell-probe.js"
_SECONDS: Final = 30.0
_NOISE: Final = re.compile(r"^(?:workerd/\S+|service \S+): ?|\bservice worker: ", re.MULTILINE)
_AT: Final = re.compile(r"\bat (?:worker: )?(\S+:\d+(?::\d+)?)")


@dataclass(frozen=True)
class Exports:
    """What a Worker exports: the handlers of its default export, named exports with what they extend, the time to load.

    `default_base` is the class that the default export extends, if it is a class.
    """

    handlers: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, str]
    default_base: str | None
    startup_ms: int

    @property
    def nothing_to_do(self) -> bool:
        """Whether no event could ever reach it."""
        return not self.handlers and not self.classes


async def probe(workerd: Path, code: Code, bindings: list[Binding]) -> Exports:
    """The exports of a Worker. Raises `Refusal` 10021 with the runtime's words when it does not load; about 50 ms."""
    mark = secrets.token_hex(8)
    text = _own("probe.js").replace("MAIN", f"./{code.main}").replace("MARK", mark)
    modules = [(PROBE, "esModule", text.encode()), *_modules(code)]
    started = time.monotonic()
    out = await _run(workerd, _config(modules, code, bindings))
    spent = round((time.monotonic() - started) * 1000)
    found = next((line.partition(mark)[2] for line in out.splitlines() if mark in line), None)
    if found is None:
        raise invalid(_words(out))
    return _exports(json.loads(found), spent)


def _exports(told: Mapping[str, Any], spent: int) -> Exports:
    default = told.get("default") or {"base": None, "methods": []}
    named = {name: value for name, value in told.items() if name != "default"}
    return Exports(
        handlers=tuple(name for name in default["methods"] if name in HANDLERS),
        named={name: tuple(value["methods"]) for name, value in named.items() if value["base"]},
        classes={name: value["base"] for name, value in named.items() if value["base"]},
        default_base=default["base"],
        startup_ms=spent,
    )


def _modules(code: Code) -> list[tuple[str, str, bytes]]:
    return [(name, KINDS[kind], content) for name, (kind, content) in code.loaded.items()]


def _config(modules: list[tuple[str, str, bytes]], code: Code, bindings: list[Binding]) -> str:
    parts: list[capnp.Value] = [
        {"name": name, kind: content if kind in ("wasm", "data") else content.decode()}
        for name, kind, content in modules
    ]
    worker: dict[str, capnp.Value] = {
        "modules": parts,
        "compatibilityDate": code.compatibility_date,
        "compatibilityFlags": list(code.compatibility_flags),
        "bindings": [_binding(binding) for binding in bindings],
    }
    extension: capnp.Value = {"name": "stepwell:missing", "internal": True, "esModule": local_file("missing.js")}
    config: dict[str, capnp.Value] = {
        "services": [{"name": "worker", "worker": worker}],
        "extensions": [{"modules": [extension]}],
    }
    return f'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = {capnp.text(config)};\n'


def _binding(binding: Binding) -> capnp.Value:
    """Texts as they are: code at the top level may read them. Anything else cannot be used there anyway."""
    name = binding["name"]
    if binding["type"] in ("plain_text", "secret_text"):
        return {"name": name, "text": binding["text"]}
    if binding["type"] == "json":
        return {"name": name, "json": json.dumps(binding["json"])}
    message: capnp.Value = {"name": "message", "text": f"env.{name} cannot be used while a Worker loads"}
    return {"name": name, "wrapped": {"moduleName": "stepwell:missing", "innerBindings": [message]}}


async def _run(workerd: Path, config: str) -> str:
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        path = Path(folder, "config.capnp")
        path.write_text(config, "utf-8", "replace")
        process = await asyncio.create_subprocess_exec(
            str(workerd), "test", "--experimental", str(path),
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise invalid("Script startup exceeded CPU time limit.") from None
    return out.decode("utf-8", "replace")


def _words(out: str) -> str:
    """What the runtime said, as Cloudflare says it: the error first, then where."""
    text = _NOISE.sub("", out).strip()
    start = text.find("Uncaught ")
    lines = (text[start:] if start >= 0 else text).splitlines() or ["the Worker does not load"]
    places = [f"  at {found[1]}" for line in lines[1:] if (found := _AT.search(line)) and PROBE not in found[1]]
    return "\n".join([lines[0].strip(), *places[:5]])


def _own(file: str) -> str:
    return (Path(__file__).parent / file).read_text("utf-8")
