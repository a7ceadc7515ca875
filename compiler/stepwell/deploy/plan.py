"""The difference between what shall be and what is, said change by change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .carried import Carried
from .desired import SECRETS, Binding, Desired
from .live import Live, Zones
from .project import Route

Kind = Literal["created", "changed", "removed", "taken over", "written", "renamed"]
What = Literal[
    "worker",
    "node",
    "code",
    "binding",
    "variable",
    "secret",
    "cron",
    "route",
    "domain",
    "consumer",
    "workflow",
    "setting",
]
VARIABLES: Final = ("plain_text", "json")


@dataclass(frozen=True)
class Change:
    """One change; `before` and `after` are values as people read them, of secrets never."""

    kind: Kind
    what: What
    name: str
    before: Any = None
    after: Any = None
    note: str | None = None


@dataclass
class WorkerPlan:
    """What would happen to one Worker. `problems` forbid it, `warnings` do not."""

    desired: Desired
    live: Live
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def touches(self, *what: What) -> bool:
        """Whether anything of these kinds changes."""
        return any(change.what in what for change in self.changes)

    @property
    def uploads(self) -> bool:
        """Whether a new version is needed."""
        return (
            not self.live.exists
            or self.touches("code", "node", "binding", "variable", "secret", "worker")
            or any(change.what == "setting" and change.name in _VERSIONED for change in self.changes)
        )

    @property
    def whole(self) -> bool:
        """Whether that version is uploaded as the Worker itself: only so are these settings taken."""
        unversioned = {"limits", "placement"}
        return not self.live.exists or any(c.what == "setting" and c.name in unversioned for c in self.changes)


_VERSIONED: Final = frozenset({"compatibility_date", "compatibility_flags", "limits", "placement"})


@dataclass
class Plan:
    """What would happen: the Workers in the order in which they are deployed."""

    workers: list[WorkerPlan]

    @property
    def problems(self) -> list[str]:
        """All that forbids it."""
        return [problem for worker in self.workers for problem in worker.problems]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not any(worker.changes for worker in self.workers)


def plan_worker(desired: Desired, live: Live, zones: Zones, *, keep_vars: bool) -> WorkerPlan:
    """The changes of one Worker."""
    plan = WorkerPlan(desired, live)
    plan.changes += _worker(desired, live)
    plan.changes += _bindings(desired, live, keep_vars)
    plan.changes += _settings(desired, live)
    plan.changes += _lists("cron", desired.crons, live.crons)
    plan.changes += _routes(plan, zones)
    plan.changes += _lists("domain", desired.domains, [one["hostname"] for one in live.domains])
    plan.changes += _workflow(plan)
    plan.changes += _consumers(plan)
    _warn(plan)
    return plan


# Code and nodes


def _worker(desired: Desired, live: Live) -> Iterator[Change]:
    if not live.exists:
        yield Change("created", "worker", desired.name)
        return
    if live.carried is None:
        yield Change("taken over", "worker", desired.name, note="it was not deployed by stepwell")
        return
    yield from node_changes(live.carried, desired.carried)
    if live.modules.get("worker.js") != desired.modules["worker.js"][1]:
        yield Change("changed", "code", "worker.js", note=_drifted(live))
    elif _shape(live.carried) != _shape(desired.carried):
        yield Change("changed", "code", "manifest", note="what travels with the code: triggers and names")


def _drifted(live: Live) -> str | None:
    """Whether the code that is live is not the one that was deployed."""
    import hashlib

    assert live.carried is not None
    real = hashlib.sha256(live.modules.get("worker.js", b"")).hexdigest()
    return None if real == live.carried.code else "what is live was changed by somebody since the last deploy"


def _shape(carried: Carried) -> dict[str, Any]:
    """What must be the same for nothing to be uploaded; moved nodes and another compiler alone are nothing new."""
    return carried.model_dump(exclude={"artifact", "compiler", "code", "settings"})


def node_changes(before: Carried, after: Carried) -> Iterator[Change]:
    """The graph's changes, node by node. A node that went while one like it came under another id is renamed."""
    old = {node.id: node for node in before.nodes}
    new = {node.id: node for node in after.nodes}
    gone = [node for node in before.nodes if node.id not in new]
    for node in after.nodes:
        if node.id in old:
            was = old[node.id]
            if was.hash != node.hash:
                yield Change("changed", "node", node.id, note=node.name)
            elif was.name != node.name:
                yield Change("renamed", "node", node.id, was.name, node.name, "its step has another name now")
            elif was.next != node.next:
                yield Change("changed", "node", node.id, note=f"{node.name}: its edges")
            continue
        same = next((one for one in gone if one.hash == node.hash and one.name == node.name), None)
        if same is not None:
            gone.remove(same)
            yield Change("renamed", "node", node.id, same.id, node.id, node.name)
        else:
            yield Change("created", "node", node.id, note=node.name)
    for node in gone:
        yield Change("removed", "node", node.id, note=node.name)


# Bindings, variables, secrets


def _bindings(desired: Desired, live: Live, keep_vars: bool) -> Iterator[Change]:
    old = {name: normal(binding, live.name) for name, binding in live.bindings.items()}
    new = {name: normal(binding, desired.name) for name, binding in desired.bindings.items()}
    for name, binding in new.items():
        if name in desired.without_id:
            continue  # it is made, and said below
        what: What = "variable" if binding["type"] in VARIABLES else "binding"
        if name not in old:
            yield Change("created", what, name, None, shown(binding))
        elif old[name] != binding:
            yield Change("changed", what, name, shown(old[name]), shown(binding))
    for name, binding in old.items():
        if name in new or binding["type"] in SECRETS or name in desired.without_id:
            continue
        if binding["type"] in VARIABLES:
            if not keep_vars and name not in desired.secrets:
                yield Change("removed", "variable", name, shown(binding))
        else:
            yield Change("removed", "binding", name, shown(binding))
    for name, kind in desired.without_id.items():
        note = "its id is missing" if name in desired.lacking else "made for it"
        yield Change("created", "binding", name, None, kind, note)
    for name in desired.secrets:
        yield Change("written", "secret", name, note="a secret cannot be compared, so it is written")


def normal(binding: Binding, script: str) -> Binding:
    """One form of what the API says in several."""
    found = dict(binding)
    if found["type"] == "d1":
        found["database_id"] = found.get("database_id") or found.get("id")
        found.pop("id", None)
    if found["type"] == "workflow":
        if found.get("script_name") == script:
            found.pop("script_name")
        if "script_name" in found:
            found.pop("class_name", None)
    return {key: value for key, value in found.items() if value is not None and key != "namespace"}


def shown(binding: Binding) -> str:
    """A binding's target as people read it."""
    match binding["type"]:
        case "plain_text":
            return str(binding["text"])
        case "json":
            import json

            return json.dumps(binding["json"], ensure_ascii=False)
        case kind if kind in SECRETS:
            return "[secret]"
        case kind:
            rest = [str(value) for key, value in sorted(binding.items()) if key not in ("type", "name")]
            return f"{kind} {' '.join(rest)}".rstrip()


# Settings, triggers


def _settings(desired: Desired, live: Live) -> Iterator[Change]:
    pairs: list[tuple[str, Any, Any]] = [
        ("compatibility_date", live.settings.get("compatibility_date"), desired.compatibility_date),
        ("compatibility_flags", live.settings.get("compatibility_flags") or [], desired.compatibility_flags),
        ("limits", live.settings.get("limits") or None, desired.limits),
        ("placement", _placement(live.settings.get("placement")), desired.placement),
        ("workers.dev", live.workers_dev, desired.workers_dev),
    ]
    if not _within(desired.observability, live.settings.get("observability")):
        pairs.append(("observability", live.settings.get("observability"), desired.observability))
    for name, before, after in pairs:
        if before != after and (live.exists or after):
            kind: Kind = "changed" if live.exists else "created"
            yield Change(kind, "setting", name, before, after)


def _placement(given: Any) -> dict[str, Any] | None:
    """What was set, without what Cloudflare found out."""
    if not isinstance(given, dict):
        return None
    return {key: value for key, value in given.items() if key not in ("status", "last_analyzed_at")} or None


def _within(wanted: Any, real: Any) -> bool:
    """Whether what is wanted holds; the account fills in what nobody said."""
    if isinstance(wanted, dict) and isinstance(real, dict):
        return all(name in real and _within(value, real[name]) for name, value in wanted.items())
    return bool(wanted == real)


def _lists(what: What, new: Sequence[str], old: Sequence[str]) -> Iterator[Change]:
    for one in new:
        if one not in old:
            yield Change("created", what, one)
    for one in old:
        if one not in new:
            yield Change("removed", what, one)


def _routes(plan: WorkerPlan, zones: Zones) -> Iterator[Change]:
    desired, live = plan.desired, plan.live
    owners = {route["pattern"]: route.get("script") for route in live.routes}
    for route in desired.routes:
        if zone_of(route, zones) is None:
            plan.problems.append(
                f"{desired.name}: the account has no zone for the route {route.pattern}; "
                "add the domain to the account, or name it with zone_name"
            )
        elif owners.get(route.pattern) in (None, ""):
            yield Change("created", "route", route.pattern)
        elif owners[route.pattern] != desired.name:
            plan.problems.append(
                f"{desired.name}: the route {route.pattern} belongs to the Worker {owners[route.pattern]}; "
                "remove it there first"
            )
    wanted = {route.pattern for route in desired.routes}
    ours = {route["pattern"] for route in live.carried.routes} if live.carried is not None else set()
    for found in live.routes:
        if found.get("script") == desired.name and found["pattern"] in ours - wanted:
            yield Change("removed", "route", found["pattern"])


def zone_of(route: Route, zones: Zones) -> str | None:
    """The id of a route's zone."""
    return zones.of(route.pattern, route.zone_name, route.zone_id)


def _workflow(plan: WorkerPlan) -> Iterator[Change]:
    desired, live = plan.desired, plan.live
    wanted = desired.workflow
    carried = {one.name: one for one in live.carried.workflows} if live.carried is not None else {}
    if wanted is not None:
        found = live.workflows.get(wanted.name)
        if found is None:
            yield Change("created", "workflow", wanted.name, None, wanted.class_name)
        elif found["script_name"] != desired.name:
            plan.problems.append(
                f"{desired.name}: the workflow {wanted.name} belongs to the Worker {found['script_name']}; "
                f"{desired.advice.workflow}, or take that one down first"
            )
        elif found["class_name"] != wanted.class_name:
            yield Change("changed", "workflow", wanted.name, found["class_name"], wanted.class_name)
        elif wanted.name in carried and carried[wanted.name].steps != wanted.steps:
            yield Change("changed", "workflow", wanted.name, carried[wanted.name].steps, wanted.steps, "limits.steps")
    for name in carried:
        found = live.workflows.get(name)
        if found is not None and found["script_name"] == desired.name and (wanted is None or name != wanted.name):
            yield Change("removed", "workflow", name, note="with its instances")


def _consumers(plan: WorkerPlan) -> Iterator[Change]:
    desired, live = plan.desired, plan.live
    old = live.consumers()
    for queue, settings in desired.consumers.items():
        owner = _consumed_by(live, queue)
        if queue not in old and owner is not None:
            plan.problems.append(
                f"{desired.name}: the messages of the queue {queue} go to the Worker {owner}, and a queue has one "
                "consumer; remove that one first"
            )
        elif queue not in old:
            yield Change("created", "consumer", queue, None, settings)
        elif not consumes(old[queue], settings):
            yield Change("changed", "consumer", queue, consumer_settings(old[queue]), settings)
    for queue in old:
        if queue not in desired.consumers:
            yield Change("removed", "consumer", queue)


def _consumed_by(live: Live, queue: str) -> str | None:
    """Another Worker that consumes a queue."""
    told = live.queues.get(queue, {}).get("consumers") or ()
    names = [one.get("script_name") or one.get("script") for one in told if one.get("type", "worker") == "worker"]
    return next((str(name) for name in names if name not in (None, "", live.name)), None)


def consumer_settings(consumer: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a live consumer, as ours are told."""
    found = {name: value for name, value in (consumer.get("settings") or {}).items() if value is not None}
    dead = consumer.get("dead_letter_queue")
    return {**found, **({"dead_letter_queue": dead} if dead else {})}


def consumes(consumer: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether a live consumer is set as wanted."""
    return _within(settings, consumer_settings(consumer)) and (
        "dead_letter_queue" in settings or not consumer.get("dead_letter_queue")
    )


# Warnings


def _warn(plan: WorkerPlan) -> None:
    desired, live = plan.desired, plan.live
    if live.carried is not None and live.running:
        lost = [name for name in live.carried.steps if name not in desired.carried.steps]
        if lost:
            names = ", ".join(f"`{name}`" for name in lost[:5]) + (" …" if len(lost) > 5 else "")
            plan.warnings.append(
                f"{desired.name}: {live.running} instances are alive and may have done or may still ask for "
                f"{names}, which the new version no longer has: what they did under these names is not found again"
            )
    secrets = {name for name, one in live.bindings.items() if one["type"] in SECRETS}
    for name in desired.unset:
        if name in secrets:
            continue
        if name == "TRIGGER_TOKEN":
            if desired.waits_for_events:
                plan.warnings.append(
                    f"{desired.name}: the workflow waits for events and TRIGGER_TOKEN is not set: anybody who "
                    "knows its URL can start it and send events"
                )
        elif name not in desired.optional:
            plan.warnings.append(
                f"{desired.name}: the code reads env.{name}, which has no value: {desired.advice.value}"
            )
    if live.exists and live.carried is None:
        plan.warnings.append(f"{desired.name}: a Worker of that name is live and was not deployed by stepwell")
