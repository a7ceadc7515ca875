"""stepwell: compiles visual workflow graphs into Cloudflare Workers and runs them.

`compile_artifact` and `check` are the library's door; they are imported when first asked for, so that
`stepwell --help` stays quick.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from stepwell.compiler import Compiled, check, compile_artifact
    from stepwell.diagnostics import Diagnostic

__all__ = ["Compiled", "Diagnostic", "__version__", "check", "compile_artifact"]


class _Door(ModuleType):
    """The package. Importing the room `stepwell.check` must not put it in the place of the function `check`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name == "check" and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name == "Diagnostic":
        from stepwell.diagnostics import Diagnostic

        return Diagnostic
    if name in ("Compiled", "check", "compile_artifact"):
        from stepwell import compiler

        return getattr(compiler, name)
    raise AttributeError(f"module 'stepwell' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Door
