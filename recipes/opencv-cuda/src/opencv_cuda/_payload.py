"""Where OpenCV's files lie, and how the NVIDIA libraries it needs are found."""

import contextlib
import ctypes
import os
import re
import sys
from pathlib import Path

from opencv_cuda import _build

FOLDER = Path(__file__).resolve().parent / "_cv2"
EXTENSION = FOLDER / "cv2.abi3.so"

_MISSING = re.compile(r"^(?P<name>[^\s:]+): cannot open shared object file")
_UNFIT = re.compile(
    r"version `(?P<wanted>lib[^']+)' not found|undefined symbol: \S+, version (?P<symbol>lib\S+)"
)
_PACKAGES = {
    "libcublas": "nvidia-cublas",
    "libcublasLt": "nvidia-cublas",
    "libcudart": "nvidia-cuda-runtime",
    "libcudnn": "nvidia-cudnn",
    "libcufft": "nvidia-cufft",
    "libnpp": "nvidia-npp",
}
_PARTS = (
    "libcudnn_graph.",
    "libcudnn_ops_infer.",
    "libcudnn_ops",
    "libcudnn_cnn_infer.",
    "libcudnn_cnn",
    "libcudnn_adv_infer.",
    "libcudnn_",
)
"""How cuDNN's parts begin, each after those it needs."""


class MissingLibraryError(ImportError):
    """A library that the extension needs is nowhere to be found.

    Attributes:
        library: Its file name, ``libcublas.so.12``.
        package: The distribution that has it, or None where it is none of NVIDIA's.
    """

    def __init__(self, library: str) -> None:
        self.library = library
        self.package = package_of(library)
        advice = f"; `{command(self.package)}` brings it" if self.package else ""
        super().__init__(
            f"{library}, which OpenCV needs, was not found{advice}. "
            "`python -m opencv_cuda` says more."
        )


class UnfitLibraryError(ImportError):
    """A library was found, and is not of the version that the extension was linked with.

    Attributes:
        library: Its file name, ``libcublas.so.12``.
        package: The distribution that has it, or None where it is none of NVIDIA's.
    """

    def __init__(self, library: str, error: str) -> None:
        self.library = library
        self.package = package_of(library)
        advice = f"; `{command(self.package)}` brings one" if self.package else ""
        intruder = on_library_path(library)
        blame = f" LD_LIBRARY_PATH gave {intruder}." if intruder else ""
        super().__init__(
            f"{library} is not of the versions that OpenCV was made for{advice}.{blame} "
            f"`python -m opencv_cuda` says more. ({error})"
        )


def on_library_path(library: str) -> Path | None:
    """The file that ``LD_LIBRARY_PATH`` offers, where none lies where the extension looks first."""
    if beside(library) is not None:
        return None
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if folder and Path(folder, library).is_file():
            return Path(folder, library)
    return None


def command(package: str) -> str:
    """``pip install "nvidia-cublas-cu12<13,>=12.4"``: the versions that this wheel requires.

    Where the package is there and its files are not, that would do nothing: then once more.
    """
    from opencv_cuda import _packages, _versions  # only where something is wrong: it reads metadata

    wanted = _packages.required().get(package, "")
    there = _packages.installed(package)
    if there and _versions.fits(there, wanted):
        return again(package, there)
    return f'pip install "{package}{wanted}"' if wanted else f"pip install {package}"


def again(package: str, version: str) -> str:
    """The command that puts a package's files back and changes nothing else."""
    return f'pip install --force-reinstall --no-deps "{package}=={version}"'


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
    the loader then takes them by name. So are those that are loaded at their first call otherwise.

    Raises:
        MissingLibraryError: one is on no folder of ``sys.path`` either.
        UnfitLibraryError: one was found that is too old or too new.
    """
    load_parts()
    load(EXTENSION)
    for library in _build.LAZY:
        if beside(library) is None:
            _load_late(library)


def load_lazy() -> None:
    """Load what the extension loads when it first calls it, from where it would find it.

    Raises:
        MissingLibraryError: it is nowhere to be found.
        UnfitLibraryError: it needs another that is too old or too new.
    """
    for library in _build.LAZY:
        _load_late(library)


def _load_late(library: str) -> None:
    companion = beside(library.replace("cublas", "cublasLt"))
    if companion is not None:
        load(companion)
    load(beside(library) or on_library_path(library) or Path(library))


def load_parts() -> None:
    """Load those parts of cuDNN of which ``LD_LIBRARY_PATH`` has others by the same names.

    cuDNN loads its parts when it is called, and most versions look on that variable first; parts of
    two versions in one process end in ``CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH``.
    """
    strays = [one for one in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if one]
    if not strays or not _build.CUDNN:
        return
    site = FOLDER.parent.parent
    parts = [part for folder in _build.FOLDERS for part in (site / folder).glob("libcudnn_*.so.*")]
    for part in sorted(parts, key=_order):
        if any(Path(folder, part.name).is_file() for folder in strays):
            with contextlib.suppress(OSError):  # one of them needs the driver
                ctypes.CDLL(str(part))


def _order(part: Path) -> int:
    return next(index for index, name in enumerate(_PARTS) if part.name.startswith(name))


def beside(library: str) -> Path | None:
    """The file that the extension's own run path leads to."""
    site = FOLDER.parent.parent
    paths = (site / folder / library for folder in _build.FOLDERS)
    return next((path for path in paths if path.is_file()), None)


def load(library: Path) -> None:
    """Load ``library`` and, before it, whatever it needs that the loader cannot find."""
    tried: set[str] = set()
    while True:
        try:
            ctypes.CDLL(str(library), mode=ctypes.DEFAULT_MODE)
        except OSError as error:
            match = _MISSING.match(str(error))
            if match is None:
                unfit = _UNFIT.search(str(error))
                if unfit is not None:
                    name = unfit["wanted"] or unfit["symbol"].rstrip(")")
                    raise UnfitLibraryError(name, str(error)) from error
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
