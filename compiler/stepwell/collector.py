"""Python's collector of circular garbage rests while a compile makes its objects.

A compile makes many objects and next to no circles, so that looking through them again and again for garbage finds
none, and takes a sixth of the time. The collector is the process's, and so:

- at most one compile at a time has it rest; those beside it take it as it is. So it never rests for longer than one
  compile takes, however many follow upon each other;
- where the program has switched it off, it stays off.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_OWNER = threading.Lock()


@contextmanager
def paused() -> Iterator[None]:
    """The collector rests, unless somebody else has it rest already."""
    if not gc.isenabled() or not _OWNER.acquire(blocking=False):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _OWNER.release()
