"""The toolchain's uv, without the toolchain where that is not installed: one pinned package."""

from __future__ import annotations

from pathlib import Path

from builder.errors import ToolchainError
from builder.fetch import fetch, unpack
from builder.paths import Cache
from builder.toolchain.install import prefix_path
from builder.toolchain.pins import DATA, HOST, Package, load_pins
from builder.ui import Reporter
from index.files import atomic_folder

PROGRAM = "bin/uv"


def find_uv(cache: Cache, reporter: Reporter, *, data: Path = DATA) -> Path:
    """The pinned uv: the installed host prefix's, else its package alone, fetched once.

    Raises:
        FetchError: the package could not be had.
        ToolchainError: no pin brings uv.
    """
    installed = prefix_path(HOST, cache, data=data) / PROGRAM
    if installed.is_file():
        return installed
    package, inside = _pin(data)
    folder = cache.environments / f"uv-program-{package.sha256[:12]}"
    if not (folder / inside).is_file():
        archive = fetch(package.artifact(), cache=cache, reporter=reporter)
        with atomic_folder(folder) as temporary:
            unpack(archive, temporary, include=(inside,))
    return folder / inside


def _pin(data: Path) -> tuple[Package, str]:
    for package in load_pins(HOST, data=data).package:
        for inside, place in package.place.items():
            if place == PROGRAM:
                return package, inside
    raise ToolchainError(f"no package of the host prefix brings '{PROGRAM}'")
