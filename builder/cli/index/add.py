"""``builder index add``: wheels into a site, at a cost that follows them and not the site."""

from __future__ import annotations

from pathlib import Path

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

EPILOG = """\b
Examples:
  builder index add dist/*.whl --site site --base-url https://OWNER.github.io/REPO
  builder index add X.whl --site site --files-url \\
      'https://github.com/OWNER/REPO/releases/download/{name}-{version}'
  builder index add X.whl --site site --files-dir wheels
"""


@click.command(epilog=EPILOG)
@click.argument("wheels", nargs=-1, required=True, type=click.Path(path_type=Path))
@site_option
@intake_options
@json_option
@click.pass_obj
def command(
    settings: Settings, wheels: tuple[Path, ...], site: Path, as_json: bool, intake: Options
) -> None:
    """Add WHEELS to a site, each with the record beside it (or one made from the wheel).

    A wheel the index has already is left alone; the same name with other bytes is refused.
    """
    from index.site.add import add_wheels, configure
    from index.site.finish import finish
    from index.site.placing import placing

    moment = now()
    with opened(settings, site) as place:
        configure(place, configured(place, intake), at=moment)
        added = add_wheels(
            place,
            wheels,
            placing(
                site,
                files_dir=intake.files_dir,
                files_url=intake.files_url,
                force=intake.force,
                uploaded=moment,
            ),
        )
        report(settings, place, added, finish(place, uploaded=moment), as_json=as_json)
