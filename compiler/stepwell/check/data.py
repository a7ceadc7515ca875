"""Each node's `data` as its type's model, with the settings of its run: what can be said of a node alone.

What depends on other nodes (references, edges, scopes) or on code (bodies, conditions) is checked elsewhere.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from stepwell.check.custom import config_of, inputs_of, report_strangers, settings_of
from stepwell.diagnostics import Code, Diagnostic, pointer
from stepwell.diagnostics import codes as c
from stepwell.graph import data as d
from stepwell.graph import durations, times
from stepwell.graph.catalogue import BUILTIN, NodeKind, Setting
from stepwell.graph.durations import Duration
from stepwell.graph.faults import WANTED, Fault, did_you_mean, faults, shortened, shown
from stepwell.graph.fields import RETRY_LIMIT, Backoff
from stepwell.graph.model import EVENT_TYPE, EVENT_TYPE_LENGTH, Node, StepConfig
from stepwell.graph.nodes import CustomNode
from stepwell.graph.read import Document, unknown_key
from stepwell.javascript.names import RESERVED, is_identifier

PAYLOAD_BYTES = 1024 * 1024
"""The most that a payload may hold (Cloudflare's limit), in bytes of JSON."""

Timing = Duration | str
"""A duration: read, or the text of one that holds an expression and is known only when it runs."""

_T = TypeVar("_T")
_SETTING_KEYS = frozenset(d.Retrying.model_fields)
_TIMING_KEYS = ("duration", "timeout", "retryDelay")
# Words that JavaScript reserves only in some places are good names of a loop's variables.
_NO_NAMES = (RESERVED - {"async", "get", "set", "of", "as", "type"}) | {
    "event",
    "env",
    "trigger",
    "step",
    "ctx",
    "_output",
    "NonRetryableError",
}
_FIELD_CODES: Mapping[str, Code] = MappingProxyType(
    {
        "duration": c.BAD_DURATION,
        "timeout": c.BAD_DURATION,
        "retryDelay": c.BAD_DURATION,
        "timestamp": c.BAD_TIMESTAMP,
        "eventType": c.BAD_EVENT_TYPE,
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a node's run is retried and bounded: `config` over `data`, field by field; None: neither says."""

    limit: int | None = None
    delay: Timing | None = None
    backoff: Backoff | None = None
    timeout: Timing | None = None

    @property
    def explicit(self) -> bool:
        """Whether the graph says anything about it."""
        return self != _NONE


_NONE = Settings()


@dataclass(slots=True)
class Typed:
    """A node with its data typed. `index` is its place in `nodes`; `retries` are the settings of its run."""

    node: Node
    index: int
    kind: NodeKind
    data: d.Data
    retries: Settings


def typed_nodes(document: Document) -> tuple[list[Typed | None], list[Diagnostic]]:
    """The document's nodes in their order, and all findings about their data.

    None stands for a node whose data does not fit its model. The others may have errors too: they are typed,
    so that later checks can go on, but nothing is emitted.
    """
    found: list[Diagnostic] = []
    return [typed_node(document, index, found) for index in range(len(document.source.ir.nodes))], found


def typed_node(document: Document, index: int, found: list[Diagnostic]) -> Typed | None:
    """One of the nodes; its findings are added to `found`."""
    artifact = document.source.ir
    node = artifact.nodes[index]
    kind = _kind(document, node)
    given = _given(node.data, kind.data)
    return _typed(_Check(node, index, kind, document.base, artifact.kind == "script", found, given))


def _kind(document: Document, node: Node) -> NodeKind:
    """The node's row. That there is one was asked for when the document was read."""
    kind = BUILTIN.get(node.type) or document.nodes.kind(node.type, node.version)
    assert kind is not None
    return kind


def is_dynamic(text: str) -> bool:
    """Whether a text may hold an expression or an interpolation, so that only a run knows its value."""
    return "{{" in text or "${" in text


@dataclass(slots=True)
class _Check:
    """One node that is being checked, and where its findings go."""

    node: Node
    index: int
    kind: NodeKind
    base: str
    script: bool
    found: list[Diagnostic]
    given: dict[str, Any]

    def report(self, code: Code, message: str, *parts: str | int, hint: str | None = None) -> None:
        """Add a finding about the node; `message` continues "Node `x` …", `parts` lead from the node."""
        place = self.base + pointer("nodes", self.index, *parts)
        self.found.append(Diagnostic(code, f"Node {self.node.label} {message}", place, self.node.id, hint))

    def stranger(self, key: str, known: Iterable[str], owner: str, *parts: str | int) -> None:
        """Add the warning that what `parts` lead to has a key that nobody knows."""
        place = self.base + pointer("nodes", self.index, *parts)
        owner = f"{owner} of node {self.node.label}"
        self.found.append(unknown_key(key, known, place, owner, self.node.id, self.node.data))


def _typed(check: _Check) -> Typed | None:
    if check.script and check.kind.durable:
        check.report(
            c.NOT_IN_SCRIPT,
            f"is a `{check.kind.type}`, which a script cannot do; make the graph a workflow, or take the node out.",
            "type",
        )
    if check.kind.custom is not None:
        return _custom(check, check.kind.custom)
    if not check.node.data.keys() <= check.kind.keys:
        _unknown_keys(check)
    timings = {} if check.given.keys().isdisjoint(_TIMING_KEYS) else _timings(check)
    data = _model(check)
    settings = _settings(check, data, timings) if check.node.config or _is_set(check) else _NONE
    if data is None:
        return None
    rule = _RULES.get(type(data))
    if rule is not None:
        rule(check, data)
    return Typed(check.node, check.index, check.kind, data, settings)


def _custom(check: _Check, custom: CustomNode) -> Typed | None:
    """A node whose type somebody else defined: data by its definition, settings over those there."""
    report_strangers(check, custom)
    config, inputs, settings = config_of(check, custom), inputs_of(check, custom), settings_of(check, custom)
    timings = {
        key: _timing(check, settings[key], key == "retryDelay", "data", key) for key in _TIMING_KEYS if key in settings
    }
    given = {**settings, "config": config, "inputs": inputs}
    try:
        data = d.CustomData.model_validate(given)
    except ValidationError as error:
        for fault in faults(error, given):
            _report_fault(check, fault)
        return None
    return Typed(check.node, check.index, check.kind, data, _by_default(custom, _settings(check, data, timings)))


def _by_default(custom: CustomNode, given: Settings) -> Settings:
    """The settings of the graph over those of the definition. What is not idempotent is tried once, unless told."""
    runtime = custom.definition.runtime
    if runtime is None:
        return given
    once = 0 if runtime.idempotent is False else None
    limit = once if runtime.defaultRetries is None else runtime.defaultRetries
    timeout = durations.parse(runtime.defaultTimeout) if runtime.defaultTimeout else None
    return replace(
        given,
        limit=limit if given.limit is None else given.limit,
        timeout=timeout if given.timeout is None else given.timeout,
    )


def _given(data: dict[str, Any], model: type[d.Data]) -> dict[str, Any]:
    """`data` without what stands for nothing: null, and blank text (an editor's cleared field).

    A blank `code` is kept: an empty body is a body. So are blank conditions of arms, which mean else.
    """
    given = {
        key: value
        for key, value in data.items()
        if value is not None and (key == "code" or type(value) is not str or (value and not value.isspace()))
    }
    if model is d.BranchData and isinstance(given.get("branches"), list):
        given["branches"] = [
            {key: value for key, value in arm.items() if value is not None} if isinstance(arm, dict) else arm
            for arm in given["branches"]
        ]
    return given


# -- the model ---------------------------------------------------------------------------------------


def _model(check: _Check) -> d.Data | None:
    try:
        return check.kind.data.model_validate(check.given)
    except ValidationError as error:
        for fault in faults(error, check.given):
            _report_fault(check, fault)
        return None


def _report_fault(check: _Check, fault: Fault) -> None:
    where = _dotted(fault.path)
    if fault.missing:
        purpose = _purpose(check.kind.data, fault)
        check.report(
            c.MISSING_DATA,
            f"has no `{_dotted((*fault.path, fault.field))}`; add it{f': {purpose}' if purpose else ''}.",
            "data",
            *fault.path,
        )
        return
    if fault.path == ("branches",) and fault.value == []:
        check.report(c.MISSING_DATA, "has no arms; add at least one: a label and a condition.", "data", where)
        return
    meant = did_you_mean(fault.value, fault.choices) if fault.choices else None
    code = _FIELD_CODES.get(fault.field, c.BAD_DATA)
    check.report(
        code,
        f"has {fault.found} as `{where}`; it must be {fault.wanted}.",
        "data",
        *fault.path,
        hint=f'Did you mean "{meant}"?' if meant else None,
    )


def _purpose(model: type[d.Data], fault: Fault) -> str | None:
    owner = d.Arm if fault.path[:1] == ("branches",) else model
    described = owner.model_fields.get(fault.field)
    return described.description if described else None


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _unknown_keys(check: _Check) -> None:
    known = check.kind.keys
    for key in check.node.data:
        if key in known:
            continue
        if key in _SETTING_KEYS:
            _ignored(check, f"`{key}`", "data", key)
            continue
        check.stranger(key, known, "the data", "data")


def _ignored(check: _Check, setting: str, *parts: str | int) -> None:
    check.report(
        c.SETTING_IGNORED, f"has {setting}, which has no effect on a `{check.kind.type}`; take it out.", *parts
    )


# -- durations and the settings of its run -------------------------------------------------------------


def _timings(check: _Check) -> dict[str, Timing | None]:
    """The durations of the data by key; None for one that cannot be used, which is reported."""
    return {
        # A retry may come at once; everything else takes time.
        key: _timing(check, check.given[key], key == "retryDelay", "data", key)
        for key in _TIMING_KEYS
        if key in check.given and key in check.kind.keys
    }


def _timing(check: _Check, value: object, zero: bool, *parts: str | int) -> Timing | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and (is_dynamic(value) or not value.strip()):
        return value.strip() or None
    duration = durations.parse(value)
    if duration is None:
        _unreadable(check, value, *parts)
        return None
    if duration.milliseconds < 0 or (not duration.milliseconds and not zero):
        check.report(c.TOO_LONG, f"has {shown(value)} as `{_dotted(parts)}`; a duration is longer than 0.", *parts)
        return None
    if duration.milliseconds > durations.MAX:
        check.report(
            c.TOO_LONG,
            f"has {shown(value)} as `{_dotted(parts)}`; a duration is at most 365 days.",
            *parts,
            hint=_milliseconds_hint(value),
        )
        return None
    return duration


def _unreadable(check: _Check, value: object, *parts: str | int) -> None:
    meant = durations.suggest(value) if isinstance(value, str) else None
    check.report(
        c.BAD_DURATION,
        f"has {shown(value)} as `{_dotted(parts)}`, which is no duration; write "
        '"<n> seconds", minutes, hours, days, weeks, months or years, or a number of milliseconds.',
        *parts,
        hint=f'Did you mean "{meant}"?' if meant else None,
    )


def _milliseconds_hint(value: object) -> str | None:
    return "A number is milliseconds." if isinstance(value, int | float) else None


def _is_set(check: _Check) -> bool:
    return not check.given.keys().isdisjoint(_SETTING_KEYS)


def _settings(check: _Check, data: d.Data | None, timings: Mapping[str, Timing | None]) -> Settings:
    config = check.node.config or _NO_CONFIG
    if check.given.get("inline") is True and check.kind.data is d.StepData:
        _inline(check, config)
        return _NONE
    retries = _effective(check, "retries", config.retries)
    timeout = _effective(check, "timeout", config.timeout)
    own = data if isinstance(data, d.Retrying) else _NO_RETRYING
    return Settings(
        own.retryLimit if retries is None else _limit(check, retries.limit),
        timings.get("retryDelay")
        if retries is None
        else _timing(check, retries.delay, True, "config", "retries", "delay"),
        retries.backoff if retries and retries.backoff else own.backoff,
        timings.get("timeout") if timeout is None else _timing(check, timeout, False, "config", "timeout"),
    )


def _effective(check: _Check, setting: Setting, given: _T | None) -> _T | None:
    """What `config` says, or None (and a warning) where it has no effect on the node's type."""
    if given is None or setting in check.kind.settings:
        return given
    _ignored(check, f"`config.{setting}`", "config", setting)
    return None


def _limit(check: _Check, limit: int) -> int:
    if limit > RETRY_LIMIT:
        check.report(
            c.BAD_DATA,
            f"asks for {limit:,} retries; at most {RETRY_LIMIT:,} are possible.",
            "config",
            "retries",
            "limit",
        )
    return limit


def _inline(check: _Check, config: StepConfig) -> None:
    places = [("config", key) for key in ("retries", "timeout") if getattr(config, key) is not None]
    places += [("data", key) for key in check.given if key in _SETTING_KEYS]
    for place in places:
        check.report(
            c.INLINE_SETTINGS,
            f"is inline, so never retried, and has `{_dotted(place)}`; take it out, or turn `inline` off.",
            *place,
        )


# -- what each type asks for ---------------------------------------------------------------------------


def _step(check: _Check, data: d.StepData) -> None:
    if not data.code.strip():
        check.report(c.EMPTY_CODE, "has an empty body, so it does nothing; write its code.", "data", "code")


def _request(check: _Check, data: d.RequestData) -> None:
    reason = None if is_dynamic(data.url) else _url_fault(data.url)
    if reason:
        check.report(c.NOT_HTTP, f"has {shown(data.url)} as `url`; {reason}.", "data", "url")
    for key in ("headers", "queryParams"):
        text = getattr(data, key)
        if isinstance(text, str) and not is_dynamic(text) and not isinstance(_json(text), dict):
            check.report(
                c.BAD_DATA,
                f"has {shown(text)} as `{key}`, which is no JSON text of an object; "
                'write an object, such as {"Accept": "text/plain"}.',
                "data",
                key,
            )


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        return f"it cannot be read ({error})"
    if parts.scheme not in ("http", "https"):
        return "write the whole address, beginning with https:// or http://"
    if not parts.hostname or re.search(r"\s", parts.netloc):
        return "it has no host that could be asked"
    return None


def _json(text: str) -> object:
    """The value of JSON text; None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _sleep_until(check: _Check, data: d.SleepUntilData) -> None:
    if isinstance(data.timestamp, str) and is_dynamic(data.timestamp):
        return
    if times.parse(data.timestamp) is None:
        check.report(
            c.BAD_TIMESTAMP,
            f"has {shown(data.timestamp)} as `timestamp`; write ISO 8601, such as "
            "2027-01-31T09:00:00Z, or a number of milliseconds since 1970.",
            "data",
            "timestamp",
        )


def _wait(check: _Check, data: d.WaitData) -> None:
    kind = data.eventType
    if not is_dynamic(kind) and not (len(kind) <= EVENT_TYPE_LENGTH and re.fullmatch(EVENT_TYPE, kind)):
        check.report(
            c.BAD_EVENT_TYPE,
            f"waits for {shown(kind)}; an event type is 1 to {EVENT_TYPE_LENGTH} characters of A-Z a-z 0-9 _ -.",
            "data",
            "eventType",
        )


def _branch(check: _Check, data: d.BranchData) -> None:
    counts = Counter(arm.label for arm in data.branches)
    seen: set[str] = set()
    for number, arm in enumerate(data.branches):
        _arm_label(check, arm, number, counts[arm.label] > 1 and arm.label in seen)
        seen.add(arm.label)
        if not arm.condition.strip() and number + 1 < len(data.branches):
            check.report(
                c.ELSE_NOT_LAST,
                f'has the arm "{shortened(arm.label)}" without a condition before '
                "others, which would never be taken; move it to the end, or give it a condition.",
                "data",
                "branches",
                number,
                "condition",
            )
    _arm_keys(check)


def _arm_label(check: _Check, arm: d.Arm, number: int, twice: bool) -> None:
    place = ("data", "branches", number, "label")
    if not arm.label.strip():
        check.report(
            c.BAD_DATA,
            f"has an arm without a label (number {number + 1}); give it one, and the edge that leads into it the same.",
            *place,
        )
    elif arm.label == "then":
        check.report(
            c.BAD_DATA,
            'has an arm with the label "then", which is that of the edge behind the branch; give the arm another one.',
            *place,
        )
    elif twice:
        check.report(
            c.DOUBLED_ARM, f'has more than one arm with the label "{shortened(arm.label)}"; give each its own.', *place
        )


def _arm_keys(check: _Check) -> None:
    """Keys of arms that nobody knows: a misspelt `condition` would silently make an else arm."""
    known = d.Arm.model_fields.keys()
    for number, arm in enumerate(check.node.data["branches"]):
        for key in arm:
            if key not in known and key != "id":
                check.stranger(key, known - arm.keys(), "an arm", "data", "branches", number)


def _loop(check: _Check, data: d.LoopData) -> None:
    _LOOPS[data.loopType](check, data)
    for key in ("itemVar", "indexVar"):
        name = getattr(data, key)
        if not is_identifier(name) or name in _NO_NAMES:
            why = "is taken" if is_identifier(name) else "is no name of a variable"
            check.report(c.BAD_DATA, f"has {shown(name)} as `{key}`, which {why}; use another name.", "data", key)
    if data.itemVar == data.indexVar and data.loopType == "forEach":
        check.report(
            c.BAD_DATA,
            f"gives item and index the same name `{data.itemVar}`; use two names.",
            "data",
            "indexVar" if "indexVar" in check.given else "itemVar",
        )


def _for_each(check: _Check, data: d.LoopData) -> None:
    if data.collection is None:
        _lacks(check, data, "collection")
    elif not isinstance(data.collection, str | list):
        check.report(
            c.BAD_DATA,
            f"goes through {shown(data.collection)}; a collection is an array or an expression.",
            "data",
            "collection",
        )


def _while(check: _Check, data: d.LoopData) -> None:
    if data.condition is None:
        _lacks(check, data, "condition")
    if data.concurrency > 1:
        check.report(
            c.WHILE_CONCURRENT,
            "is a `while` loop and cannot be concurrent, since its condition is "
            "read after each turn; take `concurrency` out.",
            "data",
            "concurrency",
        )


def _times(check: _Check, data: d.LoopData) -> None:
    # Text that is no number is an expression, which is checked as code.
    if not isinstance(data.count, str) and (data.count < 1 or not isinstance(data.count, int)):
        check.report(c.BAD_DATA, f"has {shown(data.count)} as `count`; it must be {WANTED['count']}.", "data", "count")


def _lacks(check: _Check, data: d.LoopData, key: str) -> None:
    # The description begins with the kind of loop, which the message names already.
    purpose = (d.LoopData.model_fields[key].description or "").rpartition(": ")[2]
    check.report(
        c.MISSING_DATA,
        f"is a `{data.loopType}` loop and has no `{key}`; add it: {purpose}.",
        "data",
    )


def _sub_workflow(check: _Check, data: d.SubWorkflowData) -> None:
    size = _size(data.input)
    if size > PAYLOAD_BYTES:
        check.report(
            c.PAYLOAD_TOO_LARGE,
            f"hands over {size:,} bytes as `input`; a payload may hold 1 MiB. "
            "Keep it in KV or R2 and hand over its key.",
            "data",
            "input",
        )
    if check.script and check.given.get("waitForCompletion") is True:
        check.report(
            c.SETTING_IGNORED,
            "has `waitForCompletion`, but a script never waits for a workflow; "
            "its value is {instanceId}. Set it to false.",
            "data",
            "waitForCompletion",
        )
    if not data.waitForCompletion and "timeout" in check.given:
        check.report(
            c.SETTING_IGNORED, "has `timeout`, but does not wait for the workflow; take it out.", "data", "timeout"
        )


def _size(value: object) -> int:
    """Bytes of a literal as JSON; 0 for text that holds expressions, whose size only a run knows."""
    if isinstance(value, str):
        return 0 if is_dynamic(value) else len(value.encode("utf-8", "surrogatepass"))
    if not isinstance(value, dict | list):
        return 0
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


_NO_CONFIG = StepConfig()
_NO_RETRYING = d.Retrying()
_LOOPS: Mapping[str, Callable[[_Check, d.LoopData], None]] = MappingProxyType(
    {"forEach": _for_each, "while": _while, "times": _times}
)
_RULES: Mapping[type[d.Data], Callable[[_Check, Any], None]] = MappingProxyType(
    {
        d.StepData: _step,
        d.RequestData: _request,
        d.SubScriptData: _request,
        d.SleepUntilData: _sleep_until,
        d.WaitData: _wait,
        d.BranchData: _branch,
        d.LoopData: _loop,
        d.SubWorkflowData: _sub_workflow,
    }
)
