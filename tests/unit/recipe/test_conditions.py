"""Sources that only some builds need, and packages a profile does without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.plan.resolve import resolve
from builder.recipe import check_recipe, load_recipe

Spoil = Callable[..., Path]
PATCHES = 'patches = ["patches/0001-one.patch", "patches/0002-two.patch"]'
QUICK = 'architectures = ["7.5", "8.0+PTX"]'


def only(folder: Path) -> str:
    (problem,) = check_recipe(folder)
    return str(problem).removeprefix(f"{folder / 'recipe.toml'}: ")


def sources(folder: Path, cuda: str, profile: str) -> list[str]:
    spec = resolve(
        load_recipe(folder), folder=folder, cuda=cuda, profile=profile, toolchain_digest="d" * 64
    )
    return [source.name for source in spec.sources]


def test_a_source_for_some_builds(spoil: Spoil) -> None:
    folder = spoil((PATCHES, f'{PATCHES}\nprofiles = ["full"]\ncuda = ["cu12*", "cu130"]'))
    assert sources(folder, "cu124", "full") == ["upstream"]
    assert sources(folder, "cu130", "full") == ["upstream"]
    assert sources(folder, "cu118", "full") == []
    assert sources(folder, "cu124", "quick") == []


def test_conditions_that_say_nothing_new_leave_the_key_alone(spoil: Spoil) -> None:
    def key(folder: Path) -> str:
        recipe = load_recipe(folder)
        return resolve(
            recipe, folder=folder, cuda="cu118", profile="full", toolchain_digest="d" * 64
        ).key

    before = key(spoil())
    assert key(spoil((PATCHES, f'{PATCHES}\nprofiles = ["full"]'))) == before


def test_a_profile_without_a_package(spoil: Spoil) -> None:
    table = f'{QUICK}\n[profile.quick.without]\n"cu118" = ["nvidia-cuda-runtime-cu11"]'
    recipe = load_recipe(spoil((QUICK, table)))
    assert recipe.requirements("cu118", "quick") == ("numpy>=1.21",)
    assert len(recipe.requirements("cu118", "full")) == 2
    assert len(recipe.requirements("cu124", "quick")) == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            PATCHES,
            f'{PATCHES}\nprofiles = ["ful"]',
            "source[0].profiles[0]: there is no profile 'ful'; did you mean 'full'?",
        ),
        (PATCHES, f'{PATCHES}\ncuda = ["cu99"]', "source[0].cuda[0]: 'cu99' matches no CUDA"),
        (
            QUICK,
            f'{QUICK}\n[profile.quick.without]\ncu118 = ["nump"]',
            "profile.quick.without.cu118[0]: 'nump' is in no list of dependencies; "
            "did you mean 'numpy'?",
        ),
        (
            QUICK,
            f'{QUICK}\n[profile.quick.without]\ncu99 = ["numpy"]',
            "profile.quick.without.cu99: 'cu99' matches no CUDA",
        ),
    ],
)
def test_what_is_nowhere_is_named(spoil: Spoil, old: str, new: str, expected: str) -> None:
    assert only(spoil((old, new))).startswith(expected)
