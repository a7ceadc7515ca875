"""What should run, out of what is kept: each deployed Worker as the local runtime takes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from stepwell.local.config import JSON, Consumer, Module, ServiceRef, WorkerSpec, WorkflowRef, WorkflowSpec

from .fleet import Wanted
from .models import (
    Account,
    Binding,
    Database,
    Deployment,
    Namespace,
    Queue,
    QueueConsumer,
    Script,
    Version,
    Workflow,
)
from .store import Store
from .upload import KINDS

_MAIN: Final = "stepwell-main.js"
_CONSOLE: Final = "stepwell-console.js"
_ALIAS: Final = "__stepwell"
_ONLY_THERE: Final = "exists on Cloudflare alone; deploy the Worker to use it"


def wanted(store: Store, log_mark: str) -> Wanted:
    """The Workers of every live version, and the resources."""
    return Wanted(
        workers=tuple(Specs(store, log_mark)),
        kv=tuple(namespace.id for namespace in store.all(Namespace)),
        d1=tuple(database.uuid for database in store.all(Database)),
        queues=tuple(queue.queue_name for queue in store.all(Queue)),
    )


def secondary(script: str, version: str) -> str:
    """The name under which a version runs that answers a part of the requests only."""
    return f"{script}/{version}"


class Specs:
    """The Workers that should run, one by one."""

    def __init__(self, store: Store, log_mark: str) -> None:
        self._store = store
        self._mark = log_mark
        self._scripts = {script.name: script for script in store.all(Script)}
        self._live = live_versions(store)
        self._workflows = store.all(Workflow)
        account = store.get(Account, "account")
        self._retention = account.retention if account is not None else {}

    def __iter__(self) -> Iterator[WorkerSpec]:
        for script in self._scripts.values():
            for place, version in enumerate(self._live.get(script.name, [])):
                yield self._spec(script, version, main=place == 0)

    def _spec(self, script: Script, version: Version, main: bool) -> WorkerSpec:
        bindings = {binding["name"]: binding for binding in version.bindings}
        given: dict[str, Any] = {
            kind: {} for kind in ("vars", "kv", "d1", "r2", "queues", "services", "foreign", "missing")
        }
        for name, binding in bindings.items():
            field, value = self._bound(script, version, binding)
            given[field][name] = value
        hosted = tuple(self._hosted(script, version)) if main else ()
        return WorkerSpec(
            name=script.name if main else secondary(script.name, version.id),
            modules=self._modules(script, version, hosted),
            main=_MAIN,
            compatibility_date=version.compatibility_date,
            compatibility_flags=tuple(version.compatibility_flags),
            workflows=hosted,
            consumers=tuple(self._consumers(script)) if main else (),
            crons=tuple(cron["cron"] for cron in script.crons) if main and "scheduled" in version.handlers else (),
            **given,
        )

    def _modules(
        self, script: Script, version: Version, hosted: Sequence[WorkflowSpec]
    ) -> dict[str, str | bytes | Module]:
        """The modules as uploaded, behind a main one that has the console say where it is written to.

        The runtime has one workflow for a class, Cloudflare any number: each further one gets a class of its own.
        """
        console = _own("console.js").replace("MARKED", self._mark).replace("NAMED", script.name)
        target = json.dumps(f"./{version.main}")
        start = f'import "./{_CONSOLE}";\nexport * from {target};\nexport {{ default }} from {target};\n'
        for workflow in hosted:
            real, alias, _ = workflow.class_name.partition(_ALIAS)
            if alias:
                start += f"import {{ {real} as {workflow.class_name}Base }} from {target};\n"
                start += f"export class {workflow.class_name} extends {workflow.class_name}Base {{}}\n"
        modules: dict[str, str | bytes | Module] = {_MAIN: start, _CONSOLE: console}
        for name, (kind, content) in self._store.modules(version.id).items():
            if kind in KINDS:
                field = KINDS[kind]
                modules[name] = Module(field, content if field in ("wasm", "data") else content.decode())
        return modules

    # Workflows and queues

    def _hosted(self, script: Script, version: Version) -> Iterator[WorkflowSpec]:
        seen: Counter[str] = Counter()
        for workflow in self._workflows:
            if workflow.script_name == script.name and is_workflow(version, workflow.class_name):
                class_name, count = workflow.class_name, seen[workflow.class_name]
                seen[class_name] += 1
                yield WorkflowSpec(
                    workflow.name,
                    f"{class_name}{_ALIAS}{count}" if count else class_name,
                    steps=(workflow.limits or {}).get("steps"),
                    key=workflow.id,
                    version=workflow.version_id,
                    retention=self._kept(workflow),
                    schedules=tuple(dict.fromkeys(one["cron"] for one in workflow.schedules)),
                )

    def _kept(self, workflow: Workflow) -> dict[str, JSON] | None:
        given = workflow.default_retention or self._retention
        pairs = (("success", "success_retention"), ("error", "error_retention"))
        found = {short: given[long] for short, long in pairs if given.get(long) is not None}
        return found or None

    def _consumers(self, script: Script) -> Iterator[Consumer]:
        queues = {queue.queue_id: queue.queue_name for queue in self._store.all(Queue)}
        for consumer in self._store.all(QueueConsumer):
            if consumer.type == "worker" and consumer.script_name == script.name and consumer.queue_id in queues:
                settings = consumer.settings
                wait = settings.get("max_wait_time_ms")
                yield Consumer(
                    queues[consumer.queue_id],
                    settings.get("batch_size"),
                    None if wait is None else -(-int(wait) // 1000),
                    settings.get("max_retries"),
                    consumer.dead_letter_queue,
                    settings.get("max_concurrency"),
                    settings.get("retry_delay"),
                )

    # Bindings

    def _bound(self, script: Script, version: Version, binding: Binding) -> tuple[str, Any]:
        """The field of `WorkerSpec` that a binding belongs to, and its value there."""
        name = binding["name"]
        match binding["type"]:
            case "plain_text" | "secret_text":
                return "vars", binding["text"]
            case "json":
                return "vars", binding["json"]
            case "version_metadata":
                tag = version.annotations.get("workers/tag", "")
                return "vars", {"id": version.id, "tag": tag, "timestamp": version.created_on}
            case "kv_namespace":
                return "kv", binding["namespace_id"]
            case "d1":
                return "d1", binding.get("database_id") or binding["id"]
            case "r2_bucket":
                return "r2", binding["bucket_name"]
            case "queue":
                return "queues", binding["queue_name"]
            case "service":
                return self._service(name, binding)
            case "workflow":
                return self._workflow(script, name, binding)
            case kind:
                return "missing", f"env.{name} ({kind}) {_ONLY_THERE}"

    def _service(self, name: str, binding: Binding) -> tuple[str, Any]:
        target = binding["service"]
        if target not in self._live:
            return "missing", f"env.{name}: there is no Worker {target}"
        return "services", ServiceRef(target, binding.get("entrypoint"))

    def _workflow(self, script: Script, name: str, binding: Binding) -> tuple[str, Any]:
        workflow = next((one for one in self._workflows if one.name == binding["workflow_name"]), None)
        if workflow is None:
            return "missing", f"env.{name}: the workflow {binding['workflow_name']} is not registered yet"
        version = next(iter(self._live.get(workflow.script_name, [])), None)
        if version is None or not is_workflow(version, workflow.class_name):
            where = f"the Worker {workflow.script_name}"
            return "missing", f"env.{name}: {where} has no workflow class {workflow.class_name} any more"
        return "foreign", WorkflowRef(workflow.name, workflow.script_name)


def live_versions(store: Store) -> dict[str, list[Version]]:
    """The versions that answer for each Worker, the one with the larger part of the requests first."""
    deployed = {deployment.script: deployment for deployment in store.all(Deployment)}  # the last one counts
    found: dict[str, list[Version]] = {}
    for name, deployment in deployed.items():
        parts = sorted(deployment.versions, key=lambda part: -part["percentage"])
        versions = [store.get(Version, part["version_id"]) for part in parts if part["percentage"] > 0]
        found[name] = [version for version in versions if version is not None]
    return found


def is_workflow(version: Version, class_name: str) -> bool:
    """Whether a version exports a workflow class of that name."""
    return version.classes.get(class_name) == "WorkflowEntrypoint"


def _own(file: str) -> str:
    return (Path(__file__).parent / file).read_text("utf-8")
