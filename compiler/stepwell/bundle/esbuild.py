"""TypeScript and JavaScript through the esbuild binary: one module in, one module out, every fault placed."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_HEADER: Final = re.compile(r"^\S+ \[(ERROR|WARNING)\] (.*)$")
_PLACE: Final = re.compile(r"^    <stdin>:(\d+):(\d+):$")
_LINE_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
_INLINE_MAP: Final = re.compile(r"//# sourceMappingURL=data:application/json;base64,([A-Za-z0-9+/=]*)\s*\Z")
_RULE_NAME: Final = re.compile(r" \[[a-z0-9-]+\]$")


@dataclass(frozen=True)
class Fault:
    """A finding of esbuild: 1-based line, 0-based column in characters of the text that was given."""

    message: str
    line: int
    column: int


@dataclass(frozen=True)
class Transformed:
    """The printed module (empty when there are faults) and its source map as JSON text, if asked for."""

    code: str
    map: str | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def transform(
    esbuild: Path, source: str, *, loader: Literal["js", "ts"], sourcemap: bool, target: str = "es2022"
) -> Transformed:
    """Prints one module as JavaScript, its imports and exports as they are.

    An inline source map at the end of ``source`` is composed with the new one. Faults are values; OSError is
    raised when the binary cannot be run, RuntimeError when it breaks down.
    """
    command = [str(esbuild), *_flags(loader, sourcemap, target)]
    done = subprocess.run(command, input=_utf8(source), capture_output=True, cwd=esbuild.parent, check=False)
    log = done.stderr.decode("utf-8", "replace")
    found = list(_findings(log, source))
    faults = tuple(fault for kind, fault in found if kind == "ERROR")
    if done.returncode != 0 and not faults:
        raise RuntimeError(f"esbuild ended with code {done.returncode}: {log.strip()[:500]}")
    code, mapping = _split_map(done.stdout.decode("utf-8")) if sourcemap else (done.stdout.decode("utf-8"), None)
    return Transformed(code, mapping, faults, tuple(fault for kind, fault in found if kind == "WARNING"))


def _flags(loader: str, sourcemap: bool, target: str) -> list[str]:
    flags = [f"--loader={loader}", f"--target={target}", "--charset=utf8"]
    flags += ["--tsconfig-raw={}"]  # else a tsconfig.json that happens to lie about would change the output
    flags += ["--log-limit=0", "--log-level=warning", "--color=false"]
    return [*flags, "--sourcemap=inline"] if sourcemap else flags


def _utf8(source: str) -> bytes:
    """Lone surrogates, which JSON can hold and UTF-8 cannot, become the replacement character."""
    return source.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _split_map(printed: str) -> tuple[str, str | None]:
    found = _INLINE_MAP.search(printed)
    if found is None:
        return printed, None
    return printed[: found.start()], base64.b64decode(found.group(1)).decode("utf-8")


def _findings(log: str, source: str) -> Iterator[tuple[str, Fault]]:
    """Reads esbuild's log. Excerpts of the source are indented in it: none passes for a header."""
    block: list[str] = []
    for line in [*log.split("\n"), "x [ERROR] end"]:
        if _HEADER.match(line) and block:
            yield from _finding(block, source)
            block = []
        block.append(line)


def _finding(block: list[str], source: str) -> Iterator[tuple[str, Fault]]:
    header = _HEADER.match(block[0])
    if header is None:  # what comes before the first finding
        return
    place = next((found for found in map(_PLACE.match, block) if found), None)
    line, column = (int(place[1]), int(place[2])) if place else (1, 0)
    yield header[1], Fault(_RULE_NAME.sub("", header[2]).rstrip(":"), line, _characters(source, line, column))


def _characters(source: str, line: int, column: int) -> int:
    """esbuild counts bytes of UTF-8 in its columns."""
    lines = _LINE_END.split(source)
    text = lines[line - 1] if line <= len(lines) else ""
    return len(_utf8(text)[:column].decode("utf-8", "ignore"))
