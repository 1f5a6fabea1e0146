"""Recipes of native libraries: what they may say, what recipes that need them may say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.recipe import (
    check_recipe,
    json_schema,
    load_all,
    load_native,
    load_recipe,
    load_recipes,
)
from builder.recipe.needs import build_order

NATIVES = Path(__file__).parents[2] / "recipes_native"


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """hello-native, the library it needs, and the one that needs in turn."""
    return Path(shutil.copytree(NATIVES, tmp_path / "recipes"))


def lines(folder: Path) -> list[str]:
    """The problems, without the file's name."""
    file = f"{folder / 'recipe.toml'}: "
    return [str(problem).removeprefix(file) for problem in check_recipe(folder)]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, 1))


def test_good_ones(recipes: Path) -> None:
    for name in ("hello-native", "little-sums", "little-words"):
        assert lines(recipes / name) == []
    native = load_native(recipes / "little-sums")
    assert native.version == "1.2.3-beta", "upstream's own way of writing"
    assert native.needs == ("little-words",)
    assert native.libs == ("liblittle_sums.so.1*",)
    recipe = load_recipe(recipes / "hello-native")
    assert recipe.natives("full") == ("little-sums",)
    assert recipe.natives("bare") == ()


def test_wheels_and_natives_are_loaded_apart(recipes: Path) -> None:
    folders = [recipes / name for name in ("hello-native", "little-sums", "little-words")]
    wheels, natives = load_all(folders)
    assert [one.name for one in wheels.values()] == ["hello-native"]
    assert [one.name for one in natives.values()] == ["little-sums", "little-words"]
    assert list(load_recipes(folders)) == [recipes / "hello-native"]
    with pytest.raises(
        RecipeError, match="kind: is the recipe of a native library, not of a wheel"
    ):
        load_recipe(recipes / "little-sums")
    with pytest.raises(
        RecipeError, match="kind: is the recipe of a wheel, not of a native library"
    ):
        load_native(recipes / "hello-native")


def test_a_broken_native_is_named_with_the_wheels_recipe(recipes: Path) -> None:
    edit(recipes / "little-words/recipe.toml", 'version = "0.9"', "")
    folders = [recipes / name for name in ("hello-native", "little-sums", "little-words")]
    with pytest.raises(RecipeError, match=r"little-words/recipe\.toml: version: is missing"):
        load_recipes(folders)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'name = "little-sums"',
            'name = "sums"',
            "name: must be that of its folder, 'little-sums'",
        ),
        ('name = "little-sums"', 'name = "Little_Sums"', "name: must be in its normal form"),
        ('version = "1.2.3-beta"', 'version = "1\\n2"', "version: must be one line of text"),
        ("licenses", "revision = 1\nlicenses", "revision: unknown key"),
        ("licenses = [", "licences = [", "licences: unknown key; did you mean 'licenses'?"),
        ('"LGPL-2.1-or-later"', '"LGPL"', "licenses[0]: must be an SPDX licence expression"),
        ('["sources/limits/COPYING"]', '["/COPYING"]', "license-files[0]: must be a relative path"),
        ('"little-words"]', '"little-word"]', "needs[0]: there is no native library 'little-word'"),
        (
            '"little-words"]',
            '"little-word"]',
            "did you mean 'little-words'?; known are little-words",
        ),
        (
            '"little-words"]',
            '"hello-native"]',
            "needs[0]: there is no native library 'hello-native'",
        ),
        ('"little-words"]', '"little-sums"]', "needs itself: little-sums -> little-sums"),
        ('"little-words"]', '"../x"]', "needs[0]: must be letters, digits"),
        ('into = "sources/limits"', 'into = "native/x"', "source[0].into: 'native/x' is no place"),
        ('into = "sources/limits"', 'into = "src"', "source[0].into: 'src' exists in the recipe"),
        ('into = "sources/limits"', 'into = "x"\nprofiles = ["full"]', "profiles: unknown key"),
        ("0001-larger", "0002-larger", "source[0].patches[0]: there is no file"),
    ],
)
def test_refused(recipes: Path, old: str, new: str, expected: str) -> None:
    edit(recipes / "little-sums/recipe.toml", old, new)
    found = lines(recipes / "little-sums")
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('["little-sums"]', '["little-sum"]', "needs[0]: there is no native library 'little-sum'"),
        ("needs = []", 'needs = ["x"]', "profile.bare.needs[0]: there is no native library 'x'"),
        ("needs = []", 'needs = "x"', "profile.bare.needs: must be a list, not 'x'"),
        ('["little-sums"]', "[1]", "needs[0]: must be a string, not 1"),
    ],
)
def test_a_wheels_needs_are_checked(recipes: Path, old: str, new: str, expected: str) -> None:
    edit(recipes / "hello-native/recipe.toml", old, new)
    found = lines(recipes / "hello-native")
    assert any(expected in line for line in found), found


def test_a_circle_is_named_from_wherever_one_looks(recipes: Path) -> None:
    edit(
        recipes / "little-words/recipe.toml",
        'kind = "native"',
        'kind = "native"\nneeds = ["little-sums"]',
    )
    circle = "needs itself: hello-native -> little-sums -> little-words -> little-sums"
    assert lines(recipes / "hello-native") == [f"needs[0]: {circle}"]
    assert "little-words -> little-sums -> little-words" in lines(recipes / "little-words")[0]
    assert build_order(recipes / "hello-native", ["little-sums"]) == ("little-words", "little-sums")


def test_each_comes_after_what_it_needs_however_it_is_written(recipes: Path) -> None:
    folder = recipes / "hello-native"
    assert build_order(folder, ["little-sums"]) == ("little-words", "little-sums")
    assert build_order(folder, ["little-sums", "little-words"]) == ("little-words", "little-sums")
    assert build_order(folder, ["little-words", "little-sums"]) == ("little-words", "little-sums")
    assert build_order(folder, []) == ()


def test_a_native_needs_a_cmake_project_and_no_pyproject(recipes: Path) -> None:
    (recipes / "little-words/CMakeLists.txt").unlink()
    (found,) = lines(recipes / "little-words")
    assert "there is no CMakeLists.txt beside it" in found


def test_the_builders_folder_is_the_builders(recipes: Path) -> None:
    (recipes / "hello-native/native").mkdir()
    (recipes / "hello-native/native/mine.c").write_text("")
    (found,) = lines(recipes / "hello-native")
    assert "'native/' is the builder's" in found


def test_the_schema_has_both_kinds() -> None:
    schema = json_schema()
    native = schema["$defs"]["Native"]
    assert schema["then"] == {"$ref": "#/$defs/Native"}
    assert schema["else"] == {"$ref": "#/$defs/Recipe"}
    assert native["additionalProperties"] is False
    assert set(native["required"]) == {"schema", "kind", "name", "version", "summary"}
    assert "profiles" not in schema["$defs"]["Archive"]["properties"]
