"""What is: a Worker in the account with everything around it, read in as few calls as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header

from stepwell.cloudflare import Answer, ApiError, Ask, Cloudflare, Talk

from .carried import Carried, read
from .desired import Desired


@dataclass
class Live:
    """A Worker as it is; `exists` False: there is none of that name, and all the rest is empty.

    `version` and `deployment` are ids of what answers now. `workflows` are those asked for, by name; `consumers`
    those of this Worker, by queue; `queues` all queues asked for, by name.
    """

    name: str
    exists: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    modules: Mapping[str, bytes] = field(default_factory=dict)
    carried: Carried | None = None
    deployment: Mapping[str, Any] | None = None
    crons: list[str] = field(default_factory=list)
    workers_dev: bool = False
    domains: list[Mapping[str, Any]] = field(default_factory=list)
    routes: list[Mapping[str, Any]] = field(default_factory=list)
    workflows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    queues: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def bindings(self) -> dict[str, dict[str, Any]]:
        """The bindings by name."""
        return {binding["name"]: binding for binding in self.settings.get("bindings") or ()}

    @property
    def version(self) -> str | None:
        """The version that answers most requests."""
        if self.deployment is None:
            return None
        parts = sorted(self.deployment["versions"], key=lambda part: -part["percentage"])
        return str(parts[0]["version_id"])

    @property
    def running(self) -> int:
        """How many instances of its workflows have not ended."""
        alive = ("queued", "running", "waiting", "waitingForPause", "paused", "rollingBack")
        return sum(int(one.get("instances", {}).get(name) or 0) for one in self.workflows.values() for name in alive)

    def consumers(self) -> dict[str, Mapping[str, Any]]:
        """The consumers of this Worker by queue."""
        return {
            name: consumer
            for name, queue in self.queues.items()
            for consumer in queue.get("consumers") or ()
            if self.name in (consumer.get("script_name"), consumer.get("script"))
        }


class Zones:
    """The zones of the account by name, each looked up once, with their routes."""

    def __init__(self, api: Cloudflare) -> None:
        self._api = api
        self._ids: dict[str, str | None] = {}
        self._routes: dict[str, list[dict[str, Any]]] = {}

    def id(self, name: str) -> str | None:
        """The id of a zone; None when the account has none of that name."""
        if name not in self._ids:
            found = self._api.get("/zones", name=name, **{"account.id": self._api.account})
            self._ids[name] = found[0]["id"] if found else None
        return self._ids[name]

    def of(self, pattern: str, zone_name: str | None = None, zone_id: str | None = None) -> str | None:
        """The id of the zone that a route's pattern belongs to: the longest name that is one."""
        if zone_id is not None:
            return zone_id
        if zone_name is not None:
            return self.id(zone_name)
        labels = host(pattern).split(".")
        for start in range(len(labels) - 1):
            found = self.id(".".join(labels[start:]))
            if found is not None:
                return found
        return None

    def routes(self, zone: str) -> list[dict[str, Any]]:
        """The routes of a zone, each with its `zone_id`."""
        if zone not in self._routes:
            found = self._api.get(f"/zones/{zone}/workers/routes")
            self._routes[zone] = [{**route, "zone_id": zone} for route in found]
        return self._routes[zone]

    def forget(self, zone: str) -> None:
        """Has the routes of a zone read again."""
        self._routes.pop(zone, None)


def host(pattern: str) -> str:
    """The host name in a route's pattern, without what stands for any subdomain."""
    return pattern.split("://")[-1].split("/")[0].lstrip("*").lstrip(".")


def read_live(api: Cloudflare, name: str, zones: Zones, wanted: Desired | None) -> Live:
    """The Worker of a name, with what `wanted` and what travelled with it speak of."""
    live = Live(name)
    settings = api.find(f"workers/scripts/{name}/settings")
    if settings is not None:
        live.exists, live.settings = True, settings
        live.modules = read_content(api, name)
        live.carried = read(live.modules)
        live.deployment = latest_deployment(api, name)
        live.crons = [one["cron"] for one in api.get(f"workers/scripts/{name}/schedules")["schedules"]]
        live.workers_dev = bool(api.get(f"workers/scripts/{name}/subdomain")["enabled"])
        live.domains = [one for one in api.get("workers/domains", service=name) if one["service"] == name]
    _read_routes(live, zones, wanted)
    for workflow in _workflow_names(live, wanted):
        found = api.find(f"workflows/{workflow}")
        if found is not None:
            live.workflows[workflow] = found
    for queue in _queue_names(live, wanted):
        for one in api.get("queues", name=queue, page=1):
            if one["queue_name"] == queue:
                live.queues[queue] = one
    return live


def read_content(api: Cloudflare, name: str) -> dict[str, bytes]:
    """The modules of the version that answers now."""
    return modules_of(api.run(content(name)))


def content(name: str) -> Talk[Answer]:
    """The answer that holds the modules of the version that answers now."""
    answer: Answer = yield Ask("GET", f"workers/scripts/{name}", headers={"accept": "*/*"})
    return answer


def modules_of(answer: Answer) -> dict[str, bytes]:
    """The modules in an answer of `content`."""
    kind, options = parse_options_header(answer.content_type)
    if kind != b"multipart/form-data":
        return {"worker.js": answer.raw}
    return _parts(answer.raw, options[b"boundary"])


def _parts(raw: bytes, boundary: bytes) -> dict[str, bytes]:
    """The parts of a form by name, byte by byte as they are."""
    found: dict[str, bytes] = {}
    state = {"field": b"", "value": b"", "name": b"", "content": b""}

    def on_header_field(data: bytes, start: int, end: int) -> None:
        state["field"] += data[start:end]

    def on_header_value(data: bytes, start: int, end: int) -> None:
        state["value"] += data[start:end]

    def on_header_end() -> None:
        if state["field"].lower() == b"content-disposition":
            options = parse_options_header(state["value"])[1]
            state["name"] = options.get(b"name", options.get(b"filename", b""))
        state["field"] = state["value"] = b""

    def on_part_data(data: bytes, start: int, end: int) -> None:
        state["content"] += data[start:end]

    def on_part_end() -> None:
        found[state["name"].decode("utf-8", "replace")] = state["content"]
        state["name"] = state["content"] = b""

    parser = MultipartParser(
        boundary,
        {
            "on_header_field": on_header_field,
            "on_header_value": on_header_value,
            "on_header_end": on_header_end,
            "on_part_data": on_part_data,
            "on_part_end": on_part_end,
        },
    )
    parser.write(raw)
    parser.finalize()
    return found


def latest_deployment(api: Cloudflare, name: str) -> Mapping[str, Any] | None:
    """The deployment that is live."""
    try:
        found = api.get(f"workers/scripts/{name}/deployments")["deployments"]
    except ApiError as error:
        if error.missing:
            return None
        raise
    return found[0] if found else None


def _read_routes(live: Live, zones: Zones, wanted: Desired | None) -> None:
    """The routes of the zones concerned, whoever owns them."""
    told = [route.model_dump() for route in wanted.routes] if wanted is not None else []
    told += live.carried.routes if live.carried is not None else []
    ids = {zones.of(one["pattern"], one.get("zone_name"), one.get("zone_id")) for one in told}
    live.routes = [route for zone in sorted(ids - {None}, key=str) for route in zones.routes(str(zone))]


def _workflow_names(live: Live, wanted: Desired | None) -> Iterable[str]:
    carried = [one.name for one in live.carried.workflows] if live.carried is not None else []
    own = [wanted.workflow.name] if wanted is not None and wanted.workflow is not None else []
    bound = (
        [b["workflow_name"] for b in wanted.bindings.values() if b["type"] == "workflow"] if wanted is not None else []
    )
    return dict.fromkeys([*own, *carried, *bound])


def _queue_names(live: Live, wanted: Desired | None) -> Iterable[str]:
    carried = list(live.carried.consumers) if live.carried is not None else []
    own = list(wanted.consumers) if wanted is not None else []
    bound = [b["queue_name"] for b in wanted.bindings.values() if b["type"] == "queue"] if wanted is not None else []
    return dict.fromkeys([*own, *carried, *bound])
