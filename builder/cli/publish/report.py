"""``builder publish report``: an issue that is open as long as a repeated task fails."""

from __future__ import annotations

import json
import os
from contextlib import closing
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
@click.option("--results", help="The jobs' results as GitHub's `toJSON(needs)` writes them.")
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
    from index.publish.rest import Rest
    from index.publish.token import find_token

    check_repo(repo)
    bad = tuple(dict.fromkeys((*failed, *_failed(results))))
    token = find_token(os.environ, urlsplit(api).hostname or "")
    if token is None:
        raise click.UsageError("no token: set GITHUB_TOKEN or GH_TOKEN")
    with closing(Rest(token, Pace(), settings.reporter.say)) as rest:
        outcome = Outcome(task=task, failed=bad, details=details)
        done = Issues(rest, api=api, repo=repo).tell(outcome)
    told = f"failed: {', '.join(bad)}" if bad else "nothing failed"
    click.echo(f"{told}; issue: {done}")


def _failed(results: str | None) -> tuple[str, ...]:
    """The jobs that failed, in the order of the results."""
    if results is None:
        return ()
    try:
        data = json.loads(results)
        return tuple(name for name, one in data.items() if one["result"] in BAD)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise click.UsageError("--results is not what `toJSON(needs)` writes") from error
