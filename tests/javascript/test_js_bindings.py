"""What is read from `env`, and what kind of binding that makes."""

from __future__ import annotations

import pytest

from stepwell.javascript import BindingKind, Kind, env_reads, kind_of, merged, parse

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
        "const { A, ...rest } = env",
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
