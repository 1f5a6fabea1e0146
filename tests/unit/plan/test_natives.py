"""Native libraries in plans, specs and keys; a recipe that needs none is what it always was."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from builder.errors import PlanError, RecipeError, UsageError
from builder.paths import Cache
from builder.plan import gather, natives, show
from builder.plan.explain import differences
from builder.plan.resolve import read_files
from builder.plan.spec import BuildSpec
from builder.plan.specs import find_spec
from builder.recipe import load_recipe
from builder.store import Store

World = Any
ROOT = Path(__file__).parents[3]
NATIVES = ROOT / "tests/recipes_native"
LITTLE = ("little-sums", "little-words")


@pytest.fixture
def world(world: World) -> World:
    """The planning world, with a recipe that needs native libraries and their recipes."""
    for folder in (*LITTLE, "hello-native"):
        shutil.copytree(NATIVES / folder, world.recipes / folder)
    return world


def spec_of(world: World, profile: str = "full", name: str = "hello-native") -> BuildSpec:
    (row,) = (row for row in world.plan("cu118", profile=profile).rows if row.recipe.name == name)
    assert row.spec is not None, row.why
    return row.spec


def test_a_recipe_without_any_keeps_its_key(world: World) -> None:
    for spec in (spec_of(world, name="hello-cuda"), spec_of(world, "bare")):
        data = spec.model_dump(mode="json")
        for name in ("natives", "native_rules"):
            assert name not in data
            assert name not in spec.keyed()
        assert "WHEELHOUSE_NATIVES" not in dict(spec.defines)
        assert spec.allowed_libs == ()


def test_what_it_needs_comes_in_the_order_it_is_built_in(world: World) -> None:
    spec = spec_of(world)
    assert [one.name for one in spec.natives] == ["little-words", "little-sums"]
    assert dict(spec.defines)["WHEELHOUSE_NATIVES"] == "little-words;little-sums"
    assert spec.allowed_libs == ("liblittle_sums.so.1*",)
    assert spec.natives[1].into == "native/little-sums"
    assert list(spec.archives) == ["little-sums/limits"]
    assert BuildSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_a_profile_may_leave_all_or_some_out(world: World) -> None:
    assert spec_of(world, "bare").natives == ()
    world.edit("hello-native/recipe.toml", "needs = []", 'needs = ["little-words"]')
    assert [one.name for one in spec_of(world, "bare").natives] == ["little-words"]
    assert [one.name for one in spec_of(world).natives] == ["little-words", "little-sums"]


@pytest.mark.parametrize(
    ("file", "old", "new", "path"),
    [
        ("little-words/src/little_words.c", "twelve", "dozen", "natives.little-words.project.src/"),
        ("little-sums/patches/0001-larger.patch", "1000", "2000", "natives.little-sums.sources."),
        ("little-sums/recipe.toml", "0000", "1111", "natives.little-sums.sources.limits.sha256"),
        ("little-sums/recipe.toml", "1.2.3-beta", "1.2.4", "natives.little-sums.version"),
        ("little-words/recipe.toml", '["MIT"]', '["ISC"]', "natives.little-words.licenses[ISC]"),
        ("little-sums/recipe.toml", "sums.so.1*", "sums.so.2*", "allowed_libs[liblittle_sums"),
    ],
)
def test_everything_of_a_native_is_in_the_key(
    world: World, file: str, old: str, new: str, path: str
) -> None:
    before, others = spec_of(world), world.keys()["hello-cuda", "cu118"]
    bare = spec_of(world, "bare").key
    world.edit(file, old, new)
    after = spec_of(world)
    assert after.key != before.key
    assert next(one.path for one in differences(before, after)).startswith(path)
    assert world.keys()["hello-cuda", "cu118"] == others
    assert spec_of(world, "bare").key == bare


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("little-sums/recipe.toml", "https://example.invalid", "https://example.org"),
        ("little-sums/recipe.toml", 'into = "s', 'mirrors = ["https://example.org/x"]\ninto = "s'),
        ("little-sums/recipe.toml", "Sums, means", "Means, sums"),
    ],
)
def test_what_cannot_change_bytes_is_not(world: World, file: str, old: str, new: str) -> None:
    before = spec_of(world).key
    world.edit(file, old, new)
    assert spec_of(world).key == before


def test_the_rules_that_build_them_are_in_the_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, bare = spec_of(world).key, spec_of(world, "bare").key
    monkeypatch.setattr("builder.plan.resolve.rules_sha256", lambda: "f" * 64)
    assert spec_of(world).key != before
    assert spec_of(world, "bare").key == bare
    assert natives.RULES.is_file()


def test_downloads_of_natives_are_counted(world: World) -> None:
    world.edit("little-sums/recipe.toml", 'into = "s', 'size = 7000000\ninto = "s')
    world.cached |= {"b" * 64, "1" * 64}
    plan = world.plan("cu118")
    with_it = plan.cost.download
    world.edit("hello-native/recipe.toml", 'needs = ["little-sums"]', "needs = []")
    assert with_it - world.plan("cu118").cost.download == 7_000_000
    world.edit("hello-native/recipe.toml", "needs = []", 'needs = ["little-sums"]')
    world.cached |= {"0" * 64}
    assert world.plan("cu118").cost.download == with_it - 7_000_000


def test_the_plan_says_what_it_is_built_with(world: World) -> None:
    assert "hello-native is built with little-words 0.9, little-sums 1.2.3-beta" in show.plain(
        world.plan("cu118")
    )
    assert "is built with" not in show.plain(world.plan("cu118", profile="bare"))
    rows = {one["recipe"]: one for one in show.data(world.plan("cu118"))["wheels"]}
    assert rows["hello-cuda"]["natives"] == []
    assert rows["hello-native"]["natives"][1] == {"name": "little-sums", "version": "1.2.3-beta"}


def test_a_native_that_is_not_valid_stops_the_plan(world: World) -> None:
    recipe = load_recipe(world.recipes / "hello-native")
    world.edit("little-words/recipe.toml", 'version = "0.9"', "")
    with pytest.raises(RecipeError, match=r"little-words/recipe\.toml: version: is missing"):
        read_files(recipe, world.recipes / "hello-native")


def test_asking_for_a_native_itself_says_what_to_ask_for(world: World) -> None:
    folders = sorted(world.recipes.iterdir())
    found = gather.chosen_recipes(folders, [])
    assert [one.name for one in found.values()] == ["hello-cuda", "hello-native", "other-cuda"]
    for name in LITTLE:
        with pytest.raises(UsageError, match=f"'{name}' is a native library") as caught:
            gather.chosen_recipes(folders, [name])
        assert caught.value.remedy == "ask for hello-native"
    shutil.rmtree(world.recipes / "hello-native")
    folders = sorted(world.recipes.iterdir())
    with pytest.raises(UsageError) as caught:
        gather.chosen_recipes(folders, ["hello-cuda", "little-words"])
    assert caught.value.remedy == "no recipe needs it yet"


def test_a_spec_is_found_again_in_a_rendered_project(world: World, tmp_path: Path) -> None:
    spec = spec_of(world)
    (tmp_path / "build-spec.json").write_text(spec.document)
    store = Store(Cache(root=tmp_path / "cache").store)
    found = find_spec(str(tmp_path / "build-spec.json"), store=store, planned=list)
    assert found.key == spec.key
    assert differences(found, spec) == ()


def test_impossible_is_still_said_first(world: World) -> None:
    world.edit("hello-native/recipe.toml", "schema = 1", 'schema = 1\ncuda = ["cu13*"]')
    with pytest.raises(PlanError, match="only for cu13"):
        world.plan("cu118").must_be_possible()


def test_what_is_built_by_name_only_is_not_built_unasked(world: World) -> None:
    world.edit("other-cuda/recipe.toml", "revision =", "by-name-only = true\nrevision =")
    folders = sorted(world.recipes.iterdir())
    names = [one.name for one in gather.chosen_recipes(folders, []).values()]
    assert names == ["hello-cuda", "hello-native"]
    asked = gather.chosen_recipes(folders, ["other-cuda"])
    assert [one.name for one in asked.values()] == ["other-cuda"]
    # Where there is nothing else, whoever names the folder means it.
    assert gather.chosen_recipes([world.recipes / "other-cuda"], []) == asked


def test_the_first_command_builds_two_wheels() -> None:
    """As the README says, and where no Python's headers are, too."""
    folders = [path.parent for path in ROOT.glob("recipes/*/recipe.toml")]
    found = {one.name for one in gather.chosen_recipes(folders, []).values()}
    assert found == {"darknet-python", "opencv-cuda"}
