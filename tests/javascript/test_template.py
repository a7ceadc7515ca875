"""Templates of custom nodes: what is read of them, and what is wrong with them."""

from __future__ import annotations

import pytest

from stepwell.javascript.template import parse_template, with_type

HEAD = "export default async function (ctx) "


def reads(text: str) -> dict[str, list[str]]:
    return {read.name: sorted(read.methods) for read in parse_template(text).env.reads}


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "{ return ctx.env.KEY }",
        HEAD + '{ return ctx["env"]["KEY"] }',
        HEAD + "{ const { env } = ctx; return `${env.KEY}` }",
        HEAD + "{ const { env: { KEY } } = ctx; return KEY }",
        "export default async ({ env }) => env.KEY",
        "export default async ({ config, env: { KEY: key } }) => key",
        "async function run(ctx: { env: { KEY: string } }): Promise<string> { return ctx.env.KEY }\n"
        "export default run;",
        "const run = async (ctx) => ctx.env.KEY;\nexport { run as default };",
        "const key = (c: any) => c.env.KEY;\n" + HEAD + "{ return key(ctx) }",
    ],
)
def test_bindings_are_found_however_they_are_read(text: str) -> None:
    module = parse_template(text)
    assert (module.faults, module.env.dynamic) == ((), ())
    assert list(reads(text)) == ["KEY"]


def test_methods_tell_kinds() -> None:
    text = HEAD + "{ const kv = ctx.env.STORE; await kv.put('a', await kv.get('b')) }"
    assert reads(text) == {"STORE": ["get", "put"]}
    uses = parse_template(HEAD + "{ const { store } = ctx.config; await store.prepare('x').all() }").uses("store")
    assert uses[0] == {"prepare"}


@pytest.mark.parametrize(
    "body", ["{ return send(ctx) }", "{ return Object.keys(ctx.env) }", "{ return ctx.env[ctx.config.x] }"]
)
def test_env_that_is_lost_is_said(body: str) -> None:
    text = "import { send } from 'cloudflare:workers';\n" + HEAD + body
    assert len(parse_template(text).env.dynamic) == 1


@pytest.mark.parametrize(
    ("body", "keyed", "mutates"),
    [
        ("{ return ctx.config }", False, False),
        ("{ return ctx.idempotencyKey }", True, False),
        ("{ const { idempotencyKey } = ctx; return idempotencyKey }", True, False),
        ("{ ctx.config.list.push(1) }", False, True),
        ("{ const { order } = ctx.config; order.paid = true; return order }", False, True),
    ],
)
def test_what_it_needs(body: str, keyed: bool, mutates: bool) -> None:
    module = parse_template(HEAD + body)
    assert (module.keyed, module.mutates) == (keyed, mutates)


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("", 1, 1, "is missing"),
        ("export const run = 1;", 1, 1, "is missing"),
        ("\nexport default { run() {} };", 2, 16, "is no function"),
        ("export default class {}", 1, 16, "is no function"),
        ("export default async function* (ctx) {}", 1, 16, "is a generator"),
        (HEAD + "{\n  return (1;\n}", 2, 12, ""),
        ("export default async (ctx) => '\ud800';", 1, 32, "half a surrogate pair"),
    ],
)
def test_what_is_wrong_has_a_place(text: str, line: int, column: int, told: str) -> None:
    fault = parse_template(text).faults[0]
    assert (fault.line, fault.column) == (line, column)
    assert told in fault.message


def test_a_type_is_put_in_only_where_there_is_none() -> None:
    assert with_type("export default async function (ctx) {}", "T") == "export default async function (ctx: T) {}"
    assert with_type("export default async ({ env }) => env", "T") == "export default async ({ env }: T) => env"
    for text in ("export default async function (ctx: U) {}", "export default async () => 1", "no module ("):
        assert with_type(text, "T") == text
