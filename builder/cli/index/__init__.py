"""``builder index``: wheels into a static package index, and what keeps it honest."""

from __future__ import annotations

import click

from builder.cli.lazy import lazy_group

VERBS = {
    "add": "Add wheels: one, or many.",
    "build": "Add what is new in a whole folder of wheels, and name what is missing.",
    "serve": "Serve a site on loopback, and print the lines to paste.",
    "check": "Prove that a site, here or live, keeps every promise it makes.",
    "yank": "Offer files only to those who pin them.",
    "remove": "Take files out of the index.",
    "rollback": "Go back to what the index was.",
    "render": "Write every page again that is not what the ledger makes.",
    "log": "Show what happened to an index, event by event.",
}

EPILOG = """\b
Examples:
  builder index add dist/*.whl --site site --base-url https://OWNER.github.io/REPO
  builder index build --dist dist --site site
  builder index build --dist dist --site "/content/drive/MyDrive/gpu wheels" --layout drive
  builder index serve site
  builder index check site
  builder index yank site opencv_cuda-4.14.0.94+cu124-….whl --reason "wrong cuDNN"
"""


@click.group(cls=lazy_group("builder.cli.index", VERBS), epilog=EPILOG)
def command() -> None:
    """A static site that pip and uv install from: records and wheels in, pages out."""
