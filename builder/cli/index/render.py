"""``builder index render``: every page again, from the ledger alone."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings
from builder.cli.index.common import now, opened, site_argument

EPILOG = """\b
Examples:
  builder index render site      after `builder index check site` found a page that is not right
"""


@click.command(epilog=EPILOG)
@site_argument
@click.pass_obj
def command(settings: Settings, site: Path) -> None:
    """Look at every page of SITE again, and write those that are not what the ledger makes.

    Other verbs look only at the pages that their change touches.
    """
    from index.site.finish import finish
    from index.state.state import ALL_PAGES

    with opened(settings, site, new=False) as place:
        place.state.mark_stale(ALL_PAGES)
        with settings.reporter.task("write pages", unit="pages"):
            written = finish(place, uploaded=now())
    for path in [*written.pages[:20], *(["…"] if len(written.pages) > 20 else [])]:
        click.echo(f"wrote {path}")
    for path in written.removed:
        click.echo(f"removed {path}")
    click.echo(f"{len(written.pages)} pages written, {written.unchanged} were right")
