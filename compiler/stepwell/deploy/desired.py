"""What shall be: one Worker with everything around it, from a compiled graph and the project's settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .carried import CONTENT_TYPE, MODULE, Carried, CarriedWorkflow, edges, nodes
from .project import Route, Settings

if TYPE_CHECKING:
    from stepwell.compiler import Compiled

Binding = dict[str, Any]

ESM: Final = "application/javascript+module"
SOURCE_MAP: Final = "application/source-map"
SECRETS: Final = ("secret_text", "secret_key")
BY_ID: Final = {"kv_namespace": "namespace_id", "d1": "database_id", "hyperdrive": "id"}
"""Bindings that need an id which no name stands for, with the key of the id."""
_OF_THE_MACHINE: Final = frozenset(
    {"HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"}
)
"""Variables that every machine has: no secrets of the Worker's, unless the project names them."""
BY_NAME: Final = {
    "r2_bucket": "bucket_name",
    "queue": "queue_name",
    "service": "service",
    "vectorize": "index_name",
    "analytics_engine": "dataset",
}
"""Bindings by a name, with its key."""


@dataclass(frozen=True)
class WantedWorkflow:
    """A workflow that the Worker has."""

    name: str
    class_name: str
    steps: int | None = None


@dataclass(frozen=True)
class Advice:
    """How whoever deploys gives what lacks. These are the command line's words; a server has its own."""

    value: str = "set it in the environment, in --secrets-file, or under vars in stepwell.toml"
    id: str = "set {name}_BINDING_ID in the environment, `bindings.{name}` in stepwell.toml, or deploy with --provision"
    """For the binding `name`."""
    provision: str = "deploy with --provision"
    workflow: str = "choose another name with `workflow = …` in stepwell.toml"


@dataclass
class Desired:
    """A Worker as it shall be. `bindings` are as the API takes them; those in `without_id` still lack their id.

    `secrets` are the values given to this deploy; `unset` are names that the code reads and that have no value
    here. `needs` are names of Workers of the project that must be there first.
    """

    key: str
    name: str
    compiled: Compiled
    carried: Carried
    bindings: dict[str, Binding]
    secrets: dict[str, str]
    unset: tuple[str, ...]
    optional: frozenset[str]
    compatibility_date: str
    compatibility_flags: list[str]
    observability: dict[str, Any] | None
    limits: dict[str, int] | None
    placement: dict[str, Any] | None
    workers_dev: bool
    crons: list[str]
    routes: list[Route]
    domains: list[str]
    workflow: WantedWorkflow | None
    consumers: dict[str, dict[str, Any]]
    needs: frozenset[str] = frozenset()
    without_id: dict[str, str] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    """Those of them that nobody will make."""
    advice: Advice = Advice()

    @property
    def modules(self) -> dict[str, tuple[str, bytes]]:
        """What is uploaded: content type and bytes by name."""
        js, source_map = self.compiled.js, self.compiled.source_map
        assert js is not None and source_map is not None
        return {
            "worker.js": (ESM, _bytes(js)),
            "worker.js.map": (SOURCE_MAP, _bytes(source_map)),
            MODULE: (CONTENT_TYPE, self.carried.module()),
        }

    @property
    def waits_for_events(self) -> bool:
        """Whether the workflow waits for events anywhere."""
        return any(node.type == "wait_for_event" for node in self.carried.nodes)


@dataclass(frozen=True)
class Names:
    """How the Workers and workflows of a project are called in the account, by how their graphs call them."""

    workers: Mapping[str, str]
    workflows: Mapping[str, tuple[str, str]]
    """Name of the workflow, and of its Worker."""


def worker_name(compiled: Compiled, settings: Settings, suffix: str) -> str:
    """What the Worker is called in the account."""
    return settings.name or f"{_manifest(compiled)['worker']}{suffix}"


def workflow_name(compiled: Compiled, settings: Settings, suffix: str) -> str | None:
    """What the workflow is called in the account."""
    own = _manifest(compiled)["workflow"]
    return None if own is None else settings.workflow or f"{own['name']}{suffix}"


def desired(
    key: str,
    text: str,
    compiled: Compiled,
    settings: Settings,
    names: Names,
    environ: Mapping[str, str],
    given: Mapping[str, str],
    suffix: str = "",
) -> Desired:
    """What shall be of one graph; `text` is its document, `given` are secrets from a file or standard input."""
    manifest = _manifest(compiled)
    name = worker_name(compiled, settings, suffix)
    workflow = _workflow(compiled, settings, suffix)
    variables = {**compiled.variables, **settings.vars}
    bindings, without_id, needs = _bindings(manifest, settings, names, environ, workflow)
    read = [b["name"] for b in manifest["bindings"] if b["kind"] in ("string", "secret")]
    optional = frozenset(b["name"] for b in manifest["bindings"] if b.get("optional"))
    secrets = _secrets(read, variables, settings, environ, given)
    for variable, value in variables.items():
        if variable not in secrets:
            bindings[variable] = _variable(variable, value)
    unset = tuple(one for one in read if one not in bindings and one not in secrets)
    limits = settings.limits
    date = settings.compatibility_date or manifest["compatibilityDate"]
    flags = settings.compatibility_flags if settings.compatibility_flags is not None else manifest["compatibilityFlags"]
    if needs_node_flag(manifest, date, flags):
        flags = [*flags, "nodejs_compat"]
    crons = settings.crons if settings.crons is not None else manifest["crons"]
    wanted = Desired(
        key=key,
        name=name,
        compiled=compiled,
        carried=Carried.model_construct(),
        bindings=bindings,
        secrets=secrets,
        unset=unset,
        optional=optional,
        compatibility_date=date,
        compatibility_flags=list(flags),
        observability=_observability(settings.observability),
        limits=_worker_limits(settings),
        placement={"mode": "smart"} if settings.placement == "smart" else settings.placement,
        workers_dev=settings.workers_dev
        if settings.workers_dev is not None
        else not (settings.routes or settings.domains),
        crons=list(crons),
        routes=[one if isinstance(one, Route) else Route(pattern=one) for one in settings.routes or ()],
        domains=list(settings.domains or ()),
        workflow=workflow,
        consumers=_consumers(manifest, settings),
        needs=frozenset(needs) - {name},
        without_id=without_id,
    )
    wanted.carried = _carried(text, manifest, wanted, limits.steps if limits else None)
    return wanted


def _manifest(compiled: Compiled) -> dict[str, Any]:
    assert compiled.manifest is not None
    return compiled.manifest


_NODE_BY_DEFAULT: Final = "2026-08-04"
"""From this compatibility date on a Worker has Node's modules without asking."""


def needs_node_flag(manifest: Mapping[str, Any], date: str, flags: Sequence[str]) -> bool:
    """Whether a Worker imports modules of Node that a compatibility date does not give it yet."""
    asked = any(flag.removeprefix("no_").startswith("nodejs_compat") for flag in flags)
    return bool(manifest.get("nodeModules")) and date < _NODE_BY_DEFAULT and not asked


def _workflow(compiled: Compiled, settings: Settings, suffix: str) -> WantedWorkflow | None:
    name, own = workflow_name(compiled, settings, suffix), _manifest(compiled)["workflow"]
    if name is None:
        return None
    return WantedWorkflow(name, own["class"], settings.limits.steps if settings.limits else None)


def _worker_limits(settings: Settings) -> dict[str, int] | None:
    given = settings.limits.model_dump(exclude_none=True, exclude={"steps"}) if settings.limits else {}
    return given or None


def _observability(given: bool | dict[str, Any] | None) -> dict[str, Any] | None:
    """Logs are on, as in what Cloudflare's own tools make; without them a run that failed says nothing."""
    if given is None:
        return {"enabled": True}
    return {"enabled": given} if isinstance(given, bool) else given


def _variable(name: str, value: Any) -> Binding:
    if isinstance(value, str):
        return {"type": "plain_text", "name": name, "text": value}
    return {"type": "json", "name": name, "json": value}


def _secrets(
    read: Iterable[str],
    variables: Mapping[str, Any],
    settings: Settings,
    environ: Mapping[str, str],
    given: Mapping[str, str],
) -> dict[str, str]:
    """The values given: all of the file's, and what the code reads or the project names and the environment has."""
    own = (one for one in read if one not in variables and one not in _OF_THE_MACHINE)
    names = dict.fromkeys([*settings.secrets, *own])
    found = {name: environ[name] for name in names if environ.get(name)}
    return {**found, **given}


# Bindings


def _bindings(
    manifest: Mapping[str, Any],
    settings: Settings,
    names: Names,
    environ: Mapping[str, str],
    own: WantedWorkflow | None,
) -> tuple[dict[str, Binding], dict[str, str], set[str]]:
    """Bindings by name; those that lack their id, with their type; Workers that they lead to."""
    found: dict[str, Binding] = {}
    lacking: dict[str, str] = {}
    needs: set[str] = set()
    for told in manifest["bindings"]:
        name, kind = told["name"], told["kind"]
        if kind in ("string", "secret"):
            continue
        target = environ.get(f"{name}_BINDING_ID") or settings.bindings.get(name)
        binding: Binding = {"type": kind, "name": name}
        if kind == "workflow":
            binding |= _workflow_target(told, target, manifest, own, names)
            needs.add(binding.get("script_name", ""))
        elif kind in BY_ID:
            if target:
                binding[BY_ID[kind]] = target
            else:
                lacking[name] = kind
        elif kind in BY_NAME:
            binding[BY_NAME[kind]] = target or _target_name(told, names)
            if kind == "service":
                needs.add(binding["service"])
        found[name] = binding
    return found, lacking, needs - {""}


def _target_name(told: Mapping[str, Any], names: Names) -> str:
    """The name of what is bound, where nobody says it: as in `wrangler.json`."""
    if told["kind"] == "service" and told.get("worker"):
        return names.workers.get(told["worker"], str(told["worker"]))
    lower = str(told["name"]).lower().replace("_", "-")
    return lower.removeprefix("queue-") or "queue" if told["kind"] == "queue" else lower


def _workflow_target(
    told: Mapping[str, Any],
    target: str | None,
    manifest: Mapping[str, Any],
    own: WantedWorkflow | None,
    names: Names,
) -> Binding:
    mine = manifest["workflow"]
    if own is not None and mine is not None and told["name"] == mine["binding"]:
        return {"workflow_name": own.name, "class_name": own.class_name}
    if target is None and told["workflow"] in names.workflows:
        workflow, script = names.workflows[told["workflow"]]
        return {"workflow_name": workflow, "script_name": script}
    other = {"script_name": told["worker"]} if told.get("worker") else {}
    return {"workflow_name": target or told["workflow"], **other}


def _consumers(manifest: Mapping[str, Any], settings: Settings) -> dict[str, dict[str, Any]]:
    """The queues whose messages the Worker handles, with the API's names of their settings."""
    found: dict[str, dict[str, Any]] = {}
    for queue, told in manifest["queues"].items():
        given: dict[str, Any] = {
            "batch_size": told.get("max_batch_size"),
            "max_retries": told.get("max_retries"),
            "max_wait_time_ms": _milliseconds(told.get("max_batch_timeout")),
            "max_concurrency": told.get("max_concurrency"),
            "dead_letter_queue": told.get("dead_letter_queue"),
        }
        over = settings.consumers.get(queue)
        if over is not None:
            more = over.model_dump(exclude_none=True)
            if "max_wait" in more:
                more["max_wait_time_ms"] = _milliseconds(more.pop("max_wait"))
            given |= more
        found[queue] = {name: value for name, value in given.items() if value is not None}
    return found


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


# What travels


def _carried(text: str, manifest: Mapping[str, Any], wanted: Desired, steps: int | None) -> Carried:
    told = json.loads(text)
    inner = told.get("ir")
    ir = inner if isinstance(inner, dict) else told
    own = wanted.workflow
    return Carried(
        compiler=manifest["compiler"],
        kind=manifest["kind"],
        graph=manifest["name"],
        version=manifest["version"],
        artifact=manifest["hashes"]["artifact"],
        code=manifest["hashes"]["worker.js"],
        nodes=nodes(ir),
        edges=edges(ir),
        entry=ir.get("entryNodeId") or "",
        trigger=ir.get("trigger") or {},
        step_names=[(row["name"], row["node"]) for row in manifest["steps"]],
        workflows=[CarriedWorkflow(name=own.name, class_name=own.class_name, steps=steps)] if own else [],
        crons=wanted.crons,
        routes=[route.model_dump(exclude_none=True) for route in wanted.routes],
        domains=wanted.domains,
        consumers=wanted.consumers,
        workers_dev=wanted.workers_dev,
        settings={"observability": wanted.observability},
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
