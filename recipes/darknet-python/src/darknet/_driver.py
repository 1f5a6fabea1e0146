"""What NVIDIA's driver says of itself and of a GPU, asked through libcuda.so.1 alone."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from darknet._build import ARCHITECTURES, CUDA_VERSION, PTX

NO_DEVICE = 100
_CAPABILITY = (75, 76)
"""CUdevice_attribute: compute capability, major and minor."""


class DriverError(Exception):
    """The driver is not there, or does not start."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: its name and compute capability, ``(7, 5)``."""

    name: str
    capability: tuple[int, int]


@dataclass(frozen=True)
class Driver:
    """The newest CUDA the driver knows, ``(12, 4)``, and its GPUs."""

    cuda: tuple[int, int]
    gpus: tuple[Gpu, ...]


def version(text: str) -> tuple[int, int]:
    """``7.5`` as ``(7, 5)``."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def ask_driver() -> Driver:
    """Ask the driver.

    Raises:
        DriverError: there is no driver, or it fails; says how.
    """
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise DriverError(str(error)) from error
    number = ctypes.c_int()
    _check(cuda.cuDriverGetVersion(ctypes.byref(number)), "cuDriverGetVersion")
    newest = (number.value // 1000, number.value % 1000 // 10)
    started = cuda.cuInit(0)
    if started == NO_DEVICE:
        return Driver(newest, ())
    _check(started, "cuInit")
    _check(cuda.cuDeviceGetCount(ctypes.byref(number)), "cuDeviceGetCount")
    return Driver(newest, tuple(_gpu(cuda, i) for i in range(number.value)))


def driver_serves(driver: tuple[int, int]) -> bool:
    """Whether a driver runs this wheel: machine code runs on any driver of its major version."""
    return driver[0] >= version(CUDA_VERSION)[0]


def code_serves(capability: tuple[int, int], driver: tuple[int, int]) -> bool:
    """Whether the library holds code for a GPU: its machine code, or PTX the driver can compile."""
    real = any(
        version(arch)[0] == capability[0] and version(arch)[1] <= capability[1]
        for arch in ARCHITECTURES
    )
    compiled = bool(PTX) and version(PTX) <= capability and driver >= version(CUDA_VERSION)
    return real or compiled


def _gpu(cuda: ctypes.CDLL, index: int) -> Gpu:
    device = ctypes.c_int()
    _check(cuda.cuDeviceGet(ctypes.byref(device), index), "cuDeviceGet")
    name = ctypes.create_string_buffer(256)
    _check(cuda.cuDeviceGetName(name, len(name), device), "cuDeviceGetName")
    value = ctypes.c_int()
    numbers = []
    for attribute in _CAPABILITY:
        status = cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        _check(status, "cuDeviceGetAttribute")
        numbers.append(value.value)
    return Gpu(name.value.decode(errors="replace"), (numbers[0], numbers[1]))


def _check(status: int, call: str) -> None:
    if status != 0:
        raise DriverError(f"{call} fails with CUDA error {status}")
