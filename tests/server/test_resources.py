"""What a server keeps: projects, keys, connections, variables, workflows, versions; and what an editor asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from stepwell.server.shapes import MASK
from tests.cli.cli_calls import stepwell
from tests.deploy.graphs import graph
from tests.runs.graphs import SCRIPT
from tests.server.door import Caller, Served, workflow
from tests.server.world import ACCOUNT, CREDENTIALS, SECRET, build


@pytest.fixture
def who(alone: Served) -> Caller:
    return alone.caller()


def test_health_and_what_describes_the_api(alone: Served) -> None:
    told = alone.http.get("/health").json()
    assert told["status"] == "ok" and told["database"] in ("sqlite", "postgresql")
    page = alone.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    document = alone.http.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f'id="{operation["operationId"]}"' in page.text or operation["operationId"] in page.text
            if path != "/health":
                assert operation["security"] == [{"key": []}], (path, method)
                assert operation["x-scope"] in ("read", "write", "deploy")
    for tag in ("src=", "href=http", "<script"):
        assert tag not in page.text.lower()


def test_every_answer_has_an_id(alone: Served, who: Caller) -> None:
    ids = {alone.http.get(path).headers["x-request-id"] for path in ("/health", "/nothing", "/api/projects")}
    assert len(ids) == 3


# Projects and keys


def test_projects(who: Caller) -> None:
    made = who.post("/projects", {"name": "Shop", "slug": "shop", "description": "orders"})
    other = Caller(who.http, made["apiKey"]["key"])
    assert other.get("/projects")["data"] == [{k: v for k, v in made.items() if k != "apiKey"}]
    assert who.refused("GET", f"/projects/{made['id']}") == (404, "Project not found")
    changed = other.patch(f"/projects/{made['id']}", {"name": "Shop 2", "description": None})
    assert (changed["name"], changed["slug"], changed["description"]) == ("Shop 2", "shop", None)
    assert other.refused("PATCH", f"/projects/{made['id']}", {"name": None})[0] == 422
    assert other.delete(f"/projects/{made['id']}") == {"ok": True}
    assert other.refused("GET", "/projects")[0] == 401


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "ä", "a" * 101, "a\n"])
def test_slugs_that_are_none(who: Caller, slug: str) -> None:
    assert who.refused("POST", "/projects", {"name": "x", "slug": slug})[0] == 422


def test_a_project_goes_with_all_that_it_has(alone: Served, who: Caller) -> None:
    world = build(alone, who)
    assert who.refused("DELETE", f"/projects/{world.project_id}")[0] == 409  # a Worker of it is deployed
    taken_down(alone)
    assert who.delete(f"/projects/{world.project_id}") == {"ok": True}
    assert who.refused("GET", f"/workflows/{world.workflow_id}")[0] == 401


def taken_down(server: Served) -> None:
    """As if all Workers had been."""
    with server.house.database.write() as session:
        session.connection().exec_driver_sql("UPDATE deployments SET removed_at = 1")


def test_keys(who: Caller) -> None:
    ask = {"name": "ci", "scopes": ["deploy"], "expiresAt": "2999-01-01T00:00:00+01:00", "projectId": who.project}
    made = who.post("/api-keys", ask)
    assert made["key"].startswith("ask_") and len(made["key"]) == 44 and made["prefix"] == made["key"][:8]
    assert made["scopes"] == ["read", "deploy"]
    assert made["expiresAt"] == "2998-12-31T23:00:00Z"
    [shown] = [one for one in who.get("/api-keys")["data"] if one["id"] == made["id"]]
    assert "key" not in shown and shown["revokedAt"] is None
    assert who.refused("POST", "/api-keys", {**ask, "expiresAt": "2020-01-01T00:00:00Z"})[0] == 422
    assert who.refused("POST", "/api-keys", {**ask, "expiresAt": "2999-01-01T00:00:00"})[0] == 422
    assert who.refused("POST", "/api-keys", {**ask, "scopes": ["admin"]})[0] == 422
    assert who.delete(f"/api-keys/{made['id']}") == who.delete(f"/api-keys/{made['id']}") == {"ok": True}


# Connections and variables


def test_connections(who: Caller) -> None:
    made = who.post("/connections", {"name": "main", "credentials": CREDENTIALS})
    assert made["credentials"] == {"apiToken": MASK, "accountId": ACCOUNT} and made["provider"] == "cloudflare"
    path = f"/connections/{made['id']}"
    assert who.get(path) == made == who.get("/connections")["data"][0]
    changed = who.patch(path, {"name": "other", "credentials": {**CREDENTIALS, "apiToken": "another"}})
    assert changed["name"] == "other" and changed["credentials"] == made["credentials"]
    elsewhere = {**CREDENTIALS, "accountId": "f" * 32}
    assert who.refused("PATCH", path, {"credentials": elsewhere})[0] == 409
    assert who.refused("PATCH", path, {"credentials": {**CREDENTIALS, "apiToken": "a b"}})[0] == 422
    assert (
        who.refused("POST", "/connections", {"name": "x", "credentials": {**CREDENTIALS, "accountId": "a/b"}})[0] == 422
    )
    assert who.delete(path) == {"ok": True}
    assert who.refused("GET", path)[0] == who.refused("DELETE", path)[0] == 404
    assert who.get("/connections")["data"] == []


def test_a_connection_stays_while_something_is_deployed_with_it(alone: Served, who: Caller) -> None:
    world = build(alone, who)
    path = f"/connections/{world.connection_id}"
    assert who.refused("DELETE", path)[0] == 409
    taken_down(alone)
    assert who.delete(path) == {"ok": True}
    # Its runs can be seen still: as they were when somebody could be asked.
    seen = who.get(f"/workflows/{world.workflow_id}/runs/{world.run_id}")
    assert seen["status"] == "running" and seen["connectionId"] == world.connection_id
    assert who.refused("POST", f"/workflows/{world.workflow_id}/runs/{world.run_id}/pause")[0] == 409


def test_variables(who: Caller) -> None:
    plain = who.post("/env-vars", {"name": "REGION", "value": "eu"})
    secret = who.post("/env-vars", {"name": "API_KEY", "value": SECRET, "isSecret": True})
    assert plain["value"] == "eu" and secret["value"] == MASK
    assert [one["value"] for one in who.get("/env-vars")["data"]] == [MASK, "eu"]
    assert who.refused("POST", "/env-vars", {"name": "REGION", "value": "us"})[0] == 409
    path = f"/env-vars/{secret['id']}"
    assert who.refused("PATCH", path, {"isSecret": False})[0] == 409  # nobody sees it that way
    assert who.patch(path, {"value": "open", "isSecret": False})["value"] == "open"
    assert who.patch(f"/env-vars/{plain['id']}", {"isSecret": True})["value"] == MASK
    assert who.delete(path) == {"ok": True}
    assert who.refused("GET", path) == (404, "Variable not found")


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "Ä", "A\n", "x" * 256])
def test_names_that_are_none(who: Caller, name: str) -> None:
    assert who.refused("POST", "/env-vars", {"name": name, "value": "x"})[0] == 422


def test_variables_of_a_workflow(who: Caller) -> None:
    id = workflow(who, graph())
    who.post("/env-vars", {"name": "REGION", "value": "eu", "workflowId": id})
    who.post("/env-vars", {"name": "REGION", "value": "us"})  # the project's own of that name
    path = f"/workflows/{id}"
    who.patch(path, {"envVars": [{"name": "REGION", "value": MASK}, {"name": "S", "value": "1", "isSecret": True}]})
    told = {one["name"]: one["value"] for one in who.get(f"/env-vars?workflowId={id}")["data"]}
    assert told == {"REGION": "eu", "S": MASK}
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert who.refused("PATCH", path, {"envVars": twice})[0] == 422
    assert who.refused("PATCH", path, {"envVars": [{"name": "NEW", "value": MASK}]})[0] == 422
    who.delete(path)
    assert [one["workflowId"] for one in who.get("/env-vars")["data"]] == [None]


# Workflows and versions


def test_workflows(who: Caller) -> None:
    made = who.post("/workflows", {"name": "Orders", "description": "of the shop"})
    assert made["kind"] == "workflow" and made["currentVersionId"] is None
    path = f"/workflows/{made['id']}"
    changed = who.patch(path, {"name": "Orders 2", "description": None})
    assert (changed["name"], changed["description"]) == ("Orders 2", None)
    assert who.refused("PATCH", path, {"name": None})[0] == 422
    assert who.refused("PATCH", path, {"dependencies": {f"p{n}": "1" for n in range(16)}})[0] == 422
    [listed] = who.get("/workflows")["data"]
    assert listed["deployStatus"] is listed["lastRunStatus"] is None
    assert who.get(f"{path}/full") == {
        "workflow": who.get(path), "version": None, "versions": [], "activeDeployment": None,
    }  # fmt: skip
    assert who.delete(path) == {"ok": True}
    assert who.refused("GET", path) == (404, "Workflow not found")


def test_a_list_asks_the_database_as_often_for_many_as_for_few(alone: Served) -> None:
    who, asked = alone.caller(), list[str]()
    world = build(alone, who)
    for number in range(3):
        who.post("/workflows", {"name": f"Untouched {number}"})

    def count(*heard: Any) -> None:
        asked.append(heard[2])

    event.listen(alone.house.database.engine, "before_cursor_execute", count)
    try:
        who.get("/workflows?limit=1")
        few = len(asked)
        *untouched, told = who.get("/workflows")["data"]
    finally:
        event.remove(alone.house.database.engine, "before_cursor_execute", count)
    assert len(asked) == 2 * few
    for one in untouched:
        assert one["deployStatus"] is None and one["lastRunStatus"] is None and one["lastRunAt"] is None
    assert (told["id"], told["deployStatus"], told["deployVersionId"]) == (
        world.workflow_id,
        "success",
        world.version_id,
    )
    assert told["lastRunStatus"] == "running" and told["lastRunAt"]


def test_versions(who: Caller) -> None:
    id = who.post("/workflows", {"name": "Orders"})["id"]
    path = f"/workflows/{id}/versions"
    first = who.post(path, {"ir": graph()})
    again = who.call("POST", path, {"ir": graph()})
    assert again.status_code == 200 and again.json() == first
    second = who.post(path, {"ir": graph(code="return 2;")})
    assert (first["version"], second["version"]) == (1, 2)
    assert who.get(f"/workflows/{id}")["currentVersionId"] == second["id"]
    assert who.get(f"{path}/{first['id']}")["ir"] == graph()
    assert [one["version"] for one in who.get(path)["data"]] == [2, 1]
    third = who.post(f"{path}/{first['id']}/revert")
    assert third["version"] == 3 and third["ir"] == first["ir"]
    assert who.get(f"/workflows/{id}/full?version={second['id']}")["version"]["id"] == second["id"]
    assert who.patch(f"{path}/{first['id']}", {"locked": True})["locked"] is True
    assert who.refused("DELETE", f"{path}/{first['id']}") == (409, "the version is locked")
    assert who.refused("DELETE", f"{path}/{third['id']}") == (409, "the version is the current one")
    assert who.delete(f"{path}/{second['id']}") == {"ok": True}
    assert who.post(path, {"ir": graph(code="return 4;")})["version"] == 4  # a number is not given twice


def test_a_version_with_errors_is_refused_with_pointers(who: Caller) -> None:
    id = who.post("/workflows", {"name": "Orders"})["id"]
    broken = graph(code="return {{strat.id}};")
    answer = who.call("POST", f"/workflows/{id}/versions", {"ir": broken})
    assert answer.status_code == 422 and answer.json()["error"] == "the graph has 1 error"
    [found] = [one for one in answer.json()["details"] if one["severity"] == "error"]
    assert found["pointer"] == "/ir/nodes/0/data/code" and found["nodeId"] == "start" and found["code"].startswith("SW")
    assert "start" in found["hint"] and found["snippet"] == {"line": 1, "column": 8}
    assert (found["line"], found["column"]) == (1, answer.request.content.decode().index("{{") + 1)
    assert who.get(f"/workflows/{id}/versions")["data"] == []


def test_findings_are_told_as_the_command_line_tells_them(who: Caller, tmp_path: Path) -> None:
    """Word for word, for the body as it was sent; what lies beside it on the server has a pointer and no place."""
    ir = {**graph(code="// é\n\nreturn {{strat.id}};"), "more": 1}
    ir["nodes"][0]["name"] = "Find the order"
    body = json.dumps({"ir": ir}, indent=2, ensure_ascii=False)
    file = tmp_path / "order.json"
    file.write_text(body, "utf-8")
    said = json.loads(stepwell("check", str(file), "--format", "json").out)["diagnostics"]
    for one in said:
        del one["file"]
    headers = {"content-type": "application/json"}
    id = who.post("/workflows", {"name": "Orders"})["id"]
    refused = who.call("POST", f"/workflows/{id}/versions", headers=headers, content=body.encode())
    assert refused.status_code == 422 and refused.json()["details"] == said
    assert len(said) > 1 and all(one["line"] > 1 for one in said) and said[0]["nodeName"] == "Find the order"
    assert who.call("POST", "/check", headers=headers, content=body.encode()).json()["findings"] == said
    who.patch(f"/workflows/{id}", {"triggerCode": "return ("})  # there is no version yet that it could break
    answer = who.call("POST", f"/workflows/{id}/versions", {"ir": graph()})
    [found] = answer.json()["details"]
    assert (found["pointer"], found["line"], found["snippet"]["line"]) == ("/triggerCode", None, 1)


def test_a_source_file_in_the_place_of_an_artifact(who: Caller) -> None:
    id = who.post("/workflows", {"name": "Orders"})["id"]
    for path in (f"/workflows/{id}/versions", "/check", "/compile"):
        answer = who.call("POST", path, {"ir": {"ir": graph(), "triggerCode": ""}})
        [told] = answer.json()["details"]
        assert answer.status_code == 422 and told["path"] == "ir" and "under its `ir`" in told["message"]


def test_warnings_come_with_the_version(who: Caller) -> None:
    id = who.post("/workflows", {"name": "Orders"})["id"]
    made = who.post(f"/workflows/{id}/versions", {"ir": {**graph(), "more": 1}})
    assert [one["slug"] for one in made["findings"]] == ["unknown-key"]
    assert who.get(f"/workflows/{id}/versions/{made['id']}")["findings"] == made["findings"]


def test_kinds_do_not_mix(who: Caller) -> None:
    flow, function = who.post("/workflows", {"name": "F"}), who.post("/workflows", {"name": "S", "kind": "script"})
    assert who.refused("POST", f"/workflows/{flow['id']}/versions", {"ir": SCRIPT})[0] == 422
    assert who.refused("POST", f"/workflows/{function['id']}/versions", {"ir": graph()})[0] == 422
    assert who.post(f"/workflows/{function['id']}/versions", {"ir": SCRIPT})["version"] == 1


def test_trigger_code_is_checked_with_the_current_version(who: Caller) -> None:
    id = workflow(who, graph())
    assert who.patch(f"/workflows/{id}", {"triggerCode": "return new Response('hi');"})["triggerCode"]
    answer = who.call("PATCH", f"/workflows/{id}", {"triggerCode": "return ("})
    [found] = answer.json()["details"]
    assert answer.status_code == 422 and found["pointer"] == "/triggerCode"
    assert (found["line"], found["column"]) == (1, answer.request.content.decode().index("(") + 1)
    assert who.get(f"/workflows/{id}")["triggerCode"] == "return new Response('hi');"


# What an editor asks


def test_check_and_compile(who: Caller) -> None:
    told = who.post("/check", {"ir": graph(code="return ;;")})
    assert told["ok"] is True
    told = who.post("/check", {"ir": graph(code="return (")})
    assert told["ok"] is False and told["findings"][0]["pointer"].startswith("/ir/nodes/0")
    made = who.post("/compile", {"ir": graph()})
    assert made["ok"] and "WorkflowEntrypoint" in made["source"] and made["worker"] and made["manifest"]
    assert who.post("/compile", {"ir": {}})["worker"] is None


def test_graphs_with_packages_are_checked(who: Caller) -> None:
    """Nothing is installed for a graph that is not kept: compiling says so."""
    ask = {"ir": graph(code='const ms = await import("ms"); return ms.default("1d");')}
    assert [one["code"] for one in who.post("/check", ask)["findings"]] == ["SW405"]
    ask["dependencies"] = {"ms": "^2.1.3"}
    assert who.post("/check", ask)["ok"] is True
    made = who.post("/compile", ask)
    assert (made["ok"], made["worker"]) == (False, None) and [one["code"] for one in made["findings"]] == ["SW803"]
    told = who.post("/check", {**ask, "dependencies": {"ms": "no version"}})
    assert told["ok"] is False and told["findings"][0]["pointer"] == "/dependencies/ms" and told["findings"][0]["line"]
    done = who.post("/nodes/edit", {**ask, "edit": {"kind": "rename", "nodeId": "end", "name": "Last"}})
    assert done["ok"], done


def test_node_definitions(who: Caller) -> None:
    kinds = who.get("/nodes")["data"]
    assert {"step", "branch", "wait_for_event", "loop"} <= {one["id"] for one in kinds}
    assert who.get("/nodes/sleep")["dataSchema"]["properties"]["duration"]
    assert who.refused("GET", "/nodes/nothing") == (404, "Node type not found")


# Pages


def everything(who: Caller, path: str, limit: int) -> list[Any]:
    """All of a list, page after page."""
    found: list[Any] = []
    cursor = None
    while True:
        told = who.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert len(told["data"]) <= limit
        found += told["data"]
        cursor = told["nextCursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_hold_each_thing_once(alone: Served, limit: int) -> None:
    who = alone.caller()
    made = [who.post("/workflows", {"name": f"W{number}"})["id"] for number in range(7)]
    with alone.house.database.write() as session:  # some at the very same time
        session.connection().exec_driver_sql(
            f"UPDATE workflows SET created_at = 5 WHERE project_id = '{who.project}' AND name IN ('W2', 'W3', 'W4')"
        )
    found = [one["id"] for one in everything(who, "/workflows", limit)]
    assert sorted(found) == sorted(made)
    assert found[:4] == [made[6], made[5], made[1], made[0]]


def test_what_comes_while_one_reads_moves_nothing(alone: Served) -> None:
    who = alone.caller()
    made = [who.post("/workflows", {"name": "W"})["id"] for _ in range(4)]
    first = who.get("/workflows?limit=2")
    who.post("/workflows", {"name": "later"})
    who.delete(f"/workflows/{made[2]}")  # where the next page begins
    rest = who.get(f"/workflows?limit=50&cursor={first['nextCursor']}")
    assert [one["id"] for one in rest["data"]] == [made[1], made[0]]


# Rates


def test_a_key_may_call_so_often(new_database: Any) -> None:
    from tests.server.door import served

    with served(new_database(), calls="3/minute", deploys="1/minute") as server:
        who, other = server.caller(), server.caller()
        for _ in range(3):
            assert who.get("/projects")
        answer = who.call("GET", "/projects")
        assert answer.status_code == 429 and 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.json() == {"error": "too many calls: 3 per 60 seconds for each key"}
        assert answer.headers["ratelimit-limit"] == "3"
        path, ask = "/workflows/wf_x/deploy", {"connectionId": "conn_x"}
        assert other.refused("POST", path, ask)[0] == 404
        assert other.refused("POST", path, ask) == (429, "too many deploys: 1 per 60 seconds for each key")
        assert other.get("/projects")


# Web pages


def test_web_pages_that_may_call(new_database: Any) -> None:
    from tests.server.door import served

    asked = {"origin": "https://editor.example", "access-control-request-method": "POST"}
    with served(new_database(), origins=["https://editor.example"]) as server:
        allowed = server.http.options("/api/workflows", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://editor.example"
        other = server.http.options("/api/workflows", headers={**asked, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
