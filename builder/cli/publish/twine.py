"""``builder publish twine``: wheels to a private index that speaks the upload API."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.cli.publish.common import dry_run_option, refused_data, show

if TYPE_CHECKING:
    from index.publish.twine_account import Account
    from index.publish.twine_plan import UploadPlan
    from index.publish.twine_served import SimpleIndex

EPILOG = """\b
Examples:
  builder publish twine dist --repository-url https://wheels.example.org/ --dry-run
  builder publish twine dist --repository-url https://wheels.example.org/
  builder publish twine dist --repository-url https://devpi.example.org/team/gpu/
\b
Name and password come from $TWINE_USERNAME and $TWINE_PASSWORD, or, where `keyring`
is installed, from `keyring set https://wheels.example.org/ NAME`. Nothing is read from
~/.pypirc or ~/.netrc, and nobody is asked.
"""


@click.command(epilog=EPILOG)
@click.argument(
    "dist", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIST"
)
@click.option(
    "--repository-url",
    required=True,
    envvar="TWINE_REPOSITORY_URL",
    help="The upload address.  [env: TWINE_REPOSITORY_URL]",
)
@click.option(
    "--index-url",
    help="Where installers read the index (default: simple/ or +simple/ below the upload address).",
)
@dry_run_option
@click.option("--force", is_flag=True, help="Take profiles other than 'full', too.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    dist: Path,
    repository_url: str,
    index_url: str | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Upload the wheels of the folder DIST to an index: companions first, then what needs them.

    What the index serves already with the same sha256 is left alone; the same name with other
    bytes stops it before anything is sent. Everything is read back from the index's own pages.
    """
    from index.publish.rest import Unavailable
    from index.publish.twine_account import check_repository, find_account
    from index.publish.twine_plan import make_upload_plan, read_items
    from index.publish.twine_served import SimpleIndex, roots_below
    from index.publish.twine_upload import require_twine

    require_twine()
    url = check_repository(repository_url, option="--repository-url", account=False)
    account = find_account(os.environ, repository_url)
    check_repository(repository_url, option="--repository-url", account=account is not None)
    roots = roots_below(url)
    if index_url is not None:
        roots = (check_repository(index_url, option="--index-url", account=False),)
    with settings.reporter.task("read wheels"):
        items = read_items(dist, force=force)
    with closing(SimpleIndex(url, account)) as index:
        try:
            index.find(roots)
            plan = make_upload_plan(items, index.wanted(items))
        except Unavailable as error:
            raise _away(error) from None
        if dry_run:
            _report(plan, index.root, dry_run=True, as_json=as_json)
        plan.raise_if_refused()
        if dry_run:
            return
        _send(settings, plan, index, repository_url, account)
        _report(plan, index.root, dry_run=False, as_json=as_json)


def _send(
    settings: Settings, plan: UploadPlan, index: SimpleIndex, url: str, account: Account | None
) -> None:
    from index.publish import patience
    from index.publish.twine_send import Uploading
    from index.publish.twine_upload import Upload

    pace = patience.Pace()
    with (
        closing(Upload(url, account, pace)) as upload,
        settings.reporter.task("upload", total=plan.upload_bytes, unit="bytes") as task,
    ):
        Uploading(upload, index, pace, task).carry_out(plan)


def _away(error: Exception) -> Exception:
    from index.errors import PublishError

    return PublishError(
        f"the index is out of reach: {error}",
        remedy="run the same command again; it goes on where it stopped",
    )


def _report(plan: UploadPlan, root: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "kind": "twine",
                "index": root,
                "dry_run": dry_run,
                "wheels": [
                    {
                        "name": step.item.filename,
                        "action": step.action,
                        "size": step.item.size,
                        "sha256": step.item.sha256,
                    }
                    for step in plan.steps
                ],
                "refused": refused_data(plan.refused),
            }
        )
        return
    uploads, there = plan.of("upload"), plan.of("skip")
    would = "would upload" if dry_run else "uploaded"
    show([f"{would} {item.filename} ({item.size / 1e6:.1f} MB)" for item in uploads])
    size = f"{plan.upload_bytes / 1e6:.1f} MB"
    click.echo(
        f"{len(uploads)} wheels to upload ({size}), {len(there)} are there"
        if dry_run
        else f"{len(uploads)} wheels uploaded ({size}), {len(there)} were there; all of them read "
        f"back from {root}"
    )
