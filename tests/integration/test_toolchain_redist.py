"""A toolchain from a copy of NVIDIA's archive on loopback, repacked from CUDA 13.0's packages."""

from __future__ import annotations

import hashlib
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.errors import FetchError
from builder.fetch import fetch_all, unpack
from builder.paths import Cache
from builder.toolchain import availability, install
from builder.toolchain.pins import DATA, load_pins
from builder.ui import Plain, Silent

from .toolchain_kit import elf_facts, private_cache, run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

COMPONENTS = {
    "cuda_nvcc": ("nvidia_cuda_nvcc-",),
    "libnvvm": ("nvidia_nvvm-",),
    "cuda_crt": ("nvidia_cuda_crt-",),
    "cuda_cudart": ("nvidia_cuda_runtime-",),
    "cuda_cccl": ("nvidia_cuda_cccl-",),
}
PINS = """\
schema = 1
label = "cu130"
version = "13.0.88"
check = ["bin/nvcc", "nvvm/bin/cicc", "include/cudnn.h", "lib64/libcudart.so", "lib64/libcudnn.so"]

[[redist]]
product = "cuda"
version = "13.0.2"
components = {components}
include = ["bin/*", "include/*", "nvvm/*", "lib/*.so*", "lib/libcuda*.a"]
size = 1
installed_size = 1

[[redist]]
product = "cudnn"
version = "9.12.0"
variant = "cuda13"
components = ["cudnn"]
include = ["include/*", "lib/libcudnn.so*"]
size = 1
installed_size = 1
"""
KERNEL = """\
#include <cudnn.h>
#include <thrust/device_vector.h>
__global__ void k(float* x) { x[threadIdx.x] += 1; }
int main() {
  thrust::device_vector<float> v(8);
  k<<<1, 8>>>(thrust::raw_pointer_cast(v.data()));
  return cudnnGetVersion() > 0 ? 0 : 1;
}
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's files: manifests and component archives in its own layout."""
    root = tmp_path_factory.mktemp("archive")
    wanted = [prefix for prefixes in COMPONENTS.values() for prefix in prefixes]
    packages = [one.artifact() for one in load_pins("cu130").package]
    cudnn = [one for one in packages if "cudnn" in one.filename]
    mine = [one for one in packages if one.filename.startswith(tuple(wanted))] + cudnn
    files = fetch_all(mine, cache=Cache.default(), reporter=Plain())
    cuda = {"release_date": "2025-10-02"}
    for name, prefixes in COMPONENTS.items():
        wheels = [files[one] for one in mine if one.filename.startswith(prefixes)]
        row = repack(root / "cuda/redist", name, wheels, inner="nvidia/cu13", include="*")
        cuda[name] = {"name": name, "version": "13.0.88", "linux-x86_64": row}
    (root / "cuda/redist/redistrib_13.0.2.json").write_text(json.dumps(cuda))
    row = repack(
        root / "cudnn/redist", "cudnn", [files[cudnn[0]]], inner="nvidia/cudnn",
        include="*/libcudnn.so.*",
    )  # fmt: skip
    entry = {"name": "cudnn", "version": "9.12.0", "linux-x86_64": {"cuda13": row}}
    (root / "cudnn/redist/redistrib_9.12.0.json").write_text(json.dumps({"cudnn": entry}))
    return root


def repack(
    folder: Path, name: str, wheels: list[Path], *, inner: str, include: str
) -> dict[str, str]:
    """A component's ``.tar.xz`` made of wheels' content, and its row in the manifest."""
    stage = folder / f"stage-{name}"
    for wheel in wheels:
        unpack(wheel, stage, include=(f"{inner}/include/*", f"{inner}/{include}"))
    stem = f"{name}-linux-x86_64-1.0-archive"
    path = folder / name / "linux-x86_64" / f"{stem}.tar.xz"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:xz", preset=0) as tar:
        tar.add(stage / inner, arcname=stem)
    data = path.read_bytes()
    return {
        "relative_path": str(path.relative_to(folder)),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": str(len(data)),
    }


@pytest.fixture
def mirror(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(archive))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("BUILDER_NVIDIA_MIRROR", url)
        yield url
        server.shutdown()


@pytest.fixture
def data(archive: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "host.toml").write_bytes((DATA / "host.toml").read_bytes())
    (folder / "cu130.toml").write_text(PINS.format(components=json.dumps(list(COMPONENTS))))
    lines = ["schema = 1"]
    for product, version in (("cuda", "13.0.2"), ("cudnn", "9.12.0")):
        name = f"{product}/redist/redistrib_{version}.json"
        digest = hashlib.sha256((archive / name).read_bytes()).hexdigest()
        lines += [
            f'[{product}."{version}"]',
            f'manifest = "https://developer.download.nvidia.com/compute/{name}"',
            f'sha256 = "{digest}"',
        ]
    (folder / "nvidia-redist.toml").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One for all tests here: the host prefix need not be made for each."""
    folder = tmp_path_factory.mktemp("redist") / "cache"
    return private_cache(folder, Cache.default().downloads)


def test_a_toolchain_from_the_archive_compiles_a_kernel(
    mirror: str, data: Path, cache: Cache, tmp_path: Path
) -> None:
    assert availability("cu130", data=data) is None
    found = install("cu130", cache=cache, reporter=Silent(), data=data)
    source, library = tmp_path / "k.cu", tmp_path / "k.so"
    source.write_text(KERNEL)
    run(
        found.cuda / "bin/nvcc", "-ccbin", found.host / "bin/x86_64-linux-gnu-g++", "-std=c++17",
        "-arch=sm_75", "-shared", "-Xcompiler", "-fPIC", source, "-o", library, "-lcudnn",
    )  # fmt: skip
    facts = elf_facts(library)
    assert facts is not None
    assert "libcudnn.so.9" in facts.needed


def test_a_changed_manifest_is_refused(mirror: str, data: Path, cache: Cache) -> None:
    pins = data / "nvidia-redist.toml"
    good = next(line for line in pins.read_text().splitlines() if line.startswith("sha256"))
    pins.write_text(pins.read_text().replace(good, f'sha256 = "{"0" * 64}"', 1))
    before = set(cache.toolchains.iterdir()) if cache.toolchains.exists() else set()
    with pytest.raises(FetchError, match=r"redistrib_13\.0\.2\.json"):
        install("cu130", cache=cache, reporter=Silent(), data=data)
    new = set(cache.toolchains.iterdir()) - before
    assert not [path for path in new if "cu130" in path.name]
