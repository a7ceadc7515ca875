"""`tsc --strict` over all goldens' `worker.ts` at once, with Cloudflare's own types."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stepwell.bundle.toolchain import Toolchain
from stepwell.compiler import Compiled
from stepwell.javascript.template import with_type

from .cases import Case

_ERROR: Final = re.compile(r"^(?P<case>[^/(]+)/worker\.ts\((?P<rest>.*)$")


def type_errors(toolchain: Toolchain, workers: Mapping[str, Compiled], folder: Path) -> dict[str, list[str]]:
    """What tsc has against each Worker, by case. Custom nodes whose `ctx` has no type get `any`."""
    for case, made in workers.items():
        modules = {path: with_type(text, "any") for path, text in made.modules.items()}
        for name, text in {"worker.ts": made.source or "", **modules}.items():
            path = folder / case / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        if (packages := Case(case).folder / "packages").is_dir():
            (folder / case / "node_modules").symlink_to(packages)
    (folder / "node.d.ts").write_text('declare module "node:*";\n', "utf-8")  # their types are no part of the toolchain
    (folder / "node_modules").symlink_to(toolchain.types / "node_modules")
    (folder / "tsconfig.json").write_text(json.dumps(_config()), "utf-8")
    done = subprocess.run(
        [str(toolchain.tsc), "--project", "tsconfig.json", "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, list[str]] = defaultdict(list)
    for line in done.stdout.splitlines():
        told = _ERROR.match(line)
        if told:
            found[told["case"]].append(f"worker.ts({told['rest']}")
        elif line and not line.startswith(" "):
            found["tsc"].append(line)
    if done.returncode != 0 and not found:
        found["tsc"].append(done.stderr or f"exit code {done.returncode}")
    return found


def _config() -> dict[str, object]:
    options = {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
        "lib": ["es2024"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "moduleDetection": "force",
        "allowImportingTsExtensions": True,
        "types": ["@cloudflare/workers-types"],
    }
    return {"compilerOptions": options, "include": ["*/worker.ts", "node.d.ts"]}
