"""The command ``darknet``: Darknet's own program, told where its files and NVIDIA's lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from darknet._nvidia import library_folders
from darknet._paths import HOME_VARIABLE, PROGRAM, home

CANNOT_EXECUTE = 126
SEARCH_VARIABLE = "LD_LIBRARY_PATH"


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The program's environment: the given one, and what it needs to find its files."""
    folders = [*filter(None, [given.get(SEARCH_VARIABLE)]), *library_folders()]
    search = {SEARCH_VARIABLE: os.pathsep.join(folders)} if folders else {}
    return {**given, **search, HOME_VARIABLE: home()}


def main() -> None:
    """Become the program, with this process's arguments."""
    sys.stdout.flush()
    try:
        os.execve(PROGRAM, ["darknet", *sys.argv[1:]], environment(os.environ))  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"darknet: {PROGRAM} cannot be started: {error.strerror}\n")
        raise SystemExit(CANNOT_EXECUTE) from None
