"""Companions in keys, specs and plans; a recipe without any is what it always was."""

from __future__ import annotations

from typing import Any

import pytest

from builder.plan import show
from builder.plan.explain import differences
from builder.plan.spec import BuildSpec, CompanionSpec

World = Any
COMPANION = """
[[companion]]
name = "hello"
version = "0.9.99"
"""


@pytest.fixture
def with_companion(world: World) -> World:
    with (world.recipes / "hello-cuda/recipe.toml").open("a") as file:
        file.write(COMPANION)
    return world


def spec_of(world: World, name: str = "hello-cuda") -> BuildSpec:
    (row,) = (row for row in world.plan("cu118").rows if row.recipe.name == name)
    assert row.spec is not None
    return row.spec


def test_a_recipe_without_any_keeps_its_key(world: World) -> None:
    spec = spec_of(world)
    assert "companions" not in spec.keyed()
    assert "companions" not in spec.model_dump(mode="json")
    assert "companions" not in spec.model_dump_json()
    assert BuildSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_a_recipe_with_one_has_it_in_its_spec(with_companion: World) -> None:
    spec = spec_of(with_companion)
    assert spec.companions == (
        CompanionSpec(
            name="hello", version="0.9.99", summary="Empty: hello-cuda takes the place of hello"
        ),
    )
    assert spec.companions[0].filename(spec) == "hello-0.9.99+cu118-1-py3-none-any.whl"
    assert "hello==0.9.99+cu118" in spec.dependencies
    assert BuildSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_everything_of_a_companion_is_in_the_key(with_companion: World) -> None:
    world, old = with_companion, spec_of(with_companion)
    others = world.keys()["other-cuda", "cu118"]
    world.edit("hello-cuda/recipe.toml", '"0.9.99"', '"0.9.99"\nsummary = "Nothing"')
    new = spec_of(world)
    assert new.key != old.key
    paths = [one.path for one in differences(old, new)]
    assert paths == ["companions.hello.summary"]
    assert world.keys()["other-cuda", "cu118"] == others


def test_the_order_they_are_written_in_does_not_matter(with_companion: World) -> None:
    recipe = with_companion.recipes / "hello-cuda/recipe.toml"
    text, more = recipe.read_text(), COMPANION.replace('"hello"', '"another"')
    recipe.write_text(text + more)
    one = spec_of(with_companion)
    recipe.write_text(text.replace(COMPANION, more + COMPANION))
    assert spec_of(with_companion).key == one.key


def test_the_plan_says_so(with_companion: World) -> None:
    plan = with_companion.plan("cu118")
    line = "hello-cuda comes with 1 companion (an empty wheel): hello"
    assert line in show.plain(plan).splitlines()
    assert line in show.totals(plan)
    hello, other = show.data(plan)["wheels"]
    assert (hello["companions"], other["companions"]) == (["hello==0.9.99+cu118"], [])
    with (with_companion.recipes / "hello-cuda/recipe.toml").open("a") as file:
        file.write(COMPANION.replace('"hello"', '"another"'))
    line = "hello-cuda comes with 2 companions (empty wheels): hello, another"
    assert line in show.totals(with_companion.plan("cu118"))
