"""Who gets in: hosts, tokens, accounts; and how Workers are reached."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from tests.dev.account import Dev, dev

ECHO = """
export default {
  async fetch(request) {
    const { pathname, search, host } = new URL(request.url);
    if (pathname === "/stream") {
      const { readable, writable } = new IdentityTransformStream();
      const writer = writable.getWriter();
      const parts = async () => {
        for (let i = 0; i < 3; i++) {
          await writer.write(new TextEncoder().encode(`part ${i};`));
          await scheduler.wait(20);
        }
        await writer.close();
      };
      parts();
      return new Response(readable);
    }
    if (pathname === "/cookies") return new Response("", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
    if (pathname === "/redirect") return Response.redirect("https://example.com/", 302);
    if (pathname === "/big") return new Response((await request.arrayBuffer()).byteLength + "");
    if (pathname === "/throws") throw new Error("mine");
    const own = [...request.headers.keys()].filter((name) => name.startsWith("x-stepwell"));
    return Response.json({ pathname, search, host, header: request.headers.get("x-mine"), own });
  },
};
"""


@pytest.fixture(scope="module")
def echo(account: Dev) -> Dev:
    account.deploy("echo", ECHO)
    return account


def get(account: Dev, host: str, path: str = "/", **more: object) -> httpx.Response:
    headers = {"host": host}
    return httpx.get(account.origin + path, headers=headers, trust_env=False, timeout=30)


def test_the_api_answers_at_localhost_alone(account: Dev) -> None:
    token = account.http.headers["authorization"]
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""):
        answer = httpx.get(f"{account.base}/user", headers={"host": host, "authorization": token}, trust_env=False)
        assert answer.status_code in (400, 421), host
        assert "success" not in answer.text
    for host in ("localhost", "127.0.0.1:1", "[::1]"):
        answer = httpx.get(f"{account.base}/user", headers={"host": host, "authorization": token}, trust_env=False)
        assert answer.status_code == 200, host


def test_it_listens_on_loopback_alone(account: Dev) -> None:
    port = int(account.origin.rpartition(":")[2])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        if str(address).startswith("127."):
            continue
        with socket.socket() as one, pytest.raises(OSError):
            one.settimeout(1)
            one.connect((address, port))


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, (400, 9106)), ("Bearer wrong", (401, 10000)), ("Basic x", (401, 10000)), ("Bearer é", (401, 10000))],
)
def test_a_token_is_needed(account: Dev, header: str | None, expected: tuple[int, int]) -> None:
    headers = {} if header is None else {"authorization": header.encode()}
    for path in ("/user/tokens/verify", f"{account.account}/workers/scripts"):
        answer = httpx.get(account.base + path, headers=headers, trust_env=False)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == expected
    clock = httpx.post(f"{account.origin}/local/clock?advance=1h", headers=headers, trust_env=False)  # type: ignore[arg-type]
    assert clock.status_code == expected[0]


def test_other_accounts_and_paths_are_nowhere(account: Dev) -> None:
    assert account.refused("GET", f"~/accounts/{'b' * 32}/workers/scripts") == (404, 7003)
    assert account.refused("GET", "/nothing/here") == (404, 7000)
    assert account.refused("POST", "/workers/scripts") == (405, 10405)


def test_given_account_and_token(tmp_path: Path) -> None:
    env = {"CLOUDFLARE_ACCOUNT_ID": "c" * 32, "CLOUDFLARE_API_TOKEN": "given-token"}
    with dev(tmp_path / "state", env=env) as account:
        assert account.env == {**account.env, **env}
        assert account.api("GET", "~/user/tokens/verify")["status"] == "active"
        assert account.api("GET", "~/accounts")[0]["id"] == "c" * 32


def test_one_state_has_one_server(tmp_path: Path) -> None:
    with dev(tmp_path / "state"), pytest.raises(AssertionError, match="is in use by another stepwell dev"):
        dev(tmp_path / "state").__enter__()


def test_a_worker_by_name_and_by_path(echo: Dev) -> None:
    port = echo.origin.rpartition(":")[2]
    host = f"echo.localhost:{port}"
    by_name = get(echo, host, "/a%20b/c?d=1&d=2").json()
    assert by_name == {**by_name, "pathname": "/a%20b/c", "search": "?d=1&d=2", "host": host, "own": []}
    assert echo.worker("echo", "/a%20b/c?d=1&d=2").json() == by_name
    assert echo.worker("echo", "").json()["pathname"] == "/"
    assert get(echo, f"nobody.localhost:{port}").status_code == 404
    assert echo.worker("echo", "/", "DELETE", headers={"x-mine": "y", "x-stepwell-worker": "z"}).json()["header"] == "y"


def test_bodies_pass_as_they_are(echo: Dev) -> None:
    assert echo.worker("echo", "/big", "POST", content=b"x" * 3_000_000).text == "3000000"
    assert echo.worker("echo", "/stream").text == "part 0;part 1;part 2;"
    assert echo.worker("echo", "/cookies").headers.get_list("set-cookie") == ["a=1", "b=2"]
    redirect = echo.worker("echo", "/redirect")
    assert (redirect.status_code, redirect.headers["location"]) == (302, "https://example.com/")
    assert echo.worker("echo", "/throws").status_code == 500
    assert echo.worker("echo", "/", "HEAD").status_code == 200


def test_routes_and_custom_domains(echo: Dev) -> None:
    [zone] = echo.api("GET", "~/zones", params={"name": "example.com"})
    routes = f"~/zones/{zone['id']}/workers/routes"
    made = echo.api("POST", routes, json={"pattern": "api.example.com/hooks/*", "script": "echo"})
    assert echo.api("GET", routes) == [made]
    assert get(echo, "api.example.com", "/hooks/x").json()["host"] == "api.example.com"
    assert get(echo, "api.example.com", "/other").status_code == 421
    assert echo.refused("POST", routes, json={"pattern": "api.example.com/hooks/*", "script": "echo"}) == (409, 10020)
    assert echo.refused("POST", routes, json={"pattern": "not a pattern", "script": "echo"}) == (400, 10022)
    assert echo.refused("POST", routes, json={"pattern": "other.org/*", "script": "echo"}) == (400, 10022)
    assert echo.refused("GET", f"{routes}/{'0' * 32}") == (404, 10009)
    echo.api("PUT", f"{routes}/{made['id']}", json={"pattern": "*.example.com/v1/*"})
    assert get(echo, "api.example.com", "/v1/x").status_code == 421  # a route without a Worker switches it off
    echo.api("DELETE", f"{routes}/{made['id']}")
    domain = echo.api(
        "PUT", "/workers/domains", json={"hostname": "shop.example.com", "service": "echo", "zone_id": zone["id"]}
    )
    assert get(echo, "shop.example.com", "/any").json()["pathname"] == "/any"
    echo.api("DELETE", f"/workers/domains/{domain['id']}")
    assert get(echo, "shop.example.com", "/any").status_code == 421
