"""NVIDIA's libraries in this process: where each was found, its version, and whether it fits."""

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opencv_cuda import _packages, _payload
from opencv_cuda._versions import fits

NAMES = ("libcudart.", "libcublas", "libcudnn", "libcufft.", "libnpp", "libnvrtc.", "libcurand.")


@dataclass(frozen=True)
class Library:
    """One library as the kernel has it mapped.

    Attributes:
        path: Its file.
        version: What it says of itself, ``12.4.5``; empty where it has no such call.
        owner: The distribution whose file it is, ``nvidia-cublas-cu12``; empty where none.
        owner_version: That distribution's version.
        package: The distribution this wheel takes it from.
        wanted: The range of versions of that distribution, ``<13,>=12.4``.
    """

    path: Path
    version: str = ""
    owner: str = ""
    owner_version: str = ""
    package: str = ""
    wanted: str = ""

    @property
    def fits(self) -> bool:
        """Whether it is of the versions this wheel asks for."""
        said = self.version or self.owner_version
        whole = not self.owner_version or self.owner != self.package
        return fits(said, self.wanted) and (whole or fits(self.owner_version, self.wanted))

    @property
    def shown(self) -> str:
        """One line."""
        version = f" {self.version}" if self.version else ""
        owner = f"{self.owner} {self.owner_version}" if self.owner else "of no package"
        return f"{self.path.name}{version} ({owner}) in {self.path.parent}"

    def as_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "name": self.path.name,
            "path": str(self.path),
            "version": self.version or None,
            "package": self.owner or None,
            "package_version": self.owner_version or None,
            "wanted": f"{self.package} {self.wanted}" if self.package else None,
            "fits": self.fits,
        }


def libraries() -> list[Library]:
    """Every library of NVIDIA's in this process, sorted by name."""
    owners = _packages.owners(_packages.nvidia())
    wanted = _packages.required()
    return [_library(path, owners, wanted) for path in mapped()]


def mapped() -> list[Path]:
    """NVIDIA's libraries in this process, as the kernel has them."""
    with Path("/proc/self/maps").open(encoding="utf-8", errors="replace") as maps:
        paths = {Path(line.split(maxsplit=5)[5].strip()) for line in maps if "/" in line}
    return sorted(path for path in paths if path.name.startswith(NAMES))


def _library(path: Path, owners: dict[Path, tuple[str, str]], wanted: dict[str, str]) -> Library:
    owner, owner_version = owners.get(path.resolve(), ("", ""))
    package = _payload.package_of(path.name) or ""
    return Library(
        path=path,
        version=_said(path),
        owner=owner,
        owner_version=owner_version,
        package=package,
        wanted=wanted.get(package, ""),
    )


def _said(path: Path) -> str:
    """The library's own word on its version; empty where it has none."""
    for prefix, ask in _ASK.items():
        if path.name.startswith(prefix):
            try:
                return ".".join(map(str, ask(ctypes.CDLL(str(path)))))
            except (OSError, AttributeError, ValueError):
                return ""
    return ""


def _cudart(library: ctypes.CDLL) -> Iterable[int]:
    number = ctypes.c_int()
    if library.cudaRuntimeGetVersion(ctypes.byref(number)) != 0 or not number.value:
        raise ValueError  # CUDA 11's asks the driver first
    return number.value // 1000, number.value % 1000 // 10


def _property(call: str) -> Callable[[ctypes.CDLL], Iterable[int]]:
    def ask(library: ctypes.CDLL) -> Iterable[int]:
        parts = (ctypes.c_int * 3)()
        for index in range(3):  # MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL
            getattr(library, call)(index, ctypes.byref(parts, index * ctypes.sizeof(ctypes.c_int)))
        return tuple(parts)

    return ask


def _npp(library: ctypes.CDLL) -> Iterable[int]:
    call = library.nppGetLibVersion
    call.restype = ctypes.POINTER(ctypes.c_int * 3)
    return tuple(call().contents)


_ASK: dict[str, Callable[[ctypes.CDLL], Iterable[int]]] = {
    "libcudart.": _cudart,
    "libcublas.": _property("cublasGetProperty"),
    "libcublasLt.": _property("cublasLtGetProperty"),
    "libcudnn.": _property("cudnnGetProperty"),
    "libcufft.": _property("cufftGetProperty"),
    "libnppc.": _npp,
}
