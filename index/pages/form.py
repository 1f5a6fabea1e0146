"""Which form the pages have: another version of this code may make others of the same files."""

from __future__ import annotations

import hashlib
from pathlib import Path

FORM = "form"
"""The state's note of which form the pages were written in."""
MADE_BY = (
    Path(__file__).parent,
    Path(__file__).parent.parent / "addresses.py",
    Path(__file__).parent.parent / "lines.py",
    Path(__file__).parent.parent / "model.py",
)
"""What decides on the bytes of pages, besides the ledger."""


def pages_form() -> str:
    """A digest over the code, templates, style and script that pages are made with."""
    digest = hashlib.sha256()
    for place in MADE_BY:
        for path in sorted(place.rglob("*") if place.is_dir() else [place]):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
