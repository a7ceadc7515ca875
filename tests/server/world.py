"""A project in which there is one of everything, and a request for every route of the server's own table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI

from stepwell.server.database import new_id, now
from stepwell.server.door import Door, scope_of
from stepwell.server.keys import Scope
from stepwell.server.tables import DeploymentRow, RunRow
from tests.deploy.graphs import graph
from tests.server.door import Caller, Served, workflow

TOKEN: Final = "cf-token-YXZlcnlzZWNyZXR0b2tlbg"
SECRET: Final = "hunter2-Zm91bmQtbm93aGVyZQ"
ACCOUNT: Final = "0123456789abcdef0123456789abcdef"
FLOW: Final = """from stepwell.flow import step, workflow


@workflow
def orders():
    first = step("First", "return 1;")
"""
CREDENTIALS: Final = {"apiToken": TOKEN, "accountId": ACCOUNT}


@dataclass(frozen=True)
class World:
    """The ids of what there is in a project."""

    project_id: str
    key_id: str
    connection_id: str
    variable_id: str
    workflow_id: str
    version_id: str
    deployment_id: str
    run_id: str
    node_id: str = "step"


def absent(like: World) -> World:
    """Ids of the same form that nobody has."""
    made = {name: new_id(id.partition("_")[0]) for name, id in vars(like).items() if name != "node_id"}
    return World(**made)


def build(server: Served, who: Caller) -> World:
    """One of everything. What only Cloudflare makes is written into the database as if it had."""
    key = who.post("/api-keys", {"name": "another", "scopes": ["read"]})["id"]
    connection = who.post("/connections", {"name": "account", "credentials": CREDENTIALS})["id"]
    variable = who.post("/env-vars", {"name": "API_KEY", "value": SECRET, "isSecret": True})["id"]
    flow = workflow(who, graph("Secret orders"))
    who.patch(f"/workflows/{flow}", {"envVars": [{"name": "OWN_KEY", "value": SECRET, "isSecret": True}]})
    who.post(f"/workflows/{flow}/versions", {"ir": graph("Secret orders", "return 2;")})
    version = who.get(f"/workflows/{flow}/versions")["data"][1]["id"]  # not the current one: it can be removed
    deployment, run = _deployed(server, who.project, flow, version, connection)
    return World(who.project, key, connection, variable, flow, version, deployment, run)


def _deployed(server: Served, project: str, flow: str, version: str, connection: str) -> tuple[str, str]:
    common = {"project_id": project, "workflow_id": flow, "version_id": version, "connection_id": connection}
    deployment = DeploymentRow(
        id=new_id("dep"), **common, account=ACCOUNT, status="success", worker="secret-orders", workflow="SecretOrders",
        config="{}", steps="[]", created_at=now(), finished_at=now(),
    )  # fmt: skip
    run = RunRow(
        id=new_id("run"), **common, deployment_id=deployment.id, workflow="SecretOrders",
        instance_id=new_id("inst"), request="", params="null", started=True, tries=1,
        status="running", provider_status="running", seen_at=now(), created_at=now(), updated_at=now(),
    )  # fmt: skip
    with server.house.database.write() as session:
        session.add(deployment)
        session.add(run)
    return deployment.id, run.id


@dataclass(frozen=True)
class Route:
    """A route of the table, with the scope that it says it needs."""

    name: str
    method: str
    path: str
    scope: Scope
    has_body: bool

    def at(self, world: World) -> str:
        """Its path for what is in a world."""
        return self.path.removeprefix("/api").format(**vars(world))

    def body(self, world: World) -> Any:
        """A body that it takes. A new route with a body needs an entry below."""
        return BODIES[self.name](world) if self.has_body else None


def routes(app: FastAPI) -> Iterator[Route]:
    """All routes that need a key, from the application's own table."""
    for route in app.routes:
        if isinstance(route, Door):
            for method in sorted(route.methods or ()):
                yield Route(route.name, method, route.path, scope_of(route), route.body_field is not None)


BODIES: Final[dict[str, Any]] = {
    "create_project": lambda world: {"name": "Another", "slug": "another"},
    "update_project": lambda world: {"name": "Renamed"},
    "create_key": lambda world: {"name": "more", "scopes": ["read"], "projectId": world.project_id},
    "create_connection": lambda world: {"name": "more", "credentials": CREDENTIALS},
    "verify_token": lambda world: {"credentials": CREDENTIALS},
    "update_connection": lambda world: {"name": "renamed", "credentials": CREDENTIALS},
    "create_variable": lambda world: {
        "name": "MORE",
        "value": SECRET,
        "isSecret": True,
        "workflowId": world.workflow_id,
    },
    "update_variable": lambda world: {"value": SECRET},
    "create_workflow": lambda world: {"name": "more"},
    "update_workflow": lambda world: {"name": "renamed", "envVars": []},
    "create_version": lambda world: {"ir": graph("Secret orders", "return 3;")},
    "update_version": lambda world: {"locked": True},
    "deploy": lambda world: {"connectionId": world.connection_id, "versionId": world.version_id},
    "deploy_stream": lambda world: {"connectionId": world.connection_id, "versionId": world.version_id},
    "take_down": lambda world: {"connectionId": world.connection_id},
    "trigger": lambda world: {"connectionId": world.connection_id, "params": {"orderId": 1}},
    "restart": lambda world: {"fromNode": "start"},
    "check": lambda world: {"ir": graph()},
    "compile_graph": lambda world: {"ir": graph()},
    "read_flow": lambda world: {"text": FLOW, "files": {"a.ts": "return 1;"}},
    "write_flow": lambda world: {"document": graph()},
    "apply_flow": lambda world: {"text": FLOW, "edits": [{"op": "rename", "id": "first", "name": "First"}]},
    "scope_of_node": lambda world: {"ir": graph(), "nodeId": "end"},
    "edit_graph": lambda world: {"ir": graph(), "edit": {"kind": "rename", "nodeId": "end", "name": "Last"}},
}
