"""The command line. This module imports click alone, so that `stepwell --help` answers at once.

Each command is a module of this package that holds `command`; it is imported when its name is called.
Exit codes: 0 done, 1 the answer is no (findings, stale files, a run that failed), 2 the call was wrong or a
file could not be read, 3 `run` could not run the graph, 70 a fault of stepwell itself, 130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from stepwell import __version__

_COMMANDS = {
    "check": "Check graphs and print what is found.",
    "build": "Compile a graph into a Worker.",
    "run": "Run a graph on this machine, on the real Workers runtime.",
    "dev": "A Cloudflare account on this machine: deploy to it, call it, watch it.",
    "plan": "Show what a deploy would change.",
    "deploy": "Deploy graphs to a Cloudflare account.",
    "versions": "List the versions of a deployed Worker.",
    "rollback": "Have an older version answer again.",
    "takedown": "Remove a Worker and what belongs to it.",
    "drift": "Show what was changed since the last deploy.",
    "trigger": "Start a run of a deployed workflow.",
    "runs": "List runs, show one, watch one.",
    "send-event": "Send an event to a run that waits.",
    "pause": "Pause a run.",
    "resume": "Resume a run.",
    "terminate": "End a run.",
    "restart": "Start a run again.",
    "call": "Call a deployed script.",
    "serve": "Serve the HTTP API: workflows, deploys, runs.",
    "nodes": "Custom nodes: list, show, start, check and bundle them.",
    "graph": "Draw a graph.",
    "scope": "List what can be referenced at a node.",
    "catalogue": "List the node types.",
    "edit": "Change a graph: rename, insert, delete, extract.",
    "convert": "Write a graph as Python, or Python as JSON.",
    "explain": "Explain a finding's code.",
    "schema": "Print the JSON Schema of graphs, for editors.",
    "init": "Start a first project.",
    "install": "Install the npm packages that graphs depend on.",
    "setup": "Install the Workers runtime into the user's cache.",
}


_MODULES = {"call": "call_script"}
"""Commands whose module cannot bear their name: `call` is a function here."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for, not to be listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = _MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        command = importlib.import_module(f"stepwell.cli.{module}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from stepwell.cli.words import did_you_mean

            ctx.fail(f"there is no command {args[0]!r}.{did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="stepwell", message="%(prog)s %(version)s")
def stepwell() -> None:
    """Compiles workflow graphs into Cloudflare Workers and runs them on the real runtime."""


def call(arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit code; whatever goes wrong has been said on stderr by then."""
    _prepare_streams()
    try:
        code = stepwell.main(list(arguments), prog_name="stepwell", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (Exception, KeyboardInterrupt) as error:
        from stepwell.cli.faults import explain

        return explain(error)
    return code if isinstance(code, int) else 0


def _prepare_streams() -> None:
    """A stream that is closed swallows what is written; one that cannot show a character shows its number."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (open until the process ends)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """The `stepwell` script, whose process is its own: it starts quicker without what other programs may need."""
    gc.set_threshold(50_000, 20, 50)  # modules that are loaded are no garbage, and little else is
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some reads about every package installed
    sys.exit(call(sys.argv[1:]))
