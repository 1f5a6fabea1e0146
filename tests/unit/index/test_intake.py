"""Wheels on their way into a folder that loses bytes, breaks off or is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from index.errors import EntryError
from index.site import intake
from index.wheels import record_of_wheel
from tests.index_kit import tree

MakeWheel = Callable[..., Path]


def test_a_drive_that_loses_bytes_is_noticed(
    tmp_path: Path, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel()

    def lossy(source: Path, destination: Path) -> None:
        destination.write_bytes(source.read_bytes()[:-1] + b"\x01")

    monkeypatch.setattr(intake, "copy_file", lossy)
    with pytest.raises(EntryError, match="sha256"):
        intake.copy_wheel(record_of_wheel(wheel), wheel, tmp_path / "files" / wheel.name)
    assert tree(tmp_path / "files") == {}


@pytest.mark.parametrize("written", [0, 10])
def test_a_drive_that_goes_away_half_way_leaves_nothing(
    tmp_path: Path, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    wheel = make_wheel()
    target = tmp_path / "files" / wheel.name

    def breaking(source: Path, destination: Path) -> None:
        destination.write_bytes(source.read_bytes()[:written])
        raise OSError(107, "Transport endpoint is not connected")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "copy_file", breaking)
        with pytest.raises(OSError, match="Transport endpoint"):
            intake.copy_wheel(record_of_wheel(wheel), wheel, target)
    assert tree(tmp_path / "files") == {}
    intake.copy_wheel(record_of_wheel(wheel), wheel, target)
    assert target.read_bytes() == wheel.read_bytes()
