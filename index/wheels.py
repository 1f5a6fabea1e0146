"""A record made from a wheel alone, trusting none of the claims it makes about itself."""

from __future__ import annotations

import hashlib
import re
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_wheel_filename,
)

from index.errors import EntryError
from index.records import Record

METADATA_LIMIT = 4 * 1024 * 1024
"""Bytes of METADATA read at most; a longer one is refused (a zip bomb, or a mistake)."""
CUDA_LABEL = re.compile(r"cu\d{2,4}")


def record_of_wheel(wheel: Path) -> Record:
    """The record of a wheel that has none yet: file name, tags, hash, size and METADATA.

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
    headers = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    told = (headers.get("Name", ""), headers.get("Version", ""))
    if canonicalize_name(told[0]) != name or not _same_version(told[1], str(version)):
        raise EntryError(f"{wheel.name}: its METADATA says {told[0]!r} {told[1]!r}")
    local = version.local or ""
    return Record(
        filename=wheel.name,
        name=name,
        version=str(version),
        build_tag=f"{build[0]}{build[1]}" if build else None,
        tags=tuple(sorted(str(tag) for tag in tags)),
        requires_python=headers.get("Requires-Python"),
        sha256=sha256_file(wheel),
        size=wheel.stat().st_size,
        metadata=metadata.decode(),
        metadata_sha256=hashlib.sha256(metadata).hexdigest(),
        cuda=local if CUDA_LABEL.fullmatch(local) else None,
    )


def read_metadata(wheel: Path) -> bytes:
    """The METADATA file of a wheel.

    Raises:
        EntryError: the archive is damaged, has not exactly one METADATA, or one that is too long
            or not UTF-8.
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
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise EntryError(f"{wheel.name}: not a readable wheel ({error})") from error
    if len(data) > METADATA_LIMIT:
        raise EntryError(f"{wheel.name}: its METADATA is longer than {METADATA_LIMIT} bytes")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise EntryError(f"{wheel.name}: its METADATA is not UTF-8 ({error})") from error
    return data


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same_version(one: str, other: str) -> bool:
    return canonicalize_version(one) == canonicalize_version(other)
