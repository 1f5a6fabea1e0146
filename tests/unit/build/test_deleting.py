"""Folders that are deleted beside something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.disk import deleting


def test_they_are_gone_when_the_block_ends_and_nothing_else_is(tmp_path: Path) -> None:
    for name in ("a/b", "c", "kept"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("x")
    with deleting([tmp_path / "a", tmp_path / "c", tmp_path / "missing"]):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_an_error_of_the_block_goes_on_and_they_are_gone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="mine"), deleting([tmp_path / "a"]):
        raise ValueError("mine")
    assert list(tmp_path.iterdir()) == []
