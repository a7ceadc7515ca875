"""A module in pieces is the module, whichever of them is exchanged."""

from __future__ import annotations

from stepwell.emit import Emitted, source_map
from stepwell.emit.module import emit_by
from stepwell.emit.names import IMPORTS
from stepwell.emit.printer import Printer
from stepwell.emit.sheet import map_of, piece, sheet
from stepwell.lower.names import is_like_helper
from stepwell.lower.program import Program

from .making import do, workflow

CODES = ("return 1;", "\n  return a;\n", "const t = `\n text`;\n\treturn t;", "return /* 🦆 */ 2;\nawait 3;")


def _program(*codes: str) -> Program:
    sources = {f"nodes/n{number}/code": code for number, code in enumerate(codes)}
    return workflow(*(do(f"n{number}", code) for number, code in enumerate(codes)), sources=sources)


def _printed(program: Program) -> tuple[Emitted, Printer]:
    printer = Printer(program, False)
    return emit_by(printer, program, {}), printer


def test_a_statement_that_is_exchanged_makes_the_same_module() -> None:
    for number in range(len(CODES)):
        for code in (*CODES, "return 5;", "\n\n\nreturn 6;\n"):
            codes = [*CODES]
            codes[number] = code
            old, _ = _printed(_program(*CODES))
            program = _program(*codes)
            new, printer = _printed(program)
            page = sheet(old)
            assert page is not None
            place = page.at[number]
            page = page.replaced({place: piece(printer.statement(program.body[number]), page.pieces[place].begun)})
            assert page.text == new.text
            assert page.mappings == new.mappings
            assert map_of(page, program) == source_map(new, program)


def test_what_the_runtime_gives_is_a_name_that_matters() -> None:
    assert all(is_like_helper(name) for name in (*IMPORTS, "request", "request12"))
    assert not is_like_helper("total")
