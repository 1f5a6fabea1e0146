"""Loading the extension, and before it NVIDIA's libraries that its run path does not lead to.

NVIDIA's packages usually lie beside this one, where the extension finds them. In a virtual
environment with ``--system-site-packages``, or after ``pip install --user``, they can lie in
another folder of ``sys.path``; then they are loaded from there beforehand, as PyTorch does.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

from dlib_cuda import _build

FOLDER = Path(__file__).resolve().parent
EXTENSION = FOLDER / _build.EXTENSION


def extension(name: str) -> ModuleType:
    """Load dlib's extension as the module ``name``, in the place of whatever has that name.

    Raises:
        ImportError: a library it needs is nowhere, or is too old; or this is another Python.
    """
    preload()
    loader = ExtensionFileLoader(name, str(EXTENSION))
    spec = importlib.util.spec_from_file_location(name, EXTENSION, loader=loader)
    assert spec is not None
    try:
        module = importlib.util.module_from_spec(spec)
    except ImportError as error:
        raise ImportError(f"{error}. {advice(str(error))}", name=name) from error
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def advice(error: str) -> str:
    """What to do about an extension that does not load."""
    gone = [name for name in _build.LIBRARIES if name in error]
    if gone:
        return f"{gone[0]}, which dlib needs, was not found: pip install {package(gone[0])}"
    return "`python -m dlib_cuda` says more."


def package(library: str) -> str:
    """The package that has a library, ``libcublas.so.12`` → ``nvidia-cublas-cu12``."""
    major = _build.CUDA_VERSION.partition(".")[0]
    names = {"libcudart": "cuda-runtime", "libcudnn": "cudnn"}
    name = f"nvidia-{names.get(library.partition('.')[0], 'cublas')}"
    # CUDA 13's packages have no suffix, but for cuDNN, whose versions are not CUDA's.
    return name if int(major) >= 13 and name != "nvidia-cudnn" else f"{name}-cu{major}"


def preload() -> None:
    """Load what the extension's run path does not lead to, from the first folder that has it."""
    for library in _build.LIBRARIES:
        beside, elsewhere = locate(library)
        if not beside and elsewhere is not None:
            ctypes.CDLL(str(elsewhere), mode=ctypes.RTLD_GLOBAL)


def locate(library: str) -> tuple[bool, Path | None]:
    """Whether the run path leads to a library, and the file; None where no package has it."""
    for site in (FOLDER.parent, *(Path(entry) for entry in sys.path if entry)):
        for folder in _build.RUN_PATHS:
            path = site / folder / library
            if path.is_file():
                return site == FOLDER.parent, path
    return False, None
