"""What in the account no longer is as the last deploy left it, by what travelled with that deploy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from .desired import SECRETS
from .live import Live
from .plan import Change, consumer_settings, consumes, normal, shown


def drift(live: Live) -> list[Change]:
    """The differences; `before` is as deployed, `after` is as it is."""
    return list(_drift(live))


def _drift(live: Live) -> Iterator[Change]:
    carried = live.carried
    if carried is None:
        return
    if hashlib.sha256(live.modules.get("worker.js", b"")).hexdigest() != carried.code:
        yield Change("changed", "code", "worker.js", note="the code is not the one that was deployed")
    told = carried.settings.get("bindings")
    if told is not None:
        yield from _bindings(told, live)
    for workflow in carried.workflows:
        found = live.workflows.get(workflow.name)
        if found is None:
            yield Change("removed", "workflow", workflow.name)
        elif (found["script_name"], found["class_name"]) != (live.name, workflow.class_name):
            is_now = f"{found['script_name']} {found['class_name']}"
            yield Change("changed", "workflow", workflow.name, f"{live.name} {workflow.class_name}", is_now)
    if live.crons != carried.crons:
        yield Change("changed", "cron", "crons", carried.crons, live.crons)
    owners = {route["pattern"]: route.get("script") for route in live.routes}
    for route in carried.routes:
        if owners.get(route["pattern"]) != live.name:
            yield Change("changed", "route", route["pattern"], live.name, owners.get(route["pattern"]))
    domains = [one["hostname"] for one in live.domains]
    for hostname in carried.domains:
        if hostname not in domains:
            yield Change("removed", "domain", hostname)
    for hostname in domains:
        if hostname not in carried.domains:
            yield Change("created", "domain", hostname)
    consumers = live.consumers()
    for queue, settings in carried.consumers.items():
        if queue not in consumers:
            yield Change("removed", "consumer", queue)
        elif not consumes(consumers[queue], settings):
            yield Change("changed", "consumer", queue, settings, consumer_settings(consumers[queue]))
    if live.workers_dev != carried.workers_dev:
        yield Change("changed", "setting", "workers.dev", carried.workers_dev, live.workers_dev)


def _bindings(told: Mapping[str, Any], live: Live) -> Iterator[Change]:
    """Secrets are left out: they are set by other ways too."""
    now = {name: normal(one, live.name) for name, one in live.bindings.items() if one["type"] not in SECRETS}
    for name, binding in told.items():
        if name not in now and name not in live.bindings:
            yield Change("removed", "binding", name, shown(binding))
        elif name in now and now[name] != binding:
            yield Change("changed", "binding", name, shown(binding), shown(now[name]))
    for name in now.keys() - told.keys():
        yield Change("created", "binding", name, None, shown(now[name]))
