"""Whether this machine has a GPU that CUDA programs can use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.process import run

NO_GPU = "no GPU on this machine"
DEVICES = ("nvidiactl", "nvidia0", "dxg")
"""Device nodes of NVIDIA's driver on Linux, and of Windows' under WSL."""

# The driver is asked in a process of its own: it stays loaded, and must not be forked.
_ASK = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
count, device, name = ctypes.c_int(0), ctypes.c_int(0), ctypes.create_string_buffer(256)
major, minor = ctypes.c_int(0), ctypes.c_int(0)
assert cuda.cuInit(0) == 0, "cuInit failed"
assert cuda.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0, "no device"
assert cuda.cuDeviceGet(ctypes.byref(device), 0) == 0
assert cuda.cuDeviceGetName(name, 256, device) == 0
assert cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device) == 0
assert cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, device) == 0
print("GPU", name.value.decode(), "(%d.%d)" % (major.value, minor.value))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """The first GPU, or why there is none to use.

    Attributes:
        name: Its name and architecture, ``"NVIDIA H200 (9.0)"``, or None.
        reason: Why none can be used, or None.
    """

    name: str | None = None
    reason: str | None = None


NONE = Gpu(reason=NO_GPU)


def find_gpu(python: Path, *, env: Mapping[str, str], devices: Path = Path("/dev")) -> Gpu:
    """Ask NVIDIA's driver for the first GPU.

    Args:
        python: The interpreter that asks the driver.
        env: The environment it runs in.
        devices: The folder of device nodes.
    """
    if not any((devices / name).exists() for name in DEVICES):
        return NONE
    done = run([python, "-I", "-c", _ASK], env=env, check=False)
    lines = [line for line in done.output.splitlines() if line.strip()]
    found = [line for line in lines if line.startswith("GPU ")]
    if done.status == 0 and found:
        return Gpu(name=found[0].removeprefix("GPU "))
    last = lines[-1] if lines else f"status {done.status}"
    return Gpu(reason=f"the GPU of this machine cannot be used: {last}")


def gpu_reason() -> str | None:
    """Why GPU tests would not run on this machine; None where they would."""
    return find_gpu(Path(sys.executable), env=os.environ).reason
