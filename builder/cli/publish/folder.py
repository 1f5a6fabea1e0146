"""``builder publish folder``: a site copied to where it is served or mounted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.index.common import now
from builder.cli.publish.common import dry_run_option, refused_data, show, site_for

if TYPE_CHECKING:
    from index.publish.copying import FolderPlan

EPILOG = """\b
Examples:
  builder publish folder "/content/drive/MyDrive/gpu wheels" --site site --dry-run
  builder publish folder "/content/drive/MyDrive/gpu wheels" --site site
  builder publish folder /mnt/web/wheels --site site --json
"""


@click.command(epilog=EPILOG)
@click.argument("dest", type=click.Path(path_type=Path))
@click.option(
    "--site",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder.",
)
@dry_run_option
@json_option
@click.pass_obj
def command(settings: Settings, dest: Path, site: Path, dry_run: bool, as_json: bool) -> None:
    """Copy the site to the folder DEST: wheels, metadata, ledger, pages, in this order.

    `builder publish drive` is the same. What is there already is left alone. Nothing is done where
    DEST's ledger has events that the site lacks: somebody else published there.
    """
    from index.publish.folder import carry_out, folder_held, plan_folder
    from index.site.finish import finish

    with site_for(settings, site, dry_run=dry_run, new=False) as place:
        if dry_run:
            plan = plan_folder(place, dest)
            _report(plan, dest, dry_run=True, as_json=as_json)
            plan.raise_if_refused()
            return
        finish(place, uploaded=now())
        with folder_held(site, dest, settings.reporter.say):
            plan = plan_folder(place, dest)
            plan.raise_if_refused()
            with settings.reporter.task("copy", total=plan.copy_bytes, unit="bytes") as task:
                carry_out(plan, dest, task)
        _report(plan, dest, dry_run=False, as_json=as_json)


def _report(plan: FolderPlan, dest: Path, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "kind": "folder",
                "dest": str(dest),
                "dry_run": dry_run,
                "copies": [
                    {"path": one.item.path, "why": one.why, "size": one.item.size}
                    for one in plan.copies
                ],
                "same": plan.same,
                "deleted": list(plan.delete),
                "refused": refused_data(plan.refused),
            }
        )
        return
    would = "would " if dry_run else ""
    show([f"{would}copy {one.item.path} ({one.why})" for one in plan.copies])
    show([f"{would}delete {path}" for path in plan.delete])
    click.echo(
        f"{len(plan.copies)} files to copy ({plan.copy_bytes / 1e6:.1f} MB), {plan.same} are there"
        if dry_run
        else f"'{dest}': {len(plan.copies)} files copied ({plan.copy_bytes / 1e6:.1f} MB) and read "
        f"back, {plan.same} were there, {len(plan.delete)} deleted"
    )
