"""Writing wheels: the same bytes from the same files."""

from __future__ import annotations

import csv
import io
import stat
import time
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from builder.errors import CheckError
from builder.wheel.archive import UNSIGNED, Wheel, problems, record_hash
from index.files import atomic_file

DEFAULT_EPOCH = 1577836800
"""2020-01-01 00:00 UTC: the time of every file in our wheels, whatever the machine's clock says."""


def write_wheel(
    target: Path, info: str, files: Mapping[str, bytes], *, epoch: int = DEFAULT_EPOCH
) -> Path:
    """Write a new wheel, the same bytes from the same files whatever the machine.

    Nothing in it is compressed: what deflate makes depends on the machine's zlib.

    Args:
        target: The wheel.
        info: Its .dist-info folder.
        files: What it holds by name, without RECORD.
        epoch: Seconds since 1970 that every file's time is set to.
    """
    hashes = {name: (record_hash(data), len(data)) for name, data in files.items()}
    record = f"{info}/RECORD"
    names = _in_order(files, info)
    with atomic_file(target) as file, zipfile.ZipFile(file, "w") as archive:
        for name in names:
            _add(archive, name, files[name], _time(epoch), 0, zipfile.ZIP_STORED)
        data = _record(names, hashes, record)
        _add(archive, record, data, _time(epoch), 0, zipfile.ZIP_STORED)
    return target


def rewrite(
    source: Path,
    into: Path,
    *,
    add: Callable[[Wheel], Mapping[str, bytes]] = lambda wheel: {},
    without: Collection[str] = (),
    epoch: int = DEFAULT_EPOCH,
) -> Path:
    """Write a wheel again under the same name so that its bytes follow from its files alone.

    Files are sorted with the .dist-info folder after the rest and RECORD (written anew) last; there
    are no folder entries; times, permissions and attributes are fixed; deflate at level 9.

    Args:
        source: The wheel; it is checked first.
        into: The folder of the new one.
        add: Given the wheel, says which files it gets besides (or instead), by name.
        without: Files of its .dist-info folder that are left out, relative to that.
        epoch: Seconds since 1970 that every file's time is set to.

    Raises:
        CheckError: the wheel is damaged or contradicts its own RECORD.
    """
    with Wheel(source) as wheel:
        hashes = wheel.hashes()
        wrong = problems(wheel, hashes)
        if wrong:
            raise CheckError(f"{source.name}: {'; '.join(wrong[:5])}")
        for name in (*UNSIGNED, *without):
            hashes.pop(f"{wheel.info}/{name}", None)
        added = add(wheel)
        hashes |= {name: (record_hash(data), len(data)) for name, data in added.items()}
        when = _time(epoch)
        names = _in_order(hashes, wheel.info)
        target = into / source.name
        with atomic_file(target) as file, zipfile.ZipFile(file, "w") as archive:
            for name in names:
                mode = wheel.members[name].external_attr >> 16 if name in wheel.members else 0
                data = added[name] if name in added else wheel.read(name)
                _add(archive, name, data, when, mode)
            record = f"{wheel.info}/RECORD"
            _add(archive, record, _record(names, hashes, record), when, 0)
    return target


def _in_order(names: Iterable[str], info: str) -> list[str]:
    return sorted(names, key=lambda name: (name.startswith(f"{info}/"), name))


def _time(epoch: int) -> tuple[int, int, int, int, int, int]:
    when = time.gmtime(max(epoch, 315532800))  # a zip archive's time starts in 1980
    return when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec


def _record(names: list[str], hashes: dict[str, tuple[str, int]], record: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((name, *hashes[name]) for name in names)
    writer.writerow((record, "", ""))
    return text.getvalue().encode()


def _add(
    archive: zipfile.ZipFile,
    name: str,
    data: bytes,
    when: tuple[int, int, int, int, int, int],
    mode: int,
    how: int = zipfile.ZIP_DEFLATED,
) -> None:
    entry = zipfile.ZipInfo(name, when)
    entry.create_system = 3  # Unix, so that the permissions below count
    entry.external_attr = (stat.S_IFREG | (0o755 if mode & 0o111 else 0o644)) << 16
    archive.writestr(entry, data, how, compresslevel=9)
