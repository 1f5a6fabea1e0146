"""``builder publish pull``: what is live, into a folder, to go on from it."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings
from builder.cli.index.common import now, opened, site_option

EPILOG = """\b
Examples:
  builder publish pull https://OWNER.github.io/REPO --site site
  builder publish pull https://OWNER.github.io/REPO --site site --new-is-fine
"""


@click.command(epilog=EPILOG)
@click.argument("url")
@site_option
@click.option("--new-is-fine", is_flag=True, help="Where nothing is live yet, begin with nothing.")
@click.pass_obj
def command(settings: Settings, url: str, site: Path, new_is_fine: bool) -> None:
    """Bring the index that is live at URL into the folder SITE: ledger, guards, pages.

    Wheels on releases stay there; those inside the live site are fetched. A folder that goes on
    from what is live is left as it is.
    """
    from index.errors import PublishError
    from index.publish.live import bring_files, live_ledger, pull
    from index.site.finish import finish

    if not url.startswith(("https://", "http://")):
        raise PublishError(
            f"'{url}' is no address",
            remedy=f"of a folder: `builder publish folder {site} --site {url}`",
        )
    if new_is_fine:
        with live_ledger(url) as live:
            if live is None:
                click.echo(f"nothing is live at {url}: '{site}' begins with nothing")
                return
    changed = pull(url, site, settings.reporter.say)
    with opened(settings, site) as place:
        brought = bring_files(place, url)
        finish(place, uploaded=now())
        count = place.state.head.count
    told = "brought here" if changed else "left as it is: it goes on from what is live"
    click.echo(f"'{site}': {count} events, {brought} files; the ledger was {told}")
