"""`builder plan`: every wheel that would be built, and what it costs, before anything starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.selection import Selection, plan_for, selection_options
from builder.cli.summary import add_summary, summary_option
from builder.disk import free_bytes
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
@selection_options
@click.option(
    "--published",
    metavar="URL",
    help="A published index, by address or folder: what it has need not be built.",
)
@click.option("--new-is-fine", is_flag=True, help="Where nothing is published yet, go on.")
@summary_option
@json_option
@click.option("--github", "as_github", is_flag=True, help="Print a job matrix for GitHub Actions.")
@click.option("--keep-going", is_flag=True, help="What is refused is no error: the rest goes on.")
@click.pass_obj
def command(
    settings: Settings,
    *,
    published: str | None,
    new_is_fine: bool,
    summary: Path | None,
    as_json: bool,
    as_github: bool,
    keep_going: bool,
    **asked: Unpack[Selection],
) -> None:
    """Show every wheel, its key, whether it exists, which targets share it, and what it costs.

    SELECTOR is a target (cu118-py310), a CUDA (cu118), a pattern (cu1*-py31[01]) or all.
    """
    from builder.plan import show
    from builder.plan.plan import State

    if as_json and as_github:
        raise UsageError("--json and --github exclude each other")
    plan = plan_for(settings, asked, published=published or None, new_is_fine=new_is_fine)
    free = free_bytes(settings.cache.root)
    rows = [show.cells(row) for row in plan.rows]
    left = show.waiting(plan) if as_github else []
    for line in left:
        settings.reporter.warn(line)
    add_summary(
        summary, "Plan", show.HEADINGS, rows, notes=[*show.reasons(plan), *show.totals(plan), *left]
    )
    if as_json:
        print_json(show.data(plan))
    elif as_github:
        click.echo(show.github(plan, archs=asked["archs"]))
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _table(plan, free=free)
    else:
        click.echo(show.plain(plan, free=free))
    refused = plan.of(State.REFUSED)
    if refused and not keep_going:
        raise PlanError("\n".join(f"{row.label}: refused: {row.why}" for row in refused))


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
    console = Console()
    rows = [
        (*map(Text, cells), Text(state, style=colours[row.state]))
        for row in plan.rows
        for *cells, state in [show.cells(row)]
    ]
    if console.width < _least_width([cell.plain for cell in cells] for cells in rows):
        for wheel, profile, architectures, pythons, key, state in rows:
            console.print(wheel)
            console.print(Text("  ").append(state).append(f", key {key}, {profile}"))
            console.print(Text(f"  for {pythons}, GPUs {architectures}"))
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in show.HEADINGS:
            table.add_column(heading, no_wrap=heading not in WRAPPED)
        for cells in rows:
            table.add_row(*cells)
        console.print(table)
    console.print()
    for line in [*show.reasons(plan), *show.totals(plan, free=free)]:
        console.print(Text(line))


def _least_width(rows: Iterable[Sequence[str]]) -> int:
    """Characters that a table takes, with the columns that give way as narrow as a word."""
    from builder.plan import show

    table = [show.HEADINGS, *rows]
    widths = [
        max(
            len(word)
            for row in table
            for word in (row[column].split() if heading in WRAPPED else [row[column]])
        )
        for column, heading in enumerate(show.HEADINGS)
    ]
    return sum(widths) + len(widths) - 1
