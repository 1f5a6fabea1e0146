"""Where OpenCV's files lie, and how the NVIDIA libraries it needs are found."""

import ctypes
import re
import sys
from pathlib import Path

from opencv_cuda import _build

FOLDER = Path(__file__).resolve().parent / "_cv2"
EXTENSION = FOLDER / "cv2.abi3.so"

_MISSING = re.compile(r"^(?P<name>[^\s:]+): cannot open shared object file")
_PACKAGES = {
    "libcublas": "nvidia-cublas",
    "libcublasLt": "nvidia-cublas",
    "libcudart": "nvidia-cuda-runtime",
    "libcudnn": "nvidia-cudnn",
    "libcufft": "nvidia-cufft",
    "libnpp": "nvidia-npp",
}


class MissingLibraryError(ImportError):
    """A library that the extension needs is nowhere to be found.

    Attributes:
        library: Its file name, ``libcublas.so.12``.
        package: The distribution that has it, or None where it is none of NVIDIA's.
    """

    def __init__(self, library: str) -> None:
        self.library = library
        self.package = package_of(library)
        advice = f"; `pip install {self.package}` brings it" if self.package else ""
        super().__init__(
            f"{library}, which OpenCV needs, was not found{advice}. "
            "`python -m opencv_cuda` says more."
        )


def package_of(library: str) -> str | None:
    """The distribution that has ``library`` (``libcublas.so.12`` → ``nvidia-cublas-cu12``)."""
    stem = library.partition(".so")[0]
    major = _build.CUDA.partition(".")[0]
    for prefix in (stem, stem[:6]):
        package = _PACKAGES.get(prefix)
        if package is not None:
            # CUDA 13's packages have no suffix, but for cuDNN, whose versions are not CUDA's.
            plain = int(major) >= 13 and package != "nvidia-cudnn"
            return package if plain else f"{package}-cu{major}"
    return None


def load_libraries() -> None:
    """Load the extension's libraries, wherever on ``sys.path`` NVIDIA's packages lie.

    The extension finds them by itself in the site-packages folder it lies in. Where they are in
    another one (``--user``, ``--system-site-packages``) they are loaded here first, by their path:
    the loader then takes them by name.

    Raises:
        MissingLibraryError: one is on no folder of ``sys.path`` either.
    """
    load(EXTENSION)


def load(library: Path) -> None:
    """Load ``library`` and, before it, whatever it needs that the loader cannot find."""
    tried: set[str] = set()
    while True:
        try:
            ctypes.CDLL(str(library), mode=ctypes.DEFAULT_MODE)
        except OSError as error:
            match = _MISSING.match(str(error))
            if match is None:
                raise ImportError(str(error)) from error
            name = match["name"]
            found = None if name in tried else find(name)
            if found is None:
                raise MissingLibraryError(name) from error
            tried.add(name)
            load(found)
        else:
            return


def find(name: str) -> Path | None:
    """The first file ``name`` below a folder of ``sys.path`` where NVIDIA's packages put it."""
    for entry in sys.path:
        for folder in _build.FOLDERS:
            candidate = Path(entry or ".", folder, name)
            if candidate.is_file():
                return candidate.resolve()
    return None
