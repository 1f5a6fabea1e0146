"""Killed builders and builders side by side, with real packages."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from builder.paths import Cache
from builder.toolchain import installed

from .toolchain_kit import private_cache, run, small_data, start_install

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return small_data(tmp_path / "data")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return private_cache(tmp_path / "cache", Cache.default().downloads)


def half_made(cache: Cache, label: str) -> list[Path]:
    return list(cache.toolchains.glob(f".{label}-*.part"))


def files_below(folder: Path) -> int:
    """How many there are in a folder that somebody fills."""
    return sum(len(names) for _, _, names in os.walk(folder))


@pytest.mark.parametrize(("label", "files"), [("host", 100), ("cu118", 1)])
def test_kill_in_the_middle_and_again(cache: Cache, data: Path, label: str, files: int) -> None:
    with start_install(cache, data) as builder:
        while sum(map(files_below, half_made(cache, label))) < files:
            assert builder.poll() is None, builder.communicate()
            time.sleep(0.01)
        builder.kill()
    assert half_made(cache, label), "it was over before the kill; nothing was tried"
    assert installed("cu118", cache, data=data) is None

    with start_install(cache, data) as again:
        output, errors = again.communicate()
    assert again.returncode == 0, errors
    found = installed("cu118", cache, data=data)
    assert found is not None
    assert output.split() == [str(found.host), str(found.cuda)]
    assert half_made(cache, "") == half_made(cache, "host") == half_made(cache, "cu118") == []
    assert "release 11.8" in run(found.cuda / "bin/nvcc", "--version")


def test_two_builders_at_once(cache: Cache, data: Path) -> None:
    both = [start_install(cache, data) for _ in range(2)]
    ends = [builder.communicate() for builder in both]
    assert [builder.returncode for builder in both] == [0, 0], ends
    assert ends[0][0] == ends[1][0]
    assert sum("waiting for another builder" in errors for _, errors in ends) >= 1
    assert len(list(cache.toolchains.iterdir())) == 2
    assert installed("cu118", cache, data=data) is not None
