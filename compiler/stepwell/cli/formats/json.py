"""One JSON document. Its shape is stable: keys are added, never renamed or removed.

    {"version": 1,
     "files": ["order.json"],
     "diagnostics": [{"file", "line", "column", "severity", "code", "slug", "message", "hint", "pointer",
                      "nodeId", "nodeName", "snippet": {"line", "column"} | null, "template"}],
     "summary": {"errors", "warnings", "notes", "files"}}

`line` and `column` count from 1 and are null where there is no place; `snippet` counts inside the code,
which is that of the file `template` where the fault is in a custom node.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TextIO

from stepwell.cli.findings import Checked, display_name, each, tally
from stepwell.cli.inputs import Input
from stepwell.diagnostics import Diagnostic


def write(checked: Sequence[Checked], out: TextIO) -> None:
    """Prints the document."""
    document = {
        "version": 1,
        "files": [one.source.name for one in checked],
        "diagnostics": [_finding(source, diagnostic) for source, diagnostic in each(checked)],
        "summary": asdict(tally(checked)),
    }
    json.dump(document, out, indent=2)
    out.write("\n")


def _finding(source: Input, d: Diagnostic) -> dict[str, Any]:
    return {
        "file": source.name,
        "line": d.place.line if d.place else None,
        "column": d.place.column if d.place else None,
        "severity": d.severity.value,
        "code": d.code.id,
        "slug": d.slug,
        "message": d.message,
        "hint": d.hint,
        "pointer": d.pointer,
        "nodeId": d.node_id,
        "nodeName": display_name(source, d),
        "snippet": asdict(d.snippet) if d.snippet else None,
        "template": d.file,
    }
