"""``builder publish report``: an issue that is open as long as a repeated task fails."""

from __future__ import annotations

import json
import os
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import click

from builder.cli.common import Settings

BAD = ("failure", "cancelled")
EPILOG = """\b
Examples:
  builder publish report --repo OWNER/REPO --failed build --failed check --details URL
  builder publish report --repo OWNER/REPO --details URL              all is well again
\b
In a workflow, with RESULTS: ${{ toJSON(needs) }} in its environment:
  builder publish report --repo OWNER/REPO --results "$RESULTS" --details URL
"""


@click.command(epilog=EPILOG)
@click.option("--repo", required=True, metavar="OWNER/REPO", help="The repository.")
@click.option("--task", default="weekly", show_default=True, help="What repeats: one issue each.")
@click.option("--failed", multiple=True, metavar="JOB", help="Something that failed.")
@click.option(
    "--results",
    help="The jobs' results as GitHub's `toJSON(needs)` writes them; what a job has in its output "
    "`told` goes into the issue.",
)
@click.option("--details", required=True, metavar="URL", help="The page of this run.")
@click.option(
    "--api",
    default="https://api.github.com",
    show_default=True,
    help="The API's address (GitHub Enterprise: https://HOST/api/v3).",
)
@click.pass_obj
def command(
    settings: Settings,
    repo: str,
    task: str,
    failed: tuple[str, ...],
    results: str | None,
    details: str,
    api: str,
) -> None:
    """Open the task's issue, write to it again, or close it once nothing failed.

    The token comes from $GITHUB_TOKEN or $GH_TOKEN and must be allowed to write issues. Telling the
    same run twice changes nothing.
    """
    from builder.cli.publish.github import check_repo
    from index.publish.issues import Issues, Outcome
    from index.publish.patience import Pace
    from index.publish.rest import Rest, check_address
    from index.publish.token import find_token

    check_repo(repo)
    found = _results(results)
    bad = tuple(dict.fromkeys((*failed, *_failed(found))))
    token = find_token(os.environ, urlsplit(check_address(api, "--api")).hostname or "")
    if token is None:
        raise click.UsageError("no token: set GITHUB_TOKEN or GH_TOKEN")
    with closing(Rest(token, Pace(), settings.reporter.say)) as rest:
        outcome = Outcome(task=task, failed=bad, details=details, notes=_told(found))
        done = Issues(rest, api=api, repo=repo).tell(outcome)
    told = f"failed: {', '.join(bad)}" if bad else "nothing failed"
    click.echo(f"{told}; issue: {done}")


def _results(text: str | None) -> dict[str, Any]:
    """Each job's result and outputs, by its name."""
    try:
        data = json.loads(text or "{}")
        return {
            str(name): {"outputs": {}, **one, "result": one["result"]} for name, one in data.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise click.UsageError("--results is not what `toJSON(needs)` writes") from error


def _failed(results: dict[str, Any]) -> tuple[str, ...]:
    """The jobs that failed, in the order of the results."""
    return tuple(name for name, one in results.items() if one["result"] in BAD)


def _told(results: dict[str, Any]) -> tuple[str, ...]:
    """What jobs have to tell."""
    outputs = (one["outputs"] for one in results.values())
    return tuple(str(one["told"]) for one in outputs if isinstance(one, dict) and one.get("told"))
