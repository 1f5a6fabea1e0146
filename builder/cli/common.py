"""What every verb shares: the settings object, common options and machine-readable output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click

from builder.errors import UsageError
from builder.paths import CACHE_DIR_VARIABLE, Cache
from builder.ui import Reporter, reporter

RECIPES_VARIABLE = "BUILDER_RECIPES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The global options, frozen; each verb gets it with ``@click.pass_obj``."""

    cache: Cache
    reporter: Reporter
    recipes: Path

    def recipe_folders(self) -> tuple[Path, ...]:
        """Every folder with a ``recipe.toml``, sorted by name.

        Raises:
            UsageError: there is no recipes folder, or it holds no recipe.
        """
        found = tuple(sorted(path.parent for path in self.recipes.glob("*/recipe.toml")))
        if not found:
            raise UsageError(
                f"no recipes in '{self.recipes}'",
                remedy="run it from a clone of the project, or name the folder with --recipes",
            )
        return found


def settings(*, cache_dir: Path | None, recipes: Path | None, quiet: bool) -> Settings:
    """The settings from the global options."""
    return Settings(
        cache=Cache.default() if cache_dir is None else Cache.at(cache_dir),
        reporter=reporter(quiet=quiet),
        recipes=(recipes or Path("recipes")).resolve(),
    )


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON (with a schema version) instead."
)


def print_json(data: object) -> None:
    """Print data on stdout, the same text for the same data."""
    click.echo(json.dumps(data, indent=2, sort_keys=True))


__all__ = [
    "CACHE_DIR_VARIABLE",
    "RECIPES_VARIABLE",
    "Settings",
    "json_option",
    "print_json",
    "settings",
]
