"""The way from what is to what shall be, in steps that can each be made again."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import networkx as nx

from stepwell.cloudflare import ApiError, Cloudflare

from .desired import BY_ID, SECRETS, Binding, Desired
from .live import Zones, latest_deployment
from .plan import Plan, WorkerPlan, consumes, normal
from .preflight import find_bucket, resource_name
from .progress import Event, Listener, Stage
from .project import ProjectError

_MESSAGE_BYTES: Final = 1000
_AT: Final = re.compile(r"worker\.js:(\d+):(\d+)")
_API_DATE: Final = {"Cloudflare-Workers-Script-Api-Date": "2025-08-01"}
"""With it the API computes what previews are by default (facts.md, A.4)."""


class Stopped(Exception):
    """A deploy that stopped on the way: what was done of each Worker, and what was not."""

    def __init__(self, failures: Mapping[str, Exception], done: Sequence[Done], left: Sequence[str]) -> None:
        super().__init__("; ".join(f"{name}: {error}" for name, error in failures.items()))
        self.failures, self.done, self.left = dict(failures), list(done), list(left)


class Overtaken(Exception):
    """Somebody else deployed the same Worker meanwhile."""


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


@dataclass
class Done:
    """What was done to one Worker: steps in words, the version that answers now, where it is reached."""

    worker: str
    steps: list[str] = field(default_factory=list)
    version: str | None = None


@dataclass(frozen=True)
class Options:
    """How to deploy. `percentage` of the requests to the new version; the rest stays with the one before."""

    provision: bool = False
    keep_vars: bool = False
    percentage: float = 100
    message: str | None = None


def in_order(plans: Sequence[WorkerPlan]) -> list[list[WorkerPlan]]:
    """The Workers in groups: what a group needs is in those before it. Raises `ProjectError` for a circle."""
    by_name = {plan.desired.name: plan for plan in plans}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(by_name)
    graph.add_edges_from((need, name) for name, plan in by_name.items() for need in plan.desired.needs & by_name.keys())
    try:
        return [[by_name[name] for name in sorted(group)] for group in nx.topological_generations(graph)]
    except nx.NetworkXUnfeasible:
        circle = " → ".join(edge[0] for edge in nx.find_cycle(graph))
        raise ProjectError(f"these Workers bind each other in a circle, so none can be first: {circle}") from None


def apply(api: Cloudflare, plan: Plan, zones: Zones, options: Options, listen: Listener) -> list[Done]:
    """Deploys everything that changed, independent Workers at once. Raises `Stopped`."""
    done: list[Done] = []
    failures: dict[str, Exception] = {}
    groups = in_order(plan.workers)
    for place, group in enumerate(groups):
        work = [_Work(api, one, zones, options, listen) for one in group if one.changes]
        done += [one.done for one in work]
        left = [one.desired.name for later in groups[place + 1 :] for one in later if one.changes]
        try:
            with ThreadPoolExecutor(max_workers=4) as pool:
                for one, error in zip(work, pool.map(_safely, work), strict=True):
                    if error is not None:
                        failures[one.done.worker] = error
        except KeyboardInterrupt:  # what was under way has ended by now
            raise Stopped({**failures, "deploy": Interrupted("interrupted")}, done, left) from None
        if failures:
            raise Stopped(failures, done, left)
    return done


def _safely(work: _Work) -> Exception | None:
    try:
        work.run()
    except (ApiError, Overtaken, ProjectError) as error:
        return error
    return None


class _Work:
    """The deploy of one Worker."""

    def __init__(self, api: Cloudflare, plan: WorkerPlan, zones: Zones, options: Options, listen: Listener) -> None:
        self._api, self._plan, self._zones, self._options = api, plan, zones, options
        self._desired, self._live = plan.desired, plan.live
        self._script = f"workers/scripts/{plan.desired.name}"
        self._listen = listen
        self.done = Done(plan.desired.name)

    def run(self) -> None:
        """Does it. Every step can be made again: whoever runs the deploy again ends in the same state."""
        self._provision()
        if self._plan.uploads:
            self._upload()
        self._settings()
        self._subdomain()
        self._schedules()
        self._routes()
        self._domains()
        self._workflow()
        self._consumers()
        self._verify()

    def _say(self, stage: Stage, message: str) -> None:
        self._listen(Event(stage, message, self._desired.name))

    def _did(self, step: str) -> None:
        self.done.steps.append(step)

    # Resources

    def _provision(self) -> None:
        for name, kind in list(self._desired.without_id.items()):
            title = resource_name(self._desired, name)
            self._say(Stage.DETECTING_BINDINGS, f"making {kind} {title}")
            self._desired.bindings[name][BY_ID[kind]] = self._made(kind, title)
            del self._desired.without_id[name]
            self._did(f"made {kind} {title}")
        if self._options.provision:
            for queue in self._missing_queues():
                self._queue(queue)
            for bucket in self._missing_buckets():
                self._make_bucket(bucket)

    def _made(self, kind: str, title: str) -> str:
        if kind == "kv_namespace":
            made = self._api.create(
                "storage/kv/namespaces",
                lambda: next((one for one in self._api.pages("storage/kv/namespaces") if one["title"] == title), None),
                {"title": title},
            )
            return str(made["id"])
        made = self._api.create(
            "d1/database",
            lambda: next((one for one in self._api.pages("d1/database") if one["name"] == title), None),
            {"name": title},
        )
        return str(made["uuid"])

    def _missing_queues(self) -> list[str]:
        bound = [one["queue_name"] for one in self._desired.bindings.values() if one["type"] == "queue"]
        dead = [one["dead_letter_queue"] for one in self._desired.consumers.values() if one.get("dead_letter_queue")]
        wanted = dict.fromkeys([*bound, *self._desired.consumers, *dead])
        return [name for name in wanted if self._find_queue(name) is None]

    def _find_queue(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._live.queues:
            found = next((one for one in self._api.get("queues", name=name, page=1) if one["queue_name"] == name), None)
            if found is None:
                return None
            self._live.queues[name] = found
        return self._live.queues[name]

    def _queue(self, name: str) -> None:
        made = self._api.create("queues", lambda: self._find_queue(name), {"queue_name": name})
        self._live.queues[name] = made
        self._did(f"made the queue {name}")

    def _missing_buckets(self) -> list[str]:
        names = [one["bucket_name"] for one in self._desired.bindings.values() if one["type"] == "r2_bucket"]
        if not self._plan.touches("binding"):
            return []
        return [name for name in names if find_bucket(self._api, name) is None]

    def _make_bucket(self, name: str) -> None:
        self._api.create("r2/buckets", lambda: find_bucket(self._api, name), {"name": name})
        self._did(f"made the bucket {name}")

    # The version

    def _upload(self) -> None:
        first = not self._live.exists
        self._say(Stage.CREATING_WORKER if first else Stage.DEPLOYING, "uploading the code")
        tag = f"stepwell-{secrets.token_hex(8)}"
        # As they are uploaded: ids are known only now.
        desired = self._desired
        desired.carried.settings["bindings"] = {
            name: normal(one, desired.name) for name, one in desired.bindings.items()
        }
        metadata = self._metadata(tag)
        parts = [("metadata", (None, json.dumps(metadata), "application/json"))]
        parts += [(name, (name, content, kind)) for name, (kind, content) in self._desired.modules.items()]  # type: ignore[misc]
        try:
            if self._plan.whole and self._options.percentage == 100:
                self._put(parts)
            else:
                self._version(parts, tag)
        except ApiError as error:
            if error.code == 10021:
                error.message = _led_back(error.message, self._desired)
            raise

    def _metadata(self, tag: str) -> dict[str, Any]:
        desired = self._desired
        secret = [{"type": "secret_text", "name": name, "text": text} for name, text in desired.secrets.items()]
        kept = [*SECRETS, *(("plain_text", "json") if self._options.keep_vars else ())]
        message = self._options.message or f"stepwell: {desired.carried.graph} {desired.carried.artifact[:12]}"
        told: dict[str, Any] = {
            "main_module": "worker.js",
            "bindings": [*self._sent(), *secret],
            "keep_bindings": kept,
            "compatibility_date": desired.compatibility_date,
            "compatibility_flags": desired.compatibility_flags,
            "annotations": {"workers/message": _cut(message), "workers/tag": tag},
        }
        # A version has limits and a placement of its own: without them it would have none. Logs are the Worker's.
        more: dict[str, Any] = {"limits": desired.limits, "placement": desired.placement}
        if self._plan.whole:
            more["observability"] = desired.observability
        return told | {name: value for name, value in more.items() if value is not None}

    def _sent(self) -> Iterator[Binding]:
        for binding in self._desired.bindings.values():
            if binding["name"] not in self._desired.secrets:
                # the API's description has both keys of a database's id (facts.md, A.2)
                yield {**binding, "id": binding["database_id"]} if binding["type"] == "d1" else binding

    def _put(self, parts: Sequence[Any]) -> None:
        self._unchanged_meanwhile()
        params = {"bindings_inherit": "strict", "excludeScript": "true"}
        told = self._api.call("PUT", self._script, params=params, parts=parts).result
        self.done.version = _hyphenated(str(told.get("deployment_id") or told.get("id")))
        self._did("uploaded and deployed the Worker")
        self._say(Stage.WORKER_DEPLOYED, f"version {self.done.version} answers")

    def _version(self, parts: Sequence[Any], tag: str) -> None:
        params = {"bindings_inherit": "strict"}
        path = f"{self._script}/versions"
        told = self._api.create(path, lambda: self._tagged(tag), params=params, parts=parts)
        version = str(told["id"])
        self._did(f"uploaded version {version}")
        self._unchanged_meanwhile()
        deploy(self._api, self._desired.name, self._parts(version), self._options.message)
        self.done.version = version
        self._did(f"deployed version {version}")
        self._say(Stage.WORKER_DEPLOYED, f"version {version} answers")

    def _parts(self, version: str) -> list[dict[str, Any]]:
        percentage, before = self._options.percentage, self._live.version
        if percentage == 100 or before is None:
            return [{"version_id": version, "percentage": 100}]
        return [
            {"version_id": version, "percentage": percentage},
            {"version_id": before, "percentage": 100 - percentage},
        ]

    def _tagged(self, tag: str) -> Any:
        found = self._api.get(f"{self._script}/versions", deployable="true")["items"]
        return next((one for one in found if (one.get("annotations") or {}).get("workers/tag") == tag), None)

    def _unchanged_meanwhile(self) -> None:
        """Whoever deployed since the plan was made would be overwritten unseen."""
        now = latest_deployment(self._api, self._desired.name)
        before = self._live.deployment
        if (now or {}).get("id") != (before or {}).get("id"):
            raise Overtaken(
                f"{self._desired.name} was deployed by somebody else since the plan was made; "
                "look at the plan again, and deploy again"
            )

    # What a version does not carry

    def _changed(self, *names: str) -> bool:
        return any(change.what == "setting" and change.name in names for change in self._plan.changes)

    def _settings(self) -> None:
        if self._changed("observability") and not self._plan.whole:
            self._api.patch(f"{self._script}/script-settings", {"observability": self._desired.observability})
            self._did("set observability")

    def _subdomain(self) -> None:
        if self._changed("workers.dev"):
            body = {"enabled": self._desired.workers_dev, "previews_enabled": False}
            self._api.call("POST", f"{self._script}/subdomain", json=body, repeat=True, headers=_API_DATE)
            self._did(f"switched workers.dev {'on' if self._desired.workers_dev else 'off'}")

    def _schedules(self) -> None:
        if self._plan.touches("cron"):
            self._api.put(f"{self._script}/schedules", [{"cron": cron} for cron in self._desired.crons])
            self._did("set the crons")

    def _routes(self) -> None:
        for change in self._plan.changes:
            if change.what == "route" and change.kind == "created":
                route = next(one for one in self._desired.routes if one.pattern == change.name)
                zone = self._zones.of(route.pattern, route.zone_name, route.zone_id)
                assert zone is not None
                self._route(zone, route.pattern)
            elif change.what == "route":
                for found in self._live.routes:
                    if found["pattern"] == change.name:
                        self._api.delete(f"/zones/{found['zone_id']}/workers/routes/{found['id']}")
                        self._did(f"removed the route {change.name}")

    def _route(self, zone: str, pattern: str) -> None:
        body = {"pattern": pattern, "script": self._desired.name}
        found = self._find_route(zone, pattern)
        if found is None:
            self._api.create(f"/zones/{zone}/workers/routes", lambda: self._find_route(zone, pattern), body)
        elif found.get("script") in (None, "", self._desired.name):
            self._api.put(f"/zones/{zone}/workers/routes/{found['id']}", body)
        else:
            raise Overtaken(f"the route {pattern} belongs to the Worker {found['script']} now")
        self._did(f"set the route {pattern}")

    def _find_route(self, zone: str, pattern: str) -> dict[str, Any] | None:
        self._zones.forget(zone)
        return next((one for one in self._zones.routes(zone) if one["pattern"] == pattern), None)

    def _domains(self) -> None:
        for change in self._plan.changes:
            if change.what != "domain":
                continue
            if change.kind == "created":
                body: dict[str, Any] = {"hostname": change.name, "service": self._desired.name}
                zone = self._zones.of(change.name)
                self._api.put("workers/domains", body | ({"zone_id": zone} if zone else {}))
                self._did(f"attached the domain {change.name}")
            else:
                found = next(one for one in self._live.domains if one["hostname"] == change.name)
                self._api.delete(f"workers/domains/{found['id']}")
                self._did(f"detached the domain {change.name}")

    def _workflow(self) -> None:
        wanted = self._desired.workflow
        if wanted is not None and (self._plan.uploads or self._plan.touches("workflow")):
            self._say(Stage.UPDATING_WORKFLOW, f"registering the workflow {wanted.name}")
            put_workflow(self._api, self._desired.name, wanted.name, wanted.class_name, wanted.steps)
            self._did(f"registered the workflow {wanted.name}")
        for change in self._plan.changes:
            if change.what == "workflow" and change.kind == "removed":
                self._api.delete(f"workflows/{change.name}")
                self._did(f"removed the workflow {change.name}")

    def _consumers(self) -> None:
        for queue, settings in self._desired.consumers.items():
            if any(change.what == "consumer" and change.name == queue for change in self._plan.changes):
                put_consumer(self._api, self._desired.name, queue, settings)
                self._did(f"set the consumer of {queue}")
        for change in self._plan.changes:
            if change.what == "consumer" and change.kind == "removed":
                found, queue_ = self._live.consumers()[change.name], self._live.queues[change.name]
                self._api.delete(f"queues/{queue_['queue_id']}/consumers/{found['consumer_id']}")
                self._did(f"removed the consumer of {change.name}")

    def _verify(self) -> None:
        """Asks the account whether it is so."""
        if self.done.version is None:
            return
        found = latest_deployment(self._api, self._desired.name)
        live = [part["version_id"].replace("-", "") for part in (found or {}).get("versions") or ()]
        if self.done.version.replace("-", "") not in live:
            raise Overtaken(
                f"{self._desired.name}: version {self.done.version} was deployed, and another deploy came after it"
            )


# Steps that rollback makes, too


def deploy(api: Cloudflare, script: str, parts: Sequence[Mapping[str, Any]], message: str | None) -> None:
    """Has versions answer; looks whether they do before it is done twice."""
    body: dict[str, Any] = {"strategy": "percentage", "versions": list(parts)}
    if message:
        body["annotations"] = {"workers/message": _cut(message)}
    wanted = {(part["version_id"], part["percentage"]) for part in parts}

    def find() -> Any:
        found = latest_deployment(api, script)
        live = {(part["version_id"], part["percentage"]) for part in (found or {}).get("versions") or ()}
        return found if live == wanted else None

    api.create(f"workers/scripts/{script}/deployments", find, body, params={"force": "true"})


def put_workflow(api: Cloudflare, script: str, name: str, class_name: str, steps: int | None) -> None:
    """Registers a workflow; never takes one from another Worker, which the API itself would do silently."""
    found = api.find(f"workflows/{name}")
    if found is not None and found["script_name"] != script:
        raise Overtaken(f"the workflow {name} belongs to the Worker {found['script_name']} now")
    limits = {} if steps is None else {"limits": {"steps": steps}}
    api.put(f"workflows/{name}", {"script_name": script, "class_name": class_name, **limits})


def put_consumer(api: Cloudflare, script: str, queue: str, settings: Mapping[str, Any]) -> None:
    """Has a Worker consume a queue with these settings."""

    def find_queue() -> Mapping[str, Any] | None:
        return next((one for one in api.get("queues", name=queue, page=1) if one["queue_name"] == queue), None)

    def find() -> Mapping[str, Any] | None:
        told = (find_queue() or {}).get("consumers") or ()
        return next((one for one in told if script in (one.get("script_name"), one.get("script"))), None)

    found_queue = find_queue()
    if found_queue is None:
        raise ProjectError(f"there is no queue {queue}: make it, or have it provisioned")
    rest = {name: value for name, value in settings.items() if name != "dead_letter_queue"}
    dead = settings.get("dead_letter_queue")
    body = {"type": "worker", "script_name": script, "settings": rest, **({"dead_letter_queue": dead} if dead else {})}
    path = f"queues/{found_queue['queue_id']}/consumers"
    there = find()
    if there is None:
        api.create(path, find, body)
    elif not consumes(there, settings):
        api.put(f"{path}/{there['consumer_id']}", body)


def _hyphenated(id: str) -> str:
    """A version's id in the form that has hyphens; the upload gives it without."""
    if len(id) != 32:
        return id
    return "-".join((id[:8], id[8:12], id[12:16], id[16:20], id[20:]))


def _cut(message: str) -> str:
    return message.encode()[:_MESSAGE_BYTES].decode("utf-8", "ignore")


def _led_back(message: str, desired: Desired) -> str:
    """The API's words with the user's node and line for each place in the code that they name."""
    from stepwell.emit.sourcemap import SourcePlaces

    places = SourcePlaces(desired.compiled.source_map or "{}")

    def where(found: re.Match[str]) -> str:
        place = places.find(int(found[1]), int(found[2]))
        return f"{found[0]} ({place.source}, line {place.line}, column {place.column})" if place else found[0]

    return _AT.sub(where, message)
