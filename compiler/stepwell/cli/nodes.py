"""`stepwell nodes`: what custom nodes there are; new ones, checked and bundled."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.custom import nodes_near, nodes_option
from stepwell.cli.faults import Failed, Unreadable

if TYPE_CHECKING:
    from stepwell.graph.nodes import CustomNode, Nodes
    from stepwell.nodes.files import NodeFolder

_FILES = ("node.json", "template.ts", "test.json")


@click.group("nodes")
def command() -> None:
    """Custom nodes: list and show those that a graph here can use; start, check and bundle your own."""


# -- list and show -------------------------------------------------------------------------------------


@command.command("list")
@nodes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
def list_(nodes: tuple[Path, ...], as_json: bool) -> int:
    """List the custom nodes that a graph in this folder can use.

    They are found in nodes/ here and beside the project, in packages, and among those of stepwell.
    """
    found = nodes_near(Path(), nodes)
    if as_json:
        click.echo(json.dumps([_told(node) for node in found], indent=2))
        return 0
    rows: list[tuple[str, ...]] = [(n.definition.key, n.definition.category, n.definition.description) for n in found]
    rows += [(id_, "broken", f"{one.file}: {one.flaws[0].message}") for id_, one in sorted(found.broken.items())]
    _table(rows)
    return 0


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    for first, second, rest in rows:
        click.echo(f"{first:<{widths[0]}}  {second:<{widths[1]}}  {rest}".rstrip())


def _told(node: CustomNode) -> dict[str, Any]:
    return {**node.definition.model_dump(exclude_none=True), "template": node.source}


@command.command("show")
@click.argument("name", metavar="ID[@VERSION]")
@nodes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
def show(name: str, nodes: tuple[Path, ...], as_json: bool) -> int:
    """Show one custom node: its configuration, what it gives, and a node of a graph to start from."""
    node = _find(nodes_near(Path(), nodes), name)
    if as_json:
        click.echo(json.dumps(_told(node), indent=2))
        return 0
    definition = node.definition
    click.echo(f"{definition.key}  {definition.name}\n{definition.description}\n{node.source}")
    for title, lines in (("config", _config_lines(node)), ("gives", _output_lines(node)), ("run", _run_lines(node))):
        if lines:
            click.echo(f"\n{title}")
            _table(lines)
    click.echo(f"\n{json.dumps(_example(node), indent=2, ensure_ascii=False)}")
    return 0


def _find(nodes: Nodes, name: str) -> CustomNode:
    from stepwell.cli.words import did_you_mean

    id_, _, version = name.partition("@")
    node = nodes.find(id_, version or None)
    if node is not None:
        return node
    if id_ in nodes.broken:
        broken = nodes.broken[id_]
        raise Failed(f"{broken.file}: {broken.flaws[0].message}")
    there = [one.definition.version for one in nodes.custom.get(id_, ())]
    if there:
        raise Failed(f"there is no version {version} of {id_}; there is {', '.join(there)}")
    raise Failed(f"there is no custom node {id_!r}.{did_you_mean(id_, nodes.custom)}")


def _config_lines(node: CustomNode) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for key, field in node.definition.configSchema.items():
        said = [field.description or field.label]
        said += [f"one of {', '.join(field.options)}"] if field.options else []
        said += [f"secret {field.envVarName}"] if field.envVarName else []
        said += [f"default {json.dumps(field.default)}"] if field.has_default else []
        said += ["required"] if field.required and not field.has_default else []
        lines.append((f"  {key}", field.type, "; ".join(said)))
    return lines


def _output_lines(node: CustomNode) -> list[tuple[str, ...]]:
    return [(f"  {key}", one.type, one.description or "") for key, one in node.definition.outputSchema.items()]


def _run_lines(node: CustomNode) -> list[tuple[str, ...]]:
    runtime = node.definition.runtime
    told = runtime.model_dump(exclude_none=True) if runtime else {}
    lines: list[tuple[str, ...]] = [(f"  {key}", json.dumps(value), "") for key, value in told.items()]
    packages = (node.definition.dependencies or {}).items()
    return lines + [(f"  {name}", wanted, "npm package") for name, wanted in packages]


def _example(node: CustomNode) -> dict[str, Any]:
    """A node of a graph with what must be given."""
    fields = node.definition.configSchema.items()
    needed = {k: _sample(f) for k, f in fields if f.required and not f.has_default and f.type != "secret"}
    definition = node.definition
    return {
        "id": definition.id,
        "type": definition.id,
        "version": definition.version,
        "name": definition.name,
        "data": needed,
    }


def _sample(field: Any) -> Any:
    samples = {"number": 1, "boolean": True, "multiselect": [], "json": {}, "expression": "{{event.payload}}"}
    return field.placeholder or (field.options[0] if field.type == "select" else samples.get(field.type, "…"))


# -- new -----------------------------------------------------------------------------------------------


@command.command("new")
@click.argument("id_", metavar="ID")
@click.option(
    "--dir",
    "folder",
    default="nodes",
    show_default=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of nodes that it is put into.",
)
def new(id_: str, folder: Path) -> int:
    """Start a custom node: a folder with its definition, its template and its test.

    What is written passes `stepwell nodes check`; change it into what you need.
    """
    from stepwell.graph.catalogue import BUILTIN
    from stepwell.graph.definition import ID

    if not re.fullmatch(ID, id_):
        raise click.UsageError(f"{id_!r} is no id: lower case letters, digits, - and _, a letter first.")
    if id_ in BUILTIN:
        raise click.UsageError(f"{id_} is a type of stepwell's own; choose another id.")
    own = folder / id_
    if own.exists():
        raise Failed(f"{own} is there already; nothing was written")
    own.mkdir(parents=True)
    for name in _FILES:
        (own / name).write_text(_filled(name, id_), "utf-8")
        click.echo(f"wrote {own / name}")
    click.echo(f"Next: stepwell nodes check {own}")
    return 0


def _filled(name: str, id_: str) -> str:
    from stepwell.assets import templates

    words = re.sub(r"[_-]+", " ", id_).strip()
    names = {
        "NODE_ID": id_,
        "NODE_NAME": words[:1].upper() + words[1:],
        "NODE_ENV_KEY": f"{words.upper().replace(' ', '_')}_KEY",
    }
    text = (templates() / "node" / name).read_text("utf-8")
    return re.sub("|".join(names), lambda found: names[found[0]], text)


# -- check ---------------------------------------------------------------------------------------------


@command.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]…", type=click.Path(path_type=Path))
@click.option("--no-tests", is_flag=True, help="Check definitions and types, run nothing.")
def check(paths: tuple[Path, ...], no_tests: bool) -> int:
    """Check custom nodes: their definitions, the types of their templates, and their tests.

    A PATH is a node's folder or a folder of nodes [default: nodes]. Templates are checked by `tsc --strict` against
    their definitions; tests run on the real Workers runtime, with requests answered by their mocks.

    Exits with 0 when all is well, 1 when something is wrong, 2 when there is nothing to check.
    """
    from stepwell.cli.checked_nodes import check_nodes

    return check_nodes(_folders(paths or (Path("nodes"),)), no_tests)


def _folders(paths: Sequence[Path]) -> list[NodeFolder]:
    from stepwell.nodes.files import node_folders

    found = []
    for path in paths:
        if not path.is_dir():
            raise Unreadable(f"{path}: is no folder of nodes")
        found += node_folders(path.resolve(), path.resolve().name)
    if not found:
        raise Unreadable(f"there is no node in {', '.join(map(str, paths))}; `stepwell nodes new ID` starts one")
    return found


# -- bundle --------------------------------------------------------------------------------------------


@command.command("bundle")
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Where to write.")
def bundle(path: Path, output: Path | None) -> int:
    """Bundle custom nodes into JSON: definition, templates and checksum in one value.

    Of one node's folder one bundle, of a folder of nodes a list. The time in it is SOURCE_DATE_EPOCH where that is set.
    """
    folders = _folders((path,))
    try:
        made = [folder.bundle(_now()) for folder in folders]
    except ValueError as error:
        raise Failed(str(error)) from None
    single = len(made) == 1 and folders[0].path == path.resolve()
    text = json.dumps(made[0] if single else made, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
        click.echo(f"wrote {output}: {', '.join(folder.id for folder in folders)}", err=True)
    return 0


def _now() -> str:
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(told), UTC) if told.isdecimal() else datetime.now(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
