"""From a project to a plan: everything compiled, named, compared with what is live. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.cloudflare import Cloudflare

from .desired import Desired, Names, desired, worker_name, workflow_name
from .live import Live, Zones, read_live
from .plan import Plan, WorkerPlan, plan_worker
from .preflight import Resources, check_resources, check_subdomain, check_token, resolve_ids
from .project import Project, ProjectError

if TYPE_CHECKING:
    from stepwell.compiler import Compiled


@dataclass(frozen=True)
class Source:
    """A graph of the project: its key, its text, and what it compiled to."""

    key: str
    text: str
    compiled: Compiled


@dataclass(frozen=True)
class Prepared:
    """A plan with what it was made from. `subdomain` is the account's below workers.dev."""

    plan: Plan
    zones: Zones
    subdomain: str | None


def wanted(
    project: Project,
    sources: Sequence[Source],
    environment: str | None,
    environ: Mapping[str, str],
    given: Mapping[str, str],
) -> list[Desired]:
    """What shall be of each graph. Raises `ProjectError`.

    In an environment that is not the default one, Workers and workflows are called `<name>-<environment>` unless the
    project names them: names are unique in an account.
    """
    suffix = f"-{environment}" if environment is not None and environment != project.default_environment else ""
    settings = {source.key: project.settings(source.key, environment) for source in sources}
    workers: dict[str, str] = {}
    workflows: dict[str, tuple[str, str]] = {}
    for source in sources:
        assert source.compiled.manifest is not None
        manifest, own = source.compiled.manifest, settings[source.key]
        name = worker_name(source.compiled, own, suffix)
        if name in workers.values():
            raise ProjectError(f"two graphs of this project are deployed as the Worker {name}: set `name` for one")
        workers[manifest["worker"]] = name
        flow = workflow_name(source.compiled, own, suffix)
        if flow is not None:
            workflows[manifest["workflow"]["name"]] = (flow, name)
    names = Names(workers, workflows)
    return [
        desired(source.key, source.text, source.compiled, settings[source.key], names, environ, given, suffix)
        for source in sources
    ]


def prepare(api: Cloudflare, wishes: Sequence[Desired], *, provision: bool, keep_vars: bool) -> Prepared:
    """Reads what is live and plans. Raises `ApiError`."""
    check_token(api)
    zones, resources = Zones(api), Resources(api)
    with ThreadPoolExecutor(max_workers=4) as pool:
        lives: list[Live] = list(pool.map(lambda one: read_live(api, one.name, zones, one), wishes))
    together = {one.name for one in wishes}
    workflows = {one.workflow.name for one in wishes if one.workflow is not None}
    plans: list[WorkerPlan] = []
    for wish, live in zip(wishes, lives, strict=True):
        problems = resolve_ids(wish, live, resources, provision)
        plan = plan_worker(wish, live, zones, keep_vars=keep_vars)
        plan.problems += problems
        check_resources(plan, resources, provision, together, workflows)
        plans.append(plan)
    subdomain = check_subdomain(api, plans)
    return Prepared(Plan(plans), zones, subdomain)
