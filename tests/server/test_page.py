"""The first run of docs/server.md, as it stands there, in a shell."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.dev.account import Dev

PAGE = Path(__file__).parents[2] / "docs" / "server.md"


def test_the_first_run(account: Dev, tmp_path: Path) -> None:
    section = PAGE.read_text("utf-8").split("\n## ")[1]
    blocks = re.findall(r"^```bash\n(.*?)^```", section, re.S | re.M)
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    script = "\n".join(blocks).replace("8787", str(port)).replace("stepwell serve &", f"stepwell serve --port {port} &")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "STEPWELL_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'kill %1' EXIT\n{script}"],
        cwd=tmp_path,
        env={**env, **account.env, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"status":"complete"' in done.stdout and '"output":{"order":"ord_001","by":"Ada"}' in done.stdout, done
    assert '"error":"' not in done.stdout
    assert (tmp_path / "stepwell.sqlite").stat().st_mode & 0o077 == 0
