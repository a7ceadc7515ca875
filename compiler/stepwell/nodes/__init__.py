"""Custom nodes on disk and in packages: found and read into the value that a compile is given.

`find` looks where nodes may lie; `read` reads folders and files of them. Neither keeps anything.
"""

from stepwell.graph.nodes import CustomNode, Nodes
from stepwell.nodes.places import Found, find, read, watched

__all__ = ["CustomNode", "Found", "Nodes", "find", "read", "watched"]
