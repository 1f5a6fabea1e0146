"""``builder index check``: proof that a site keeps every promise it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json

if TYPE_CHECKING:
    from index.check import Report

EPILOG = """\b
Examples:
  builder index check site                              every file is hashed
  builder index check https://OWNER.github.io/REPO      as installers see it; files are fetched
  builder index check https://OWNER.github.io/REPO --fast
  builder index check https://OWNER.github.io/REPO --same-as site --within 15
  builder index check "/content/drive/MyDrive/gpu wheels" --json
"""


@click.command(epilog=EPILOG)
@click.argument("site", metavar="SITE|URL")
@click.option("--fast", is_flag=True, help="Do not read the files: their sizes only.")
@click.option(
    "--same-as",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="URL must be this very site, as it was deployed: its ledger is compared first.",
)
@click.option(
    "--within",
    type=click.FloatRange(0, 600),
    default=0.0,
    metavar="MINUTES",
    help="Look again for so long: a host takes a while to show what was deployed.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="How many files and pages are looked at at once.",
)
@json_option
@click.pass_obj
def command(
    settings: Settings,
    site: str,
    fast: bool,
    same_as: Path | None,
    within: float,
    jobs: int,
    as_json: bool,
) -> None:
    """Prove that the site at SITE or URL is what its ledger says, down to the last byte.

    Every promise that does not hold is listed, each with what mends it; then the exit code is 23.
    Nothing is changed. A wheel with a build key in its record, so one of a recipe, must carry its
    bill of materials and its build spec, unless it is an empty companion or is yanked; of wheels
    that others made, neither is asked.
    """
    from index.addresses import refuse_account
    from index.check import check_site
    from index.publish.arrival import SECONDS, wait_for
    from index.publish.patience import Pace

    refuse_account(site, "the site's address")
    pace = Pace()
    end = pace.now() + 60 * within
    if same_as is not None:
        if not site.startswith(("https://", "http://")):
            raise click.UsageError(f"--same-as: '{site}' is no address")
        wait_for(site, same_as, minutes=within, pace=pace)
    while True:
        with settings.reporter.task("check", unit="pages and files") as task:
            report = check_site(site, fast=fast, workers=jobs, watch=task)
        if not report.findings or pace.now() >= end:
            break
        settings.reporter.say(f"{_counted(len(report.findings))}; looking again")
        pace.sleep(SECONDS)
    if as_json:
        print_json(report.as_data())
    else:
        _show(report)
    report.raise_if_broken()


def _show(report: Report) -> None:
    """Findings under what mends them, then what was looked at."""
    remedies: dict[str, list[str]] = {}
    for finding in report.findings:
        lines = (
            f"{finding.kind}: {finding.place}",
            f"  expected: {finding.expected}",
            f"  there is: {finding.found}",
        )
        remedies.setdefault(finding.remedy, []).extend(lines)
    for remedy, told in remedies.items():
        click.echo("\n".join(told))
        click.echo(f"  try: {remedy}\n")
    for note in report.notes:
        click.echo(f"note: {note}")
    read = "sizes only" if report.fast else "read to the last byte"
    click.echo(
        f"{report.site}: {report.events} events, {report.pages} pages, "
        f"{report.files} files ({read}): "
        + ("all as promised" if not report.findings else _counted(len(report.findings)))
    )


def _counted(findings: int) -> str:
    return "1 finding" if findings == 1 else f"{findings} findings"
