"""The project file: `stepwell.toml`, or `[tool.stepwell]` of a `pyproject.toml`, found upwards."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE: Final = "stepwell.toml"


class ProjectError(Exception):
    """The project cannot be used; the message says where and what to do."""


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
    vars: dict[str, Any] = {}
    secrets: list[str] = []
    bindings: dict[str, str] = {}
    routes: list[str | Route] | None = None
    domains: list[str] | None = None
    workers_dev: bool | None = None
    crons: list[str] | None = None
    compatibility_date: str | None = None
    compatibility_flags: list[str] | None = None
    observability: bool | dict[str, Any] | None = None
    limits: Limits | None = None
    placement: Literal["smart"] | dict[str, Any] | None = None
    consumers: dict[str, Consumer] = {}

    def over(self, other: Settings) -> Settings:
        """These settings, with those of another where these say nothing; tables are merged, lists replaced."""
        merged = other.model_dump(exclude_unset=True)
        for name, value in self.model_dump(exclude_unset=True).items():
            both = isinstance(value, dict) and isinstance(merged.get(name), dict)
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
    """A project: its folder, the files of its artifacts by key (the file's stem), and its settings."""

    folder: Path
    artifacts: Mapping[str, Path]
    file: Path | None = None
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
            if not self._told.env:
                return found
            raise ProjectError(f"there is no environment {environment!r}.{_near(environment, self._told.env)}")
        told = self._told.env[environment]
        own = Settings.model_validate(told.model_dump(exclude_unset=True, exclude={"artifact"}))
        return told.artifact.get(artifact, Settings()).over(own).over(found)

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
            told = _toml(shared).get("tool", {}).get("stepwell")
            if told is not None:
                return _read(shared, told)
    return None


def single(path: Path) -> Project:
    """A project of one file, or that file with the settings of the project it belongs to."""
    found = find(path.parent)
    key = path.stem
    if found is None:
        return Project(path.parent, {key: path})
    return Project(found.folder, {key: path}, found.file, found._told)


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
        raise ProjectError("\n".join(f"{path.name}: {line}" for line in _complaints(error))) from None
    artifacts: dict[str, Path] = {}
    for pattern in file.artifacts:
        matches = sorted(path.parent.glob(pattern)) if any(ch in pattern for ch in "*?[") else [path.parent / pattern]
        for match in matches:
            if not match.is_file():
                raise ProjectError(f"{path.name}: artifacts: {pattern} is not a file")
            if artifacts.setdefault(match.stem, match) != match:
                raise ProjectError(f"{path.name}: artifacts: two files are called {match.stem}; rename one of them")
    named = {*file.artifact, *(key for environment in file.env.values() for key in environment.artifact)}
    for key in sorted(named - artifacts.keys()):
        if file.artifacts:
            raise ProjectError(f"{path.name}: there is no artifact {key!r}.{_near(key, artifacts)}")
    return Project(path.parent, artifacts, path, file)


def _complaints(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        place = [str(part) for part in one["loc"] if part not in ("str", "Route", "bool", "dict[str,any]")]
        where = ".".join(place)
        if one["type"] == "extra_forbidden":
            yield f"unknown key {where!r}.{_near(place[-1], _keys(place[:-1]))}"
        else:
            yield f"{where}: {one['msg']}"


def _keys(place: list[str]) -> list[str]:
    """The keys that are known at a place."""
    model: Any = _File
    for part in place:
        if model is None:
            return []
        if part in ("artifact", "env", "consumers"):
            model = {"artifact": Settings, "env": _Environment, "consumers": Consumer}[part]
        elif part in ("settings", "limits"):
            model = {"settings": Settings, "limits": Limits}[part]
        elif part == "routes":
            model = Route
    return list(model.model_fields)


def _near(word: str, known: Any) -> str:
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(known) or 'none'}."
