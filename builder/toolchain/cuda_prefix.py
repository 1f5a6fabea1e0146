"""What turns NVIDIA's packages into a toolkit that build systems recognise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from builder.toolchain.layout import make_executable
from builder.toolchain.pins import Pins
from builder.toolchain.stand_ins import add_stand_ins
from index.files import write_text

_LIBRARY = re.compile(r"(lib[A-Za-z0-9_+-]+\.so)\.\d+(\.\d+)*")

NVCC_PROFILE = """\
TOP = $(_HERE_)/..
CICC_PATH = $(TOP)/nvvm/bin
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
LD_LIBRARY_PATH += $(TOP)/lib:
PATH += $(CICC_PATH):$(_HERE_):
INCLUDES += "-I$(TOP)/$(_TARGET_DIR_)/include" $(_SPACE_)
SYSTEM_INCLUDES +=
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/$(_TARGET_DIR_)/lib$(_TARGET_SIZE_)/stubs" \
"-L$(TOP)/$(_TARGET_DIR_)/lib$(_TARGET_SIZE_)"
CUDAFE_FLAGS +=
PTXAS_FLAGS +=
"""


def nvcc_profile(*, cccl: bool) -> str:
    """nvcc's own configuration, relative to wherever nvcc lies.

    Args:
        cccl: Whether Thrust, CUB and libcu++ lie in ``include/cccl`` (CUDA 13).
    """
    if not cccl:
        return NVCC_PROFILE
    own = 'SYSTEM_INCLUDES += "-isystem" "$(TOP)/$(_TARGET_DIR_)/include/cccl" $(_SPACE_)'
    return NVCC_PROFILE.replace("SYSTEM_INCLUDES +=", own)


def link_names(names: Iterable[str]) -> dict[str, str]:
    """The ``libX.so`` names a linker looks for, and the file each stands for.

    Of several versions of a library the shortest name is meant (``libX.so.11`` before
    ``libX.so.11.8``), which is the soname. A ``libX.so`` that is there already is left alone.
    """
    present = set(names)
    found: dict[str, str] = {}
    for name in sorted(present, key=lambda name: (len(name), name)):
        match = _LIBRARY.fullmatch(name)
        if match and match[1] not in present:
            found.setdefault(match[1], name)
    return dict(sorted(found.items()))


def version_json(pins: Pins) -> str:
    """``version.json`` as CMake, OpenCV and others read it."""
    entries = {
        "cuda": {"name": "CUDA SDK", "version": pins.version},
        "cuda_nvcc": {"name": "CUDA NVCC", "version": pins.version},
    }
    return json.dumps(entries, indent=2) + "\n"


def finish_cuda(prefix: Path, pins: Pins) -> None:
    """Complete a prefix whose packages are in place: names, nvcc's profile, version files."""
    libraries = prefix / "lib64"
    for name, target in link_names(path.name for path in libraries.iterdir()).items():
        (libraries / name).symlink_to(target)
    add_stand_ins(libraries)
    (prefix / "lib").symlink_to("lib64")
    make_executable(prefix / "bin")
    make_executable(prefix / "nvvm" / "bin")
    profile = nvcc_profile(cccl=(prefix / "include" / "cccl").is_dir())
    write_text(prefix / "bin" / "nvcc.profile", profile)
    write_text(prefix / "version.json", version_json(pins))
    write_text(prefix / "version.txt", f"CUDA Version {pins.version}\n")
