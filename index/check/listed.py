"""One advertised file as an installer reads it, and the rules its parts must keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from index.addresses import link, provenance_url
from index.model import File

HASH = re.compile(r"[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
MAJOR = "1"
LARGEST_SIZE = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a page says of one file.

    Attributes:
        filename: Its name.
        url: Where it is, as it stands in the page, without the fragment.
        sha256: 64 hexadecimal digits.
        size: Bytes, or None where the page does not say.
        requires_python: Version specifier, or None.
        core_metadata: sha256 of ``X.whl.metadata``, or None where there is none.
        yanked: Why, or None.
        uploaded: RFC 3339, or None.
        provenance: Where its attestations are, or None.
    """

    filename: str
    url: str
    sha256: str
    size: int | None = None
    requires_python: str | None = None
    core_metadata: str | None = None
    yanked: str | None = None
    uploaded: str | None = None
    provenance: str | None = None

    @classmethod
    def of_file(cls, file: File, base_url: str | None) -> Listed:
        """What the ledger would have a page say, on a site at ``base_url`` (where it has one)."""
        return cls(
            filename=file.filename,
            url=link(file),
            sha256=file.sha256,
            size=file.size,
            requires_python=file.requires_python or None,
            core_metadata=file.metadata_sha256,
            yanked=file.yanked,
            uploaded=file.uploaded,
            provenance=provenance_url(file, base_url),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a project's page says.

    Attributes:
        files: Those that keep every rule.
        broken: Names of those that do not.
        problems: Rules that are broken, one line each.
        whole: Whether the page could be read at all; if not, it lists nothing.
    """

    files: tuple[Listed, ...] = ()
    broken: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """What a root's page says.

    Attributes:
        names: Projects.
        problems: Rules that are broken, one line each.
        whole: Whether the page could be read at all.
    """

    names: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    whole: bool = True


def unreadable(why: str) -> Reading:
    """A page that no installer makes anything of."""
    return Reading(problems=(why,), whole=False)


def rules_broken(listed: Listed) -> Iterator[str]:
    """The rules of pip and uv that a file's parts break."""
    name = listed.filename
    if listed.url:  # readers have told of what is not there at all
        yield from _address_broken(name, listed.url)
    if listed.sha256 and not HASH.fullmatch(listed.sha256):
        yield f"its sha256 {listed.sha256!r} is not 64 hexadecimal digits"
    if listed.core_metadata is not None and not HASH.fullmatch(listed.core_metadata):
        yield f"its METADATA's sha256 {listed.core_metadata!r} is not 64 hexadecimal digits"
    if listed.requires_python is not None and not _is_specifier(listed.requires_python):
        yield f"its requires-python {listed.requires_python!r} is no version specifier"
    if listed.size is not None and not 0 <= listed.size <= LARGEST_SIZE:
        yield f"its size {listed.size} is none"
    if listed.uploaded is not None and not is_time(listed.uploaded):
        yield f"its upload time {listed.uploaded!r} is not RFC 3339 in UTC"


def _address_broken(name: str, url: str) -> Iterator[str]:
    try:
        last = unquote(urlsplit(url).path.rpartition("/")[2], errors="strict")
    except ValueError as error:  # UnicodeDecodeError is one
        yield f"its address {url!r} cannot be read ({error})"
        return
    if last != name:
        yield f"its address ends in {last!r}"
    if "+" in url:
        yield "its address has a bare '+', which some hosts read as a space (%2B is safe)"


@lru_cache(maxsize=256)
def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def is_time(text: str) -> bool:
    """Whether text is a moment as RFC 3339 writes it, in UTC (``2026-11-21T00:00:00Z``)."""
    if not TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def version_problem(version: object) -> str | None:
    """What is wrong with a repository version; installers refuse another major one (PEP 629)."""
    if not isinstance(version, str):
        return "it says no repository version"
    if not re.fullmatch(r"\d+\.\d+", version) or version.partition(".")[0] != MAJOR:
        return f"its repository version is {version!r}, installers read {MAJOR}.x"
    return None


def sort_out(entries: list[tuple[Listed, list[str]]], problems: list[str]) -> Reading:
    """A reading from files and what is wrong with each, and with the page."""
    good: dict[str, Listed] = {}
    broken: set[str] = set()
    for listed, wrong in entries:
        told = [*wrong, *rules_broken(listed)]
        if listed.filename in good or listed.filename in broken:
            told.append("it is listed twice")
        problems += [f"{listed.filename}: {line}" for line in told]
        if told:
            broken.add(listed.filename)
        else:
            good[listed.filename] = listed
    kept = tuple(listed for name, listed in good.items() if name not in broken)
    return Reading(files=kept, broken=frozenset(broken), problems=tuple(problems))


def differences(wanted: Listed, said: Listed) -> Iterator[tuple[str, str, str]]:
    """Where a page differs from the ledger on one file: what, as it should be, as it is."""
    for field in fields(Listed):
        right, there = getattr(wanted, field.name), getattr(said, field.name)
        if field.name == "requires_python":  # a folded header is unfolded in HTML
            right, there = _one_line(right), _one_line(there)
        if right != there:
            yield field.name.replace("_", "-"), _shown(right), _shown(there)


def _one_line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
