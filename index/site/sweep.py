"""What a killed run leaves lying in a site: half-written files under temporary names."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from index.files import PART
from index.state.state import State

ARRIVING = ".arriving-"
"""Begins the names of folders that wheels are copied into before they are known to be right."""
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
    """Delete half-written files. Nobody else may be writing to the site meanwhile."""
    for place, folders, files in os.walk(folder):
        for name in files:
            if name.startswith(".") and name.endswith(PART):
                Path(place, name).unlink()
        for name in [name for name in folders if name.startswith(ARRIVING)]:
            folders.remove(name)
            shutil.rmtree(Path(place, name))
