"""Recipes with a wheel for each Python: one row, one key and one file name per Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.engine import CIBUILDWHEEL
from builder.errors import PlanError
from builder.plan import show
from builder.plan.facts import PublishedWheel
from builder.plan.plan import Plan, Row, State
from builder.plan.resolve import resolve

World = Any
Published = Callable[..., PublishedWheel]


@pytest.fixture
def each(world: World) -> World:
    """The planning world with `hello-cuda` for each Python; 3.14's headers are not here."""
    world.edit("hello-cuda/recipe.toml", 'py-api = "py3"', 'py-api = "each"')
    world.headers = {f"3.{minor}": str(minor % 10) * 64 for minor in range(10, 14)}
    return world


def rows(plan: Plan) -> dict[str, Row]:
    """hello-cuda's rows by Python."""
    found = [row for row in plan.rows if row.recipe.name == "hello-cuda"]
    assert all(len(row.targets) == 1 for row in found)
    return {row.targets[0].python: row for row in found}


def test_each_python_has_a_row_and_a_key(each: World) -> None:
    plan = each.plan("cu118-py31[0-3]")
    found = rows(plan)
    assert list(found) == ["3.10", "3.11", "3.12", "3.13"]
    assert {row.state for row in found.values()} == {State.BUILD}
    keys = {row.key for row in found.values()}
    assert len(keys) == 4
    (other,) = (row for row in plan.rows if row.recipe.name == "other-cuda")
    assert len(other.targets) == 4
    assert other.key not in keys
    assert other.spec is not None
    assert other.spec.python is None
    assert "python" not in other.spec.keyed()


def test_the_spec_says_which_python_it_is_for(each: World) -> None:
    spec = rows(each.plan("cu118"))["3.13"].spec
    assert spec is not None
    assert (spec.python, spec.interpreter) == ("3.13", "cp313-cp313")
    assert dict(spec.defines)["WHEELHOUSE_PYTHON_VERSION"] == "3.13"
    assert spec.keyed()["python_headers"] == each.headers["3.13"]


def test_other_headers_are_another_build(each: World) -> None:
    before = rows(each.plan("cu118"))
    each.headers["3.12"] = "f" * 64
    after = rows(each.plan("cu118"))
    assert {python for python in after if after[python].key != before[python].key} == {"3.12"}


def test_a_python_without_headers_is_refused_in_one_sentence(each: World) -> None:
    plan = each.plan("cu118")
    row = rows(plan)["3.14"]
    assert (row.state, row.spec) == (State.NOT_HERE, None)
    assert row.why is not None
    assert row.why.startswith("no headers of Python 3.14 (Python.h) were found on this machine: ")
    assert "uv python install 3.14" in row.why
    with pytest.raises(PlanError, match=r"hello-cuda 1\.0\+cu118 for py314: not built here: no"):
        plan.must_be_possible()


def test_what_is_impossible_anyway_is_said_before_headers(each: World) -> None:
    row = rows(each.plan("cu118-py314", archs=["12.0"]))["3.14"]
    assert row.state is State.IMPOSSIBLE
    assert "CUDA 11.8 has no architecture 12.0" in str(row.why)


def test_no_toolchain_is_said_for_every_python(each: World) -> None:
    each.toolchains.clear()
    assert {row.why for row in rows(each.plan("cu118")).values()} == {"no toolchain for cu118"}


def test_a_published_wheel_takes_the_name_of_its_python_alone(
    each: World, published: Published
) -> None:
    name = "hello_cuda-1.0+cu118-1-cp312-cp312-manylinux_2_31_x86_64.whl"
    each.published = (published(filename=name),)
    states = {python: row.state for python, row in rows(each.plan("cu118-py31[0-3]")).items()}
    assert states.pop("3.12") is State.REFUSED
    assert set(states.values()) == {State.BUILD}
    key = rows(each.plan("cu118"))["3.12"].key
    each.published = (published(filename=name, key=key),)
    assert rows(each.plan("cu118"))["3.12"].state is State.PUBLISHED


def test_a_container_builds_none_yet(each: World) -> None:
    each.engine = CIBUILDWHEEL
    found = rows(each.plan("cu118"))
    assert {row.state for row in found.values()} == {State.NOT_HERE}
    assert "leave out --engine" in str(found["3.11"].why)


def test_another_patch_release_builds_nothing_again(each: World, published: Published) -> None:
    """A wheel differs from what is published by nothing but the headers that are here."""
    each.headers["3.12"] = f"3.12.1 {'a' * 64}"
    there = rows(each.plan("cu118"))["3.12"]
    assert there.spec is not None
    name = "hello_cuda-1.0+cu118-1-cp312-cp312-manylinux_2_31_x86_64.whl"
    one = published(filename=name, key=there.key, headers=there.spec.python_headers)
    each.published = (one,)
    assert rows(each.plan("cu118"))["3.12"].why is None, "the very same"

    each.headers["3.12"] = f"3.12.2 {'b' * 64}"
    row = rows(each.plan("cu118"))["3.12"]
    assert (row.state, row.published, row.key) == (State.PUBLISHED, True, there.key)
    assert row.why == (
        "built with the headers of Python 3.12.1, here are those of 3.12.2; their ABI is the same"
    )
    assert f"published: {row.why}" in show.plain(each.plan("cu118"))
    each.stored.add(str(there.key))
    assert rows(each.plan("cu118"))["3.12"].state is State.STORED

    del each.headers["3.12"]
    each.stored.clear()
    row = rows(each.plan("cu118"))["3.12"]
    assert (row.state, row.key) == (State.PUBLISHED, there.key)
    assert row.why == "built with the headers of Python 3.12.1; their ABI is the same"


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (None, None),  # nobody says what it was built with
        (None, f"3.12.1 {'c' * 64}"),  # with others than its key was made with
        ("0" * 32, f"3.12.1 {'a' * 64}"),  # of another recipe
    ],
)
def test_whatever_else_differs_is_another_build(
    each: World, published: Published, key: str | None, headers: str | None
) -> None:
    each.headers["3.12"] = f"3.12.1 {'a' * 64}"
    key = key or rows(each.plan("cu118"))["3.12"].key
    name = "hello_cuda-1.0+cu118-1-cp312-cp312-manylinux_2_31_x86_64.whl"
    each.published = (published(filename=name, key=key, headers=headers),)
    each.headers["3.12"] = f"3.12.2 {'b' * 64}"
    row = rows(each.plan("cu118"))["3.12"]
    assert (row.state, row.published) == (State.REFUSED, False)
    assert "raise the recipe's revision" in str(row.why)
    del each.headers["3.12"]
    assert rows(each.plan("cu118"))["3.12"].state is State.NOT_HERE


def test_a_removed_wheel_is_not_there_for_other_headers_either(
    each: World, published: Published
) -> None:
    each.headers["3.12"] = f"3.12.1 {'a' * 64}"
    spec = rows(each.plan("cu118"))["3.12"].spec
    assert spec is not None
    name = "hello_cuda-1.0+cu118-1-cp312-cp312-manylinux_2_31_x86_64.whl"
    each.published = (
        published(filename=name, key=spec.key, headers=spec.python_headers, removed="broken"),
    )
    each.headers["3.12"] = f"3.12.2 {'b' * 64}"
    row = rows(each.plan("cu118"))["3.12"]
    assert row.state is State.REFUSED
    assert "was removed (broken)" in str(row.why)


def test_the_container_engine_refuses_them_in_one_sentence(
    tmp_path: Path,
) -> None:
    from builder.cli.main import cli

    recipes = Path(__file__).parents[2] / "recipes_each"
    options = ["--recipes", str(recipes), "--cache-dir", str(tmp_path / "cache"), "-q"]
    words = ["build", "cu118-py311", "--engine", "cibuildwheel", "--dist", str(tmp_path / "dist")]
    with pytest.raises(PlanError) as refused:
        cli.main([*options, *words], standalone_mode=False)
    assert (refused.value.exit_code, refused.value.message) == (
        4,
        "hello-each 1.0+cu118 for py311: not built here: "
        "cibuildwheel builds no wheel for one Python alone: leave out --engine",
    )
    assert not (tmp_path / "dist").exists()


def test_it_is_shown_so(each: World) -> None:
    plan = each.plan("cu118-py31[34]")
    lines = show.plain(plan).splitlines()
    assert [line.split("  ")[0] for line in lines[1:3]] == ["hello-cuda 1.0+cu118"] * 2
    assert [python for line in lines[1:3] for python in ("py313", "py314") if python in line] == [
        "py313",
        "py314",
    ]
    assert any(line.startswith("hello-cuda 1.0+cu118 for py314: not built here") for line in lines)


def test_one_job_for_each(each: World) -> None:
    matrix = show.github(each.plan("cu118")).splitlines()[0].removeprefix("matrix=")
    jobs = [one for one in json.loads(matrix)["include"] if one["recipe"] == "hello-cuda"]
    assert [one["selector"] for one in jobs] == [f"cu118-py31{n}" for n in range(4)]


def test_a_build_is_for_one_python(each: World) -> None:
    folder = each.recipes / "hello-cuda"
    recipe = each.facts(folder).recipe
    wanted = {"folder": folder, "cuda": "cu118", "profile": "full", "toolchain_digest": "1" * 64}
    with pytest.raises(PlanError, match="a wheel for each Python"):
        resolve(recipe, **wanted)
    assert resolve(recipe, **wanted, python="3.11", headers="1" * 64).interpreter == "cp311-cp311"


def test_the_real_recipe_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`builder plan 'cu124-*' --recipe dlib-cuda`: a line for each Python, whatever is found."""
    from builder.cli.main import cli
    from builder.targets import load_targets

    recipes = Path(__file__).parents[3] / "recipes"
    options = ["--recipes", str(recipes), "--cache-dir", str(tmp_path), "-q"]
    words = ["plan", "cu124-*", "--recipe", "dlib-cuda", "--json"]
    cli.main([*options, *words], standalone_mode=False)
    wheels = json.loads(capsys.readouterr().out)["wheels"]
    assert [one["targets"] for one in wheels] == [
        [f"cu124-py{python.replace('.', '')}"] for python in load_targets().pythons
    ]
    for one in wheels:
        assert one["companions"] == ["dlib==20.0.0.99+cu124"]
        if one["key"] is None:
            assert "no headers of Python 3." in one["why"]
    keys = [one["key"] for one in wheels if one["key"]]
    assert len(keys) == len(set(keys))
