"""``builder index check``: proof that a site keeps every promise it makes."""

from __future__ import annotations

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
  builder index check "/content/drive/MyDrive/gpu wheels" --json
"""


@click.command(epilog=EPILOG)
@click.argument("site", metavar="SITE|URL")
@click.option("--fast", is_flag=True, help="Do not read the files: their sizes only.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="How many files and pages are looked at at once.",
)
@json_option
@click.pass_obj
def command(settings: Settings, site: str, fast: bool, jobs: int, as_json: bool) -> None:
    """Prove that the site at SITE or URL is what its ledger says, down to the last byte.

    Every promise that does not hold is listed, each with what mends it; then the exit code is 23.
    Nothing is changed.
    """
    from index.check import check_site

    with settings.reporter.task("check", unit="pages and files") as task:
        report = check_site(site, fast=fast, workers=jobs, watch=task)
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
        + ("all as promised" if not report.findings else f"{len(report.findings)} findings")
    )
