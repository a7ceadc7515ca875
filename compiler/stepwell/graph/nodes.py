"""Which node types there are for a compile: the built-in ones, and custom ones by id and version.

A value: whoever reads node folders and packages makes one and hands it to the compile, which reads nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from stepwell.graph.catalogue import BUILTIN, NodeKind
from stepwell.graph.data import CustomData
from stepwell.graph.versions import precedence

if TYPE_CHECKING:
    from stepwell.graph.definition import Definition, Flaw, OutputField

PROVIDER = "cloudflare"
"""The provider whose template a Worker is made of."""


@dataclass(frozen=True)
class CustomNode:
    """A node type that somebody wrote: its definition, and the source of its template by provider.

    `source` is what its template is called in messages and source maps, such as `nodes/slack_message/template.ts`.
    """

    definition: Definition
    templates: Mapping[str, str]
    source: str

    @property
    def template(self) -> str | None:
        """The module that runs on Cloudflare."""
        return self.templates.get(PROVIDER)


@dataclass(frozen=True)
class Broken:
    """A node that is there but cannot be used: its file, and what is wrong."""

    file: str
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True)
class Nodes:
    """The node types of a compile. `custom` holds each id's versions, the newest first."""

    custom: Mapping[str, tuple[CustomNode, ...]] = field(default_factory=lambda: MappingProxyType({}))
    broken: Mapping[str, Broken] = field(default_factory=lambda: MappingProxyType({}))
    """Nodes that could not be read, by id: a graph that uses one is told why."""

    @staticmethod
    def of(custom: Iterable[CustomNode], broken: Mapping[str, Broken] | None = None) -> Nodes:
        """Of several nodes with one id and version the first counts. Those that lie elsewhere are called otherwise."""
        found: dict[str, dict[str, CustomNode]] = {}
        sources: set[str] = set()
        for node in custom:
            own = found.setdefault(node.definition.id, {})
            if node.definition.version not in own:
                own[node.definition.version] = node = _named_apart(node, sources)
                sources.add(node.source)
        versions = {
            id_: tuple(sorted(own.values(), key=lambda node: precedence(node.definition.version), reverse=True))
            for id_, own in found.items()
        }
        return Nodes(MappingProxyType(versions), MappingProxyType(dict(broken or {})))

    def __contains__(self, type_: object) -> bool:
        return type_ in BUILTIN or type_ in self.custom or type_ in self.broken

    def __iter__(self) -> Iterator[CustomNode]:
        """Every custom node, in the order of their ids, the newest version first."""
        return (node for id_ in sorted(self.custom) for node in self.custom[id_])

    @property
    def types(self) -> list[str]:
        """The types that a graph can use."""
        return [*BUILTIN, *sorted(self.custom)]

    def find(self, type_: str, version: str | None) -> CustomNode | None:
        """The custom node of a type in one version, or the newest when no version is asked for."""
        versions = self.custom.get(type_, ())
        return next((node for node in versions if version in (None, node.definition.version)), None)

    def kind(self, type_: str, version: str | None) -> NodeKind | None:
        """The kind of a node, None when there is no such type or version."""
        if type_ in BUILTIN:
            return BUILTIN[type_]
        node = self.find(type_, version)
        return None if node is None else kind_of(node)


def _named_apart(node: CustomNode, taken: set[str]) -> CustomNode:
    """Two folders of nodes may have one name; what is called the same would pass for the same module."""
    if node.source not in taken:
        return node
    return replace(node, source=f"{node.definition.key}/{node.source.rpartition('/')[2]}")


def kind_of(node: CustomNode) -> NodeKind:
    """The row that a custom node has beside those of the catalogue."""
    definition = node.definition
    return NodeKind(definition.id, definition.name, CustomData, settings=frozenset({"retries", "timeout"}), custom=node)


def output_of(kind: NodeKind) -> Mapping[str, OutputField] | None:
    """What the value of a node has by its definition; None when nobody says it."""
    return None if kind.custom is None else kind.custom.definition.outputSchema
