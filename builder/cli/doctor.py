"""`builder doctor`: what this machine lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import MachineError

if TYPE_CHECKING:
    from builder.doctor import Finding

EPILOG = """\b
Examples:
  builder doctor            a line for each thing a build needs
  builder doctor --json     the same for programs
The exit code is 0 when a build can succeed here, 10 when something it needs is lacking.
"""


@click.command(epilog=EPILOG)
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Say what this machine lacks for building and verifying, and how to get it."""
    from builder.doctor import Verdict, examine

    findings = []
    for finding in examine(settings.cache):  # trying the kernel and each Python takes a while
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "findings": [
                    {
                        "subject": finding.subject,
                        "verdict": finding.verdict.value,
                        "found": finding.found,
                        "remedy": finding.remedy,
                    }
                    for finding in findings
                ],
            }
        )
    lacking = [finding.subject for finding in findings if finding.verdict is Verdict.LACKING]
    if lacking:
        raise MachineError(f"a build cannot succeed here: {', '.join(lacking)}")


def _show(finding: Finding) -> None:
    click.echo(f"{finding.verdict.value:<8} {finding.subject:<14} {finding.found}")
    if finding.remedy:
        click.echo(f"{'':<24}→ {finding.remedy}")
