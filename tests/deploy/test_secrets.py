"""A secret's value goes into the upload and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from stepwell.cloudflare import ApiError, Cloudflare
from tests.cli.cli_calls import Said
from tests.deploy.shop import Sent, Shop, graph, refusal

VALUE: Final = "hush-7f3a91c2-value"
ODD: Final = 'q"uo\\te\n7f3a91c2 ä'
"""A value that JSON and URLs write differently."""


def shapes(value: str) -> set[str]:
    """A value as it stands in texts, in JSON and in URLs."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}


def leaks(said: Said, *values: str) -> list[str]:
    """Values that were printed."""
    return [value for value in values for shape in shapes(value) if shape in said.out + said.err]


def keyed(name: str, code: str = "return 1;") -> dict[str, Any]:
    """A graph that reads two secrets."""
    env = [{"name": "API_KEY", "value": "", "isSecret": True}]
    return {"ir": graph(name, code, "return [env.API_KEY.length, env.OTHER_KEY.length];"), "envVars": env}


@pytest.fixture(params=["environment", "env file", "json file", "standard input"])
def given(request: pytest.FixtureRequest, shop: Shop) -> Iterator[tuple[str, ...]]:
    """The secrets given in each way; gives the options of the command."""
    name = request.param.replace(" ", "-")
    shop.project(graph=keyed(f"By {name}"))
    values = {"API_KEY": VALUE, "OTHER_KEY": ODD}
    match request.param:
        case "environment":
            for key, value in values.items():
                shop.monkeypatch.setenv(key, value)
            yield ()
        case "env file":
            lines = "".join(f"{key}={json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
            shop.file("keys.env", f"# keys\n{lines}")
            yield ("--secrets-file", "keys.env")
        case "json file":
            shop.file("keys.json", values)
            yield ("--secrets-file", "keys.json")
        case _:
            piped = shop.file("piped.json", values)

            class Piped:
                """Standard input, as often as it is asked for."""

                closed = False

                @property
                def buffer(self) -> Any:
                    return piped.open("rb")

                def isatty(self) -> bool:
                    return False

            shop.monkeypatch.setattr(sys, "stdin", Piped())
            yield ("--secrets-file", "-")


def test_values_are_in_the_upload_alone(shop: Shop, given: tuple[str, ...]) -> None:
    for command in (["plan"], ["plan", "--json"], ["plan", "--markdown"], ["deploy"], ["deploy", "--json"]):
        said = shop.call(*command, *given)
        assert leaks(said, VALUE, ODD) == [], command
        assert not any(one.writes for one in shop.sent)
    for command in (["deploy", "--yes"], ["deploy", "--yes", "--json"]):
        said = shop.call(*command, *given)
        assert said.code == 0 and leaks(said, VALUE, ODD) == [], said
        [upload] = [one for one in shop.sent if one.headers.get("content-type", "").startswith("multipart")]
        found = {one["name"]: one["text"] for one in upload.metadata["bindings"] if one["type"] == "secret_text"}
        assert found == {"API_KEY": VALUE, "OTHER_KEY": ODD}
        for name, (_, content) in upload.parts.items():
            if name != "metadata":
                assert not any(shape.encode() in content for value in (VALUE, ODD) for shape in shapes(value)), name
        for sent in shop.sent:
            whole = sent.content + str(sent.query).encode() + sent.path.encode()
            assert sent is upload or VALUE.encode() not in whole, sent.place
    worker = upload.path.rpartition("/scripts/")[2].partition("/")[0]
    for command in (
        ["versions", worker],
        ["versions", worker, "--json"],
        ["drift", worker],
        ["drift", worker, "--json"],
    ):
        said = shop.call(*command)
        assert said.code == 0 and leaks(said, VALUE, ODD) == [], command
    said = shop.call("rollback", worker, "--yes")
    assert said.code == 0 and leaks(said, VALUE, ODD) == []


def test_a_plan_says_that_it_cannot_compare(shop: Shop) -> None:
    shop.project(graph=keyed("Compared"))
    shop.monkeypatch.setenv("API_KEY", VALUE)
    shop.monkeypatch.setenv("OTHER_KEY", ODD)
    shop.deploy()
    said = shop.call("plan", "--detailed-exitcode")
    assert said.code == 4 and "a secret cannot be compared, so it is written" in said.out
    assert shop.changes() == [("written", "secret", "API_KEY"), ("written", "secret", "OTHER_KEY")]
    # none given: nothing is written, and the secrets stay
    shop.monkeypatch.delenv("API_KEY")
    shop.monkeypatch.delenv("OTHER_KEY")
    said = shop.deploy()
    assert "nothing was changed" in said.out and shop.written == []
    # one given: the other stays
    shop.monkeypatch.setenv("API_KEY", "other")
    shop.deploy()
    kept = shop.account.api("GET", "/workers/scripts/compared/secrets")
    assert {one["name"] for one in kept} == {"API_KEY", "OTHER_KEY"}
    # a change of code without secrets keeps them too
    shop.monkeypatch.delenv("API_KEY")
    shop.project(graph=keyed("Compared", "return 2;"))
    shop.deploy()
    assert len(shop.account.api("GET", "/workers/scripts/compared/secrets")) == 2


def test_a_secret_in_the_graph_is_not_taken_for_a_value(shop: Shop) -> None:
    """Editors leave what was typed in `envVars`; a secret's value there is not part of the graph."""
    value = keyed("Typed")
    value["envVars"][0]["value"] = VALUE
    shop.project(graph=value)
    said = shop.deploy()
    assert leaks(said, VALUE) == []
    assert not any(VALUE.encode() in sent.content for sent in shop.sent)


# Errors


ECHOES: Final = {
    "of the upload": ("PUT /workers/scripts/echo", 400, 10021),
    "of the upload, too large": ("PUT /workers/scripts/echo", 413, 10027),
    "of a read": ("GET /workers/scripts/echo/settings", 403, 10000),
    "of the token": ("GET /user/tokens/verify", 500, 10001),
    "of the workflow's registration": ("PUT /workflows/Echo", 500, 10001),
}


@pytest.mark.parametrize("where", ECHOES)
@pytest.mark.parametrize("json_output", [False, True])
def test_errors_that_echo_a_secret(shop: Shop, where: str, json_output: bool) -> None:
    place, status, code = ECHOES[where]
    name = f"echo-{len(where)}-{json_output}".lower()
    place = place.replace("/echo", f"/{name}").replace("/Echo", f"/{name}")
    token = shop.account.env["CLOUDFLARE_API_TOKEN"]
    words = f"bad value {VALUE} / {ODD} / {json.dumps(ODD)} / {json.dumps(ODD, ensure_ascii=False)} by {token}"

    def answer(sent: Sent) -> httpx.Response | None:
        return refusal(status, code, words) if sent.place == place else None

    shop.project(f'[settings]\nname = "{name}"\nworkflow = "{name}"', graph=keyed("Echo"))
    shop.file("keys.json", {"API_KEY": VALUE, "OTHER_KEY": ODD})
    shop.watch(answer)
    said = shop.call("deploy", "--yes", "--secrets-file", "keys.json", *(["--json"] if json_output else []))
    assert said.code == 1 and leaks(said, VALUE, ODD, token) == [], said
    assert "[hidden]" in said.out + said.err


def test_exceptions_hold_no_secret() -> None:
    for failure in (
        httpx.ConnectError(f"cannot connect with {VALUE}"),
        httpx.ReadTimeout(f"waited for {VALUE}"),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {VALUE}'"),
    ):

        def fail(request: httpx.Request, failure: Exception = failure) -> httpx.Response:
            raise failure

        transport = httpx.MockTransport(fail)
        with Cloudflare("t", "a", "http://x", secrets=[VALUE], transport=transport, sleep=lambda s: None) as api:
            with pytest.raises(ApiError) as error:
                api.call("POST", f"x/{VALUE}", json={"text": VALUE})
            seen: BaseException | None = error.value
            while seen is not None:  # what a traceback would print, with what caused it
                assert VALUE not in str(seen) and VALUE not in repr(seen)
                seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__


def process(shop: Shop, *arguments: str, stdin: str = "", **env: str) -> Said:
    """The command line in a process of its own, with its tracebacks."""
    command = [sys.executable, "-m", "stepwell.cli", *arguments]
    whole = {**os.environ, **env}
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=shop.folder, env=whole, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


BROKEN: Final = {
    "cut off": f'{{"API_KEY": "{VALUE}',
    "not texts": f'{{"API_KEY": ["{VALUE}"]}}',
    "deep": '{"a":' * 5000 + f'"{VALUE}"',
    "no name": f"{VALUE}\n",
    "a name that is none": f"A-B={VALUE}\n",
    "list": f'["{VALUE}"]',
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_wrong_secrets_file(shop: Shop, kind: str) -> None:
    shop.project(graph=keyed("Wrong File"))
    shop.file("keys", BROKEN[kind])
    said = shop.call("deploy", "--yes", "--secrets-file", "keys")
    assert said.code in (1, 2) and leaks(said, VALUE) == [], said
    assert "internal error" not in said.err and shop.sent == []


def test_debugging_shows_no_secret(shop: Shop) -> None:
    """STEPWELL_DEBUG=1 shows tracebacks; no value stands in them."""
    shop.project(graph=keyed("Debug"))
    for text in (BROKEN["cut off"], BROKEN["no name"], json.dumps({"API_KEY": VALUE})):
        # the last one fails at the API's door
        env = {"STEPWELL_DEBUG": "1", "CLOUDFLARE_API_TOKEN": "wrong-token", "OTHER_KEY": ODD}
        said = process(shop, "deploy", "--yes", "--secrets-file", "-", stdin=text, **env)
        assert said.code in (1, 2) and leaks(said, VALUE, ODD, "wrong-token") == [], said


def test_a_fault_of_ours_shows_no_secret(shop: Shop) -> None:
    shop.project(graph=keyed("Fault"))
    shop.monkeypatch.setenv("API_KEY", VALUE)

    def broken(sent: Sent) -> httpx.Response | None:
        return (
            httpx.Response(200, json={"success": True, "result": VALUE}) if sent.place.endswith("/settings") else None
        )

    shop.watch(broken)
    said = shop.call("deploy", "--yes")
    assert said.code != 0 and leaks(said, VALUE) == []


# Files


def test_a_file_in_version_control_is_refused(shop: Shop) -> None:
    shop.project(graph=keyed("Tracked"))
    path = shop.file("keys.env", f"API_KEY={VALUE}\n")
    for command in (["init", "-q"], ["add", "keys.env"]):
        subprocess.run(["git", *command], cwd=shop.folder, check=True, capture_output=True)
    for name in ("keys.env", str(path), f"../{shop.folder.name}/keys.env"):
        said = shop.call("deploy", "--yes", "--secrets-file", name)
        assert said.code == 1 and "in version control" in said.err and leaks(said, VALUE) == []
        assert shop.sent == []
    shop.file("more.env", f"API_KEY={VALUE}\n")  # beside it, and not added
    assert shop.call("plan", "--secrets-file", "more.env").code == 0


def test_a_link_to_a_file_in_version_control_is_refused(shop: Shop) -> None:
    shop.project(graph=keyed("Linked"))
    shop.file("keys.env", f"API_KEY={VALUE}\n")
    for command in (["init", "-q"], ["add", "keys.env"]):
        subprocess.run(["git", *command], cwd=shop.folder, check=True, capture_output=True)
    (shop.folder / "link.env").symlink_to(shop.folder / "keys.env")
    assert "in version control" in shop.call("plan", "--secrets-file", "link.env").err


def test_a_file_that_is_not_there(shop: Shop) -> None:
    shop.project(graph=keyed("Missing"))
    for name in ("nope.env", str(Path("no") / "folder.env")):
        said = shop.call("deploy", "--yes", "--secrets-file", name)
        assert said.code == 2 and "no such file" in said.err
