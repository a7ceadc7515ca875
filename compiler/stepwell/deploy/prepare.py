"""From a project to a plan: everything compiled, named, compared with what is live. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stepwell.cloudflare import Cloudflare

from .desired import Desired, Names, desired, worker_name, workflow_name
from .live import Live, Zones, read_live
from .plan import Plan, WorkerPlan, plan_worker
from .preflight import Resources, check_resources, check_subdomain, check_token, resolve_ids
from .project import Project, ProjectError, Settings, near

if TYPE_CHECKING:
    from stepwell.compiler import Compiled

_WORKER: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|[a-z0-9_][a-z0-9_-]{0,62}")
_WORKFLOW: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,63}")


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
        if not _WORKER.fullmatch(name):
            raise ProjectError(f"a Worker cannot be called {name!r}: lower case letters, digits and -, at most 63")
        if name in workers.values():
            raise ProjectError(f"two graphs of this project are deployed as the Worker {name}: set `name` for one")
        workers[manifest["worker"]] = name
        flow = workflow_name(source.compiled, own, suffix)
        if flow is not None:
            if not _WORKFLOW.fullmatch(flow):
                raise ProjectError(f"a workflow cannot be called {flow!r}: letters, digits, - and _, at most 64")
            if flow in (one for one, _ in workflows.values()):
                raise ProjectError(f"two graphs of this project have the workflow {flow}: set `workflow` for one")
            workflows[manifest["workflow"]["name"]] = (flow, name)
    _check_names(project, sources, settings, environment)
    names = Names(workers, workflows)
    return [
        desired(source.key, source.text, source.compiled, settings[source.key], names, environ, given, suffix)
        for source in sources
    ]


def _check_names(
    project: Project, sources: Sequence[Source], settings: Mapping[str, Settings], environment: str | None
) -> None:
    """Raises `ProjectError` for bindings and queues that the project speaks of and that no graph has.

    What is said of one artifact, that graph must have; what is said of all, one of them, once all are here.
    """
    bindings: dict[str, set[str]] = {}
    queues: dict[str, set[str]] = {}
    for source in sources:
        assert source.compiled.manifest is not None
        bindings[source.key] = {told["name"] for told in source.compiled.manifest["bindings"]}
        queues[source.key] = set(source.compiled.manifest["queues"])
        own = project.own_settings(source.key, environment)
        _check_known(own, bindings[source.key], queues[source.key])
    if project.whole and project.artifacts.keys() <= bindings.keys():
        for one in settings.values():
            _check_known(one, set().union(*bindings.values()), set().union(*queues.values()))


def _check_known(settings: Settings, bindings: set[str], queues: set[str]) -> None:
    for name in sorted(settings.bindings.keys() - bindings):
        raise ProjectError(f"bindings: no graph reads env.{name}.{near(name, sorted(bindings))}")
    for name in sorted(settings.consumers.keys() - queues):
        raise ProjectError(f"consumers: no graph handles the queue {name}.{near(name, sorted(queues))}")


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
