"""One `stepwell dev` from start to end: deploys and watches graphs, and says what happens on the terminal."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from stepwell.bundle.esbuild import package_of
from stepwell.cli.faults import Failed, Unreadable, reason
from stepwell.cli.steps import StepTable
from stepwell.cli.words import duration, plain
from stepwell.deploy.carried import CONTENT_TYPE, MODULE
from stepwell.deploy.prepare import Source, wanted
from stepwell.deploy.project import Project
from stepwell.dev.envelope import Refusal
from stepwell.dev.graphs import deploy_graph
from stepwell.dev.logs import Frame, Happened, LogReader, Written
from stepwell.emit.sourcemap import SourcePlaces
from stepwell.graph.stepnames import shown

if TYPE_CHECKING:
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.compiler import Compiled
    from stepwell.dev.serve import Server
    from stepwell.local.mock import Exchange
    from stepwell.local.runtime import LogLine

_STYLES = {"error": "red", "warn": "yellow", "debug": "dim"}
_ROOM = 100


class Session:
    """What one call of the command needs to know while it runs.

    `log`, `fault` and `exchange` are called from other threads.
    """

    def __init__(self, paths: Sequence[str], variables: Mapping[str, str], nodes: Sequence[Path] = ()) -> None:
        self.mark = f"stepwell:{secrets.token_hex(8)}:"
        self._paths = [Path(path) for path in paths]
        self._variables = variables
        self._nodes = nodes
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._reader = LogReader(self.mark, self._told)
        self._graphs: dict[str, _Graph] = {}
        self._errors: dict[tuple[str, str], str] = {}
        self._server: Server | None = None

    def run(self, server: Server, tools: Toolchain) -> int:
        """Serves until it is interrupted."""
        self._server = server
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        with suppress(KeyboardInterrupt):
            asyncio.run(self._serve(server, tools))
        return 0

    async def _serve(self, server: Server, tools: Toolchain) -> None:
        watching: list[asyncio.Task[None]] = []

        async def deploy_and_watch() -> None:
            for path in self._paths:
                await self._deploy(server, tools, path)
            await server.cloud.fleet.ready()
            for graph in self._graphs.values():
                self._say("▸", "bold", graph.worker, graph.invitation(server.port))
            if self._paths:
                await self._watch(server, tools)

        def started() -> None:
            self._greet(server)
            watching.append(asyncio.create_task(deploy_and_watch()))

        try:
            await server.run(started)
        finally:
            for task in watching:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def _greet(self, server: Server) -> None:
        account = server.cloud.account
        lines = (
            f"CLOUDFLARE_API_BASE_URL={server.url}",
            f"CLOUDFLARE_ACCOUNT_ID={account.id}",
            f"CLOUDFLARE_API_TOKEN={account.token}",
        )
        self._console.print(f"A Cloudflare account on this machine, kept in {server.settings.state}. Ctrl-C ends it.")
        for line in lines:
            self._console.print(f"  export {line}")
        if server.settings.test_clock:
            url = f"http://localhost:{server.port}/local/clock?advance=2h"
            self._console.print(f"  The clock moves by: curl -X POST -H 'Authorization: Bearer …' '{url}'")

    # Graphs

    async def _watch(self, server: Server, tools: Toolchain) -> None:
        """Watches the files' folders, for editors put a new file in the old one's place; custom nodes too."""
        from watchfiles import awatch

        from stepwell.nodes import watched

        files = {path.resolve(): path for path in self._paths}
        nodes = {folder.resolve() for file in files for folder in watched(file.parent, self._nodes)}
        watching = {file.parent for file in files} | nodes
        async for changes in awatch(*watching, recursive=False, debounce=50, step=20):
            changed = {Path(name).resolve() for _, name in changes}
            of_node = any(path.parent in nodes for path in changed)
            for file in files.keys() if of_node else changed & files.keys():
                await self._deploy(server, tools, files[file])

    async def _deploy(self, server: Server, tools: Toolchain, path: Path) -> None:
        """Compiles and deploys one graph; what fails is said, and what ran before goes on."""
        started = asyncio.get_running_loop().time()
        try:
            text, compiled = await asyncio.to_thread(_compile, path, tools, self._nodes)
        except Unreadable as error:
            self._say("✗", "red", "", error.message)
            return
        except Failed as error:
            self._say("✗", "red", "", error.message)
            return
        except OSError as error:
            self._say("✗", "red", str(path), reason(error))
            return
        if not compiled.ok or compiled.manifest is None:
            kept = " (what was deployed before goes on)" if str(path) in self._graphs else ""
            self._say("✗", "red", str(path), f"has errors, not deployed{kept}")
            return
        graph = _Graph(compiled)
        try:
            beside = {MODULE: (CONTENT_TYPE, _carried(path, text, compiled))}
            changed = await deploy_graph(server.cloud, compiled, graph.own(self._variables), beside)
        except Refusal as refusal:
            self._say("✗", "red", str(path), f"not deployed: {refusal.message}")
            return
        self._graphs[str(path)] = graph
        await server.cloud.fleet.ready()
        spent = round((asyncio.get_running_loop().time() - started) * 1000)
        self._say("✓", "green", graph.worker, f"deployed in {spent} ms" if changed else "unchanged")

    def _graph(self, worker: str) -> _Graph | None:
        return next((graph for graph in self._graphs.values() if graph.worker == worker), None)

    # What is said; from any thread

    def log(self, line: LogLine) -> None:
        """A line of the runtime."""
        self._reader(line)

    def fault(self, worker: str, message: str) -> None:
        """A Worker that does not run."""
        self._say("✗", "red", worker or "the runtime", f"does not run: {message}")

    def exchange(self, exchange: Exchange) -> None:
        """A request that a Worker made, answered by a mock or the world."""
        status = exchange.hint or "no answer" if exchange.status is None else str(exchange.status)
        source = " (mock)" if exchange.mocked else ""
        self._say("⇄", "dim", exchange.worker, f"{exchange.method} {exchange.url}  {status}{source}")

    def _told(self, told: Written | Happened) -> None:
        if isinstance(told, Written):
            self._written(told)
        else:
            self._happened(told)

    def _written(self, told: Written) -> None:
        graph = self._graph(told.worker) if told.worker is not None else None
        where = told.worker or "runtime"
        node = graph.node_at(told.frame) if graph is not None and told.frame is not None else None
        if node is not None:
            where = f"{where} › {node}"
        elif told.frame is not None and graph is None:
            where = f"{where} › {told.frame.file}:{told.frame.line}"
        self._say("│", _STYLES.get(told.level, "none"), where, told.text)

    def _happened(self, told: Happened) -> None:
        workflow, graph = self._workflow(told.workflow)
        step = str(told.entry.get("stepName", ""))
        name = graph.called(step) if graph is not None and step else shown(step)
        where = f"{workflow} {told.instance[:8]}" + (f" › {name}" if name else "")
        said = self._said(told)
        if said is not None:
            mark, style, words = said
            self._say(mark, style, where, words)

    def _workflow(self, id: str) -> tuple[str, _Graph | None]:
        """The name of a workflow and its graph, if it has one. Reads only what was deployed from here."""
        for graph in self._graphs.values():
            if graph.workflow_id == id:
                return graph.workflow, graph
        return self._ask(id)

    def _ask(self, id: str) -> tuple[str, _Graph | None]:
        assert self._server is not None
        found = self._server.workflow_names().get(id)
        if found is None:
            return id[:8], None
        name, script = found
        graph = self._graph(script)
        if graph is not None and graph.workflow == name:
            graph.workflow_id = id
        return name, graph

    def _said(self, told: Happened) -> tuple[str, str, str] | None:
        """Mark, style and words for an entry that is worth a line."""
        entry, key = told.entry, (told.instance, str(told.entry.get("stepName")))
        match entry["type"]:
            case "workflow_queued":
                return "▶", "bold", "started"
            case "attempt_started":
                return "⋯", "dim", f"attempt {entry['attempt']}" if entry["attempt"] > 1 else "runs"
            case "attempt_errored":
                self._errors[key] = _error(entry)
                if "retryDelayMs" not in entry:
                    return None
                again = duration(round(entry["retryDelayMs"] or 0))
                return "↻", "yellow", f"attempt {entry['attempt']} failed: {_error(entry)}; again after {again}"
            case "step_completed":
                return "✓", "green", _short(entry)
            case "step_errored":
                return "✗", "red", self._errors.pop(key, "failed")
            case "sleep_started":
                return "⋯", "dim", f"sleeps for {duration(round(entry.get('durationMs') or 0))}"
            case "sleep_completed":
                return "✓", "blue", "slept"
            case "wait_started":
                return "⋯", "dim", f"waits for the event {entry.get('eventType', '')}"
            case "wait_completed":
                return "✓", "green", "the event came"
            case "wait_timed_out":
                return "✗", "red", "no event came in time"
            case "workflow_paused":
                return "‖", "yellow", "paused"
            case "workflow_terminated":
                return "■", "yellow", "terminated"
            case "workflow_completed":
                return "✔", "bold green", f"complete {_short(entry)}".rstrip()
            case "workflow_errored":
                return "✖", "bold red", f"errored: {_error(entry)}"
        return None

    def _say(self, mark: str, style: str, where: str, words: str) -> None:
        line = Text(f"{datetime.now():%H:%M:%S} ", "dim")
        line.append(f"{mark} ", style)
        line.append(plain(where), "bold" if style != "dim" else "dim")
        for part in words.splitlines() or [""]:
            line.append(f"  {plain(part)}", style if style in ("red", "yellow", "dim", "bold red") else "none")
        self._console.print(line)


class _Graph:
    """A graph that is deployed: what its names and places mean."""

    def __init__(self, compiled: Compiled) -> None:
        manifest: dict[str, Any] = compiled.manifest or {}
        self.worker: str = manifest["worker"]
        own = manifest["workflow"]
        self.workflow: str = own["name"] if own else ""
        self.workflow_id: str | None = None
        self._trigger: dict[str, Any] = manifest["trigger"]
        self._steps = StepTable(manifest)
        self._names = {node["id"]: node["name"] for node in manifest["nodes"]}
        self._bindings = {binding["name"] for binding in manifest["bindings"]}
        self._places = SourcePlaces(compiled.source_map or "{}")

    def invitation(self, port: int) -> str:
        """How it is called."""
        path = str(self._trigger.get("path") or "/")
        method = str(self._trigger.get("method") or "POST") if self._trigger.get("type") == "http" else "POST"
        said = f"{method} http://{self.worker}.localhost:{port}{path}"
        return f"{said}   (workflow {self.workflow})" if self.workflow else said

    def own(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables that this graph reads."""
        return {name: value for name, value in variables.items() if name in self._bindings}

    def called(self, step: str) -> str:
        """A step by the engine's name, with its node where that is called otherwise."""
        name = shown(step)
        node = self._steps.node(name)
        return name if node is None or name.startswith(node.name) else f"{name} ({node.name})"

    def node_at(self, frame: Frame) -> str | None:
        """The display name of the node whose code is at a place, or its source's name (trigger code)."""
        if frame.file != "worker.js":
            return None
        place = self._places.find(frame.line, frame.column)
        if place is None:
            return None
        kind, _, rest = place.source.partition("/")
        if kind != "nodes":
            return package_of(place.source) or kind
        id = rest.rpartition("/")[0]
        while id and id not in self._names:
            id = id.rpartition("/")[0]
        return str(self._names.get(id, rest))


def _carried(path: Path, text: str, compiled: Compiled) -> bytes:
    """What `stepwell deploy` would send along, so that runs and plans know the nodes of what is deployed here too."""
    project = Project(path.parent, {path.stem: path})
    [wish] = wanted(project, [Source(path.stem, text, compiled)], None, {}, {})
    return wish.carried.module()


def _compile(path: Path, tools: Toolchain, nodes: Sequence[Path]) -> tuple[str, Compiled]:
    """The document of a file as JSON text and what it compiles to; prints its findings on stderr."""
    import sys

    from stepwell.cli import formats
    from stepwell.cli.custom import NodesOf
    from stepwell.cli.findings import Checked
    from stepwell.cli.inputs import read
    from stepwell.cli.tools import packages
    from stepwell.compiler import compile_artifact

    source = read(str(path))
    custom = NodesOf(nodes)(source)
    compiled = compile_artifact(source.source, toolchain=tools, packages=packages(source, custom), nodes=custom)
    if compiled.diagnostics:
        formats.write("text", [Checked(source, compiled.diagnostics)], sys.stderr)
    return source.json, compiled


def _error(entry: Mapping[str, Any]) -> str:
    error = entry.get("error") or {}
    return f"{error.get('name', 'Error')}: {error.get('message', '')}"


def _short(entry: Mapping[str, Any]) -> str:
    import json

    if entry.get("output") is None:
        return ""
    text = json.dumps(entry["output"], ensure_ascii=False)
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}…"
