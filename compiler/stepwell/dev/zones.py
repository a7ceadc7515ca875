"""Who one is, the account, its zones, routes, custom domains and workers.dev subdomain."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from .cloud import Cloud, body, fields, no_script, text
from .envelope import Refusal, ok, paged
from .models import Domain, Route, Script, Zone, new_id

_HOST: Final = r"(?:\*\.?)?(?:[a-z0-9_-]+\.)*[a-z0-9-]+"
_PATTERN: Final = re.compile(rf"(?:https?://)?{_HOST}(?:/[^\s?#]*)?")
_HOSTNAME: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,}")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


async def verify(cloud: Cloud, request: Request) -> Response:
    """`GET /user/tokens/verify` and `/accounts/{id}/tokens/verify`."""
    id = hashlib.sha256(cloud.account.token.encode()).hexdigest()[:32]
    return ok({"id": id, "status": "active"})


async def user(cloud: Cloud, request: Request) -> Response:
    """`GET /user`."""
    return ok({"id": cloud.account.id, "email": "you@localhost"})


def _account(cloud: Cloud) -> dict[str, Any]:
    account = cloud.account
    return {"id": account.id, "name": account.name, "type": "standard", "created_on": account.created_on}


async def accounts(cloud: Cloud, request: Request) -> Response:
    """`GET /accounts`."""
    name = request.query_params.get("name", "")
    return paged([_account(cloud)] if name in cloud.account.name else [], request.query_params, 20)


async def account(cloud: Cloud, request: Request) -> Response:
    """`GET /accounts/{id}`."""
    return ok(_account(cloud))


async def memberships(cloud: Cloud, request: Request) -> Response:
    """`GET /memberships`."""
    return paged([{"id": cloud.account.id, "account": _account(cloud)}], request.query_params, 20)


async def zones(cloud: Cloud, request: Request) -> Response:
    """`GET /zones?name=`: every domain that is asked for by its name is one of the account's."""
    name = request.query_params.get("name")
    if name and _HOSTNAME.fullmatch(name) and not _sub(name):
        zone_of(cloud, name)
    found = [_zone(cloud, one) for one in cloud.store.all(Zone) if name in (None, "", one.name)]
    return paged(found, request.query_params, 20)


def _sub(name: str) -> bool:
    """Whether a name is a subdomain (one level below a public suffix of one label is a zone)."""
    return name.count(".") > 1


def _zone(cloud: Cloud, zone: Zone) -> dict[str, Any]:
    account = {"id": cloud.account.id, "name": cloud.account.name}
    return {
        "id": zone.id,
        "name": zone.name,
        "status": "active",
        "type": "full",
        "paused": False,
        "development_mode": 0,
        "created_on": zone.created_on,
        "modified_on": zone.modified_on,
        "name_servers": [],
        "account": account,
        "owner": {**account, "type": "organization"},
        "plan": {"id": "free", "name": "Free Website", "price": 0},
        "meta": {},
    }


def zone_of(cloud: Cloud, name: str) -> Zone:
    """The zone of a name, made if need be."""
    id = hashlib.sha256(name.encode()).hexdigest()[:32]
    zone = cloud.store.get(Zone, id)
    if zone is None:
        zone = Zone(id=id, name=name)
        with cloud.store.transaction():
            cloud.store.put(zone)
    return zone


def _find_zone(cloud: Cloud, request: Request) -> Zone:
    zone = cloud.store.get(Zone, request.path_params["zone_id"])
    if zone is None:
        raise Refusal(404, 7003, "Could not route to the zone, perhaps your object identifier is invalid?")
    return zone


# Routes


def _route(route: Route) -> dict[str, Any]:
    told = {"id": route.id, "pattern": route.pattern, "script": route.script}
    return {name: value for name, value in told.items() if value is not None}


async def _route_fields(cloud: Cloud, zone: Zone, given: dict[str, Any], own: str | None = None) -> dict[str, Any]:
    pattern, script = text(given, "pattern", 10022), given.get("script")
    _check_pattern(pattern, zone)
    if script is not None and cloud.store.get(Script, script) is None:
        raise no_script()
    for route in cloud.store.all(Route):
        if route.pattern == pattern and route.id != own:
            raise Refusal(
                409, 10020, f"A route with the same pattern already exists, for {route.script or 'no Worker'}"
            )
    return {"pattern": pattern, "script": script}


def _check_pattern(pattern: str, zone: Zone) -> None:
    if not _PATTERN.fullmatch(pattern.lower()):
        raise Refusal(400, 10022, f"workers.api.error.invalid_route_script: invalid pattern {pattern}")
    host = pattern.split("://")[-1].split("/")[0].lower()
    if host.lstrip("*.") != zone.name and not host.endswith("." + zone.name) and not host.endswith("*" + zone.name):
        raise Refusal(400, 10022, f"the pattern {pattern} does not belong to the zone {zone.name}")


async def list_routes(cloud: Cloud, request: Request) -> Response:
    """`GET /zones/{id}/workers/routes`."""
    zone = _find_zone(cloud, request)
    return ok([_route(route) for route in cloud.store.all(Route) if route.zone_id == zone.id])


async def create_route(cloud: Cloud, request: Request) -> Response:
    """`POST /zones/{id}/workers/routes`."""
    zone, given = _find_zone(cloud, request), await fields(request)
    async with cloud.lock:
        route = Route(zone_id=zone.id, **await _route_fields(cloud, zone, given))
        with cloud.store.transaction():
            cloud.store.put(route)
    return ok(_route(route))


def _find_route(cloud: Cloud, request: Request) -> Route:
    route = cloud.store.get(Route, request.path_params["route_id"])
    if route is None or route.zone_id != _find_zone(cloud, request).id:
        raise Refusal(404, 10009, "workers.api.error.route_not_found")
    return route


async def get_route(cloud: Cloud, request: Request) -> Response:
    """`GET /zones/{id}/workers/routes/{id}`."""
    return ok(_route(_find_route(cloud, request)))


async def put_route(cloud: Cloud, request: Request) -> Response:
    """`PUT /zones/{id}/workers/routes/{id}`."""
    given = await fields(request)
    async with cloud.lock:
        route = _find_route(cloud, request)
        changed = route.model_copy(update=await _route_fields(cloud, _find_zone(cloud, request), given, route.id))
        with cloud.store.transaction():
            cloud.store.change(changed)
    return ok(_route(changed))


async def delete_route(cloud: Cloud, request: Request) -> Response:
    """`DELETE /zones/{id}/workers/routes/{id}`."""
    async with cloud.lock:
        route = _find_route(cloud, request)
        with cloud.store.transaction():
            cloud.store.remove(route)
    return ok({"id": route.id})


async def put_script_routes(cloud: Cloud, request: Request) -> Response:
    """`PUT /workers/scripts/{name}/routes`: all routes of a Worker, as the official CLI sends them."""
    given = await body(request)
    async with cloud.lock:
        script = cloud.script(request.path_params["script_name"])
        if not isinstance(given, list):
            raise Refusal(400, 10022, "the body must be a list of routes")
        made = [_script_route(cloud, script, one) for one in given]
        patterns = {route.pattern for route in made}
        with cloud.store.transaction():
            for route in cloud.store.all(Route):
                if route.script == script.name and route.pattern not in patterns:
                    cloud.store.remove(route)
            for route in made:
                cloud.store.put(route)
    return ok([_route(route) for route in made])


def _script_route(cloud: Cloud, script: Script, given: Any) -> Route:
    pattern = given if isinstance(given, str) else text(given, "pattern", 10022)
    host = pattern.split("://")[-1].split("/")[0].lstrip("*.")
    name = given.get("zone_name") if isinstance(given, dict) else None
    by_id = cloud.store.get(Zone, given["zone_id"]) if isinstance(given, dict) and given.get("zone_id") else None
    zone = by_id or zone_of(cloud, name or ".".join(host.split(".")[-2:]))
    _check_pattern(pattern, zone)
    for route in cloud.store.all(Route):
        if route.pattern == pattern:
            if route.script not in (None, script.name):
                raise Refusal(409, 10020, f"the route {pattern} belongs to the Worker {route.script}")
            return route.model_copy(update={"script": script.name})
    return Route(id=new_id(), zone_id=zone.id, pattern=pattern, script=script.name)


# Custom domains


def _domain(domain: Domain) -> dict[str, Any]:
    names = ("id", "cert_id", "hostname", "service", "environment", "zone_id", "zone_name")
    return {name: getattr(domain, name) for name in names}


async def put_domain(cloud: Cloud, request: Request) -> Response:
    """`PUT /workers/domains`."""
    given = await fields(request)
    async with cloud.lock:
        script = cloud.store.get(Script, text(given, "service"))
        if script is None:
            raise no_script()
        zone = cloud.store.get(Zone, given["zone_id"]) if given.get("zone_id") else None
        domain = _attach(cloud, text(given, "hostname"), script, zone.name if zone else given.get("zone_name"))
        with cloud.store.transaction():
            cloud.store.put(domain)
    return ok(_domain(domain))


def _attach(cloud: Cloud, hostname: str, script: Script, zone_name: str | None = None) -> Domain:
    if not _HOSTNAME.fullmatch(hostname):
        raise Refusal(400, 10002, f"{hostname} is not a host name")
    zone = zone_of(cloud, zone_name or ".".join(hostname.split(".")[-2:]))
    for domain in cloud.store.all(Domain):
        if domain.hostname == hostname:
            return domain.model_copy(update={"service": script.name})
    return Domain(hostname=hostname, service=script.name, zone_id=zone.id, zone_name=zone.name)


async def list_domains(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/domains`."""
    query = request.query_params
    names = [name for name in ("environment", "hostname", "service", "zone_id", "zone_name") if query.get(name)]
    found = [one for one in cloud.store.all(Domain) if all(getattr(one, name) == query[name] for name in names)]
    return ok([_domain(domain) for domain in found])


def _find_domain(cloud: Cloud, request: Request) -> Domain:
    domain = cloud.store.get(Domain, request.path_params["domain_id"])
    if domain is None:
        raise Refusal(404, 100114, "domain not found")
    return domain


async def get_domain(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/domains/{id}`."""
    return ok(_domain(_find_domain(cloud, request)))


async def delete_domain(cloud: Cloud, request: Request) -> Response:
    """`DELETE /workers/domains/{id}`."""
    async with cloud.lock:
        domain = _find_domain(cloud, request)
        with cloud.store.transaction():
            cloud.store.remove(domain)
    return ok(None)


async def domain_changes(cloud: Cloud, request: Request) -> Response:
    """`POST /workers/scripts/{name}/domains/changeset`: what the next call would do."""
    script = cloud.script(request.path_params["script_name"])
    hosts = [one["hostname"] for one in await body(request)]
    known = {domain.hostname: domain for domain in cloud.store.all(Domain)}
    foreign = [_domain(known[host]) for host in hosts if host in known and known[host].service != script.name]
    added = [{"hostname": host, "service": script.name} for host in hosts if host not in known]
    removed = [_domain(one) for one in known.values() if one.service == script.name and one.hostname not in hosts]
    return ok({"added": added, "removed": removed, "updated": [], "conflicting": foreign})


async def put_domain_records(cloud: Cloud, request: Request) -> Response:
    """`PUT /workers/scripts/{name}/domains/records`: all custom domains of a Worker."""
    given = await fields(request)
    async with cloud.lock:
        script = cloud.script(request.path_params["script_name"])
        hosts = [one["hostname"] for one in given.get("origins") or []]
        domains = [_attach(cloud, host, script) for host in hosts]
        with cloud.store.transaction():
            for domain in cloud.store.all(Domain):
                if domain.service == script.name and domain.hostname not in hosts:
                    cloud.store.remove(domain)
            for domain in domains:
                cloud.store.put(domain)
    return ok(None)


# The workers.dev subdomain


async def get_subdomain(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/subdomain`."""
    subdomain = cloud.account.subdomain
    if subdomain is None:
        raise Refusal(404, 10007, "workers.api.error.subdomain_not_found")
    return ok({"subdomain": subdomain})


async def put_subdomain(cloud: Cloud, request: Request) -> Response:
    """`PUT /workers/subdomain`."""
    name = text(await fields(request), "subdomain")
    if not _SUBDOMAIN.fullmatch(name):
        raise Refusal(400, 10002, "a subdomain has 1 to 63 lower case letters, digits and -")
    async with cloud.lock:
        account = cloud.account
        account.subdomain = name
        with cloud.store.transaction():
            cloud.store.change(account)
    return ok({"subdomain": name})


async def subdomain_free(cloud: Cloud, request: Request) -> Response:
    """`GET /workers/subdomains/{name}`: 10032 it is free, 10031 it is taken."""
    if request.path_params["subdomain"] == cloud.account.subdomain:
        raise Refusal(409, 10031, "workers.api.error.subdomain_taken")
    raise Refusal(404, 10032, "workers.api.error.subdomain_not_found")
