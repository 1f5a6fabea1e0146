"""What `plan`, `build` and `render` share: which wheels are meant, and the plan for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

from builder.cli.common import Settings
from builder.engine import HERMETIC

if TYPE_CHECKING:
    from builder.plan.plan import Plan

Command = TypeVar("Command", bound=Callable[..., object])


class Selection(TypedDict):
    """The options of `selection_options`, as a command gets them (``**asked``)."""

    selectors: tuple[str, ...]
    recipes: tuple[str, ...]
    profile: str
    archs: str | None


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """One word or several in each: a workflow hands on a list as one text."""
    return tuple(word for text in value for word in text.split())


def selection_options(command: Command) -> Command:
    """Give a command the SELECTORs, ``--recipe``, ``--profile`` and ``--archs``."""
    options = (
        click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR...", callback=words),
        click.option(
            "--recipe",
            "recipes",
            multiple=True,
            metavar="NAME",
            help="Only this recipe (some are built only so).",
        ),
        click.option("--profile", default="full", show_default=True, help="full, quick or smoke."),
        click.option("--archs", metavar="LIST", help="Instead of the profile's GPUs: 7.5,8.0+PTX."),
    )
    for option in reversed(options):  # the innermost decorator is shown last
        command = option(command)
    return command


def plan_for(
    settings: Settings,
    asked: Selection,
    *,
    published: str | None = None,
    new_is_fine: bool = False,
    engine: str = HERMETIC,
) -> Plan:
    """The plan for what was asked for.

    Args:
        settings: The global options.
        asked: The command's own.
        published: Address or folder of a published index, or None.
        new_is_fine: Whether nothing may be there yet.
        engine: What compiles.

    Raises:
        UsageError: a selector, a recipe's name or an architecture makes no sense.
        RecipeError: a recipe or a pin file is not valid.
        FetchError: the published index could not be read.
    """
    # Imported here: `--help` needs none of it.
    from builder.plan.gather import Request, gather, parse_architecture_option

    request = Request(
        selectors=asked["selectors"],
        recipes=asked["recipes"],
        profile=asked["profile"],
        architectures=parse_architecture_option(asked["archs"]),
        published=published,
        new_is_fine=new_is_fine,
        engine=engine,
    )
    return gather(
        request,
        recipe_folders=settings.recipe_folders(),
        cache=settings.cache,
        reporter=settings.reporter,
    )
