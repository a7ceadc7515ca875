"""Which fields each type of node has, and how each is read. One row a type, like the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stepwell.check.custom import INPUT
from stepwell.check.data import is_dynamic
from stepwell.check.reader import FieldReader
from stepwell.check.values import CodeValue, Lit, Obj, Value
from stepwell.diagnostics import codes as c
from stepwell.diagnostics import pointer
from stepwell.graph import data as d
from stepwell.graph.catalogue import NodeKind
from stepwell.graph.nodes import CustomNode
from stepwell.javascript import Kind

if TYPE_CHECKING:
    from stepwell.graph.definition import ConfigField

Fields = dict[str, Value]


def read_fields(kind: NodeKind, data: Any, reader: FieldReader) -> Fields:
    """The values of a node's fields, by name (arms' conditions are `arms/<number>`, a custom node's `config`)."""
    if kind.custom is not None:
        return _custom(kind.custom, data, reader)
    read = _READERS.get(kind.type)
    return read(data, reader) if read else {}


def _at(reader: FieldReader, name: str) -> str:
    """The pointer of a field that a type of ours has: no character of its name is escaped."""
    return f"{reader.base}/{name}"


def _step(data: d.StepData, reader: FieldReader) -> Fields:
    code = reader.code(data.code, Kind.BODY, _at(reader, "code"), "code")
    return {"code": code}


def _request(data: d.RequestData, reader: FieldReader) -> Fields:
    fields: Fields = {"url": reader.text(data.url, _at(reader, "url"), "url")}
    for name in ("headers", "queryParams"):
        given = getattr(data, name)
        if given not in (None, "", {}):
            fields[name] = _record(given, reader, name)
    if data.body not in (None, ""):
        if data.method in ("GET", "HEAD"):
            reader.say(
                c.BODY_IGNORED,
                f"a {data.method} request has no body; it is left out",
                _at(reader, "body"),
                "choose another method, or remove the body",
            )
        else:
            fields["body"] = reader.payload(data.body, _at(reader, "body"), "body")
    return fields


def _record(given: Any, reader: FieldReader, name: str) -> Value:
    """Headers or query parameters: an object, JSON text, or one expression."""
    if not isinstance(given, str):
        return reader.value(given, _at(reader, name), name)
    if not is_dynamic(given):
        parsed = reader.json_text(given, [])
        # What is no object has been told of when the data was read.
        return reader.value(parsed[0] if parsed else {}, _at(reader, name), name)
    value = reader.payload(given, _at(reader, name), name)
    if isinstance(value, Lit) and not isinstance(value.value, dict):
        reader.say(c.BAD_DATA, f"`{name}` is an object, or JSON text of one", _at(reader, name))
    return value


def _sleep(data: d.SleepData, reader: FieldReader) -> Fields:
    return {"duration": reader.value(data.duration, _at(reader, "duration"), "duration")}


def _sleep_until(data: d.SleepUntilData, reader: FieldReader) -> Fields:
    return {"timestamp": reader.value(data.timestamp, _at(reader, "timestamp"), "timestamp")}


def _wait(data: d.WaitData, reader: FieldReader) -> Fields:
    fields = {"eventType": reader.text(data.eventType, _at(reader, "eventType"), "eventType")}
    if data.timeout is not None:
        fields["timeout"] = reader.value(data.timeout, _at(reader, "timeout"), "timeout")
    return fields


def _branch(data: d.BranchData, reader: FieldReader) -> Fields:
    return {
        f"arms/{number}": reader.expression(
            arm.condition, reader.base + pointer("branches", number, "condition"), f"branches/{number}/condition"
        )
        for number, arm in enumerate(data.branches)
        if arm.condition.strip()
    }


def _loop(data: d.LoopData, reader: FieldReader) -> Fields:
    if data.loopType == "forEach":
        return {"collection": reader.expression(data.collection, _at(reader, "collection"), "collection")}
    if data.loopType == "while":
        reader.turn_of = reader.vertex
        if not (data.condition or "").strip():
            return {"condition": Lit(False)}  # that it is missing was told when the data was read
        return {"condition": reader.expression(data.condition, _at(reader, "condition"), "condition")}
    return {"count": reader.expression(data.count, _at(reader, "count"), "count")}


def _exit(data: d.ExitData, reader: FieldReader) -> Fields:
    if not (data.condition or "").strip():
        return {}
    return {"condition": reader.expression(data.condition, _at(reader, "condition"), "condition")}


def _sub_workflow(data: d.SubWorkflowData, reader: FieldReader) -> Fields:
    if data.input in (None, ""):
        return {}
    return {"input": reader.payload(data.input, _at(reader, "input"), "input")}


def _custom(custom: CustomNode, data: d.CustomData, reader: FieldReader) -> Fields:
    schema = custom.definition.configSchema
    config = tuple((key, _configured(schema[key], key, value, reader)) for key, value in data.config.items())
    inputs = tuple((key, _input(INPUT + key, value, reader)) for key, value in data.inputs.items())
    return {"config": Obj(config), "inputs": Obj(inputs)}


def _configured(field: ConfigField, key: str, value: Any, reader: FieldReader) -> Value:
    if field.type == "expression":
        return reader.expression(value, reader.base + pointer(key), key)
    if field.type == "json":
        return reader.payload(value, reader.base + pointer(key), key)
    return reader.value(value, reader.base + pointer(key), key)


def _input(key: str, value: Any, reader: FieldReader) -> Value:
    return reader.value(value, reader.base + pointer(key), key)


_READERS: dict[str, Callable[[Any, FieldReader], Fields]] = {
    "step": _step,
    "http_request": _request,
    "sub_script": _request,
    "sleep": _sleep,
    "sleep_until": _sleep_until,
    "wait_for_event": _wait,
    "branch": _branch,
    "loop": _loop,
    "break": _exit,
    "sub_workflow": _sub_workflow,
}


def bodies(fields: Fields) -> list[CodeValue]:
    """The step body among a node's fields."""
    code = fields.get("code")
    return [code] if isinstance(code, CodeValue) else []
