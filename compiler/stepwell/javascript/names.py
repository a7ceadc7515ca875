"""Which names JavaScript keeps for itself, and which the Workers runtime has as globals."""

from __future__ import annotations

RESERVED = frozenset(
    "break case catch class const continue debugger default delete do else enum export extends false finally for "
    "function if import in instanceof new null return super switch this throw true try typeof var void while with "
    "yield let static implements interface package private protected public await async of get set arguments eval "
    "undefined NaN Infinity as type".split()
)
"""Words that are never used as the name of something emitted (ECMA-262 13.1, 12.7.2, and words that read as syntax)."""

GLOBALS = frozenset(
    "AbortController AbortSignal AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Blob "
    "Boolean ByteLengthQueuingStrategy Cloudflare CompressionStream CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DataView "
    "Date DecompressionStream DigestStream Error ErrorEvent EvalError Event EventSource EventTarget "
    "ExtendableEvent FetchEvent File FileReader FinalizationRegistry FixedLengthStream Float32Array Float64Array FormData Function "
    "HTMLRewriter Headers IdentityTransformStream Int16Array Int32Array Int8Array Intl Iterator JSON Map Math "
    "MessageChannel MessageEvent MessagePort Navigator Number Object Performance Promise PromiseRejectionEvent Proxy "
    "RangeError ReadableStream ReferenceError Reflect RegExp Request Response Set SharedArrayBuffer String "
    "SubtleCrypto SuppressedError Symbol SyntaxError TextDecoder TextDecoderStream TextEncoder TextEncoderStream "
    "TransformStream TypeError URIError URL URLPattern URLSearchParams Uint16Array Uint32Array Uint8Array "
    "Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly WebSocket WebSocketPair WritableStream "
    "WritableStreamDefaultWriter addEventListener atob btoa caches clearImmediate clearInterval clearTimeout "
    "console crypto decodeURI decodeURIComponent dispatchEvent encodeURI encodeURIComponent escape fetch global "
    "globalThis isFinite isNaN navigator origin parseFloat parseInt performance process Buffer queueMicrotask removeEventListener "
    "reportError scheduler self setImmediate setInterval setTimeout structuredClone unescape".split()
)
"""Globals of workerd (its `globalThis`, plus `process` and `Buffer` of `nodejs_compat`)."""


def is_identifier(name: str) -> bool:
    """Whether `name` can stand as an identifier or a dotted property name (reserved words can as property)."""
    return name.replace("$", "_").isidentifier()
