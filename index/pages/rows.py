"""A project's files as its page shows them: releases, newest first, and a row per file.

By hand, not by a template: a full build makes a hundred thousand rows, and most words of one are
those of many others. Everything that is filled in is escaped, but for digests, which are
hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from markupsafe import Markup
from packaging.version import InvalidVersion

from index.addresses import link
from index.model import File, parse_version
from index.pages import gpus, headers, pythons
from index.pages.escaping import for_people as escape
from index.pages.templating import part

_LINKED = ("../", "https://", "http://", "file://")
"""How addresses begin that a browser should follow."""
_DAY = 10
"""Characters of a time stamp that are its day."""


class Alike(NamedTuple):
    """What many files of a project say in the same words, already filled in and escaped."""

    facts: str
    more: str


def releases(files: Sequence[File], latest: str) -> Markup:
    """The releases of a project, newest first; the newest and ``latest`` unfolded.

    Args:
        files: The project's files, oldest version first.
        latest: The version, without its local part, that is offered.
    """
    groups = [(version, tuple(some)) for version, some in groupby(files, public_version)]
    parts: list[str] = []
    for number, (version, some) in enumerate(reversed(groups)):
        parts += _release(version, some, latest=version == latest, first=number == 0)
    return Markup("".join(parts))  # noqa: S704 - escaped where it is filled in


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


def _release(version: str, files: Sequence[File], *, latest: bool, first: bool) -> Iterator[str]:
    number = f"{len(files)} file" + "s" * (len(files) != 1)
    said = f"{number}, {size_text(sum([file.size for file in files]))}"
    day = max([(file.uploaded or "")[:_DAY] for file in files])
    mark = "yanked" if all(file.yanked is not None for file in files) else _early(version)
    marks = '<span class="mark latest">latest</span>' if latest else ""
    marks += f'<span class="mark">{mark}</span>' if mark else ""
    yield (
        f'<details class="release"{" open" if latest or first else ""}>\n'
        f"<summary><h3>{escape(version)}</h3>{marks}"
        f'<span class="dim">{f"{said}, {escape(day)}" if day else said}</span></summary>\n'
        '<ul class="files">\n'
    )
    guards = [file for file in files if file.record is None]
    yield from map(_wheel, files if not guards else [file for file in files if file.record])
    yield "</ul>\n"
    if guards:
        yield (
            '<div class="guards">\n'
            f'<p class="note"><span class="mark">guard{"" if len(guards) == 1 else "s"}</span> '
            "Not the package. Installers take one where no wheel fits, and its build then says "
            "which Pythons and platforms there are wheels for.</p>\n"
            '<ul class="files">\n'
        )
        yield from map(_guard, guards)
        yield "</ul>\n</div>\n"
    yield "</details>\n"


def _wheel(file: File) -> str:
    record = file.record
    assert record is not None
    alike = _alike(
        file.cuda,
        record.tags,
        record.architectures,
        record.ptx,
        file.requires_python,
        record.metadata,
        record.profile or "",
        built_text(record.built),
    )
    href, named = _named(file)
    key = record.build_key
    made = f"<dt>Build key</dt><dd><code>{escape(key)}</code></dd>\n" if key else ""
    attested = f', <a href="{href}.provenance">provenance</a>' if file.provenance else ""
    beside = ""
    if href:
        metadata = f'<a href="{href}.metadata">metadata</a>'
        beside = f"<dt>Beside it</dt><dd>{metadata}{attested}</dd>\n"
    yanked = file.yanked is not None
    return (
        f'<li class="file{" yanked" if yanked else ""}">\n'
        f"{named}{_why(file) if yanked else ''}"
        f'<p class="facts">{alike.facts}<span>{size_text(file.size)}</span></p>\n'
        "<details><summary>Hash, GPUs, dependencies, build</summary><dl>\n"
        f"<dt>sha256</dt><dd><code>{file.sha256}</code></dd>\n"
        f"{alike.more}\n{made}{_published(file.uploaded)}{beside}"
        "</dl></details>\n</li>\n"
    )


@lru_cache(maxsize=256)
def _published(time: str | None) -> str:
    return f"<dt>Published</dt><dd>{escape(time)}</dd>\n" if time else ""


def _guard(file: File) -> str:
    facts = _facts(file.cuda, (), None, (), None)
    yanked = ""
    if file.yanked is not None:
        yanked = f"<span>yanked{f': {escape(file.yanked)}' if file.yanked else ''}</span>"
    return (
        f'<li class="file{" yanked" if yanked else ""}">\n'
        f"{_named(file)[1]}"
        f'<p class="facts">{facts}<span>{size_text(file.size)}</span>{yanked}</p>\n'
        f'<p class="hash">sha256 <code>{file.sha256}</code></p>\n'
        "</li>\n"
    )


def _named(file: File) -> tuple[str, str]:
    """A file's address, empty where it is none a browser should follow, and its name's line."""
    href, name = link(file), escape(file.filename)
    if not href.startswith(_LINKED):
        return "", f'<p class="name">{name}</p>\n'
    href = escape(href)
    return href, f'<p class="name"><a href="{href}">{name}</a></p>\n'


def _why(file: File) -> str:
    why = f": {escape(file.yanked)}" if file.yanked else ""
    return (
        f'<p class="why"><b>Yanked</b>{why}. '
        "Installers take it only where this very version is asked for.</p>\n"
    )


@lru_cache(maxsize=256)
def _alike(
    cuda: str | None,
    tags: tuple[str, ...],
    code: tuple[str, ...],
    ptx: str | None,
    requires_python: str | None,
    metadata: str,
    profile: str,
    built: str,
) -> Alike:
    """The words for a wheel with these facts; those of one version have most in common."""
    depends = headers.dependencies(metadata)
    more = _more(gpus.cards(code, ptx), requires_python or "", depends, profile, built)
    return Alike(_facts(cuda, tags, requires_python, code, ptx), more)


@lru_cache(maxsize=4096)
def _facts(
    cuda: str | None,
    tags: tuple[str, ...],
    requires_python: str | None,
    code: tuple[str, ...],
    ptx: str | None,
) -> str:
    python = pythons.describe(tags, requires_python) if tags else ""
    return str(
        part("facts", gpus.cuda_name(cuda), python, pythons.platforms(tags), gpus.short(code, ptx))
    )


@lru_cache(maxsize=4096)
def _more(
    cards: str, requires_python: str, depends: tuple[str, ...], profile: str, built: str
) -> str:
    return str(part("more", cards, requires_python, depends, profile, built))


def _early(version: str) -> str:
    try:
        return "pre-release" if parse_version(version).is_prerelease else ""
    except InvalidVersion:
        return ""
