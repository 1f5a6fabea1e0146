"""``builder publish address``: where a repository's index is served."""

from __future__ import annotations

import click

GITHUB = "https://github.com"
EPILOG = """\b
Examples:
  builder publish address --repo OWNER/REPO
  builder publish address --repo OWNER/REPO --base-url https://wheels.example.org
  builder publish address --repo OWNER/REPO --github >> $GITHUB_OUTPUT
"""


def pages_address(repo: str) -> str:
    """Where Pages serves a repository's site, unless it has a domain of its own."""
    owner, _, name = repo.partition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}" if name.lower() == host else f"https://{host}/{name}"


@click.command(epilog=EPILOG)
@click.option("--repo", required=True, metavar="OWNER/REPO", help="The repository.")
@click.option("--base-url", default="", help="The address it has instead; empty for none.")
@click.option("--github", "as_output", is_flag=True, help="Print a line for $GITHUB_OUTPUT.")
def command(repo: str, base_url: str, as_output: bool) -> None:
    """Print the address of the index that a repository publishes."""
    from builder.cli.publish.github import check_repo
    from index.addresses import refuse_account

    check_repo(repo)
    refuse_account(base_url, "--base-url")
    address = base_url.strip().rstrip("/") or pages_address(repo)
    click.echo(f"url={address}" if as_output else address)
