"""Flushing what was written to every disk that it went to, and to no other."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from index.files import sync_all


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands for the C library: what it lacks, the kernel cannot do."""
    library = SimpleNamespace()
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    return library


def test_the_kernel_takes_the_call() -> None:
    assert hasattr(ctypes.CDLL(None), "syncfs")
    sync_all(["/proc"])  # nobody has to wait for that


def test_each_disk_is_waited_for_once(tmp_path: Path, kernel: SimpleNamespace) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    asked: list[int] = []

    def syncfs(descriptor: int) -> int:
        asked.append(os.fstat(descriptor).st_dev)
        return 0

    kernel.syncfs = syncfs
    sync_all([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path), "/proc"])
    assert sorted(asked) == sorted([tmp_path.stat().st_dev, Path("/proc").stat().st_dev])


def test_a_disk_that_lost_something_is_told(tmp_path: Path, kernel: SimpleNamespace) -> None:
    def syncfs(_: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    kernel.syncfs = syncfs
    with pytest.raises(OSError, match="Input/output error") as caught:
        sync_all([str(tmp_path)])
    assert caught.value.errno == errno.EIO


def test_where_there_is_no_such_call_all_disks_are_flushed(
    tmp_path: Path, kernel: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "sync", lambda: synced.append(True))
    assert not hasattr(kernel, "syncfs")
    sync_all([str(tmp_path)])
    assert synced == [True]
