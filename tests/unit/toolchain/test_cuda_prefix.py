from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.toolchain.cuda_prefix import finish_cuda, link_names, nvcc_profile
from builder.toolchain.pins import load_pins
from builder.toolchain.stand_ins import add_stand_ins, empty_archive, empty_object


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["libcudart.so.11.0"], {"libcudart.so": "libcudart.so.11.0"}),
        (["libcudnn.so.8"], {"libcudnn.so": "libcudnn.so.8"}),
        (["liba.so.12", "liba.so.12.4.5"], {"liba.so": "liba.so.12"}),
        (["liba.so.1", "liba.so"], {}),
        (["libcudnn_ops-x.so.9"], {"libcudnn_ops-x.so": "libcudnn_ops-x.so.9"}),
        (["liba.a", "cmake", "liba.so.1.debug", "xliba.so.1", "liba.so.x"], {}),
        (["libnvcpp++.so.1"], {"libnvcpp++.so": "libnvcpp++.so.1"}),
    ],
)
def test_link_names(names: list[str], expected: dict[str, str]) -> None:
    assert link_names(names) == expected


@settings(deadline=None)
@given(st.sets(st.from_regex(r"lib[ab]\.so(\.[0-9]{1,2}){0,3}", fullmatch=True)))
def test_every_library_can_be_linked_by_its_plain_name(names: set[str]) -> None:
    links = link_names(names)
    assert set(links.values()) <= names
    assert not set(links) & names
    for name in names:
        assert name.partition(".so")[0] + ".so" in names | set(links)


def test_nvccs_profile_is_relative_to_wherever_nvcc_lies() -> None:
    for profile in (nvcc_profile(cccl=False), nvcc_profile(cccl=True)):
        assert profile.startswith("TOP = $(_HERE_)/..\n")
        assert not re.search(r"(?<!\))/(usr|etc|opt|home)", profile)
        assert "nvvm/libdevice" in profile


def test_cuda_13_finds_its_thrust() -> None:
    assert "include/cccl" in nvcc_profile(cccl=True)
    assert "include/cccl" not in nvcc_profile(cccl=False)
    assert nvcc_profile(cccl=True).count("SYSTEM_INCLUDES") == 1


def test_a_finished_prefix_has_names_profile_and_version(tmp_path: Path) -> None:
    for name in ("bin/nvcc", "lib64/libcudart.so.11.0", "include/cuda.h", "nvvm/bin/cicc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\x7fELF")
        (tmp_path / name).chmod(0o644)
    finish_cuda(tmp_path, load_pins("cu118"))
    assert (tmp_path / "lib" / "libcudart.so").resolve().name == "libcudart.so.11.0"
    assert (tmp_path / "lib64/libcudart.so").readlink() == Path("libcudart.so.11.0")
    assert (tmp_path / "nvvm/bin/cicc").stat().st_mode & 0o111 == 0o111
    assert json.loads((tmp_path / "version.json").read_text())["cuda"]["version"] == "11.8.89"
    assert (tmp_path / "version.txt").read_text() == "CUDA Version 11.8.89\n"
    assert "include/cccl" not in (tmp_path / "bin/nvcc.profile").read_text()


def test_stand_ins_never_replace_the_real_thing(tmp_path: Path) -> None:
    (tmp_path / "libcudart_static.a").write_bytes(b"real")
    add_stand_ins(tmp_path)
    assert (tmp_path / "libcudart_static.a").read_bytes() == b"real"
    assert (tmp_path / "libcudadevrt.a").read_bytes().startswith(b"!<arch>\n")


def test_the_empty_object_is_valid_elf() -> None:
    elf = ELFFile(io.BytesIO(empty_object()))
    assert elf.header["e_machine"] == "EM_X86_64"
    assert [section.name for section in elf.iter_sections()] == ["", ".shstrtab"]
    assert len(empty_archive()) % 2 == 0
