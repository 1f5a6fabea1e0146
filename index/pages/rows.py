"""A project's files as its page shows them: releases, newest first, and a row per file.

By hand, not by a template: a full build makes a hundred thousand rows, and most words of one are
those of many others. Everything that is filled in is escaped, but for digests, which are
hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from packaging.version import InvalidVersion

from index.model import File
from index.naming import parse_version
from index.pages import gpus, headers, pythons
from index.pages.escaping import Linked
from index.pages.escaping import for_people as escape
from index.pages.templating import part

if TYPE_CHECKING:
    from index.facts import AnyRecord

_LINKED = ("../", "https://", "http://", "file://")
"""How addresses begin that a browser should follow."""
_DAY = 10
"""Characters of a time stamp that are its day."""


_SHARED = "GPUs, dependencies, build"
_ALL, _OWN = f"Hash, {_SHARED}", "Hash and build key"
"""What a file's row unfolds: everything, or what it has for itself."""
Shown = tuple[File, Linked]
"""A file, and its address and name."""
_Wheel: TypeAlias = "tuple[File, Linked, AnyRecord]"


def releases(files: Sequence[File], at: Sequence[Linked], latest: str) -> str:
    """The releases of a project, newest first; the newest and ``latest`` unfolded.

    Args:
        files: The project's files, oldest version first.
        at: Address and name of each.
        latest: The version, without its local part, that is offered.
    """
    shown = zip(files, at, strict=True)
    groups = [(version, [*some]) for version, some in groupby(shown, _version_of)]
    parts: list[str] = []
    for number, (version, some) in enumerate(reversed(groups)):
        parts += _release(version, some, latest=version == latest, first=number == 0)
    return "".join(parts)


def public_version(file: File) -> str:
    """A file's version without its local part."""
    return _public(file.version)


def _version_of(shown: Shown) -> str:
    return _public(shown[0].version)


@lru_cache(maxsize=4096)
def _public(version: str) -> str:
    return version.partition("+")[0]


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
    try:
        return _built_text(tuple(built), *built.values())
    except TypeError:  # a list in it, or an object
        return _built_text.__wrapped__(tuple(built), *built.values())


@lru_cache(maxsize=256, typed=True)
def _built_text(keys: tuple[str, ...], *values: object) -> str:
    """The words for these facts, which are those of many wheels; 1 and true are two things."""
    built = dict(zip(keys, values, strict=True))
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


def _release(version: str, shown: Sequence[Shown], *, latest: bool, first: bool) -> Iterator[str]:
    files = [file for file, _ in shown]
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
    guards = [one for one in shown if one[0].record is None]
    yield from _wheels(shown)
    yield "</ul>\n"
    if guards:
        yield (
            '<div class="guards">\n'
            f'<p class="note"><span class="mark">guard{"" if len(guards) == 1 else "s"}</span> '
            "Not the package. Installers take one where no wheel fits, and its build then says "
            "which Pythons and platforms there are wheels for.</p>\n"
            '<ul class="files">\n'
        )
        yield from [_guard(file, at) for file, at in guards]
        yield "</ul>\n</div>\n"
    yield "</details>\n"


def _wheels(shown: Sequence[Shown]) -> Iterator[str]:
    """A row per wheel; what several have in common stands in a row behind them."""
    for some in _alike(shown):
        file, _, record = some[0]
        before, after = _cuda(file.cuda), _code(record.architectures, record.ptx)
        more = _more(
            gpus.cards(record.architectures, record.ptx),
            file.requires_python or "",
            headers.dependencies(record.metadata),
            record.profile or "",
            built_text(record.built),
        )
        title, own = (_ALL, f"{more}\n") if len(some) == 1 else (_OWN, "")
        between = f"</span></p>\n<details><summary>{title}</summary><dl>\n<dt>sha256</dt><dd><code>"
        for file, at, record in some:
            yield _wheel(
                file,
                at,
                record.build_key,
                f"{before}{_tags(record.tags, file.requires_python)}{after}",
                between,
                own,
            )
        if not own:
            yield (
                '<li class="file shared">\n'
                f"<details><summary>{_SHARED} of the {len(some)} files above</summary><dl>\n"
                f"{more}\n"
                "</dl></details>\n</li>\n"
            )


def _alike(shown: Sequence[Shown]) -> Iterator[list[_Wheel]]:
    """The wheels, those together that follow each other and differ in what is their own only."""
    some: list[_Wheel] = []
    before: tuple[object, ...] = ()
    for file, at in shown:
        record = file.record
        if record is None:
            continue
        this = (
            record.metadata,
            file.cuda,
            file.requires_python,
            record.architectures,
            record.ptx,
            record.profile,
            repr(record.built),  # 1 and true are two things
        )
        if some and this != before:
            yield some
            some = []
        before = this
        some.append((file, at, record))
    if some:
        yield some


def _wheel(file: File, at: Linked, key: str | None, facts: str, between: str, more: str) -> str:
    """A wheel's row; of ``between`` and ``more`` are what its neighbours say, too."""
    href, named = _named(at)
    attested = beside = made = why = marked = ""
    if key:
        said = key if key.isalnum() else escape(key)
        made = f"<dt>Build key</dt><dd><code>{said}</code></dd>\n"
    if file.provenance:
        attested = f', <a href="{href}.provenance">provenance</a>'
    if href:
        metadata = f'<a href="{href}.metadata">metadata</a>'
        beside = f"<dt>Beside it</dt><dd>{metadata}{attested}</dd>\n"
    if file.yanked is not None:
        marked, why = " yanked", _why(file)
    return (
        f'<li class="file{marked}">\n{named}{why}<p class="facts">{facts}'
        f"<span>{size_text(file.size)}{between}{file.sha256}</code></dd>\n"
        f"{more}{made}{_published(file.uploaded)}{beside}</dl></details>\n</li>\n"
    )


@lru_cache(maxsize=256)
def _published(time: str | None) -> str:
    return f"<dt>Published</dt><dd>{escape(time)}</dd>\n" if time else ""


def _guard(file: File, at: Linked) -> str:
    yanked = ""
    if file.yanked is not None:
        yanked = f"<span>yanked{f': {escape(file.yanked)}' if file.yanked else ''}</span>"
    return (
        f'<li class="file{" yanked" if yanked else ""}">\n'
        f"{_named(at)[1]}"
        f'<p class="facts">{_cuda(file.cuda)}<span>{size_text(file.size)}</span>{yanked}</p>\n'
        f'<p class="hash">sha256 <code>{file.sha256}</code></p>\n'
        "</li>\n"
    )


def _named(at: Linked) -> tuple[str, str]:
    """A file's address, empty where it is none a browser should follow, and its name's line."""
    href, name, plain = at
    if not plain:
        href, name = escape(href), escape(name)
    if not href.startswith(_LINKED):
        return "", f'<p class="name">{name}</p>\n'
    return href, f'<p class="name"><a href="{href}">{name}</a></p>\n'


def _why(file: File) -> str:
    why = f": {escape(file.yanked)}" if file.yanked else ""
    return (
        f'<p class="why"><b>Yanked</b>{why}. '
        "Installers take it only where this very version is asked for.</p>\n"
    )


@lru_cache(maxsize=256)
def _cuda(label: str | None) -> str:
    return f'<span class="cuda">{escape(gpus.cuda_name(label))}</span>'


@lru_cache(maxsize=4096)
def _tags(tags: tuple[str, ...], requires_python: str | None) -> str:
    """Pythons and platforms, in words."""
    python, platforms = pythons.describe(tags, requires_python), pythons.platforms(tags)
    said = f"<span>Python {escape(python)}</span>" if python else ""
    return f"{said}<span>{escape(platforms)}</span>" if platforms else said


@lru_cache(maxsize=1024)
def _code(code: tuple[str, ...], ptx: str | None) -> str:
    said = gpus.short(code, ptx)
    return f"<span>GPU code for {escape(said)}</span>" if said else ""


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
