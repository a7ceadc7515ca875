"""The library's door: read, check, lower, emit, bundle. Functions without state; two compiles never see each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from stepwell.collector import paused
from stepwell.diagnostics import Diagnostic, Severity, has_errors, pointer, slugs_of
from stepwell.diagnostics import codes as c

if TYPE_CHECKING:
    from stepwell.bundle.manifest import ArtifactText, Contents
    from stepwell.bundle.packages import Packages
    from stepwell.bundle.toolchain import Toolchain
    from stepwell.bundle.worker import Module, Origin
    from stepwell.check.analysis import Analysis
    from stepwell.emit import Emitted
    from stepwell.emit.printer import Printer
    from stepwell.emit.sheet import Sheet
    from stepwell.graph.nodes import Nodes
    from stepwell.graph.read import Document
    from stepwell.lower.build import Builder
    from stepwell.lower.program import Program

Language = Literal["ts", "js"]


@dataclass(frozen=True)
class Compiled:
    """What a compile gives. With errors there are only `diagnostics`: the parts of the Worker are `None`.

    `js` is what is uploaded, `source_map` its map (JSON text), `manifest` and `wrangler` are JSON values. What only
    people read is printed when it is first asked for: `source` is the Worker in `language`, `program` the text of
    the program in between.
    """

    diagnostics: tuple[Diagnostic, ...]
    js: str | None = None
    source_map: str | None = None
    manifest: dict[str, Any] | None = None
    wrangler: dict[str, Any] | None = None
    language: Language = "ts"
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of `envVars` that are no secrets."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """The modules of custom nodes that `source` imports, by path; `js` holds them already."""
    _program: Program | None = field(default=None, repr=False, compare=False)
    _printed: str | None = field(default=None, repr=False, compare=False)
    """The Worker in `language`, where it has been printed already."""

    @property
    def ok(self) -> bool:
        return self.js is not None

    @cached_property
    def source(self) -> str | None:
        """The Worker for people."""
        from stepwell.emit import emit

        if self._program is None or self._printed is not None:
            return self._printed
        return emit(self._program, self.language).text

    @cached_property
    def program(self) -> str | None:
        """The text of the program between graph and Worker."""
        from stepwell.lower.text import text

        return text(self._program) if self._program is not None else None


def check(document: object, *, nodes: Nodes | None = None, off: Collection[str] = ()) -> list[Diagnostic]:
    """All findings about a document, in file order.

    `document` is JSON text, or a flow's file as `stepwell.flow.read` gives it (then findings have places), or a JSON
    value. `nodes` are the custom nodes that it may use (`stepwell.nodes` finds them). `off` are slugs or codes of
    warnings and notes that are not wanted; errors are always given. Raises ValueError when `off` names what is no
    finding.
    """
    slugs = slugs_of(off)
    with paused():
        _, _, found = _analyse(document, nodes)
    return _finish(document, found, slugs)


def dependencies(document: object, *, nodes: Nodes | None = None) -> dict[str, str] | None:
    """The npm packages, with their ranges, that a document (see `check`) asks for; None when it cannot be read.

    They are to be installed (`stepwell.bundle.packages`) and given to `compile_artifact`.
    """
    from stepwell.check.dependencies import wanted

    read, found = _read(document, nodes)
    return None if read is None or has_errors(found) else wanted(read)


def compile_artifact(
    document: object,
    *,
    language: Language = "ts",
    toolchain: Toolchain | None = None,
    packages: Packages | None = None,
    nodes: Nodes | None = None,
    off: Collection[str] = (),
) -> Compiled:
    """Compile a document (see `check`) to a Worker.

    Plain JavaScript needs no tool. TypeScript in a body is turned to JavaScript by esbuild: that of `toolchain`, or
    an installed one (finding SW801 when there is none); so are `packages`, installed for what `dependencies` says,
    made part of the Worker that imports them (SW803 when they are not given). With a `toolchain` a full parser reads
    the result as well, and the runtime loads it (about 50 ms).
    Raises nothing for what a user wrote; ValueError for another `language`, and for `off` as `check` does.
    """
    options = options_of(language, toolchain, packages, nodes, off)
    # What is made on the way is gone before the collector looks again.
    with paused():
        return compiled(document, options)[0]


@dataclass(frozen=True, slots=True)
class Options:
    """How documents are compiled: what `compile_artifact` takes beside one."""

    language: Language
    toolchain: Toolchain | None
    packages: Packages | None
    nodes: Nodes | None
    off: Collection[str]
    """The slugs."""
    again: bool = False
    """Whether parts of what is compiled will be made again: then it is kept what can make them."""


def options_of(
    language: Language,
    toolchain: Toolchain | None,
    packages: Packages | None,
    nodes: Nodes | None,
    off: Collection[str],
) -> Options:
    """Raises ValueError for another language, and for `off` as `check` does."""
    if language not in get_args(Language):
        raise ValueError(f"language must be 'ts' or 'js', not {language!r}")
    return Options(language, toolchain, packages, nodes, slugs_of(off))


Finish = Callable[[Iterable[Diagnostic]], tuple[Diagnostic, ...]]
"""Gives findings the form in which they are handed out."""


def compiled(document: object, options: Options) -> tuple[Compiled, Known | None]:
    """What `compile_artifact` gives; without errors also what was known on the way."""
    with paused():
        read, analysis, found = _analyse(document, options.nodes)

    def finish(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        return tuple(_finish(document, found, options.off))

    if read is None or analysis is None:
        return Compiled(finish(found), language=options.language), None
    return made(analysis, found, options, finish)


def made(
    analysis: Analysis,
    found: Sequence[Diagnostic],
    options: Options,
    finish: Finish,
    page: Callable[[Program, Again], Sheet | None] | None = None,
    artifact: ArtifactText | None = None,
) -> tuple[Compiled, Known | None]:
    """What a checked document compiles to. `page` may know how to print it with less work, `artifact` is its text."""
    from stepwell.emit import emit
    from stepwell.lower.lower import lower

    emitted: Emitted | Sheet
    again: Again | None
    with paused():
        if options.again:
            program, emitted, again = _again(analysis, page)
        else:
            program, again = lower(analysis), None
            emitted = emit(program, program.language)
    return assembled(Known(analysis, found, program, emitted, again, artifact=artifact), options, finish)


def _again(
    analysis: Analysis, page: Callable[[Program, Again], Sheet | None] | None
) -> tuple[Program, Emitted | Sheet, Again]:
    """A program and its print, and what can make parts of both again."""
    from stepwell.emit.module import emit_by
    from stepwell.emit.printer import Printer
    from stepwell.lower.lower import lowered

    program, builder = lowered(analysis)
    again = Again(builder, Printer(program, program.language == "ts"))
    if page is not None:
        emitted = page(program, again)
        if emitted is not None:
            return program, emitted, again
        # Of what it was asked for the printer has taken note.
        again = Again(builder, Printer(program, program.language == "ts"))
    return program, emit_by(again.printer, program, {}), again


class Again(NamedTuple):
    """What can build, and print, parts of a program again."""

    builder: Builder
    printer: Printer


@dataclass(frozen=True, slots=True)
class Known:
    """What a compile knows before it is made one module."""

    analysis: Analysis
    found: Sequence[Diagnostic]
    """What the checks have found."""
    program: Program
    emitted: Emitted | Sheet
    again: Again | None
    """Where `Options.again` asks for it."""
    built: Built | None = None
    """What the module was made of, once it was made; or that of another compile, with the same contents."""
    artifact: ArtifactText | None = None


def assembled(known: Known, options: Options, finish: Finish) -> tuple[Compiled, Known | None]:
    """The Worker: one module, its map, its manifest."""
    from stepwell.bundle.worker import too_large

    built, faults = _bundle(known, options)
    found = [*known.found, *faults, *(too_large(built.module.js) if built is not None else ())]
    if built is None or has_errors(found):
        return Compiled(finish(found), language=options.language), None
    return _compiled(known, built, options.language, finish(found)), replace(known, built=built)


def _analyse(document: object, nodes: Nodes | None) -> tuple[Document | None, Analysis | None, list[Diagnostic]]:
    from stepwell.check.analysis import analyse

    read, found = _read(document, nodes)
    if read is None or has_errors(found):
        return None, None, found
    analysis, more = analyse(read)
    return read, analysis, [*found, *more]


def _read(document: object, nodes: Nodes | None) -> tuple[Document | None, list[Diagnostic]]:
    from stepwell.graph.nodes import Nodes
    from stepwell.graph.placed import Placed
    from stepwell.graph.read import read_text, read_value

    known = Nodes() if nodes is None else nodes
    if isinstance(document, str):
        return read_text(document, known)
    if not isinstance(document, Placed):
        return read_value(document, known)
    found = list(document.diagnostics)
    if document.document is None:
        return None, found
    read, more = read_value(document.document, known)
    return read, [*found, *more]


@dataclass(frozen=True, slots=True)
class Built:
    """The module as it was printed, the one to upload, what that was made of."""

    printed: Module
    module: Module
    contents: Contents


def _bundle(known: Known, options: Options) -> tuple[Built | None, list[Diagnostic]]:
    """The module to upload. With a toolchain a full parser and the runtime itself must take it."""
    from stepwell.bundle.worker import refuse_at_load
    from stepwell.emit import read_map

    built, faults = _module(known, options.toolchain, options.packages)
    if built is not None and options.toolchain is not None and not faults:
        module, as_printed = built.module, known.program.language == "js" and built.module is built.printed
        faults = refuse_at_load(
            options.toolchain.workerd,
            module.js,
            lambda: known.emitted.mappings if as_printed else read_map(module.map),
            lambda: _origins(known.analysis),
        )
    return built, faults


def _module(
    known: Known, toolchain: Toolchain | None, packages: Packages | None
) -> tuple[Built | None, list[Diagnostic]]:
    """The module. Types are stripped where there are any; custom nodes, and packages that are imported, are linked."""
    from stepwell.bundle.manifest import Contents
    from stepwell.bundle.toolchain import ToolchainMissing, locate
    from stepwell.bundle.worker import Module, refuse_unloadable, strip_types
    from stepwell.check.dependencies import imported_modules, imported_packages, wanted
    from stepwell.emit import map_of

    analysis, program, emitted = known.analysis, known.program, known.emitted
    printed = Module(emitted.text, map_of(emitted, program))
    if known.built is not None:
        contents, alone = known.built.contents, known.built.module is known.built.printed
    else:
        contents = Contents(wanted(analysis.document), (), tuple(imported_modules(analysis)))
        alone = not program.nodes and not imported_packages(analysis)
    if program.language == "js" and alone:
        if toolchain is None:
            return Built(printed, printed, contents), []
        faults = refuse_unloadable(toolchain.esbuild, emitted.text, emitted.mappings, _origins(analysis))
        return Built(printed, printed, contents), faults
    try:
        tools = toolchain or locate()
    except ToolchainMissing as missing:
        why = "graph has custom nodes" if program.nodes else "code imports packages"
        why = "code is TypeScript" if program.language == "ts" else why
        return None, [Diagnostic(c.TOOL_MISSING, f"the {why}, and {missing}")]
    if program.language == "ts":
        stripped, faults = strip_types(tools.esbuild, printed.js, printed.map, emitted.mappings, _origins(analysis))
        if stripped is None or alone:
            return None if stripped is None else Built(stripped, stripped, contents), faults
        printed = stripped
    return _link(analysis, program, emitted, printed, tools, packages)


def _link(
    analysis: Analysis,
    program: Program,
    emitted: Emitted | Sheet,
    printed: Module,
    tools: Toolchain,
    packages: Packages | None,
) -> tuple[Built | None, list[Diagnostic]]:
    """The printed module with the custom nodes and the packages that it imports."""
    from stepwell.bundle.manifest import Contents
    from stepwell.bundle.worker import link, with_sources
    from stepwell.check.dependencies import imported_packages, wanted
    from stepwell.emit import read_map

    asked, imported = wanted(analysis.document), imported_packages(analysis)
    if imported and (packages is None or packages.dependencies != asked):
        return None, [_not_installed(name, analysis) for name in imported]
    mappings = emitted.mappings if program.language == "js" else read_map(printed.map)
    origins, files = _origins(analysis), {node.path: node.source for node in program.nodes}
    here = {**origins, **{path: origins[source] for path, source in files.items()}}
    modules, tree = _modules(program), packages.node_modules if imported and packages else None
    linked, faults = link(tools.esbuild, printed, mappings, here, modules, tree)
    if linked is None:
        return None, faults
    contents = Contents(asked, linked.parts(packages.versions if packages else {}), linked.bundled.externals)
    return Built(printed, with_sources(linked.module, files), contents), faults


def _modules(program: Program) -> dict[str, str]:
    """The texts of custom nodes' modules by path."""
    return {node.path: program.sources[node.source] for node in program.nodes}


def _not_installed(package: str, analysis: Analysis) -> Diagnostic:
    from stepwell.check.dependencies import wants

    first = wants(analysis.document)[package][0]
    said = f"the package `{package}` is not installed for this graph"
    return Diagnostic(c.PACKAGES_MISSING, said, first.pointer, first.node, "run `stepwell install`")


def _origins(analysis: Analysis) -> dict[str, Origin]:
    from stepwell.check.custom import used_nodes
    from stepwell.check.trigger import SOURCE

    origins: dict[str, Origin] = {SOURCE: ("/" + SOURCE, None)}
    for vertex, _, code in analysis.all_codes():
        origins[code.source] = (code.pointer, analysis.flow.nodes[vertex].id)
    for vertex, custom in used_nodes(analysis).values():
        at = analysis.document.base + pointer("nodes", vertex, "type")
        origins[custom.source] = (at, analysis.flow.nodes[vertex].id, custom.source)
    return origins


def _compiled(known: Known, built: Built, language: Language, found: tuple[Diagnostic, ...]) -> Compiled:
    from stepwell.bundle.manifest import SOURCE_MAP_COMMENT, manifest, wrangler

    read, program = known.analysis.document, known.program
    source = built.printed.js if language == "js" else known.emitted.text if program.language == "ts" else None
    js = f"{built.module.js.rstrip()}\n{SOURCE_MAP_COMMENT}"
    told = manifest(read, program, js, built.contents, known.artifact)
    variables = {v.name: v.value for v in read.source.envVars if not v.isSecret}
    configured = wrangler(told, variables)
    modules = _modules(program)
    return Compiled(
        found, js, built.module.map, told, configured, language, variables, modules, _program=program, _printed=source
    )


def _finish(document: object, found: Iterable[Diagnostic], off: Collection[str]) -> list[Diagnostic]:
    from stepwell.graph.locate import with_places
    from stepwell.graph.placed import Placed

    kept = [d for d in found if d.severity is Severity.ERROR or d.slug not in off]
    if isinstance(document, str):
        return with_places(document, kept)
    return document.with_places(kept) if isinstance(document, Placed) else [replace(d) for d in kept]
