"""What travelled with a workflow's Worker: its graph, the nodes of its steps, where its code comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stepwell.cloudflare import ApiError, Talk
from stepwell.cloudflare.talk import get
from stepwell.graph.stepnames import node_of

from .models import CodePlace

if TYPE_CHECKING:
    from stepwell.emit.sourcemap import SourcePlaces

_MAP = "worker.js.map"


class Deployed:
    """The graph of a workflow as it is live; runs of an older version are read by it too."""

    def __init__(self, modules: Mapping[str, bytes]) -> None:
        from stepwell.deploy.carried import read

        self._modules = modules
        self._places: SourcePlaces | None = None
        carried = read(modules)
        self._nodes = {} if carried is None else carried.steps
        self.graph: dict[str, Any] | None = None if carried is None else carried.drawn
        """What `stepwell.picture` draws; None where the graph did not travel."""

    def node(self, step: str) -> str | None:
        """The id of the node that a step belongs to."""
        return node_of(step, self._nodes)

    def place(self, stack: str) -> CodePlace | None:
        """Where in the graph's code an error arose, by its stack."""
        places = self._read_map()
        found = places.thrown_at(stack)
        if found is None:
            return None
        return CodePlace(found.source, found.line, found.column, places.line(found))

    def _read_map(self) -> SourcePlaces:
        from stepwell.emit.sourcemap import SourcePlaces

        if self._places is None:
            self._places = SourcePlaces(self._modules.get(_MAP, b"{}").decode("utf-8", "replace"))
        return self._places


def read_deployed(workflow: str) -> Talk[Deployed]:
    """What is live of a workflow; of a Worker that is not from here, or may not be read, nothing is known.

    Raises `ApiError` for trouble on the way, after which it is worth asking again.
    """
    from stepwell.deploy.live import content, modules_of

    try:
        script = str((yield from get(f"workflows/{quote(workflow, safe='')}"))["script_name"])
        return Deployed(modules_of((yield from content(script))))
    except ApiError as error:
        if error.status == 429 or not 400 <= error.status < 500:
            raise
        return Deployed({})
