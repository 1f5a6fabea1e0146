"""``python -m dlib_cuda``: what is installed, whether the GPU can be used, and what to do.

Exit codes: 0 all is well; 10 a library of NVIDIA's is missing; 11 dlib does not load; 12 another
dlib is imported; 20 no GPU or no driver; 21 no code for this GPU in the wheel; 22 the GPU fails.
"""

from __future__ import annotations

import sys

from dlib_cuda import __version__, _build, _load
from dlib_cuda._device import NoDeviceError, capability


def main() -> int:
    """Say what was found; the exit code says what is wrong."""
    code, verdict = examine()
    say(f"verdict: {verdict}")
    return code


def say(line: str) -> None:
    """Write one line."""
    sys.stdout.write(f"{line}\n")


def examine() -> tuple[int, str]:
    """Look at one thing after the other, up to the first that is wrong."""
    ptx = f", PTX for {_build.PTX}" if _build.PTX else ""
    say(f"dlib-cuda {__version__}, CUDA {_build.CUDA_VERSION}, Python {_build.PYTHON_VERSION}")
    say(f"code for GPUs of compute capability {', '.join(_build.ARCHITECTURES)}{ptx}")
    for library in _build.LIBRARIES:
        beside, path = _load.locate(library)
        how = "" if beside or path is None else " (not beside dlib-cuda: loaded by its path)"
        say(f"{library}: {path or 'in no package'}{how}")
    gone = [one for one in _build.LIBRARIES if _load.locate(one)[1] is None]
    try:
        import dlib
    except ImportError as error:
        return (10 if gone else 11), f"dlib does not load: {error}"
    imported = getattr(sys.modules.get("_dlib_pybind11"), "__file__", None)
    if imported != str(_load.EXTENSION):
        return 12, (
            f"`import dlib` gives {dlib.__file__}, another build, not this one: "
            "pip uninstall -y dlib, then install dlib-cuda once more"
        )
    try:
        found = capability()
    except NoDeviceError as error:
        return 20, f"dlib works on the CPU; its networks do not, as {error}"
    say(f"GPU: compute capability {found}")
    if not runs_on(found):
        return 21, f"this wheel has no code for compute capability {found}: install another build"
    if dlib.cuda.get_num_devices() < 1:
        return 22, "the driver has a GPU, and CUDA's runtime finds none: the driver may be too old"
    return 0, "dlib uses the GPU"


def runs_on(found: str) -> bool:
    """Whether code for a GPU is in the wheel: of its generation and not newer, or older PTX."""
    major, minor = map(int, found.split("."))
    has = [tuple(map(int, one.split("."))) for one in _build.ARCHITECTURES]
    if any(one[0] == major and one[1] <= minor for one in has):
        return True
    return bool(_build.PTX) and tuple(map(int, _build.PTX.split("."))) <= (major, minor)


if __name__ == "__main__":
    sys.exit(main())
