"""Raw wheels as a build back end makes them, and the build spec they answer to."""

from __future__ import annotations

import csv
import io
import zipfile

from builder.wheel.archive import record_hash
from tests.unit.wheel.conftest import spec as a_spec

INFO = "demo_gpu-1.2+cu118.dist-info"
RAW = "demo_gpu-1.2+cu118-1-py3-none-linux_x86_64.whl"


def pack(folder, files, *, filename=RAW, pure=False):
    """A raw wheel as a build back end makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    python, abi, platform = filename.removesuffix(".whl").split("-")[-3:]
    contents = dict(files)
    contents[f"{INFO}/METADATA"] = (
        b"Metadata-Version: 2.1\nName: demo-gpu\nVersion: 1.2+cu118\nRequires-Python: >=3.9\n"
        b"Requires-Dist: nvidia-cuda-runtime-cu11\n"
    )
    contents[f"{INFO}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {str(pure).lower()}\nBuild: 1\n"
        f"Tag: {python}-{abi}-{platform}\n"
    ).encode()
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerows((name, record_hash(data), len(data)) for name, data in contents.items())
    rows.writerow((f"{INFO}/RECORD", "", ""))
    contents[f"{INFO}/RECORD"] = text.getvalue().encode()
    with zipfile.ZipFile(folder / filename, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return folder / filename


def spec(**changes):
    """The unit tests' build spec; these wheels' repair leaves out the runtime alone."""
    return a_spec(**{"excluded_libs": ("libcudart.so.*",), **changes})
