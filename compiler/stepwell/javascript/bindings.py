"""Which names snippets read from `env`, how they use them, and so what kind of binding each is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from stepwell.javascript.facts import Facts, Member
from stepwell.javascript.names import words


class BindingKind(Enum):
    """Kinds of bindings, by Cloudflare's own words; `STRING` is a variable or a secret."""

    AI = "ai"
    ANALYTICS = "analytics_engine"
    BROWSER = "browser"
    D1 = "d1"
    DURABLE_OBJECT = "durable_object_namespace"
    EMAIL = "send_email"
    HYPERDRIVE = "hyperdrive"
    IMAGES = "images"
    KV = "kv_namespace"
    QUEUE = "queue"
    R2 = "r2_bucket"
    RATE_LIMIT = "ratelimit"
    SERVICE = "service"
    STRING = "string"
    VECTORIZE = "vectorize"
    WORKFLOW = "workflow"


class EnvRead(NamedTuple):
    """One name of `env`: the methods called on it, the properties read of it, and where it stands.

    `value` says that somewhere it is used as a plain value: in a template, as an argument, compared.
    """

    name: str
    methods: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()
    value: bool = False
    starts: tuple[int, ...] = ()


class EnvReads(NamedTuple):
    """All of a snippet's reads. `dynamic`: offsets where `env` is passed on whole or indexed by a value."""

    reads: tuple[EnvRead, ...] = ()
    dynamic: tuple[int, ...] = ()


_NO_READS: Final = EnvReads()


class _Use:
    def __init__(self) -> None:
        self.methods: set[str] = set()
        self.properties: set[str] = set()
        self.value = False
        self.starts: list[int] = []


def env_reads(facts: Facts) -> EnvReads:
    """What a snippet reads from `env`: the free name, what handlers are given, what is imported, local names for it."""
    if "env" not in {member.root for member in (*facts.members, *facts.followed)}:
        return _NO_READS if not facts.whole else EnvReads((), _dynamic(facts))
    uses: dict[str, _Use] = {}
    for member in facts.members:
        if member.root == "env" and member.path:
            _note(uses.setdefault(str(member.path[0]), _Use()), member)
    for member in facts.followed:
        if member.root == "env" and member.path:
            _note(uses.setdefault(str(member.path[0]), _Use()), member)
    return EnvReads(tuple(_read(name, use) for name, use in uses.items()), _dynamic(facts))


def _dynamic(facts: Facts) -> tuple[int, ...]:
    return tuple(start for root, start in facts.whole if root == "env")


def _note(use: _Use, member: Member) -> None:
    use.starts.append(member.start)
    inner = member.path[1:]
    if not inner:
        # Indexed by a value, or called: no string, but no method that we know either.
        use.value = use.value or not (member.bound or member.open or member.call)
    elif member.call and len(inner) == 1:
        use.methods.add(str(inner[0]))
    else:
        use.properties.add(str(inner[0]))


def _read(name: str, use: _Use) -> EnvRead:
    starts = tuple(sorted(set(use.starts)))
    return EnvRead(name, frozenset(use.methods), frozenset(use.properties), use.value, starts)


def merged(reads: Iterable[EnvRead]) -> dict[str, EnvRead]:
    """The reads of several snippets by name. Offsets are dropped, for they belong to one text."""
    found: dict[str, EnvRead] = {}
    for read in reads:
        known = found.get(read.name, EnvRead(read.name))
        found[read.name] = EnvRead(
            read.name,
            known.methods | read.methods,
            known.properties | read.properties,
            known.value or read.value,
        )
    return found


# -- kinds -------------------------------------------------------------------------------------------------

PREFIXES: Final = (
    ("KV", BindingKind.KV),
    ("DB", BindingKind.D1),
    ("D1", BindingKind.D1),
    ("BUCKET", BindingKind.R2),
    ("R2", BindingKind.R2),
    ("QUEUE", BindingKind.QUEUE),
    ("AI", BindingKind.AI),
    ("VECTORIZE", BindingKind.VECTORIZE),
    ("ANALYTICS", BindingKind.ANALYTICS),
    ("HYPERDRIVE", BindingKind.HYPERDRIVE),
    ("BROWSER", BindingKind.BROWSER),
    ("SERVICE", BindingKind.SERVICE),
)

TELLING: Final = (
    (BindingKind.D1, words("prepare exec withSession")),
    (BindingKind.QUEUE, words("sendBatch")),
    (BindingKind.R2, words("head createMultipartUpload resumeMultipartUpload")),
    (BindingKind.KV, words("getWithMetadata")),
    (BindingKind.DURABLE_OBJECT, words("idFromName idFromString newUniqueId getByName jurisdiction")),
    (BindingKind.WORKFLOW, words("create createBatch")),
    (BindingKind.VECTORIZE, words("insert upsert queryById getByIds deleteByIds")),
    (BindingKind.ANALYTICS, words("writeDataPoint")),
    (BindingKind.IMAGES, words("input")),
    (BindingKind.RATE_LIMIT, words("limit")),
)
"""Methods that only one kind has."""

SHARED: Final[dict[str, tuple[BindingKind, ...]]] = {
    "get": (BindingKind.KV, BindingKind.R2, BindingKind.WORKFLOW, BindingKind.DURABLE_OBJECT),
    "put": (BindingKind.KV, BindingKind.R2),
    "list": (BindingKind.KV, BindingKind.R2),
    "delete": (BindingKind.KV, BindingKind.R2),
    "send": (BindingKind.QUEUE, BindingKind.EMAIL),
    "batch": (BindingKind.D1,),
    "fetch": (BindingKind.SERVICE, BindingKind.BROWSER),
    "run": (BindingKind.AI,),
    "gateway": (BindingKind.AI,),
    "toMarkdown": (BindingKind.AI,),
    "query": (BindingKind.VECTORIZE,),
    "describe": (BindingKind.VECTORIZE,),
    "info": (BindingKind.IMAGES,),
    "connect": (BindingKind.SERVICE, BindingKind.HYPERDRIVE),
}
"""Methods that several kinds have, the usual one first; a prefix of the name decides among them."""

CONNECTION: Final = words("connectionString host port user password database")
STRING_METHODS: Final = words(
    """
    at charAt charCodeAt codePointAt concat endsWith includes indexOf lastIndexOf localeCompare match
    matchAll normalize padEnd padStart repeat replace replaceAll search slice split startsWith substr
    substring toLowerCase toString toUpperCase trim trimEnd trimStart valueOf
    """
)
STRING_TAILS: Final = words(
    """
    URL URI KEY TOKEN SECRET PASSWORD PASS USER USERNAME HOST HOSTNAME PORT ID NAME REGION ENDPOINT MODEL
    VERSION DSN PATH PREFIX TTL EMAIL MODE
    """
)
"""Last words of names that are strings though they begin like a binding: `KV_URL`, `AI_API_KEY`."""


def kind_of(name: str, uses: EnvRead) -> BindingKind:
    """What kind of binding a name is: by its use, then by the usual prefix, else a variable or secret."""
    prefix = prefix_kind(name)
    for kind, methods in TELLING:
        if uses.methods & methods:
            return kind
    if uses.methods & STRING_METHODS:
        return BindingKind.STRING
    shared = _shared_kind(uses, prefix)
    if shared is not None:
        return shared
    if "connectionString" in uses.properties:
        return BindingKind.HYPERDRIVE
    if prefix is BindingKind.HYPERDRIVE and uses.properties & CONNECTION:
        return prefix
    if uses.methods:
        # A method that no kind has is one of the author's own: a service called by RPC.
        return prefix or BindingKind.SERVICE
    return BindingKind.STRING if _is_string(name, uses) else prefix or BindingKind.STRING


def _shared_kind(uses: EnvRead, prefix: BindingKind | None) -> BindingKind | None:
    for method, kinds in SHARED.items():
        if method in uses.methods:
            if prefix in kinds:
                return prefix
            return BindingKind.EMAIL if method == "send" and "EMAIL" in uses.name else kinds[0]
    return None


def _is_string(name: str, uses: EnvRead) -> bool:
    """Read as a plain value under a name that ends like a string's."""
    tail = name.rstrip("0123456789").rsplit("_", 1)
    return len(tail) == 2 and tail[1] in STRING_TAILS and not uses.properties & CONNECTION


def prefix_kind(name: str) -> BindingKind | None:
    """The kind that a name begins with: `KV`, `KV_USERS`, `KV2`, but not `KVASS`."""
    for prefix, kind in PREFIXES:
        rest = name.removeprefix(prefix)
        if rest != name and (not rest or not rest[0].isalpha()):
            return kind
    return None
