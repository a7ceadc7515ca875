"""Nodes for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEMPLATE = "export default async function (ctx) {\n  return { said: ctx.config.text };\n}\n"


def definition(**over: Any) -> dict[str, Any]:
    """A definition that is right, but for what is said."""
    return {
        "id": "say",
        "name": "Say",
        "version": "1.0.0",
        "description": "Says something.",
        "category": "Utilities",
        "author": "tests",
        "license": "MIT",
        "configSchema": {"text": {"type": "string", "label": "Text", "required": True}},
        "outputSchema": {"said": {"type": "string"}},
        "providers": ["cloudflare"],
        **over,
    }


def put(folder: Path, template: str | None = TEMPLATE, file: str = "template.ts", **over: Any) -> Path:
    """A node's folder, of which the last part is its id unless something else is said."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node.json").write_text(json.dumps(definition(**{"id": folder.name, **over})))
    if template is not None:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(template)
    return folder
