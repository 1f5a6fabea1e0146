"""``builder publish retain``: old versions and old CUDAs go, with notice."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.index.common import now
from builder.cli.publish.common import dry_run_option, show, site_for

if TYPE_CHECKING:
    from index.publish.retention import Retention
    from index.site.site import Site

EPILOG = """\b
Examples:
  builder publish retain --site site --policy retention.toml --dry-run
  builder publish retain --site site --policy retention.toml
\b
retention.toml:
  schema_version = 1
  keep_versions = 3            # of each package and CUDA
  remove_after_days = 30       # after a file was yanked
  [[retired]]
  cuda = "cu118"
  on = 2027-03-01
  notice = "CUDA 11.8 is no longer built; take cu124"
"""


@click.command(epilog=EPILOG)
@click.option(
    "--site",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder.",
)
@click.option(
    "--policy",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The rule, a TOML file.",
)
@dry_run_option
@json_option
@click.pass_obj
def command(settings: Settings, site: Path, policy: Path, dry_run: bool, as_json: bool) -> None:
    """Yank what a rule no longer keeps, and remove what it yanked long enough ago.

    A file is yanked first: those who pin it still get it, and are told why. It is removed by a
    later run. Publish the site afterwards; assets on GitHub releases stay where they are.
    """
    from index.publish.past import yanked_since
    from index.publish.retention import plan_retention, read_policy
    from index.site.finish import finish

    rule, moment = read_policy(policy), now()
    with site_for(settings, site, dry_run=dry_run, new=False) as place:
        today = datetime.date.fromisoformat(moment[:10])
        found = plan_retention(place.state.all_files(), yanked_since(site), rule, today)
        if not dry_run:
            _carry_out(place, found, moment)
            finish(place, uploaded=moment)
    _report(found, dry_run=dry_run, as_json=as_json)


def _carry_out(site: Site, found: Retention, moment: str) -> None:
    from index.ledger import Remove, Yank
    from index.site.deleting import note

    note(site.folder, [one.filename for one in found.remove])
    site.append(
        [
            *(Yank(filename=one.filename, reason=one.reason, at=moment) for one in found.yank),
            *(Remove(filename=one.filename, reason=one.reason, at=moment) for one in found.remove),
        ]
    )


def _report(found: Retention, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "kind": "retain",
                "dry_run": dry_run,
                "yank": {one.filename: one.reason for one in found.yank},
                "remove": {one.filename: one.reason for one in found.remove},
                "waiting": found.waiting,
                "undated": list(found.undated),
                "coming": [one.model_dump(mode="json") for one in found.coming],
            }
        )
        return
    would = "would " if dry_run else ""
    show([f"{would}yank {one.filename}: {one.reason}" for one in found.yank])
    show([f"{would}remove {one.filename}: {one.reason}" for one in found.remove])
    show([f"{name}: yanked, nobody knows since when; it stays" for name in found.undated])
    show([f"{one.cuda} will be retired on {one.on}" for one in found.coming])
    click.echo(
        f"{len(found.yank)} to yank, {len(found.remove)} to remove, {found.waiting} yanked "
        "and kept for now"
    )
