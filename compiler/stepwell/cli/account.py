"""What commands that speak to an account share: the project, the environment, the token, secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from stepwell.cli.faults import Failed

if TYPE_CHECKING:
    from stepwell.cloudflare import ApiError, Cloudflare
    from stepwell.deploy.prepare import Source
    from stepwell.deploy.project import Project

F = TypeVar("F", bound=Callable[..., Any])


def environment_option(command: F) -> F:
    """`--env`, as the official command line has it."""
    return click.option(
        "--env", "environment", metavar="NAME", envvar="CLOUDFLARE_ENV", help="The environment of stepwell.toml."
    )(command)


def account_option(command: F) -> F:
    """`--account-id`."""
    return click.option(
        "--account-id",
        metavar="ID",
        envvar="CLOUDFLARE_ACCOUNT_ID",
        help="The account, where the project does not say it.",
    )(command)


def secrets_option(command: F) -> F:
    """`--secrets-file`."""
    return click.option(
        "--secrets-file",
        metavar="FILE",
        help="Secrets to set, NAME=VALUE lines or a JSON object; - is standard input.",
    )(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")(command)


@dataclass(frozen=True)
class Chosen:
    """What a command was called for: the project, its graphs compiled, and the environment."""

    project: Project
    sources: Sequence[Source]
    environment: str | None


def choose(paths: Sequence[str], environment: str | None, nodes: Sequence[Path] = (), *, locked: bool = True) -> Chosen:
    """The graphs meant: those given, else those of the project. Compiles them and prints findings on stderr.

    `locked`: stepwell.lock is not written.
    """
    from stepwell.cli.build import compile_source
    from stepwell.cli.inputs import Input, read
    from stepwell.deploy.prepare import Source

    project = find_project(paths)
    named = environment or project.default_environment
    files = {Path(path).stem: Path(path) for path in paths} if paths else dict(project.artifacts)
    if not files:
        raise Failed(f'{project.file or "stepwell.toml"} names no artifacts: add artifacts = ["flow.json"]')
    sources, broken = [], []
    for key, path in files.items():
        source: Input = read(str(path))
        compiled = compile_source(source, "ts", frozenset(), nodes=nodes, locked=locked)
        if not compiled.ok:
            broken.append(source.name)
        sources.append(Source(key, source.json, compiled))
    if broken:
        raise Failed(f"{', '.join(broken)}: not deployed, because of errors")
    return Chosen(project, sources, named)


def find_project(paths: Sequence[str] = ()) -> Project:
    """The project of the given files, or of this folder."""
    from stepwell.deploy.project import Project, ProjectError, find, single

    try:
        if len(paths) == 1:
            return single(Path(paths[0]))
        found = find(Path(paths[0]).parent if paths else Path.cwd())
    except ProjectError as error:
        raise Failed(str(error)) from None
    if found is not None:
        return found
    if paths:
        return Project(Path.cwd(), {Path(path).stem: Path(path) for path in paths})
    raise Failed("there is no stepwell.toml here or above: name a graph, or write one with artifacts = […]")


def connect(
    project: Project | None, environment: str | None, account: str | None, secrets: Sequence[str]
) -> Cloudflare:
    """The client. The account is the one given, else the project's, else the only one that the token reaches."""
    from stepwell.cloudflare import DEFAULT_BASE_URL, Cloudflare
    from stepwell.deploy.project import ProjectError

    base = os.environ.get("CLOUDFLARE_API_BASE_URL") or DEFAULT_BASE_URL
    token = os.environ.get("CLOUDFLARE_API_TOKEN", "").strip()
    if not token:
        how = "make a token with `Workers Scripts Write` in the dashboard; for an account on this machine start"
        raise Failed(f"CLOUDFLARE_API_TOKEN is not set: {_LOCAL_TOKEN if is_local(base) else f'{how} `stepwell dev`'}")
    if any(ord(ch) > 255 or ord(ch) < 33 for ch in token):
        raise Failed("CLOUDFLARE_API_TOKEN holds characters that no token has")
    if not base.startswith(("https://", "http://")):
        raise Failed(f"CLOUDFLARE_API_BASE_URL is {base!r}: it is a URL like {DEFAULT_BASE_URL}")
    try:
        named = (project.account(environment) if project is not None else None) or account
    except ProjectError as error:
        raise Failed(str(error)) from None
    api = Cloudflare(token, named or "", base, secrets=secrets)
    if not named:
        api.account = _only_account(api)
    return api


def _only_account(api: Cloudflare) -> str:
    from stepwell.cloudflare import ApiError

    try:
        found = api.get("/accounts")
    except ApiError as error:
        raise failure(error) from None
    if len(found) == 1:
        return str(found[0]["id"])
    names = ", ".join(f"{one['id']} ({one['name']})" for one in found) or "none"
    raise Failed(f"which account? Set CLOUDFLARE_ACCOUNT_ID or account_id in stepwell.toml. The token reaches: {names}")


def failure(error: ApiError) -> Failed:
    """An error of the API in words with what to do."""
    base = os.environ.get("CLOUDFLARE_API_BASE_URL") or ""
    advice = _local_advice(error, base) if is_local(base) else error.advice
    return Failed(f"{error}{f' — {advice}' if advice else ''}")


_LOCAL_TOKEN: Final = "export the three variables that `stepwell dev` prints"


def is_local(base_url: str) -> bool:
    """Whether an API is that of an account on this machine."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(base_url).hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False


def _local_advice(error: ApiError, base: str) -> str | None:
    """What to do about an account on this machine, which has neither a dashboard nor permissions."""
    if error.status == 0:
        return f"nothing answers at {base}: is `stepwell dev` running, and at that port?"
    if error.status in (401, 403) or error.code in (7003, 10000, 9109):
        return f"the account on this machine has another token or id: {_LOCAL_TOKEN}"
    return error.advice if error.status < 500 else None


def read_secrets(path: str | None) -> dict[str, str]:
    """The secrets of a file or of standard input. A file that is in version control is refused: it is no secret."""
    if path is None:
        return {}
    from stepwell.cli.arguments import file_of_variables
    from stepwell.cli.inputs import read

    if path != "-" and _is_tracked(Path(path)):
        raise Failed(f"{path} is in version control, where everybody with the code can read it: keep secrets elsewhere")
    text = read(path).text
    if not text.lstrip().startswith("{"):
        return file_of_variables(text, path if path != "-" else "standard input", "--secrets-file")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Failed("--secrets-file: is not JSON (its content is not shown)") from None
    if not all(isinstance(value, str) for value in found.values()):
        raise Failed("--secrets-file: every value must be a text")
    return dict(found)


def _is_tracked(path: Path) -> bool:
    real = path.resolve()  # what a link leads to holds the secrets
    try:
        done = subprocess.run(
            ["git", "ls-files", "--error-unmatch", real.name],
            cwd=real.parent,
            capture_output=True,
            check=False,
        )
    except OSError:
        return False  # without git there is no version control to ask
    return done.returncode == 0


def print_json(value: Any) -> None:
    """One JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def environ() -> Mapping[str, str]:
    """The environment's variables, of which secrets and ids of bindings are taken."""
    return os.environ


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def worker_argument(function: F) -> F:
    """The Worker that a command is about; the project's where it has one only."""
    return click.argument("worker", metavar="[WORKER|PATH]", required=False, callback=_or_the_only)(function)


def _or_the_only(context: click.Context, parameter: click.Parameter, given: str | None) -> str:
    if given is not None:
        return given
    artifacts = find_project().artifacts
    if len(artifacts) != 1:
        raise Failed(f"which Worker? The project has {', '.join(artifacts) or 'none'}: name one")
    return next(iter(artifacts))


@contextmanager
def speaking(worker: str, environment: str | None, account: str | None) -> Iterator[Cloudflare]:
    """The client for a command about one Worker; errors of the API become one line."""
    from stepwell.cloudflare import ApiError
    from stepwell.deploy.apply import Overtaken
    from stepwell.deploy.project import NoWorker, ProjectError

    project, named = _project_of(worker, environment)
    with connect(project, named, account, ()) as api:
        try:
            yield api
        except ApiError as error:
            raise failure(error) from None
        except NoWorker as error:
            from stepwell.cli.unknown import unknown_worker

            raise unknown_worker(api, error.name) from None
        except (ProjectError, Overtaken) as error:
            raise Failed(str(error)) from None


def named_worker(worker: str, environment: str | None) -> str:
    """A Worker's name in the account: the one given, or that of the graph in a file."""
    path = _graph_of(worker, environment)
    if path is None:
        return worker
    chosen = choose((path,), environment)
    from stepwell.deploy.prepare import wanted

    [only] = wanted(chosen.project, chosen.sources, chosen.environment, {}, {})
    return only.name


def _graph_of(name: str, environment: str | None) -> str | None:
    """The graph that is meant: a file, or an artifact of the project by its key. None: a name in the account.

    Raises `Failed` for such a name together with an environment: it is that of one environment already, and doing
    something to another one than was meant would be the worst that can happen here.
    """
    from stepwell.deploy.project import ProjectError, find

    if name.endswith((".json", ".py")):
        return name
    try:
        project = find(Path.cwd())
    except ProjectError as error:
        raise Failed(str(error)) from None
    if project is not None and name in project.artifacts:
        return str(project.artifacts[name])
    if environment is not None:
        raise Failed(
            f"{name} is no graph of this project, so --env {environment} says nothing about it: "
            "give the graph's file, or leave out --env (and CLOUDFLARE_ENV) and give the name in the account"
        )
    return None


def worker_url(api: Cloudflare, name: str) -> str:
    """Where a Worker answers: below workers.dev, at a custom domain, or on this machine.

    Raises `NoWorker`, and `Failed` where it answers nowhere.
    """
    from urllib.parse import quote, urlsplit

    from stepwell.deploy.project import NoWorker

    subdomain = api.find(f"workers/scripts/{quote(name, safe='')}/subdomain")
    if subdomain is None:
        raise NoWorker(name)
    if is_local(api.base_url):
        base = urlsplit(api.base_url)
        return f"{base.scheme}://{base.netloc}/worker/{name}"
    if subdomain["enabled"]:
        return f"https://{name}.{api.get('workers/subdomain')['subdomain']}.workers.dev"
    for domain in api.get("workers/domains", service=name):
        return f"https://{domain['hostname']}"
    raise Failed(f"{name} answers nowhere: switch workers.dev on, or attach a domain")


def named_workflow(workflow: str, environment: str | None) -> str:
    """A workflow's name in the account: the one given, or that of the graph in a file."""
    path = _graph_of(workflow, environment)
    if path is None:
        return workflow
    chosen = choose((path,), environment)
    from stepwell.deploy.prepare import wanted

    [only] = wanted(chosen.project, chosen.sources, chosen.environment, {}, {})
    if only.workflow is None:
        raise Failed(f"{workflow} is a script: it has no runs; `stepwell call` calls it")
    return only.workflow.name


def _project_of(worker: str, environment: str | None) -> tuple[Project | None, str | None]:
    """The project here, if there is one, with the environment meant."""
    from stepwell.deploy.project import ProjectError, find

    try:
        found = find(Path(worker).parent if worker.endswith((".json", ".py")) else Path.cwd())
    except ProjectError as error:
        raise Failed(str(error)) from None
    return found, environment or (found.default_environment if found is not None else None)
