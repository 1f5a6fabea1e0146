"""A small data folder of pin files that tests may change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HOST = """\
schema = 1
label = "host"
version = "10.2.1"
check = ["bin/cc"]

[[package]]
source = "pypi:tool==1.0"
filename = "tool-1.0-py3-none-any.whl"
sha256 = "{host}"
size = 10
installed_size = 20
[package.place]
"tool" = "bin"
"""

CUDA = """\
schema = 1
label = "{label}"
version = "11.8.89"
check = ["bin/nvcc"]

[[package]]
source = "debian:pool/non-free/n/nvcc_1_amd64.deb"
filename = "nvcc_1_amd64.deb"
sha256 = "{cuda}"
size = 100
installed_size = 200
mirrors = ["https://snapshot.debian.org/nvcc_1_amd64.deb"]
[package.place]
"usr/bin" = "bin"
"""

REDIST = """\
schema = 1
label = "cu126"
version = "12.6.85"
check = ["bin/nvcc"]

[[redist]]
product = "cuda"
version = "12.6.3"
components = ["cuda_nvcc"]
include = ["bin/*"]
size = 1000
installed_size = 2000
"""

MANIFESTS = """\
schema = 1
[cuda."12.6.3"]
manifest = "https://developer.download.nvidia.com/compute/cuda/redist/redistrib_12.6.3.json"
sha256 = "{manifest}"
[cudnn."9.1"]
manifest = "https://developer.download.nvidia.com/compute/cudnn/redist/redistrib_9.1.json"
sha256 = "{manifest}"
"""


def write(folder: Path, **hashes: str) -> Path:
    """A data folder; keyword arguments replace one digit-filled hash each."""
    known = {"host": "a", "cu118": "b", "cu124": "c", "manifest": "d"} | hashes
    full = {name: digit * 64 for name, digit in known.items()}
    folder.mkdir(exist_ok=True)
    (folder / "host.toml").write_text(HOST.format(host=full["host"]))
    for label in ("cu118", "cu124"):
        (folder / f"{label}.toml").write_text(CUDA.format(label=label, cuda=full[label]))
    (folder / "cu126.toml").write_text(REDIST)
    (folder / "nvidia-redist.toml").write_text(MANIFESTS.format(manifest=full["manifest"]))
    return folder


@pytest.fixture
def make_data() -> Callable[..., Path]:
    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data")
