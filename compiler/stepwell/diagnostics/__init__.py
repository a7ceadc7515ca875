"""Findings as values: a code, a place, what to do. This room knows nothing of the others."""

from stepwell.diagnostics.chosen import find, slugs_of
from stepwell.diagnostics.codes import CODES, Code, Severity
from stepwell.diagnostics.diagnostic import Diagnostic, Place, SnippetPosition, has_errors, pointer

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "Place",
    "Severity",
    "SnippetPosition",
    "find",
    "has_errors",
    "pointer",
    "slugs_of",
]
