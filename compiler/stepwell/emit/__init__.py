"""`Program` → the text of a Worker, through the templates of `templates/worker/`, and its source map."""

from stepwell.emit.module import Emitted, emit
from stepwell.emit.sourcemap import read_map, source_map

__all__ = ["Emitted", "emit", "read_map", "source_map"]
