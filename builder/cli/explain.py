"""`builder explain`: why two build keys differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import UsageError

if TYPE_CHECKING:
    from builder.plan.spec import BuildSpec

EXPLAIN_SCHEMA = 1
EPILOG = """\b
Examples:
  builder explain 3fa9 81c2                        two keys, as far as they are unique
  builder explain dist/old.whl 81c2                a wheel with its record beside it, and a key
  builder explain spec-before.json spec-now.json   two build specs

A key is looked up in the store, then among everything the recipes could build now.
"""


@click.command(name="explain", epilog=EPILOG)
@click.argument("old", metavar="KEY|FILE")
@click.argument("new", metavar="KEY|FILE")
@json_option
@click.pass_obj
def command(settings: Settings, *, old: str, new: str, as_json: bool) -> None:
    """Say why two build keys differ, one line for each part: what it was -> what it is."""
    from builder.plan.explain import differences, unkeyed_differences
    from builder.plan.specs import find_spec
    from builder.store import Store

    store = Store(settings.cache.store, reporter=settings.reporter)
    left, right = (
        find_spec(one, store=store, planned=lambda: _planned(settings)) for one in (old, new)
    )
    found, besides = differences(left, right), unkeyed_differences(left, right)
    if as_json:
        print_json(
            {
                "schema_version": EXPLAIN_SCHEMA,
                "old": left.key,
                "new": right.key,
                "differences": [
                    {"path": one.path, "old": one.old, "new": one.new} for one in found
                ],
                "without_effect": [
                    {"path": one.path, "old": one.old, "new": one.new} for one in besides
                ],
            }
        )
        return
    for name, spec in (("old", left), ("new", right)):
        click.echo(f"{name}: {spec.key}  {spec.recipe} {spec.public_version} {spec.profile}")
    for one in found:
        click.echo(f"  {one}")
    if not found:
        click.echo("the keys are equal: nothing differs that could change the wheel")
    if besides:
        click.echo("without effect on the wheel:")
        for one in besides:
            click.echo(f"  {one}")


def _planned(settings: Settings) -> Iterator[BuildSpec]:
    """Every spec of every recipe, profile and CUDA there is."""
    from builder.plan.gather import Request, gather

    try:
        folders = settings.recipe_folders()
    except UsageError:
        return  # no recipes here; the store was asked already
    from builder.recipe import load_recipes

    profiles = {name for recipe in load_recipes(folders).values() for name in recipe.profile}
    for profile in sorted(profiles):
        request = Request(selectors=("all",), profile=profile)
        plan = gather(request, recipe_folders=folders, cache=settings.cache, probe=False)
        yield from (row.spec for row in plan.rows if row.spec is not None)
