"""The end of a Worker: its instances, workflows, consumers, routes and domains, then the Worker itself."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.cloudflare import Cloudflare

from .live import Live, Zones, read_live
from .progress import Event, Listener, Stage


@dataclass(frozen=True)
class Going:
    """Something that would go, in words."""

    what: str
    name: str
    note: str = ""


def read_takedown(api: Cloudflare, name: str) -> Live:
    """The Worker with all that belongs to it, also workflows that were registered by somebody else."""
    live = read_live(api, name, Zones(api), None)
    for workflow in api.pages("workflows"):
        if workflow["script_name"] == name:
            live.workflows.setdefault(workflow["name"], workflow)
    for queue in api.pages("queues"):
        live.queues.setdefault(queue["queue_name"], queue)
    return live


def going(live: Live) -> list[Going]:
    """What would go, in the order in which it goes."""
    found: list[Going] = []
    for name, workflow in live.workflows.items():
        if workflow["script_name"] == live.name:
            counts = workflow.get("instances") or {}
            alive = sum(
                int(counts.get(one) or 0) for one in ("queued", "running", "waiting", "waitingForPause", "paused")
            )
            found.append(Going("workflow", name, f"with its instances, {alive} of them alive"))
    found += [Going("consumer", queue) for queue in live.consumers()]
    found += [Going("route", str(one["pattern"])) for one in live.routes if one.get("script") == live.name]
    found += [Going("domain", str(one["hostname"])) for one in live.domains]
    if live.exists:
        found.append(Going("worker", live.name, "with its versions and secrets"))
    return found


def takedown(api: Cloudflare, live: Live, listen: Listener) -> None:
    """Removes it all. What is gone already is no fault: it can be called again."""
    for name, workflow in live.workflows.items():
        if workflow["script_name"] == live.name:
            listen(Event(Stage.DEPLOYING, f"ending the instances of {name}", live.name))
            if live.exists:  # what has no Worker any more runs nothing, and cannot be told to end
                api.put(f"workflows/{name}/instances/terminate")
            api.delete(f"workflows/{name}")
    for queue, consumer in live.consumers().items():
        listen(Event(Stage.DEPLOYING, f"detaching the queue {queue}", live.name))
        api.delete(f"queues/{live.queues[queue]['queue_id']}/consumers/{consumer['consumer_id']}")
    for route in live.routes:
        if route.get("script") == live.name:
            api.delete(f"/zones/{route['zone_id']}/workers/routes/{route['id']}")
    for domain in live.domains:
        api.delete(f"workers/domains/{domain['id']}")
    listen(Event(Stage.DEPLOYING, "removing the Worker", live.name))
    api.delete(f"workers/scripts/{live.name}", force="true")
