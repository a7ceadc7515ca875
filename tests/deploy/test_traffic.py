"""Our requests beside those that Cloudflare's own command line was recorded to send for the same Workers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from tests.deploy.calls import (
    FLOW_PROJECT,
    SCRIPT_PROJECT,
    flow,
    recorded,
    script,
    table,
    three,
)
from tests.deploy.shop import Sent, Shop
from tests.dev.account import Dev, dev

FLOW: Final = "workflow"
SCRIPT: Final = "script"

THEIRS_ALONE: Final = {
    # the recording's Worker has a second workflow in one module; a graph of ours is one workflow
    "PUT /workflows/order-sub",
    # an undocumented bulk call that needs a token for all zones (10000 else); we write the zone's route
    "PUT /workers/scripts/NAME/routes",
    # undocumented calls with flags that take a domain from its owner; we use the documented PUT /workers/domains
    "POST /workers/scripts/NAME/domains/changeset",
    "PUT /workers/scripts/NAME/domains/records",
}
"""Writes that we do not make, each with its reason."""

OURS_ALONE: Final = {
    # the recording's project names ids of a namespace and a database that exist; ours has them made
    "POST /storage/kv/namespaces",
    "POST /d1/database",
    # the documented forms of what is above
    "POST /zones/ZONE/workers/routes",
    "PUT /workers/domains",
}

ONCE: Final = {
    # Cloudflare's command line sends these with every deploy; we only when the plan says that they differ
    "PATCH /workers/scripts/NAME/script-settings",
    "POST /workers/scripts/NAME/subdomain",
    "PUT /workers/scripts/NAME/schedules",
    "PUT /queues/ID/consumers/ID",
    "PUT /workers/scripts/NAME/routes",
    "POST /workers/scripts/NAME/domains/changeset",
    "PUT /workers/scripts/NAME/domains/records",
    "PUT /workflows/order-sub",
}

METADATA: Final = {
    # the command line's own roll-out of containers and objects; no field of the API's description
    "theirs": {"code_update_strategy"},
    # who made the version and from which graph: by its tag an upload that timed out is found again
    "ours": {"annotations"},
}
"""Keys of an upload's metadata that only one of the two has."""


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, list[Sent]]]]:
    """What we send for both Workers."""
    folder = tmp_path_factory.mktemp("shop")
    with dev(tmp_path_factory.mktemp("dev") / "state") as account, pytest.MonkeyPatch.context() as patch:
        shop = Shop(folder, account, patch)
        yield {
            FLOW: three(shop, FLOW_PROJECT, "flow", flow(), flow("return 2;")),
            SCRIPT: three(shop, SCRIPT_PROJECT, "script", script(), script("return 2;")),
        }


def place(method: str, path: str) -> str:
    """A call without what differs from account to account."""
    path = re.sub(r"/(accounts/)?[0-9a-zA-Z]{32}(?=/)", lambda found: "" if found[1] else "/ID", path, count=1)
    path = path.removeprefix("/accounts/ACCOUNT")
    path = re.sub(r"/zones/[^/]+", "/zones/ZONE", path)
    path = re.sub(r"/(scripts|services|workers)/(order-flow|hook-script)", r"/\1/NAME", path)
    path = re.sub(r"/(queues|consumers)/[0-9a-f]{32}", r"/\1/ID", path)
    return f"{method} {re.sub('/workflows/(?i:order-flow)', '/workflows/NAME', path)}"


def ours(calls: Sequence[Sent]) -> list[str]:
    """Our writes."""
    return [place(one.method, one.path) for one in writes(calls)]


def writes(calls: Sequence[Sent]) -> list[Sent]:
    """Without the queue for dead letters, which ours makes too where it is named; theirs leaves it to a fault later."""
    return [one for one in calls if one.writes and b"order-dlq" not in one.content[:40]]


def theirs(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """Their writes."""
    return [place(one["method"], one["path"]) for one in calls if one["method"] != "GET"]


@pytest.mark.parametrize("name", [FLOW, SCRIPT])
def test_first_deploys_write_the_same_in_the_same_order(name: str, sent: dict[str, dict[str, list[Sent]]]) -> None:
    mine, other = ours(sent[name]["first deploy"]), theirs(recorded(name)["first deploy"])
    if name == SCRIPT:
        # a first deploy has workers.dev off, which it is already: nothing is to be said
        other.remove("POST /workers/scripts/NAME/subdomain")
    both = [one for one in mine if one in other]
    assert set(other) - set(mine) <= THEIRS_ALONE
    assert set(mine) - set(other) <= OURS_ALONE
    if name == FLOW:
        # they make buckets before queues; one does not need the other
        resources = ["POST /queues", "POST /r2/buckets"]
        assert sorted(both[:2]) == resources == sorted([one for one in other if one in both][:2])
        both, other = both[2:], [one for one in other if one not in resources]
    assert both == [one for one in other if one in both]


@pytest.mark.parametrize("name", [FLOW, SCRIPT])
def test_redeploys_write_the_same_in_the_same_order(name: str, sent: dict[str, dict[str, list[Sent]]]) -> None:
    mine, other = ours(sent[name]["redeploy"]), theirs(recorded(name)["redeploy"])
    assert mine == [one for one in other if one not in ONCE]


@pytest.mark.parametrize("name", [FLOW, SCRIPT])
def test_no_change_writes_nothing(name: str, sent: dict[str, dict[str, list[Sent]]]) -> None:
    assert ours(sent[name]["no change"]) == []
    assert len(sent[name]["no change"]) < len(recorded(name)["no change"])


READS: Final = {
    FLOW: {
        "GET /workflows/NAME",
        "GET /workers/subdomain",
        "GET /workers/scripts/NAME/settings",
        "GET /workers/scripts/NAME/deployments",
        "GET /queues",
        "GET /r2/buckets",
    },
    SCRIPT: {
        "GET /workers/scripts/NAME/settings",
        "GET /workers/scripts/NAME/deployments",
        "GET /zones",
        "GET /zones/ZONE/workers/routes",
    },
}
"""Reads that matter: what may not be taken from others, and what must be there."""

READS_OF_THEIRS: Final = {
    # whether it was last deployed from the dashboard; undocumented. We compare what travelled with the code
    "GET /workers/services/NAME",
    "GET /workers/workers/NAME",
    # whether secrets would be lost: we always keep them
    "GET /workers/scripts/NAME/secrets",
    # the bucket by name: not in the description. We ask the list for that name
    "GET /r2/buckets/orders-bucket",
    "GET /workflows/order-sub",
}


@pytest.mark.parametrize("name", [FLOW, SCRIPT])
def test_first_deploys_look_at_the_same(name: str, sent: dict[str, dict[str, list[Sent]]]) -> None:
    mine = {place(one.method, one.path) for one in sent[name]["first deploy"]}
    other = {place(one["method"], one["path"]) for one in recorded(name)["first deploy"] if one["method"] == "GET"}
    assert READS[name] <= mine and READS[name] <= other
    assert other - mine <= READS_OF_THEIRS


# What is uploaded


def uploads(calls: Sequence[Sent]) -> Any:
    return next(one for one in calls if "metadata" in (one.content[:200].decode("latin-1")))


@pytest.mark.parametrize("name", [FLOW, SCRIPT])
@pytest.mark.parametrize("which", ["first deploy", "redeploy"])
def test_metadata_has_the_same_keys(name: str, which: str, sent: dict[str, dict[str, list[Sent]]]) -> None:
    mine = uploads(sent[name][which])
    [other] = [one for one in recorded(name)[which] if "parts" in one]
    told = next(part["json"] for part in other["parts"] if part["name"] == "metadata")
    missing, more = told.keys() - mine.metadata.keys(), mine.metadata.keys() - told.keys()
    if which == "redeploy" and name == FLOW:
        # sent with every version by them, set at the Worker as well; we set it where it counts, when it changes
        missing -= {"observability"}
    if which == "first deploy" and name == SCRIPT:
        # they are silent about logs that are off, we say so
        more -= {"observability"}
    assert missing <= METADATA["theirs"] and more <= METADATA["ours"]
    assert mine.query == other.get("query", {})
    assert mine.metadata["keep_bindings"] == told["keep_bindings"] == ["secret_text", "secret_key"]
    assert mine.metadata["compatibility_flags"] == told["compatibility_flags"]


def test_bindings_have_the_same_keys(sent: dict[str, dict[str, list[Sent]]]) -> None:
    mine = {one["type"]: one for one in uploads(sent[FLOW]["first deploy"]).metadata["bindings"]}
    [other] = [one for one in recorded(FLOW)["first deploy"] if "parts" in one]
    for binding in next(part["json"] for part in other["parts"] if part["name"] == "metadata")["bindings"]:
        kind = binding["type"]
        if kind == "service":
            continue  # ours calls no other Worker here; test_requests has one
        keys = mine[kind].keys() - binding.keys()
        # a database's id has two names: theirs sends the old one, the description has the new one, we send both
        assert keys == ({"database_id"} if kind == "d1" else set()), kind
        assert binding.keys() <= mine[kind].keys(), kind


def test_parts_are_of_the_same_types(sent: dict[str, dict[str, list[Sent]]]) -> None:
    mine = uploads(sent[SCRIPT]["first deploy"]).parts
    [other] = [one for one in recorded(SCRIPT)["first deploy"] if "parts" in one]
    types = {name: kind for name, (kind, _) in mine.items()}
    assert types == {
        "metadata": "application/json",
        "worker.js": "application/javascript+module",
        "worker.js.map": "application/source-map",
        # what travels with the code: facts.md and docs/deploy.md say why
        "stepwell-manifest.json": "application/octet-stream",
    }
    assert {part.get("content_type") for part in other["parts"]} - {None} <= set(types.values())
    assert mine["worker.js"][1].rstrip().endswith(b"//# sourceMappingURL=worker.js.map")


def test_bodies_are_the_same(sent: dict[str, dict[str, list[Sent]]]) -> None:
    """Of the calls that both make."""
    for name in (FLOW, SCRIPT):
        for which in ("first deploy", "redeploy"):
            mine = {place(one.method, one.path): one for one in writes(sent[name][which])}
            for call in recorded(name)[which]:
                key = place(call["method"], call["path"])
                if key in mine and "body" in call:
                    assert _plain(mine[key].json) == _plain(call["body"]), key


def _plain(body: Any) -> Any:
    """Without what is each one's own."""
    if not isinstance(body, dict):
        return body
    # previews: theirs leave them to the API, ours are off, for each would be another way in; annotations: see METADATA
    own = {"version_id", "script_name", "class_name", "annotations", "code_update_strategy", "previews_enabled"}
    found = {name: value for name, value in body.items() if name not in own}
    if "versions" in found:
        found["versions"] = [{**one, "version_id": "ID"} for one in found["versions"]]
    return json.loads(json.dumps(found))


def test_counts(sent: dict[str, dict[str, list[Sent]]], account: Dev) -> None:
    """Printed with -s; a first deploy needs about as many calls, everything after it fewer writes."""
    for name in (FLOW, SCRIPT):
        print(f"\n{name}\n{table(sent[name], recorded(name))}")
        for which in ("redeploy", "no change"):
            assert len(ours(sent[name][which])) < len(theirs(recorded(name)[which]))
