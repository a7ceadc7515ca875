"""The library's door: read, check, lower, emit, bundle. Functions without state; two compiles never see each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from stepwell.diagnostics import Diagnostic, Severity, has_errors, slugs_of
from stepwell.diagnostics import codes as c

if TYPE_CHECKING:
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.bundle.worker import Module, Origin
    from stepwell.check.analysis import Analysis
    from stepwell.emit import Emitted
    from stepwell.graph.read import Document
    from stepwell.lower.program import Program

Language = Literal["ts", "js"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a compile gives. With errors there are only `diagnostics`: the parts of the Worker are `None`.

    `source` is the form for people (`language`), `js` what is uploaded, `source_map` its map (JSON text),
    `manifest` and `wrangler` are JSON values, `program` is the text of the program in between.
    """

    diagnostics: tuple[Diagnostic, ...]
    source: str | None = None
    js: str | None = None
    source_map: str | None = None
    manifest: dict[str, Any] | None = None
    wrangler: dict[str, Any] | None = None
    program: str | None = None
    language: Language = "ts"
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of `envVars` that are no secrets."""

    @property
    def ok(self) -> bool:
        return self.js is not None


def check(document: object, *, off: Collection[str] = ()) -> list[Diagnostic]:
    """All findings about a document, in file order.

    `document` is JSON text (then findings have places) or a JSON value. `off` are slugs or codes of warnings and
    notes that are not wanted; errors are always given. Raises ValueError when `off` names what is no finding.
    """
    slugs = slugs_of(off)
    _, _, found = _analyse(document)
    return _finish(document, found, slugs)


def compile_artifact(
    document: object, *, language: Language = "ts", toolchain: Toolchain | None = None, off: Collection[str] = ()
) -> Compiled:
    """Compile a document (see `check`) to a Worker.

    Plain JavaScript needs no tool. TypeScript in a body is turned to JavaScript by esbuild: that of `toolchain`, or
    an installed one (finding SW801 when there is none). With a `toolchain` a full parser reads the result as well, and
    the runtime loads it (about 50 ms).
    Raises nothing for what a user wrote; ValueError for another `language`, and for `off` as `check` does.
    """
    from stepwell.bundle.worker import too_large

    if language not in get_args(Language):
        raise ValueError(f"language must be 'ts' or 'js', not {language!r}")
    slugs = slugs_of(off)
    read, analysis, found = _analyse(document)
    if read is None or analysis is None:
        return Compiled(tuple(_finish(document, found, slugs)), language=language)
    program, emitted = _emit(analysis, "js" if _plain(analysis) else "ts")
    module, faults = _bundle(analysis, program, emitted, toolchain)
    found += faults + (too_large(module.js) if module is not None else [])
    if module is None or has_errors(found):
        return Compiled(tuple(_finish(document, found, slugs)), language=language)
    return _compiled(read, program, emitted, module, language, tuple(_finish(document, found, slugs)))


def _analyse(document: object) -> tuple[Document | None, Analysis | None, list[Diagnostic]]:
    from stepwell.check.analysis import analyse
    from stepwell.graph.read import read_text, read_value

    read, found = read_text(document) if isinstance(document, str) else read_value(document)
    if read is None or has_errors(found):
        return None, None, found
    analysis, more = analyse(read)
    return read, analysis, [*found, *more]


def _plain(analysis: Analysis) -> bool:
    from stepwell.lower.lower import language_of

    return language_of(analysis) == "js"


def _emit(analysis: Analysis, language: Language) -> tuple[Program, Emitted]:
    from stepwell.emit import emit
    from stepwell.lower.lower import lower

    program = lower(analysis)
    return program, emit(program, language)


def _bundle(
    analysis: Analysis, program: Program, emitted: Emitted, toolchain: Toolchain | None
) -> tuple[Module | None, list[Diagnostic]]:
    """The module to upload. With a toolchain a full parser and the runtime itself must take it."""
    from stepwell.bundle.worker import refuse_at_load
    from stepwell.emit import read_map

    module, faults = _module(analysis, program, emitted, toolchain)
    if module is not None and toolchain is not None and not faults:
        mappings = emitted.mappings if program.language == "js" else read_map(module.map)
        faults = refuse_at_load(toolchain.workerd, module.js, mappings, _origins(analysis))
    return module, faults


def _module(
    analysis: Analysis, program: Program, emitted: Emitted, toolchain: Toolchain | None
) -> tuple[Module | None, list[Diagnostic]]:
    """The module. Types are stripped where there are any."""
    from stepwell.bundle.toolchain import ToolchainMissing, locate
    from stepwell.bundle.worker import Module, refuse_unloadable, strip_types
    from stepwell.emit import source_map

    origins = _origins(analysis)
    map_ = source_map(emitted, program)
    if program.language == "js":
        faults = refuse_unloadable(toolchain.esbuild, emitted.text, emitted.mappings, origins) if toolchain else []
        return Module(emitted.text, map_), faults
    try:
        tools = toolchain or locate()
    except ToolchainMissing as missing:
        return None, [Diagnostic(c.TOOL_MISSING, f"the code is TypeScript, and {missing}")]
    return strip_types(tools.esbuild, emitted.text, map_, emitted.mappings, origins)


def _origins(analysis: Analysis) -> dict[str, Origin]:
    from stepwell.check.trigger import SOURCE
    from stepwell.check.values import codes_of

    origins: dict[str, Origin] = {SOURCE: ("/" + SOURCE, None)}
    for vertex, fields in enumerate(analysis.fields):
        for value in fields.values():
            for code in codes_of(value):
                origins[code.source] = (code.pointer, analysis.flow.nodes[vertex].id)
    return origins


def _compiled(
    read: Document,
    program: Program,
    emitted: Emitted,
    module: Module,
    language: Language,
    found: tuple[Diagnostic, ...],
) -> Compiled:
    from stepwell.bundle.manifest import SOURCE_MAP_COMMENT, manifest, wrangler
    from stepwell.emit import emit
    from stepwell.lower.text import text

    readable = emitted if program.language == language else emit(program, language)
    source = module.js if language == "js" else readable.text
    js = f"{module.js.rstrip()}\n{SOURCE_MAP_COMMENT}"
    known = manifest(read, program, js)
    variables = {v.name: v.value for v in read.source.envVars if not v.isSecret}
    return Compiled(
        found, source, js, module.map, known, wrangler(known, variables), text(program), language, variables
    )


def _finish(document: object, found: Iterable[Diagnostic], off: Collection[str]) -> list[Diagnostic]:
    from stepwell.graph.locate import with_places

    kept = [d for d in found if d.severity is Severity.ERROR or d.slug not in off]
    return with_places(document, kept) if isinstance(document, str) else [replace(d) for d in kept]
