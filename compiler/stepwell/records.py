"""Records: values that nobody changes, of which a compile makes dozens for each node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """`dataclass`, frozen for the type checker alone: the interpreter makes such a record four times as fast.

        (A frozen dataclass sets each of its fields by a call.)
        """
        from dataclasses import dataclass

        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["record"]
