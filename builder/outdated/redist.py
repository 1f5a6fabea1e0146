"""NVIDIA's redistributable archive: the manifests it lists, held against those that are pinned."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from packaging.version import Version

from builder.fetch.settings import FetchSettings
from builder.outdated.pins import Newer, Pin, Places
from builder.outdated.upstream import Upstream
from builder.toolchain.pins import DATA
from builder.toolchain.redist import manifest_pins

KIND = "redist"
BY_HAND = (
    "a manifest's hash stands nowhere else: fetch it, look at it, and pin it here and in the "
    "toolkit's own file by hand"
)
_MANIFEST = re.compile(r"redistrib_(\d+(?:\.\d+)+)\.json")


def archive_pins() -> tuple[Pin, ...]:
    """A pin for each manifest, ``nvidia-cuda-redist`` and ``nvidia-cudnn-redist``."""
    known = manifest_pins()
    return tuple(
        Pin(
            path=DATA / "nvidia-redist.toml",
            kind=KIND,
            name=f"nvidia-{product}-redist",
            version=version,
            filename=PurePosixPath(manifest.manifest).name,
            source=manifest.manifest,
        )
        for product, manifests in (("cuda", known.cuda), ("cudnn", known.cudnn))
        for version, manifest in manifests.items()
    )


def newer_manifests(
    pins: Iterable[Pin], where: Places, upstream: Upstream, settings: FetchSettings
) -> list[Newer]:
    """What the archive lists that is newer; each folder is asked once.

    Args:
        pins: From `archive_pins`.
        where: How far a pin may go.
        upstream: Asks, and remembers what is out of reach.
        settings: Whether a mirror stands in for the archive.
    """
    pages: dict[str, str | None] = {}
    found = []
    for pin in pins:
        folder = settings.replaced(pin.source.rpartition("/")[0]) + "/"
        if folder not in pages:
            pages[folder] = upstream.text(f"NVIDIA's archive ({pin.name})", folder)
        page = pages[folder]
        if page is not None:
            found.append(newer_manifest(pin, _MANIFEST.findall(page), where.kept(pin.name)))
    return [one for one in found if one is not None]


def newer_manifest(pin: Pin, listed: Iterable[str], keep: int) -> Newer | None:
    """What is newer than a pinned manifest among those listed, or None. Pure."""
    pinned = Version(pin.version)
    later = sorted({one for one in map(Version, listed) if one > pinned})
    if not later:
        return None
    near = [one for one in later if one.release[:keep] == pinned.release[:keep]]
    best = near[-1] if near else None
    return Newer(
        pin=pin,
        version=None if best is None else str(best),
        beyond=None if best == later[-1] else str(later[-1]),
    )
