"""`Program` → the text of a Worker, through the templates of `templates/worker/`, and its source map."""

from stepwell.emit.module import Emitted, emit
from stepwell.emit.sheet import Sheet, map_of
from stepwell.emit.sourcemap import read_map, source_map

__all__ = ["Emitted", "Sheet", "emit", "map_of", "read_map", "source_map"]
