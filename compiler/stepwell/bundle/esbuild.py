"""TypeScript and JavaScript through the esbuild binary: one module out of one or of many, every fault placed.

`transform` prints one module as it is. `bundle` links several, and the packages that they import, to one. Those
modules have no place on disk: esbuild works in a folder made for the call, and sees and prints paths below it only.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from stepwell.javascript import NODE_MODULES

_HEADER: Final = re.compile(r"^\S+ \[(ERROR|WARNING)\] (.*)$")
_PLACE: Final = re.compile(r"^    (\S.*?):(\d+):(\d+):$")
_LINE_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
_INLINE_MAP: Final = re.compile(r"//# sourceMappingURL=data:application/json;base64,([A-Za-z0-9+/=]*)\s*\Z")
_RULE_NAME: Final = re.compile(r" \[[a-z0-9-]+\]$")

CONDITIONS: Final = ("workerd", "worker", "browser")
"""Of the variants that a package offers (`exports`), those meant for Cloudflare's runtime: as its own tool chooses."""

_REQUIRE: Final = (
    'import { createRequire as $require } from "node:module"; const require = $require("file:///worker.js");'
)
"""For CommonJS packages that require modules of the runtime: an ES module has no `require` of its own."""

_OUT: Final = "stepwell-bundle.js"
_META: Final = "stepwell-bundle.json"

Texts = Callable[[str], str]
"""The text of a module by the path that esbuild calls it by."""


@dataclass(frozen=True)
class Fault:
    """A finding of esbuild: 1-based line, 0-based column in characters of the text that was given.

    `path` is the module's when several were given; None where esbuild names none.
    """

    message: str
    line: int
    column: int
    path: str | None = None


@dataclass(frozen=True)
class Transformed:
    """The printed module (empty when there are faults) and its source map as JSON text, if asked for."""

    code: str
    map: str | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True)
class Bundled:
    """The linked module (empty when there are faults), its source map as JSON text, and esbuild's metafile.

    The map's sources are paths of the modules that were given, and `node_modules/…` for those of packages.
    """

    code: str
    map: str
    metafile: Mapping[str, Any]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = field(default=())

    @property
    def sizes(self) -> dict[str, int]:
        """By path, how many bytes of the linked module came from each."""
        return {path: told["bytesInOutput"] for path, told in self._output.get("inputs", {}).items()}

    @property
    def externals(self) -> frozenset[str]:
        """The modules that are left to the runtime."""
        return frozenset(told["path"] for told in self._output.get("imports", ()) if told.get("external"))

    @property
    def requires(self) -> bool:
        """Whether any of those is asked for by `require`."""
        return any(told["kind"] == "require-call" for told in self._output.get("imports", ()))

    @property
    def _output(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.metafile.get("outputs", {}).get(_OUT, {})
        return found


def transform(
    esbuild: Path, source: str, *, loader: Literal["js", "ts"], sourcemap: bool, target: str = "es2022"
) -> Transformed:
    """Prints one module as JavaScript, its imports and exports as they are.

    An inline source map at the end of ``source`` is composed with the new one. Faults are values; OSError is
    raised when the binary cannot be run, RuntimeError when it breaks down.
    """
    flags = [f"--loader={loader}", *_flags(target), *(["--sourcemap=inline"] if sourcemap else [])]
    printed, found = _run(esbuild, flags, esbuild.parent, lambda _: source, source)
    faults, warnings = _by_kind((kind, Fault(one.message, one.line, one.column)) for kind, one in found)
    code, mapping = _split_map(printed) if sourcemap else (printed, None)
    return Transformed(code, mapping, faults, warnings)


def bundle(
    esbuild: Path,
    modules: Mapping[str, str],
    entry: str,
    *,
    node_modules: Path | None = None,
    target: str = "es2022",
) -> Bundled:
    """Links modules, given as text by path, and what they import from packages, to one ES module without dead code.

    Paths are relative and name the language by their ending (`nodes/slack@1.0.0.ts`); modules import each other by
    them (`./nodes/slack@1.0.0.ts`). `node_modules` is the folder of installed packages. What the runtime has
    (`cloudflare:*`, `node:*`) stays an import. An inline source map at the end of a module is composed with the new
    one. The same input gives the same text, wherever it is made. Raises as `transform`, ValueError for a wrong path.
    """
    for path in modules:
        _check_path(path)
    with tempfile.TemporaryDirectory(prefix="stepwell-") as name:
        folder = Path(name).resolve()
        _lay_out(folder, modules, node_modules)
        flags = [f"./{entry}", *_bundle_flags(target, node_modules)]
        made = _bundle(esbuild, flags, folder, modules)
        return _bundle(esbuild, [*flags, f"--banner:js={_REQUIRE}"], folder, modules) if made.requires else made


def _check_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if str(PurePosixPath(path)) != path or path.startswith("/") or {"..", "node_modules"} & set(parts):
        raise ValueError(f"a module's path is relative, in its shortest form and no package's: {path!r}")


def _lay_out(folder: Path, modules: Mapping[str, str], node_modules: Path | None) -> None:
    """The modules as files. The package.json ends esbuild's search for one that says what kind of modules they are."""
    (folder / "package.json").write_text('{"type": "module"}\n')
    if node_modules is not None:
        (folder / "node_modules").symlink_to(node_modules.resolve(), target_is_directory=True)
    for path, text in modules.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_utf8(text))


def _bundle_flags(target: str, node_modules: Path | None) -> list[str]:
    flags = [*_flags(target), "--bundle", "--format=esm", "--platform=browser", f"--conditions={','.join(CONDITIONS)}"]
    flags += ['--define:process.env.NODE_ENV="production"', "--keep-names", "--preserve-symlinks"]
    flags += ["--loader:.txt=text", "--loader:.html=text", "--loader:.sql=text", "--loader:.bin=binary"]
    flags += [f"--external:{module}" for module in ("cloudflare:*", "node:*", *_runtimes_own(node_modules))]
    return [*flags, f"--outfile={_OUT}", "--sourcemap=external", f"--metafile={_META}"]


def _runtimes_own(node_modules: Path | None) -> list[str]:
    """Node's modules by their short names. A package of such a name is there because one asked for it: it is taken."""
    return [name for name in sorted(NODE_MODULES) if node_modules is None or not (node_modules / name).is_dir()]


def _bundle(esbuild: Path, flags: list[str], folder: Path, modules: Mapping[str, str]) -> Bundled:
    def text(path: str) -> str:
        return modules[path] if path in modules else _of_package(folder / path)

    _, found = _run(esbuild, flags, folder, text)
    faults, warnings = _by_kind(found)
    if faults:
        return Bundled("", "", {}, faults, warnings)
    code, map_, metafile = ((folder / name).read_text("utf-8") for name in (_OUT, f"{_OUT}.map", _META))
    return _only_ours(Bundled(code, map_, json.loads(metafile), (), warnings))


def _of_package(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:  # a name that esbuild gives to what is no file
        return ""


def _only_ours(made: Bundled) -> Bundled:
    """esbuild also finds packages in folders above its own: such a Worker would differ from machine to machine."""
    foreign = [path for path in made.metafile["inputs"] if path.startswith("../")]
    faults = [
        Fault(f"{package_of(path) or path} is installed on this machine, not for this Worker", 1, 0) for path in foreign
    ]
    return Bundled("", "", {}, tuple(faults), made.warnings) if faults else made


def package_of(path: str) -> str | None:
    """The package that a file of an installed tree belongs to; None for one outside."""
    _, found, inside = path.rpartition("node_modules/")
    return "/".join(inside.split("/")[: 2 if inside.startswith("@") else 1]) if found else None


def _flags(target: str) -> list[str]:
    flags = [f"--target={target}", "--charset=utf8"]
    flags += ["--tsconfig-raw={}"]  # else a tsconfig.json that happens to lie about would change the output
    return [*flags, "--log-limit=0", "--log-level=warning", "--color=false"]


def _run(
    esbuild: Path, flags: list[str], folder: Path, texts: Texts, source: str = ""
) -> tuple[str, list[tuple[str, Fault]]]:
    """What esbuild prints, and its findings with their kinds."""
    command = [str(esbuild), *flags]
    done = subprocess.run(command, input=_utf8(source), capture_output=True, cwd=folder, check=False)
    log = done.stderr.decode("utf-8", "replace")
    found = list(_findings(log, texts))
    if done.returncode != 0 and all(kind != "ERROR" for kind, _ in found):
        raise RuntimeError(f"esbuild ended with code {done.returncode}: {log.strip()[:500]}")
    return done.stdout.decode("utf-8"), found


def _by_kind(found: Iterable[tuple[str, Fault]]) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Errors and warnings."""
    listed = list(found)
    return tuple(f for kind, f in listed if kind == "ERROR"), tuple(f for kind, f in listed if kind == "WARNING")


def _utf8(source: str) -> bytes:
    """Lone surrogates, which JSON can hold and UTF-8 cannot, become the replacement character."""
    return source.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _split_map(printed: str) -> tuple[str, str | None]:
    found = _INLINE_MAP.search(printed)
    if found is None:
        return printed, None
    return printed[: found.start()], base64.b64decode(found.group(1)).decode("utf-8")


def _findings(log: str, texts: Texts) -> Iterator[tuple[str, Fault]]:
    """Reads esbuild's log. Excerpts of the source are indented in it: none passes for a header."""
    block: list[str] = []
    for line in [*log.split("\n"), "x [ERROR] end"]:
        if _HEADER.match(line) and block:
            yield from _finding(block, texts)
            block = []
        block.append(line)


def _finding(block: list[str], texts: Texts) -> Iterator[tuple[str, Fault]]:
    header = _HEADER.match(block[0])
    if header is None:  # what comes before the first finding
        return
    message = _RULE_NAME.sub("", header[2]).rstrip(":")
    place = next((found for found in map(_PLACE.match, block) if found), None)
    if place is None:
        yield header[1], Fault(message, 1, 0)
        return
    path, line, column = place[1], int(place[2]), int(place[3])
    yield header[1], Fault(message, line, _characters(texts(path), line, column), path)


def _characters(source: str, line: int, column: int) -> int:
    """esbuild counts bytes of UTF-8 in its columns."""
    lines = _LINE_END.split(source)
    text = lines[line - 1] if line <= len(lines) else ""
    return len(_utf8(text)[:column].decode("utf-8", "ignore"))
