"""What is known of a Worker beside its code: the manifest, and the configuration for Cloudflare's own CLI."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from stepwell import __version__
from stepwell.graph.model import Artifact, Metadata, Node
from stepwell.graph.read import Document
from stepwell.javascript import NODE_MODULES
from stepwell.lower.program import Binding, Program

if TYPE_CHECKING:
    from stepwell.bundle.worker import Part

COMPATIBILITY_DATE = "2026-11-01"
"""Late enough that a NonRetryableError keeps its message (2026-05-14), not later than the pinned runtime."""

COMPATIBILITY_FLAGS: tuple[str, ...] = ()
"""None is needed: `nodejs_compat`, on which AwaitStep's graphs rely (`Buffer`, `node:` modules), is the default since
2026-08-04. (The pinned runtime says so of itself; a deploy with an older date adds the flag where `nodeModules` says
that the Worker needs it.)"""

SOURCE_MAP_COMMENT = "//# sourceMappingURL=worker.js.map\n"

_BIT = 256
"""So many nodes or edges are written at a time."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a Worker is made of beside the graph's own code: packages asked for, those in it, what it imports."""

    dependencies: Mapping[str, str]
    packages: Sequence[Part] = ()
    modules: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class ArtifactText:
    """An artifact as its hash is taken of it, in parts, so that single nodes and the metadata can be exchanged."""

    others: Mapping[str, str]
    """By the keys of the artifact, without its nodes."""
    nodes: Sequence[str]

    def __str__(self) -> str:
        parts = {**self.others, "nodes": f"[{','.join(self.nodes)}]"}
        return f"{{{','.join(f'{_canonical(key)}:{parts[key]}' for key in sorted(parts))}}}"

    def replaced(self, nodes: Mapping[int, Node], metadata: Metadata) -> ArtifactText:
        """The same with other nodes in some places, and these metadata."""
        texts = list(self.nodes)
        for place, node in nodes.items():
            texts[place] = _canonical(node.model_dump())
        return ArtifactText({**self.others, "metadata": _canonical(metadata.model_dump())}, texts)


def artifact_text(ir: Artifact) -> ArtifactText:
    """An artifact in parts."""
    others = ir.model_dump(exclude={"nodes"})
    nodes = [_canonical(node.model_dump()) for node in ir.nodes]
    return ArtifactText({key: _canonical(value) for key, value in others.items()}, nodes)


def manifest(
    document: Document, program: Program, js: str, contents: Contents, artifact: ArtifactText | None = None
) -> Json:
    """The manifest of a compiled Worker; the same input gives the same value. `artifact` is the document's, if known.

    `hashes` are SHA-256 in hex: of the artifact (JSON with sorted keys), of `worker.js`, and of custom nodes' modules.
    """
    ir = document.source.ir
    node_modules = sorted({f"node:{one.removeprefix('node:')}" for one in contents.modules if _is_node(one)})
    return {
        "manifestVersion": 1,
        "compiler": f"stepwell {__version__}",
        "kind": program.kind,
        "name": program.name,
        "description": program.description,
        "version": ir.metadata.version,
        "worker": program.worker_name,
        "workflow": None
        if program.kind == "script"
        else {"name": program.workflow_name, "class": program.class_name, "binding": "WORKFLOW"},
        "main": "worker.js",
        "compatibilityDate": COMPATIBILITY_DATE,
        "compatibilityFlags": list(COMPATIBILITY_FLAGS),
        "trigger": ir.trigger.model_dump(exclude_none=True) if ir.trigger else {"type": "http"},
        "handlers": [
            {"kind": h.kind, "name": h.name, **({"queue": h.queue} if h.queue else {})} for h in program.handlers
        ],
        "crons": list(program.crons),
        "queues": dict(program.queues),
        "bindings": [_binding(b) for b in program.bindings],
        "dependencies": dict(sorted(contents.dependencies.items())),
        **({"packages": [asdict(part) for part in contents.packages]} if contents.packages else {}),
        **({"nodeModules": node_modules} if node_modules else {}),
        "steps": [{"name": name, "node": node} for name, node in program.steps],
        "nodes": [{"id": n.id, "type": n.type, "name": n.name} for n in ir.nodes],
        "hashes": {
            "artifact": _sha256(_written(ir) if artifact is None else (str(artifact),)),
            "worker.js": _sha256((js,)),
            **{node.path: _sha256((program.sources[node.source],)) for node in program.nodes},
        },
    }


def _is_node(module: str) -> bool:
    return module.startswith("node:") or module.partition("/")[0] in NODE_MODULES


def _binding(binding: Binding) -> Json:
    out: Json = {"name": binding.name, "kind": binding.kind}
    if binding.target:
        out["workflow" if binding.kind == "workflow" else "worker"] = binding.target
    if binding.class_name:
        out["class"] = binding.class_name
    if binding.optional:
        out["optional"] = True
    if binding.script:
        out["worker"] = binding.script
    return out


_canonical: Final[Callable[[Any], str]] = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _written(ir: Artifact) -> Iterator[str]:
    """An artifact as `_canonical` writes it, bit by bit: as a whole it takes as much memory as a whole print."""
    for number, key in enumerate(sorted(Artifact.model_fields)):
        yield f"{',' if number else '{'}{_canonical(key)}:"
        value = getattr(ir, key)
        if isinstance(value, list):
            yield "["
            for start in range(0, len(value), _BIT):
                yield ("," if start else "") + _canonical([one.model_dump() for one in value[start : start + _BIT]])[
                    1:-1
                ]
            yield "]"
        else:
            yield _canonical(ir.model_dump(include={key})[key])
    yield "}"


def _sha256(texts: Iterable[str]) -> str:
    told = hashlib.sha256()
    for text in texts:
        told.update(text.encode("utf-8", "surrogatepass"))
    return told.hexdigest()


def wrangler(manifest_: Mapping[str, Any], variables: Mapping[str, str]) -> Json:
    """A `wrangler.json` that deploys the Worker through Cloudflare's own CLI; ids of resources are left to fill in."""
    by_kind: dict[str, list[Json]] = {}
    for binding in manifest_["bindings"]:
        by_kind.setdefault(binding["kind"], []).append(binding)
    config: Json = {
        "$schema": "node_modules/wrangler/config-schema.json",
        "name": manifest_["worker"],
        "main": "worker.js",
        "no_bundle": True,
        "compatibility_date": manifest_["compatibilityDate"],
        "compatibility_flags": manifest_["compatibilityFlags"],
        "observability": {"enabled": True},
    }
    config |= {
        key: value
        for key, value in {
            "workflows": [_workflow(b) for b in by_kind.get("workflow", [])],
            "triggers": {"crons": manifest_["crons"]} if manifest_["crons"] else None,
            "vars": dict(sorted(variables.items())),
            "kv_namespaces": [
                {"binding": b["name"], "id": f"<{b['name']}_BINDING_ID>"} for b in by_kind.get("kv_namespace", [])
            ],
            "d1_databases": [
                {"binding": b["name"], "database_name": _lower(b), "database_id": f"<{b['name']}_BINDING_ID>"}
                for b in by_kind.get("d1", [])
            ],
            "r2_buckets": [{"binding": b["name"], "bucket_name": _lower(b)} for b in by_kind.get("r2_bucket", [])],
            "queues": _queues(manifest_, by_kind),
            "services": [
                {"binding": b["name"], "service": b.get("worker") or _lower(b)} for b in by_kind.get("service", [])
            ],
            "vectorize": [{"binding": b["name"], "index_name": _lower(b)} for b in by_kind.get("vectorize", [])],
            "hyperdrive": [
                {"binding": b["name"], "id": f"<{b['name']}_BINDING_ID>"} for b in by_kind.get("hyperdrive", [])
            ],
            "analytics_engine_datasets": [
                {"binding": b["name"], "dataset": _lower(b)} for b in by_kind.get("analytics_engine", [])
            ],
            "ai": {"binding": by_kind["ai"][0]["name"]} if "ai" in by_kind else None,
            "browser": {"binding": by_kind["browser"][0]["name"]} if "browser" in by_kind else None,
        }.items()
        if value
    }
    return config


def _lower(binding: Mapping[str, Any]) -> str:
    return str(binding["name"]).lower().replace("_", "-")


def _workflow(binding: Mapping[str, Any]) -> Json:
    out = {"binding": binding["name"], "name": binding["workflow"], "class_name": binding["class"]}
    return out | ({"script_name": binding["worker"]} if "worker" in binding else {})


def _queues(manifest_: Mapping[str, Any], by_kind: Mapping[str, list[Json]]) -> Json | None:
    producers = [
        {"binding": b["name"], "queue": _lower(b).removeprefix("queue-") or "queue"} for b in by_kind.get("queue", [])
    ]
    consumers = [{"queue": name, **settings} for name, settings in manifest_["queues"].items()]
    found = {key: value for key, value in {"producers": producers, "consumers": consumers}.items() if value}
    return found or None
