"""What is tried, and what it is tried with."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.fetch.pipconfig import PipSettings, read_pip_settings
from builder.paths import Cache
from builder.recipe import Recipe, load_recipes
from builder.ui import Reporter
from builder.verify.environment import PIP_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a recipe wants tried.

    Attributes:
        imports: Modules imported one by one.
        requires: Packages its tests need.
        timeout: Seconds its tests may take.
        tests: Its folder of tests, or None.
    """

    imports: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    timeout: int = 600
    tests: Path | None = None

    @classmethod
    def of(cls, recipe: Recipe, folder: Path) -> Trial:
        """What the recipe in ``folder`` wants tried."""
        tests = folder / "tests"
        return cls(
            imports=recipe.wheel.imports,
            requires=recipe.tests.requires if recipe.tests else (),
            timeout=recipe.tests.timeout if recipe.tests else 600,
            tests=tests if tests.is_dir() else None,
        )


def trials_of(folders: Iterable[Path], names: set[str]) -> dict[str, Trial]:
    """What the recipes of these (normalised) names want tried; other recipes may be broken.

    Raises:
        RecipeError: one of them is not valid, or two have one name.
    """
    wanted = [folder for folder in folders if _name(folder) in names]
    return {
        canonicalize_name(recipe.name): Trial.of(recipe, folder)
        for folder, recipe in load_recipes(wanted).items()
    }


def _name(folder: Path) -> str:
    """The normalised name of the recipe in a folder; the folder's own where it cannot be read."""
    try:
        name = tomllib.loads((folder / "recipe.toml").read_text("utf-8")).get("name")
    except (OSError, ValueError):
        name = None
    return canonicalize_name(name if isinstance(name, str) else folder.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What verification works with, the same for every wheel.

    Attributes:
        uv: The uv program of the toolchain (``host/bin/uv``).
        cache: Environments, uv's cache and the logs.
        reporter: Where progress is said.
        pip_version: The pip our wheel is installed with.
        pip: Pip's settings on this machine; None asks pip.
        overrides: Interpreters the user named.
        keep: Whether environments stay when they are done with.
        env: The environment the allow-list picks from.
    """

    uv: Path
    cache: Cache
    reporter: Reporter
    pip_version: str = PIP_VERSION
    pip: PipSettings | None = None
    overrides: tuple[Path, ...] = ()
    keep: bool = False
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def pip_settings(self) -> PipSettings:
        """What pip on this machine is configured for."""
        return self.pip if self.pip is not None else read_pip_settings(self.env)
