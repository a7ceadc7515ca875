"""What other nodes read of each built-in type's value, as output schemas (those of custom nodes have the same form).

A schema is `{type, description?, nullable?, properties?, items?}`; `any` stands for any JSON value. An object without
`properties`, or with `additional`, may have other fields too. A step's value is what its body returns; a branch has
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Schema = Mapping[str, Any]

_RESPONSE: Final[Schema] = {
    "type": "object",
    "additional": True,
    "properties": {
        "status": {"type": "number", "description": "the HTTP status"},
        "headers": {"type": "object", "description": "the headers of the answer, by lower-case name"},
        "body": {
            "type": "any",
            "description": "the answer, parsed when it says that it is JSON; fields of an object stand beside",
        },
    },
}

OUTPUTS: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "step": {"type": "any", "description": "what the body returns"},
        "http_request": _RESPONSE,
        "sub_script": _RESPONSE,
        "wait_for_event": {
            "type": "object",
            "additional": True,
            "properties": {
                "payload": {"type": "any", "description": "what was sent; fields of an object stand beside"},
                "type": {"type": "string", "description": "the type of the event"},
                "timestamp": {"type": "any", "description": "when it was sent"},
            },
        },
        "parallel": {"type": "array", "description": "the values of the arms, in their order"},
        "race": {"type": "any", "description": "the value of the arm that finished first"},
        "loop": {
            "type": "object",
            "properties": {
                "results": {"type": "array", "description": "for each turn the value of the last node that ran in it"},
                "output": {"type": "any", "description": "the last value that was given to `_output`"},
            },
        },
        "sub_workflow": {
            "type": "object",
            "properties": {
                "instanceId": {"type": "string", "description": "the id of the instance that was started"},
                "output": {"type": "any", "description": "what the workflow returned, where it is waited for"},
            },
        },
    }
)
"""One row for each type that has a value."""

SETTLED: Final[Schema] = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "description": "`fulfilled` or `rejected`"},
        "value": {"type": "any", "description": "the arm's value"},
        "reason": {"type": "any", "description": "why the arm failed"},
    },
}
"""Each arm's entry in the value of a parallel in `settled` mode."""

EVENT: Final[Schema] = {
    "type": "object",
    "properties": {
        "payload": {"type": "any", "description": "what the run was started with"},
        "timestamp": {"type": "any", "description": "when the run was started"},
        "instanceId": {"type": "string", "description": "the run's own id"},
        "workflowName": {"type": "string", "description": "the name of the workflow at Cloudflare"},
        "schedule": {"type": "any", "description": "the schedule that started the run, if one did"},
    },
}
"""`event` in a workflow."""

SCRIPT_EVENT: Final[Schema] = {"type": "object", "properties": {"payload": EVENT["properties"]["payload"]}}
"""`event` in a script."""

ERROR: Final[Schema] = {
    "type": "object",
    "additional": True,
    "properties": {
        "message": {"type": "string", "description": "what went wrong"},
        "name": {"type": "string", "description": "the kind of the error"},
    },
}
"""`err` in a catch arm, and `{{id.error}}` of its try/catch there."""
