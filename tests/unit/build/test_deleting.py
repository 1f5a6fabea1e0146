"""Folders that are deleted beside something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builder.disk import delete_folder, deleting


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


def test_a_folder_that_another_thread_deletes_too_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    (folder / "project").mkdir(parents=True)
    rmtree, times = shutil.rmtree, []

    def interrupted(path: Path) -> None:
        times.append(path)
        if len(times) == 1:
            (folder / "project").rmdir()
            raise FileNotFoundError("project")
        rmtree(path)

    monkeypatch.setattr("builder.disk.shutil.rmtree", interrupted)
    delete_folder(folder)
    assert not folder.exists()
    assert len(times) == 2
