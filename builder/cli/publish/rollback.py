"""``builder publish rollback``: an earlier state of the index, live again."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings
from builder.cli.index.common import now, reason_option
from builder.cli.index.rollback import describe_event
from builder.cli.publish.common import dry_run_option, show, site_for

EPILOG = """\b
Examples:
  builder index log site                                       which states there were
  builder publish rollback --site site --to 41 --reason "bad release" --dry-run
  builder publish rollback --site site --to 41 --reason "bad release"
  builder publish rollback --site site --to 41 --reason "…" --folder /mnt/web/wheels
"""


@click.command(epilog=EPILOG)
@click.option(
    "--site",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder.",
)
@click.option("--to", "count", type=int, required=True, help="Number of the last event to keep.")
@reason_option
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Publish the site to this folder then, as `builder publish folder` does.",
)
@dry_run_option
@click.pass_context
def command(
    ctx: click.Context, site: Path, count: int, reason: str, folder: Path | None, dry_run: bool
) -> None:
    """Go back to what the index was after event number --to, and publish that.

    Every wheel that comes back is fetched from where it lies first, a GitHub release too: one that
    is not there, whole, stops it. The ledger only grows, so a rollback can be rolled back.
    """
    from index.publish.past import check_can_return
    from index.site.change import plan_rollback, roll_back
    from index.site.finish import finish

    settings: Settings = ctx.obj
    moment = now()
    with site_for(settings, site, dry_run=dry_run, new=False) as place:
        events = plan_rollback(place, count, reason, at=moment)
        with settings.reporter.task("read what comes back"):
            check_can_return(site, events)
        if not dry_run:
            roll_back(place, count, reason, at=moment)
            finish(place, uploaded=moment)
    would = "would " if dry_run else ""
    show([f"{would}{describe_event(event)}" for event in events])
    if not events:
        click.echo("nothing differs")
    if folder is not None and not dry_run:
        from builder.cli.publish.folder import command as publish_folder

        ctx.invoke(publish_folder, dest=folder, site=site, dry_run=False, as_json=False)
    elif not dry_run:
        click.echo("Now deploy the site's folder.")
