"""Finding NVIDIA's libraries: the run path in libdarknet.so first, then every site folder.

The packages of NVIDIA usually lie beside this one, where the run path of ``libdarknet.so`` finds
them. In a virtual environment with ``--system-site-packages``, or after ``pip install --user``,
they can lie in another folder; then they are loaded from there beforehand, as PyTorch does.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from darknet._build import LIBRARIES, RUN_PATHS
from darknet._paths import PACKAGE


@dataclass(frozen=True)
class Found:
    """One library of NVIDIA's.

    Attributes:
        name: Its soname, ``libcudart.so.12``.
        path: The file, or None where it is left to the system's own search.
        place: ``run path`` (the loader finds it alone), ``sys.path`` or ``nowhere``.
    """

    name: str
    path: Path | None
    place: Literal["run path", "sys.path", "nowhere"]


def locate(name: str) -> Found:
    """Look for one library; reads folders and loads nothing."""
    beside = _below(PACKAGE.parent, name)
    if beside is not None:
        return Found(name, beside, "run path")
    for entry in sys.path:
        elsewhere = _below(Path(entry), name) if entry else None
        if elsewhere is not None:
            return Found(name, elsewhere, "sys.path")
    return Found(name, None, "nowhere")


def locate_all() -> tuple[Found, ...]:
    """All libraries that ``libdarknet.so`` needs, in the order they must be loaded in."""
    return tuple(locate(name) for name in LIBRARIES)


def preload() -> None:
    """Load what the run path does not reach, for all libraries that come after.

    Raises:
        OSError: a library is there and cannot be loaded.
    """
    for found in locate_all():
        if found.place == "sys.path":
            ctypes.CDLL(str(found.path), mode=ctypes.RTLD_GLOBAL)


def loaded(name: str) -> Path | None:
    """The file this process has loaded under this soname, if it has."""
    with Path("/proc/self/maps").open(encoding="utf-8", errors="surrogateescape") as maps:
        paths = {line.split(maxsplit=5)[5].rstrip() for line in maps if "/" in line}
    wanted = (path for path in sorted(paths) if Path(path).name.startswith(name))
    return next((Path(path) for path in wanted), None)


def library_folders() -> tuple[str, ...]:
    """Folders that a program needs in ``LD_LIBRARY_PATH`` as its run path does not reach them."""
    folders = (str(f.path.parent) for f in locate_all() if f.place == "sys.path" and f.path)
    return tuple(dict.fromkeys(folders))


def _below(site: Path, name: str) -> Path | None:
    for run_path in RUN_PATHS:
        path = site / run_path / name
        if path.is_file():
            return path
    return None
