"""What the toolchain's integration tests share: small pin files, ELF facts, sources to compile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from builder.paths import Cache
from builder.toolchain.pins import DATA

ORDINARY_LOADER = "/lib64/ld-linux-x86-64.so.2"
SYSROOT_GLIBC = (2, 31)
MACHINE_GLIBC = (2, 28)

INSTALL = """\
import sys
from pathlib import Path
from builder.paths import Cache
from builder.toolchain import install
from builder.ui import Plain
cache, data = Cache(root=Path(sys.argv[1])), Path(sys.argv[2])
found = install("cu118", cache=cache, reporter=Plain(), data=data)
print(found.host, found.cuda)
"""

CXX = """\
#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>
#include <thread>
int main(int argc, char**) {
  std::optional<std::string_view> word = "seventeen";
  std::thread([&] { std::cout << *word << ' ' << std::pow(argc + 1.0, 4) << '\\n'; }).join();
  return std::filesystem::exists("/proc") ? 0 : 1;
}
"""

CUDA = """\
#include <cub/cub.cuh>
#include <cublas_v2.h>
#include <cudnn.h>
#include <cufft.h>
#include <npp.h>
#include <thrust/device_vector.h>
#include <thrust/sort.h>
__global__ void twice(float* data) { data[threadIdx.x] *= 2; }
int main() {
  thrust::device_vector<float> values(32);
  twice<<<1, 32>>>(thrust::raw_pointer_cast(values.data()));
  thrust::sort(values.begin(), values.end());
  cublasHandle_t blas;
  cufftHandle fft;
  nppGetLibVersion();
  return cublasCreate(&blas) == 0 && cufftCreate(&fft) == 0 && cudnnGetVersion() > 0 ? 0 : 1;
}
"""


def small_data(folder: Path) -> Path:
    """Pins of the host and of a CUDA 11.8 with the compiler alone (84 MB)."""
    folder.mkdir()
    for name in ("host.toml", "nvidia-redist.toml"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    pins: Any = tomlkit.parse((DATA / "cu118.toml").read_text())
    pins["check"] = ["bin/nvcc", "nvvm/bin/cicc"]
    kept = [one for one in pins["package"] if one["filename"].endswith(".deb")]
    runtime = [one for one in pins["package"] if "cuda_runtime" in one["filename"]]
    packages = tomlkit.aot()
    for one in (*kept, *runtime):
        packages.append(one)
    pins["package"] = packages
    (folder / "cu118.toml").write_text(tomlkit.dumps(pins))
    return folder


def private_cache(folder: Path, downloads: Path) -> Cache:
    """A cache of its own that shares only verified downloads, so that nothing comes twice."""
    folder.mkdir()
    downloads.mkdir(parents=True, exist_ok=True)
    (folder / "downloads").symlink_to(downloads)
    return Cache(root=folder)


def start_install(cache: Cache, data: Path) -> subprocess.Popen[str]:
    """Another builder, installing that small toolchain."""
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(cache.root), str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*command: str | Path) -> str:
    """Run a program in an almost empty environment; its output, or an error that shows it."""
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )
    assert found.returncode == 0, f"{command}\n{found.stdout}{found.stderr}"
    return found.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFacts:
    """What a program or library asks of the machine it runs on."""

    loader: str | None
    run_paths: tuple[str, ...]
    needed: frozenset[str]
    glibc: tuple[int, ...]


def elf_facts(path: Path) -> ElfFacts | None:
    """The facts of an ELF file; None for anything else."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
        elf = ELFFile(file)
        loader = [s.get_interp_name() for s in elf.iter_segments() if s["p_type"] == "PT_INTERP"]
        needed: set[str] = set()
        paths: list[str] = []
        versions: set[tuple[int, ...]] = {(0,)}
        for section in elf.iter_sections():
            if isinstance(section, DynamicSection):
                for tag in section.iter_tags():
                    if tag.entry.d_tag == "DT_NEEDED":
                        needed.add(tag.needed)
                    elif tag.entry.d_tag in ("DT_RPATH", "DT_RUNPATH"):
                        paths.append(getattr(tag, tag.entry.d_tag[3:].lower()))
            elif isinstance(section, GNUVerNeedSection):
                for _, entries in section.iter_versions():
                    for entry in entries:
                        match = re.fullmatch(r"GLIBC_([0-9.]+)", entry.name)
                        if match:
                            versions.add(tuple(map(int, match[1].split("."))))
    return ElfFacts(
        loader=loader[0] if loader else None,
        run_paths=tuple(paths),
        needed=frozenset(needed),
        glibc=max(versions),
    )


def programs(prefix: Path) -> list[Path]:
    """Every executable file of a prefix, symbolic links left out."""
    found = (Path(folder, name) for folder, _, names in os.walk(prefix) for name in names)
    return sorted(p for p in found if not p.is_symlink() and os.access(p, os.X_OK))
