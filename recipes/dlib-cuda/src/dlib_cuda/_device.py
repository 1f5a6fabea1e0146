"""What the driver says of the first GPU, asked without CUDA's runtime."""

from __future__ import annotations

import ctypes

_MAJOR, _MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h."""


class NoDeviceError(Exception):
    """There is no GPU to be used; the message says why."""


def capability() -> str:
    """The compute capability of device 0, ``7.5``.

    Raises:
        NoDeviceError: there is no driver, it does not work, or it has no GPU.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise NoDeviceError("there is no NVIDIA driver (libcuda.so.1)") from None
    count, device, value = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status:
        raise NoDeviceError(f"the NVIDIA driver answers with error {status}")
    if not count.value:
        raise NoDeviceError("the NVIDIA driver has no GPU")
    driver.cuDeviceGet(ctypes.byref(device), 0)
    numbers = []
    for attribute in (_MAJOR, _MINOR):
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        numbers.append(value.value)
    return ".".join(map(str, numbers))
