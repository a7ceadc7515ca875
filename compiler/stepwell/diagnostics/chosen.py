"""Findings as people name them: by slug or by code."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from stepwell.diagnostics.codes import CODES, Code


def find(word: str) -> Code:
    """The finding of that slug or code, however it is written. Raises ValueError, which says what was meant."""
    by_word = {code.slug: code for code in CODES.values()} | CODES
    found = by_word.get(word.upper()) or by_word.get(word.lower())
    if found is None:
        raise ValueError(f"there is no finding {word!r}.{_did_you_mean(word.lower(), by_word)}")
    return found


def slugs_of(words: Iterable[str]) -> frozenset[str]:
    """The slugs of findings named by slug or code. Raises ValueError.

    A bare string is taken for a mistake: its letters name nothing, and would be ignored one by one.
    """
    if isinstance(words, str):
        raise ValueError(f"give a set of slugs or codes, like {{{words!r}}}, not text")
    return frozenset(find(word).slug for word in words)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    by_lower = {name.lower(): name for name in known}
    begun = [name for name in by_lower if len(word) > 2 and name.startswith(word)]
    near = begun or get_close_matches(word, by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""
