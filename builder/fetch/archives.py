"""Reading archives front to back: tar in any compression, zip and wheel, Debian packages."""

from __future__ import annotations

import bz2
import calendar
import contextlib
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import IO, Literal, cast

import zstandard

from builder.fetch.ahead import Ahead

BLOCK = 1024 * 1024
BUFFER = 128 * 1024
AR_MAGIC = b"!<arch>\n"
AR_HEADER = 60
MAGICS: tuple[tuple[bytes, str], ...] = (
    (AR_MAGIC, "ar"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gz"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bz2"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)


class DamagedError(Exception):
    """The archive ends too early or is not what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of an archive; its data must be read before the next entry is asked for.

    Attributes:
        name: As the archive has it, unchecked.
        kind: ``other`` is a device, a pipe or something unknown.
        mode: Permission bits as the archive has them.
        mtime: Seconds since 1970.
        size: Bytes of data.
        target: What a link leads to, unchecked.
        open: The data of a file.
    """

    name: str
    kind: Literal["file", "folder", "symlink", "hardlink", "other"]
    mode: int
    mtime: float
    size: int = 0
    target: str = ""
    open: Callable[[], IO[bytes]] = io.BytesIO


def members(file: IO[bytes]) -> Generator[Member, None, None]:
    """Every entry of the archive in an open, seekable file, whatever its format.

    Close it before the file: another thread may be reading that.

    Raises:
        DamagedError: it cannot be read to its end.
    """
    with damage():
        kind = _format(file)
        if kind == "zip":
            yield from _zip_members(file)
        elif kind == "tar":
            yield from _tar_members(file)
        else:
            stream = _deb_data(file) if kind == "ar" else _decompressed(file, kind)
            with io.BufferedReader(Ahead(stream), BUFFER) as ahead:
                yield from _tar_members(cast(IO[bytes], ahead))


@contextlib.contextmanager
def damage() -> Iterator[None]:
    """Turn every way these formats complain into DamagedError."""
    try:
        yield
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        lzma.LZMAError,
        zlib.error,
        zstandard.ZstdError,
        gzip.BadGzipFile,
        struct.error,
        EOFError,
        OverflowError,
        ValueError,
        NotImplementedError,  # a zip compression unknown here
    ) as error:
        raise DamagedError(str(error) or type(error).__name__) from error
    except OSError as error:
        if error.errno is not None:  # the machine's, not the archive's; bz2 gives no number
            raise
        raise DamagedError(str(error)) from error


def _format(file: IO[bytes]) -> str:
    start = file.read(8)
    file.seek(0)
    return next((kind for magic, kind in MAGICS if start.startswith(magic)), "tar")


def _decompressed(file: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if kind == "xz":
        return lzma.LZMAFile(file)
    if kind == "bz2":
        return bz2.BZ2File(file)
    if kind == "zst":
        reader = zstandard.ZstdDecompressor(max_window_size=2**31)
        stream = reader.stream_reader(file, read_across_frames=True)
        return io.BufferedReader(cast(io.RawIOBase, stream), BUFFER)
    return file


def _tar_members(file: IO[bytes]) -> Iterator[Member]:
    # Strictly forwards: a package of gigabytes is never held in memory nor decompressed twice.
    # Not tarfile's own stream mode, which copies the rest of its buffer at every small read.
    with tarfile.open(fileobj=_Forward(file), mode="r:") as tar:
        for info in tar:
            yield _tar_member(tar, info)
    # Behind tar's end there is only padding, but the compression's own checksum comes last.
    while file.read(BLOCK):
        pass


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    def data() -> IO[bytes]:
        opened = tar.extractfile(info)
        assert opened is not None
        return opened

    if info.isreg():
        kind: Literal["file", "folder", "symlink", "hardlink", "other"] = "file"
    elif info.isdir():
        kind = "folder"
    elif info.issym():
        kind = "symlink"
    else:
        kind = "hardlink" if info.islnk() else "other"
    return Member(
        name=info.name,
        kind=kind,
        mode=info.mode or 0,
        mtime=info.mtime or 0,
        size=info.size,
        target=info.linkname,
        open=data,
    )


def _zip_members(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            yield _zip_member(archive, info)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    mtime = calendar.timegm((*info.date_time, 0, 0, 0))
    if info.flag_bits & 0x1:
        raise DamagedError(f"'{info.filename}' is encrypted")
    if stat.S_ISLNK(mode):
        target = archive.read(info).decode("utf-8", "surrogateescape")
        return Member(name=info.filename, kind="symlink", mode=0o777, mtime=mtime, target=target)
    if info.is_dir():
        return Member(name=info.filename, kind="folder", mode=mode & 0o7777, mtime=mtime)
    usual = stat.S_IFMT(mode) in (0, stat.S_IFREG)
    return Member(
        name=info.filename,
        kind="file" if usual else "other",
        mode=stat.S_IMODE(mode) or 0o644,
        mtime=mtime,
        size=info.file_size,
        open=lambda: archive.open(info),
    )


def _deb_data(file: IO[bytes]) -> IO[bytes]:
    """The tar stream of a Debian package's files (``data.tar.*`` inside its ``ar``)."""
    file.seek(len(AR_MAGIC))
    while header := file.read(AR_HEADER):
        if len(header) < AR_HEADER or header[58:] != b"`\n":
            raise DamagedError("not a Debian package: its ar header is damaged")
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        digits = header[48:58].strip()
        if not digits.isdigit():
            raise DamagedError("not a Debian package: a size in its ar header is damaged")
        size = int(digits)
        if name.startswith("data.tar"):
            inner = io.BufferedReader(_Slice(file, size), BLOCK)
            return _decompressed(inner, name.removeprefix("data.tar").lstrip("."))
        file.seek(size + size % 2, io.SEEK_CUR)
    raise DamagedError("not a Debian package: it has no data.tar")


class _Forward(io.RawIOBase):
    """A stream with a position, whose seeking is reading on."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._at += len(data)
        return data

    def tell(self) -> int:
        return self._at

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or position < self._at:
            raise DamagedError("its entries do not lie one behind the other")
        while self._at < position and self.read(min(BLOCK, position - self._at)):
            pass
        return self._at


class _Slice(io.RawIOBase):
    """The next ``size`` bytes of a file, as a file that cannot seek."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    # The base class takes any writable buffer; its only caller here hands over a memoryview.
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        if not data and self._left and len(buffer):
            raise EOFError("the package ends too early")
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)
