"""The one place that writes files: whole or not at all.

It lies in `index`, the half that knows nothing of the other, so that both write the same way.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

PART = ".part"
"""Ends temporary names."""


@contextlib.contextmanager
def atomic_file(
    path: Path,
    *,
    mode: int = 0o644,
    flush: bool = True,
    check: Callable[[Path], object] = lambda path: None,
) -> Iterator[IO[bytes]]:
    """Yield a binary file that becomes ``path`` only if the block ends without an error.

    The bytes go to a temporary name in the same folder, are flushed to disk, and are renamed into
    place, so a crash at any moment leaves the old file or the new one.

    Args:
        path: The file.
        mode: Its permission bits.
        flush: Whether it must outlive a power cut the moment this returns; without it, many files
            are flushed together by whoever writes them.
        check: Reads back what was written, under its temporary name; its error keeps it from
            getting in place.

    Raises:
        OSError: ``path`` leads to a device, a pipe or a socket, which a rename would take away.
    """
    _must_be_replaceable(path)
    try:
        descriptor, name = _temporary(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = _temporary(path)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            # A mounted drive may know no permissions; the bytes are what matters.
            with contextlib.suppress(PermissionError):
                os.fchmod(file.fileno(), mode)
            if flush:
                os.fsync(file.fileno())
        check(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if flush:
        sync_folder(path.parent)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644, flush: bool = True) -> None:
    """Write ``data`` to ``path`` whole or not at all (see `atomic_file`)."""
    if flush:
        with atomic_file(path, mode=mode) as file:
            file.write(data)
    else:
        write_pieces(str(path.absolute()), [data], mode=mode)


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write ``text`` as UTF-8 to ``path`` whole or not at all."""
    write_bytes(path, text.encode(), mode=mode)


def copy_file(source: Path, destination: Path) -> None:
    """Copy ``source`` to ``destination`` whole or not at all, keeping the permission bits."""
    with (
        source.open("rb") as reader,
        atomic_file(destination, mode=source.stat().st_mode & 0o777) as writer,
    ):
        shutil.copyfileobj(reader, writer, 1024 * 1024)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling folder that becomes ``path`` only if the block ends without error.

    If somebody else put ``path`` in place meanwhile, theirs stays and ours is dropped.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():
                raise
        else:
            sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_pieces(path: str, pieces: Sequence[bytes], *, mode: int = 0o644) -> None:
    """Write pieces, one after the other, to ``path`` whole or not at all; not flushed to disk.

    With nothing in between but the kernel: a site has pages by the thousand.
    """
    folder, _, name = path.rpartition("/")
    part = f"{folder}/.{name[:100]}.{os.getpid()}{PART}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(part, flags, 0o600)
    except FileNotFoundError:
        _make_folder(folder)
        descriptor = os.open(part, flags, 0o600)
    try:
        try:
            _write_all(descriptor, pieces)
            with contextlib.suppress(PermissionError):
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
        os.replace(part, path)  # noqa: PTH105 -- a Path takes longer to make than this
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _make_folder(folder: str) -> None:
    try:
        os.mkdir(folder)  # noqa: PTH102 -- as above: mostly the last one alone is missing
    except OSError:
        Path(folder).mkdir(parents=True, exist_ok=True)


def _write_all(descriptor: int, pieces: Sequence[bytes]) -> None:
    written = os.writev(descriptor, pieces)
    if written < sum(map(len, pieces)):
        rest = memoryview(b"".join(pieces))[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _must_be_replaceable(path: Path) -> None:
    """Refuse what is no file: as root, a rename would put one in the place of ``/dev/null``."""
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing there, or whatever writing says of it
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is a device, a pipe or a socket, and no file", str(path))


def _temporary(path: Path) -> tuple[int, str]:
    return tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=PART, dir=path.parent)


def sync_file(path: Path) -> None:
    """Flush a file that was written before to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk, where the file system can."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folders: Iterable[str]) -> None:
    """Flush whatever was written to the file systems that these folders lie in to disk.

    Raises:
        OSError: a disk did not take all of it.
    """
    # Folders by the ten thousand, as text: a Path takes longer to make than this.
    for folder in {os.stat(folder).st_dev: folder for folder in folders}.values():  # noqa: PTH116
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sync_file_system(descriptor)
        finally:
            os.close(descriptor)


def _sync_file_system(descriptor: int) -> None:
    """Flush the file system that an open folder lies in; others may be slow, and not ours."""
    import ctypes  # Python has no name for the call, and few commands need it

    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        os.sync()
    elif call(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
