"""What builds cost before they start: bytes to download, disk needed. Estimates say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.fetch.artifact import Artifact
from builder.fetch.licence import licence_note
from builder.plan.facts import ToolchainFacts
from builder.plan.spec import BuildSpec

UNPACKED_PER_BYTE = 8
"""Disk a source archive takes while it is built, per byte of it: unpacked (4 to 7 for the ones we
have) and copied into the project in part."""
TREE_BYTES = 2_000_000_000
"""A build tree with its objects, generously: OpenCV `full` stays under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the builds of a plan need; all in bytes.

    Attributes:
        download: To be downloaded, after what is here already.
        cached: Here already, of what the builds need.
        unknown: File names of downloads whose size is not pinned; not counted.
        disk: Space needed: downloads, toolchains, the largest build tree, the wheels. An estimate.
        licence: A line about NVIDIA's licence where its packages are to be downloaded.
        verifying: To be downloaded by verification besides, for what the wheels themselves require:
            an upper estimate from the toolchain's pins of the same projects, 0 without such pins.
    """

    download: int
    cached: int
    unknown: tuple[str, ...]
    disk: int
    licence: str | None
    verifying: int = 0


NOTHING = Cost(download=0, cached=0, unknown=(), disk=0, licence=None)


def cost_of(
    builds: Sequence[tuple[BuildSpec, int]],
    toolchains: Sequence[ToolchainFacts],
    *,
    cached: frozenset[str],
) -> Cost:
    """The cost of some builds, one after the other.

    Args:
        builds: Build specs and the largest size in bytes each wheel may have.
        toolchains: What they are built with.
        cached: sha256 of downloads already here.
    """
    if not builds:
        return NOTHING
    sources = {one.sha256: one.artifact() for spec, _ in builds for one in spec.archives.values()}
    missing = [one for one in sources.values() if one.sha256 not in cached]
    here = [one for one in sources.values() if one.sha256 in cached]
    download, had = _bytes(missing), _bytes(here)
    parts = {
        part.name: part for one in toolchains for part in one.parts if not part.installed
    }.values()
    to_fetch: list[Artifact] = list(missing)
    for part in parts:
        there = _bytes(one for one in part.artifacts if one.sha256 in cached)
        download += max(0, part.download - there)
        had += there
        to_fetch += [one for one in part.artifacts if one.sha256 not in cached]
    trees = max(
        TREE_BYTES + UNPACKED_PER_BYTE * _bytes(one.artifact() for one in spec.archives.values())
        for spec, _ in builds
    )
    wheels = sum(size for _, size in builds)
    return Cost(
        download=download,
        cached=had,
        unknown=tuple(sorted(one.filename for one in missing if one.size is None)),
        disk=download + sum(part.disk for part in parts) + trees + wheels,
        licence=licence_note(to_fetch),
        verifying=_verifying([spec for spec, _ in builds], toolchains),
    )


def _verifying(specs: Iterable[BuildSpec], toolchains: Iterable[ToolchainFacts]) -> int:
    """Bytes of the pinned packages that are also what the wheels require (cuBLAS, cuDNN …)."""
    required = {
        canonicalize_name(Requirement(text).name) for spec in specs for text in spec.dependencies
    }
    pinned = {one for each in toolchains for part in each.parts for one in part.artifacts}
    return _bytes(one for one in pinned if _project(one) in required)


def _project(artifact: Artifact) -> str | None:
    """The PyPI project an artifact comes from, by its normalised name."""
    scheme, _, rest = artifact.source.partition(":")
    return canonicalize_name(rest.partition("==")[0]) if scheme == "pypi" else None


def _bytes(artifacts: Iterable[Artifact]) -> int:
    return sum(one.size or 0 for one in artifacts)
