"""What is known of a graph: regions, references, rules. Yields diagnostics, never text.

The library's door has a function of the same name, `stepwell.check(document)`. Importing this package makes it the
attribute of `stepwell`, in the function's place; so the package can be called, and calls the function.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.diagnostics import Diagnostic


class _Room(ModuleType):
    def __call__(self, document: object, *, off: Collection[str] = ()) -> list[Diagnostic]:
        from stepwell.compiler import check

        return check(document, off=off)


sys.modules[__name__].__class__ = _Room
