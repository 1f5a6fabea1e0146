"""Wheels as archives, read without trusting them; `builder.wheel.write` writes them."""

from __future__ import annotations

import base64
import csv
import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path
from types import TracebackType

from packaging.metadata import RawMetadata, parse_email
from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from builder.errors import CheckError

ELF_MAGIC = b"\x7fELF"
MAX_FILES = 200_000
MAX_UNPACKED = 32 * 1024**3
UNSIGNED = ("RECORD.jws", "RECORD.p7s")
"""Files of .dist-info that RECORD does not vouch for."""
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)
_BAD_ZIP_TOO = (OverflowError, OSError, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """What a wheel's file name says."""

    name: NormalizedName
    version: Version
    build: BuildTag
    tags: frozenset[Tag]

    @property
    def build_tag(self) -> str | None:
        """The build tag as written, or None."""
        return f"{self.build[0]}{self.build[1]}" if self.build else None

    @classmethod
    def parse(cls, filename: str) -> WheelName:
        """Read a file name.

        Raises:
            CheckError: it is not a wheel's.
        """
        try:
            name, version, build, tags = parse_wheel_filename(filename)
        except (InvalidWheelFilename, InvalidVersion) as error:
            raise CheckError(f"'{filename}' is not a wheel's file name: {error}") from None
        return cls(name=name, version=version, build=build, tags=tags)


class Wheel:
    """An open wheel, every name in it checked before anything is read. Use it in a `with` block.

    Raises:
        CheckError: it is no zip archive, is damaged, or holds names that could escape a folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.named = WheelName.parse(path.name)
        if not path.is_file():
            raise CheckError(f"there is no wheel '{path}'")
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_BAD_ZIP, *_BAD_ZIP_TOO) as error:
            raise CheckError(f"{path.name}: not a readable zip archive ({error})") from None
        try:
            self.members = _members(self._zip.infolist(), path.name)
            self.info = self._info_folder()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Wheel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __iter__(self) -> Iterator[str]:
        """The files' names, sorted."""
        return iter(sorted(self.members))

    def read(self, name: str) -> bytes:
        """One file, whole; the archive's own checksum is verified.

        Raises:
            CheckError: there is no such file, or it is damaged.
        """
        if name not in self.members:
            raise CheckError(f"{self.path.name}: there is no '{name}' in it")
        try:
            return self._zip.read(self.members[name])
        except (*_BAD_ZIP, *_BAD_ZIP_TOO) as error:
            raise CheckError(f"{self.path.name}: '{name}' cannot be read ({error})") from None

    def start(self, name: str, size: int) -> bytes:
        """The first bytes of one of its files, with no look at the rest.

        Raises:
            CheckError: it is damaged.
        """
        try:
            with self._zip.open(self.members[name]) as file:
                return file.read(size)
        except (*_BAD_ZIP, *_BAD_ZIP_TOO) as error:
            raise CheckError(f"{self.path.name}: '{name}' cannot be read ({error})") from None

    @property
    def unpacked(self) -> int:
        """The sum of the files' sizes."""
        return sum(member.file_size for member in self.members.values())

    @cached_property
    def metadata(self) -> str:
        """METADATA, whole."""
        return self._text("METADATA")

    @cached_property
    def fields(self) -> RawMetadata:
        """METADATA's fields."""
        return parse_email(self.metadata)[0]

    @cached_property
    def header(self) -> Message:
        """WHEEL's fields."""
        return HeaderParser().parsestr(self._text("WHEEL"))

    @property
    def pure(self) -> bool:
        """WHEEL's Root-Is-Purelib."""
        return str(self.header.get("Root-Is-Purelib", "")).strip().lower() == "true"

    def hashes(self) -> dict[str, tuple[str, int]]:
        """RECORD's hash and size (as it should be) for every file that has one."""
        found = {}
        for name in self:
            if name != f"{self.info}/RECORD":
                data = self.read(name)
                found[name] = (record_hash(data), len(data))
        return found

    def _text(self, name: str) -> str:
        try:
            return self.read(f"{self.info}/{name}").decode()
        except UnicodeDecodeError:
            raise CheckError(f"{self.path.name}: {name} is not UTF-8") from None

    def _info_folder(self) -> str:
        folders = {name.split("/")[0] for name in self.members if "/" in name}
        found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
        if len(found) != 1:
            raise CheckError(
                f"{self.path.name}: one .dist-info folder is needed, there are {len(found)}"
            )
        return found[0]


def _members(entries: Iterable[zipfile.ZipInfo], label: str) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by name, after refusing every name that could do harm."""
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for entry in entries:
        # orig_filename: ZipInfo cuts the name at a NUL and turns the machine's separators.
        name = entry.orig_filename
        parts = name.rstrip("/").split("/")
        if (
            not name.isprintable()
            or "\\" in name
            or name.startswith("/")
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise CheckError(f"{label}: unsafe file name {name!r}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise CheckError(f"{label}: '{name}' is a symbolic link; wheels cannot hold any")
        if entry.is_dir():
            continue
        if name in members:
            raise CheckError(f"{label}: '{name}' is in it twice")
        members[name] = entry
        total += entry.file_size
    if len(members) > MAX_FILES or total > MAX_UNPACKED:
        raise CheckError(f"{label}: {len(members)} files of {total} bytes are more than a wheel's")
    return members


def is_elf(data: bytes) -> bool:
    """Whether these are a compiled file's bytes."""
    return data.startswith(ELF_MAGIC)


def record_hash(data: bytes) -> str:
    """A file's hash as RECORD writes it: ``sha256=…``."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def problems(wheel: Wheel, hashes: dict[str, tuple[str, int]]) -> tuple[str, ...]:
    """Everything wrong with RECORD, WHEEL and METADATA, given the files' true hashes and sizes."""
    return (*_record_problems(wheel, hashes), *_wheel_problems(wheel), *_metadata_problems(wheel))


def _record_problems(wheel: Wheel, hashes: dict[str, tuple[str, int]]) -> list[str]:
    record = f"{wheel.info}/RECORD"
    found: list[str] = []
    listed: set[str] = set()
    try:
        rows = list(csv.reader(wheel.read(record).decode().splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        return [f"RECORD cannot be read: {error}"]
    for row in rows:
        if len(row) != 3:
            found.append(f"RECORD has a row of {len(row)} fields")
            continue
        name, digest, size = row
        if name in listed:
            found.append(f"RECORD lists '{name}' twice")
        listed.add(name)
        if name == record or name in {f"{wheel.info}/{signed}" for signed in UNSIGNED}:
            continue
        if name not in hashes:
            found.append(f"RECORD lists '{name}', which is not in the wheel")
        elif (digest, size) != (hashes[name][0], str(hashes[name][1])):
            found.append(f"RECORD has another hash or size for '{name}'")
    unlisted = {name for name in hashes if name.removeprefix(f"{wheel.info}/") not in UNSIGNED}
    found.extend(f"'{name}' is not in RECORD" for name in sorted(unlisted - listed))
    if record not in listed:
        found.append("RECORD does not list itself")
    return found


def _wheel_problems(wheel: Wheel) -> list[str]:
    found = []
    texts = [str(text).strip() for text in wheel.header.get_all("Tag", [])]
    named = {str(tag) for tag in wheel.named.tags}
    if set(texts) != named:
        found.append(f"WHEEL has the tags {sorted(texts)}, the file name {sorted(named)}")
    build = wheel.header.get("Build")
    if build is not None and str(build).strip() != wheel.named.build_tag:
        found.append(f"WHEEL has the build tag {build}, the file name {wheel.named.build_tag}")
    if not str(wheel.header.get("Wheel-Version", "")).strip().startswith("1."):
        found.append("WHEEL has no Wheel-Version 1.x")
    return found


def _metadata_problems(wheel: Wheel) -> list[str]:
    found = []
    name, version = wheel.fields.get("name", ""), wheel.fields.get("version", "")
    if canonicalize_name(name) != wheel.named.name:
        found.append(f"METADATA has the name '{name}', the file name '{wheel.named.name}'")
    try:
        same = Version(version) == wheel.named.version
    except InvalidVersion:
        same = False
    if not same:
        found.append(f"METADATA has the version '{version}', the file name {wheel.named.version}")
    folder = wheel.info.removesuffix(".dist-info").rpartition("-")
    if canonicalize_name(folder[0]) != wheel.named.name:
        found.append(f"the folder {wheel.info} belongs to another project")
    return found
