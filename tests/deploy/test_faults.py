"""Every call of a deploy goes wrong once, in every way: running it again ends in the wished state, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from stepwell.cloudflare import ApiError, Cloudflare
from stepwell.deploy.apply import Options, Overtaken, Stopped, apply
from stepwell.deploy.prepare import Prepared, Source, prepare, wanted
from stepwell.deploy.progress import Event
from stepwell.deploy.project import Project, Settings, _File
from stepwell.deploy.takedown import going, read_takedown, takedown
from tests.deploy.faulty import KINDS, Faulty
from tests.deploy.graphs import graph, source
from tests.dev.account import Dev, dev

QUEUED = "export async function queue(batch, env) { await env.CACHE_KV.put('q', batch.messages.length + ''); }"
OPTIONS = Options(provision=True)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with dev(tmp_path_factory.mktemp("dev") / "state") as running:
        running.api("GET", "~/zones", params={"name": "example.com"})
        yield running


def client(account: Dev, transport: httpx.BaseTransport | None = None) -> Cloudflare:
    """A client that does not wait between attempts."""
    token, id = account.env["CLOUDFLARE_API_TOKEN"], account.env["CLOUDFLARE_ACCOUNT_ID"]
    way = transport or httpx.HTTPTransport(verify=False)
    return Cloudflare(token, id, account.base, transport=way, sleep=lambda seconds: None)


def project(name: str, **settings: Any) -> Project:
    """A project of one graph with a route, a domain and a cron."""
    given = {
        "name": name,
        "workflow": name,
        "routes": [{"pattern": f"{name}.example.com/*"}],
        "domains": [f"{name}-shop.example.com"],
        "crons": ["0 3 * * *"],
        "workers_dev": True,
        "vars": {"GREETING": "hello"},
        **settings,
    }
    return Project(folder=None, artifacts={}, _told=_File(settings=Settings.model_validate(given)))  # type: ignore[arg-type]


def planned(api: Cloudflare, name: str, sources: list[Source], secrets: dict[str, str] | None = None) -> Prepared:
    wishes = wanted(project(name), sources, None, {}, secrets or {})
    return prepare(api, wishes, provision=True, keep_vars=False)


def deploy(api: Cloudflare, name: str, sources: list[Source]) -> None:
    prepared = planned(api, name, sources)
    assert prepared.plan.problems == []
    apply(api, prepared.plan, prepared.zones, OPTIONS, ignore)


def ignore(event: Event) -> None:
    """Nobody listens."""


def orders(code: str) -> list[Source]:
    return [source(graph(code=code + " await env.CACHE_KV.put('ran', '1'); return 1;"))]


def right(account: Dev, name: str, sources: list[Source], *, versions: int, use: bool = True) -> None:
    """Whether the state is the wished one, and nothing is there twice; `use` also starts the workflow."""
    with client(account) as api:
        prepared = planned(api, name, sources)
        assert prepared.plan.nothing, prepared.plan.workers[0].changes
    [zone] = account.api("GET", "~/zones", params={"name": "example.com"})
    routes = account.api("GET", f"~/zones/{zone['id']}/workers/routes")
    assert [one["pattern"] for one in routes if one.get("script") == name] == [f"{name}.example.com/*"]
    titles = [one["title"] for one in account.api("GET", "/storage/kv/namespaces", params={"per_page": 1000})]
    assert titles.count(f"{name}-cache-kv") == 1
    deployed = account.api("GET", f"/workers/scripts/{name}/deployments")["deployments"]
    assert len(deployed) <= versions, f"{len(deployed)} deployments"
    if use:
        assert account.worker(name, "/", "POST", json={}).status_code in (200, 202)
        assert account.api("GET", f"/workflows/{name}/instances")


def remove(account: Dev, name: str) -> None:
    """Takes a Worker down: the fewer there are, the faster the account."""
    with client(account) as api:
        takedown(api, read_takedown(api, name), ignore)
        assert going(read_takedown(api, name)) == []


def calls_of(account: Dev, name: str, sources: list[Source]) -> int:
    transport = Faulty(10**6, "limited")
    with client(account, transport) as api:
        deploy(api, name, sources)
    return transport.count


def until_right(account: Dev, name: str, sources: list[Source], transport: Faulty) -> int:
    """Deploys until it ends well, as somebody does who runs the command again; how often."""
    for attempt in range(1, 5):
        with client(account, transport) as api:
            try:
                deploy(api, name, sources)
            except (ApiError, Stopped, Overtaken):
                continue
        return attempt
    raise AssertionError(f"it never ended well: {transport.hit}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_deploy(account: Dev, kind: str) -> None:
    sources = orders("const a = 1;")
    calls = calls_of(account, f"count-{KINDS.index(kind)}", sources)
    for at in range(calls):
        name = f"first-{KINDS.index(kind)}-{at}"
        transport = Faulty(at, kind)
        attempts = until_right(account, name, sources, transport)
        assert transport.hit is not None
        assert attempts <= 2
        # an upload whose answer was lost may be there twice: the same version, deployed again
        right(account, name, sources, versions=3, use=at % 4 == 0)
        remove(account, name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_redeploy(account: Dev, kind: str) -> None:
    name = f"again-{KINDS.index(kind)}"
    calls_of(account, name, orders("const a = 0;"))
    calls = calls_of(account, name, orders("const a = 1;"))
    for at in range(calls):
        sources = orders(f"const a = {at + 2};")
        before = len(account.api("GET", f"/workers/scripts/{name}/deployments")["deployments"])
        transport = Faulty(at, kind)
        until_right(account, name, sources, transport)
        # what may have been done is looked up before it is made again
        right(account, name, sources, versions=before + 1, use=at % 4 == 0)
    remove(account, name)


def test_a_fault_that_stays_stops_with_what_was_done(account: Dev) -> None:
    sources = orders("const b = 1;")
    calls = calls_of(account, "count-stay", sources)
    transport = Faulty(calls - 2, "error before", times=1000)
    with client(account, transport) as api:
        prepared = planned(api, "stays", sources)
        with pytest.raises(Stopped) as stopped:
            apply(api, prepared.plan, prepared.zones, OPTIONS, ignore)
    [done] = stopped.value.done
    assert done.worker == "stays" and "uploaded and deployed the Worker" in done.steps
    assert "stays" in stopped.value.failures
    with client(account) as api:
        deploy(api, "stays", sources)
    right(account, "stays", sources, versions=2)


def test_two_deploys_at_once(account: Dev) -> None:
    first, second = orders("const who = 'first';"), orders("const who = 'second';")
    with client(account) as api:
        deploy(api, "both", orders("const who = 'before';"))
        plan_one, plan_two = planned(api, "both", first), planned(api, "both", second)
        apply(api, plan_one.plan, plan_one.zones, OPTIONS, ignore)
        with pytest.raises(Stopped) as stopped:
            apply(api, plan_two.plan, plan_two.zones, OPTIONS, ignore)
        assert isinstance(stopped.value.failures["both"], Overtaken)
        assert "deployed by somebody else" in str(stopped.value)
        deploy(api, "both", second)
    right(account, "both", second, versions=3)


def test_two_first_deploys_at_once(account: Dev) -> None:
    with client(account) as api:
        one = planned(api, "race", orders("const who = 1;"))
        two = planned(api, "race", orders("const who = 2;"))
        apply(api, one.plan, one.zones, OPTIONS, ignore)
        with pytest.raises(Stopped):
            apply(api, two.plan, two.zones, OPTIONS, ignore)


def test_a_workflow_of_another_worker_is_never_taken(account: Dev) -> None:
    js = (
        'import { WorkflowEntrypoint } from "cloudflare:workers";'
        "export class Mine extends WorkflowEntrypoint { async run() {} }"
        "export default { fetch() { return new Response() } };"
    )
    account.deploy("owner", js)
    account.workflow("owned", "owner", "Mine")
    with client(account) as api:
        prepared = planned(api, "owned", orders("const a = 1;"))
        [problem] = [one for one in prepared.plan.problems if "belongs to the Worker owner" in one]
        assert "workflow = " in problem
        prepared.plan.workers[0].problems.clear()  # somebody takes the name after the plan was made
        with pytest.raises(Stopped, match="belongs to the Worker owner"):
            apply(api, prepared.plan, prepared.zones, OPTIONS, ignore)
    assert account.api("GET", "/workflows/owned")["script_name"] == "owner"


def test_what_travels_comes_back(account: Dev) -> None:
    sources = orders("const c = 1;")
    with client(account) as api:
        deploy(api, "travel", sources)
        live = planned(api, "travel", sources).plan.workers[0].live
    assert live.carried is not None
    assert live.modules["worker.js"].decode() == sources[0].compiled.js
    assert [node.id for node in live.carried.nodes] == ["start", "end", "wait"]
    assert json.loads(live.carried.module()) == live.carried.model_dump(mode="json")
