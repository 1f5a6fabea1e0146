"""Native libraries in plans: what a recipe's profile needs of them, read once and hashed."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.plan.spec import NativeSpec, source_spec
from builder.recipe.files import file_sha256, project_files
from builder.recipe.load import load_native
from builder.recipe.needs import build_order
from builder.recipe.schema import Native, Recipe

RULES = Path(__file__).parents[1] / "data" / "natives.cmake"
"""The CMake code that builds them; a rendered project has a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFiles:
    """One native library's recipe and the hashes of its files.

    Attributes:
        native: The checked recipe.
        project: (path, sha256) of the project's files, sorted.
        patches: sha256 by path of every patch a source names.
    """

    native: Native
    project: tuple[tuple[str, str], ...]
    patches: Mapping[str, str]

    def spec(self) -> NativeSpec:
        """Its part of a build spec."""
        native = self.native
        return NativeSpec(
            name=native.name,
            version=native.version,
            licenses=native.licenses,
            license_files=native.license_files,
            needs=tuple(sorted(native.needs)),
            sources=tuple(source_spec(source, self.patches) for source in native.source),
            project=self.project,
        )


def read_natives(recipe: Recipe, folder: Path) -> tuple[NativeFiles, ...]:
    """What any profile of a recipe needs, each after what it needs.

    Raises:
        RecipeError: the recipe of one is not valid.
    """
    names = {name for profile in recipe.profile for name in recipe.natives(profile)}
    return tuple(_read(folder.parent / name) for name in build_order(folder, names))


def _read(folder: Path) -> NativeFiles:
    native = load_native(folder)
    patches = {patch for source in native.source for patch in source.patches}
    return NativeFiles(
        native=native,
        project=tuple((name, file_sha256(folder / name)) for name in project_files(folder)),
        patches={name: file_sha256(folder / name) for name in sorted(patches)},
    )


def chosen_natives(known: Sequence[NativeFiles], names: Iterable[str]) -> tuple[NativeFiles, ...]:
    """Those of these names and all that they need, in the order they are known in."""
    by_name = {one.native.name: one for one in known}
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += by_name[name].native.needs
    return tuple(one for one in known if one.native.name in wanted)


@functools.cache
def rules_sha256() -> str:
    """The hash of `RULES`, for build keys."""
    return file_sha256(RULES)
