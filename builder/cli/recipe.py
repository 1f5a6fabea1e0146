"""`builder recipe`: list recipes, check them, print their schema."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import RecipeError, UsageError

LIST_SCHEMA = 1
EPILOG = """\b
Examples:
  builder recipe list                 every recipe, its version and profiles
  builder recipe check                all of them, every problem at once
  builder recipe check opencv-cuda    one of them
  builder recipe schema               JSON Schema of recipe.toml, for an editor
"""


@click.group(name="recipe", epilog=EPILOG)
def command() -> None:
    """List recipes, check them, print their schema."""


@command.command(
    name="list",
    epilog="\b\nExamples:\n  builder recipe list\n  builder recipe list --json\n",
)
@json_option
@click.pass_obj
def list_recipes(settings: Settings, *, as_json: bool) -> None:
    """List every recipe with its version, revision, licence and profiles."""
    from builder.recipe import load_all

    recipes, natives = load_all(settings.recipe_folders())
    if as_json:
        found = [recipe.model_dump(mode="json", by_alias=True) for recipe in recipes.values()]
        found += [native.model_dump(mode="json", by_alias=True) for native in natives.values()]
        print_json({"schema_version": LIST_SCHEMA, "recipes": found})
        return
    for recipe in recipes.values():
        click.echo(f"{recipe.name} {recipe.version} (revision {recipe.revision})")
        click.echo(f"  {recipe.summary}")
        if recipe.by_name_only:
            click.echo(f"  built only with --recipe {recipe.name}")
        click.echo(f"  profiles: {', '.join(recipe.profile)}")
        click.echo(f"  licences: {', '.join(recipe.licenses) or 'not said'}")
        if recipe.needs:
            click.echo(f"  needs: {', '.join(recipe.needs)}")
    for native in natives.values():
        click.echo(f"{native.name} {native.version} (native, built with what needs it)")
        click.echo(f"  {native.summary}")
        click.echo(f"  licences: {', '.join(native.licenses) or 'nothing of it is in a wheel'}")
        if native.needs:
            click.echo(f"  needs: {', '.join(native.needs)}")


@command.command(
    name="check",
    epilog="\b\nExamples:\n  builder recipe check\n  builder recipe check opencv-cuda ffmpeg\n",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def check(settings: Settings, *, names: tuple[str, ...]) -> None:
    """Check recipes: every problem at once, each with its file, key path and what is allowed."""
    from builder.recipe import check_recipe

    folders = _folders(settings, names)
    problems = [problem for folder in folders for problem in check_recipe(folder)]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        raise RecipeError(f"{count}:\n{lines}")
    click.echo(f"{', '.join(folder.name for folder in folders)}: no problems")


@command.command(
    name="schema", epilog="\b\nExample:\n  builder recipe schema > recipe.schema.json\n"
)
def schema() -> None:
    """Print the JSON Schema of recipe.toml."""
    from builder.recipe import json_schema

    print_json(json_schema())


def _folders(settings: Settings, names: tuple[str, ...]) -> list[Path]:
    import difflib

    folders = {folder.name: folder for folder in settings.recipe_folders()}
    for name in names:
        if name not in folders:
            near = difflib.get_close_matches(name, list(folders), n=1)
            remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(folders)}"
            raise UsageError(f"no recipe '{name}' in {settings.recipes}", remedy=remedy)
    return [folders[name] for name in dict.fromkeys(names or folders)]
