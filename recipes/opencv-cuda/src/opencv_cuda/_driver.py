"""NVIDIA's driver, asked directly: its answers need neither OpenCV nor the CUDA runtime."""

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
_DEVICE_FILE = Path("/dev/nvidiactl")
_KERNEL_MODULE = Path("/proc/driver/nvidia/version")


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
        version: Its own version, ``550.54.15``; empty where it does not say.
        gpus: The GPUs this process may use.
        problem: Why there is no driver or no GPU, in words; empty where all is well.
        started: Whether it starts; a driver that shows no GPU does.
    """

    cuda: tuple[int, int] | None = None
    version: str = ""
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    started: bool = True


def ask() -> Driver:
    """Ask the driver; never raises."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
        number = ctypes.c_int()
        library.cuDriverGetVersion(ctypes.byref(number))
        cuda = (number.value // 1000, number.value % 1000 // 10)
        return _started(library, cuda, driver_version())
    except OSError as error:
        return Driver(problem=_absent(str(error)))
    except AttributeError as error:  # a library of that name which is no driver
        return Driver(problem=f"libcuda.so.1 is not NVIDIA's driver ({error})")


def driver_version() -> str:
    """``550.54.15``, from NVIDIA's management library or else from the kernel module."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        text = ctypes.create_string_buffer(96)
        if library.nvmlInit_v2() == 0:
            status = library.nvmlSystemGetDriverVersion(text, len(text))
            library.nvmlShutdown()
            if status == 0 and text.value:
                return text.value.decode(errors="replace")
    except (OSError, AttributeError):
        pass  # containers may have libcuda alone
    try:
        module = _KERNEL_MODULE.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"Kernel Module\D*([\d.]+)", module)
    return found[1] if found else ""


def _started(library: ctypes.CDLL, cuda: tuple[int, int], version: str) -> Driver:
    status = library.cuInit(0)
    if status not in (0, _NO_DEVICE):
        problem = f"it does not start ({_error(library, status)})"
        return Driver(cuda=cuda, version=version, problem=problem, started=False)
    number = ctypes.c_int()
    if status == 0:
        status = library.cuDeviceGetCount(ctypes.byref(number))
    if status != 0 or number.value == 0:
        problem = "it shows no GPU to this process (CUDA_VISIBLE_DEVICES?)"
        return Driver(cuda=cuda, version=version, problem=problem)
    gpus = tuple(_gpu(library, index) for index in range(number.value))
    return Driver(cuda=cuda, version=version, gpus=gpus)


def _absent(error: str) -> str:
    if "cannot open shared object file: No such file" not in error:
        return f"libcuda.so.1 cannot be loaded ({error})"
    text = "no NVIDIA driver is installed (libcuda.so.1 was not found)"
    if _DEVICE_FILE.exists():
        text += f", although {_DEVICE_FILE} is there: is its folder on LD_LIBRARY_PATH?"
    return text


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
