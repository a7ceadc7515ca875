"""Whether the runtime itself takes a module: what esbuild lets pass (a broken regular expression) is found here."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from stepwell.bundle.esbuild import Fault

_FAULT: Final = re.compile(r"Uncaught (.+?)(?:\n\s+at worker\.js:(\d+)(?::(\d+))?|\n|$)")
_CONFIG: Final = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "worker", worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "DATE"))]);
"""


def load_faults(workerd: Path, js: str, compatibility_date: str) -> list[Fault]:
    """What the runtime says when it loads the module, at most one fault; about 30 ms. OSError when it cannot be run.

    Nothing of the module's own is called; its top level runs, as it does on Cloudflare.
    """
    with tempfile.TemporaryDirectory(prefix="stepwell-") as folder:
        Path(folder, "worker.js").write_text(js, "utf-8", "replace")
        Path(folder, "config.capnp").write_text(_CONFIG.replace("DATE", compatibility_date))
        command = [str(workerd), "test", "--experimental", "config.capnp"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    found = _FAULT.search(done.stderr)
    if found is None:
        return []
    return [Fault(found[1].strip(), int(found[2] or 1), max(int(found[3] or 1) - 1, 0))]
