"""`builder plan`: every wheel that would be built, and what it costs, before anything starts."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import PlanError, UsageError

if TYPE_CHECKING:
    from builder.plan.plan import Plan

WRAPPED = ("architectures", "for")
"""Columns that give way on a narrow terminal; names and keys are never cut."""
EPILOG = """\b
Examples:
  builder plan cu118-py310                        both recipes for one target
  builder plan cu124 cu130 --recipe opencv-cuda   one recipe, two CUDAs, every Python
  builder plan 'cu1*-py31[01]' --profile quick    a pattern
  builder plan cu118 --archs 7.5,8.0+PTX          other GPUs than the profile's
  builder plan all --published https://OWNER.github.io/REPO --github >> $GITHUB_OUTPUT
"""


@click.command(name="plan", epilog=EPILOG)
@click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR...")
@click.option("--recipe", "names", multiple=True, metavar="NAME", help="Only this recipe.")
@click.option("--profile", default="full", show_default=True, help="full, quick or smoke.")
@click.option("--archs", metavar="LIST", help="Instead of the profile's GPUs: 7.5,8.0+PTX.")
@click.option(
    "--published",
    metavar="URL",
    help="A published index, by address or folder: what it has need not be built.",
)
@json_option
@click.option("--github", "as_github", is_flag=True, help="Print a job matrix for GitHub Actions.")
@click.pass_obj
def command(
    settings: Settings,
    *,
    selectors: tuple[str, ...],
    names: tuple[str, ...],
    profile: str,
    archs: str | None,
    published: str | None,
    as_json: bool,
    as_github: bool,
) -> None:
    """Show every wheel, its key, whether it exists, which targets share it, and what it costs.

    SELECTOR is a target (cu118-py310), a CUDA (cu118), a pattern (cu1*-py31[01]) or all.
    """
    from builder.plan import show
    from builder.plan.gather import Request, gather, parse_architecture_option
    from builder.plan.plan import State

    if as_json and as_github:
        raise UsageError("--json and --github exclude each other")
    request = Request(
        selectors=selectors,
        recipes=names,
        profile=profile,
        architectures=parse_architecture_option(archs),
        published=published,
    )
    plan = gather(
        request,
        recipe_folders=settings.recipe_folders(),
        cache=settings.cache,
        reporter=settings.reporter,
    )
    if as_json:
        print_json(show.data(plan))
    elif as_github:
        click.echo(show.github(plan, archs=archs))
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _table(plan, free=_free(settings.cache.root))
    else:
        click.echo(show.plain(plan, free=_free(settings.cache.root)))
    refused = plan.of(State.REFUSED)
    if refused:
        raise PlanError("\n".join(f"{row.wheel}: refused: {row.why}" for row in refused))


def _free(folder: Path) -> int | None:
    """Bytes free where a folder lies, or will lie."""
    for parent in (folder, *folder.parents):
        if parent.is_dir():
            return shutil.disk_usage(parent).free
    return None


def _table(plan: Plan, *, free: int | None) -> None:
    """The plan on a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from builder.plan import show
    from builder.plan.plan import State

    colours = {
        State.BUILD: "yellow",
        State.STORED: "green",
        State.PUBLISHED: "green",
        State.NOT_HERE: "dim",
        State.IMPOSSIBLE: "red",
        State.REFUSED: "red",
    }
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in show.HEADINGS:
        table.add_column(heading, no_wrap=heading not in WRAPPED)
    for row in plan.rows:
        *cells, state = show.cells(row)
        table.add_row(*map(Text, cells), Text(state, style=colours[row.state]))
    console = Console()
    console.print(table)
    console.print()
    for line in [*show.reasons(plan), *show.totals(plan, free=free)]:
        console.print(Text(line))
