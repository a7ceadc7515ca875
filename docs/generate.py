"""Writes into the pages what they take from the compiler and from the goldens: `python -m docs.generate`.

A page marks each such part with a comment on a line of its own, `<!-- KIND WORDS -->`, and ends it with
`<!-- end -->`; what stands between is written anew. Everything else on a page is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import click
from benchmarks.hand import minified
from tests.golden.cases import Case, all_cases, compact
from tests.hand.pairs import all_pairs

from stepwell.bundle.toolchain import ensure
from stepwell.cli import stepwell
from stepwell.compiler import compile_artifact
from stepwell.diagnostics import CODES, Code, codes
from stepwell.graph.catalogue import BUILTIN, NodeKind
from stepwell.graph.data import Data, Retrying
from stepwell.graph.schema import artifact_schema
from stepwell.picture import draw

DOCS: Final = Path(__file__).parent
_PART: Final = re.compile(r"^(<!-- (?!end -->)(\S+)(?: ([^\n]*?))? -->\n).*?^(<!-- end -->)$", re.M | re.S)
_FINDING: Final = re.compile(
    r"(?P<code>SW\d+) \S+ \w+ (?P<pointer>/\S*?)(?: \[(?P<file>\S+) (?P<line>\d+):(?P<column>\d+)\])?"
    r"(?: [^:]*)?: (?P<message>.*?)(?: — (?P<hint>.*))?"
)
_GROUPS: Final = {
    "1": "The document",
    "2": "Edges and structure",
    "3": "References and expressions",
    "4": "Code",
    "5": "Data of nodes, and limits",
    "6": "Replay",
    "7": "Trigger, names and bindings",
    "8": "Building",
    "9": "Editing, and custom nodes",
}
_DATA: Final = {kind.data.__name__: kind.data for kind in BUILTIN.values()}
_ABOUT_TEXT: Final = (codes.NOT_JSON, codes.DUPLICATE_KEY, codes.LONE_SURROGATE)
"""Findings about how the document is written, which is shown as it stands."""
_EDITORS: Final = ("position", "version", "provider")
_WIDTH: Final = 100
_WHOLE_LINES: Final = 40
"""A graph that is longer than this is not shown whole where a finding is about one part of it."""


def main() -> int:
    for path, text in pages().items():
        if text != path.read_text("utf-8"):
            path.write_bytes(text.encode())
            print(f"changed: {path.relative_to(DOCS.parent)}")
    return 0


def pages() -> dict[Path, str]:
    """Every page with generated parts, as it should be."""
    texts = {path: path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))}
    return {path: _PART.sub(_written, text) for path, text in texts.items() if _PART.search(text)}


def _written(part: re.Match[str]) -> str:
    begin, kind, words, end = part.groups()
    return f"{begin}\n{_KINDS[kind](words or '').strip()}\n\n{end}"


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.strip(chr(10))}\n```"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# -- from the goldens ----------------------------------------------------------------------------------


@cache
def _cases() -> dict[str, Case]:
    return {case.name: case for case in all_cases()}


def _graph(name: str) -> str:
    return _fenced("json", _cases()[name].graph)


def _nodes(words: str) -> str:
    """`CASE: id | id`: some of its nodes."""
    name, _, wanted = words.partition(": ")
    nodes = {node["id"]: node for node in json.loads(_cases()[name].graph)["nodes"]}
    chosen = [nodes[one] for one in wanted.split(" | ")]
    return _fenced("json", compact(chosen if len(chosen) > 1 else chosen[0], _WIDTH))


def _picture(name: str) -> str:
    return _fenced("mermaid", draw(json.loads(_cases()[name].graph), "mermaid"))


def _worker(words: str) -> str:
    """`CASE`: the body of its function; `CASE: words | words`: those statements of it that begin so."""
    name, _, wanted = words.partition(": ")
    lines = list(_body(_cases()[name].kept("worker.ts") or ""))
    if wanted:
        lines = [line for start in wanted.split(" | ") for line in _statement(lines, start, words)]
    return _fenced("ts", "\n".join(lines))


def _body(text: str) -> Iterator[str]:
    """The lines inside `run()` or `runGraph()`, without their common indentation."""
    inside: str | None = None
    for line in text.splitlines():
        if inside is not None:
            if line == inside + "}":
                return
            yield line.removeprefix(inside + "  ")
        elif re.match(r"\s*async (run|function runGraph)\(", line):
            inside = line[: len(line) - len(line.lstrip())]


def _statement(lines: Sequence[str], start: str, words: str) -> Iterator[str]:
    """From the line that begins so to the end of what it begins: lines that are deeper, or that close it."""
    first = next((n for n, line in enumerate(lines) if line.lstrip().startswith(start)), None)
    if first is None:
        raise ValueError(f"{words}: no line begins with {start!r}")
    depth = _depth(lines[first])
    yield lines[first][depth:]
    for line in lines[first + 1 :]:
        if line and _depth(line) <= depth and not (_depth(line) == depth and line.lstrip()[0] in "})]"):
            return
        yield line[depth:]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _declared(words: str) -> str:
    """`CASE NAME`: a function or a constant of the module."""
    name, wanted = words.split()
    text = _cases()[name].kept("worker.ts") or ""
    found = re.search(rf"^(?:async )?(?:function|const) {wanted}\b.*?^[}}\]].*?$", text, re.M | re.S)
    if found is None:
        raise ValueError(f"{name} declares no {wanted}")
    return _fenced("ts", found[0])


def _handler(name: str) -> str:
    """What the Worker answers with."""
    text = _cases()[name].kept("worker.ts") or ""
    return _fenced("ts", text[text.index("export default") :])


def _happened(name: str) -> str:
    """What its runs come to."""
    return _fenced("text", "\n\n".join(_run(run) for run in _cases()[name].run["runs"]))


def _run(run: Mapping[str, Any]) -> str:
    happened = run["happened"]
    steps = ", ".join(step["name"] for step in happened.get("steps", []))
    told = happened["error"]["message"] if "error" in happened else _json(happened.get("output"))
    lines = [f"{key:<8} {_json(run[key])}" for key in ("params", "events") if key in run]
    lines += [f"steps    {steps}"] if steps else []
    return "\n".join([*lines, f"{happened['status']:<8} {told}"])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- from the models -----------------------------------------------------------------------------------


@cache
def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = artifact_schema()["$defs"]
    return schemas


def _model(name: str) -> str:
    schema = _schemas()[name]
    required = schema.get("required", ())
    fields = sorted(schema["properties"].items(), key=lambda item: _rank(name, item[0], required))
    rows = [_row(key, field, key in required) for key, field in fields]
    return _table(["Field", "Holds", "Default", ""], rows)


def _row(key: str, field: Mapping[str, Any], required: bool) -> list[str]:
    return [f"`{key}`", _words(field), _default(field, required), field.get("description", "")]


def _rank(model: str, key: str, required: Sequence[str]) -> int:
    """What is needed stands first, settings that several types share stand last."""
    if key in required:
        return 0
    return 2 if issubclass(_DATA.get(model, Data), Retrying) and key in Retrying.model_fields else 1


def _default(field: Mapping[str, Any], required: bool) -> str:
    if required:
        return "**needed**"
    default = field.get("default")
    return "" if default in (None, {}) else f"`{json.dumps(default)}`"


def _words(field: Mapping[str, Any]) -> str:
    """What a field may hold, in words."""
    if "10 seconds" in field.get("examples", ()):
        return "a duration"
    if "$ref" in field:
        return f"{field['$ref'].rpartition('/')[2]}"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    options = field.get("enum") or next((o["enum"] for o in field.get("anyOf", ()) if "enum" in o), None)
    if options:
        return _either(options)
    if "oneOf" in field and "type" not in field:
        return _either([option["const"] for option in field["oneOf"] if "const" in option]) or "object"
    if "anyOf" in field:
        return _choice(field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_words(field['items'])}"
    kind = str(field.get("type", "any JSON value"))
    return {"string": "text", "integer": "whole number", "boolean": "`true`, `false`"}.get(kind, kind)


def _either(values: Sequence[Any]) -> str:
    return ", ".join(f"`{json.dumps(value)}`" for value in values)


def _choice(options: Sequence[Mapping[str, Any]]) -> str:
    """Several shapes in words. Text with a pattern beside a number is that number as text: it is left out."""
    shapes = [option for option in options if option.get("type") != "null"]
    plain = [shape for shape in shapes if "pattern" not in shape] or shapes
    words = list(dict.fromkeys(_words(shape) for shape in plain))
    if "number" in words and "whole number" in words:
        words.remove("whole number")
    return " or ".join(words)


def _fields(type_: str) -> str:
    kind = BUILTIN[type_]
    return _model(kind.data.__name__) if kind.keys else "Its `data` holds nothing."


def _facts(type_: str) -> str:
    """One paragraph of what the catalogue says of a type."""
    kind = BUILTIN[type_]
    settings = ", ".join(f"`config.{one}`" for one in sorted(kind.settings)) or "none"
    told = {"Edges out": _ports(kind), "Value": "yes" if kind.value else "none", "Settings": settings}
    if kind.durable:
        told["In a script"] = f"not possible ({_link(CODES['SW508'])})"
    return "  \n".join(f"**{name}:** {words}" for name, words in told.items())


def _ports(kind: NodeKind) -> str:
    if kind.shape == "plain":
        return "unlabelled"
    if kind.shape == "branch":
        return "one with the label of each arm; `then` or no label: behind the branch"
    if kind.shape in ("parallel", "race"):
        return "every edge but `then` is an arm; `then`: behind it"
    labels = ", ".join(f"`{one}`{'' if one in kind.required else ' (may be missing)'}" for one in kind.labels)
    return f"{labels}; `then` or no label: behind it"


# -- from the table of codes -----------------------------------------------------------------------------


def _codes(_: str) -> str:
    groups: dict[str, list[Code]] = defaultdict(list)
    for code in CODES.values():
        groups[code.id[2]].append(code)
    return "\n\n".join(_group(_GROUPS[group], rows) for group, rows in groups.items())


def _group(title: str, rows: Sequence[Code]) -> str:
    examples = _examples()
    sections = [_code(code, examples.get(code.id)) for code in rows]
    return "\n\n".join([f"## {title}", _overview(rows), *sections])


def _overview(rows: Sequence[Code]) -> str:
    return _table(["Code", "", ""], [[_link(code), code.severity.value, code.title] for code in rows])


def _link(code: Code) -> str:
    return f"[{code.id}](diagnostics.md#{code.id.lower()}-{code.slug})"


def _code(code: Code, example: tuple[Case, str] | None) -> str:
    severity = code.severity.value.capitalize()
    parts = [f"### {code.id} {code.slug}", f"{severity}. {code.title}.", code.explanation]
    return "\n\n".join([*parts, *([_example(*example)] if example else [])])


@cache
def _examples() -> dict[str, tuple[Case, str]]:
    """For each code the case that shows it best: made for it, the fewest findings, the shortest graph."""
    found: dict[str, list[tuple[bool, int, int, str, str]]] = defaultdict(list)
    for case in _cases().values():
        lines = (case.kept("findings.txt") or "").splitlines()
        for line in lines:
            code, slug, _ = line.split(" ", 2)
            others = case.name != f"finding-{slug}"
            found[code].append((others, len(lines), len(case.graph), case.name, line))
    best = {code: min(ranked) for code, ranked in found.items()}
    return {code: (_cases()[name], line) for code, (*_, name, line) in best.items()}


def _example(case: Case, line: str) -> str:
    found = _FINDING.fullmatch(line)
    assert found is not None, line
    code = CODES[found["code"]]
    file = None if found["file"] in (None, "snippet", "python") else found["file"]
    text = file or "the code"
    where = f", line {found['line']}, column {found['column']} of {text}" if found["line"] else ""
    told = f"{code.severity.value}[{code.id} {code.slug}]: {found['message']}"
    if found["file"] == "python":
        told += f"\n  at line {found['line']}, column {found['column']}"
    elif found["pointer"] != "/":
        told += f"\n  at {found['pointer']}{where}"
    told += f"\n  hint: {found['hint']}" if found["hint"] else ""
    link = f"[`golden/{case.name}`](../golden/{case.name}/):"
    picture = [_picture(case.name)] if code.id.startswith("SW2") else []
    shown = [_fenced("ts", (case.folder / file).read_text("utf-8").strip())] if file else []
    return "\n\n".join([link, *picture, *(shown or [_shown(case, found["pointer"], code)]), _fenced("text", told)])


def _shown(case: Case, place: str, code: Code) -> str:
    """The graph; of a long one the node, the edge or whatever else the finding is about."""
    text = case.graph.strip("\n")
    if case.is_python:
        return _fenced("python", text)
    if code in _ABOUT_TEXT:
        return _fenced("json", text)
    value = _plain(json.loads(text), place)
    whole = compact(value, _WIDTH)
    if whole.count("\n") <= _WHOLE_LINES:
        return _fenced("json", whole)
    for depth, key in enumerate(place.split("/")[1:]):
        inner = value[int(key)] if isinstance(value, list) else value.get(key)
        if depth > 2 or not isinstance(inner, dict | list):
            break
        value = inner
    return _fenced("json", compact(value, _WIDTH))


def _plain(document: Any, place: str) -> Any:
    """A document without what editors write into nodes, but for what the finding is about."""
    graph = document.get("ir", document) if isinstance(document, dict) else {}
    for node in graph.get("nodes", ()) if isinstance(graph, dict) else ():
        for key in _EDITORS if isinstance(node, dict) else ():
            if not place.endswith(f"/{key}"):
                node.pop(key, None)
    return document


# -- from the command line ---------------------------------------------------------------------------------


@cache
def _sizes(_: str) -> str:
    """What the compiled Workers weigh beside those by hand."""
    toolchain, rows = ensure(), []
    for case in all_pairs():
        js = compile_artifact(case.graph).js
        assert js is not None
        ours, other = minified(toolchain, js), minified(toolchain, case.hand)
        rows.append([case.name, f"{ours:,}", f"{other:,}", f"{ours / other:.2f}"])
    return _table(["Case", "Ours", "By hand", "Ratio"], rows)


def _commands(_: str) -> str:
    names = stepwell.list_commands(click.Context(stepwell))
    links = [f"[`stepwell {name}`](#stepwell-{name})" for name in names]
    told = [_command(name).get_short_help_str(_WIDTH) for name in names]
    return _table(["Command", ""], list(zip(links, told, strict=True)))


def _help(name: str) -> str:
    command = _command(name)
    options = ["-h", "--help"]
    context = click.Context(command, info_name=f"stepwell {name}", terminal_width=_WIDTH, help_option_names=options)
    return _fenced("text", command.get_help(context))


def _command(name: str) -> click.Command:
    found: click.Command | None = stepwell
    for word in name.split():
        assert isinstance(found, click.Group), name
        found = found.get_command(click.Context(found), word)
    assert found is not None, name
    return found


_KINDS: Final[dict[str, Callable[[str], str]]] = {
    "graph": _graph,
    "nodes": _nodes,
    "picture": _picture,
    "worker": _worker,
    "declared": _declared,
    "handler": _handler,
    "happened": _happened,
    "model": _model,
    "fields": _fields,
    "facts": _facts,
    "codes": _codes,
    "commands": _commands,
    "help": _help,
    "sizes": _sizes,
}

if __name__ == "__main__":
    sys.exit(main())
