"""Repair by the real auditwheel, over hand-made ELF files: no compiler and no real toolchain."""

from __future__ import annotations

import shutil
import sys

import pytest

from builder.errors import CheckError, ToolchainError
from builder.toolchain.model import Toolchain
from builder.wheel import check, inspect_wheel, repair

RAW = "demo_gpu-1.2+cu118-1-py3-none-linux_x86_64.whl"


@pytest.fixture
def toolchain(tmp_path):
    """Nothing but a patchelf that can say its version: none of these wheels needs more of it."""
    host = tmp_path / "host"
    (host / "bin").mkdir(parents=True)
    patchelf = host / "bin" / "patchelf"
    patchelf.write_text("#!/bin/sh\necho patchelf 0.18.0\n")
    patchelf.chmod(0o755)
    return Toolchain(label="cu118", digest="0" * 64, host=host, cuda=tmp_path / "cuda")


@pytest.fixture
def fix(tmp_path, toolchain, make_wheel, make_elf, make_spec):
    def run(*, library=None, into="out", filename=RAW, header=None, **changes):
        data = make_elf(**library) if library is not None else b"nothing compiled"
        raw = make_wheel(
            tmp_path / "raw", {"demo_gpu/a.so": data}, filename=filename, header=header
        )
        with (tmp_path / "log").open("w") as log:
            return repair(
                raw, spec=make_spec(**changes), toolchain=toolchain, into=tmp_path / into, log=log
            )

    return run


RUN_PATH = "$ORIGIN/../nvidia/cuda_runtime/lib"
GOOD = {
    "needed": ("libcudart.so.11.0", "libc.so.6"),
    "versions": {"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.27"]},
    "runpath": RUN_PATH,
}


def test_the_tag_follows_from_the_symbols(fix, tmp_path):
    made = fix(library=GOOD)
    assert made.name == RAW.replace("linux", "manylinux_2_27")
    assert "auditwheel repair" in (tmp_path / "log").read_text()
    found = inspect_wheel(made)
    assert found.problems == ()
    assert found.policy == "manylinux_2_27_x86_64"
    assert found.elves[0].run_paths == (RUN_PATH,)
    assert found.elves[0].legacy_run_path
    assert found.build_tag == "1"
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_twice_is_the_same_bytes(fix):
    assert fix(library=GOOD, into="a").read_bytes() == fix(library=GOOD, into="b").read_bytes()


def test_the_callers_environment_changes_nothing(fix, monkeypatch):
    before = fix(library=GOOD, into="a").read_bytes()
    for name, value in {
        "SOURCE_DATE_EPOCH": "1",
        "AUDITWHEEL_PLAT": "manylinux_2_41_x86_64",
        "AUDITWHEEL_ZIP_COMPRESSION_LEVEL": "1",
        "PYTHONPATH": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert fix(library=GOOD, into="b").read_bytes() == before


def test_a_pure_tag_over_compiled_files_becomes_a_platform_tag(fix):
    header = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    made = fix(library=GOOD, filename="demo_gpu-1.2+cu118-1-py3-none-any.whl", header=header)
    assert made.name == RAW.replace("linux", "manylinux_2_27")
    assert not inspect_wheel(made).pure


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"needed": ("libodd.so.1", "libc.so.6")},
            r"needs libodd\.so\.1, which is neither excluded",
        ),
        (
            {"versions": {"libc.so.6": ["GLIBC_2.34"]}},
            "manylinux_2_34_x86_64, newer than the sysroot's",
        ),
        ({"versions": {"libc.so.6": ["GLIBC_2.99"]}}, "newer symbols than any manylinux policy"),
    ],
)
def test_what_cannot_be_repaired(fix, tmp_path, change, message):
    with pytest.raises(CheckError, match=message):
        fix(library={**GOOD, **change})
    assert list((tmp_path / "out").iterdir()) == []


def test_an_exclusion_must_match_the_whole_soname(fix):
    with pytest.raises(CheckError, match=r"needs libcudart\.so\.11\.0, which is neither excluded"):
        fix(library=GOOD, excluded_libs=("libcudart.so",))


def test_an_unrepaired_wheel_never_gets_out(fix, tmp_path, monkeypatch):
    def copy(command, **_):
        output = command[command.index("--wheel-dir") + 1]
        shutil.copy(command[-1], output)

    monkeypatch.setattr(sys.modules["builder.wheel.repair"], "run", copy)
    with pytest.raises(CheckError, match="platform tag linux_x86_64, which promises nothing"):
        fix(library=GOOD)
    assert list((tmp_path / "out").iterdir()) == []


def test_auditwheel_that_makes_nothing_is_noticed(fix, monkeypatch):
    monkeypatch.setattr(sys.modules["builder.wheel.repair"], "run", lambda command, **_: None)
    with pytest.raises(CheckError, match="made 0 wheels of it"):
        fix(library=GOOD)


def test_nothing_compiled(fix):
    with pytest.raises(CheckError, match="nothing compiled in it"):
        fix()


def test_a_toolchain_without_patchelf(fix, toolchain):
    (toolchain.host / "bin" / "patchelf").unlink()
    with pytest.raises(ToolchainError, match="no patchelf"):
        fix(library=GOOD)


def test_a_raw_wheel_that_contradicts_itself_is_refused(
    tmp_path, toolchain, make_wheel, make_elf, make_spec
):
    files = {"demo_gpu/a.so": make_elf(**GOOD)}
    raw = make_wheel(
        tmp_path / "raw", files, filename=RAW, metadata="Name: other\nVersion: 1.2+cu118\n"
    )
    with pytest.raises(CheckError, match="METADATA has the name 'other'"):
        repair(raw, spec=make_spec(), toolchain=toolchain, into=tmp_path / "out", log=None)


def test_run_paths_of_both_kinds_are_refused(fix, tmp_path):
    with pytest.raises(CheckError, match=r"demo_gpu/a\.so has both DT_RPATH and DT_RUNPATH"):
        fix(library={**GOOD, "rpath": RUN_PATH})
    assert list((tmp_path / "out").iterdir()) == []


def test_what_auditwheel_cannot_see_we_do(fix, make_spec):
    """auditwheel reads versions from section headers; the loader, and we, from the segments."""
    made = fix(library={**GOOD, "versions": {"libc.so.6": ["GLIBC_2.34"]}, "headless": True})
    found = inspect_wheel(made)
    assert [v.code for v in check(found, make_spec(), needles=(), max_size=None)][:1] == [
        "symbols-too-new"
    ]
