"""The toolchain: found, installed once, and never half."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.bundle import toolchain
from stepwell.bundle.toolchain import Toolchain, ToolchainMissing, ensure, locate

NPM = Path(toolchain.__file__).with_name("npm")


def test_the_tools_run() -> None:
    tools = ensure()
    assert locate() == tools
    for tool, expected in ((tools.workerd, "workerd 2026"), (tools.esbuild, "0.28.2"), (tools.tsc, "7.0.2")):
        told = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
        assert expected in told.stdout
    assert (tools.types / "node_modules/@cloudflare/workers-types/index.d.ts").is_file()


def test_the_lock_file_names_no_registry_and_pins_what_is_fetched() -> None:
    text = (NPM / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    wanted = json.loads((NPM / "package.json").read_text())
    for name, version in {**wanted["dependencies"], **wanted["optionalDependencies"]}.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    linux = [entry for name, entry in packages.items() if name and "darwin" not in name]
    assert all(entry["integrity"].startswith("sha512-") for entry in linux)


def test_a_missing_tool_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path))
    with pytest.raises(ToolchainMissing, match=r"workerd is not installed in .*: the first `stepwell run`"):
        locate()


def test_npm_missing_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolchainMissing, match="npm was not found") as caught:
        ensure()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_npm_that_fails_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = _fake_npm(tmp_path / "bin", "echo 'npm error code E401' >&2; echo 'npm error no entry' >&2; exit 1")
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{npm.parent}:{os.environ['PATH']}")
    with pytest.raises(ToolchainMissing, match=r"npm could not install .*: code E401; no entry"):
        ensure()
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_npm_that_leaves_out_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = _fake_npm(tmp_path / "bin", "exit 0")
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{npm.parent}:{os.environ['PATH']}")
    with pytest.raises(ToolchainMissing, match=r"workerd is not installed.*npm left it out"):
        ensure()


def test_an_install_is_whole_and_tells_its_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for npm puts the tools that are installed already where npm would."""
    done = ensure()
    npm = _fake_npm(tmp_path / "bin", f"sleep 0.3; cp -r '{done.types}/node_modules' node_modules")
    cache = tmp_path / "cache"
    monkeypatch.setenv("STEPWELL_CACHE", str(cache))
    monkeypatch.setenv("PATH", f"{npm.parent}:{os.environ['PATH']}")
    told: list[tuple[str, float]] = []
    made = ensure(lambda label, part: told.append((label, part)))
    assert made.types.parent == cache
    assert made.types.name == done.types.name
    assert (told[0][1], told[-1][1]) == (0.0, 1.0)
    assert [part for _, part in told] == sorted(part for _, part in told)
    made.esbuild.unlink()  # damaged: it is replaced
    assert ensure() == made
    assert made.esbuild.is_file()
    assert sorted(path.name for path in cache.iterdir()) == [made.types.name, f"{made.types.name}.lock"]


def test_several_processes_at_once(tmp_path: Path) -> None:
    """Only one of them installs; all find the same."""
    done = ensure()
    count = tmp_path / "count"
    npm = _fake_npm(tmp_path / "bin", f"echo x >> '{count}'; sleep 0.3; cp -r '{done.types}/node_modules' .")
    path = f"{npm.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "STEPWELL_CACHE": str(tmp_path / "cache"), "PATH": path}
    program = "from stepwell.bundle.toolchain import ensure; print(ensure().workerd)"
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    found = {process.communicate(timeout=60)[0].strip() for process in started}
    assert len(found) == 1
    assert Path(found.pop()).is_file()
    assert count.read_text() == "x\n"


def test_a_warm_cache_is_quick_and_quiet() -> None:
    ensure()
    told: list[float] = []
    assert isinstance(ensure(lambda _, part: told.append(part)), Toolchain)
    assert told == []


@pytest.mark.parametrize(
    ("system", "machine", "message"),
    [
        ("win32", "AMD64", "no build for win32 on amd64"),
        ("linux", "riscv64", "no build for linux on riscv64"),
    ],
)
def test_unsupported_platforms(system: str, machine: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    with pytest.raises(ToolchainMissing, match=message):
        locate()


def test_musl(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {("linux", m): toolchain._Platform("x", "x", "/no/ld.so") for m in ("x86_64", "aarch64")}
    monkeypatch.setattr(toolchain, "_PLATFORMS", broken)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(ToolchainMissing, match="needs glibc"):
        ensure()


def _fake_npm(folder: Path, script: str) -> Path:
    folder.mkdir(parents=True)
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    node = shutil.which("node")
    (folder / "node").symlink_to(node or "/bin/true")
    return npm
