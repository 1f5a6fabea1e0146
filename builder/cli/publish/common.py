"""What the kinds of `builder publish` share: the site to look at, and the site to change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings
from builder.cli.index.common import must_be_site, opened

if TYPE_CHECKING:
    from index.errors import PublishError
    from index.publish.plan import Refused
    from index.site.site import Site

SHOWN = 20
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would happen, and change nothing."
)


@contextlib.contextmanager
def site_for(
    settings: Settings, folder: Path, *, dry_run: bool, new: bool = True
) -> Iterator[Site]:
    """The site: open for changes, or as its ledger says and untouched.

    Args:
        settings: The global options.
        folder: The site.
        dry_run: Whether nothing may be changed.
        new: Whether a folder with no ledger becomes a site.

    Raises:
        click.UsageError: it is no site, and must be one.
    """
    if not dry_run:
        with opened(settings, folder, new=new) as site:
            yield site
        return
    if not new:
        must_be_site(folder)
    from index.site.disk import read_state
    from index.site.site import Site

    state = read_state(folder)
    state.commit()  # in memory: what a trial adds can be taken back from here
    yield Site(folder, state)


def nothing_published(where: str) -> PublishError:
    """What a verb that reads an index says where there is none."""
    from index.errors import PublishError

    return PublishError(
        f"no index is published at {where}",
        remedy="is the address right? before the first publication add --new-is-fine",
    )


def show(lines: list[str]) -> None:
    """Print the first lines of many, and count the rest."""
    for line in lines[:SHOWN]:
        click.echo(line)
    if len(lines) > SHOWN:
        click.echo(f"… and {len(lines) - SHOWN} more")


def refused_data(refused: tuple[Refused, ...]) -> list[dict[str, str]]:
    """What is in the way, as data."""
    return [{"name": one.name, "why": one.why, "remedy": one.remedy} for one in refused]
