"""``builder index yank``: files that only those who pin them get."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings, json_option
from builder.cli.index.common import (
    files_argument,
    now,
    print_changed,
    reason_option,
    site_argument,
)
from builder.cli.publish.common import dry_run_option, site_for

EPILOG = """\b
Examples:
  builder index yank site darknet_python-….whl --reason "crashes on Turing"
  builder index yank site darknet_python-….whl --reason "crashes on Turing" --dry-run
  builder index yank site darknet_python-….whl --undo --reason "it was the driver"
  builder index yank site darknet_python-….whl --reason "crashes on Turing" --json
"""


@click.command(epilog=EPILOG)
@site_argument
@files_argument
@reason_option
@click.option("--undo", is_flag=True, help="Offer yanked files again.")
@dry_run_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    site: Path,
    files: tuple[str, ...],
    reason: str,
    undo: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Yank FILES (their names): installers take them only where they are pinned (PEP 592)."""
    from index.site.change import to_unyank, to_yank, unyank, yank
    from index.site.finish import finish
    from index.site.writer import Written

    moment = now()
    with site_for(settings, site, dry_run=dry_run, new=False) as place:
        if dry_run:
            changed = to_unyank(place, files) if undo else to_yank(place, files, reason)
            written = Written()
        else:
            changed = (unyank if undo else yank)(place, files, reason, at=moment)
            written = finish(place, uploaded=moment)
        if as_json:
            told = _told(files, changed, undo=undo)
            print_changed(place, written, dry_run=dry_run, **told)
            return
    done = ("would be " if dry_run else "") + ("offered again" if undo else "yanked")
    for name in files:
        click.echo(f"{done if name in changed else 'yanked already'}: {name}")


def _told(files: tuple[str, ...], changed: tuple[str, ...], *, undo: bool) -> dict[str, list[str]]:
    """What became of each file, as data."""
    if undo:
        return {"offered_again": list(changed)}
    same = [name for name in files if name not in changed]
    return {"yanked": list(changed), "yanked_already": same}
