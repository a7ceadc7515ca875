"""What must be there before anything is written: the token, the subdomain, every resource that is bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stepwell.cloudflare import ApiError, Cloudflare

from .desired import BY_ID, Binding, Desired
from .live import Live
from .plan import WorkerPlan


def check_token(api: Cloudflare) -> None:
    """Raises `ApiError` when the token is not accepted; tokens of a user and of an account are told apart by trying."""
    try:
        api.get("/user/tokens/verify")
    except ApiError as error:
        if error.status not in (400, 401, 403):
            raise
        api.get("tokens/verify")


@dataclass
class Resources:
    """The resources of the account, each list read once and only when it is needed."""

    api: Cloudflare

    @cached_property
    def namespaces(self) -> dict[str, str]:
        """KV namespaces: titles by id."""
        return {one["id"]: one["title"] for one in self.api.pages("storage/kv/namespaces")}

    @cached_property
    def databases(self) -> dict[str, str]:
        """D1 databases: names by id."""
        return {one["uuid"]: one["name"] for one in self.api.pages("d1/database")}

    @cached_property
    def scripts(self) -> set[str]:
        """Workers by name."""
        return {one["id"] for one in self.api.get("workers/scripts")}

    def by_name(self, kind: str, name: str) -> str | None:
        """The id of a resource of a name."""
        listed = {"kv_namespace": lambda: self.namespaces, "d1": lambda: self.databases}.get(kind)
        if listed is None:
            return None
        return next((id for id, title in listed().items() if title == name), None)


def find_bucket(api: Cloudflare, name: str) -> Any:
    """The R2 bucket of a name; None when there is none. Buckets are listed in pieces, so it is asked for by name."""
    found = api.get("r2/buckets", name_contains=name, per_page=1000)["buckets"]
    return next((one for one in found if one["name"] == name), None)


def resource_name(desired: Desired, binding: str) -> str:
    """How a KV namespace or a database is called that is made for a binding."""
    return f"{desired.name}-{binding.lower().replace('_', '-')}"


def resolve_ids(desired: Desired, live: Live, resources: Resources, provision: bool) -> list[str]:
    """Fills in ids that nobody gave: of the live Worker's binding, else of the resource that bears the name. What
    is still missing is a problem, or will be made with `provision`.
    """
    problems: list[str] = []
    for name, kind in list(desired.without_id.items()):
        id = _live_id(live.bindings.get(name), kind)
        if id is None and provision:
            id = resources.by_name(kind, resource_name(desired, name))
        if id is not None:
            desired.bindings[name][BY_ID[kind]] = id
            del desired.without_id[name]
        elif not provision or kind == "hyperdrive":
            desired.lacking.add(name)
            problems.append(
                f"{desired.name}: the binding {name} ({kind}) has no id: {desired.advice.id.format(name=name)}"
            )
    return problems


def _live_id(binding: Binding | None, kind: str) -> str | None:
    if binding is None or binding["type"] != kind:
        return None
    return binding.get(BY_ID[kind]) or binding.get("id")


def check_resources(
    plan: WorkerPlan, resources: Resources, provision: bool, together: set[str], workflows: set[str]
) -> None:
    """Adds a problem for everything that a new or changed binding leads to and that is not there.

    `together` are the Workers that this deploy brings, `workflows` their workflows.
    """
    concerned = {change.name for change in plan.changes if change.what == "binding"}
    if plan.live.carried is None:
        concerned = set(plan.desired.bindings)
    for name in sorted(concerned & plan.desired.bindings.keys()):
        wrong = _missing(plan, plan.desired.bindings[name], resources, provision, together, workflows)
        if wrong is not None:
            plan.problems.append(f"{plan.desired.name}: the binding {name}: {wrong}")
    for queue in plan.desired.consumers:
        if queue not in plan.live.queues and not provision:
            how = plan.desired.advice.provision
            plan.problems.append(f"{plan.desired.name}: there is no queue {queue}: make it, or {how}")


def _missing(
    plan: WorkerPlan, binding: Binding, resources: Resources, provision: bool, together: set[str], workflows: set[str]
) -> str | None:
    kind = binding["type"]
    if binding["name"] in plan.desired.without_id:
        return None
    checks: dict[str, tuple[str, str, Callable[[str], bool]]] = {
        "kv_namespace": ("KV namespace", "namespace_id", lambda id: id in resources.namespaces),
        "d1": ("D1 database", "database_id", lambda id: id in resources.databases),
        "r2_bucket": ("R2 bucket", "bucket_name", lambda name: find_bucket(resources.api, name) is not None),
        "queue": ("queue", "queue_name", lambda name: name in plan.live.queues),
        "service": ("Worker", "service", lambda name: name in together or name in resources.scripts),
        "workflow": ("workflow", "workflow_name", lambda name: name in workflows or name in plan.live.workflows),
    }
    if kind not in checks:
        return None
    what, key, there = checks[kind]
    value: Any = binding[key]
    if there(value) or (provision and kind in ("r2_bucket", "queue")):
        return None
    how = f"; make it, or {plan.desired.advice.provision}" if kind in ("r2_bucket", "queue") else ""
    return f"there is no {what} {value} in the account{how}"


def check_subdomain(api: Cloudflare, plans: list[WorkerPlan]) -> str | None:
    """The account's workers.dev subdomain. Without one a first workflow is a problem: Cloudflare needs it."""
    found = api.find("workers/subdomain")
    subdomain = found.get("subdomain") if found else None
    if subdomain is None:
        for plan in plans:
            if plan.desired.workflow is not None:
                plan.problems.append(
                    f"{plan.desired.name}: a workflow needs a workers.dev subdomain, and the account has none: "
                    "open Workers & Pages in the dashboard once, which makes it"
                )
    return subdomain
