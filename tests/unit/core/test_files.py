from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from index.files import atomic_file, atomic_folder, copy_file, write_bytes, write_text


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "a" / "file.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError, match="half"), atomic_file(target) as file:
        file.write(b"new, but only ")
        raise RuntimeError("half")
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def test_mode_is_as_asked_whatever_the_temporary_files_mode(tmp_path: Path) -> None:
    write_bytes(tmp_path / "x", b"", mode=0o755)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o755
    copy_file(tmp_path / "x", tmp_path / "y")
    assert (tmp_path / "y").stat().st_mode & 0o777 == 0o755


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "f") as folder:
        (folder / "one").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "f") as folder:
        (folder / "one").touch()
    assert [p.name for p in (tmp_path / "f").iterdir()] == ["one"]


def test_the_first_of_two_folders_wins(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "f") as late:
        (late / "late").touch()
        with atomic_folder(tmp_path / "f") as early:
            (early / "early").touch()
    assert [p.name for p in (tmp_path / "f").iterdir()] == ["early"]
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_killed_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_text(target, "old")
    program = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from index.files import atomic_file
        with atomic_file(Path({str(target)!r})) as file:
            file.write(b"new" * 100000)
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


@pytest.mark.parametrize("by", ["itself", "a link"])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, by: str) -> None:
    pipe, named = tmp_path / "pipe", tmp_path / "pipe"
    os.mkfifo(pipe)
    if by == "a link":
        named = tmp_path / "link"
        named.symlink_to(pipe)
    with pytest.raises(OSError, match="a device, a pipe or a socket") as caught:
        write_text(named, "words")
    assert caught.value.filename == str(named)
    assert pipe.is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {pipe.name, named.name}
