"""``builder index build``: a whole folder of wheels, compared with what the index remembers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option
from builder.cli.index.common import (
    Options,
    configured,
    intake_options,
    now,
    opened,
    report,
    site_option,
)

if TYPE_CHECKING:
    from index.site.add import Added
    from index.site.placing import Placing
    from index.site.site import Site

EPILOG = """\b
Examples:
  builder index build --dist dist --site site --base-url https://OWNER.github.io/REPO
  builder index build --dist dist --site "/content/drive/MyDrive/gpu wheels" --layout drive
  builder index build --records records.jsonl --site site --files-url https://example.org/wheels
"""


@click.command(epilog=EPILOG)
@site_option
@click.option(
    "--dist",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of wheels, their records beside them (records alone with --files-url).",
)
@click.option(
    "--records",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Instead of --dist: records, one as JSON per line ('-': standard input).",
)
@intake_options
@json_option
@click.pass_obj
def command(
    settings: Settings,
    site: Path,
    dist: Path | None,
    records: Path | None,
    as_json: bool,
    intake: Options,
) -> None:
    """Add what is new in a folder that has every wheel of the index.

    A file the index has and the folder lacks stops it, by name: files leave by `yank` and `remove`.
    """
    from index.site.add import configure
    from index.site.finish import finish
    from index.site.placing import placing

    if (dist is None) == (records is None):
        raise click.UsageError("say either --dist or --records")
    moment = now()
    if records is not None and intake.files_url is None:
        raise click.UsageError("--records needs --files-url: where are the wheels?")
    if records is not None and str(records) != "-" and not records.exists():
        raise click.UsageError(f"--records: there is no file '{records}'")
    with opened(settings, site) as place:
        configure(place, configured(place, intake), at=moment)
        where = placing(
            site,
            files_dir=intake.files_dir,
            files_url=intake.files_url,
            force=intake.force,
            uploaded=moment,
        )
        with settings.reporter.task("read wheels", unit="files") as task:
            added = _take(place, dist, records, where, task.update)
        with settings.reporter.task("write pages", unit="pages"):
            written = finish(place, uploaded=moment)
        report(settings, place, added, written, as_json=as_json)


def _take(
    site: Site,
    dist: Path | None,
    records: Path | None,
    where: Placing,
    update: Callable[[int, int | None], None],
) -> Added:
    from index.site.add import build_folder, build_records

    if dist is not None:
        return build_folder(site, dist, where, step=update)
    assert records is not None
    if str(records) != "-" and records.is_file():
        return build_records(site, records, where, step=update)
    with click.open_file(str(records), "rb") as lines:
        return build_records(site, lines, where, step=update)
