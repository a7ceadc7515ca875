"""What is read from `env`, and what kind of binding that makes."""

from __future__ import annotations

import pytest

from stepwell.javascript import BindingKind, Kind, env_reads, kind_of, merged, parse, parse_trigger

READS = [
    ('await env.KV.get("a")', "KV", BindingKind.KV),
    ("const { KV } = env; await KV.get()", "KV", BindingKind.KV),
    ("const kv = env.KV; function f() { return kv.put() }", "KV", BindingKind.KV),
    ('const e = env; e.DB.prepare("x").bind(1).all()', "DB", BindingKind.D1),
    ("const db = env.MAIN; const s = db.prepare('x'); await s.run()", "MAIN", BindingKind.D1),
    ("`${env.KV_URL}/x`", "KV_URL", BindingKind.STRING),
    ("f(env.AI_API_KEY)", "AI_API_KEY", BindingKind.STRING),
    ('env["MY_KEY"]', "MY_KEY", BindingKind.STRING),
    ("env.QUEUE.send({})", "QUEUE", BindingKind.QUEUE),
    ("env.JOBS.sendBatch([])", "JOBS", BindingKind.QUEUE),
    ("env.EMAIL.send(m)", "EMAIL", BindingKind.EMAIL),
    ('env.SVC.fetch("x")', "SVC", BindingKind.SERVICE),
    ("env.RPC.doIt(1)", "RPC", BindingKind.SERVICE),
    ('env.BUCKET.get("x")', "BUCKET", BindingKind.R2),
    ('env.FILES.head("x")', "FILES", BindingKind.R2),
    ('env.CACHE.get("x")', "CACHE", BindingKind.KV),
    ('env.AI.run("m")', "AI", BindingKind.AI),
    ("env.ORDERS.create({})", "ORDERS", BindingKind.WORKFLOW),
    ("env.ROOM.get(env.ROOM.idFromName('a'))", "ROOM", BindingKind.DURABLE_OBJECT),
    ("env.VECTORIZE.query(v)", "VECTORIZE", BindingKind.VECTORIZE),
    ("env.INDEX.upsert(v)", "INDEX", BindingKind.VECTORIZE),
    ("env.HYPERDRIVE.connectionString", "HYPERDRIVE", BindingKind.HYPERDRIVE),
    ("env.PG.connectionString", "PG", BindingKind.HYPERDRIVE),
    ("env.STATS.writeDataPoint({})", "STATS", BindingKind.ANALYTICS),
    ("puppeteer.launch(env.BROWSER)", "BROWSER", BindingKind.BROWSER),
    ("env.LIMITER.limit({ key })", "LIMITER", BindingKind.RATE_LIMIT),
    ("drizzle(env.DB)", "DB", BindingKind.D1),
    ("env.NAME.toUpperCase()", "NAME", BindingKind.STRING),
    ("env.KV.startsWith('x')", "KV", BindingKind.STRING),
    ("return env.TOKEN ?? 'none'", "TOKEN", BindingKind.STRING),
    ("(env.A ?? b).get('x')", "A", BindingKind.KV),
    ("const { A: { B } } = env", "A", BindingKind.STRING),
    ("function f({ KV }) { return KV.get() } f(env)", "KV", BindingKind.KV),
    ('await env.KV.get<string>("k")', "KV", BindingKind.KV),
    ('env?.["KV"]?.list()', "KV", BindingKind.KV),
    ("env.DBASE", "DBASE", BindingKind.STRING),
    ("f(env.KV2)", "KV2", BindingKind.KV),
]


@pytest.mark.parametrize(("text", "name", "kind"), READS)
def test_kind(text: str, name: str, kind: BindingKind) -> None:
    found = env_reads(parse(text, Kind.BODY))
    assert [(read.name, kind_of(read.name, read)) for read in found.reads] == [(name, kind)]
    assert found.dynamic == ()


@pytest.mark.parametrize(
    "text",
    [
        "f(env)",
        "env[k]",
        "const { A, ...rest } = env; f(rest)",
        "Object.keys(env)",
        "const { [k]: q } = env",
        "const e = env; f(e)",
    ],
)
def test_dynamic(text: str) -> None:
    assert len(env_reads(parse(text, Kind.BODY)).dynamic) == 1


def test_a_shadowed_env_is_not_read() -> None:
    assert env_reads(parse("function f(env) { return env.X }", Kind.BODY)).reads == ()


def test_reads_of_several_snippets_together() -> None:
    one = env_reads(parse("env.A", Kind.EXPRESSION)).reads
    two = env_reads(parse("env.A.get('x')", Kind.EXPRESSION)).reads
    both = merged([*one, *two])["A"]
    assert (both.value, both.methods) == (True, frozenset({"get"}))
    assert kind_of("A", both) is BindingKind.KV


HANDED_ON = [
    (
        'import { env } from "cloudflare:workers";\n@fetch function handler(r) { return env.KV.get("x") }',
        "KV kv_namespace",
    ),
    (
        'import { env as e } from "cloudflare:workers";\nconst db = e.MAIN;\n'
        '@fetch function handler(r) { return db.prepare("x") }',
        "MAIN d1",
    ),
    (
        'import * as cf from "cloudflare:workers";\n'
        '@fetch function handler(r) { const { env: { A } } = cf; return cf.env.KV.get("x") + A }',
        "A string, KV kv_namespace",
    ),
    (
        '@fetch async function handler(r) { const { env } = await import("cloudflare:workers"); env.KV.get("x"); }',
        "KV kv_namespace",
    ),
    ('import { env } from "other";\n@fetch function handler(r, e) { return env.A + e.B }', "B string"),
    ('import { env as all } from "cloudflare:workers";\nreturn new Response(all.NAME)', "NAME string"),
    (
        'function helper(e) { return e.KV.get("x") }\n@fetch function handler(r, env) { return helper(env) }',
        "KV kv_namespace",
    ),
    ('function helper(e) { return e.KV.get("x") }\nreturn helper(env)', "KV kv_namespace"),
    (
        'const helper = async ({ url }, { KV, NAME = "x", ...rest }) => KV.get(NAME + url + rest.OTHER);\n'
        "@fetch function handler(r, env) { return helper(r, env) }",
        "KV kv_namespace, NAME string, OTHER string",
    ),
    (
        "function a(e) { return b(e) }\nfunction b({ DB: db }) { return db.prepare('x') }\n"
        "@queue function q(batch, environment: Env, ctx) { return a(environment) }",
        "DB d1",
    ),
    (
        '@fetch function handler(r, env) { return (function (e) { return e.KV.get("x") })(env) }',
        "KV kv_namespace",
    ),
    ("@fetch function handler(r, { KV, DB: { prepare } }, c = f({ a: 1 })) { return 1 }", "DB d1, KV kv_namespace"),
    (
        "let saved;\nfunction f() { return saved.KV.get('x') }\n@fetch function handler(r, env) { saved = env; f() }",
        "KV kv_namespace",
    ),
    ("@fetch async function handler(r, env) { return Response.json(await runGraph(env, { a: env.A })) }", "A string"),
    ('@fetch function handler(r, env) { const e = { ...env }; return e.KV.get("x") }', "KV kv_namespace"),
]


@pytest.mark.parametrize(("text", "bindings"), HANDED_ON)
def test_env_of_handlers_and_of_the_runtime_is_followed(text: str, bindings: str) -> None:
    code = parse_trigger(text)
    found = env_reads(code.facts)
    assert code.faults == ()
    kinds = sorted(f"{read.name} {kind_of(read.name, read).value}" for read in found.reads)
    assert ", ".join(kinds) == bindings
    assert found.dynamic == ()


@pytest.mark.parametrize(
    "text",
    [
        "@fetch function handler(r, env) { return router.fetch(r, env) }",
        "@fetch function handler(r, env) { const e = { env }; return e.env.KV.get('x') }",
        "@fetch function handler(r, env) { return env[r.url].get('x') }",
        "@fetch function handler(r, env) { return new Api(env) }",
        "@fetch function handler(...args) { return args[1].KV.get('x') }",
        "@fetch function handler(r, ...args) { return args[0].KV.get('x') }",
        "function h(...a) { return a[0].KV.get('x') }\n@fetch function handler(r, env) { return h(env) }",
        "import * as cf from 'cloudflare:workers';\n@fetch function handler(r) { f(cf.env) }",
    ],
)
def test_env_that_cannot_be_followed(text: str) -> None:
    found = env_reads(parse_trigger(text).facts)
    assert (found.reads, bool(found.dynamic)) == ((), True)


def test_an_imported_env_is_no_more_deterministic_than_the_one_in_scope() -> None:
    found = parse('import { env as e } from "cloudflare:workers"; return e.KV.get("x")', Kind.BODY).impurities
    assert [(one.kind, one.what) for one in found] == [("env", "env.KV.get")]
