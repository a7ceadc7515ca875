"""Packages: chosen by npm, locked, installed once, and afterwards there without npm and network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.bundle.lock import LOCK_FILE, LockBroken, Tree, read_lock, read_tree, tree_text, write_lock
from stepwell.bundle.packages import LockStale, PackagesFailed, chosen, install_for, installed, resolve

from .registry import Registry

A = {"integrity": "sha512-AA==", "version": "1.0.0"}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry with `a`, which needs `b`; the folder `graphs` says so to npm. Caches are the test's own."""
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with Registry() as found:
        script = {"postinstall": f"touch {tmp_path / 'script-ran'}"}
        found.publish("a", "1.0.0", {"index.js": "1"}, dependencies={"b": "^2.0.0"}, scripts=script)
        found.publish("b", "2.0.0", {"index.js": "2"})
        (tmp_path / "graphs").mkdir()
        (tmp_path / "graphs" / ".npmrc").write_text(f"registry={found.url}\n")
        yield found


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    file = tmp_path / "graphs" / "order.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text("{}")
    return file


def _without_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_installed_once_and_then_without_npm(
    registry: Registry, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    found = install_for(graph, {"a": "^1"}, doing=said.append)
    assert found is not None
    assert said == ["Choosing versions of packages…", "Installing packages…"]
    assert found.versions == {"node_modules/a": "1.0.0", "node_modules/b": "2.0.0"}
    assert (found.node_modules / "b" / "index.js").read_text() == "2"
    assert not (tmp_path / "script-ran").exists()
    lock = graph.with_name(LOCK_FILE).read_text()
    assert "://" not in lock and "127.0.0.1" not in lock
    kept = read_lock(graph.with_name(LOCK_FILE))["order.json"].packages
    assert all(entry["integrity"].startswith("sha512-") for entry in kept.values())
    assert ".npmrc" not in [path.name for path in found.node_modules.parent.iterdir()]

    _without_npm(monkeypatch)
    said.clear()
    assert install_for(graph, {"a": "^1"}, frozen=True, doing=said.append) == found
    assert said == []
    with pytest.raises(PackagesFailed, match="npm was not found, and packages are installed with it"):
        install_for(graph, {"a": "^1", "b": "^2"})
    assert graph.with_name(LOCK_FILE).read_text() == lock


def test_a_lock_is_enough_to_install_the_same(registry: Registry, graph: Path) -> None:
    """From a lock that was committed, with an empty cache; a newer version and a damaged tree change nothing."""
    tree = resolve({"a": "^1"}, npmrc=graph.with_name(".npmrc"))
    registry.publish("a", "1.1.0", {"index.js": "newer"})
    write_lock(graph.with_name(LOCK_FILE), {"order.json": tree})
    found = install_for(graph, {"a": "^1"}, frozen=True)
    assert found is not None
    assert found.versions["node_modules/a"] == "1.0.0"
    shutil.rmtree(found.node_modules / "a")
    assert installed(tree, npmrc=graph.with_name(".npmrc")) == found
    assert (found.node_modules / "a" / "index.js").read_text() == "1"


def test_what_has_no_file_is_chosen_once(registry: Registry, graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", registry.url)
    assert chosen({}) is None
    tree = chosen({"b": "*"})
    assert tree is not None and tree.versions == {"node_modules/b": "2.0.0"}
    assert read_tree(tree_text(tree)) == tree
    registry.publish("b", "2.1.0", {})
    registry.publish("c", "1.0.0", {})
    more = chosen({"b": "*", "c": "*"}, tree)
    assert more is not None and more.versions["node_modules/b"] == "2.0.0" and "node_modules/c" in more.versions
    _without_npm(monkeypatch)
    assert chosen({"b": "*"}, tree) == tree


def test_locked_versions_stay_until_they_are_upgraded(registry: Registry, graph: Path) -> None:
    npmrc = graph.with_name(".npmrc")
    before = resolve({"a": "^1"}, npmrc=npmrc)
    registry.publish("a", "1.1.0", {"index.js": "newer"})
    registry.publish("c", "3.0.0", {})
    more = resolve({"a": "^1", "c": "*"}, before, npmrc=npmrc)
    assert more.versions == {"node_modules/a": "1.0.0", "node_modules/b": "2.0.0", "node_modules/c": "3.0.0"}
    shutil.rmtree(graph.parents[1] / "npm")  # npm keeps what a registry said for some minutes
    assert resolve({"a": "^1"}, npmrc=npmrc).versions == {"node_modules/a": "1.1.0"}


def test_content_that_has_changed_is_refused(registry: Registry, graph: Path) -> None:
    tree = resolve({"b": "2.0.0"}, npmrc=graph.with_name(".npmrc"))
    registry.replace_content("b", "2.0.0", {"package.json": '{"name": "b", "version": "2.0.0"}', "index.js": "evil"})
    with pytest.raises(PackagesFailed, match="EINTEGRITY"):
        installed(tree, npmrc=graph.with_name(".npmrc"))


def test_what_npm_says_is_told_in_one_line(registry: Registry, graph: Path) -> None:
    npmrc = graph.with_name(".npmrc")
    with pytest.raises(PackagesFailed, match=r"packages: No matching version found for a@\^9$"):
        resolve({"a": "^9"}, npmrc=npmrc)
    with pytest.raises(PackagesFailed, match="packages: The requested resource 'none@1' could not be found"):
        resolve({"none": "1"}, npmrc=npmrc)
    npmrc.write_text("registry=http://127.0.0.1:9/\n")
    with pytest.raises(PackagesFailed, match=r"the registry cannot be reached \(ECONNREFUSED\)"):
        resolve({"a": "^1"}, npmrc=npmrc)


def test_what_no_registry_has_is_refused(registry: Registry, graph: Path) -> None:
    registry.publish("far", "1.0.0", {}, dependencies={"b": f"{registry.url}b/-/2.0.0.tgz"})
    with pytest.raises(PackagesFailed, match="the package b does not come from a registry"):
        resolve({"far": "1"}, npmrc=graph.with_name(".npmrc"))


def test_a_lock_that_must_not_change(graph: Path) -> None:
    with pytest.raises(LockStale, match=r"stepwell.lock is not up to date with .*order.json: `stepwell install"):
        install_for(graph, {"a": "^1"}, frozen=True)
    assert not graph.with_name(LOCK_FILE).exists()


def test_each_graph_of_a_folder_has_its_part(graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_CACHE", str(tmp_path / "cache"))
    path = graph.with_name(LOCK_FILE)
    one = Tree({"a": "1"}, {"node_modules/a": A})
    graph.with_name("other.json").write_text("{}")
    write_lock(path, {"order.json": one, "other.json": one, "gone.json": one})
    graph.with_name("third.json").write_text("{}")
    assert install_for(graph.with_name("third.json"), {}, frozen=True) is None  # it asks for nothing: nothing to do
    assert set(read_lock(path)) == {"order.json", "other.json", "gone.json"}
    with pytest.raises(LockStale):
        install_for(graph, {}, frozen=True)
    assert install_for(graph, {}) is None
    assert read_lock(path) == {"other.json": one}
    assert install_for(graph.with_name("other.json"), {}) is None
    assert not path.exists()


def _part(place: str, entry: dict[str, str]) -> str:
    part = {"dependencies": {"a": "1"}, "packages": {place: entry}}
    return json.dumps({"lockVersion": 1, "graphs": {"order.json": part}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD\n", "is not JSON"),
        ("[]", "not a lock file of this version"),
        ('{"lockVersion": 2, "graphs": {}}', "not a lock file of this version"),
        (
            '{"lockVersion": 1, "graphs": {"order.json": {"dependencies": {"a": 1}}}}',
            "the part of order.json is broken",
        ),
        (_part("node_modules/a", {"version": "1.0.0"}), "no place, version or hash"),
        (_part("node_modules/a", A | {"resolved": "https://elsewhere.test/a.tgz"}), "no place, version or hash"),
        (_part("node_modules/../../a", A), "no place, version or hash"),
        (_part("../a", A), "no place, version or hash"),
        (_part("node_modules/a/b", A), "no place, version or hash"),
    ],
)
def test_a_broken_lock(graph: Path, text: str, message: str) -> None:
    path = graph.with_name(LOCK_FILE)
    path.write_text(text)
    with pytest.raises(LockBroken, match=message):
        read_lock(path)
    with pytest.raises(PackagesFailed, match="`stepwell install` makes it anew"):
        install_for(graph, {"a": "1"})
    assert path.read_text() == text


def test_places_of_a_lock(tmp_path: Path) -> None:
    tree = Tree({"@a/b": "1"}, {"node_modules/@a/b/node_modules/@c/d.e": A, "node_modules/JSONStream": A})
    write_lock(tmp_path / LOCK_FILE, {"order.json": tree})
    assert read_lock(tmp_path / LOCK_FILE) == {"order.json": tree}
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]


def test_two_processes_at_once(registry: Registry, graph: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from stepwell.bundle.packages import install_for\n"
        f"print(install_for(Path({str(graph)!r}), {{'a': '^1'}}).node_modules)"
    )
    started = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate(timeout=120)[0].strip() for process in started}
    assert len(found) == 1
    assert (Path(found.pop()) / "a" / "index.js").is_file()
    assert sum(path.endswith("a/-/1.0.0.tgz") for path in registry.asked) == 1
