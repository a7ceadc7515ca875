"""A compiled Worker as the local runtime takes it: bindings that workerd has are real, others say what they lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepwell.local.config import JSON, Consumer, ServiceRef, WorkerSpec, WorkflowRef, WorkflowSpec

if TYPE_CHECKING:
    from stepwell.compiler import Compiled

_REAL = frozenset({"kv_namespace", "d1", "r2_bucket", "queue", "service", "workflow", "string", "secret"})


def worker_spec(compiled: Compiled, variables: Mapping[str, JSON] | None = None) -> WorkerSpec:
    """The Worker of a compile that succeeded. `variables` are values of variables and secrets, over the document's own.

    A variable or secret without a value is left undefined, as on Cloudflare. Raises `ValueError` when there is no code.
    """
    if compiled.js is None or compiled.manifest is None:
        raise ValueError("the document did not compile")
    manifest = compiled.manifest
    named = _by_kind(manifest["bindings"])
    own = manifest["workflow"]
    names = {b["name"] for b in manifest["bindings"]}
    given = {**compiled.variables, **{k: v for k, v in (variables or {}).items() if k in names}}
    return WorkerSpec(
        name=manifest["worker"],
        modules={"worker.js": compiled.js},
        main="worker.js",
        compatibility_date=manifest["compatibilityDate"],
        compatibility_flags=tuple(manifest["compatibilityFlags"]),
        vars=given,
        kv={name: name for name in named.get("kv_namespace", {})},
        d1={name: name for name in named.get("d1", {})},
        r2={name: name for name in named.get("r2_bucket", {})},
        queues={name: _queue(name) for name in named.get("queue", {})},
        services={
            name: ServiceRef(b.get("worker") or name.lower().replace("_", "-"))
            for name, b in named.get("service", {}).items()
        },
        workflows=(WorkflowSpec(own["name"], own["class"], own["binding"]),) if own else (),
        foreign={
            name: WorkflowRef(b["workflow"], b.get("worker"))
            for name, b in named.get("workflow", {}).items()
            if not own or name != own["binding"]
        },
        missing=_missing(manifest["bindings"]),
        consumers=tuple(_consumer(name, settings) for name, settings in manifest["queues"].items()),
        crons=tuple(manifest["crons"]),
    )


def _by_kind(bindings: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for binding in bindings:
        found.setdefault(binding["kind"], {})[binding["name"]] = binding
    return found


def _queue(binding: str) -> str:
    return binding.lower().replace("_", "-").removeprefix("queue-") or "queue"


def _missing(bindings: list[dict[str, Any]]) -> dict[str, str]:
    return {
        b["name"]: f"env.{b['name']} ({b['kind']}) has no counterpart on this machine; deploy the Worker to use it"
        for b in bindings
        if b["kind"] not in _REAL
    }


def _consumer(queue: str, settings: Mapping[str, Any]) -> Consumer:
    return Consumer(
        queue,
        settings.get("max_batch_size"),
        settings.get("max_batch_timeout"),
        settings.get("max_retries"),
        settings.get("dead_letter_queue"),
        settings.get("max_concurrency"),
    )
