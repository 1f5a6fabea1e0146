"""Installed distributions: whose a file is, what is required, which files are not as recorded."""

import base64
import csv
import hashlib
import importlib.metadata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

from opencv_cuda._versions import parse_requirement

NAME = "opencv-cuda"
_HERE = Path(__file__).resolve()


def ours() -> Distribution | None:
    """This package as it was installed; None where no installer put it here."""
    for found in importlib.metadata.distributions(name=NAME):
        if Path(str(found.locate_file("opencv_cuda/_packages.py"))).resolve() == _HERE:
            return found
    return None


def required() -> dict[str, str]:
    """What this package requires: range of versions by name."""
    found = ours()
    return dict(map(parse_requirement, (found.requires or []) if found else []))


def installed(name: str) -> str | None:
    """The version of a distribution, or None where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except PackageNotFoundError:
        return None


def nvidia() -> list[Distribution]:
    """NVIDIA's packages, each name once: the first on ``sys.path`` is the one that counts."""
    found: dict[str, Distribution] = {}
    for one in importlib.metadata.distributions():
        name = (one.metadata["Name"] or "").lower().replace("_", "-")
        if name.startswith("nvidia-"):
            found.setdefault(name, one)
    return [found[name] for name in sorted(found)]


def owners(distributions: Iterable[Distribution]) -> dict[Path, tuple[str, str]]:
    """Name and version of the distribution by library file.

    Where two have the same file (cuDNN 9 of two CUDAs), the one whose record it fits.
    """
    found: dict[Path, tuple[str, str]] = {}
    for one in distributions:
        for file in libraries_of(one):
            if file.path not in found or file.is_whole(digest=False):
                found[file.path] = (one.metadata["Name"], one.version)
    return found


@dataclass(frozen=True)
class Recorded:
    """A file as an installer recorded it.

    Attributes:
        name: Relative to site-packages, as in RECORD.
        path: Where it lies.
        hash: ``sha256=…``; empty for what an installer may change (``*.pyc``).
        size: In bytes, or None where RECORD has none.
    """

    name: str
    path: Path
    hash: str
    size: int | None

    def is_whole(self, *, digest: bool) -> bool:
        """Whether the file is there and as recorded: its size, or its bytes as well."""
        try:
            if self.size is not None and self.path.stat().st_size != self.size:
                return False
            if not digest or not self.hash:
                return self.path.is_file()
            kind, _, wanted = self.hash.partition("=")
            seen = hashlib.new(kind)
            with self.path.open("rb") as data:
                while block := data.read(1 << 20):
                    seen.update(block)
        except OSError:
            return False
        return base64.urlsafe_b64encode(seen.digest()).rstrip(b"=").decode() == wanted


def recorded(distribution: Distribution) -> Iterator[Recorded]:
    """A distribution's files; `Distribution.files` leaves out those that are missing."""
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        if row:
            name, digest, size = (*row, "", "")[:3]
            path = Path(str(distribution.locate_file(name))).resolve()
            yield Recorded(name, path, digest, int(size) if size.isdecimal() else None)


def libraries_of(distribution: Distribution) -> Iterator[Recorded]:
    """A distribution's shared libraries."""
    return (file for file in recorded(distribution) if ".so" in file.path.name)


def changed(files: Iterable[Recorded], *, digest: bool) -> list[str]:
    """The names of those files that are missing or not as recorded.

    Args:
        files: As `recorded` or `libraries_of` gives them.
        digest: Whether to read the files; otherwise their sizes are compared.
    """
    return [file.name for file in files if file.hash and not file.is_whole(digest=digest)]
