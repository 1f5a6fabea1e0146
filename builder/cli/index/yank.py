"""``builder index yank``: files that only those who pin them get."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.common import Settings
from builder.cli.index.common import now, opened, reason_option, site_argument
from builder.cli.selection import words

EPILOG = """\b
Examples:
  builder index yank site darknet_python-….whl --reason "crashes on Turing"
  builder index yank site darknet_python-….whl --undo --reason "it was the driver"
"""


@click.command(epilog=EPILOG)
@site_argument
@click.argument("files", nargs=-1, required=True, callback=words)
@reason_option
@click.option("--undo", is_flag=True, help="Offer yanked files again.")
@click.pass_obj
def command(
    settings: Settings, site: Path, files: tuple[str, ...], reason: str, undo: bool
) -> None:
    """Yank FILES (their names): installers take them only where they are pinned (PEP 592)."""
    from index.site.change import unyank, yank
    from index.site.finish import finish

    moment = now()
    with opened(settings, site, new=False) as place:
        changed = (unyank if undo else yank)(place, files, reason, at=moment)
        finish(place, uploaded=moment)
    done = "offered again" if undo else "yanked"
    for name in dict.fromkeys(files):
        click.echo(f"{done if name in changed else 'yanked already'}: {name}")
