"""``builder index rollback``: what the index was, by new events."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings, json_option
from builder.cli.index.common import now, opened, print_changed, reason_option, site_argument

EPILOG = """\b
Examples:
  builder index log site                                   which states there were
  builder index rollback site --to 41 --reason "bad release"
  builder index rollback site --to 41 --reason "…" --dry-run
  builder index rollback site --to 41 --reason "…" --dry-run --json
"""


@click.command(epilog=EPILOG)
@site_argument
@click.option("--to", "count", type=int, required=True, help="Number of the last event to keep.")
@reason_option
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@json_option
@click.pass_obj
def command(
    settings: Settings, site: Path, count: int, reason: str, dry_run: bool, as_json: bool
) -> None:
    """Go back to what the index was after event number --to.

    The ledger only grows: files added since are removed (their bytes stay, so one can come back
    here), removed ones are there again, yanks are as they were.
    """
    from index.site.change import plan_rollback, roll_back
    from index.site.finish import finish
    from index.site.writer import Written

    moment, written = now(), Written()
    with opened(settings, site, new=False) as place:
        if dry_run:
            events = plan_rollback(place, count, reason, at=moment)
        else:
            events = roll_back(place, count, reason, at=moment)
            written = finish(place, uploaded=moment)
        if as_json:
            changes = [{"event": event.event, "filename": _file_of(event)} for event in events]
            print_changed(place, written, to=count, dry_run=dry_run, changes=changes)
            return
    for event in events:
        click.echo(f"{'would ' if dry_run else ''}{describe_event(event)}")
    if not events:
        click.echo("nothing differs")


def describe_event(event: object) -> str:
    """An event in a few words: ``add X.whl``."""
    return " ".join([getattr(event, "event", ""), *filter(None, [_file_of(event)])])


def _file_of(event: object) -> str | None:
    """The name of the file that an event is about; None where it is about the site."""
    from index.ledger import Add

    if isinstance(event, Add):
        return event.record.filename
    return getattr(event, "filename", None)
