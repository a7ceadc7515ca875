"""stepwell: compiles visual workflow graphs into Cloudflare Workers and runs them.

`compile_artifact` and `check` are the library's door, `scope`, `catalogue` and `edit` that of editors; they are
imported when first asked for, so that `stepwell --help` stays quick.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from stepwell import edit
    from stepwell.compiler import Compiled, check, compile_artifact
    from stepwell.diagnostics import Diagnostic
    from stepwell.editor.catalogue import NodeType, catalogue
    from stepwell.editor.scope import Scope, scope
    from stepwell.session import Session

__all__ = [
    "Compiled",
    "Diagnostic",
    "NodeType",
    "Scope",
    "Session",
    "__version__",
    "catalogue",
    "check",
    "compile_artifact",
    "edit",
    "scope",
]

_ROOMS = {
    "Compiled": "compiler",
    "check": "compiler",
    "compile_artifact": "compiler",
    "Diagnostic": "diagnostics",
    "NodeType": "editor.catalogue",
    "catalogue": "editor.catalogue",
    "Scope": "editor.scope",
    "Session": "session",
    "scope": "editor.scope",
}
"""Where each name of the door lives."""


class _Door(ModuleType):
    """The package. Importing the room `stepwell.check` must not put it in the place of the function `check`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name == "check" and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name == "edit":
        return importlib.import_module("stepwell.edit")
    if name in _ROOMS:
        return getattr(importlib.import_module(f"stepwell.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'stepwell' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Door
