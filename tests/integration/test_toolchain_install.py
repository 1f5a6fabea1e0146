"""Real toolchains from real packages: what they compile, and what that needs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from builder.paths import Cache
from builder.toolchain import Toolchain, install, installed
from builder.ui import Plain

from .toolchain_kit import (
    CUDA,
    CXX,
    MACHINE_GLIBC,
    ORDINARY_LOADER,
    SYSROOT_GLIBC,
    elf_facts,
    programs,
    run,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=["cu118", "cu130"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    return install(request.param, cache=Cache.default(), reporter=Plain())


@pytest.fixture(scope="module")
def host() -> Path:
    """The host prefix, which every CUDA shares."""
    return install("cu118", cache=Cache.default(), reporter=Plain()).host


def test_a_second_install_is_instant(toolchain: Toolchain) -> None:
    began = time.thread_time()  # of the CPU: a busy machine takes none of it
    assert install(toolchain.label, cache=Cache.default(), reporter=Plain()) == toolchain
    assert installed(toolchain.label, Cache.default()) == toolchain
    assert time.thread_time() - began < 1


def test_cxx17_compiles_links_and_runs(host: Path, tmp_path: Path) -> None:
    source, program = tmp_path / "a b.cpp", tmp_path / "program"
    source.write_text(CXX)
    compiler = host / "bin/x86_64-linux-gnu-g++"
    run(compiler, "-std=c++17", "-O2", "-pthread", source, "-o", program)
    assert run(program) == "seventeen 16\n"
    facts = elf_facts(program)
    assert facts is not None
    assert facts.loader == ORDINARY_LOADER
    assert facts.run_paths == ()
    assert (0,) < facts.glibc <= SYSROOT_GLIBC
    assert str(host).encode() not in program.read_bytes()


def test_cuda_compiles_and_links_with_every_library(toolchain: Toolchain, tmp_path: Path) -> None:
    source, library = tmp_path / "kernel.cu", tmp_path / "kernel.so"
    source.write_text(CUDA)
    nvcc = toolchain.cuda / "bin/nvcc"
    host = toolchain.host / "bin/x86_64-linux-gnu-g++"
    libraries = ("-lcudnn", "-lcublas", "-lcufft", "-lnppial", "-lnppc")
    shared = ("-shared", "-Xcompiler", "-fPIC", "--cudart", "shared", "-arch=sm_75")
    run(nvcc, "-ccbin", host, "-std=c++17", *shared, source, "-o", library, *libraries)
    facts = elf_facts(library)
    assert facts is not None
    assert facts.run_paths == ()
    assert (0,) < facts.glibc <= SYSROOT_GLIBC
    stems = {name.partition(".so")[0] for name in facts.needed}
    assert {"libcudnn", "libcublas", "libcufft", "libcudart"} <= stems


def test_cmake_finds_compilers_and_toolkit_with_its_defaults(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    (tmp_path / "main.cu").write_text("__global__ void k() {}\nint main() { k<<<1, 1>>>(); }\n")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\nproject(p LANGUAGES C CXX CUDA)\n"
        "find_package(CUDAToolkit REQUIRED)\nadd_executable(p main.cu)\n"
        "target_link_libraries(p CUDA::cublas CUDA::cufft CUDA::nppial CUDA::cudart)\n"
    )
    tools, build = toolchain.host / "bin", tmp_path / "build"
    said = run(
        tools / "cmake", "-G", "Ninja", "-S", tmp_path, "-B", build,
        f"-DCMAKE_MAKE_PROGRAM={tools}/ninja",
        f"-DCMAKE_C_COMPILER={tools}/x86_64-linux-gnu-gcc",
        f"-DCMAKE_CXX_COMPILER={tools}/x86_64-linux-gnu-g++",
        f"-DCMAKE_CUDA_COMPILER={toolchain.cuda}/bin/nvcc",
        f"-DCMAKE_CUDA_HOST_COMPILER={tools}/x86_64-linux-gnu-g++",
        f"-DCMAKE_SYSROOT={toolchain.host}/sysroot", "-DCMAKE_CUDA_ARCHITECTURES=75",
    )  # fmt: skip
    assert "Detecting CUDA compiler ABI info - done" in said
    run(tools / "cmake", "--build", build)
    assert (build / "p").exists()


def test_a_limited_api_module_compiles_without_pythons_headers_here(
    host: Path, tmp_path: Path
) -> None:
    source = tmp_path / "module.c"
    source.write_text("#define Py_LIMITED_API 0x03090000\n#include <Python.h>\nint one(void);\n")
    headers = host / "python/include/python3.9"
    compiler = host / "bin/x86_64-linux-gnu-gcc"
    run(compiler, "-c", "-Wall", "-Werror", f"-I{headers}", source, "-o", tmp_path / "module.o")


def test_the_object_does_not_depend_on_where_the_prefix_is_seen(host: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.cpp"
    source.write_text(CXX)
    (tmp_path / "elsewhere").symlink_to(host)
    objects = []
    for number, prefix in enumerate((host, tmp_path / "elsewhere")):
        target = tmp_path / f"{number}.o"
        run(prefix / "bin/x86_64-linux-gnu-g++", "-O2", "-std=c++17", "-c", source, "-o", target)
        objects.append(target.read_bytes())
    assert objects[0] == objects[1]


def test_nothing_in_it_asks_more_of_the_machine_than_glibc_2_28(toolchain: Toolchain) -> None:
    own_loader = str(toolchain.host / "sysroot/lib64/ld-linux-x86-64.so.2")
    seen = 0
    for path in (*programs(toolchain.host), *programs(toolchain.cuda)):
        facts = elf_facts(path)
        if facts is None or facts.loader is None or path.suffix.startswith(".so"):
            continue
        seen += 1
        if facts.loader == own_loader:
            assert all(part.startswith("$ORIGIN/") for part in facts.run_paths[0].split(":")), path
        else:
            assert facts.glibc <= MACHINE_GLIBC, path
    assert seen > 30


def test_no_link_leads_out_of_the_prefix(toolchain: Toolchain) -> None:
    for prefix in (toolchain.host, toolchain.cuda):
        links = [path for path in prefix.rglob("*") if path.is_symlink()]
        assert links
        outside = [path for path in links if not path.resolve().is_relative_to(prefix.resolve())]
        assert outside == []


@pytest.mark.parametrize("tool", ["cmake", "ninja", "sccache", "patchelf", "uv", "ld", "ar"])
def test_every_tool_runs(host: Path, tool: str) -> None:
    assert run(host / "bin" / tool, "--version")
