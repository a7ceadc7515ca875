"""Which names JavaScript keeps for itself, and which the Workers runtime has as globals."""

from __future__ import annotations

import unicodedata


def words(text: str) -> frozenset[str]:
    """The words of a text, so that a table of them reads as prose."""
    return frozenset(text.split())


RESERVED = words(
    """
    break case catch class const continue debugger default delete do else enum export extends false
    finally for function if import in instanceof new null return super switch this throw true try typeof
    var void while with yield let static implements interface package private protected public await
    async of get set arguments eval undefined NaN Infinity as type
    """
)
"""Words that nothing emitted is named (ECMA-262 13.1, 12.7.2, and words that read as syntax)."""

GLOBALS = words(
    """
    AbortController AbortSignal AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array
    BigUint64Array Blob Boolean ByteLengthQueuingStrategy Cloudflare CompressionStream
    CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DataView Date DecompressionStream
    DigestStream Error ErrorEvent EvalError Event EventSource EventTarget ExtendableEvent FetchEvent
    File FileReader FinalizationRegistry FixedLengthStream Float32Array Float64Array FormData Function
    HTMLRewriter Headers IdentityTransformStream Int16Array Int32Array Int8Array Intl Iterator JSON Map
    Math MessageChannel MessageEvent MessagePort Navigator Number Object Performance Promise
    PromiseRejectionEvent Proxy RangeError ReadableStream ReferenceError Reflect RegExp Request Response
    Set SharedArrayBuffer String SubtleCrypto SuppressedError Symbol SyntaxError TextDecoder
    TextDecoderStream TextEncoder TextEncoderStream TransformStream TypeError URIError URL URLPattern
    URLSearchParams Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet
    WebAssembly WebSocket WebSocketPair WritableStream WritableStreamDefaultWriter addEventListener atob
    btoa caches clearImmediate clearInterval clearTimeout console crypto decodeURI decodeURIComponent
    dispatchEvent encodeURI encodeURIComponent escape fetch global globalThis isFinite isNaN navigator
    origin parseFloat parseInt performance process Buffer queueMicrotask removeEventListener reportError
    scheduler self setImmediate setInterval setTimeout structuredClone unescape
    """
)
"""Globals of workerd (its `globalThis`, plus `process` and `Buffer` of `nodejs_compat`)."""


NODE_MODULES = words(
    """
    assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain
    events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl
    stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib
    """
)
"""Node's modules that can be imported without `node:`; the runtime has all of them, under both names."""


def is_identifier(name: str) -> bool:
    """Whether `name` can stand as an identifier or a dotted property name (where reserved words can)."""
    return name.replace("$", "_").isidentifier()


KEYWORDS = words(
    """
    await break case catch class const continue debugger default delete do else enum export extends
    false finally for function if implements import in instanceof interface let new null package private
    protected public return static super switch this throw true try typeof var void while with yield
    """
)
"""Words that no module can use as a name (ECMA-262 13.1.1; modules are strict code)."""


def is_name(text: str) -> bool:
    """Whether a module can declare `text`: an identifier by Unicode's rules that is not a keyword.

    Wider than `is_identifier`, which decides what we ourselves print: joiners may stand inside, and letters
    younger than this Python's Unicode tables pass.
    """
    if text.isascii():
        return is_identifier(text) and text not in KEYWORDS
    plain = "".join("a" if unicodedata.category(ch) == "Cn" else ch for ch in text.replace("$", "_"))
    joined = plain[:1] + plain[1:].replace("\u200c", "").replace("\u200d", "")
    return joined.isidentifier() and text not in KEYWORDS
