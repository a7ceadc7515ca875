"""Every kind of statement, in both shapes and both languages."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Literal, get_args

import pytest

from stepwell.bundle.toolchain import Toolchain
from stepwell.emit import emit
from stepwell.lower import program as p
from stepwell.lower.nesting import blocks

from .making import (
    DEFAULT,
    arm,
    body,
    do,
    expr,
    graph_of,
    js,
    parse_all,
    record,
    run_of,
    script,
    value,
    workflow,
)

ITEM = p.StepName("Work", ("i",))
OWN = p.Settings(3, "5 seconds", "constant", "1 minute")
REQUEST = p.Request(
    "call",
    "POST",
    p.Template(("https://api.test/", p.Name("x"))),
    headers=p.Constant({"x-a": "1"}),
    query=p.Constant({"q": "1"}),
    body=record(a=p.Name("x")),
    throws=False,
    key=True,
    binding="OTHER",
)

BLOCKS: dict[str, p.Block] = {
    "do": (
        do("A", "return ctx.attempt;", "a", context="plain"),
        do("B", "await env.KV.get(NAME);", settings=OWN),
    ),
    "do_body": (
        do(
            "A",
            body("x2.b = 1;", copies=(("x2", p.Name("x")), ("y2", p.Copy(p.Name("x")))), reassigned=("y2",)),
        ),
        do("B", body("const b = 1;", gives="b"), "b"),
        do("C", body("_output = 1; return 2;", output=p.OutputCell(p.Constant(None))), "c"),
        do("D", body("_output.push(1);", output=p.OutputCell(p.Items(())))),
        do("E", body("return ctx.idempotencyKey;", context="key"), "e"),
        do("F", ""),
        do("G", "// nothing"),
    ),
    "do_request": (
        do("A", REQUEST, "a", view=True),
        do("B", p.Request("b", "GET", p.Constant("https://api.test/")), "b", settings=OWN),
        do("C", p.Request("c", "GET", p.Constant("https://api.test/"), binding="OTHER"), "c"),
    ),
    "do_evaluate": (
        do("A", p.Evaluate(expr("{ a: Date.now() }")), "a"),
        do("B", p.Evaluate(expr("c.b, Math.random() // why"), (("c", p.Name("x")),)), "b"),
    ),
    "inline": (p.Inline("a", body("return x;"), p.Bind("a")), p.Inline("b", body("const b = x;", gives="b"))),
    "declare": (
        p.Declare("a"),
        p.Declare("b", p.Constant(False)),
        p.Const("c", p.Items(())),
        p.Assign("a", p.Name("x")),
        p.Assign("b", p.Constant(True)),
        p.Push("c", p.Choose(p.Name("b"), p.Name("a"), p.Undefined())),
    ),
    "view": (
        p.View(p.Bind("a"), p.Name("x"), "request"),
        p.View(p.Bind("x", False), p.Name("x"), "event"),
        p.Const("b", p.Stored(p.Name("x"), "request")),
        p.Const("c", p.Stored(p.Name("x"), "event")),
    ),
    "if": (
        p.If("b", ((expr("x === 1"), (do("A"),)), (expr("x.go(), y // why"), ()), (None, (do("B"),)))),
        p.If("c", ((p.StepValue(p.StepName("C: value"), expr("{ a: 1 }.a")), (p.Return(p.Constant(1)),)),)),
    ),
    "for_each": (
        p.ForEach("l", "item", "i", p.Name("x"), (do("Work", "return item;", "w", step=ITEM),)),
        p.ForEach("l", "item", None, expr("x.go(), y"), ()),
        p.ForEach("l", None, "i", p.Constant([1, 2]), (do("Again", step=p.StepName("Again", ("i",))),)),
        p.ForEach("l", None, None, p.Name("x"), ()),
    ),
    "times": (
        p.Times("l", "i", p.Constant(5), None, (do("Work", step=ITEM),)),
        p.Times("l", "i", p.Name("x"), "limit", (p.Times("m", "j", p.Constant(2), None, ()),)),
    ),
    "while": (
        p.While("l", "i", expr("x > i"), None, (p.Exit("e", None, True),)),
        p.While(
            "l",
            "i",
            expr("Math.random() < 1"),
            p.StepName("W: value", ("i",)),
            (
                p.Exit("e", expr("x === 1 // why"), True, first=(p.Assign("x", p.Constant(2)),)),
                p.Exit("f", expr("x === 2"), False, p.Name("x")),
            ),
        ),
    ),
    "concurrent": (
        p.Concurrent(
            "l",
            "item",
            "i",
            p.Name("x"),
            None,
            3,
            arm(do("Work", "return item;", "w", step=ITEM), gives="w"),
            "a",
        ),
        p.Concurrent("l", None, "i", None, p.Constant(5), 2, arm(do("Again", step=p.StepName("Again", ("i",)))), None),
        p.Concurrent(
            "l",
            None,
            "i",
            p.Name("x"),
            None,
            2,
            p.Arm((do("Third", bind="w", step=p.StepName("Third", ("i",))),), p.Name("w"), ("w",), record=True),
            "c",
        ),
    ),
    "try": (
        p.Try("t", (do("A"),), "err", (do("B", "return err.message;"), p.Throw("err"))),
        p.Try("t", (do("C"),), None, ()),
        p.Try("t", (do("D"),), None, (do("E"),), (do("F"),)),
    ),
    "parallel": (
        p.Parallel(
            "a",
            (arm(do("A", bind="a"), gives="a"), arm(), arm(do("B", bind="b"), do("C", bind="c"), gives="c")),
            "all",
            "all",
            ("first", None, "third"),
        ),
        p.Parallel("b", (arm(do("D")), arm(do("E"), do("F"))), "all"),
        p.Parallel("c", (arm(do("G", bind="g"), gives="g"), p.Arm((), p.Constant(1))), "all", None, ("g", None)),
        p.Parallel("d", (arm(do("H", bind="h"), gives="h"),), "settled", "settled"),
        p.Parallel("e", (arm(do("I", p.Request("i", "GET", p.Name("x")), "i", view=True), gives="i"),), "all", "e"),
    ),
    "race": (
        p.Race(
            "r",
            p.StepName("R"),
            (arm(do("A", bind="a"), gives="a"), arm(do("B"), do("C", bind="c"), gives="c")),
            "won",
        ),
        p.Race("r", p.StepName("S"), (arm(do("D")), arm(do("E")))),
        p.Race(
            "r",
            p.StepName("T"),
            (p.Arm((do("F", bind="f"),), p.Name("f"), ("f",), record=True),),
            "third",
        ),
    ),
    "event": (
        p.If(
            "b",
            ((expr("event.payload === 'a' || event.payload > 3"), (p.Return(value("event", "payload")),)),),
        ),
        p.ForEach(
            "l",
            "item",
            "i",
            value("event", "payload"),
            (do("Each", "return [...event.payload].length;", step=p.StepName("Each", ("i",))),),
        ),
    ),
    "return": (do("A", bind="a"), p.Return(record(a=p.Name("a")))),
    "exit": (p.Exit("e", expr("x === 1"), False), p.Exit("e", None, False, p.Name("x"))),
    "child": (p.Child("c", p.StepName("C"), "CHILD", record(a=p.Name("x")), False, 300_000, p.Bind("c")),),
}

DURABLE: dict[str, p.Block] = {
    "sleep": (
        p.Sleep("s", p.StepName("S"), p.Constant("3 days")),
        p.Sleep("s", p.StepName("T"), p.Constant(500)),
        p.Sleep("s", p.StepName("U"), p.Name("x"), checked=True),
        p.Sleep("s", p.StepName("V"), p.Template(("", p.Name("x"), " days"))),
    ),
    "sleep_until": (
        p.SleepUntil("s", p.StepName("S"), p.Constant("2027-01-01T00:00:00Z")),
        p.Times("l", "i", p.Constant(2), None, (p.SleepUntil("s", p.StepName("T", ("i",)), p.Name("x")),)),
    ),
    "wait": (
        p.Wait("w", p.StepName("W"), p.Constant("go"), p.Constant("24 hours"), p.Bind("w"), view=True),
        p.Wait("w", p.StepName("X"), p.Name("x"), p.Name("x"), checked=True),
    ),
    "child_waits": (
        p.Child("c", p.StepName("C"), "CHILD", record(a=p.Name("x")), True, 300_000, p.Bind("c")),
        p.Times("l", "i", p.Constant(2), None, (p.Child("d", p.StepName("D", ("i",)), "CHILD", None, True, 1000),)),
    ),
    "parallel_waits": (
        p.Parallel(
            "p",
            (
                arm(
                    p.Wait("w", p.StepName("W"), p.Constant("go"), p.Constant("1 day"), p.Bind("w"), view=True),
                    gives="w",
                ),
                arm(p.Sleep("s", p.StepName("S"), p.Constant("1 day"))),
                arm(p.Sleep("s", p.StepName("T"), p.Name("x"))),
                arm(p.Child("c", p.StepName("C"), "CHILD", None, True, 1000, p.Bind("c")), gives="c"),
            ),
            "all",
            "p",
        ),
    ),
}

DECLARED = (p.Declare("x"), p.Declare("y"), p.Declare("NAME", p.Constant("n")))


def made(kind: Literal["workflow", "script"], block: p.Block) -> p.Program:
    return (workflow if kind == "workflow" else script)(*DECLARED, *block)


def every() -> dict[str, p.Program]:
    found = {f"workflow_{name}": made("workflow", block) for name, block in {**BLOCKS, **DURABLE}.items()}
    found |= {f"script_{name}": made("script", _plain(block)) for name, block in BLOCKS.items()}
    return found


def _plain(block: p.Block) -> p.Block:
    """In a script, steps at the top are retried only where they set something themselves."""
    return tuple(replace(s, settings=None) if isinstance(s, p.Do) and s.settings == DEFAULT else s for s in block)


def test_every_kind_is_here() -> None:
    named = {part for group in (BLOCKS, DURABLE) for block in group.values() for part in _kinds(block)}
    assert {kind.__name__ for kind in get_args(p.Statement)} <= named


def _kinds(block: p.Block) -> set[str]:
    found: set[str] = set()
    stack: list[p.Statement] = list(block)
    while stack:
        statement = stack.pop()
        found.add(type(statement).__name__)
        stack += [inner for part in blocks(statement) for inner in part]
    return found


def test_all_parse(toolchain: Toolchain, tmp_path: Path) -> None:
    texts = {
        f"{name}_{language}": emit(program, language).text
        for name, program in every().items()
        for language in LANGUAGES
    }
    assert parse_all(toolchain, texts, tmp_path) == ""


LANGUAGES: tuple[Literal["js", "ts"], ...] = ("js", "ts")


def test_all_are_clean_under_strict_types(toolchain: Toolchain, tmp_path: Path) -> None:
    for name, program in every().items():
        (tmp_path / f"{name}.ts").write_text(emit(program, "ts").text)
    (tmp_path / "node_modules").symlink_to(toolchain.types / "node_modules")
    options = {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
        "lib": ["es2022"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "moduleDetection": "force",
        "noImplicitAny": False,
        "types": ["@cloudflare/workers-types"],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    done = subprocess.run(
        [str(toolchain.tsc), "-p", "tsconfig.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


@pytest.mark.parametrize("name", sorted(every()))
def test_languages_differ_by_types_only(name: str, toolchain: Toolchain) -> None:
    program = every()[name]
    typed = emit(program, "ts").text
    stripped = _stripped(toolchain, typed, "ts")
    assert stripped == _stripped(toolchain, emit(program, "js").text, "js")


def _stripped(toolchain: Toolchain, text: str, loader: str) -> str:
    command = [
        str(toolchain.esbuild),
        f"--loader={loader}",
        "--target=es2022",
        "--tsconfig-raw={}",
        "--minify-whitespace",
    ]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", sorted(every()))
def test_no_line_is_too_long_or_ends_in_blanks(name: str) -> None:
    for line in emit(every()[name], "ts").text.split("\n"):
        assert line == line.rstrip()
        assert len(line) <= 118, line


# -- shapes, as people read them ---------------------------------------------------------------------------


def same(text: str, expected: str) -> bool:
    return text == dedent(expected).strip("\n")


def test_a_step_on_one_line() -> None:
    assert same(
        js(do("A", "return 1;", "a")),
        """
        const a = await step.do("A", DEFAULTS, async () => {
          return 1;
        });
        """,
    )


def test_settings_are_written_out() -> None:
    assert same(
        js(do("A", "", settings=OWN)),
        """
        await step.do(
          "A",
          {
            retries: { limit: 3, delay: "5 seconds", backoff: "constant" },
            timeout: "1 minute",
          },
          async () => {},
        );
        """,
    )


def test_a_name_carries_its_indices() -> None:
    text = js(do("A", "", step=p.StepName("A `${x}` \\", ("i", "j"))))
    assert text == "await step.do(`A \\`\\${x}\\` \\\\ [${i}][${j}]`, DEFAULTS, async () => {});"


def test_output_travels_in_the_result() -> None:
    assert same(
        js(*BLOCKS["do_body"][2:3]),
        """
        const c = await step.do("C", DEFAULTS, async () => {
          let _output = null;
          return {
            value: await (async () => {
              _output = 1; return 2;
            })(),
            output: _output,
          };
        });
        """,
    )


def test_a_request() -> None:
    assert same(
        js(do("A", REQUEST, "a", view=True)),
        """
        const a = withBody(await step.do(
          "A",
          DEFAULTS,
          async (ctx) => request("POST", `https://api.test/${x}`, {
            headers: { "x-a": "1" },
            query: { q: "1" },
            body: { a: x },
            via: env.OTHER,
            throwOnError: false,
            idempotencyKey: await keyOf(event, ctx),
          }),
        ));
        """,
    )


def test_arms_that_are_one_call_need_no_function() -> None:
    assert same(
        js(*BLOCKS["parallel"][:1]),
        """
        const all = valuesOf(await Promise.allSettled([
          step.do("A", DEFAULTS, async () => {
            return 1;
          }),
          undefined,
          (async () => {
            const b = await step.do("B", DEFAULTS, async () => {
              return 1;
            });
            const c = await step.do("C", DEFAULTS, async () => {
              return 1;
            });
            return c;
          })(),
        ]));
        const [first, , third] = all;
        """,
    )


def test_what_may_throw_at_once_has_a_function() -> None:
    sleep = p.Sleep("s", p.StepName("S"), value("x", "a", "b"))
    assert '(async () => step.sleep("S", x.a.b))(),' in js(p.Parallel("p", (arm(sleep),), "all"))
    assert "(async () =>" not in js(p.Parallel("p", (arm(replace(sleep, duration=p.Constant(1))),), "all"))


def test_a_branch() -> None:
    one, nothing = p.Return(p.Constant(1)), p.Return(p.Undefined())
    assert same(
        js(p.If("b", ((p.Name("x"), (one,)), (p.Name("y"), ()), (None, (nothing,))))),
        """
        if (x) {
          return 1;
        } else if (y) {} else {
          return undefined;
        }
        """,
    )


def test_a_branch_that_only_has_an_else() -> None:
    one = p.Return(p.Constant(1))
    assert same(js(p.If("b", ((p.Name("x"), ()), (None, (one,))))), "if (!x) {\n  return 1;\n}")
    assert same(js(p.If("b", ((expr("x < 1"), ()), (None, (one,))))), "if (!(x < 1)) {\n  return 1;\n}")


def test_loops() -> None:
    heads = [
        line
        for line in js(*BLOCKS["for_each"], *BLOCKS["times"], *BLOCKS["while"]).split("\n")
        if line.startswith("for")
    ]
    assert heads == [
        "for (const [i, item] of [...x].entries()) {",
        "for (const item of (x.go(), y)) {}",
        "for (const i of [1, 2].keys()) {",
        "for (const unused of x) {}",
        "for (let i = 0; i < 5; i++) {",
        "for (let i = 0, limit = x; i < limit; i++) {",
        "for (let i = 0; x > i; i++) {",
        "for (let i = 0; await step.do(`W: value [${i}]`, DEFAULTS, async () => Math.random() < 1); i++) {",
    ]


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("[1, [2]]", "[1, [2]]"),
        ("[1][0]", "[...[1][0]]"),
        ("[1], [2]", "[...([1], [2])]"),
        ("x // all", "[...x // all\n]"),
    ],
)
def test_what_is_an_array_is_not_copied(given: str, printed: str) -> None:
    text = js(p.ForEach("l", "item", "i", expr(given), ()))
    assert text == f"for (const [i, item] of {printed}.entries()) {{}}"


def test_a_race() -> None:
    assert same(
        js(*BLOCKS["race"][2:]),
        """
        const third = await race(step, "T", [
          async () => {
            const f = await step.do("F", DEFAULTS, async () => {
              return 1;
            });
            return { value: f, f };
          },
        ]);
        """,
    )


def in_script(*block: p.Statement) -> str:
    return graph_of(emit(script(*block), "js").text)


def test_a_script_has_no_steps() -> None:
    assert same(
        in_script(
            do("A", "return ctx.attempt;", "a", context="plain", settings=None),
            do(
                "B",
                p.Request("b", "GET", p.Constant("https://b.test/"), key=True),
                "b",
                settings=None,
                view=True,
            ),
        ),
        """
        const a = await (async (ctx) => {
          return ctx.attempt;
        })({ attempt: 1, step: { name: "A", count: 1 } });
        const b = withBody(await request("GET", "https://b.test/", { idempotencyKey: crypto.randomUUID() }));
        """,
    )


def test_a_script_retries_what_it_is_told_to() -> None:
    once = p.Settings(0, "1 second", "constant", "")
    get = p.Request("c", "GET", p.Constant("https://c.test/"))
    assert same(
        in_script(
            do("A", "return 1;", settings=OWN),
            do("B", get, settings=OWN),
            do("C", get, settings=replace(once, timeout="5 seconds")),
            do("D", "return 1;", settings=once),
            do("E", "return 1;", settings=replace(once, timeout="5 seconds")),
        ),
        """
        await retry("A", { limit: 3, delay: 5000, timeout: 60000 }, async () => {
          return 1;
        });
        await retry(
          "B",
          { limit: 3, delay: 5000 },
          async () => request("GET", "https://c.test/", { timeout: 60000 }),
        );
        await request("GET", "https://c.test/", { timeout: 5000 });
        await (async () => {
          return 1;
        })();
        await retry("E", { timeout: 5000 }, async () => {
          return 1;
        });
        """,
    )


def test_how_delays_grow_is_told_where_it_differs() -> None:
    linear = replace(OWN, backoff="linear")
    assert "backoff" not in in_script(do("A", "return 1;", settings=linear))
    both = in_script(do("A", "return 1;", settings=OWN), do("B", "return 1;", settings=linear))
    assert 'backoff: "constant"' in both and 'backoff: "linear"' in both


def test_the_request_helper_has_what_is_asked_of_it() -> None:
    get = p.Request("c", "GET", p.Constant("https://c.test/"))
    words = {
        "options.query": replace(get, query=record(a=p.Constant(1))),
        "new Headers(options.headers)": replace(get, headers=p.Constant({"A": "1"})),
        "value != null": replace(get, headers=record(A=value("x", "a"))),
        "Idempotency-Key": replace(get, key=True),
        "JSON.stringify(options.body)": replace(get, body=record(a=value("x", "a"))),
        '!headers.has("Content-Type")': replace(get, headers=p.Constant({"content-type": "a/b"}), body=p.Items(())),
        '!headers.has("Idempotency-Key")': replace(
            get, headers=record(**{"Idempotency-key": p.Constant("1")}), key=True
        ),
        "FormData": replace(get, body=value("x", "a")),
        "via": replace(get, binding="OTHER"),
        "throwOnError &&": replace(get, throws=False),
    }
    for word, work in words.items():
        assert word in emit(workflow(do("A", work)), "js").text
        assert word not in emit(workflow(do("A", get)), "js").text
    plain = emit(workflow(do("A", replace(get, headers=p.Constant({"A": "1"}), body=p.Items(()), key=True))), "js").text
    assert "headers.has" not in plain and "!= null" not in plain and "throwOnError" not in plain


def test_helpers_are_there_only_when_used() -> None:
    def helpers(*block: p.Statement) -> list[str]:
        text = emit(workflow(*block, default_trigger=p.DefaultTrigger("manual")), "js").text
        return [line.split("function ")[1].split("(")[0] for line in text.split("\n") if "function " in line]

    assert helpers(do("A")) == ["messageOf"]
    assert helpers(*BLOCKS["do_request"][1:2]) == ["request", "outgoing", "parsed", "messageOf"]
    assert helpers(*BLOCKS["race"][:1]) == ["race", "messageOf"]
    assert helpers(*DURABLE["sleep_until"][:1]) == ["sleepUntil", "remainingUntil", "messageOf"]


def test_defaults_and_imports_are_there_only_when_used() -> None:
    text = emit(workflow(p.Sleep("s", p.StepName("S"), p.Constant(1))), "js").text
    assert "DEFAULTS" not in text and "NonRetryableError" not in text
    text = emit(workflow(do("A", "throw new NonRetryableError('no');")), "js").text
    assert 'import { NonRetryableError } from "cloudflare:workflows";' in text
    assert "cloudflare:" not in emit(script(do("A", settings=None)), "js").text
    assert run_of(emit(workflow(uses_env=True), "js").text) == "const env = this.env;"
