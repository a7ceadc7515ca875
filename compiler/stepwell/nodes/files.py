"""Reads custom nodes: `<id>/node.json` with its template, versions in folders of their own, and files of bundles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from stepwell.diagnostics import pointer
from stepwell.graph import jsontext
from stepwell.graph.definition import (
    Flaw,
    NodeBundle,
    Provider,
    checksum,
    read_definition,
)
from stepwell.graph.nodes import PROVIDER, Broken, CustomNode
from stepwell.graph.versions import precedence

DEFINITION: Final = "node.json"
BASE: Final = "base.json"
OVERRIDES: Final = "overrides.json"
PROVIDERS: Final[tuple[str, ...]] = get_args(Provider)
TEMPLATE_BYTES: Final = 1024 * 1024


@dataclass
class Reading:
    """What one place holds: nodes, those that are broken, and what is no node at all."""

    nodes: list[CustomNode] = field(default_factory=list)
    broken: dict[str, Broken] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, id_: str, read: CustomNode | Broken) -> None:
        """Note a node, or why it is none. A good version of a node is not hidden by a broken one."""
        if isinstance(read, CustomNode):
            self.nodes.append(read)
        else:
            self.broken.setdefault(id_, read)


def read_place(path: Path, label: str) -> Reading:
    """The nodes of a folder or of a file; `label` begins what their templates are called."""
    reading = Reading()
    try:
        if path.is_dir():
            _read_folder(path, label, reading)
        else:
            _read_bundles(path, label, reading)
    except OSError as error:
        reading.problems.append(f"{path}: cannot be read: {error.strerror or error}")
    return reading


# -- folders -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NodeFolder:
    """The folder of one version of a node; `label` is what it is called in messages and source maps."""

    path: Path
    id: str
    label: str

    def read(self) -> CustomNode | Broken:
        """The node."""
        return read_node(self.path, self.id, self.label)

    def bundle(self, bundled_at: str) -> dict[str, Any]:
        """The node in one JSON value. Raises ValueError when it is broken."""
        read = self.read()
        if isinstance(read, Broken):
            raise ValueError(f"{read.file}: {read.flaws[0].message}")
        definition, _ = _definition(self.path)
        templates = dict(read.templates)
        sum_ = checksum(definition, templates)
        return {"definition": definition, "templates": templates, "bundledAt": bundled_at, "checksum": sum_}


def node_folders(folder: Path, label: str) -> list[NodeFolder]:
    """The nodes of a folder of nodes, of one node's own folder, or of AwaitStep's registry, which has `nodes/`."""
    if _is_node(folder):
        return [NodeFolder(own, folder.name, name) for own, name in _versions(folder)]
    if not any(_is_node(inner) for inner in _folders(folder)) and (folder / "nodes").is_dir():
        folder = folder / "nodes"
    return [
        NodeFolder(own, inner.name, f"{label}/{name}") for inner in _folders(folder) for own, name in _versions(inner)
    ]


def _read_folder(folder: Path, label: str, reading: Reading) -> None:
    for one in node_folders(folder, label):
        reading.add(one.id, one.read())


def _folders(folder: Path) -> list[Path]:
    return sorted(inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith("."))


def _is_node(folder: Path) -> bool:
    return next(_versions(folder), None) is not None


def _versions(folder: Path) -> Iterator[tuple[Path, str]]:
    """The folders that hold a node's definitions: its own, or one for each version; with their names."""
    if (folder / DEFINITION).is_file() or (folder / "template.ts").is_file():
        yield folder, folder.name
    for inner in _folders(folder):
        if precedence(inner.name) and any((inner / name).is_file() for name in (DEFINITION, OVERRIDES)):
            yield inner, f"{folder.name}/{inner.name}"


def read_node(folder: Path, id_: str, label: str) -> CustomNode | Broken:
    """The node of a folder, whose definition must say that it is `id_`."""
    try:
        told, file = _definition(folder)
        templates = dict(_templates(folder))
    except OSError as error:
        return Broken(f"{label}/{DEFINITION}", (Flaw("", f"cannot be read: {error.strerror or error}"),))
    except _Wrong as wrong:
        return Broken(f"{label}/{wrong.file}", (Flaw("", str(wrong)),))
    made = _made(told, templates, f"{label}/{file}", label)
    if isinstance(made, CustomNode) and made.definition.id != id_:
        said = f'`id` is "{made.definition.id}", and its folder is {id_}: they must be the same'
        return Broken(f"{label}/{file}", (Flaw("/id", said),))
    if isinstance(made, CustomNode):
        return _in(folder, label, made)
    return made


def _in(folder: Path, label: str, node: CustomNode) -> CustomNode:
    """The node, its source called as the file is."""
    own = f"templates/{PROVIDER}.ts"
    file = own if (folder / own).is_file() else "template.ts"
    return CustomNode(node.definition, node.templates, f"{label}/{file}")


class _Wrong(Exception):
    """A file that is no JSON object, or no text."""

    def __init__(self, file: str, message: str) -> None:
        super().__init__(message)
        self.file = file


def _definition(folder: Path) -> tuple[dict[str, Any], str]:
    """What a folder says of its node, and the file that does: AwaitStep's registry keeps a base for all versions."""
    if (folder / DEFINITION).is_file():
        return _object(folder / DEFINITION), DEFINITION
    if not (folder / OVERRIDES).is_file():
        raise _Wrong(DEFINITION, f"is missing; `stepwell nodes new {folder.name}` writes one")
    base = _object(folder.parent / BASE) if (folder.parent / BASE).is_file() else {}
    return _merged(base, _object(folder / OVERRIDES)), OVERRIDES


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, object by object; lists are replaced."""
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _object(path: Path) -> dict[str, Any]:
    value = _json(path)
    if not isinstance(value, dict):
        raise _Wrong(path.name, "is no JSON object")
    return value


def _json(path: Path) -> Any:
    value, repeated, fault = jsontext.parse(_text(path))
    if fault is not None:
        place = f" (line {fault.place.line}, column {fault.place.column})" if fault.place else ""
        raise _Wrong(path.name, f"{fault.message.rstrip('.')}{place}")
    if repeated:
        raise _Wrong(path.name, f"the key `{repeated[0].keys[0]}` stands more than once in one object")
    return value


def _text(path: Path) -> str:
    if path.stat().st_size > TEMPLATE_BYTES:
        raise _Wrong(path.name, "is larger than 1 MiB")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Wrong(path.name, f"is not UTF-8 text (byte {error.start})") from None


def _templates(folder: Path) -> Iterator[tuple[str, str]]:
    """The templates by provider; a provider's own file goes before the common one, which is Cloudflare's."""
    common = folder / "template.ts"
    for provider in PROVIDERS:
        own = folder / "templates" / f"{provider}.ts"
        if own.is_file():
            yield provider, _text(own)
        elif provider == PROVIDER and common.is_file():
            yield provider, _text(common)


def _made(told: object, templates: dict[str, str], file: str, label: str) -> CustomNode | Broken:
    definition, flaws = read_definition(told)
    if definition is None:
        return Broken(file, tuple(flaws))
    if PROVIDER not in definition.providers:
        return Broken(file, (Flaw("/providers", f'`providers` must hold "{PROVIDER}", for that is what runs it'),))
    if PROVIDER not in templates:
        return Broken(file, (Flaw("", f"there is no template: template.ts or templates/{PROVIDER}.ts"),))
    return CustomNode(definition, templates, f"{label}/template.ts")


# -- bundles -------------------------------------------------------------------------------------------


def _read_bundles(path: Path, label: str, reading: Reading) -> None:
    """A bundle, a list of them, or AwaitStep's `registry.json` with definitions and templates apart."""
    try:
        value = _json(path)
    except _Wrong as wrong:
        reading.problems.append(f"{path}: {wrong}")
        return
    if isinstance(value, dict) and isinstance(value.get("definitions"), list):
        _read_registry(value, label, reading)
        return
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        read = read_bundle(one, label if not isinstance(value, list) else f"{label}#{number}")
        reading.add(_id_of(one, f"{label}#{number}"), read)


def read_bundle(value: object, label: str) -> CustomNode | Broken:
    """A node that came in one JSON value; its checksum must be that of what it holds."""
    try:
        bundle = NodeBundle.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return Broken(label, (Flaw(pointer(*first["loc"]), f"is no bundle of a node: {first['msg']}"),))
    if checksum(bundle.definition, bundle.templates) != bundle.checksum:
        return Broken(label, (Flaw("/checksum", "`checksum` is that of another definition or template"),))
    return _made(bundle.definition, bundle.templates, label, f"{label}/{_id_of(value, '')}")


def _read_registry(value: Mapping[str, Any], label: str, reading: Reading) -> None:
    templates = value.get("templates")
    for definition in value["definitions"]:
        id_ = definition.get("id") if isinstance(definition, dict) else None
        own = templates.get(id_) if isinstance(templates, dict) and isinstance(id_, str) else None
        if isinstance(own, dict):  # built-in types have none
            told = {key: text for key, text in own.items() if isinstance(text, str)}
            reading.add(str(id_), _made(definition, told, label, f"{label}/{id_}"))


def _id_of(bundle: object, otherwise: str) -> str:
    definition = bundle.get("definition") if isinstance(bundle, dict) else None
    id_ = definition.get("id") if isinstance(definition, dict) else None
    return id_ if isinstance(id_, str) else otherwise
