from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from builder.errors import ToolchainError
from builder.toolchain.layout import make_executable, patterns, put


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_only_what_is_named_is_taken(tmp_path: Path) -> None:
    stage = make(tmp_path / "stage", "n/lib/a.so", "n/lib/deep/b", "n/doc/readme", "top")
    put(stage, tmp_path / "p", {"n/lib": "lib64", "top": "x/renamed"}, drop=(), name="n.whl")
    assert tree(tmp_path / "p") == {"lib64/a.so", "lib64/deep/b", "x/renamed"}


def test_folders_of_two_packages_are_merged(tmp_path: Path) -> None:
    one = make(tmp_path / "one", "include/a.h", "include/sub/x.h")
    two = make(tmp_path / "two", "include/b.h", "include/sub/y.h")
    for stage in (one, two):
        put(stage, tmp_path / "p", {"include": "include"}, drop=(), name="n")
    assert tree(tmp_path / "p") == {
        "include/a.h", "include/b.h", "include/sub/x.h", "include/sub/y.h",
    }  # fmt: skip


def test_two_packages_with_one_file_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name, "include/sub/a.h")
    put(tmp_path / "one", tmp_path / "p", {"include": "include"}, drop=(), name="one.whl")
    with pytest.raises(ToolchainError, match=r"two\.whl: 'a\.h' is there already"):
        put(tmp_path / "two", tmp_path / "p", {"include": "include"}, drop=(), name="two.whl")


def test_a_folder_never_replaces_a_link(tmp_path: Path) -> None:
    make(tmp_path / "one", "include/a.h")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "include").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToolchainError):
        put(tmp_path / "one", tmp_path / "p", {"include": "include"}, drop=(), name="one")
    assert not (tmp_path / "elsewhere").exists()


def test_a_named_file_may_replace_one_of_its_own_package(tmp_path: Path) -> None:
    stage = make(tmp_path / "stage", "python/pyconfig.h", "multiarch/pyconfig.h")
    rules = {"python": "include", "multiarch/pyconfig.h": "include/pyconfig.h"}
    put(stage, tmp_path / "p", rules, drop=(), name="n")
    assert (tmp_path / "p/include/pyconfig.h").read_text() == "multiarch/pyconfig.h"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    stage = make(tmp_path / "stage", "a")
    with pytest.raises(ToolchainError, match=r"n\.whl: there is no 'b'"):
        put(stage, tmp_path / "p", {"b": "b"}, drop=(), name="n.whl")


def test_dropped_files_and_folders_stay_out(tmp_path: Path) -> None:
    stage = make(tmp_path / "stage", "lib/a.so", "lib/liba_static.a", "lib/pkgconfig/a.pc")
    put(stage, tmp_path / "p", {"lib": "lib"}, drop=("*_static.a", "*/pkgconfig"), name="n")
    assert tree(tmp_path / "p") == {"lib/a.so"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("usr/bin", True),
        ("usr/bin/x", True),
        ("usr/bin/deep/x", True),
        ("usr/bin++", False),
        ("usr/include/c++[1]", True),
        ("usr/include/c++1", False),
        ("usr", False),
    ],
)
def test_patterns_unpack_no_more_than_is_placed(name: str, wanted: bool) -> None:
    found = patterns({"usr/bin": "bin", "usr/include/c++[1]": "include"})
    assert any(fnmatch.fnmatchcase(name, pattern) for pattern in found) is wanted


def test_only_programs_become_executable(tmp_path: Path) -> None:
    (tmp_path / "nvcc").write_bytes(b"\x7fELF...")
    (tmp_path / "script").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "nvcc.profile").write_bytes(b"TOP = x\n")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    make_executable(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"nvcc": 0o755, "script": 0o755, "nvcc.profile": 0o644}


def test_a_folder_that_is_not_there_is_fine(tmp_path: Path) -> None:
    make_executable(tmp_path / "none")
