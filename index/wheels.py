"""A record made from a wheel alone, trusting none of the claims it makes about itself."""

from __future__ import annotations

import hashlib
import lzma
import re
import struct
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_wheel_filename,
)

from index.errors import EntryError
from index.facts import Facts

if TYPE_CHECKING:
    from index.facts import AnyRecord
    from index.records import Record

METADATA_LIMIT = 4 * 1024 * 1024
"""Bytes of METADATA read at most; a longer one is refused (a zip bomb, or a mistake)."""
CUDA_LABEL = re.compile(r"cu[0-9]{2,4}")
_ASKED = ("Name", "Version", "Requires-Python")
_KEYS = [(header, f"\n{header.lower()}:") for header in _ASKED]
_HEADERS = re.compile(r"(?:[!-9;-~]++:.*+\n)++(?=\n|\Z)")
"""Headers of which none is folded over lines."""
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What `zipfile` raises on damaged archives, as seen by changing their bytes at random."""


def record_of_wheel(wheel: Path) -> Record:
    """The record of a wheel that has none yet (see `facts_of_wheel`).

    Raises:
        EntryError: not a wheel, a damaged one, or one whose METADATA names something else than
            its file name does.
    """
    from index.records import Record  # takes longer than reading a wheel

    return Record(**facts_of_wheel(wheel)._asdict())


def facts_of_wheel(wheel: Path) -> Facts:
    """What a record says of a wheel: file name, tags, hash, size and METADATA.

    The CUDA label is the local part of the version, where that is one (``+cu118``).

    Raises:
        EntryError: not a wheel, a damaged one, or one whose METADATA names something else than
            its file name does.
    """
    try:
        name, version, build, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise EntryError(f"{wheel.name}: {error}") from error
    metadata = read_metadata(wheel)
    requires_python = check_metadata(metadata.decode(), wheel.name, name, str(version))
    local = version.local or ""
    return Facts(
        filename=wheel.name,
        name=name,
        version=str(version),
        build_tag=f"{build[0]}{build[1]}" if build else None,
        tags=tuple(sorted(str(tag) for tag in tags)),
        requires_python=requires_python,
        sha256=sha256_file(wheel),
        size=wheel.stat().st_size,
        metadata=metadata.decode(),
        metadata_sha256=hashlib.sha256(metadata).hexdigest(),
        cuda=local if CUDA_LABEL.fullmatch(local) else None,
    )


def check_metadata(metadata: str, where: str, name: str, version: str) -> str | None:
    """What METADATA says of requires-python, if it is that of this project and version.

    Raises:
        EntryError: it names another project or version, or says one of the three twice, so that
            each reader may take another.
    """
    if _names(metadata, name, version):
        return _told_python(metadata)
    for header, values in zip(_ASKED, _headers(metadata), strict=True):
        if len(values) > 1:
            raise EntryError(f"{where}: its METADATA says {header} twice")
    told_name, told_version, _ = map("".join, _headers(metadata))
    raise EntryError(f"{where}: its METADATA says {told_name!r} {told_version!r}")


@lru_cache(maxsize=8)
def _names(metadata: str, name: str, version: str) -> bool:
    """Whether METADATA names this project, which is written the normal way, and this version."""
    headers = _headers(metadata)
    told_name, told_version, _ = map("".join, headers)
    return (
        max(map(len, headers)) == 1
        and (told_name == name or canonicalize_name(told_name) == name)
        and (told_version == version or _one_version(told_version) == _one_version(version))
    )


@lru_cache(maxsize=4096)
def _one_version(text: str) -> str:
    return canonicalize_version(text)


@lru_cache(maxsize=8)
def _told_python(metadata: str) -> str | None:
    told = _headers(metadata)[2]
    # A long header may be folded over lines.
    return " ".join(told[0].split()) if told else None


def read_headers(metadata: str) -> dict[str, list[str]]:
    """Every value METADATA has for ``Name``, ``Version`` and ``Requires-Python``."""
    well_formed = _HEADERS.match(metadata)
    if well_formed is None or "\r" in metadata:
        from email.parser import HeaderParser  # only what is unusual needs it

        message = HeaderParser().parsestr(metadata)
        return {header: [str(value) for value in message.get_all(header, [])] for header in _ASKED}
    # The same at a tenth of the time, which counts for a hundred thousand records.
    text = f"\n{well_formed[0]}"
    lowered = text.lower()
    if len(text) != len(lowered):  # a letter that is two in lower case
        return {
            header: re.findall(rf"\n{header}:[ \t]*(.*)", text, re.IGNORECASE) for header in _ASKED
        }
    return {header: _values(text, lowered, key) for header, key in _KEYS}


def _values(text: str, lowered: str, key: str) -> list[str]:
    """What follows a key, each time it is there, up to the end of its line."""
    found = []
    at = lowered.find(key)
    while at >= 0:
        start = at + len(key)
        end = text.index("\n", start)
        found.append(text[start:end].lstrip(" \t"))
        at = lowered.find(key, end)
    return found


@lru_cache(maxsize=8)
def _headers(metadata: str) -> tuple[tuple[str, ...], ...]:
    """As `read_headers`; the wheels of one version often share their METADATA."""
    return tuple(tuple(values) for values in read_headers(metadata).values())


def read_metadata(wheel: Path) -> bytes:
    """The METADATA file of a wheel.

    Raises:
        EntryError: the archive is damaged, has not exactly one METADATA, or one that is too long,
            not UTF-8, or in the folder of another project.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [
                entry
                for entry in archive.infolist()
                if re.fullmatch(r"[^/]+\.dist-info/METADATA", entry.filename)
            ]
            if len(found) != 1:
                raise EntryError(f"{wheel.name}: {len(found)} METADATA files, there must be one")
            with archive.open(found[0]) as file:
                data = file.read(METADATA_LIMIT + 1)
    except DAMAGE as error:
        raise EntryError(f"{wheel.name}: not a readable wheel ({error})") from error
    project, _, _ = found[0].filename.partition("/")[0].removesuffix(".dist-info").partition("-")
    if canonicalize_name(project) != canonicalize_name(wheel.name.partition("-")[0]):
        raise EntryError(f"{wheel.name}: its METADATA lies in '{found[0].filename}'")
    if len(data) > METADATA_LIMIT:
        raise EntryError(f"{wheel.name}: its METADATA is longer than {METADATA_LIMIT} bytes")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise EntryError(f"{wheel.name}: its METADATA is not UTF-8 ({error})") from error
    return data


def check_wheel(record: AnyRecord, wheel: Path) -> None:
    """Refuse a wheel that is not the recorded one, byte for byte.

    Raises:
        EntryError: it is missing, or its size or sha256 is another.
    """
    try:
        size = wheel.stat().st_size
    except FileNotFoundError as error:
        raise EntryError(f"{wheel.name}: no such wheel in '{wheel.parent}'") from error
    if size != record.size:
        raise EntryError(f"{wheel.name}: {size} bytes, its record says {record.size}")
    digest = sha256_file(wheel)
    if digest != record.sha256:
        raise EntryError(f"{wheel.name}: sha256 {digest}, its record says {record.sha256}")


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
