"""The command ``darknet``: Darknet's own program, told where its files and NVIDIA's lie.

Answered here and not by the program: ``darknet data``, which looks after a data set,
``darknet detector map`` and ``calc_anchors``, which the program does not have, and ``demo`` on a
video, for which it has no OpenCV.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from darknet._paths import HOME_VARIABLE, PROGRAM, home
from darknet._streams import guarded

LIBRARY_MISSING = 10
"""As the doctor has it (`_doctor.Verdict`)."""
CANNOT_EXECUTE = 126
WRONG_WORDS = 2
NO_WINDOW = "-dont_show"
"""Known to other Darknets. This one has no windows, and would take the word for a file."""
HELP = ("--help", "-help", "-h", "help")
VERSION = ("--version", "-version", "version")
OWN = (["detector", "map"], ["detector", "calc_anchors"])
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


def plain_word(word: str) -> str:
    """A path that kept its quotes or its ``\\ ``, as in ``"My\\ Drive"``, without them.

    A shell takes them away where they are not within others. A file of just that name is meant.
    """
    if ("\\ " not in word and word[:1] not in ("'", '"')) or os.path.lexists(word):
        return word
    from darknet._data.text import plain_path

    return plain_path(word)


def main() -> None:
    """Become the program, with this process's arguments, or answer for it."""
    raise SystemExit(guarded(lambda: answer([plain_word(word) for word in sys.argv[1:]])))


def answer(words: Sequence[str]) -> int:
    """Do what a command line asks for: the exit status, where it is not the program's to give."""
    if words[:1] == ["data"]:
        from darknet._data.cli import main as data

        return data(words[1:])
    if words and words[-1] in HELP and words[:2] not in OWN:
        return _help(sys.stdout, 0)
    if not words:
        sys.stderr.write("usage: darknet <function>\n")
        return _help(sys.stderr, WRONG_WORDS)
    if words[0] in VERSION:
        from importlib.metadata import version

        sys.stdout.write(f"darknet-python {version('darknet-python')}\n")
        return 0
    words = [word for word in words if word != NO_WINDOW]
    if words[:2] in OWN:
        from darknet._detector import main as detector

        return detector(words[1:])
    if words[:2] == ["detector", "demo"] and (status := _video(words[2:])) is not None:
        return status
    return become(words)


def _help(stream: TextIO, status: int) -> int:
    from darknet._help import TEXT

    stream.write(TEXT)
    return status


def _video(words: Sequence[str]) -> int | None:
    """What the program has no OpenCV for; None where there is a folder of frames."""
    from darknet._demo import main as demo

    return demo(words)


def become(words: Sequence[str]) -> int:
    """Become the program; gives back a status only where that cannot be."""
    if gone := missing():
        sys.stderr.write(
            f"darknet: NVIDIA's {', '.join(gone)} not found; `python -m darknet` says how to mend "
            "it\n"
        )
        return LIBRARY_MISSING
    sys.stdout.flush()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and the program would, too
    try:
        os.execve(PROGRAM, ["darknet", *words], environment(os.environ))  # noqa: S606 -- our own program
    except OSError as error:
        sys.stderr.write(f"darknet: {PROGRAM} cannot be started: {error.strerror}\n")
        return CANNOT_EXECUTE
