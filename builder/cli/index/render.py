"""``builder index render``: every page again, from the ledger alone."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings, json_option
from builder.cli.index.common import now, opened, print_changed, site_argument

EPILOG = """\b
Examples:
  builder index render site      after `builder index check site` found a page that is not right
  builder index render site --json
"""


@click.command(epilog=EPILOG)
@site_argument
@json_option
@click.pass_obj
def command(settings: Settings, site: Path, as_json: bool) -> None:
    """Look at every page of SITE again, and write those that are not what the ledger makes.

    Other verbs look only at the pages that their change touches. Guards and wheels' metadata, which
    the ledger has too, are put back into the site where they are missing or damaged.
    """
    from index.site.finish import finish
    from index.site.restore import restore
    from index.state.state import ALL_PAGES

    with opened(settings, site, new=False) as place:
        restored = restore(place)
        place.state.mark_stale(ALL_PAGES)
        with settings.reporter.task("write pages", unit="pages"):
            written = finish(place, uploaded=now())
        if as_json:
            told = {"pages_unchanged": written.unchanged, "restored": restored}
            print_changed(place, written, **told)
            return
    for paths, said in ((restored, "put back"), (written.pages, "wrote")):
        for path in [*paths[:20], *(["…"] if len(paths) > 20 else [])]:
            click.echo(f"{said} {path}")
    for path in written.removed:
        click.echo(f"removed {path}")
    click.echo(f"{len(written.pages)} pages written, {written.unchanged} were right")
