"""From a raw wheel to a checked one, with a real toolchain: repaired, or refused for each fault."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from builder.errors import CheckError
from builder.paths import Cache
from builder.process import run
from builder.toolchain import install
from builder.ui import Silent
from builder.wheel import check, inspect_wheel, repair, require

from .repair_kit import pack, spec

pytestmark = pytest.mark.integration

KERNEL = """
#include <math.h>
__global__ void twice(float *a) { a[threadIdx.x] *= 2.f; }
extern "C" __attribute__((visibility("default"))) int demo(float *a) {
    twice<<<1, 32>>>(a);
    return (int)cudaGetLastError() + (int)exp((double)a[0]);
}
"""
HELPER = 'extern "C" int helper() { return 7; }'
RUN_PATHS = "$ORIGIN/../nvidia/cuda_runtime/lib"


@pytest.fixture(scope="session")
def toolchain():
    return install("cu118", cache=Cache.default(), reporter=Silent())


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("wheel")


@pytest.fixture(scope="module")
def build(toolchain, scratch):
    """Compile a shared library; returns its bytes."""

    def compile_library(source, *options, name="libdemo.so", archs=("75", "80"), ptx="80"):
        folder = Path(os.path.realpath(scratch)) / f"build{len(list(scratch.iterdir()))}"
        folder.mkdir()
        suffix = ".cu" if "__global__" in source else ".cpp"
        code = folder / f"demo{suffix}"
        code.write_text(source)
        host = toolchain.host / "bin" / "x86_64-linux-gnu-g++"
        gpu = [f"-gencode=arch=compute_{arch},code=sm_{arch}" for arch in archs]
        gpu += [f"-gencode=arch=compute_{ptx},code=compute_{ptx}"] if ptx else []
        command = [toolchain.cuda / "bin" / "nvcc", "-ccbin", host, "-shared", "-O2"]
        command += ["-Xcompiler", "-fPIC", "--cudart", "shared", *gpu, "demo" + suffix]
        command += ["-o", name, *options]
        environment = {"PATH": f"{toolchain.cuda / 'bin'}:/usr/bin:/bin", "HOME": str(folder)}
        run(command, env=environment, cwd=folder)
        return folder / name

    return compile_library


def link(folder, *, run_paths=RUN_PATHS):
    """Options to link with CUDA's libraries and to find them again at run time."""
    return ("-L", folder, "-Xlinker", "-rpath", "-Xlinker", run_paths)


@pytest.fixture(scope="module")
def library(build, toolchain):
    return build(KERNEL, *link(toolchain.cuda / "lib64")).read_bytes()


def finish(raw, asked, toolchain, into, *, needles=()):
    """What the pipeline does with a raw wheel."""
    made = repair(raw, spec=asked, toolchain=toolchain, into=into, log=None)
    found = inspect_wheel(made, needles=needles)
    require(check(found, asked, needles=needles, max_size=None), label=made.name)
    return made, found


def test_a_wheel_with_cuda_left_outside(toolchain, library, tmp_path):
    raw = pack(tmp_path / "raw", {"demo_gpu/__init__.py": b"", "demo_gpu/libdemo.so": library})
    with (tmp_path / "log").open("w+") as log:
        made = repair(raw, spec=spec(), toolchain=toolchain, into=tmp_path / "out", log=log)
    assert "auditwheel" in (tmp_path / "log").read_text()
    found = inspect_wheel(made, needles=[str(tmp_path), str(toolchain.host), str(toolchain.cuda)])
    require(check(found, spec(), needles=[str(tmp_path)], max_size=10**6), label=made.name)
    assert {"py3-none"} == {tag.rpartition("-")[0] for tag in found.tags}
    assert found.build_tag == "1"
    assert "linux_x86_64" not in found.platforms
    assert found.vendored == ()
    assert not found.pure
    assert found.external[0].soname == "libcudart.so.11.0"
    assert found.external[0].searched == ("nvidia/cuda_runtime/lib",)
    assert found.elves[0].run_paths == (RUN_PATHS,)
    assert (found.real, found.ptx) == (("7.5", "8.0"), ("8.0",))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made.name]


def test_auditwheel_reads_the_result_as_we_do(toolchain, library, tmp_path):
    raw = pack(tmp_path / "raw", {"demo_gpu/libdemo.so": library})
    made, found = finish(raw, spec(), toolchain, tmp_path / "out")
    shown = run([sys.executable, "-m", "auditwheel", "show", "--json", made], merge_stderr=False)
    assert json.loads(shown.output)["sym_tag"] == found.policy


def test_the_same_raw_wheel_gives_the_same_bytes(toolchain, library, tmp_path):
    files = {"demo_gpu/__init__.py": b"", "demo_gpu/libdemo.so": library}
    one = repair(
        pack(tmp_path / "1", files), spec=spec(), toolchain=toolchain, into=tmp_path / "a", log=None
    )
    reversed_files = dict(reversed(files.items()))
    two = repair(
        pack(tmp_path / "2", reversed_files),
        spec=spec(),
        toolchain=toolchain,
        into=tmp_path / "b" / "c",
        log=None,
    )
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_an_abi3_extension_keeps_its_tags(toolchain, library, tmp_path):
    raw = pack(
        tmp_path / "raw",
        {"demo_gpu/_demo.abi3.so": library},
        filename="demo_gpu-1.2+cu118-1-cp39-abi3-linux_x86_64.whl",
    )
    made, _ = finish(raw, spec(py_api="cp39"), toolchain, tmp_path / "out")
    assert made.name.startswith("demo_gpu-1.2+cu118-1-cp39-abi3-manylinux")


def test_a_wheel_for_any_platform_with_compiled_files_becomes_a_platform_wheel(
    toolchain, library, tmp_path
):
    raw = pack(
        tmp_path / "raw",
        {"demo_gpu/libdemo.so": library},
        filename="demo_gpu-1.2+cu118-1-py3-none-any.whl",
        pure=True,
    )
    made, found = finish(raw, spec(), toolchain, tmp_path / "out")
    assert made.name.startswith("demo_gpu-1.2+cu118-1-py3-none-manylinux")
    assert not found.pure


def test_this_machines_own_libraries_are_never_grafted(toolchain, build, tmp_path, monkeypatch):
    """A library that lies only on this machine (here: on LD_LIBRARY_PATH) is a clear error."""
    helper = build(
        HELPER, "-Xlinker", "-soname", "-Xlinker", "libhelper.so.1", name="libhelper.so.1"
    )
    (helper.parent / "libhelper.so").symlink_to(helper.name)
    source = 'extern "C" int helper();\n' + KERNEL.replace("return", "return helper() +")
    user = build(source, "-L", helper.parent, "-lhelper", *link(toolchain.cuda / "lib64"))
    raw = pack(tmp_path / "raw", {"demo_gpu/libdemo.so": user.read_bytes()})
    monkeypatch.setenv("LD_LIBRARY_PATH", str(helper.parent))
    with pytest.raises(CheckError, match=r"needs libhelper\.so\.1, which is neither excluded"):
        repair(raw, spec=spec(), toolchain=toolchain, into=tmp_path / "out", log=None)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_grafted_library_needs_leave(toolchain, library, tmp_path):
    """The trap: an exclusion that does not match the whole soname lets the library in."""
    raw = pack(tmp_path / "raw", {"demo_gpu/libdemo.so": library})
    with pytest.raises(CheckError, match=r"libcudart-.*was grafted into \.libs/"):
        finish(raw, spec(excluded_libs=("libcudart.so",)), toolchain, tmp_path / "out")
    allowed = spec(excluded_libs=("libcudart.so",), allowed_libs=("libcudart.so.*",))
    _, found = finish(raw, allowed, toolchain, tmp_path / "out")
    assert [name.split("-")[0] for name in found.vendored] == ["libcudart"]
    own = next(elf for elf in found.elves if elf.path == "demo_gpu/libdemo.so")
    assert "$ORIGIN/../demo_gpu.libs" in own.run_paths
    assert RUN_PATHS in own.run_paths


def test_a_path_of_this_machine_is_refused(toolchain, build, tmp_path):
    where = str(Path.home() / "secret" / "demo.cu")
    source = KERNEL + f'extern "C" const char *where() {{ return "{where}"; }}'
    data = build(source, *link(toolchain.cuda / "lib64")).read_bytes()
    raw = pack(tmp_path / "raw", {"demo_gpu/libdemo.so": data})
    with pytest.raises(CheckError, match="holds a path of this machine") as caught:
        finish(raw, spec(), toolchain, tmp_path / "out", needles=[str(Path.home())])
    assert where in str(caught.value)


def test_other_architectures_than_asked_are_refused(toolchain, library, tmp_path):
    raw = pack(tmp_path / "raw", {"demo_gpu/libdemo.so": library})
    with pytest.raises(CheckError, match=r"no machine code for 8\.6") as caught:
        finish(raw, spec(architectures=("7.5", "8.6")), toolchain, tmp_path / "out")
    assert "machine code for 8.0, which was not asked for" in str(caught.value)


def test_a_wheel_without_gpu_code_is_refused(toolchain, tmp_path):
    source = tmp_path / "demo.cpp"
    source.write_text(HELPER)
    compiler = toolchain.host / "bin" / "x86_64-linux-gnu-g++"
    run([compiler, "-shared", "-fPIC", source, "-o", tmp_path / "libdemo.so"])
    data = (tmp_path / "libdemo.so").read_bytes()
    raw = pack(tmp_path / "plain", {"demo_gpu/libdemo.so": data})
    with pytest.raises(CheckError, match="no GPU code in the wheel at all"):
        finish(raw, spec(), toolchain, tmp_path / "out2")


def test_run_paths_to_nowhere_are_refused(toolchain, build, tmp_path):
    data = build(KERNEL, *link(toolchain.cuda / "lib64", run_paths="$ORIGIN/lib")).read_bytes()
    raw = pack(tmp_path / "raw", {"demo_gpu/libdemo.so": data})
    with pytest.raises(CheckError, match="no run path of it leads there"):
        finish(raw, spec(), toolchain, tmp_path / "out")


def test_a_wheel_with_nothing_compiled_is_refused(toolchain, tmp_path):
    raw = pack(tmp_path / "raw", {"demo_gpu/__init__.py": b""})
    with pytest.raises(CheckError, match="nothing compiled in it"):
        repair(raw, spec=spec(), toolchain=toolchain, into=tmp_path / "out", log=None)
