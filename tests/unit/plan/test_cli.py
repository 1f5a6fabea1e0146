"""`builder plan`, `builder explain` and `builder recipe`, as a person types them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from builder.errors import BuilderError, PlanError, RecipeError, UsageError
from builder.plan import gather, show
from index.ledger import Add
from index.records import Record
from index.site.disk import append
from index.state.state import State

World = Any
Builder = Callable[..., Result]


@pytest.fixture
def builder(world: World, tmp_path: Path) -> Builder:
    """Run a verb; what it raises is raised."""
    options = ["--recipes", str(world.recipes), "--cache-dir", str(tmp_path / "cache"), "-q"]

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, [*options, *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture(autouse=True)
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here asks the network."""
    import builder.toolchain

    def availability(label: str) -> str | None:
        return "not built here: out of reach" if label in ("cu126", "cu128", "cu129") else None

    monkeypatch.setattr(builder.toolchain, "availability", availability)


def rows(result: Result) -> dict[tuple[str, str], dict[str, Any]]:
    data = json.loads(result.stdout)
    assert data["schema_version"] == 1
    return {(row["recipe"], row["cuda"]): row for row in data["wheels"]}


# --- plan ----------------------------------------------------------------------------------------


def test_a_third_recipe_is_found_planned_and_keyed(builder: Builder) -> None:
    found = rows(builder("plan", "all", "--json"))
    assert len(found) == 12
    states = {cuda: found["hello-cuda", cuda]["state"] for _, cuda in found}
    assert states == {
        "cu118": "to build",
        "cu124": "to build",
        "cu126": "not built here",
        "cu128": "not built here",
        "cu129": "not built here",
        "cu130": "to build",
    }
    assert found["hello-cuda", "cu126"]["why"] == "out of reach"
    assert all(len(row["key"]) == 32 for row in found.values())
    assert all(len(row["targets"]) == 5 for row in found.values())


def test_the_real_toolchains_cost_something(builder: Builder) -> None:
    totals = json.loads(builder("plan", "cu118-py310", "--json").stdout)["totals"]
    assert totals["download_bytes"] > 200_000_000
    assert totals["disk_bytes"] > totals["download_bytes"]


def test_one_recipe_of_them(builder: Builder) -> None:
    found = rows(builder("plan", "cu118", "--recipe", "other-cuda", "--json"))
    assert set(found) == {("other-cuda", "cu118")}


def test_a_broken_recipe_stops_only_plans_that_need_it(world: World, builder: Builder) -> None:
    world.edit("other-cuda/recipe.toml", "revision = 1", "revision = 0")
    builder("plan", "cu118", "--recipe", "hello-cuda")
    with pytest.raises(RecipeError, match="revision: must be at least 1"):
        builder("plan", "cu118")


def test_a_recipe_by_its_name_where_the_folder_has_another(world: World, builder: Builder) -> None:
    (world.recipes / "hello-cuda").rename(world.recipes / "elsewhere")
    found = rows(builder("plan", "cu118", "--recipe", "hello-cuda", "--json"))
    assert set(found) == {("hello-cuda", "cu118")}


def test_plain_text_where_there_is_no_terminal(builder: Builder) -> None:
    result = builder("plan", "cu118-py310")
    first, second, *_ = result.stdout.splitlines()
    assert first.split() == ["wheel", "profile", "architectures", "for", "key", "state"]
    assert second.startswith("hello-cuda 1.0+cu118  full     6.0 7.0 7.5 8.0 +PTX  py310")
    assert "disk needed: about" in result.stdout
    assert " free)" in result.stdout


def test_archs(builder: Builder) -> None:
    found = rows(builder("plan", "cu118", "cu130", "--archs", "10.0,12.0+PTX", "--json"))
    assert found["hello-cuda", "cu118"]["state"] == "impossible"
    assert found["hello-cuda", "cu130"]["architectures"] == ["10.0", "12.0"]
    assert found["hello-cuda", "cu130"]["ptx"] == "12.0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cu119"], "no target matches 'cu119'\n  try: did you mean"),
        (["cu118", "--recipe", "hello-coda"], "no recipe 'hello-coda'\n  try: did you mean hello"),
        (["cu118", "--archs", "75"], "--archs: '75' is no architecture"),
        (["cu118", "--json", "--github"], "exclude each other"),
    ],
)
def test_usage(builder: Builder, arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        builder("plan", *arguments)
    assert message in str(caught.value)


def test_github(builder: Builder) -> None:
    lines = builder("plan", "cu1[12]*-py310", "--recipe", "hello-cuda", "--github").stdout
    matrix, jobs, *rest = lines.splitlines()
    assert rest == ['pythons=["3.10"]', "refused=0"]
    assert jobs == "jobs=2"
    include = json.loads(matrix.removeprefix("matrix="))["include"]
    assert [job["selector"] for job in include] == ["cu118-py310", "cu124-py310"]
    as_one_text = builder("plan", "cu118-py310 cu124-py310", "--recipe", "hello-cuda", "--github")
    assert as_one_text.stdout == lines


def test_what_waits_for_the_next_run_is_said_where_people_look(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "MATRIX", 1)
    summary = tmp_path / "summary.md"
    options = ["--recipes", str(world.recipes), "--cache-dir", str(tmp_path / "cache")]
    asked = ["plan", "cu1[12]*-py310", "--recipe", "hello-cuda", "--summary", str(summary)]
    said = CliRunner().invoke(cli, [*options, *asked, "--github"], catch_exceptions=False)
    assert said.stdout.splitlines()[1] == "jobs=1"
    assert "1 of the builds wait for the next run" in said.stderr
    assert "1 of the builds wait for the next run" in summary.read_text()
    CliRunner().invoke(cli, [*options, *asked], catch_exceptions=False)
    assert summary.read_text().count("wait for the next run") == 1, "a matrix alone is cut"


def publish(site: Path, row: dict[str, Any], key: str) -> None:
    name, version = row["recipe"].replace("-", "_"), row["version"]
    record = Record(
        filename=f"{name}-{version}-1-py3-none-manylinux_2_31_x86_64.whl",
        name=row["recipe"],
        version=version,
        build_tag="1",
        tags=("py3-none-manylinux_2_31_x86_64",),
        sha256="0" * 64,
        size=1,
        metadata=(metadata := f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"),
        metadata_sha256=hashlib.sha256(metadata.encode()).hexdigest(),
        cuda=row["cuda"],
        profile="full",
        build_key=key,
    )
    add = Add(record=record, url=f"files/{record.filename}", uploaded="2026-11-01T00:00:00Z")
    append(site, State.in_memory(), [add])


def test_published(builder: Builder, tmp_path: Path) -> None:
    row = rows(builder("plan", "cu118", "--json"))["hello-cuda", "cu118"]
    publish(tmp_path / "site", row, row["key"])
    after = rows(builder("plan", "cu118", "--json", "--published", str(tmp_path / "site")))
    assert after["hello-cuda", "cu118"]["state"] == "published"
    assert after["other-cuda", "cu118"]["state"] == "to build"


def test_a_refused_plan_is_shown_and_is_an_error(builder: Builder, tmp_path: Path) -> None:
    row = rows(builder("plan", "cu118", "--json"))["hello-cuda", "cu118"]
    publish(tmp_path / "site", row, "0" * 32)
    with pytest.raises(PlanError, match="raise the recipe's revision") as caught:
        builder("plan", "cu118", "--github", "--published", str(tmp_path / "site"))
    assert caught.value.exit_code == 4
    asked = ("plan", "cu118", "--github", "--published", str(tmp_path / "site"))
    told = dict(line.split("=", 1) for line in builder(*asked, "--keep-going").stdout.splitlines())
    assert (told["jobs"], told["refused"]) == ("1", "1")
    assert "other-cuda" in told["matrix"]
    assert "hello-cuda" not in told["matrix"]


def test_nothing_is_asked_when_nothing_is_built(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import builder.toolchain
    from builder.paths import Cache

    asked: list[str] = []
    monkeypatch.setattr(builder.toolchain, "availability", asked.append)
    folders = sorted(world.recipes.iterdir())
    request = gather.Request(selectors=("cu126-py310",))
    plan = gather.gather(request, recipe_folders=folders, cache=Cache(root=tmp_path))
    assert asked == ["cu126"]
    assert [str(row.state) for row in plan.rows] == ["to build", "to build"]
    keys = {row.key for row in plan.rows}
    monkeypatch.setattr(gather._Finished, "__contains__", lambda self, key: key in keys)
    plan = gather.gather(request, recipe_folders=folders, cache=Cache(root=tmp_path))
    assert asked == ["cu126"]
    assert [str(row.state) for row in plan.rows] == ["in store", "in store"]


def test_planning_writes_nothing(builder: Builder, tmp_path: Path) -> None:
    builder("plan", "all")
    assert not (tmp_path / "cache").exists()


def test_planning_loads_nothing_heavy(world: World) -> None:
    """The whole command stays under a second; these modules alone cost a good part of one."""
    heavy = {"requests", "urllib3", "rich", "auditwheel"}
    script = (
        "import sys; from builder.cli.main import cli\n"
        f"cli.main(['--recipes', {str(world.recipes)!r}, 'plan', 'cu118'], standalone_mode=False)\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=600
    )
    assert done.stdout.splitlines()[-1] == "[]"


# --- explain -------------------------------------------------------------------------------------


def test_explain_planned_keys(builder: Builder) -> None:
    found = rows(builder("plan", "cu118", "cu124", "--json"))
    old, new = (found["hello-cuda", cuda]["key"] for cuda in ("cu118", "cu124"))
    text = builder("explain", old[:12], new).stdout
    assert text.splitlines()[0] == f"old: {old}  hello-cuda 1.0+cu118 full"
    assert "  cuda: cu118 -> cu124" in text.splitlines()
    data = json.loads(builder("explain", old, new, "--json").stdout)
    assert (data["old"], data["new"], data["schema_version"]) == (old, new, 1)
    assert {"path": "cuda", "old": "cu118", "new": "cu124"} in data["differences"]


def test_explain_equal_keys(builder: Builder) -> None:
    key = rows(builder("plan", "cu118", "--json"))["hello-cuda", "cu118"]["key"]
    assert "the keys are equal" in builder("explain", key, key).stdout


# --- recipe --------------------------------------------------------------------------------------


def test_recipe_list(builder: Builder) -> None:
    assert builder("recipe", "list").stdout.splitlines()[:4] == [
        "hello-cuda 1.0 (revision 1)",
        "  One CUDA kernel behind a C function",
        "  profiles: full, smoke",
        "  licences: MIT",
    ]
    data = json.loads(builder("recipe", "list", "--json").stdout)
    assert data["schema_version"] == 1
    assert [one["wheel"]["py-api"] for one in data["recipes"]] == ["py3", "py3"]


def test_recipe_check(world: World, builder: Builder) -> None:
    assert builder("recipe", "check").stdout == "hello-cuda, other-cuda: no problems\n"
    world.edit("other-cuda/recipe.toml", "revision = 1", "revison = 1")
    assert builder("recipe", "check", "hello-cuda").stdout == "hello-cuda: no problems\n"
    with pytest.raises(RecipeError) as caught:
        builder("recipe", "check")
    assert caught.value.message.startswith("2 problems:\n  ")
    assert f"{world.recipes}/other-cuda/recipe.toml: revison: unknown key" in caught.value.message
    with pytest.raises(BuilderError, match="no recipe 'helo-cuda'"):
        builder("recipe", "check", "helo-cuda")


def test_recipe_schema(builder: Builder) -> None:
    schema = json.loads(builder("recipe", "schema").stdout)
    assert schema["$defs"]["Recipe"]["properties"]["name"]["description"] == "Distribution name."
