"""``builder index log``: the ledger as people read it."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import json_option, print_json
from builder.cli.index.common import site_argument
from builder.cli.index.rollback import describe_event

EPILOG = """\b
Examples:
  builder index log site
  builder index log site --last 20
"""


@click.command(epilog=EPILOG)
@site_argument
@click.option("--last", type=click.IntRange(min=1), help="Only the newest so many.")
@json_option
def command(site: Path, last: int | None, as_json: bool) -> None:
    """Show every event of SITE's ledger with its number, checking each seal on the way."""
    from collections import deque

    from pydantic import BaseModel

    from index.ledger import LEDGER_NAME, read_lines
    from index.site.disk import head_on_disk

    path = site / LEDGER_NAME
    if not path.is_file():
        raise click.UsageError(f"there is no {LEDGER_NAME} in '{site}'")
    with path.open("rb") as file:
        lines = deque(read_lines(file, reach=head_on_disk(site)), maxlen=last)
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "events": [
                    {"number": line.head.count, **line.event.model_dump(mode="json")}
                    for line in lines
                    if isinstance(line.event, BaseModel)  # as `read_lines` reads all of them
                ],
            }
        )
        return
    for line in lines:
        when = getattr(line.event, "uploaded", None) or getattr(line.event, "at", None) or ""
        reason = getattr(line.event, "reason", "")
        parts = [f"{line.head.count:>6}", f"{when:20}", describe_event(line.event)]
        click.echo("  ".join([*parts, *([f"({reason})"] if reason else [])]))
