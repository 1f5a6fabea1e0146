"""Says whether OpenCV uses the GPU, and what to do where it does not.

Exit codes: 0 the GPU is used; otherwise the first of the faults below that was found.
"""

# ruff: noqa: T201 - a program that prints

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from opencv_cuda import _build, _payload
from opencv_cuda._driver import Driver, Gpu, ask

LIBRARY_MISSING = 10
NO_IMPORT = 11
HIDDEN = 13
NAME_LOST = 14
NO_DRIVER = 20
DRIVER_TOO_OLD = 21
NO_GPU = 22
NO_CODE_FOR_GPU = 23
GPU_FAILS = 24
GPU_WRONG = 25

USAGE = """usage: python -m opencv_cuda

Says whether OpenCV uses the GPU: driver, GPU and its architecture against this wheel's, NVIDIA's
libraries and where they were found, which cv2 is really imported, and a tiny computation.

exit codes: 0 the GPU is used; 10 an NVIDIA library is missing, 11 cv2 cannot be imported,
13 another OpenCV hides this one; 20 no driver, 21 driver too old, 22 no GPU, 23 no code for this
GPU in the wheel, 24 the GPU fails, 25 the GPU's answer is wrong; 14 all is well, but an empty
package in the name of a CPU build is missing; 2 wrong usage

back to a CPU build of OpenCV:
  pip uninstall -y opencv-cuda opencv-python opencv-python-headless opencv-contrib-python \
    opencv-contrib-python-headless
  pip install opencv-python"""


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``code`` is 0 where all is well."""

    label: str
    text: str
    code: int = 0
    remedy: str = ""


def main(arguments: list[str]) -> int:
    """Print the report and return the exit code."""
    if arguments:
        wanted = arguments in (["-h"], ["--help"])
        print(USAGE, file=sys.stdout if wanted else sys.stderr)
        return 0 if wanted else 2
    findings = list(examine())
    for finding in findings:
        print(f"{'ok ' if not finding.code else '!! '} {finding.label + ':':<12} {finding.text}")
    fault = next((finding for finding in findings if finding.code), None)
    if fault is None:
        print("\nOpenCV uses the GPU.")
        return 0
    print(f"\n{_verdict(fault)}")
    for remedy in dict.fromkeys(finding.remedy for finding in findings if finding.remedy):
        print(f"  {remedy}")
    return fault.code


def examine() -> Iterable[Finding]:
    """Every check, in the order in which a fault hides the next one."""
    archs = ", ".join(_build.ARCHITECTURES) + (f", PTX {_build.PTX}" if _build.PTX else "")
    name = f"opencv-cuda {_build.VERSION}, profile {_build.PROFILE}"
    yield Finding("wheel", f"{name}: CUDA {_build.CUDA}, GPUs {archs}")
    hidden = which()
    yield hidden
    if hidden.code:
        yield names()
        return
    loaded = libraries()
    yield loaded
    if loaded.code:
        return
    cv2, finding = imported()
    yield finding
    driver = ask()
    yield judge_driver(driver)
    yield from (judge_gpu(gpu, driver) for gpu in driver.gpus)
    if cv2 is not None and driver.gpus:
        yield compute(cv2)
    yield names()  # last: a complaint of `pip check` is the least of the faults


def which() -> Finding:
    """Which ``cv2`` this Python would import."""
    spec = importlib.util.find_spec("cv2")
    origin = None if spec is None else spec.origin
    ours = Path(__file__).resolve().parent.parent / "cv2.py"
    # Once imported, the module says it is the package it became.
    if origin is not None and Path(origin).resolve() in (ours, _payload.FOLDER / "__init__.py"):
        return Finding("cv2", str(ours))
    found = "not found" if origin is None else origin
    owners = sorted(
        {
            name
            for name in importlib.metadata.packages_distributions().get("cv2", ())
            if name != "opencv-cuda"
        }
    )
    if owners:
        return Finding("cv2", found, HIDDEN, f"pip uninstall -y {' '.join(owners)}")
    return Finding("cv2", found, HIDDEN, f"rename or remove {found}: it goes before {ours}")


def names() -> Finding:
    """Whether the empty packages in the names of OpenCV's CPU builds are this wheel's own."""
    try:
        required = importlib.metadata.requires("opencv-cuda") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding("names", "this wheel was not put here by an installer")
    pins = dict(
        text.split("==", 1) for text in required if text.startswith("opencv-") and "==" in text
    )
    lost = [name for name, version in pins.items() if _installed(name) != version]
    if not lost:
        return Finding("names", f"also installed as {', '.join(pins) or 'nothing else'}")
    text = f"{', '.join(lost)}: the empty package of this wheel is missing; `pip check` complains"
    remedy = f'pip install "opencv-cuda=={_build.VERSION}", from the index this one came from'
    return Finding("names", text, NAME_LOST, remedy)


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def libraries() -> Finding:
    """Load what the extension needs, and say where each library was found."""
    try:
        _payload.load_libraries()
    except _payload.MissingLibraryError as error:
        remedy = f"pip install {error.package}" if error.package else ""
        return Finding("libraries", f"{error.library} was not found", LIBRARY_MISSING, remedy)
    except ImportError as error:
        return Finding("libraries", str(error), NO_IMPORT)
    lines = [f"{path.name} in {path.parent}" for path in mapped()]
    return Finding("libraries", ("\n" + " " * 17).join(lines) or "none needed")


def mapped() -> list[Path]:
    """NVIDIA's libraries in this process, as the kernel has them."""
    names = ("libcudart.", "libcublas", "libcudnn", "libcufft.", "libnpp")
    with Path("/proc/self/maps").open(encoding="utf-8", errors="replace") as maps:
        paths = {Path(line.split(maxsplit=5)[5].strip()) for line in maps if "/" in line}
    return sorted(path for path in paths if path.name.startswith(names))


def imported() -> tuple[ModuleType | None, Finding]:
    """Import cv2."""
    try:
        import cv2
    except ImportError as error:
        return None, Finding("import", str(error), NO_IMPORT, "pip install --force-reinstall numpy")
    return cv2, Finding("import", f"cv2 {cv2.__version__}, Python {sys.version.split()[0]}")


def judge_driver(driver: Driver) -> Finding:
    """Whether the driver can run code of this wheel's CUDA."""
    if driver.cuda is None:
        return Finding("driver", driver.problem, NO_DRIVER)
    shown = "CUDA {}.{}".format(*driver.cuda)
    major = int(_build.CUDA.partition(".")[0])
    # Within a major version every driver runs machine code of every toolkit.
    if driver.cuda[0] < major:
        remedy = f"install a driver for CUDA {major}, or the wheel of an older CUDA"
        return Finding("driver", f"{shown}, too old for CUDA {major}", DRIVER_TOO_OLD, remedy)
    if not driver.gpus:
        return Finding("driver", f"{shown}, but {driver.problem}", NO_GPU)
    return Finding("driver", shown)


def judge_gpu(gpu: Gpu, driver: Driver) -> Finding:
    """Whether the wheel has code for a GPU."""
    real = {parse(arch) for arch in _build.ARCHITECTURES}
    text = f"{gpu.name}, architecture {gpu.shown}"
    if any(arch[0] == gpu.architecture[0] and arch <= gpu.architecture for arch in real):
        return Finding("GPU", text)
    if _build.PTX and parse(_build.PTX) <= gpu.architecture:
        if driver.cuda is None or driver.cuda >= parse(_build.CUDA):
            return Finding("GPU", f"{text} (PTX: compiled at first use, which takes minutes)")
        remedy = f"a driver for CUDA {_build.CUDA} or later would compile the wheel's PTX for it"
        return Finding("GPU", f"{text}: no machine code in this wheel", NO_CODE_FOR_GPU, remedy)
    remedy = "look for a wheel with this architecture on the index this one came from"
    return Finding("GPU", f"{text}: no code in this wheel", NO_CODE_FOR_GPU, remedy)


def compute(cv2: ModuleType) -> Finding:
    """A tiny computation on the GPU, compared with numpy's answer."""
    import numpy

    image = numpy.arange(4096, dtype=numpy.float32).reshape(64, 64)
    try:
        if cv2.cuda.getCudaEnabledDeviceCount() < 1:
            return Finding("computation", "OpenCV sees no GPU", GPU_FAILS)
        gpu = cv2.cuda.GpuMat()
        gpu.upload(image)
        answer = gpu.convertTo(cv2.CV_32F, alpha=2.0, beta=1.0).download()
    except cv2.error as error:
        return Finding("computation", str(error).strip(), GPU_FAILS)
    if not numpy.array_equal(answer, image * 2 + 1):
        return Finding("computation", "the answer is wrong", GPU_WRONG)
    return Finding("computation", "2x + 1 of 64 x 64 numbers, right")


def parse(dotted: str) -> tuple[int, int]:
    """``7.5`` → ``(7, 5)``."""
    major, _, minor = dotted.partition(".")
    return int(major), int(minor)


def _verdict(fault: Finding) -> str:
    if fault.code in (NO_DRIVER, NO_GPU):
        return "OpenCV works on the CPU: there is no GPU it could use."
    if fault.code in (DRIVER_TOO_OLD, NO_CODE_FOR_GPU, GPU_FAILS, GPU_WRONG):
        return f"OpenCV works on the CPU only: {fault.label}: {fault.text}"
    if fault.code == NAME_LOST:
        return f"OpenCV uses the GPU, but {fault.text}"
    if fault.code == HIDDEN:
        return f"Another OpenCV is imported instead of this one: {fault.text}"
    return f"OpenCV cannot be used: {fault.text}"
