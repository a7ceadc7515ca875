"""The project file: `stepwell.toml`, or `[tool.stepwell]` of a `pyproject.toml`, found upwards."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

FILE: Final = "stepwell.toml"


class ProjectError(Exception):
    """The project cannot be used; the message says where and what to do."""


class NoWorker(ProjectError):
    """The account has no Worker of that `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no Worker {name} in the account")
        self.name = name


def _json(value: Any) -> Any:
    """TOML has dates and infinities, JSON has not."""
    try:
        json.dumps(value, allow_nan=False)
    except TypeError:
        raise ValueError("a date or a time is no JSON value: write it as a text") from None
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Route(_Strict):
    """A route with the zone it belongs to; without one the last two labels of its host name."""

    pattern: str
    zone_name: str | None = None
    zone_id: str | None = None


class Limits(_Strict):
    """Limits of a Worker, and of the steps of its workflow."""

    cpu_ms: int | None = Field(default=None, ge=1)
    subrequests: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1, le=25_000)


class Consumer(_Strict):
    """How a queue is consumed; times in seconds."""

    batch_size: int | None = Field(default=None, ge=1, le=100)
    max_retries: int | None = Field(default=None, ge=0, le=100)
    max_wait: float | None = Field(default=None, ge=0, le=60)
    max_concurrency: int | None = Field(default=None, ge=1)
    retry_delay: int | None = Field(default=None, ge=0)
    dead_letter_queue: str | None = None


class Settings(_Strict):
    """What can be said of all artifacts, of one, of an environment, or of one artifact in an environment."""

    account_id: str | None = None
    name: str | None = None
    workflow: str | None = None
    vars: Annotated[dict[str, Any], AfterValidator(_json)] = {}
    secrets: list[str] = []
    bindings: dict[str, str] = {}
    routes: list[str | Route] | None = None
    domains: list[str] | None = None
    workers_dev: bool | None = None
    crons: list[str] | None = None
    compatibility_date: str | None = None
    compatibility_flags: list[str] | None = None
    observability: Annotated[bool | dict[str, Any] | None, AfterValidator(_json)] = None
    limits: Limits | None = None
    placement: Annotated[Literal["smart"] | dict[str, Any] | None, AfterValidator(_json)] = None
    consumers: dict[str, Consumer] = {}

    def over(self, other: Settings) -> Settings:
        """These settings, with those of another where these say nothing; tables are merged, lists replaced.

        A placement is one choice of several forms, so it is replaced too.
        """
        merged = other.model_dump(exclude_unset=True)
        for name, value in self.model_dump(exclude_unset=True).items():
            both = name != "placement" and isinstance(value, dict) and isinstance(merged.get(name), dict)
            merged[name] = {**merged[name], **value} if both else value
        return Settings.model_validate(merged)


class _Environment(Settings):
    artifact: dict[str, Settings] = {}


class _File(_Strict):
    artifacts: list[str] = []
    default_env: str | None = None
    settings: Settings = Settings()
    artifact: dict[str, Settings] = {}
    env: dict[str, _Environment] = {}


@dataclass(frozen=True)
class Project:
    """A project: its folder, the files of its artifacts by key (the file's stem), and its settings.

    `whole` False: only some of the artifacts that share these settings.
    """

    folder: Path
    artifacts: Mapping[str, Path]
    file: Path | None = None
    whole: bool = True
    _told: _File = field(default_factory=_File)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments."""
        return tuple(self._told.env)

    @property
    def default_environment(self) -> str | None:
        """The environment that is meant when none is named."""
        return self._told.default_env

    def settings(self, artifact: str, environment: str | None) -> Settings:
        """The settings of an artifact, the most particular last: all, the artifact, the environment, both."""
        found = self._told.artifact.get(artifact, Settings()).over(self._told.settings)
        if environment is None:
            return found
        if environment not in self._told.env:
            if not self._told.env or environment == self._told.default_env:
                return found
            raise ProjectError(f"there is no environment {environment!r}.{near(environment, self._told.env)}")
        told = self._told.env[environment]
        own = Settings.model_validate(told.model_dump(exclude_unset=True, exclude={"artifact"}))
        return told.artifact.get(artifact, Settings()).over(own).over(found)

    def own_settings(self, artifact: str, environment: str | None) -> Settings:
        """What is said of this artifact alone, here and in the environment."""
        found = self._told.artifact.get(artifact, Settings())
        told = self._told.env.get(environment or "")
        return told.artifact.get(artifact, Settings()).over(found) if told is not None else found

    def account(self, environment: str | None) -> str | None:
        """The account id that the file names."""
        return self.settings("", environment).account_id


def find(start: Path) -> Project | None:
    """The project that a folder belongs to. Raises `ProjectError` for a file that is wrong."""
    for folder in (start.resolve(), *start.resolve().parents):
        own = folder / FILE
        if own.is_file():
            return _read(own, _toml(own))
        shared = folder / "pyproject.toml"
        if shared.is_file():
            tools = _toml(shared).get("tool")
            if isinstance(tools, dict) and "stepwell" in tools:
                return _read(shared, tools["stepwell"])
    return None


def of_settings(key: str, settings: Settings) -> Project:
    """A project of one graph that is in no file."""
    return Project(Path(), {key: Path(key)}, _told=_File(settings=settings))


def single(path: Path) -> Project:
    """A project of one file, or that file with the settings of the project it belongs to."""
    found = find(path.parent)
    key = path.stem
    if found is None:
        return Project(path.parent, {key: path})
    whole = {one.resolve() for one in found.artifacts.values()} <= {path.resolve()}
    return Project(found.folder, {key: path}, found.file, whole, found._told)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path.name}: is not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path.name}: cannot be read: {error}") from None


def _read(path: Path, told: Any) -> Project:
    try:
        file = _File.model_validate(told)
    except ValidationError as error:
        raise ProjectError("\n".join(f"{path.name}: {line}" for line in _complaints(error, told))) from None
    artifacts: dict[str, Path] = {}
    for pattern in file.artifacts:
        for match in _files(path, pattern):
            if artifacts.setdefault(match.stem, match) != match:
                raise ProjectError(f"{path.name}: artifacts: two files are called {match.stem}; rename one of them")
    named = {*file.artifact, *(key for environment in file.env.values() for key in environment.artifact)}
    for key in sorted(named - artifacts.keys()):
        if file.artifacts:
            raise ProjectError(f"{path.name}: there is no artifact {key!r}.{near(key, artifacts)}")
    return Project(path.parent, artifacts, path, _told=file)


def _files(path: Path, pattern: str) -> list[Path]:
    """The files that a pattern names, the project's file being at `path`."""
    is_glob = any(ch in pattern for ch in "*?[")
    try:
        found = sorted(path.parent.glob(pattern)) if is_glob else [path.parent / pattern]
        files = [one for one in found if one.is_file()]
    except (OSError, ValueError, NotImplementedError, IndexError) as error:
        raise ProjectError(f"{path.name}: artifacts: {pattern!r}: {error}") from None
    if not files:
        raise ProjectError(f"{path.name}: artifacts: {pattern} {'fits no file' if is_glob else 'is not a file'}")
    return files


def _complaints(error: ValidationError, told: Any) -> Iterator[str]:
    """One line for each place. Where several forms are allowed, the faults inside the form that was meant count."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in error.errors():
        place = _place(one["loc"], told, one["type"] == "missing")
        if one["type"] == "extra_forbidden":
            said = f"unknown key {'.'.join(place)!r}.{near(place[-1], _keys(place[:-1]))}"
        else:
            said = f"{'.'.join(place) or 'tool.stepwell'}: {one['msg'].removeprefix('Value error, ')}"
        found.setdefault(place, []).append(said)
    for place, words in found.items():
        if not any(len(other) > len(place) and other[: len(place)] == place for other in found):
            first, *others = words
            yield " or ".join([first, *(other.removeprefix(f"{'.'.join(place)}: ") for other in others)])


def _place(location: tuple[int | str, ...], given: Any, missing: bool) -> tuple[str, ...]:
    """A place in the file: pydantic's without the names of forms, which are no keys of what was told."""
    place: list[str] = []
    told: Any = given
    for number, part in enumerate(location):
        if (isinstance(told, dict) and part in told) or (isinstance(told, list) and isinstance(part, int)):
            inner: Any = told
            told = inner[part]
        elif not (missing and number == len(location) - 1):
            continue
        place.append(str(part))
    return tuple(place)


def _keys(place: tuple[str, ...]) -> list[str]:
    """The keys that are known at a place."""
    tables: dict[str, type[BaseModel]] = {
        "artifact": Settings,
        "env": _Environment,
        "consumers": Consumer,
        "routes": Route,
    }
    named: dict[str, type[BaseModel]] = {"settings": Settings, "limits": Limits}
    model: type[BaseModel] = _File
    parts = iter(place)
    for part in parts:
        if part in tables:
            model = tables[part]
            next(parts, None)  # a name of the user's, or a number
        else:
            model = named[part]
    return list(model.model_fields)


def near(word: str, known: Collection[str]) -> str:
    """What was probably meant, else what there is."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]!r}?" if found else f" Known are: {', '.join(known) or 'none'}."
