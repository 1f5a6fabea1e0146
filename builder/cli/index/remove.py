"""``builder index remove``: files that go."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings
from builder.cli.index.common import now, opened, reason_option, site_argument

EPILOG = """\b
Examples:
  builder index remove site opencv_cuda-….whl --reason "withdrawn by upstream"
  builder index remove site opencv_cuda-….whl --reason "a mistake" --keep-bytes
"""


@click.command(epilog=EPILOG)
@site_argument
@click.argument("files", nargs=-1, required=True)
@reason_option
@click.option("--keep-bytes", is_flag=True, help="Leave the files; only no page names them.")
@click.pass_obj
def command(
    settings: Settings, site: Path, files: tuple[str, ...], reason: str, keep_bytes: bool
) -> None:
    """Take FILES (their names) out of the index, and their bytes out of the site.

    Their names stay taken: other bytes never come back under them.
    """
    from index.site.change import delete_removed, remove
    from index.site.finish import finish

    moment = now()
    with opened(settings, site, new=False) as place:
        remove(place, files, reason, at=moment)
        finish(place, uploaded=moment)
        deleted = [] if keep_bytes else delete_removed(place, files)
    for name in files:
        click.echo(f"removed: {name}")
    for name in deleted:
        click.echo(f"deleted {name}")
