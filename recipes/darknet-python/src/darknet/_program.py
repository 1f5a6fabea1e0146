"""The command ``darknet``: Darknet's own program, told where its files and NVIDIA's lie.

Answered here and not by the program: ``darknet data``, which looks after a data set, and
``darknet detector map`` and ``calc_anchors``, which the program does not have.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from darknet._paths import HOME_VARIABLE, PROGRAM, home

LIBRARY_MISSING = 10
"""As the doctor has it (`_doctor.Verdict`)."""
CANNOT_EXECUTE = 126
NO_WINDOW = "-dont_show"
"""Known to other Darknets. This one has no windows, and would take the word for a file."""
HELP = ("--help", "-help", "-h", "help")
SEARCH_VARIABLE = "LD_LIBRARY_PATH"


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The program's environment: the given one, and what it needs to find its files."""
    from darknet._nvidia import library_folders  # needs what CMake writes; `data` does not

    folders = [*filter(None, [given.get(SEARCH_VARIABLE)]), *library_folders()]
    search = {SEARCH_VARIABLE: os.pathsep.join(folders)} if folders else {}
    return {**given, **search, HOME_VARIABLE: home()}


def missing() -> tuple[str, ...]:
    """The libraries of NVIDIA's that neither a run path, ``sys.path`` nor the system has.

    Where packages have them all, nothing but their files is looked at; the loader alone knows
    where the system has the others.
    """
    import ctypes

    from darknet._nvidia import locate_all

    gone = []
    for found in locate_all():
        if found.place == "nowhere":
            try:
                ctypes.CDLL(found.name)
            except OSError as error:
                # One that is there and needs another begins with the other's name.
                if str(error).startswith(f"{found.name}: cannot open"):
                    gone.append(found.name)
    return tuple(gone)


def main() -> None:
    """Become the program, with this process's arguments, or look after a data set."""
    if sys.argv[1:2] == ["data"]:
        from darknet._data.cli import main as data

        raise SystemExit(data(sys.argv[2:]))
    if sys.argv[1:2] == ["detector"] and sys.argv[2:3] in (["map"], ["calc_anchors"]):
        from darknet._detector import main as detector

        raise SystemExit(detector([word for word in sys.argv[2:] if word != NO_WINDOW]))
    if sys.argv[1:2] and sys.argv[-1] in HELP:
        from darknet._help import TEXT

        sys.stdout.write(TEXT)
        raise SystemExit(0)
    if gone := missing():
        sys.stderr.write(
            f"darknet: NVIDIA's {', '.join(gone)} not found; `python -m darknet` says how to mend "
            "it\n"
        )
        raise SystemExit(LIBRARY_MISSING)
    words = [word for word in sys.argv[1:] if word != NO_WINDOW]
    sys.stdout.flush()
    try:
        os.execve(PROGRAM, ["darknet", *words], environment(os.environ))  # noqa: S606 -- our own program
    except OSError as error:
        sys.stderr.write(f"darknet: {PROGRAM} cannot be started: {error.strerror}\n")
        raise SystemExit(CANNOT_EXECUTE) from None
