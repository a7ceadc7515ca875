"""Edits of a document that change nothing else and leave it valid: rename, insert, delete, extract.

Each takes JSON text or a value, leaves it as it is, and gives `Edited` (with the new document in the same form, and
what changed) or `Refused` (with findings); `.ok` tells them apart. `UnknownNode` is raised for an id that is no node's.
"""

from stepwell.editor.changes import Change
from stepwell.editor.delete import ALL, delete
from stepwell.editor.draft import UnknownNode
from stepwell.editor.edits import Edited, Refused
from stepwell.editor.extract import extract
from stepwell.editor.insert import insert
from stepwell.editor.rename import rename

__all__ = ["ALL", "Change", "Edited", "Refused", "UnknownNode", "delete", "extract", "insert", "rename"]
