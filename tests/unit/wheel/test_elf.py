from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import CheckError
from builder.wheel.archive import is_elf
from builder.wheel.elf import installed_path, read_elf
from builder.wheel.model import VersionNeed


def test_everything_the_loader_goes_by(make_elf, make_fatbin):
    facts = read_elf(
        "demo/lib.so",
        make_elf(
            needed=("libc.so.6", "libstdc++.so.6"),
            versions={
                "libc.so.6": ["GLIBC_2.4", "GLIBC_2.29"],
                "libstdc++.so.6": ["GLIBCXX_3.4.21"],
            },
            soname="lib.so.1",
            runpath="$ORIGIN/a:$ORIGIN/b",
            fatbins=make_fatbin(("elf", "7.5"), ("ptx", "7.5")),
        ),
    )
    assert facts.kind == "shared"
    assert facts.machine == "x86_64"
    assert facts.soname == "lib.so.1"
    assert facts.needed == ("libc.so.6", "libstdc++.so.6")
    assert facts.run_paths == ("$ORIGIN/a", "$ORIGIN/b")
    assert not facts.legacy_run_path
    assert facts.version_needs == (
        VersionNeed(library="libc.so.6", versions=("GLIBC_2.4", "GLIBC_2.29")),
        VersionNeed(library="libstdc++.so.6", versions=("GLIBCXX_3.4.21",)),
    )
    assert facts.interpreter is None
    assert not facts.executable_stack
    assert not facts.symbols
    assert [part.name for part in facts.sections] == [
        ".nv_fatbin",
        ".dynstr",
        ".gnu.version_r",
        ".shstrtab",
    ]
    assert facts.cuda.architectures("elf") == facts.cuda.architectures("ptx") == {"7.5"}


def test_a_run_path_beats_the_older_one(make_elf):
    both = read_elf("a.so", make_elf(runpath="$ORIGIN/new", rpath="$ORIGIN/old"))
    assert (both.run_paths, both.legacy_run_path) == (("$ORIGIN/new",), False)
    old = read_elf("a.so", make_elf(rpath="$ORIGIN/old"))
    assert (old.run_paths, old.legacy_run_path) == (("$ORIGIN/old",), True)


def test_programs_stacks_and_machines(make_elf):
    program = read_elf("a", make_elf(interpreter="/lib64/ld-linux-x86-64.so.2"))
    assert (program.kind, program.interpreter) == ("program", "/lib64/ld-linux-x86-64.so.2")
    assert read_elf("a", make_elf(stack_flags=7)).executable_stack
    assert read_elf("a", make_elf(stack_flags=None)).executable_stack  # the loader's own default
    assert read_elf("a", make_elf(machine=183)).machine == "EM_AARCH64"


def test_relocatable_gpu_code_counts_too(make_elf, make_fatbin):
    data = make_elf(fatbins=make_fatbin(("elf", "8.0")), fatbin_section="__nv_relfatbin")
    assert read_elf("a", data).cuda.architectures("elf") == {"8.0"}
    assert read_elf("a", make_elf()).cuda is None


def test_where_a_file_lands():
    assert installed_path("demo-1.data/platlib/demo/a.so") == "demo/a.so"
    assert installed_path("demo/a.so") == "demo/a.so"
    assert is_elf(b"\x7fELF...")
    assert not is_elf(b"ELF")


def test_damage_names_the_file(make_elf, make_fatbin):
    good = make_elf(fatbins=make_fatbin(("elf", "7.5")))
    with pytest.raises(CheckError, match=r"a\.so: a damaged ELF file"):
        read_elf("a.so", good[:70])
    with pytest.raises(CheckError, match="its tables lie outside it"):
        read_elf("a.so", good[:40] + struct.pack("<Q", 2**60) + good[48:])
    with pytest.raises(CheckError, match=r"a\.so, section \.nv_fatbin: no fat binary"):
        read_elf("a.so", make_elf(fatbins=b"garbage!" * 9))


@given(st.data())
def test_damage_never_crashes_or_hangs(make_elf, make_fatbin, data):
    good = make_elf(
        versions={"libc.so.6": ["GLIBC_2.4"], "libm.so.6": ["GLIBC_2.29"]},
        fatbins=make_fatbin(("elf", "7.5")),
        runpath="$ORIGIN",
        interpreter="/lib64/ld",
    )
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(4, len(good) - 1))
        changed[place : place + 1] = data.draw(st.binary(min_size=1, max_size=8))
    began = time.thread_time()  # of the CPU: a busy machine takes none of it
    try:
        message = f"{read_elf('a.so', bytes(changed)).path} was read"
    except CheckError as error:
        message = str(error)
    assert message.startswith("a.so")
    assert time.thread_time() - began < 2


def test_version_chains_that_never_end_are_refused(make_elf):
    """Each of many records claims all that follow as its own: quadratic, hours for a real file."""
    chain = struct.pack("<HHIII", 1, 0xFFFF, 1, 16, 16) * 60_000 + bytes(16)
    data = bytearray(make_elf(versions={"libc.so.6": ["GLIBC_2.4"]}, extra=chain))
    place = bytes(data).index(chain)
    for tag, value in ((0x6FFFFFFE, place), (0x6FFFFFFF, 2**40)):
        at = bytes(data).index(struct.pack("<Q", tag))
        struct.pack_into("<QQ", data, at, tag, value)
    with pytest.raises(CheckError, match="more symbol versions than"):
        read_elf("a.so", bytes(data))
