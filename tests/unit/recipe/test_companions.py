"""``[[companion]]``: what a recipe may say of the empty wheels that come with its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.recipe import check_recipe, json_schema, load_recipe, load_recipes

Spoil = Callable[..., Path]
COMPANIONS = """
[[companion]]
name = "little"
version = "1.2.2.99"

[[companion]]
name = "little-headless"
version = "1.2.2.99"
summary = "Nothing"
"""


@pytest.fixture
def companions(folder: Path) -> Path:
    with (folder / "recipe.toml").open("a") as file:
        file.write(COMPANIONS)
    return folder


def only(folder: Path) -> str:
    (problem,) = check_recipe(folder)
    return str(problem).removeprefix(f"{folder / 'recipe.toml'}: ")


def test_the_wheel_requires_its_companions_of_its_own_cuda(companions: Path) -> None:
    recipe = load_recipe(companions)
    assert [one.summary for one in recipe.companion] == [None, "Nothing"]
    assert recipe.requirements("cu118", "full") == (
        "little-headless==1.2.2.99+cu118",
        "little==1.2.2.99+cu118",
        "numpy>=1.21",
        "nvidia-cuda-runtime-cu11>=11.8,<12",
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'name = "little-headless"',
            'name = "Little_Headless"',
            "companion[1].name: must be in its normal form 'little-headless'",
        ),
        ('name = "little-headless"', "", "companion[1].name: is missing (The package whose place"),
        (
            'version = "1.2.2.99"',
            'version = "1.2.2.99+cu118"',
            "companion[0].version: must have no local part",
        ),
        ('version = "1.2.2.99"', 'version = "1.2.x"', "companion[0].version: must be a PEP 440"),
        ('summary = "Nothing"', 'summary = "No\\nthing"', "companion[1].summary: must be one line"),
        (
            'summary = "Nothing"',
            'sumary = "Nothing"',
            "companion[1].sumary: unknown key; did you mean 'summary'?",
        ),
        (
            'name = "little-headless"',
            'name = "little-cuda"',
            "companion[1].name: 'little-cuda' is the recipe's own name",
        ),
        (
            'name = "little-headless"',
            'name = "little"',
            "companion[1].name: 'little' is another companion (see companion[0])",
        ),
        (
            'name = "little-headless"',
            'name = "numpy"',
            "companion[1].name: 'numpy' is required in dependencies.always[0]; "
            "a companion is required without it",
        ),
    ],
)
def test_refusals(companions: Path, spoil: Spoil, old: str, new: str, expected: str) -> None:
    assert only(spoil((old, new))).startswith(expected)


def test_two_recipes_cannot_stand_in_for_one_package(companions: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(companions, other)
    text = (other / "recipe.toml").read_text().replace("little-cuda", "other-cuda")
    text = text.replace('name = "little-headless"', 'name = "third"')
    (other / "recipe.toml").write_text(text)
    with pytest.raises(RecipeError, match="'little' is also a name in") as caught:
        load_recipes([companions, other])
    assert len(caught.value.message.splitlines()) == 1
    (other / "recipe.toml").write_text(text.replace('name = "little"', 'name = "little-cuda"'))
    with pytest.raises(RecipeError, match=r"companion\[0\]\.name: 'little-cuda' is also a name"):
        load_recipes([companions, other])


def test_the_schema_has_them() -> None:
    schema = json_schema()
    assert schema["$defs"]["Recipe"]["properties"]["companion"]["items"] == {
        "$ref": "#/$defs/Companion"
    }
    assert set(schema["$defs"]["Companion"]["required"]) == {"name", "version"}
