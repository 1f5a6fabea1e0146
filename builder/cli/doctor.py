"""`builder doctor`: what this machine lacks."""

from __future__ import annotations

import click

from builder.cli.common import Settings, json_option, print_json
from builder.errors import MachineError

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

    findings = list(examine(settings.cache))
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
    else:
        for finding in findings:
            click.echo(f"{finding.verdict.value:<8} {finding.subject:<14} {finding.found}")
            if finding.remedy:
                click.echo(f"{'':<24}→ {finding.remedy}")
    lacking = [finding.subject for finding in findings if finding.verdict is Verdict.LACKING]
    if lacking:
        raise MachineError(f"a build cannot succeed here: {', '.join(lacking)}")
