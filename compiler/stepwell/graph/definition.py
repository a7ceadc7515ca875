"""What a custom node says of itself: `node.json` as a model, and the bundle that it travels in with its templates."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stepwell.diagnostics import pointer
from stepwell.graph import durations
from stepwell.graph.catalogue import BUILTIN
from stepwell.graph.faults import Fault, did_you_mean, faults, shown
from stepwell.graph.fields import RETRY_LIMIT
from stepwell.graph.fitting import misfit
from stepwell.graph.model import ENV_NAME
from stepwell.graph.packages import is_package, is_range
from stepwell.graph.versions import is_version

ID = r"^[a-z][a-z0-9_-]*$"
DESCRIPTION_LENGTH = 120
FieldType = Literal[
    "string", "number", "boolean", "select", "multiselect", "secret", "code", "json", "expression", "textarea"
]
Format = Literal["email", "url", "uuid", "date", "date-time", "duration"]
OutputType = Literal["string", "number", "boolean", "object", "array", "null"]
Provider = Literal["cloudflare", "inngest", "temporal", "stepfunctions"]
Category = Literal[
    "Payments",
    "Email",
    "Messaging",
    "Database",
    "Storage",
    "AI",
    "Authentication",
    "HTTP",
    "Scheduling",
    "Notifications",
    "Data",
    "Utilities",
    "Control Flow",
    "Internal",
    "CRM",
    "Analytics",
    "Developer Tools",
    "Project Management",
    "E-commerce",
    "Customer Support",
    "Forms",
]

_Text = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    # Built when the first definition is read: a compile without custom nodes must not pay for them.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Validation(Strict):
    """Bounds of a config field's value."""

    min: int | float | None = Field(default=None, description="the smallest number")
    max: int | float | None = Field(default=None, description="the largest number")
    minLength: int | None = Field(default=None, ge=0, description="the fewest characters, or choices")
    maxLength: int | None = Field(default=None, ge=0, description="the most characters, or choices")
    pattern: str | None = Field(default=None, description="a regular expression that is found in the text")
    format: Format | None = Field(default=None, description="what the text must be")


class ConfigField(Strict):
    """One field of a node's configuration."""

    type: FieldType = Field(description="what the field holds, and how an editor asks for it")
    label: str = Field(description="what an editor calls it")
    description: str | None = Field(default=None, description="what it is for")
    required: bool = Field(default=False, description="whether it must be given, unless it has a default")
    default: Any = Field(default=None, description="its value where none is given")
    placeholder: str | None = Field(default=None, description="an example that an editor shows")
    options: list[str] | None = Field(default=None, description="the choices of a select or multiselect")
    envVarName: str | None = Field(default=None, description="the secret's name in `ctx.env`")
    validation: Validation | None = Field(default=None, description="bounds of its value")

    @property
    def has_default(self) -> bool:
        return self.default is not None


class OutputField(Strict):
    """One value that a node gives, or a part of it."""

    type: OutputType = Field(description="what it is")
    description: str | None = Field(default=None, description="what it means")
    nullable: bool = Field(default=False, description="whether it may be null")
    items: OutputField | None = Field(default=None, description="the elements of an array")
    properties: dict[str, OutputField] | None = Field(default=None, description="the keys of an object")


class Runtime(Strict):
    """How the node runs where the graph does not say it."""

    defaultTimeout: str | None = Field(default=None, description='how long one attempt may take: "30 seconds"')
    defaultRetries: int | None = Field(default=None, ge=0, le=RETRY_LIMIT, description="how often it is tried again")
    idempotent: bool | None = Field(default=None, description="false: it is not tried again unless someone asks for it")
    streaming: bool | None = Field(default=None, description="whether it streams; for editors")


class Definition(Strict):
    """`node.json`: a node type."""

    id: str = Field(pattern=ID, description="the node's type in graphs; also the name of its folder")
    name: _Text = Field(description="what an editor calls it")
    version: str = Field(description="its version, such as 1.0.0; a graph's node may ask for one")
    description: str = Field(max_length=DESCRIPTION_LENGTH, description="what it does, in one line")
    category: Category = Field(description="where an editor lists it")
    tags: list[str] | None = Field(default=None, description="words by which it is found")
    icon: str | None = Field(default=None, description="an icon")
    docsUrl: str | None = Field(default=None, pattern="^https?://", description="where more is told")
    author: _Text = Field(description="who made it")
    license: _Text = Field(description="under which licence")
    configSchema: dict[str, ConfigField] = Field(description="its configuration, by the keys of a node's `data`")
    outputSchema: dict[str, OutputField] = Field(description="the keys of the object that it gives")
    providers: list[Provider] = Field(min_length=1, description="for which providers there is a template")
    dependencies: dict[str, str] | None = Field(default=None, description="npm packages that its template imports")
    runtime: Runtime | None = Field(default=None, description="how it runs where the graph does not say it")
    deprecated: bool | None = Field(default=None, description="whether new graphs should not use it")
    deprecationMessage: str | None = Field(default=None, description="why")
    replacedBy: str | None = Field(default=None, description="the id of the node to use instead")

    @property
    def key(self) -> str:
        """`slack_message@1.0.0`."""
        return f"{self.id}@{self.version}"

    @property
    def secrets(self) -> dict[str, str]:
        """The keys of secret fields, and their names in `env`."""
        fields = self.configSchema.items()
        return {key: field.envVarName for key, field in fields if field.type == "secret" and field.envVarName}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with a definition: where (an RFC 6901 pointer), what, and perhaps what to do."""

    pointer: str
    message: str
    hint: str | None = None


def read_definition(value: object) -> tuple[Definition | None, list[Flaw]]:
    """A parsed `node.json` as a definition; None when there is a flaw."""
    if not isinstance(value, dict):
        return None, [Flaw("", f"a definition is an object, not {shown(value)}")]
    try:
        definition = Definition.model_validate(value)
    except ValidationError as error:
        return None, [_flaw(fault, value) for fault in faults(error, value)]
    flaws = list(_more(definition))
    return (None if flaws else definition), flaws


def _flaw(fault: Fault, value: object) -> Flaw:
    path = ".".join(map(str, fault.path))
    if fault.missing:
        return Flaw(pointer(*fault.path), f"{f'`{path}`' if path else 'the definition'} has no `{fault.field}`")
    meant = did_you_mean(fault.value, fault.choices) if fault.choices else None
    hint = f'did you mean "{meant}"?' if meant else None
    if fault.wanted == "extra inputs are not permitted":
        return _stranger(fault, value)
    if fault.path == ("id",):
        return Flaw("/id", f"`id` is lower case letters, digits, `-` and `_`, a letter first, not {fault.found}")
    if fault.path == ("description",) and isinstance(fault.value, str):
        return Flaw("/description", f"`description` has more than {DESCRIPTION_LENGTH} characters")
    return Flaw(pointer(*fault.path), f"`{path}` must be {fault.wanted}, not {fault.found}", hint)


def _stranger(fault: Fault, value: Any) -> Flaw:
    *holder, key = fault.path
    known = _known(tuple(holder))
    meant = did_you_mean(str(key), known)
    owner = f"`{'.'.join(map(str, holder))}`" if holder else "a definition"
    return Flaw(pointer(*fault.path), f"`{key}` is no key of {owner}", f"did you mean `{meant}`?" if meant else None)


def _known(holder: tuple[str | int, ...]) -> Mapping[str, Any]:
    models: dict[str, type[Strict]] = {"configSchema": ConfigField, "outputSchema": OutputField, "runtime": Runtime}
    if not holder:
        return Definition.model_fields
    return Validation.model_fields if holder[-1] == "validation" else models[str(holder[0])].model_fields


def _more(definition: Definition) -> Iterator[Flaw]:
    """What the model cannot say."""
    if definition.id in BUILTIN:
        yield Flaw("/id", f"`{definition.id}` is a type of stepwell's own; choose another id")
    if not is_version(definition.version):
        yield Flaw("/version", f"`version` is three numbers such as 1.0.0, not {shown(definition.version)}")
    for key, field in definition.configSchema.items():
        for at, message in _field_flaws(field):
            yield Flaw(pointer("configSchema", key, *at), f"`configSchema.{key}` {message}")
    timeout = definition.runtime.defaultTimeout if definition.runtime else None
    if timeout is not None and not _is_duration(timeout):
        yield Flaw("/runtime/defaultTimeout", f'`runtime.defaultTimeout` is "30 seconds" or so, not {shown(timeout)}')
    for name, wanted in (definition.dependencies or {}).items():
        if not is_package(name):
            yield Flaw(pointer("dependencies", name), f"{shown(name)} is no npm package name")
        elif not is_range(wanted):
            yield Flaw(pointer("dependencies", name), f"{shown(wanted)} is no version range of {name}")
    if definition.replacedBy == definition.id:
        yield Flaw("/replacedBy", "`replacedBy` names the node itself")


def _field_flaws(field: ConfigField) -> Iterator[tuple[tuple[str, ...], str]]:
    if field.type in ("select", "multiselect") and not field.options:
        yield (), f"is a {field.type} and has no `options`"
    if field.type == "secret" and field.envVarName is None:
        yield (), "is a secret and has no `envVarName`, the name that its value has in `ctx.env`"
    if field.envVarName is not None and not re.fullmatch(ENV_NAME, field.envVarName):
        wanted = "write upper case letters, digits and `_`"
        yield ("envVarName",), f"has {shown(field.envVarName)} as `envVarName`; {wanted}"
    if field.type == "secret" and field.has_default:
        yield ("default",), "is a secret and has a `default`, which would be no secret"
    elif field.has_default and (should := misfit(field, field.default)):
        yield ("default",), f"has {shown(field.default)} as `default`; it must be {should}"
    pattern = field.validation.pattern if field.validation else None
    if pattern is not None and not _compiles(pattern):
        yield ("validation", "pattern"), f"has a `pattern` that cannot be read: {shown(pattern)}"


def _is_duration(text: str) -> bool:
    duration = durations.parse(text)
    return duration is not None and 0 < duration.milliseconds <= durations.MAX


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError):
        return False
    return True


# -- bundles -------------------------------------------------------------------------------------------


class NodeBundle(Strict):
    """A node in one JSON value. `definition` is kept as it was written, for the checksum is over its text."""

    definition: dict[str, Any]
    templates: dict[str, str]
    bundledAt: str
    checksum: str = Field(pattern="^sha256:[a-f0-9]{64}$")


def checksum(definition: Mapping[str, Any], templates: Mapping[str, str]) -> str:
    """`sha256:` and the hash of the JSON that JavaScript writes of `{definition, templates}`, keys in their order."""
    text = json.dumps(_as_javascript({"definition": definition, "templates": templates}), **_COMPACT)
    return "sha256:" + hashlib.sha256(_escaped(text).encode()).hexdigest()


_COMPACT: Any = {"separators": (",", ":"), "ensure_ascii": False}


def _as_javascript(value: Any) -> Any:
    """A value whose JSON is what `JSON.stringify` writes: 1.0 as 1, and keys that are array indices first."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, Mapping):
        indices = sorted((key for key in value if _is_index(key)), key=int)
        return {key: _as_javascript(value[key]) for key in dict.fromkeys([*indices, *value])}
    return [_as_javascript(item) for item in value] if isinstance(value, list) else value


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and str(int(key)) == key and int(key) < 2**32 - 1


def _escaped(text: str) -> str:
    """Half a surrogate pair as the escape that `JSON.stringify` writes of it."""
    return "".join(f"\\u{ord(ch):04x}" if "\ud800" <= ch <= "\udfff" else ch for ch in text)
