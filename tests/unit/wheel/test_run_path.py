"""DT_RUNPATH becomes DT_RPATH: that, and nothing else in the file."""

from __future__ import annotations

import pytest

from builder.errors import CheckError
from builder.wheel.archive import Wheel
from builder.wheel.elf import read_elf
from builder.wheel.run_path import by_rpath, with_rpath

PATHS = "$ORIGIN/../nvidia/cublas/lib:$ORIGIN/../nvidia/cudnn/lib"


def test_one_tag_changes_and_the_paths_stay(make_elf):
    before = make_elf(runpath=PATHS, soname="liba.so")
    after = with_rpath("a.so", before)
    assert (read_elf("a.so", before).legacy_run_path, len(before)) == (False, len(after))
    assert [pair for pair in zip(before, after, strict=True) if len(set(pair)) > 1] == [(29, 15)]
    facts = read_elf("a.so", after)
    assert facts.legacy_run_path
    assert facts.run_paths == tuple(PATHS.split(":"))
    assert (facts.soname, facts.needed) == ("liba.so", ("libc.so.6",))


@pytest.mark.parametrize("options", [{}, {"rpath": PATHS}])
def test_what_needs_no_change_is_the_same_object(make_elf, options):
    data = make_elf(**options)
    assert with_rpath("a.so", data) is data


def test_both_kinds_at_once_are_refused(make_elf):
    with pytest.raises(CheckError, match=r"x/a\.so has both DT_RPATH and DT_RUNPATH") as caught:
        with_rpath("x/a.so", make_elf(runpath=PATHS, rpath=PATHS))
    assert "INSTALL_RPATH" in caught.value.remedy


@pytest.mark.parametrize("size", [5, 70, 120])
def test_a_damaged_file_is_a_clear_error(make_elf, size):
    with pytest.raises(CheckError, match=r"a\.so: a damaged ELF file"):
        with_rpath("a.so", make_elf(runpath=PATHS)[:size])


def test_of_a_wheel_only_what_must_change(tmp_path, make_wheel, make_elf):
    files = {
        "demo_gpu/__init__.py": b"",
        "demo_gpu/a.so": make_elf(runpath=PATHS),
        "demo_gpu/b.so": make_elf(rpath=PATHS),
        "demo_gpu/bin/demo": make_elf(runpath="$ORIGIN/..", interpreter="/lib64/ld-linux.so.2"),
        "demo_gpu.libs/libc-12345678.so": make_elf(soname="libc-12345678.so"),
    }
    with Wheel(make_wheel(tmp_path, files)) as wheel:
        changed = by_rpath(wheel)
    assert sorted(changed) == ["demo_gpu/a.so", "demo_gpu/bin/demo"]
    assert all(read_elf(name, data).legacy_run_path for name, data in changed.items())
