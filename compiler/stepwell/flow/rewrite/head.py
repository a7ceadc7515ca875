"""Changes what the file says of the whole workflow: its metadata, its trigger, what stands around the artifact."""

from __future__ import annotations

from typing import Any, Final

from stepwell.flow.forms import HEAD
from stepwell.flow.phrases import literal
from stepwell.flow.reader import Reading
from stepwell.flow.rewrite.calls import Arguments, change_call, indent_of_arguments
from stepwell.flow.rewrite.draft import Draft
from stepwell.flow.rewrite.plan import Json, Refused
from stepwell.flow.rewrite.values import change_value

_AROUND: Final = {
    "triggerCode": "trigger_code",
    "dependencies": "dependencies",
    "envVars": "env_vars",
    "deployConfig": "deploy_config",
}


def change_head(draft: Draft) -> None:
    """Has the call of the workflow say what is wanted of all that is no node and no edge."""
    call, head = draft.root.call, draft.reading.head
    if draft.now_artifact.get("kind") != draft.artifact.get("kind"):
        raise Refused("A workflow and a script do not become one another in place.", call)
    if _around_nodes(draft.now) == _around_nodes(draft.target):
        return
    draft.at = draft.spans.of(call).start
    indent, changes = indent_of_arguments(draft, call), dict[str, str | None]()
    now, wanted = draft.now_artifact["metadata"], draft.artifact["metadata"]
    for param, key in (("name", "name"), *HEAD):
        if now.get(key) != wanted.get(key):
            changes[param] = literal(wanted[key]) if key in wanted else None
    if draft.now_artifact.get("trigger") != draft.artifact.get("trigger"):
        trigger = draft.artifact.get("trigger")
        changes["trigger"] = None if trigger is None else draft.printer.values.trigger(trigger)(indent)
    if draft.now_artifact["entryNodeId"] != draft.artifact["entryNodeId"]:
        first = draft.reading.sites[0].handle.id if draft.reading.sites else None
        entry = draft.artifact["entryNodeId"]
        changes["entry"] = None if entry == first and "entry" in head else literal(entry)
    _around(draft, changes, indent)
    if changes:
        change_call(draft, call, changes, _head_site(draft.reading))


def _around(draft: Draft, changes: dict[str, str | None], indent: str) -> None:
    now = draft.now if "ir" in draft.now else {}
    wanted = draft.target if "ir" in draft.target else {}
    said = dict(draft.printer.values.around(wanted))
    for key, param in _AROUND.items():
        if now.get(key) != wanted.get(key):
            node, text = draft.reading.head.get(param), said.get(param)
            if node is not None and text is not None and key in now:
                change_value(draft, node, now[key], wanted[key], text)
            else:
                changes[param] = None if text is None else text(indent)


def _around_nodes(document: Json) -> Any:
    """What a document says besides its nodes and edges."""
    artifact = document.get("ir", document)
    head = {key: value for key, value in artifact.items() if key not in ("nodes", "edges")}
    return head, {key: value for key, value in document.items() if key != "ir"} if "ir" in document else {}


def _head_site(reading: Reading) -> Any:
    return Arguments(reading.head)
