"""What wrangler sent elsewhere, sent here again: the same statuses and codes come back, request by request."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.dev.account import Dev, dev
from tests.dev.contract import DATA, Contract

_RECORDINGS: dict[str, Any] = {one["name"]: one["commands"] for one in json.loads((DATA / "traffic.json").read_text())}
_NAMESPACE, _DATABASE = "0123456789abcdef0123456789abcdef", "11111111-2222-3333-4444-555555555555"
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORKER = "export class Helper extends WorkerEntrypoint {} export default { fetch() {}, queue() {} };"
_HELPER = f'import {{ WorkerEntrypoint }} from "cloudflare:workers"; {_WORKER}'

# Where the stand-in's state cannot be had. The first two are products that are not here; the others met a stand-in's
# instance that could be told anything, but the recorded Worker's real one ends at once.
_OTHERWISE = {
    "wrangler hyperdrive create": (404, [7000]),
    "wrangler vectorize create": (404, [7000]),
    "wrangler workflows instances pause": (400, [10401]),
    "wrangler workflows instances resume": (400, [10401]),
    "wrangler workflows instances terminate": (400, [10401]),
}


@pytest.mark.parametrize("name", _RECORDINGS)
def test_wrangler_gets_the_answers_it_got_elsewhere(name: str, tmp_path: Path) -> None:
    with dev(tmp_path / "state") as account:
        replay = _Replay(account)
        # What wrangler's configuration named, and nothing in a recording made.
        replay.known[_NAMESPACE] = account.api("POST", "/storage/kv/namespaces", json={"title": "one"})["id"]
        replay.known[_DATABASE] = account.api("POST", "/d1/database", json={"name": "one"})["uuid"]
        for worker in ("helper-worker", "w1", *(["brand-new-worker"] if name == "secrets-versions" else [])):
            account.deploy(worker, _HELPER)
        different = [told for command in _RECORDINGS[name] for told in replay.command(command)]
        assert not different, "\n".join(different)


class _Replay:
    """Requests, with the ids that were given here in the place of those that were given elsewhere."""

    def __init__(self, account: Dev) -> None:
        self._account = account
        self._contract = Contract.read()
        self.known = {"ACCOUNT": account.env["CLOUDFLARE_ACCOUNT_ID"]}

    def command(self, command: dict[str, Any]) -> list[str]:
        """What was answered otherwise to the requests of one command."""
        found = [self._request(command["command"], request) for request in command["requests"]]
        return [told for told in found if told is not None]

    def _request(self, command: str, recorded: dict[str, Any]) -> str | None:
        known = self._mapped(recorded)
        more: dict[str, Any] = {"params": known.get("query")}
        if "parts" in known:
            more["files"] = [_part(part) for part in known["parts"]]
        elif "body" in known:
            more["json"] = known["body"]
        elif "body_text" in known:
            more["content"] = known["body_text"]
        agent = {"user-agent": "wrangler/4.164.0"}
        answer = self._account.call(recorded["method"], f"~{known['path']}", headers=agent, **more)
        self._contract.check(answer)
        told = answer.json() if answer.headers["content-type"] == "application/json" else {}
        self._learn(recorded.get("ids"), told.get("result"))
        got = (answer.status_code, [error["code"] for error in told.get("errors", [])])
        other = next((value for start, value in _OTHERWISE.items() if command.startswith(start)), None)
        wanted = other or (recorded["status"], recorded.get("codes", []))
        if got == wanted:
            return None
        return f"{command}: {recorded['method']} {recorded['path']}: {got}, not {wanted}: {answer.text[:300]}"

    def _mapped(self, recorded: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps({name: value for name, value in recorded.items() if name != "ids"})
        for there, here in self.known.items():
            text = text.replace(there, here)
        found: dict[str, Any] = json.loads(text)
        return found

    def _learn(self, there: Any, here: Any) -> None:
        if isinstance(there, dict) and isinstance(here, dict):
            for name, value in there.items():
                self._learn(value, here.get(name))
        elif isinstance(there, list) and isinstance(here, list):
            for one, other in zip(there, here, strict=False):
                self._learn(one, other)
        elif isinstance(there, str) and isinstance(here, str) and _ID.fullmatch(there):
            self.known.setdefault(there, here)


def _part(part: dict[str, Any]) -> tuple[str, tuple[str | None, str, str | None]]:
    content = part["text"] if "text" in part else json.dumps(part["json"])
    return part["name"], (part.get("filename"), content, part.get("content_type"))
