"""What installing a toolchain would cost, of what this machine does not have yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder.fetch.artifact import Artifact
from builder.paths import Cache
from builder.toolchain.install import is_whole, prefix_path, sizes
from builder.toolchain.pins import DATA, HOST, load_pins


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of the prefixes that are missing.

    Attributes:
        files: Packages to download (a component of NVIDIA's archive counts as one).
        download: Bytes to download.
        disk: Bytes the prefixes take when installed.
        estimated: Whether the bytes are estimates, since a manifest has not been read yet.
    """

    files: int
    download: int
    disk: int
    estimated: bool


def cost(label: str, cache: Cache, *, data: Path = DATA) -> Cost:
    """What installing a toolchain would download and take now.

    Raises:
        UsageError: there is no such toolchain.
    """
    files = download = disk = 0
    estimated = False
    for name in (HOST, label):
        pins = load_pins(name, data=data)
        if is_whole(prefix_path(name, cache, data=data), pins, data=data):
            continue
        disk += sizes(name, data=data).installed
        missing = [one for one in pins.package if not _here(one.artifact(), cache)]
        files += len(missing) + sum(len(one.components) for one in pins.redist)
        download += sum(one.size for one in missing) + sum(one.size for one in pins.redist)
        estimated = estimated or bool(pins.redist)
    return Cost(files=files, download=download, disk=disk, estimated=estimated)


def _here(artifact: Artifact, cache: Cache) -> bool:
    from builder.fetch.download import file_path

    return file_path(artifact, cache).is_file()
