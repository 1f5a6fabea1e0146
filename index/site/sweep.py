"""What a killed run leaves lying in a site: half-written files under temporary names."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from index.files import PART
from index.ledger import HEAD_NAME, LEDGER_NAME
from index.site.deleting import NOTE
from index.state.state import State

ARRIVING = ".arriving-"
"""Begins the names of folders that wheels are copied into before they are known to be right."""
WRITTEN = (
    *(LEDGER_NAME, HEAD_NAME, "index.html", "index.json", "site.css", "site.js", "icon.svg"),
    *("404.html", "_headers", "_redirects", ".nojekyll", NOTE),
)
"""Every file of a site that is no wheel and lies beside none."""
HALF = re.compile(
    rf"\.(?:{'|'.join(map(re.escape, WRITTEN))}"
    rf"|.+\.(?:whl|tar\.gz)(?:\.metadata|\.provenance)?|.{{100}})\.\w+{re.escape(PART)}"
)
"""What `index.files` calls them until they are whole; of a long name it takes 100 characters."""
BUSY = "busy"
"""The state's note that a run has the site open; a run that was killed leaves it."""


@contextlib.contextmanager
def swept(folder: Path, state: State) -> Iterator[None]:
    """Clear up first if the run before was killed, and note that this one is not, at its end."""
    if state.get(BUSY) != "no":
        sweep(folder)
    state.set(BUSY, "yes")
    state.commit()
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):  # whatever ended the run is what to tell
            state.rollback()
            state.set(BUSY, "no")
            state.commit()


def sweep(folder: Path) -> None:
    """Delete half-written files. Nobody else may be writing to the site meanwhile.

    Only what can be the index's own: a site may be made, or published to, in a folder that has
    other things in it, and other programs too write under such names.
    """
    for place, folders, files in os.walk(folder):
        for name in files:
            if HALF.fullmatch(name):
                Path(place, name).unlink()
        for name in [name for name in folders if name.startswith(ARRIVING)]:
            if _holds_wheels(Path(place, name)):
                folders.remove(name)
                shutil.rmtree(Path(place, name))


def _holds_wheels(folder: Path) -> bool:
    return all(path.suffix in (".whl", PART) for path in folder.iterdir())
