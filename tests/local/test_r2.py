"""R2 buckets: what a Worker sees of them, and what a kill leaves."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from stepwell.bundle.toolchain import ensure
from stepwell.local.config import ServiceRef, WorkerSpec
from stepwell.local.runtime import Answer, Runtime, RuntimeFailed
from tests.local.local_workers import play, workflow

HELP = """
const MIB = 2 ** 20;
const fill = (n, letter) => new Uint8Array(n).fill(letter.charCodeAt(0));
const fails = (promise) => promise.then(() => "it did not fail", (error) => `${error.name}: ${error.message}`);
const keys = ({ objects, delimitedPrefixes, truncated }) => [objects.map((o) => o.key), delimitedPrefixes, truncated];
const range = async (b, key, range) => {
  const found = await b.get(key, { range });
  return [await found.text(), found.range.offset, found.range.length];
};
const held = async (b, key, onlyIf) => "body" in (await b.get(key, { onlyIf }));
const taken = async (b, key, onlyIf) => (await b.put(key, "new", { onlyIf })) !== null;
const hash = async (name, text) =>
  new Uint8Array(await crypto.subtle.digest(name, new TextEncoder().encode(text))).toHex();
"""

HELLO = hashlib.md5(b"hello").hexdigest()

# A name, what the Worker does with its bucket `b`, and what comes of it.
CHECKS: list[tuple[str, str, Any]] = [
    (
        "what-is-not-there",
        "return [await b.head('no'), await b.get('no'), await b.get('no', { onlyIf: { etagMatches: 'x' } }),"
        " (await b.delete('no')) ?? 'void', (await b.list({ prefix: 'no' })).objects];",
        [None, None, None, "void", []],
    ),
    (
        "properties",
        """
        const put = await b.put("p/k", "hello", {
          httpMetadata: { contentType: "text/plain", contentLanguage: "de", contentDisposition: "inline",
            contentEncoding: "br", cacheControl: "no-store", cacheExpiry: new Date(86400000) },
          customMetadata: { a: "b", "ü": "😀" }, storageClass: "InfrequentAccess" });
        const seen = [put, await b.head("p/k"), await b.get("p/k"), (await b.list({ prefix: "p/k",
          include: ["httpMetadata", "customMetadata"] })).objects[0]];
        const told = seen.map((o) => [o.key, o.size, o.etag, o.httpEtag, o.version.length, o.httpMetadata.contentType,
          o.httpMetadata.cacheExpiry.getTime(), o.customMetadata, o.storageClass, o.checksums.toJSON()]);
        const headers = new Headers();
        seen[1].writeHttpMetadata(headers);
        const age = Date.now() - put.uploaded;
        return [told.every((one) => JSON.stringify(one) === JSON.stringify(told[0])), told[0],
          Object.fromEntries(headers), age >= 0 && age < 60000, new Set(seen.map((o) => o.version)).size,
          new Set(seen.map((o) => o.uploaded.getTime())).size];""",
        [
            True,
            [
                "p/k",
                5,
                HELLO,
                f'"{HELLO}"',
                32,
                "text/plain",
                86400000,
                {"a": "b", "ü": "😀"},
                "InfrequentAccess",
                {"md5": HELLO},
            ],
            {
                "content-type": "text/plain",
                "content-language": "de",
                "content-disposition": "inline",
                "content-encoding": "br",
                "cache-control": "no-store",
                "expires": "Fri, 02 Jan 1970 00:00:00 GMT",
            },
            True,
            1,
            1,
        ],
    ),
    (
        "metadata-of-headers",
        "await b.put('mh', '', { httpMetadata: new Headers({ 'content-type': 'a/b', expires: new Date(0).toUTCString()"
        " }) }); const { httpMetadata } = await b.head('mh');"
        " return [httpMetadata.contentType, httpMetadata.cacheExpiry.getTime(), (await b.put('mh', '')).httpMetadata];",
        ["a/b", 0, {}],
    ),
    (
        "list-says-only-what-is-asked",
        "await b.put('say', '', { httpMetadata: { contentType: 'a/b' }, customMetadata: { a: 'b' } });"
        " const seen = async (include) => { const [o] = (await b.list({ prefix: 'say', include })).objects;"
        " return [o.httpMetadata?.contentType ?? null, o.customMetadata?.a ?? null]; };"
        " return [await seen(), await seen(['httpMetadata']), await seen(['customMetadata'])];",
        [[None, None], ["a/b", None], [None, "b"]],
    ),
    (
        "values-of-every-type",
        """
        const stream = new Response("streamed").body;
        const { readable, writable } = new FixedLengthStream(5);
        const fed = new Response("fixed").body.pipeTo(writable);
        const values = ["text ü", fill(3, "a").buffer, fill(5, "b").subarray(1, 3), new DataView(fill(2, "c").buffer),
          new Blob(["bl", "ob"]), null, "", readable];
        const read = [];
        for (const value of values) {
          await b.put("v", value);
          read.push(await (await b.get("v")).text());
        }
        await fed;
        return read;""",
        ["text ü", "aaa", "bb", "cc", "blob", "", "", "fixed"],
    ),
    (
        "bodies-of-every-type",
        "await b.put('j', '{\"a\":[1]}'); const get = () => b.get('j'); const first = await get();"
        " const bytes = await (await get()).bytes(); const used = [first.bodyUsed, await first.json(), first.bodyUsed];"
        " return [...used, bytes.length, (await (await get()).arrayBuffer()).byteLength,"
        " (await (await get()).blob()).size, await new Response((await get()).body).text()];",
        [False, {"a": [1]}, True, 9, 9, 9, '{"a":[1]}'],
    ),
    (
        "a-stream-must-have-a-length",
        "const endless = new ReadableStream({ start(c) { c.enqueue(fill(3, 'a')); c.close(); } });"
        " return [await fails(b.put('e', endless)), await b.head('e')];",
        [
            "TypeError: Provided readable stream must have a known length (request/response body or readable half of "
            "FixedLengthStream)",
            None,
        ],
    ),
    (
        "a-stream-that-breaks-off",
        """
        await b.put("cut", "whole");
        const { readable, writable } = new FixedLengthStream(1e6);
        const writer = writable.getWriter();
        const fed = writer.write(fill(5e5, "a")).then(() => writer.abort(new Error("boom"))).catch(() => {});
        const failed = await fails(b.put("cut", readable));
        await fed;
        return [failed, await (await b.get("cut")).text()];""",
        ["Error: boom", "whole"],
    ),
    (
        "odd-keys",
        "const odd = ['ü😀', 'a\\u0000b', 'a\\nb\"c', '../x', '%2F', '?', ' ', '\\u{10ffff}', 'k'.repeat(1024)];"
        " for (const key of odd) await b.put(key, key); const same = [];"
        " for (const key of odd) same.push((await (await b.get(key)).text()) === key, (await b.head(key)).key === key);"
        " await b.delete(odd); return [same.every((one) => one), (await b.list({ prefix: ' ' })).objects];",
        [True, []],
    ),
    (
        "keys-that-are-none",
        "const long = 'ü'.repeat(513); return [await fails(b.put('', 'x')), await fails(b.get(long)),"
        " await fails(b.put(long, fill(MIB, 'a'))), await fails(b.delete(['a', long])), await fails(b.head(long))];",
        [
            f"Error: {action}: The specified object name is not valid. (10020)"
            for action in ("put", "get", "put", "delete", "head")
        ],
    ),
    (
        "checksums",
        """
        const told = {};
        for (const [name, algorithm] of [["md5", "MD5"], ["sha1", "SHA-1"], ["sha256", "SHA-256"],
          ["sha384", "SHA-384"], ["sha512", "SHA-512"]]) {
          const hex = await hash(algorithm, "hello");
          const put = await b.put("sum", "hello", { [name]: hex });
          const { checksums } = await b.head("sum");
          const wrong = await fails(b.put("sum", "hullo", { [name]: Uint8Array.fromHex(hex) }));
          told[name] = [put.checksums.toJSON()[name] === hex, new Uint8Array(checksums[name]).toHex() === hex,
            checksums.toJSON().md5 === put.etag, wrong];
        }
        return [told, await (await b.get("sum")).text()];""",
        [
            {
                name: [
                    True,
                    True,
                    True,
                    "Error: put: The checksum you specified did not match what we received. (10037)",
                ]
                for name in ("md5", "sha1", "sha256", "sha384", "sha512")
            },
            "hello",
        ],
    ),
    (
        "ranges",
        """
        await b.put("r", "0123456789");
        const seen = [];
        for (const one of [{ offset: 7 }, { length: 3 }, { offset: 2, length: 3 }, { offset: 8, length: 9 },
          { suffix: 2 }, { suffix: 99 }, {}, undefined]) seen.push(await range(b, "r", one));
        return seen;""",
        [
            ["789", 7, 3],
            ["012", 0, 3],
            ["234", 2, 3],
            ["89", 8, 2],
            ["89", 8, 2],
            ["0123456789", 0, 10],
            ["0123456789", 0, 10],
            ["0123456789", 0, 10],
        ],
    ),
    (
        "ranges-of-headers",
        """
        await b.put("rh", "0123456789");
        const seen = [];
        for (const one of ["bytes=2-4", "bytes=7-", "bytes=-2", "bytes=8-99", "bytes=4-2", "bytes=0-1,3-4", "feet=1-2"])
          seen.push((await range(b, "rh", new Headers({ range: one })))[0]);
        return seen;""",
        ["234", "789", "89", "89", "0123456789", "0123456789", "0123456789"],
    ),
    (
        "ranges-that-are-none",
        "await b.put('rn', '0123456789'); await b.put('empty', null);"
        " const seen = [await range(b, 'empty', { offset: 0 })];"
        " for (const one of [{ offset: 10 }, { length: 0 }, { suffix: 0 }, new Headers({ range: 'bytes=10-' })])"
        " seen.push(await fails(b.get('rn', { range: one }))); return seen;",
        [["", 0, 0], *["Error: get: The requested range is not satisfiable. (10039)"] * 4],
    ),
    (
        "conditions",
        """
        const { etag, uploaded } = await b.put("c", "x");
        const [early, late] = [-1, 1].map((ms) => new Date(uploaded.getTime() + ms));
        const seen = [];
        for (const one of [{ etagMatches: etag }, { etagMatches: "no" }, { etagMatches: "*" },
          { etagDoesNotMatch: etag }, { etagDoesNotMatch: "no" }, { etagDoesNotMatch: "*" },
          { uploadedBefore: late }, { uploadedBefore: uploaded }, { uploadedAfter: early }, { uploadedAfter: uploaded },
          { etagMatches: etag, uploadedBefore: early }, { etagDoesNotMatch: etag, uploadedAfter: early },
          { uploadedAfter: early, uploadedBefore: late }, {}]) seen.push(await held(b, "c", one));
        const without = await b.get("c", { onlyIf: { etagMatches: "no" } });
        return [seen, [without.key, without.etag === etag, without.size, without.body ?? null]];""",
        [
            [True, False, True, False, True, False, True, False, True, False, True, False, True, True],
            ["c", True, 1, None],
        ],
    ),
    (
        "conditions-of-headers",
        """
        const { httpEtag, uploaded } = await b.put("ch", "x");
        const before = new Date(uploaded.getTime() - 1000).toUTCString();
        const seen = [];
        for (const one of [{ "if-match": httpEtag }, { "if-match": `"no", ${httpEtag}` },
          { "if-match": `W/${httpEtag}` }, { "if-none-match": `W/${httpEtag}` },
          { "if-none-match": '"no"' }, { "if-none-match": "*" },
          { "if-modified-since": uploaded.toUTCString() }, { "if-modified-since": before },
          { "if-unmodified-since": uploaded.toUTCString() }, { "if-unmodified-since": before }])
          seen.push(await held(b, "ch", new Headers(one)));
        return seen;""",
        [True, True, False, False, True, False, False, True, True, False],
    ),
    (
        "conditions-of-a-put",
        """
        const seen = [await taken(b, "cp", { etagMatches: "*" }), await taken(b, "cp", { uploadedAfter: new Date(0) }),
          await taken(b, "cp", { etagDoesNotMatch: "*" }), await taken(b, "cp", { etagDoesNotMatch: "*" })];
        const { etag } = await b.put("cp", "old");
        const kept = await b.put("cp", fill(3 * MIB, "a"), { onlyIf: { etagMatches: "no" } });
        seen.push(kept, await (await b.get("cp")).text(),
          await taken(b, "cp", new Headers({ "if-match": `"${etag}"` })), await (await b.get("cp")).text());
        const once = await Promise.all(Array.from({ length: 8 }, () => taken(b, "once", { etagDoesNotMatch: "*" })));
        return [seen, once.filter((one) => one).length];""",
        [[False, False, True, False, None, "old", True, "new"], 1],
    ),
    (
        "what-a-put-may-not-say",
        "return [await fails(b.put('w', 'x', { customMetadata: { a: 'ü'.repeat(4096) } })),"
        " (await b.put('w', 'x', { customMetadata: { ab: 'ü'.repeat(4095) } })).size,"
        " await fails(b.put('w', 'x', { storageClass: 'Cold' })),"
        " await fails(b.put('w', 'x', { md5: HELLO, sha1: 'a'.repeat(40) }))];".replace("HELLO", f"'{HELLO}'"),
        [
            "Error: put: Your metadata headers exceed the maximum allowed metadata size. (10012)",
            1,
            "Error: put: The storage class is neither Standard nor InfrequentAccess. (10001)",
            "TypeError: You cannot specify multiple hashing algorithms.",
        ],
    ),
    (
        "keys-of-customers",
        "const ssecKey = 'ab'.repeat(32); const { ssecKeyMd5 } = await b.put('s', 'x', { ssecKey });"
        " return [ssecKeyMd5.length, (await b.head('s')).ssecKeyMd5 === ssecKeyMd5, await fails(b.get('s')),"
        " await (await b.get('s', { ssecKey })).text(), (await b.put('s', 'x')).ssecKeyMd5 ?? null];",
        [32, True, "Error: get: The key of this object's encryption is another one. (10003)", "x", None],
    ),
    (
        "deletes",
        "for (const key of ['d1', 'd2', 'd3']) await b.put(key, 'x'); await b.delete('d1'); const left ="
        " keys(await b.list({ prefix: 'd' })); await b.delete(['d2', 'no', 'd3', 'd3']); await b.delete([]);"
        " const many = Array.from({ length: 1001 }, (_, i) => `d${i}`);"
        " return [left[0], keys(await b.list({ prefix: 'd' }))[0], await fails(b.delete(many))];",
        [["d2", "d3"], [], "Error: delete: At most 1000 keys can be deleted at once. (10001)"],
    ),
    (
        "lists",
        """
        for (const key of ["l/b", "l/a/2", "l/a/1", "l/c/x/y", "l/ü", "l/a", "l0", "l/c"]) await b.put(key, "x");
        const list = async (options) => keys(await b.list(options));
        return [await list({ prefix: "l/" }), await list({ prefix: "l/", delimiter: "/" }),
          await list({ prefix: "l/a", delimiter: "/" }), await list({ prefix: "l/a/", delimiter: "/" }),
          await list({ prefix: "l/", startAfter: "l/b" }), await list({ prefix: "l/", startAfter: "l/a/1", limit: 1 }),
          await list({ prefix: "l/", delimiter: "" , limit: 2 }), await list({ prefix: "l", delimiter: "c/" })];""",
        [
            [["l/a", "l/a/1", "l/a/2", "l/b", "l/c", "l/c/x/y", "l/ü"], [], False],
            [["l/a", "l/b", "l/c", "l/ü"], ["l/a/", "l/c/"], False],
            [["l/a"], ["l/a/"], False],
            [["l/a/1", "l/a/2"], [], False],
            [["l/c", "l/c/x/y", "l/ü"], [], False],
            [["l/a/2"], [], True],
            [["l/a", "l/a/1"], [], True],
            [["l/a", "l/a/1", "l/a/2", "l/b", "l/c", "l/ü", "l0"], ["l/c/"], False],
        ],
    ),
    (
        "pages",
        """
        const names = Array.from({ length: 25 }, (_, i) => `pg/${i % 5}/${String.fromCodePoint(0x1f600 + i)}`);
        await Promise.all(names.map((key) => b.put(key, "")));
        const walk = async (options) => {
          const seen = [];
          for (let cursor, pages = 1; ; pages++) {
            const page = await b.list({ prefix: "pg/", ...options, cursor });
            seen.push(...page.objects.map((o) => o.key), ...page.delimitedPrefixes);
            if (page.truncated !== (page.cursor !== undefined)) return "a cursor is there when there is more";
            if (!page.truncated) return [pages, seen];
            await b.delete(page.objects[0]?.key ?? []);
            await b.put(page.objects[0]?.key ?? names[0], "");
            cursor = page.cursor;
          }
        };
        const [pages, seen] = await walk({ limit: 4 });
        const limits = [await fails(b.list({ limit: 0 })), await fails(b.list({ limit: 1001 }))];
        return [pages, JSON.stringify(seen) === JSON.stringify(names.toSorted()),
          await walk({ limit: 2, delimiter: "/" }), ...limits, await fails(b.list({ cursor: "?" }))];""",
        [
            7,
            True,
            [3, ["pg/0/", "pg/1/", "pg/2/", "pg/3/", "pg/4/"]],
            "Error: list: MaxKeys params must be positive integer <= 1000. (10022)",
            "Error: list: MaxKeys params must be positive integer <= 1000. (10022)",
            "Error: list: The cursor is not one that a list gave. (10001)",
        ],
    ),
    (
        "pages-of-much-metadata",
        """
        const names = Array.from({ length: 200 }, (_, i) => `big/${String(i).padStart(3, "0")}`);
        await Promise.all(names.map((key) => b.put(key, "", { customMetadata: { a: "ü".repeat(4000) } })));
        const one = await b.list({ prefix: "big/", include: ["customMetadata"] });
        const two = await b.list({ prefix: "big/", include: ["customMetadata"], cursor: one.cursor });
        const all = [...one.objects, ...two.objects].map((o) => o.key);
        return [one.truncated, two.truncated, JSON.stringify(all) === JSON.stringify(names),
          (await b.list({ prefix: "big/" })).objects.length];""",
        [True, False, True, 200],
    ),
    (
        "multipart",
        """
        const upload = await b.createMultipartUpload("m", {
          customMetadata: { a: "b" }, httpMetadata: { contentType: "a/b" } });
        const again = b.resumeMultipartUpload("m", upload.uploadId);
        const parts = [await upload.uploadPart(7, new Blob(["tail"])), await again.uploadPart(2, fill(5 * MIB, "x")),
          await upload.uploadPart(5, new Response(fill(5 * MIB, "b")).body),
          await upload.uploadPart(2, fill(5 * MIB, "a"))];
        const unseen = await b.head("m");
        const [tail, old, second, first] = parts;
        const stale = await fails(upload.complete([old, second, tail]));
        const done = await again.complete([tail, second, first]);
        const got = await b.get("m");
        const { size, etag, customMetadata, httpMetadata, checksums } = got;
        const seam = await range(b, "m", { offset: 5 * MIB - 2, length: 4 });
        const end = await range(b, "m", { suffix: 6 });
        const whole = await got.bytes();
        return [unseen, upload.key, [first.partNumber, first.etag === second.etag], stale, done.etag === etag, size,
          etag.slice(32), customMetadata, httpMetadata, checksums.toJSON(), seam[0], end[0], whole.length,
          await fails(again.complete([tail, second, first])), await fails(again.uploadPart(1, fill(MIB, "a")))];""",
        [
            None,
            "m",
            [2, False],
            "Error: completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
            True,
            10 * 2**20 + 4,
            "-3",
            {"a": "b"},
            {"contentType": "a/b"},
            {},
            "aabb",
            "bbtail",
            10 * 2**20 + 4,
            "Error: completeMultipartUpload: The specified multipart upload does not exist. (10024)",
            "Error: uploadPart: The specified multipart upload does not exist. (10024)",
        ],
    ),
    (
        "multipart-that-fails",
        """
        const upload = await b.createMultipartUpload("mf");
        const small = await upload.uploadPart(1, "small");
        const five = await upload.uploadPart(2, fill(5 * MIB, "a"));
        const six = await upload.uploadPart(3, fill(6 * MIB, "a"));
        const other = b.resumeMultipartUpload("other", upload.uploadId);
        const said = [await fails(upload.complete([small, five])), await fails(upload.complete([five, six])),
          await fails(upload.complete([five, five])), await fails(upload.complete([])),
          await fails(upload.complete([{ partNumber: 9, etag: five.etag }])), await fails(other.complete([five])),
          await fails(upload.uploadPart(0, "x")), await fails(b.createMultipartUpload(""))];
        await upload.abort();
        return [...said, await fails(upload.abort()), await fails(upload.complete([five])), await b.head("mf")];""",
        [
            "Error: completeMultipartUpload: Your proposed upload is smaller than the minimum allowed object size. "
            "(10011)",
            "Error: completeMultipartUpload: All non-trailing parts must have the same length. (10048)",
            "Error: completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
            "Error: completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
            "Error: completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
            "Error: completeMultipartUpload: The specified multipart upload does not exist. (10024)",
            "TypeError: Part number must be between 1 and 10000 (inclusive). Actual value was: 0",
            "Error: createMultipartUpload: The specified object name is not valid. (10020)",
            "Error: abortMultipartUpload: The specified multipart upload does not exist. (10024)",
            "Error: completeMultipartUpload: The specified multipart upload does not exist. (10024)",
            None,
        ],
    ),
    (
        "readers-and-writers-at-once",
        """
        let read = 0;
        const writing = (async () => {
          for (let i = 0; i < 40; i++) await b.put("rw", fill(300000, String(i % 10)));
          await b.delete("rw");
        })();
        const reading = Array.from({ length: 3 }, async () => {
          for (let i = 0; i < 30; i++) {
            const text = await (await b.get("rw"))?.text();
            if (text !== undefined && text !== text[0].repeat(300000)) throw new Error("torn");
            if (text !== undefined) read++;
          }
        });
        await Promise.all([writing, ...reading]);
        return [read > 0, await b.head("rw")];""",
        [True, None],
    ),
    (
        "a-reader-that-leaves",
        "await b.put('rl', fill(8 * MIB, 'a')); const reader = (await b.get('rl')).body.getReader();"
        " await reader.read(); await reader.cancel(); await b.get('rl'); return (await b.head('rl')).size;",
        8 * 2**20,
    ),
    (
        "much",
        "const value = fill(48 * MIB, 'a'); await b.put('much', value);"
        " const got = await (await b.get('much')).bytes(); await b.delete('much');"
        " return [got.length, got.every((one) => one === 97)];",
        [48 * 2**20, True],
    ),
    (
        "buckets-are-shared-by-name",
        "await b.put('mine', 'x'); const there = await env.OTHER.fetch('https://other/mine');"
        " return [await there.json(), await env.SECOND.head('mine')];",
        [[True, False], None],
    ),
]

OTHER = """
export default {
  async fetch(request, env) {
    const key = new URL(request.url).pathname.slice(1);
    return Response.json([(await env.SAME.head(key)) !== null, (await env.THIRD.head(key)) !== null]);
  }
};
"""


def _checking() -> WorkerSpec:
    bodies = ",\n".join(f"{json.dumps(name)}: async (b, env) => {{ {body} }}" for name, body, _ in CHECKS)
    source = f"""{HELP}
const checks = {{ {bodies} }};
export default {{
  async fetch(request, env) {{
    return Response.json(await checks[new URL(request.url).pathname.slice(1)](env.BUCKET, env));
  }}
}};"""
    return WorkerSpec(
        "checks",
        {"worker.js": source},
        "worker.js",
        "2026-06-01",
        r2={"BUCKET": "a bucket/ü", "SECOND": "second"},
        services={"OTHER": ServiceRef("other")},
    )


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    r2 = {"SAME": "a bucket/ü", "THIRD": "third"}
    other = WorkerSpec("other", {"worker.js": OTHER}, "worker.js", "2026-06-01", r2=r2)
    with Runtime(ensure().workerd, [_checking(), other], state=tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.mark.parametrize(("name", "expected"), [(name, expected) for name, _, expected in CHECKS])
def test_a_bucket(runtime: Runtime, name: str, expected: Any) -> None:
    answer = runtime.fetch("checks", f"https://checks/{name}", timeout=60)
    assert answer.status == 200, answer.body.decode()
    assert json.loads(answer.body) == expected


def test_a_workflow_has_buckets() -> None:
    body = """
    await step.do("put", async () => void (await env.BUCKET.put("k", "v")));
    return step.do("get", async () => (await env.BUCKET.get("k")).text());"""
    outcome, _ = play(workflow(body, r2={"BUCKET": "BUCKET"}))
    assert outcome.output == "v"


# What a kill leaves

KEEPER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === "PUT") return Response.json(await env.B.put(key, request.body));
    if (url.search === "?upload") {
      const upload = await env.B.createMultipartUpload(key);
      return Response.json({ id: upload.uploadId, part: await upload.uploadPart(1, "part") });
    }
    if (request.method === "POST") {
      const { id, part } = await request.json();
      return Response.json(await env.B.resumeMultipartUpload(key, id).complete([part]));
    }
    const found = await env.B.get(key);
    if (!found) return new Response(null, { status: 404 });
    return new Response(found.body, { headers: { etag: found.etag } });
  }
};
"""


def _keeper(state: Path) -> Runtime:
    spec = WorkerSpec("keeper", {"worker.js": KEEPER}, "worker.js", "2026-06-01", r2={"B": "kept"})
    return Runtime(ensure().workerd, [spec], state=state)


def _ask(runtime: Runtime, path: str, method: str = "GET", body: bytes = b"") -> Answer:
    return runtime.fetch("keeper", f"https://keeper/{path}", method=method, body=body, timeout=30)


def _files(state: Path) -> list[Path]:
    return [path for path in (state / "r2-files").rglob("*") if path.is_file()]


def _write_on(runtime: Runtime, key: str, written: list[int], seed: int) -> None:
    """Puts one value after another, until the runtime is gone; `written` are those that were answered."""
    chance = random.Random(seed)
    with suppress(RuntimeFailed, OSError, HTTPException):
        for number in range(1, 10_000):
            body = f"{number} ".encode().ljust(chance.choice([10, 5_000, 2_000_000]), b".")
            if _ask(runtime, key, "PUT", body).status == 200:
                written.append(number)


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    answered: dict[str, list[int]] = {key: [0] for key in ("a", "b", "c")}
    with _keeper(tmp_path) as first:
        upload = json.loads(_ask(first, "whole?upload").body)
        threads = [
            threading.Thread(target=_write_on, args=(first, key, written, seed))
            for seed, (key, written) in enumerate(answered.items())
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        os.killpg(first.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
    folder = next(path for path in (tmp_path / "r2-files").iterdir() if path.is_dir())
    (folder / ".half-written.1.0.tmp").write_bytes(b"x")  # as a kill leaves it, if it comes at that moment
    (folder / "unknown").write_bytes(b"x")
    with _keeper(tmp_path) as second:
        assert all(len(written) > 1 for written in answered.values())
        for key, written in answered.items():
            found = _ask(second, key)
            assert hashlib.md5(found.body).hexdigest() == found.headers["etag"]
            assert int(found.body.split()[0]) >= written[-1]
        assert len(_files(tmp_path)) == len(answered) + 1
        done = _ask(second, "whole", "POST", json.dumps(upload).encode())
        assert done.status == 200
        assert _ask(second, "whole").body == b"part"
        assert len(_files(tmp_path)) == len(answered) + 1
