"""Whether a running Python still holds an OpenCV that was replaced on disk meanwhile.

In a notebook ``!pip install`` changes files below a kernel that may have imported ``cv2`` before:
it goes on with the old one until it is restarted. ``!python -m opencv_cuda`` is a child of that
kernel, and sees in its parents' memory maps what they hold.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from opencv_cuda import _payload

_EXTENSION = re.compile(r"^cv2(?:\.[\w-]+)?\.so$")
_DELETED = " (deleted)"


def stale_here() -> str | None:
    """What this process has imported as ``cv2``, where it is not what is installed now."""
    module = sys.modules.get("cv2")
    if module is None:
        return None
    origin = getattr(module, "__file__", None)
    if origin is None or Path(origin).resolve().parent != _payload.FOLDER:
        return f"this process has imported {origin or 'a cv2 without a file'}"
    gone = next(deleted_extensions(os.getpid()), None)
    return f"this process has imported {gone}, which was replaced" if gone else None


def stale_parent() -> str | None:
    """A process above this one that holds an extension ``cv2`` which is no more on disk."""
    for pid in ancestors():
        gone = next(deleted_extensions(pid), None)
        if gone is not None:
            return f"the program that started this one (process {pid}) has imported {gone}"
    return None


def deleted_extensions(pid: int) -> Iterator[Path]:
    """Extensions of OpenCV that a process has in memory and nobody has on disk."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:  # somebody else's process, or no more there
        return
    for line in lines.splitlines():
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and parts[5].endswith(_DELETED):
            path = Path(parts[5].removesuffix(_DELETED))
            if _EXTENSION.match(path.name):
                yield path


def ancestors() -> Iterator[int]:
    """The processes above this one, the nearest first."""
    pid = os.getppid()
    while pid > 1:
        yield pid
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        pid = int(status.rpartition(")")[2].split()[1])
