"""The threads beside unpacking: what they give, whose errors come out where, and that they end."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest

from builder.errors import FetchError, MachineError
from builder.fetch import unpack
from builder.fetch.ahead import BLOCK, BLOCKS, Ahead
from builder.fetch.writer import WAITING, NewFile, Writer


def alive() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & {"unpacking", "writing"}


class Endless(io.RawIOBase):
    """Bytes without end; counts those it has given."""

    given = 0

    def read(self, size: int = -1, /) -> bytes:
        self.given += size
        return bytes(size)


class Torn(io.RawIOBase):
    """Some bytes, and then an error."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1, /) -> bytes:
        if not self.data:
            raise EOFError("torn")
        data, self.data = self.data[:size], self.data[size:]
        return data


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK * (BLOCKS + 2) + 17])
def test_every_byte_comes_through_in_order(size: int) -> None:
    data = os.urandom(size)
    with io.BufferedReader(Ahead(io.BytesIO(data)), 1000) as reader:
        assert reader.read() == data
        assert reader.read(1) == b""
    assert not alive()


def test_an_error_comes_behind_the_last_good_byte_and_stays() -> None:
    with io.BufferedReader(Ahead(Torn(b"x" * (BLOCK + 5))), 7) as reader:
        assert reader.read(BLOCK + 5) == b"x" * (BLOCK + 5)
        for _ in range(2):
            with pytest.raises(EOFError, match="torn"):
                reader.read(1)
    assert not alive()


def test_it_reads_no_further_than_it_may_and_ends_when_closed() -> None:
    source = Endless()
    ahead = Ahead(source)
    end = time.monotonic() + 240
    while source.given < BLOCK * (BLOCKS + 1) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.3)
    assert source.given == BLOCK * (BLOCKS + 1)
    ahead.close()
    assert not alive()


def file(path: Path, data: bytes = b"data") -> NewFile:
    return NewFile(path=path, data=data, mode=0o640, mtime=1_600_000_000)


def test_files_are_there_after_waiting(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    for number in range(WAITING * 3):
        writer.put(file(tmp_path / str(number), str(number).encode()))
    writer.wait()
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {name: name for name in map(str, range(WAITING * 3))}
    status = (tmp_path / "0").stat()
    assert (status.st_mode & 0o777, status.st_mtime) == (0o640, 1_600_000_000)
    writer.close()
    assert not alive()


def test_the_first_error_stops_everything_behind_it(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    writer = Writer(tmp_path)
    writer.put(file(tmp_path / "before"))
    writer.put(file(tmp_path / "there"))  # never over a file that is there
    with pytest.raises(MachineError, match="cannot write"):
        writer.wait()
    with pytest.raises(MachineError, match="cannot write"):
        writer.put(file(tmp_path / "behind"))
    writer.close()
    assert (tmp_path / "there").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["before", "there"]
    assert not alive()


def test_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    writer = Writer(tmp_path)
    writer.put(file(tmp_path / "link"))
    with pytest.raises(MachineError):
        writer.wait()
    writer.close()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08\0 damaged", b"no archive at all" * 99])
def test_a_refused_archive_leaves_no_thread(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(FetchError):
        unpack(tmp_path / "archive", tmp_path / "into")
    assert not alive()
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]
