"""NVIDIA's driver, asked directly: its answers need neither OpenCV nor the CUDA runtime."""

import ctypes
from dataclasses import dataclass

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        name: As the driver calls it, ``Tesla T4``.
        architecture: Compute capability, ``(7, 5)``.
    """

    name: str
    architecture: tuple[int, int]

    @property
    def shown(self) -> str:
        """``7.5``."""
        return "{}.{}".format(*self.architecture)


@dataclass(frozen=True)
class Driver:
    """What the driver answered.

    Attributes:
        cuda: The newest CUDA it knows, ``(12, 4)``, or None where there is no driver.
        gpus: The GPUs this process may use.
        problem: Why there is no driver or no GPU, in words; empty where all is well.
    """

    cuda: tuple[int, int] | None = None
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""


def ask() -> Driver:
    """Ask the driver; never raises."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Driver(problem="no NVIDIA driver is installed (libcuda.so.1 was not found)")
    number = ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(number))
    cuda = (number.value // 1000, number.value % 1000 // 10)
    status = library.cuInit(0)
    if status != 0:
        return Driver(cuda=cuda, problem=f"the driver does not start ({_error(library, status)})")
    status = library.cuDeviceGetCount(ctypes.byref(number))
    if status != 0 or number.value == 0:
        return Driver(cuda=cuda, problem="the driver shows no GPU (CUDA_VISIBLE_DEVICES?)")
    return Driver(cuda=cuda, gpus=tuple(_gpu(library, index) for index in range(number.value)))


def _gpu(library: ctypes.CDLL, index: int) -> Gpu:
    device = ctypes.c_int()
    library.cuDeviceGet(ctypes.byref(device), index)
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGetName(name, len(name), device)
    parts = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        parts.append(value.value)
    return Gpu(name.value.decode(errors="replace"), (parts[0], parts[1]))


def _error(library: ctypes.CDLL, status: int) -> str:
    text = ctypes.c_char_p()
    library.cuGetErrorString(status, ctypes.byref(text))
    return (text.value or b"error %d" % status).decode(errors="replace")
