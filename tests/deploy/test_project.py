"""The project file: where it is found, what it may say, whose word counts, and what is said of a wrong one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.compiler import compile_artifact
from stepwell.deploy.desired import Desired
from stepwell.deploy.prepare import Source, wanted
from stepwell.deploy.project import (
    FILE,
    Consumer,
    Limits,
    Project,
    ProjectError,
    Route,
    Settings,
    _File,
    find,
    single,
)
from tests.deploy.shop import calls, graph


def project(folder: Path, text: str, *graphs: str) -> Project:
    """The project of a folder with these files."""
    for name in graphs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    (folder / FILE).write_text(text)
    found = find(folder)
    assert found is not None
    return found


def complaint(folder: Path, text: str, *graphs: str) -> str:
    """What is said of a wrong file."""
    with pytest.raises(ProjectError) as error:
        project(folder, text, *graphs)
    return str(error.value)


# Where it is found


def test_found_upwards(tmp_path: Path) -> None:
    inner = tmp_path / "flows" / "deep"
    inner.mkdir(parents=True)
    made = project(tmp_path, 'artifacts = ["flows/a.json"]', "flows/a.json")
    for start in (inner, tmp_path / "flows", tmp_path):
        found = find(start)
        assert found is not None and found.file == made.file
        assert found.artifacts == {"a": tmp_path / "flows" / "a.json"}


def test_the_nearest_wins_and_stepwell_toml_before_pyproject(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    project(tmp_path, 'default_env = "outer"')
    (inner / "pyproject.toml").write_text('[tool.stepwell]\ndefault_env = "shared"')
    shared = find(inner)
    assert shared is not None and shared.default_environment == "shared"
    assert project(inner, 'default_env = "own"').default_environment == "own"


def test_a_pyproject_without_our_table_is_passed_by(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[tool.other]\nx = 1")
    project(tmp_path, 'default_env = "outer"')
    found = find(inner)
    assert found is not None and found.default_environment == "outer"


def test_no_project_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert find(tmp_path) is None
    alone = single(tmp_path / "a.json")
    assert alone.file is None and alone.artifacts == {"a": tmp_path / "a.json"}
    assert alone.settings("a", "staging") == Settings()  # no environments, so none is unknown


def test_one_file_has_the_settings_of_its_project(tmp_path: Path) -> None:
    project(tmp_path, 'artifacts = ["a.json"]\n[artifact.a]\nname = "named"', "a.json", "b.json")
    assert single(tmp_path / "a.json").settings("a", None).name == "named"
    assert single(tmp_path / "b.json").artifacts == {"b": tmp_path / "b.json"}


# What counts

LAYERS = """
artifacts = ["a.json", "b.json"]
[settings]
account_id = "all"
vars = {{ A = "all", B = "all", C = "all", D = "all" }}
crons = ["0 0 * * *"]
secrets = ["ALL"]
limits = {{ cpu_ms = 10, subrequests = 5 }}
[artifact.a]
vars = {{ B = "artifact", C = "artifact", D = "artifact" }}
crons = []
{more}
[env.staging]
account_id = "staging"
vars = {{ C = "env", D = "env" }}
secrets = ["STAGING"]
[env.staging.artifact.a]
vars = {{ D = "both" }}
limits = {{ cpu_ms = 99 }}
"""


def test_the_more_particular_wins(tmp_path: Path) -> None:
    made = project(tmp_path, LAYERS.format(more=""), "a.json", "b.json")
    plain, staged = made.settings("a", None), made.settings("a", "staging")
    assert plain.vars == {"A": "all", "B": "artifact", "C": "artifact", "D": "artifact"}
    assert staged.vars == {"A": "all", "B": "artifact", "C": "env", "D": "both"}
    assert made.settings("b", "staging").vars == {"A": "all", "B": "all", "C": "env", "D": "env"}
    assert (plain.account_id, staged.account_id) == ("all", "staging")
    assert made.account(None) == "all" and made.account("staging") == "staging"
    # lists are replaced, an empty one too; tables are merged key by key
    assert plain.crons == [] and made.settings("b", None).crons == ["0 0 * * *"]
    assert staged.secrets == ["STAGING"] and plain.secrets == ["ALL"]
    assert staged.limits is not None
    assert (staged.limits.cpu_ms, staged.limits.subrequests) == (99, 5)


def test_default_environment(tmp_path: Path) -> None:
    made = project(tmp_path, 'default_env = "production"\n[env.production]\n[env.staging]\n')
    assert made.default_environment == "production" and made.environments == ("production", "staging")


def test_unknown_environment(tmp_path: Path) -> None:
    made = project(tmp_path, "[env.staging]\n[env.production]\n")
    with pytest.raises(ProjectError, match=r"no environment 'stagign'\. Did you mean 'staging'\?"):
        made.settings("a", "stagign")
    with pytest.raises(ProjectError, match=r"no environment 'xyz'\. Known are: staging, production\."):
        made.settings("a", "xyz")


# Artifacts


def test_globs_and_names(tmp_path: Path) -> None:
    made = project(tmp_path, 'artifacts = ["flows/*.json", "one.json"]', "flows/b.json", "flows/a.json", "one.json")
    assert list(made.artifacts) == ["a", "b", "one"]
    deep = project(tmp_path, 'artifacts = ["**/*.json"]')
    assert list(deep.artifacts) == ["a", "b", "one"]


def test_the_same_file_twice_is_one(tmp_path: Path) -> None:
    made = project(tmp_path, 'artifacts = ["a.json", "*.json"]', "a.json")
    assert list(made.artifacts) == ["a"]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert "nope.json is not a file" in complaint(tmp_path, 'artifacts = ["nope.json"]')
    assert "flows/*.json fits no file" in complaint(tmp_path, 'artifacts = ["flows/*.json"]')


def test_two_files_of_one_name(tmp_path: Path) -> None:
    said = complaint(tmp_path, 'artifacts = ["x/a.json", "y/a.json"]', "x/a.json", "y/a.json")
    assert "two files are called a" in said


@pytest.mark.parametrize("table", ["[artifact.ordres]", "[env.staging.artifact.ordres]"])
def test_unknown_artifact(tmp_path: Path, table: str) -> None:
    said = complaint(tmp_path, f'artifacts = ["orders.json"]\n{table}\nname = "x"', "orders.json")
    assert said == "stepwell.toml: there is no artifact 'ordres'. Did you mean 'orders'?"


# What it may say

EVERY_KEY = """
artifacts = ["a.json"]
default_env = "staging"
[settings]
account_id = "387b1c38acab24f76ba8c65799acd9a5"
name = "shop"
workflow = "Shop"
vars = { REGION = "eu", FLAGS = { beta = true }, COUNT = 3, LIST = [1, 2] }
secrets = ["API_KEY"]
bindings = { CACHE_KV = "id" }
routes = ["example.com/*", { pattern = "a/*", zone_name = "example.com" }, { pattern = "b/*", zone_id = "z" }]
domains = ["shop.example.com"]
workers_dev = false
crons = ["0 3 * * *"]
compatibility_date = "2026-11-01"
compatibility_flags = ["nodejs_compat"]
observability = { enabled = true, head_sampling_rate = 0.5 }
limits = { cpu_ms = 1000, subrequests = 100, steps = 2000 }
placement = "smart"
[settings.consumers.jobs]
batch_size = 10
max_retries = 3
max_wait = 2.5
max_concurrency = 4
retry_delay = 30
dead_letter_queue = "dead"
[artifact.a]
observability = false
placement = { region = "aws:eu-central-1" }
[env.staging]
name = "shop-staging"
[env.staging.artifact.a]
name = "shop-a"
"""


def test_every_key(tmp_path: Path) -> None:
    made = project(tmp_path, EVERY_KEY, "a.json")
    told = made.settings("a", "staging")
    assert told.model_fields_set == set(Settings.model_fields)
    assert told.consumers["jobs"].max_wait == 2.5 and told.name == "shop-a"
    assert told.observability is False and told.placement == {"region": "aws:eu-central-1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("artifcats = []", "unknown key 'artifcats'. Did you mean 'artifacts'?"),
        ("[settings]\nvras = {}", "unknown key 'settings.vras'. Did you mean 'vars'?"),
        ("[artifact.a]\nroute = []", "unknown key 'artifact.a.route'. Did you mean 'routes'?"),
        ("[env.s]\nworker_dev = true", "unknown key 'env.s.worker_dev'. Did you mean 'workers_dev'?"),
        ("[env.s.artifact.a]\ncron = []", "unknown key 'env.s.artifact.a.cron'. Did you mean 'crons'?"),
        ("[env.s.artefact.a]\ncrons = []", "unknown key 'env.s.artefact'. Did you mean 'artifact'?"),
        ("[settings.limits]\ncpu = 5", "unknown key 'settings.limits.cpu'. Did you mean 'cpu_ms'?"),
        ("[env.s.limits]\nstep = 5", "unknown key 'env.s.limits.step'. Did you mean 'steps'?"),
        (
            "[settings.consumers.q]\nmax_retrys = 5",
            "unknown key 'settings.consumers.q.max_retrys'. Did you mean 'max_retries'?",
        ),
        (
            '[settings]\nroutes = [{ pattern = "a/*", zone = "a" }]',
            "unknown key 'settings.routes.0.zone'. Did you mean 'zone_id'?",
        ),
        # keys whose names are words of the file itself
        ("[artifact.env]\nnmae = 'x'", "unknown key 'artifact.env.nmae'. Did you mean 'name'?"),
        ("[env.artifact]\nnmae = 'x'", "unknown key 'env.artifact.nmae'. Did you mean 'name'?"),
        ("[env.str]\nnmae = 'x'", "unknown key 'env.str.nmae'. Did you mean 'name'?"),
        ("[settings]\nzzz = 1", "unknown key 'settings.zzz'. Known are: account_id, name, workflow"),
    ],
)
def test_unknown_keys(tmp_path: Path, text: str, said: str) -> None:
    assert f"stepwell.toml: {said}" in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('artifacts = "a.json"', "artifacts"),
        ("artifacts = [1]", "artifacts.0"),
        ("default_env = 1", "default_env"),
        ("settings = 1", "settings"),
        ("[settings]\nname = 1", "settings.name"),
        ("[settings]\nvars = []", "settings.vars"),
        ("[settings]\nvars = { D = 2026-11-01 }", "settings.vars"),
        ("[settings]\nvars = { D = inf }", "settings.vars"),
        ("[settings]\nsecrets = { A = 'x' }", "settings.secrets"),
        ("[settings]\nbindings = { KV = 1 }", "settings.bindings.KV"),
        ("[settings]\nroutes = 'a'", "settings.routes"),
        ("[settings]\nroutes = [1]", "settings.routes.0"),
        ("[settings]\nroutes = [{ zone_id = 'a' }]", "settings.routes.0.pattern"),
        ("[settings]\ndomains = 'a'", "settings.domains"),
        ("[settings]\nworkers_dev = 'yes'", "settings.workers_dev"),
        ("[settings]\ncrons = ['a', 1]", "settings.crons.1"),
        ("[settings]\ncompatibility_date = 2026-11-01", "settings.compatibility_date"),
        ("[settings]\ncompatibility_flags = 'a'", "settings.compatibility_flags"),
        ("[settings]\nobservability = 'on'", "settings.observability"),
        ("[settings]\nlimits = { cpu_ms = 0 }", "settings.limits.cpu_ms"),
        ("[settings]\nlimits = { steps = 25001 }", "settings.limits.steps"),
        ("[settings]\nlimits = { steps = '5' }", "settings.limits.steps"),
        ("[settings]\nplacement = 'clever'", "settings.placement"),
        ("[settings]\nconsumers = { q = { batch_size = 101 } }", "settings.consumers.q.batch_size"),
        ("[settings]\nconsumers = { q = 5 }", "settings.consumers.q"),
        ("[env]\nstaging = 1", "env.staging"),
        ("[env.staging]\nartifact = []", "env.staging.artifact"),
    ],
)
def test_wrong_types(tmp_path: Path, text: str, place: str) -> None:
    said = complaint(tmp_path, text)
    assert all(line.startswith(f"stepwell.toml: {place}: ") for line in said.splitlines()), said


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = complaint(tmp_path, "artifcats = []\n[settings]\nname = 1\nvras = {}\n")
    assert len(said.splitlines()) == 3


def test_not_toml_and_not_text(tmp_path: Path) -> None:
    assert "stepwell.toml: is not TOML: " in complaint(tmp_path, "artifacts = [")
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ProjectError, match="cannot be read"):
        find(tmp_path)


def test_tool_that_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool = 5")
    assert find(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("tool = { stepwell = 5 }")
    with pytest.raises(ProjectError, match=r"pyproject\.toml: "):
        find(tmp_path)


# Whatever it says, it is an answer or a ProjectError

_words = st.sampled_from(
    ["artifacts", "env", "artifact", "settings", "vars", "routes", "limits", "consumers", "a", "name", "", "str", "ü"]
)
_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "*", "[", "../", "/", "**", "a\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=12,
)


def _toml(value: Any) -> str:
    """A value as inline TOML; TOML has no null."""
    if value is None:
        return '""'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return f"{value:.3e}" if value == value and abs(value) != float("inf") else "inf"
    return json.dumps(value)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_words.filter(bool), _values, max_size=4))
def test_hostile_toml_gives_no_traceback(tmp_path: Path, told: dict[str, Any]) -> None:
    folder = tmp_path / "p"  # not tmp_path: what stands above it must not be found
    folder.mkdir(exist_ok=True)
    (folder / "a").write_text("{}")
    (folder / FILE).write_text(
        "\n".join(f"{key if key.isascii() else json.dumps(key)} = {_toml(value)}" for key, value in told.items())
    )
    try:
        found = find(folder)
        assert found is not None
        for environment in (None, *found.environments):
            found.settings("a", environment)
    except ProjectError as error:
        assert str(error).startswith("stepwell.toml: ")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_hostile_bytes_give_no_traceback(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / FILE).write_bytes(raw)
    try:
        find(tmp_path)
    except ProjectError as error:
        assert str(error).startswith("stepwell.toml: ")


# The page


def test_the_page_tells_of_every_key(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")
    [shown] = re.findall(r"^```toml\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "order.json").write_text("{}")
    made = project(tmp_path, shown)
    assert made.settings("order", "staging").routes == []
    keys = [
        *_File.model_fields,
        *Settings.model_fields,
        *Limits.model_fields,
        *Consumer.model_fields,
        *Route.model_fields,
    ]
    assert [key for key in keys if not re.search(rf"`[^`]*\b{key}\b[^`]*`", text)] == []


# Names in the account


def source(key: str, value: dict[str, Any]) -> Source:
    text = json.dumps(value)
    compiled = compile_artifact(text)
    assert compiled.ok, compiled.diagnostics
    return Source(key, text, compiled)


PARENT = source("parent", graph("Parent Flow", nodes=[calls("ChildFlow")]))
CHILD = source("child", graph("Child Flow"))
STORE = source("store", graph("Store", "return await env.CACHE_KV.get('a');"))


def wishes(
    folder: Path, text: str, environment: str | None, environ: Mapping[str, str] | None = None, *sources: Source
) -> dict[str, Desired]:
    """What shall be, by key."""
    made = project(folder, text)
    return {one.key: one for one in wanted(made, sources or (PARENT, CHILD), environment, environ or {}, {})}


def test_names_without_an_environment(tmp_path: Path) -> None:
    found = wishes(tmp_path, "", None)
    assert {one.name for one in found.values()} == {"parent-flow", "child-flow"}
    assert found["parent"].bindings["CHILD_FLOW"] == {
        "type": "workflow",
        "name": "CHILD_FLOW",
        "workflow_name": "Child-Flow",
        "script_name": "child-flow",
    }
    assert found["parent"].needs == {"child-flow"}


def test_an_environment_has_names_of_its_own(tmp_path: Path) -> None:
    found = wishes(tmp_path, "[env.staging]", "staging")
    assert {one.name for one in found.values()} == {"parent-flow-staging", "child-flow-staging"}
    parent = found["parent"]
    assert parent.workflow is not None and parent.workflow.name == "Parent-Flow-staging"
    assert parent.bindings["CHILD_FLOW"]["workflow_name"] == "Child-Flow-staging"
    assert parent.bindings["CHILD_FLOW"]["script_name"] == "child-flow-staging"
    assert parent.bindings["WORKFLOW"]["workflow_name"] == "Parent-Flow-staging"


def test_the_default_environment_has_the_plain_names(tmp_path: Path) -> None:
    found = wishes(tmp_path, 'default_env = "production"\n[env.production]\n[env.staging]', "production")
    assert {one.name for one in found.values()} == {"parent-flow", "child-flow"}


def test_given_names_have_no_suffix(tmp_path: Path) -> None:
    text = '[env.staging.artifact.child]\nname = "kid"\nworkflow = "Kid"'
    found = wishes(tmp_path, text, "staging")
    assert found["child"].name == "kid"
    assert found["parent"].bindings["CHILD_FLOW"]["workflow_name"] == "Kid"
    assert found["parent"].bindings["CHILD_FLOW"]["script_name"] == "kid"


def test_two_graphs_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"two graphs of this project are deployed as the Worker same: set `name`"):
        wishes(tmp_path, '[settings]\nname = "same"', None)
    with pytest.raises(ProjectError, match=r"two graphs of this project have the workflow Same: set `workflow`"):
        wishes(tmp_path, '[settings]\nworkflow = "Same"', None)


def test_ids_of_bindings(tmp_path: Path) -> None:
    text = '[settings]\nbindings = { CACHE_KV = "project" }'
    assert wishes(tmp_path, "", None, {}, STORE)["store"].without_id == {"CACHE_KV": "kv_namespace"}
    told = wishes(tmp_path, text, None, {}, STORE)["store"]
    assert told.bindings["CACHE_KV"]["namespace_id"] == "project"
    over = wishes(tmp_path, text, None, {"CACHE_KV_BINDING_ID": "environment"}, STORE)["store"]
    assert over.bindings["CACHE_KV"]["namespace_id"] == "environment" and over.without_id == {}


def test_what_no_graph_has(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"bindings: .*CACHE_VK.* Did you mean 'CACHE_KV'\?"):
        wishes(tmp_path, '[artifact.store]\nbindings = { CACHE_VK = "x" }', None, {}, STORE)
    with pytest.raises(ProjectError, match=r"consumers: no graph handles the queue jobs\."):
        wishes(tmp_path, "[artifact.store.consumers.jobs]\nbatch_size = 5", None, {}, STORE)


def test_settings_for_all_may_name_what_one_graph_alone_has(tmp_path: Path) -> None:
    """A binding that is named once for all graphs is no fault of those that do not read it."""
    text = '[settings]\nbindings = { CACHE_KV = "shared" }\n[settings.consumers]\n'
    found = wishes(tmp_path, text, None, {}, STORE, CHILD)
    assert found["store"].bindings["CACHE_KV"]["namespace_id"] == "shared"
    with pytest.raises(ProjectError, match="CACHE_VK"):
        wishes(tmp_path, '[settings]\nbindings = { CACHE_VK = "x" }', None, {}, STORE, CHILD)


NODE = source("node", graph("Node", 'import { sep } from "node:path"; return sep;'))


@pytest.mark.parametrize(
    ("said", "flags", "plain"),
    [
        ("", [], []),
        ('compatibility_date = "2026-08-04"', [], []),
        ('compatibility_date = "2026-08-03"', ["nodejs_compat"], []),
        ('compatibility_date = "2026-08-03"\ncompatibility_flags = ["a"]', ["a", "nodejs_compat"], ["a"]),
        ('compatibility_date = "2026-08-03"\ncompatibility_flags = ["nodejs_compat_v2"]', ["nodejs_compat_v2"], None),
        ('compatibility_date = "2026-08-03"\ncompatibility_flags = ["no_nodejs_compat"]', ["no_nodejs_compat"], None),
    ],
)
def test_nodes_modules_need_a_flag_before_they_were_the_default(
    tmp_path: Path, said: str, flags: list[str], plain: list[str] | None
) -> None:
    found = wishes(tmp_path, f"[settings]\n{said}", None, None, NODE, CHILD)
    assert found["node"].compatibility_flags == flags
    assert found["child"].compatibility_flags == (flags if plain is None else plain)
