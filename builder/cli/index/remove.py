"""``builder index remove``: files that go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option
from builder.cli.index.common import (
    files_argument,
    now,
    opened,
    print_changed,
    reason_option,
    site_argument,
)

if TYPE_CHECKING:
    from index.site.site import Site

EPILOG = """\b
Examples:
  builder index remove site opencv_cuda-….whl --reason "withdrawn by upstream"
  builder index remove site opencv_cuda-….whl --reason "a mistake" --keep-bytes
  builder index remove site opencv_cuda-….whl --reason "a mistake" --json
"""


@click.command(epilog=EPILOG)
@site_argument
@files_argument
@reason_option
@click.option("--keep-bytes", is_flag=True, help="Leave the files; only no page names them.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    site: Path,
    files: tuple[str, ...],
    reason: str,
    keep_bytes: bool,
    as_json: bool,
) -> None:
    """Take FILES (their names) out of the index, and their bytes out of the site.

    Their names stay taken: other bytes never come back under them. Of a file that was removed
    before, the bytes go. Where this breaks off, the next run of any verb that changes the index
    deletes what was to go.
    """
    from index.site.change import remove
    from index.site.deleting import forget
    from index.site.finish import finish

    moment = now()
    with opened(settings, site, new=False) as place:
        there = tuple(name for name in files if not _is_gone(place, name))
        remove(place, there, reason, at=moment, delete=() if keep_bytes else files)
        if keep_bytes:
            forget(site, files)
        written = finish(place, uploaded=moment)
        if as_json:
            print_changed(place, written, **_told(files, there), deleted=written.deleted)
            return
    for name in files:
        click.echo(f"{'removed' if name in there else 'removed already'}: {name}")
    for name in written.deleted:
        click.echo(f"deleted {name}")


def _is_gone(site: Site, name: str) -> bool:
    """Whether a file was removed before: a command that broke off goes on behind that."""
    known = site.state.file(name)
    return known is not None and known.gone is not None


def _told(files: tuple[str, ...], there: tuple[str, ...]) -> dict[str, list[str]]:
    """What became of each file, as data."""
    return {
        "removed": list(there),
        "removed_already": [name for name in files if name not in there],
    }
