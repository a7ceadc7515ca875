"""esbuild: modules in, modules and placed faults out."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from stepwell.bundle.esbuild import Fault, Transformed, transform
from stepwell.bundle.toolchain import ensure


def _js(source: str) -> Transformed:
    return transform(ensure().esbuild, source, loader="js", sourcemap=False)


def test_types_go_and_the_module_stays() -> None:
    source = 'import { a, type B } from "x";\nexport class É extends a<B> {\n  n: number = 1 as any;\n}\n'
    done = transform(ensure().esbuild, source, loader="ts", sourcemap=False)
    assert done == Transformed('import { a } from "x";\nexport class É extends a {\n  n = 1;\n}\n', None, (), ())


def test_the_source_map_is_apart() -> None:
    done = transform(ensure().esbuild, "const a: string = '😀';\n", loader="ts", sourcemap=True)
    assert done.code == 'const a = "😀";\n'
    assert done.map is not None
    assert json.loads(done.map)["sourcesContent"] == ["const a: string = '😀';\n"]


def test_an_inline_source_map_is_composed() -> None:
    """Line 3 of the text given comes from line 1 of graph.json; so does what is printed of it."""
    inner = {"version": 3, "sources": ["graph.json"], "names": [], "mappings": ";;AAAA"}
    comment = base64.b64encode(json.dumps(inner).encode()).decode()
    source = "// a\n// b\nexport const a: number = 1;\n//# sourceMappingURL=data:application/json;base64," + comment
    done = transform(ensure().esbuild, source, loader="ts", sourcemap=True)
    assert done.map is not None
    assert json.loads(done.map)["sources"] == ["graph.json"]
    assert json.loads(done.map)["mappings"].startswith("AAAA")
    assert "sourceMappingURL" not in done.code


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("let a;\nlet b = ;\n", Fault('Unexpected ";"', 2, 8)),
        ("let é😀 = 1", Fault('Expected ";" but found "😀"', 1, 5)),
        (
            'const s = "é😀"; let a;\nlet x; let y; let é; let x;',
            Fault('The symbol "x" has already been declared', 2, 25),
        ),
        ("a\r\nb\rc = ;\n", Fault('Unexpected ";"', 3, 4)),
        ("/* \u2028 */ c = ;\n", Fault('Unexpected ";"', 2, 8)),
        ("break;", Fault('Cannot use "break" here', 1, 0)),
        ("export {}; return 1;", Fault("Top-level return cannot be used inside an ECMAScript module", 1, 11)),
        ("a = `", Fault("Unterminated string literal", 1, 5)),
        ("✘ [ERROR] no\n", Fault('Unexpected "✘"', 1, 0)),
    ],
)
def test_faults_are_placed_in_characters(source: str, fault: Fault) -> None:
    done = _js(source)
    assert done.faults[0] == fault
    assert done.code == ""


def test_all_faults_and_warnings_are_told() -> None:
    done = _js("let a;\nlet a;\nlet b;\nlet b;\nif (a === NaN) {}\n")
    assert [fault.line for fault in done.faults] == [2, 4]
    [warning] = done.warnings
    assert warning.line == 5
    assert warning.message == 'Comparison with NaN using the "===" operator here is always false'


def test_lone_surrogates_do_not_break_it() -> None:
    assert _js("const a = '\ud800';").code == 'const a = "�";\n'


def test_a_tsconfig_nearby_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tsconfig.json").write_text('{"compilerOptions": {"verbatimModuleSyntax": true}}')
    monkeypatch.chdir(tmp_path)
    done = transform(ensure().esbuild, 'import { T } from "x"; let a: T;', loader="ts", sourcemap=False)
    assert "import" not in done.code


def test_a_binary_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="esbuild"):
        transform(tmp_path / "esbuild", "", loader="js", sourcemap=False)
