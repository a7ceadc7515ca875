"""Versions that were deployed, and the way back to one, with what a version does not carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.cloudflare import Cloudflare

from .apply import deploy, put_consumer, put_workflow
from .carried import Carried, read
from .live import Live, Zones, read_content, read_live
from .progress import Event, Listener, Stage
from .project import NoWorker, ProjectError


@dataclass(frozen=True)
class VersionRow:
    """A version: `percentage` of the requests that it answers now, 0 for none."""

    id: str
    number: int
    created: str
    source: str
    message: str | None
    percentage: float


def versions(api: Cloudflare, name: str) -> list[VersionRow]:
    """The versions of a Worker, the newest first. Raises `ProjectError`."""
    live = _percentages(api, name)
    rows = []
    for told in api.get(f"workers/scripts/{name}/versions", deployable="true")["items"]:
        metadata, annotations = told.get("metadata") or {}, told.get("annotations") or {}
        rows.append(
            VersionRow(
                told["id"],
                int(told.get("number") or 0),
                str(metadata.get("created_on", "")),
                str(metadata.get("source", "")),
                annotations.get("workers/message"),
                live.get(told["id"], 0),
            )
        )
    return rows


def _deployments(api: Cloudflare, name: str) -> list[Mapping[str, Any]]:
    """What was deployed, the newest first. Raises `ProjectError`."""
    found = api.find(f"workers/scripts/{name}/deployments")
    if found is None:
        raise NoWorker(name)
    deployments: list[Mapping[str, Any]] = found["deployments"]
    return deployments


def _percentages(api: Cloudflare, name: str) -> dict[str, float]:
    deployments = _deployments(api, name)
    return {part["version_id"]: part["percentage"] for part in deployments[0]["versions"]} if deployments else {}


def version_before(api: Cloudflare, name: str) -> str:
    """The version that answered everything before: in a split the older one, else the last deployed with a lower
    number, so that a second rollback goes further back and never forward again. Raises `ProjectError`.
    """
    deployments = _deployments(api, name)
    numbers = {row.id: row.number for row in versions(api, name)}
    live = [part["version_id"] for part in deployments[0]["versions"]] if deployments else []
    if len(live) > 1:
        return str(min(live, key=lambda id: numbers.get(id, 0)))
    now = numbers.get(live[0], 0) if live else 0
    for older in deployments[1:]:
        for part in sorted(older["versions"], key=lambda part: -part["percentage"]):
            if numbers.get(part["version_id"], 0) < now:
                return str(part["version_id"])
    raise ProjectError(f"{name}: no older version was ever deployed; name one with --to")


def named_version(api: Cloudflare, name: str, given: str) -> str:
    """A version by its id, the beginning of it, or its number. Raises `ProjectError`."""
    rows = versions(api, name)
    found = [row.id for row in rows if given in (row.id, str(row.number))]
    found = found or [row.id for row in rows if len(given) >= 4 and row.id.startswith(given)]
    if len(found) != 1:
        many = "more than one version" if found else "no version"
        raise ProjectError(f"{name}: {many} is called {given}; `stepwell versions {name}` lists them")
    return found[0]


def rollback(api: Cloudflare, name: str, version: str, message: str | None, listen: Listener) -> list[str]:
    """Has an older version answer and restores what belongs to it; gives the steps made."""
    zones = Zones(api)
    before = read_live(api, name, zones, None)
    if not before.exists:
        raise NoWorker(name)
    listen(Event(Stage.DEPLOYING, f"going back to version {version}", name))
    deploy(api, name, [{"version_id": version, "percentage": 100}], message or f"rollback to {version}")
    listen(Event(Stage.WORKER_DEPLOYED, f"version {version} answers", name))
    done = [f"deployed version {version}"]
    carried = read(read_content(api, name))
    if carried is None:
        return [*done, "what else belongs to it is not known: it was not deployed by stepwell"]
    live = read_live(api, name, zones, None)
    return done + restore(api, name, before, live, carried, zones, listen)


def restore(
    api: Cloudflare, name: str, before: Live, live: Live, carried: Carried, zones: Zones, listen: Listener
) -> list[str]:
    """Brings workflows, crons, routes, domains, consumers and workers.dev to what travelled with a version."""
    done: list[str] = []
    script = f"workers/scripts/{name}"
    for workflow in carried.workflows:
        listen(Event(Stage.UPDATING_WORKFLOW, f"registering the workflow {workflow.name}", name))
        put_workflow(api, name, workflow.name, workflow.class_name, workflow.steps)
        done.append(f"registered the workflow {workflow.name}")
    ours = {workflow.name for workflow in carried.workflows}
    for workflow in before.carried.workflows if before.carried is not None else ():
        if workflow.name not in ours:  # going back must not end instances; a takedown does, and says so
            done.append(f"left the workflow {workflow.name} with its instances: this version does not have it")
    if live.crons != carried.crons:
        api.put(f"{script}/schedules", [{"cron": cron} for cron in carried.crons])
        done.append("set the crons")
    if live.workers_dev != carried.workers_dev:
        body = {"enabled": carried.workers_dev, "previews_enabled": False}
        api.call("POST", f"{script}/subdomain", json=body, repeat=True)
        done.append(f"switched workers.dev {'on' if carried.workers_dev else 'off'}")
    done += _routes(api, name, before, live, carried, zones)
    done += _domains(api, name, live, carried, zones)
    for queue, settings in carried.consumers.items():
        put_consumer(api, name, queue, settings)
        done.append(f"set the consumer of {queue}")
    for queue, consumer in {**before.consumers(), **live.consumers()}.items():
        if queue not in carried.consumers:
            known = {**before.queues, **live.queues}
            api.delete(f"queues/{known[queue]['queue_id']}/consumers/{consumer['consumer_id']}")
            done.append(f"removed the consumer of {queue}")
    return done


def _routes(api: Cloudflare, name: str, before: Live, live: Live, carried: Carried, zones: Zones) -> list[str]:
    done = []
    wanted = {route["pattern"]: route for route in carried.routes}
    owners: dict[str, Mapping[str, Any]] = {one["pattern"]: one for one in (*before.routes, *live.routes)}
    for pattern, route in wanted.items():
        found = owners.get(pattern)
        zone = zones.of(pattern, route.get("zone_name"), route.get("zone_id"))
        if zone is None or (found is not None and found.get("script") not in (None, "", name)):
            done.append(f"left the route {pattern}: it is not ours any more")
            continue
        if found is None:
            body = {"pattern": pattern, "script": name}
            api.create(f"/zones/{zone}/workers/routes", lambda: None, body)
            done.append(f"set the route {pattern}")
    ours = {route["pattern"] for route in (before.carried.routes if before.carried else [])}
    for pattern in sorted(ours - wanted.keys()):
        found = owners.get(pattern)
        if found is not None and found.get("script") == name:
            api.delete(f"/zones/{found['zone_id']}/workers/routes/{found['id']}")
            done.append(f"removed the route {pattern}")
    return done


def _domains(api: Cloudflare, name: str, live: Live, carried: Carried, zones: Zones) -> list[str]:
    done = []
    there = {one["hostname"]: one for one in live.domains}
    for hostname in carried.domains:
        if hostname not in there:
            zone = zones.of(hostname)
            body = {"hostname": hostname, "service": name, **({"zone_id": zone} if zone else {})}
            api.put("workers/domains", body)
            done.append(f"attached the domain {hostname}")
    for hostname, domain in there.items():
        if hostname not in carried.domains:
            api.delete(f"workers/domains/{domain['id']}")
            done.append(f"detached the domain {hostname}")
    return done
