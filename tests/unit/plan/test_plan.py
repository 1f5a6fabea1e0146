"""States of a plan's rows, costs, and how a plan is shown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import PlanError
from builder.plan import show
from builder.plan.facts import PublishedWheel
from builder.plan.plan import Plan, Row, State

World = Any
Published = Callable[..., PublishedWheel]
GOLDEN = Path(__file__).parent / "golden"


def hello(plan: Plan, cuda: str = "cu118") -> Row:
    (row,) = (row for row in plan.rows if (row.recipe.name, row.cuda) == ("hello-cuda", cuda))
    return row


# --- states --------------------------------------------------------------------------------------


def test_nothing_exists_yet(world: World) -> None:
    plan = world.plan("cu118", "cu124-py31[34]")
    assert [(row.wheel, str(row.state)) for row in plan.rows] == [
        ("hello-cuda 1.0+cu118", "to build"),
        ("hello-cuda 1.0+cu124", "to build"),
        ("other-cuda 1.0+cu118", "to build"),
        ("other-cuda 1.0+cu124", "to build"),
    ]
    assert [str(target) for target in hello(plan, "cu124").targets] == [
        "cu124-py313",
        "cu124-py314",
    ]
    plan.must_be_possible()


def test_in_the_store(world: World) -> None:
    world.stored.add(hello(world.plan("cu118")).key)
    plan = world.plan("cu118-py312")
    assert hello(plan).state is State.STORED
    assert len(plan.of(State.BUILD)) == 1


def test_published(world: World, published: Published) -> None:
    world.published = (published(key=hello(world.plan("cu118")).key),)
    row = hello(world.plan("cu118"))
    assert (row.state, row.published) == (State.PUBLISHED, True)
    world.stored.add(row.key)
    row = hello(world.plan("cu118"))
    assert (row.state, row.published) == (State.STORED, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "is published with the key 000000000000"),
        ({"key": None}, "is published without a build key"),
        ({"profile": "quick"}, "is published with the key 000000000000"),
        ({"removed": "broken"}, "was removed (broken) and its name stays taken"),
    ],
)
def test_a_changed_key_under_a_published_name_is_refused(
    world: World, published: Published, changes: dict[str, str], reason: str
) -> None:
    world.published = (published(**changes),)
    plan = world.plan("cu118")
    row = hello(plan)
    assert row.state is State.REFUSED
    assert reason in str(row.why)
    assert "raise the recipe's revision (1)" in str(row.why)
    assert [other.state for other in plan.rows if other is not row] == [State.BUILD]
    with pytest.raises(PlanError, match=r"hello-cuda 1\.0\+cu118: refused"):
        plan.must_be_possible()


def test_it_is_refused_even_when_it_is_in_the_store(world: World, published: Published) -> None:
    world.stored.add(hello(world.plan("cu118")).key)
    world.published = (published(),)
    assert hello(world.plan("cu118")).state is State.REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        {"build_tag": "2"},
        {"build_tag": None},
        {"version": "1.0+cu124"},
        {"version": "1.1+cu118"},
        {"name": "hello-cudb"},
    ],
)
def test_another_name_is_no_conflict(
    world: World, published: Published, changes: dict[str, str | None]
) -> None:
    world.published = (published(**changes),)
    assert hello(world.plan("cu118")).state is State.BUILD


def test_raising_the_revision_mends_it(world: World, published: Published) -> None:
    world.published = (published(),)
    world.edit("hello-cuda/recipe.toml", "revision = 1", "revision = 2")
    assert hello(world.plan("cu118")).state is State.BUILD


def test_a_reduced_profile_may_be_built_beside_the_published_one(
    world: World, published: Published
) -> None:
    world.published = (published(),)
    assert hello(world.plan("cu118", profile="smoke")).state is State.BUILD
    world.published = (published(profile="smoke"),)
    assert hello(world.plan("cu118", profile="smoke")).state is State.REFUSED


def test_an_architecture_the_cuda_lacks(world: World) -> None:
    plan = world.plan("cu118", "cu130", archs=["10.0"])
    row = hello(plan)
    assert (row.state, row.key) == (State.IMPOSSIBLE, None)
    assert "CUDA 11.8 has no architecture 10.0 (it has 3.5, " in str(row.why)
    assert hello(plan, "cu130").state is State.BUILD


def test_ptx_alone_must_be_known_too(world: World) -> None:
    assert hello(world.plan("cu118", archs=["8.0", "10.0+PTX"])).state is State.IMPOSSIBLE


def test_a_host_compiler_that_is_too_new(world: World) -> None:
    world.targets = dataclasses.replace(world.targets, host_gcc=12)
    plan = world.plan("cu118", "cu124")
    assert hello(plan).state is State.IMPOSSIBLE
    assert "the host compiler is too new: GCC 12, and CUDA 11.8 takes GCC 11" in str(
        hello(plan).why
    )
    assert hello(plan, "cu124").state is State.BUILD


def test_every_reason_at_once(world: World) -> None:
    world.targets = dataclasses.replace(world.targets, host_gcc=12)
    why = str(hello(world.plan("cu118", archs=["12.0"])).why)
    assert "too new" in why
    assert "no architecture 12.0" in why


def test_a_profile_the_recipe_lacks(world: World) -> None:
    why = hello(world.plan("cu118", profile="quick")).why
    assert why == "hello-cuda has no profile 'quick' (it has full, smoke)"


def test_a_recipe_that_is_not_for_this_cuda(world: World) -> None:
    world.edit("hello-cuda/recipe.toml", 'summary = "', 'cuda = ["cu1[13]*"]\nsummary = "')
    plan = world.plan("cu118", "cu124")
    assert hello(plan, "cu124").why == "hello-cuda is only for cu1[13]*"
    assert hello(plan).state is State.BUILD


def test_pythons_the_wheel_is_not_for_stand_apart(world: World) -> None:
    world.edit("hello-cuda/recipe.toml", '">=3.10"', '">=3.12"')
    rows = [row for row in world.plan("cu118").rows if row.recipe.name == "hello-cuda"]
    assert [(row.state, [one.python for one in row.targets]) for row in rows] == [
        (State.BUILD, ["3.12", "3.13", "3.14"]),
        (State.IMPOSSIBLE, ["3.10", "3.11"]),
    ]
    assert rows[1].why == "hello-cuda is for Python >=3.12"


def test_a_toolchain_out_of_reach(world: World) -> None:
    row = hello(world.plan("cu128"), "cu128")
    assert (row.state, row.why) == (State.NOT_HERE, "NVIDIA's archive does not answer")
    assert row.key is not None
    world.stored.add(row.key)
    assert hello(world.plan("cu128"), "cu128").state is State.STORED


def test_a_cuda_with_no_toolchain(world: World) -> None:
    row = hello(world.plan("cu126"), "cu126")
    assert (row.state, row.key) == (State.NOT_HERE, None)
    assert row.why == "no toolchain for cu126"
    impossible = hello(world.plan("cu126", archs=["12.0"]), "cu126")
    assert impossible.state is State.IMPOSSIBLE


# --- cost ----------------------------------------------------------------------------------------


def test_nothing_to_build_costs_nothing(world: World) -> None:
    world.stored |= set(world.keys("cu118").values())
    cost = world.plan("cu118").cost
    assert (cost.download, cost.disk, cost.licence) == (0, 0, None)


def test_shared_parts_are_counted_once(world: World) -> None:
    # two recipes with one source of 10 MB, the host prefix of 100 MB, a CUDA of 1 GB each
    assert world.plan("cu118").cost.download == 10_000_000 + 100_000_000 + 10**9
    assert world.plan("cu118", "cu124").cost.download == 10_000_000 + 100_000_000 + 2 * 10**9


def test_what_is_here_already_is_not_downloaded(world: World) -> None:
    world.cached |= {"a" * 64, "1" * 64}
    cost = world.plan("cu118").cost
    assert (cost.download, cost.cached) == (100_000_000, 10**9 + 10_000_000)


def test_an_installed_toolchain_costs_nothing(world: World) -> None:
    full = world.plan("cu118").cost
    old = world.toolchains["cu118"]
    parts = tuple(dataclasses.replace(part, installed=True) for part in old.parts)
    world.toolchains["cu118"] = dataclasses.replace(old, parts=parts)
    cost = world.plan("cu118").cost
    assert cost.download == 10_000_000
    assert cost.licence is None
    assert full.disk - cost.disk == 3 * 10**9 + 300_000_000 + 100_000_000 + 10**9


def test_a_size_that_is_not_pinned_is_named(world: World) -> None:
    world.edit("hello-cuda/recipe.toml", "size = 10000000\n", "")
    world.edit("other-cuda/recipe.toml", "size = 10000000\n", "")
    assert world.plan("cu118").cost.unknown == ("hello-1.0.tar.gz",)
    world.cached.add("a" * 64)
    assert world.plan("cu118").cost.unknown == ()


def test_nvidias_licence_is_named_where_its_packages_come(world: World) -> None:
    assert "NVIDIA's licence" in str(world.plan("cu118").cost.licence)


# --- shown ---------------------------------------------------------------------------------------


@pytest.fixture
def mixed(world: World, published: Published) -> Plan:
    """One row of every state."""
    keys = world.keys()
    world.stored.add(keys["hello-cuda", "cu124"])
    world.published = (
        published(),
        published(version="1.0+cu124", key=keys["hello-cuda", "cu124"]),
        published(version="1.0+cu130", key=keys["hello-cuda", "cu130"]),
    )
    world.edit("other-cuda/recipe.toml", 'summary = "', 'cuda = ["cu118", "cu13*"]\nsummary = "')
    plan = world.plan("cu118", "cu124-py31[01]", "cu128-py310", "cu130-py310")
    assert {row.state for row in plan.rows} == set(State)
    return plan


def golden(name: str, text: str, plan: Plan) -> None:
    """Compare with a file; to renew it, delete it, run the test, and read what it wrote.

    Keys are numbered: which they are is tested elsewhere, and any change of the spec changes them.
    """
    path = GOLDEN / name
    for number, row in enumerate(plan.rows, 1):
        for length in (32, show.KEY_DIGITS):
            text = text.replace((row.key or "no key")[:length], f"{number}" * length)
    if not path.exists():
        path.write_text(text)
        pytest.fail(f"{path} was missing and has been written; read it and run again")
    assert text == path.read_text()


def test_as_text(mixed: Plan) -> None:
    golden("plan.txt", show.plain(mixed, free=50 * 10**9) + "\n", mixed)


@pytest.mark.parametrize("columns", ["90", "40"])
def test_on_a_terminal_names_keys_and_states_are_whole(
    mixed: Plan, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    from builder.cli.plan import _table

    monkeypatch.setenv("COLUMNS", columns)
    _table(mixed, free=None)
    shown = capsys.readouterr().out
    for row in mixed.rows:
        assert row.wheel in shown
        assert str(row.key)[: show.KEY_DIGITS] in shown or row.key is None
        assert str(row.state) in " ".join(shown.split())
    assert "raise the recipe's revision" in " ".join(shown.split())


def test_as_json(mixed: Plan) -> None:
    golden("plan.json", json.dumps(show.data(mixed), indent=2, sort_keys=True) + "\n", mixed)


def test_as_a_matrix(mixed: Plan) -> None:
    matrix, jobs, pythons, refused = show.github(mixed).splitlines()
    assert refused == f"refused={len(mixed.of(State.REFUSED))}"
    assert refused != "refused=0"
    name, _, value = matrix.partition("=")
    assert name == "matrix"
    include = json.loads(value)["include"]
    assert jobs == "jobs=2"
    assert pythons == 'pythons=["3.10","3.11","3.12","3.13","3.14"]'
    assert [(job["recipe"], job["cuda"], job["selector"]) for job in include] == [
        ("other-cuda", "cu118", " ".join(f"cu118-py3{minor}" for minor in range(10, 15))),
        ("other-cuda", "cu130", "cu130-py310"),
    ]
    for job in include:
        assert set(job) == {"key", "recipe", "cuda", "profile", "targets", "selector"}
        assert job["key"] == hello_or_other(mixed, job).key
    with_archs = show.github(mixed, archs="7.5").splitlines()[0].partition("=")[2]
    assert json.loads(with_archs)["include"][0]["archs"] == "7.5"


def test_a_python_that_is_new_to_the_index(mixed: Plan) -> None:
    wheel = "hello_cuda-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl"
    new = dataclasses.replace(mixed, untried={"3.15": (wheel,)})
    assert show.github(new).splitlines()[2] == (
        'pythons=["3.10","3.11","3.12","3.13","3.14","3.15"]'
    )
    assert show.data(new)["untried"] == {"3.15": [wheel]}
    line = f"Python 3.15 is new to the index: {wheel} must be tried under it"
    assert line in show.plain(new)
    assert "new to the index" not in show.plain(mixed)


def test_a_matrix_has_as_many_jobs_as_github_takes(
    mixed: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert show.waiting(mixed) == []
    whole = show.github(mixed)
    monkeypatch.setattr(show, "MATRIX", 1)
    matrix, jobs, pythons, _ = show.github(mixed).splitlines()
    include = json.loads(matrix.partition("=")[2])["include"]
    assert include == json.loads(whole.splitlines()[0].partition("=")[2])["include"][:1]
    assert jobs == "jobs=1"
    assert json.loads(pythons.partition("=")[2]) == [f"3.{minor}" for minor in range(10, 15)]
    assert show.waiting(mixed) == [
        "1 of the builds wait for the next run: a matrix has 1 jobs at most"
    ]


def hello_or_other(plan: Plan, job: dict[str, str]) -> Row:
    (row,) = (
        row for row in plan.rows if (row.recipe.name, row.cuda) == (job["recipe"], job["cuda"])
    )
    return row


def test_a_matrix_of_nothing(world: World) -> None:
    world.stored |= set(world.keys("cu118").values())
    assert show.github(world.plan("cu118")) == (
        'matrix={"include":[]}\njobs=0\npythons=[]\nrefused=0'
    )
