"""What the kinds of `builder publish` share: the site to look at, and the site to change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings
from builder.cli.index.common import opened

if TYPE_CHECKING:
    from index.publish.plan import Refused
    from index.site.site import Site

SHOWN = 20
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would happen, and change nothing."
)


@contextlib.contextmanager
def site_for(settings: Settings, folder: Path, *, dry_run: bool) -> Iterator[Site]:
    """The site: open for changes, or as its ledger says and untouched."""
    if not dry_run:
        with opened(settings, folder) as site:
            yield site
        return
    from index.site.disk import read_state
    from index.site.site import Site

    state = read_state(folder)
    state.commit()  # in memory: what a trial adds can be taken back from here
    yield Site(folder, state)


def show(lines: list[str]) -> None:
    """Print the first lines of many, and count the rest."""
    for line in lines[:SHOWN]:
        click.echo(line)
    if len(lines) > SHOWN:
        click.echo(f"… and {len(lines) - SHOWN} more")


def refused_data(refused: tuple[Refused, ...]) -> list[dict[str, str]]:
    """What is in the way, as data."""
    return [{"name": one.name, "why": one.why, "remedy": one.remedy} for one in refused]
