"""Which of the versions on offer is newer than a pin, and may take its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from builder.fetch.artifact import Artifact
from builder.fetch.pypi import Offer
from builder.outdated.pins import Newer, Pin

Order = list[tuple[tuple[tuple[int, int], ...], int]]
_HERE = re.compile(r"(many)?linux\w*_x86_64|any")
"""Platforms of wheels that serve the machines wheels are built on and for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A release's file: its version and what kind of file it is (interpreter and ABI, or sdist)."""

    version: Version
    kind: str
    offer: Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianFile:
    """A file of a Debian package list.

    Attributes:
        name: The package.
        version: Whole, with epoch and Debian's own revision.
        path: ``pool/…``.
        sha256: Of it.
        size: Bytes.
    """

    name: str
    version: str
    path: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def read_offer(offer: Offer) -> File | None:
    """What an offered file is; None for one that nobody here could use."""
    try:
        if offer.filename.endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(offer.filename)
            if not any(_HERE.fullmatch(tag.platform) for tag in tags):
                return None
            kinds = sorted({f"{tag.interpreter}-{tag.abi}" for tag in tags})
            return File(version=version, kind=kinds[0], offer=offer)
        _, version = parse_sdist_filename(offer.filename)
        return File(version=version, kind="sdist", offer=offer)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def newer_release(pin: Pin, offers: Iterable[Offer], keep: int) -> Newer | None:
    """What is newer than a pin among an index's files, or None.

    Yanked and pre-releases do not count, nor versions with no file of the pinned one's kind.

    Args:
        pin: Of kind ``pypi``, ``requirement`` or ``tool``.
        offers: The project's files.
        keep: How many leading numbers of the version stay.
    """
    pinned = Version(pin.version)
    files = [file for file in map(read_offer, offers) if file is not None]
    own = next((file.kind for file in files if file.offer.filename == pin.filename), None)
    own = own or _kind_of(pin.filename)
    fit = [
        file
        for file in files
        if file.offer.yanked is None
        and not file.version.is_prerelease
        and (own is None or file.kind == own)
        and file.version > pinned
    ]
    if not fit:
        return None
    newest = max(fit, key=_order)
    near = [file for file in fit if file.version.release[:keep] == pinned.release[:keep]]
    best = max(near, key=_order, default=None)
    beyond = None if best is not None and best.version == newest.version else str(newest.version)
    if best is None:
        return Newer(pin=pin, version=None, beyond=beyond)
    return Newer(
        pin=pin,
        version=str(best.version),
        beyond=beyond,
        artifact=_artifact(pin, best) if pin.kind == "pypi" else None,
    )


def _order(file: File) -> tuple[Version, str]:
    return file.version, file.offer.filename


def _kind_of(filename: str) -> str | None:
    """Of a pinned file that the index no longer lists."""
    if not filename:
        return None
    file = read_offer(Offer(filename=filename, url="", sha256=None))
    return None if file is None else file.kind


def _artifact(pin: Pin, file: File) -> Artifact | None:
    if file.offer.sha256 is None:
        return None
    return Artifact(
        filename=file.offer.filename,
        source=f"pypi:{pin.name}=={file.version}",
        sha256=file.offer.sha256.lower(),
    )


def newer_package(pin: Pin, listed: Iterable[DebianFile]) -> Newer | None:
    """What is newer than a pin of Debian's among its package lists, or None.

    A package (``debian``) is renewed only within its upstream version (a toolkit stays one); a
    source only within upstream's first number. What else is newer is said.
    """
    fit = [
        one
        for one in listed
        if one.name == pin.name and debian_order(_upstream(pin, one)) > debian_order(pin.version)
    ]
    if not fit:
        return None
    newest = max(fit, key=lambda one: debian_order(one.version))
    near = [one for one in fit if _line(pin, _upstream(pin, one)) == _line(pin, pin.version)]
    best = max(near, key=lambda one: debian_order(one.version), default=None)
    beyond = None if best == newest else _upstream(pin, newest)
    if best is None:
        return Newer(pin=pin, version=None, beyond=beyond)
    artifact = Artifact(
        filename=best.filename, source=f"debian:{best.path}", sha256=best.sha256, size=best.size
    )
    return Newer(pin=pin, version=_upstream(pin, best), beyond=beyond, artifact=artifact)


def _upstream(pin: Pin, one: DebianFile) -> str:
    """A listed version as the pin writes it: without epoch, of a source without the revision."""
    version = one.version.partition(":")[2] or one.version
    return version.rpartition("-")[0] or version if pin.kind == "debian-source" else version


def _line(pin: Pin, version: str) -> str:
    if pin.kind == "debian-source":
        return next(iter(re.findall(r"\d+", version)), version)
    return version.partition("~")[0].rpartition("-")[0] or version.partition("~")[0]


def debian_order(version: str) -> tuple[Order, Order]:
    """A sort key for Debian's versions (deb-version(7)), the epoch left out: upstream's, revision.

    Each part that is no number compares letter by letter, ``~`` before the end and letters before
    everything else; then each number by its value.
    """
    text = version.partition(":")[2] or version
    upstream, dash, revision = text.rpartition("-")
    return (_order_of(upstream), _order_of(revision)) if dash else (_order_of(text), _order_of(""))


def _order_of(text: str) -> Order:
    key = []
    while text:
        words = re.match(r"\D*", text)
        assert words is not None
        text = text[words.end() :]
        number = re.match(r"\d*", text)
        assert number is not None
        text = text[number.end() :]
        letters = (*(_letter(one) for one in words.group()), (0, 0))
        key.append((letters, int(number.group() or 0)))
    return [*key, (((0, 0),), 0)]


def _letter(one: str) -> tuple[int, int]:
    if one == "~":
        return -1, 0
    return (1, ord(one)) if one.isalpha() else (2, ord(one))


def newest_pythons(offers: Iterable[Offer], known: Iterable[str]) -> tuple[str, ...]:
    """Pythons that a project has wheels for and a table lacks, newer than all it has: ``3.15``."""
    ours = max(tuple(map(int, one.split("."))) for one in known)
    found = set()
    for offer in offers:
        for minor in re.findall(r"-cp3(\d+)-cp3\d+-", offer.filename):
            if (3, int(minor)) > ours and offer.yanked is None and _final(offer.filename):
                found.add((3, int(minor)))
    return tuple(f"{major}.{minor}" for major, minor in sorted(found))


def _final(filename: str) -> bool:
    file = read_offer(Offer(filename=filename, url="", sha256=None))
    return file is not None and not file.version.is_prerelease


def newest_toolkits(offers: Iterable[Offer], known: Iterable[str]) -> tuple[str, ...]:
    """CUDA versions on offer that are newer than all that a table has: ``13.2``."""
    ours = max(Version(one) for one in known)
    found = {
        (file.version.major, file.version.minor)
        for file in map(read_offer, offers)
        if file is not None and not file.version.is_prerelease and file.offer.yanked is None
    }
    return tuple(
        f"{major}.{minor}" for major, minor in sorted(found) if Version(f"{major}.{minor}") > ours
    )
