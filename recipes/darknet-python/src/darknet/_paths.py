"""Where the parts of this package lie, and the files a caller names."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
LIBRARY = PACKAGE / "libdarknet.so"
PROGRAM = PACKAGE / "bin" / "darknet"
HOME_VARIABLE = "DARKNET_HOME"


def share() -> Path:
    """The folder with Darknet's own ``cfg/`` and ``data/``."""
    return PACKAGE / "share"


def home() -> str:
    """Where Darknet looks for files it does not find below the current folder."""
    return os.environ.get(HOME_VARIABLE) or str(share())


def find_file(name: str | bytes | os.PathLike[str]) -> bytes:
    """The path of a file, looked for as Darknet does: as it stands, then below `home`.

    Darknet ends the whole process when a file is missing, so it is looked for before.

    Raises:
        FileNotFoundError: it is in neither place.
    """
    path = Path(os.fsdecode(name))
    for place in (path, Path(home()) / path):
        if place.is_file():
            return os.fsencode(place)
    raise FileNotFoundError(f"no file {str(path)!r}, neither here nor in {home()}")
