"""SARIF 2.1.0 (OASIS), which code scanning services read. Rules are the table of codes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from stepwell import __version__
from stepwell.cli.findings import Checked, each
from stepwell.cli.inputs import Input
from stepwell.diagnostics import CODES, Code, Diagnostic

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write(checked: Sequence[Checked], out: TextIO) -> None:
    """Prints one log with one run."""
    json.dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(checked)]}, out, indent=2)
    out.write("\n")


def _run(checked: Sequence[Checked]) -> dict[str, Any]:
    driver = {"name": "stepwell", "version": __version__, "rules": [_rule(code) for code in CODES.values()]}
    order = {code: index for index, code in enumerate(CODES)}
    return {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(source, d, order[d.code.id]) for source, d in each(checked)],
    }


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.id,
        "name": "".join(part.capitalize() for part in code.slug.split("-")),
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.explanation},
        "help": {"text": code.explanation, "markdown": code.explanation},
        "defaultConfiguration": {"level": code.severity.value},
        "properties": {"slug": code.slug},
    }


def _result(source: Input, d: Diagnostic, rule: int) -> dict[str, Any]:
    result = {
        "ruleId": d.code.id,
        "ruleIndex": rule,
        "level": d.severity.value,
        "message": {"text": f"{d.message}\n{d.hint}" if d.hint else d.message},
        "locations": [_location(source, d)],
    }
    return result | ({"relatedLocations": [_template(d.file, d)]} if d.file is not None else {})


def _template(file: str, d: Diagnostic) -> dict[str, Any]:
    """Where the fault is in the template of a custom node. Its name may be a package's, so it is no path of ours."""
    place = f":{d.snippet}" if d.snippet is not None else ""
    return {"id": 0, "message": {"text": f"the template, {file}{place}"}}


def _location(source: Input, d: Diagnostic) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(source.name)}}
    if d.place is not None:
        physical["region"] = {"startLine": d.place.line, "startColumn": d.place.column}
    location: dict[str, Any] = {"physicalLocation": physical}
    if d.node_id is not None:
        location["logicalLocations"] = [{"name": d.node_id, "fullyQualifiedName": d.pointer or d.node_id}]
    return location


def _uri(name: str) -> str:
    """A reference relative to where stepwell was started: services join it to the root of the repository."""
    if name == "<stdin>":
        return "stdin"
    return quote(Path(os.path.relpath(name)).as_posix(), safe="/")
