"""``builder publish``: wheels and a site, where users fetch them."""

from __future__ import annotations

import click

from builder.cli.lazy import lazy_group

VERBS = {
    "github": "Wheels to GitHub releases, and into the site that Pages serves.",
    "folder": "A site to a folder: a mounted drive, a web server's root.",
    "twine": "Wheels to a private index that speaks the upload API.",
    "pull": "What is live, into a folder, to go on from it.",
    "fetch": "What an index offers, back into a folder of wheels.",
    "choose": "What passed, apart from what did not.",
    "address": "Where a repository's index is served.",
    "provenance": "Signed attestations as the objects that the index serves.",
    "report": "An issue that is open as long as a repeated task fails.",
    "rollback": "An earlier state of the index, live again.",
    "retain": "Yank, and later remove, what a rule no longer keeps.",
}

EPILOG = """\b
Examples:
  builder publish github --repo OWNER/REPO --dist dist --site site --dry-run
  builder publish github --repo OWNER/REPO --dist dist --site site
  builder publish folder "/content/drive/MyDrive/gpu wheels" --site site
  builder publish twine dist --repository-url https://wheels.example.org/
  builder publish pull https://OWNER.github.io/REPO --site site
"""


ALSO = {"drive": "folder"}


@click.group(cls=lazy_group("builder.cli.publish", VERBS, also=ALSO), epilog=EPILOG)
def command() -> None:
    """Put wheels and a site where users fetch them.

    Wheels go first, then their metadata, then the ledger, then the pages: nothing is advertised
    that is not there. Everything is read back. A publish that broke off goes on when the same
    command is run again, and nothing that was published is ever replaced.
    """
