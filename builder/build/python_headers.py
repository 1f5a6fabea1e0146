"""The headers of one Python, for wheels that are compiled for that Python alone.

The toolchain brings headers of its own for the limited API. Whoever needs the whole API needs those
of the very Python, which no registry has for every version: they are taken from a Python that is
installed here, and their digest is in the build key. When other headers are another build, and when
not: `builder.plan.headers`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import MachineError
from builder.verify.pythons import Places, candidates
from index.files import write_bytes

TRIPLET = "x86_64-linux-gnu"
_FILES = ("*.h", "cpython/*.h", "internal/*.h", "internal/**/*.h")
"""CPython's own: packages put theirs beside them, in folders."""
_VERSION = re.compile(r'^#define PY_VERSION\s+"((3\.\d+)\.(\d+)(?:rc\d+)?\+?)"', re.MULTILINE)
_FREE_THREADED = re.compile(r"^\s*#\s*define\s+Py_GIL_DISABLED\s+1", re.MULTILINE)
_64_BITS = re.compile(r"^\s*#\s*define\s+SIZEOF_VOID_P\s+8\b", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The headers of one Python.

    Attributes:
        python: Its minor version, ``3.13``.
        version: Its whole version, ``3.13.0``.
        folder: Where they lie.
        files: (name, file) of each, sorted by name.
        digest: sha256 over names and contents.
    """

    python: str
    version: str
    folder: Path
    files: tuple[tuple[str, Path], ...]
    digest: str

    @property
    def stamp(self) -> str:
        """What a build spec says of them: ``3.13.0 9f86d0…``, release and digest."""
        return f"{self.version} {self.digest}"


def find_headers(
    python: str, *, env: Mapping[str, str] | None = None, places: Places | None = None
) -> Headers | None:
    """The headers of a Python on this machine, of the highest patch version; None without any.

    Args:
        python: ``3.13``.
        env: The user's environment (default: this process's own).
        places: Where to look; None for where that environment says.
    """
    found = list(_all(python, places or Places.of(os.environ if env is None else env)))
    return max(found, key=lambda one: (_patch(one.version), one.digest), default=None)


def put_headers(python: str, stamp: str, into: Path, *, places: Places | None = None) -> None:
    """Copy the headers a build was planned with (their `stamp`) into the new folder ``into``.

    Raises:
        MachineError: they are no longer there, or no longer the same.
    """
    for headers in _all(python, places or Places.of(os.environ)):
        if headers.stamp == stamp:
            for name, file in headers.files:
                write_bytes(into / name, file.read_bytes(), flush=False)
            return
    raise MachineError(
        f"the headers of Python {python} changed after the build was planned",
        remedy="run the command again, and leave that Python alone meanwhile",
    )


def _all(python: str, places: Places) -> Iterator[Headers]:
    """Every set of headers of this minor version, each folder once."""
    seen: set[Path] = set()
    for program in candidates(python, places):
        for path in (program, program.resolve()):
            folder = path.parent.parent / "include" / f"python{python}"
            real = folder.resolve()
            if real in seen:
                continue
            seen.add(real)
            headers = _read(python, folder)
            if headers is not None:
                yield headers


def _read(python: str, folder: Path) -> Headers | None:
    """The headers in a folder, if they are whole and of a Python that wheels are made for."""
    try:
        files = {
            path.relative_to(folder).as_posix(): path
            for pattern in _FILES
            for path in folder.glob(pattern)
        }
        if not {"Python.h", "patchlevel.h", "pyconfig.h"} <= set(files):
            return None
        # Debian's own is a switch between architectures.
        inner = folder.parent / TRIPLET / folder.name / "pyconfig.h"
        if f"{TRIPLET}/{folder.name}/pyconfig.h" in files["pyconfig.h"].read_text():
            files["pyconfig.h"] = inner
        version = _VERSION.search(files["patchlevel.h"].read_text())
        config = files["pyconfig.h"].read_text()
        if version is None or version[2] != python or _FREE_THREADED.search(config):
            return None
        if not _64_BITS.search(config):
            return None
        listed = tuple(sorted(files.items()))
        lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {n}\n" for n, file in listed]
    except (OSError, UnicodeDecodeError):
        return None  # torn, or closed to this user
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return Headers(python=python, version=version[1], folder=folder, files=listed, digest=digest)


def _patch(version: str) -> tuple[int, bool]:
    """The patch version; a release comes after its candidates."""
    number, candidate, _ = version.rpartition(".")[2].rstrip("+").partition("rc")
    return int(number), not candidate
