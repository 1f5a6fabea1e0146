"""What is offered of a project: for each CUDA and Python the newest version that serves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion

from index.lines import Lines, lines_for, only_here, root_url
from index.model import File
from index.naming import parse_version
from index.pages import gpus, headers, pythons

UNKNOWN_BASE = "https://SITE"
"""Stands in a line for the site's address where the settings have none."""
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
Offered = tuple[str | None, str]
"""CUDA label and version."""
PER_CUDA = 4
"""Versions offered of one CUDA at most; older ones for ever older Pythons help nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One version of a project for one CUDA.

    Attributes:
        cuda: CUDA label, or None where it stands in every root.
        version: With its local part.
        pythons: The mask of Pythons that no newer version serves.
    """

    cuda: str | None
    version: str
    pythons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An offer as a page shows it: the line to paste, and for whom."""

    cuda: str
    cuda_name: str
    version: str
    pythons: tuple[str, ...]
    """Those of the site's Pythons it is for: what the picker goes by."""
    said: str
    """The Pythons in words."""
    lines: Lines


def offers(files: Sequence[File]) -> tuple[Offer, ...]:
    """The offers of a project, CUDA by CUDA, newest version first; yanked files are none.

    Args:
        files: The project's files, oldest version first.
    """
    by_cuda: dict[str | None, dict[str, int]] = {}
    for file in reversed(files):
        if file.yanked is None and file.record is not None:
            mask = pythons.served(file.record.tags, file.requires_python)
            versions = by_cuda.setdefault(file.cuda, {})
            versions[file.version] = versions.get(file.version, 0) | mask
    labels = gpus.by_version(label for label in by_cuda if label is not None)
    order: list[str | None] = [*labels, *([None] if None in by_cuda else [])]
    return tuple(offer for label in order for offer in _of_cuda(label, by_cuda[label]))


def blocks(
    name: str,
    offered: Sequence[Offer],
    base: str | None,
    wanted: tuple[str, ...],
    *,
    known: Mapping[Offered, File] | None = None,
) -> Iterator[Block]:
    """The lines for a project's offers.

    Args:
        name: Project name.
        offered: Its offers.
        base: The site's address, or None where it is not known.
        wanted: The Pythons the site is for (``3.12``).
        known: The files of the offers, for what a line must say of their dependencies.
    """
    if not _NAME.fullmatch(name):
        return  # nothing to paste into a shell
    reach = pythons.mask_of(wanted)
    shown: set[str | None] = set()
    for offer in offered:
        if offer.cuda in shown and not offer.pythons & reach:
            continue
        shown.add(offer.cuda)
        yield Block(
            cuda=offer.cuda or "",
            cuda_name=gpus.cuda_name(offer.cuda),
            version=offer.version,
            pythons=pythons.among(offer.pythons, wanted),
            said=pythons.ranges(offer.pythons),
            lines=lines_for(
                root_url(base or UNKNOWN_BASE, offer.cuda),
                name,
                offer.version,
                also=_also((known or {}).get((offer.cuda, offer.version))),
            ),
        )


def offered_files(files: Sequence[File], offered: Sequence[Offer]) -> dict[Offered, File]:
    """One file of each offer, by its CUDA and version."""
    wanted = {(offer.cuda, offer.version) for offer in offered}
    return {
        (file.cuda, file.version): file
        for file in files
        if file.yanked is None and file.record is not None and (file.cuda, file.version) in wanted
    }


def _also(file: File | None) -> tuple[str, ...]:
    if file is None or file.record is None:
        return ()
    metadata = file.record.metadata
    pinned = any("==" in one and "+" in one for one in headers.dependencies(metadata))
    return only_here(metadata) if pinned else ()


def _of_cuda(label: str | None, versions: dict[str, int]) -> Iterator[Offer]:
    taken = 0
    count = 0
    for version in _finished(versions):
        new = versions[version] & ~taken
        if count and not new:
            continue
        taken |= new
        count += 1
        yield Offer(cuda=label, version=version, pythons=new)
        if count == PER_CUDA or taken == pythons.EVERY:
            return


def _finished(versions: dict[str, int]) -> list[str]:
    """Releases, or, where there is none, pre-releases; what is no version is never offered."""
    good: list[str] = []
    before: list[str] = []
    for text in versions:
        try:
            (before if parse_version(text).is_prerelease else good).append(text)
        except InvalidVersion:
            continue
    return good or before
