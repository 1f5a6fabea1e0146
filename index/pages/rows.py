"""A project's files as its page shows them: releases, newest first, and a row per file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from markupsafe import Markup
from packaging.version import InvalidVersion

from index.model import File, link, parse_version
from index.pages import gpus, headers, pythons
from index.pages.templating import part

_LINKED = ("../", "https://", "http://", "file://")
_DAY = 10
"""Characters of a time stamp that are its day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What many files of a project say in the same words, already filled in and escaped."""

    facts: Markup
    more: Markup


class Row(NamedTuple):  # made 100,000 times in a full build: a third of a frozen dataclass's cost
    """One file; its text is for a template that escapes it."""

    href: str
    """Empty where the address is none a browser should follow."""
    filename: str
    alike: Alike
    size: str
    sha256: str
    uploaded: str
    yanked: str | None
    build_key: str
    provenance: bool
    guard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version's files, of every CUDA.

    Attributes:
        version: Without the local part.
        rows: Its wheels.
        guards: Its guard sdists.
        count: ``3 files, 53 MB``.
        day: When the last of them was published, or empty.
        latest: Whether it is what the lines to paste install.
        open: Whether the page shows it unfolded.
        mark: ``yanked``, ``pre-release`` or empty.
    """

    version: str
    rows: tuple[Row, ...]
    guards: tuple[Row, ...]
    count: str
    day: str
    latest: bool
    open: bool
    mark: str


def releases(files: Sequence[File], latest: str) -> tuple[Release, ...]:
    """The releases of a project, newest first; the newest and ``latest`` unfolded.

    Args:
        files: The project's files, oldest version first.
        latest: The version, without its local part, that is offered.
    """
    groups = [(key, tuple(group)) for key, group in groupby(files, public_version)]
    return tuple(
        _release(version, group, latest=version == latest, first=number == 0)
        for number, (version, group) in enumerate(reversed(groups))
    )


def public_version(file: File) -> str:
    """A file's version without its local part."""
    return file.version.partition("+")[0]


def size_text(size: int) -> str:
    """Bytes as people read them: ``17.5 MB`` (a MB is a million bytes)."""
    if size < 1000:
        return f"{size} bytes"
    if size < 999_500:
        return f"{size / 1e3:.0f} kB" if size >= 9_950 else f"{size / 1e3:.1f} kB"
    if size < 999_500_000:
        return f"{size / 1e6:.0f} MB" if size >= 99_950_000 else f"{size / 1e6:.1f} MB"
    return f"{size / 1e9:.2f} GB"


def built_text(built: Mapping[str, Any] | None) -> str:
    """How a wheel was built, from its record, in a few words."""
    if not built:
        return ""
    parts = [f"{built['engine']} engine"] if "engine" in built else []
    if "network" in built:
        parts.append("with network" if built["network"] else "no network")
    if "fixed_path" in built:
        parts.append("one fixed path" if built["fixed_path"] else "the machine's own path")
    if "compile_cache" in built:
        parts.append(f"{built['compile_cache']} compile cache")
    known = {"engine", "network", "fixed_path", "compile_cache"}
    if built.keys() - known:
        parts += [f"{key.replace('_', ' ')}: {built[key]}" for key in sorted(built.keys() - known)]
    return ", ".join(part[:200] for part in parts)


def _release(version: str, files: Sequence[File], *, latest: bool, first: bool) -> Release:
    rows = tuple(map(_row, files))
    number = f"{len(rows)} file" + "s" * (len(rows) != 1)
    return Release(
        version=version,
        rows=tuple(row for row in rows if not row.guard),
        guards=tuple(row for row in rows if row.guard),
        count=f"{number}, {size_text(sum(file.size for file in files))}",
        day=max((file.uploaded or "")[:_DAY] for file in files),
        latest=latest,
        open=latest or first,
        mark="yanked" if all(file.yanked is not None for file in files) else _early(version),
    )


def _row(file: File) -> Row:
    href = link(file)
    record = file.record
    if record is None:
        alike = _alike(file.cuda, (), (), None, None, None, "", "")
    else:
        alike = _alike(
            file.cuda,
            record.tags,
            record.architectures,
            record.ptx,
            file.requires_python,
            headers.dependencies(record.metadata),
            record.profile or "",
            built_text(record.built),
        )
    return Row(
        href if href.startswith(_LINKED) else "",
        file.filename,
        alike,
        size_text(file.size),
        file.sha256,
        file.uploaded or "",
        file.yanked,
        "" if record is None else record.build_key or "",
        file.provenance,
        record is None,
    )


@lru_cache(maxsize=4096)
def _alike(
    cuda: str | None,
    tags: tuple[str, ...],
    code: tuple[str, ...],
    ptx: str | None,
    requires_python: str | None,
    depends: tuple[str, ...] | None,
    profile: str,
    built: str,
) -> Alike:
    """The words for a file with these facts; ``depends`` is None for one that is no wheel."""
    facts = part(
        "facts",
        gpus.cuda_name(cuda),
        pythons.describe(tags, requires_python) if tags else "",
        pythons.platforms(tags),
        gpus.short(code, ptx),
    )
    if depends is None:
        return Alike(facts=facts, more=Markup())
    cards = gpus.cards(code, ptx)
    more = part("more", cards, requires_python or "", depends, profile, built)
    return Alike(facts=facts, more=more)


def _early(version: str) -> str:
    try:
        return "pre-release" if parse_version(version).is_prerelease else ""
    except InvalidVersion:
        return ""
