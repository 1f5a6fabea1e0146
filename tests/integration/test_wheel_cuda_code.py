"""Our reading of GPU code, held against `cuobjdump` over what a real nvcc writes."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from builder.paths import Cache
from builder.process import run
from builder.toolchain import install
from builder.ui import Silent
from builder.wheel.elf import read_elf

pytestmark = pytest.mark.integration

SOURCE = "__global__ void {name}(float *a) {{ a[threadIdx.x] *= {factor}.f; }}\n"
LISTED = re.compile(r"(ELF|PTX) file\s+\d+: \S+?\.sm_(\d+)([af]?)\.(?:cubin|ptx)")


@pytest.fixture(scope="module", params=["cu118", "cu124"])
def toolchain(request):
    return install(request.param, cache=Cache.default(), reporter=Silent())


@pytest.fixture(scope="module")
def nvcc(toolchain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    for name, factor in (("one", 2), ("two", 3)):
        (folder / f"{name}.cu").write_text(SOURCE.format(name=name, factor=factor))
    host = toolchain.host / "bin" / "x86_64-linux-gnu-g++"
    environment = {"PATH": f"{toolchain.cuda / 'bin'}:/usr/bin:/bin", "HOME": str(folder)}

    def compile_to(output, *options):
        command = [toolchain.cuda / "bin" / "nvcc", "-ccbin", host, "-Xcompiler", "-fPIC"]
        run([*command, *options, "-o", output], env=environment, cwd=folder)
        return folder / output

    return compile_to


def listed(toolchain, path):
    """What cuobjdump lists: how many images per kind and architecture."""
    found = Counter()
    for option in ("--list-elf", "--list-ptx"):
        output = run([toolchain.cuda / "bin" / "cuobjdump", option, path], check=False).output
        for kind, number, suffix in LISTED.findall(output):
            found[kind.lower(), f"{int(number) // 10}.{int(number) % 10}{suffix}"] += 1
    return found


def gencode(*pairs):
    return [f"-gencode=arch=compute_{arch},code={code}" for arch, code in pairs]


REAL = gencode(("60", "sm_60"), ("75", "sm_75"), ("80", "sm_80"), ("90", "sm_90"))
PTX = gencode(("80", "compute_80"), ("90", "compute_90"))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-c", "one.cu", *gencode(("75", "sm_75"))], id="one architecture"),
        pytest.param(["-c", "one.cu", *REAL, *PTX], id="several and PTX"),
        pytest.param(["-c", "one.cu", *PTX], id="PTX alone"),
        pytest.param(["-c", "one.cu", *REAL, "-Xfatbin=-compress-all"], id="all compressed"),
        pytest.param(
            ["-c", "one.cu", *REAL, *PTX, "-Xfatbin=--compress=false"], id="none compressed"
        ),
        pytest.param(["-c", "one.cu", *REAL, "-rdc=true"], id="relocatable"),
        pytest.param(["-c", "one.cu", *REAL, "-G", "-lineinfo"], id="debug"),
        pytest.param(
            ["-shared", "one.cu", "two.cu", "--cudart=shared", *REAL, *PTX], id="a library of two"
        ),
        pytest.param(
            ["-shared", "one.cu", "two.cu", "--cudart=shared", "-rdc=true", *REAL],
            id="a library of two, relocatable",
        ),
    ],
)
def test_we_read_what_cuobjdump_lists(toolchain, nvcc, options):
    path = nvcc("code.o" if "-c" in options else "code.so", *options)
    theirs = listed(toolchain, path)
    code = read_elf(path.name, path.read_bytes()).cuda
    assert code is not None
    ours = {(item.kind, item.architecture): item.modules for item in code.codes}
    if "-rdc=true" in options and "-shared" in options:
        # cuobjdump leaves out the relocatable halves; both name the same architectures.
        assert set(theirs) == {key for key in ours if key[0] == "elf"}
    else:
        assert ours == dict(theirs)


@pytest.mark.parametrize("toolchain", ["cu124"], indirect=True)  # 11.8 has no such architectures
def test_code_for_one_architecture_only_is_told_apart(toolchain, nvcc):
    both = gencode(("90", "sm_90"), ("90a", "sm_90a"), ("90a", "compute_90a"))
    path = nvcc("suffix.o", "-c", "one.cu", *both)
    code = read_elf(path.name, path.read_bytes()).cuda
    assert {(item.kind, item.architecture) for item in code.codes} == set(listed(toolchain, path))
    assert code.architectures("elf") == {"9.0", "9.0a"}
    assert code.architectures("ptx") == {"9.0a"}


def test_sizes_add_up(nvcc):
    path = nvcc("sizes.so", "-shared", "one.cu", "two.cu", "--cudart=shared", *REAL, *PTX)
    facts = read_elf(path.name, path.read_bytes())
    section = next(part.size for part in facts.sections if part.name == ".nv_fatbin")
    headers = 16 * facts.cuda.modules
    assert section - sum(code.size for code in facts.cuda.codes) - headers in range(64)
