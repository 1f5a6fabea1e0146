"""Every check of the doctor, in the order in which a fault hides the next one."""

import contextlib
import importlib
import importlib.metadata
import io
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from opencv_cuda import _build, _compute, _libraries, _packages, _payload, _running
from opencv_cuda._driver import Driver, Gpu, ask
from opencv_cuda._findings import Fault, Finding, Report

REINSTALL = _payload.again("opencv-cuda", _build.VERSION)
FROM_INDEX = "with the --extra-index-url this one came from"
GIVE_GPU = (
    "give this machine a GPU: in Colab Runtime > Change runtime type, on Kaggle Settings > "
    "Accelerator, in Docker --gpus all; elsewhere install NVIDIA's driver"
)
OLD_GPU = (7, 5)
"""GPUs before it are served by the cu118 index alone."""
OLDEST_DRIVER = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
"""By CUDA's major version: what every minor version of it runs on."""


def examine(*, thorough: bool = False) -> Report:
    """Look at everything that can be looked at.

    Args:
        thorough: Whether to read every file of NVIDIA's packages (gigabytes), not only its size.
    """
    report = Report()
    for finding in _examine(report, thorough):
        report.findings.append(finding)
    return report


def _examine(report: Report, thorough: bool) -> Iterator[Finding]:
    archs = ", ".join(_build.ARCHITECTURES) + (f", PTX {_build.PTX}" if _build.PTX else "")
    name = f"opencv-cuda {_build.VERSION}, profile {_build.PROFILE}"
    yield Finding("wheel", f"{name}: CUDA {_build.CUDA}, GPUs {archs}")
    importlib.invalidate_caches()
    hidden, changed = which(), files()
    yield from (hidden, changed)
    if hidden.code or changed.code:
        yield names()
        return
    yield restart()
    # Two OpenCVs in one process do each other harm: the libraries are left for a fresh one.
    if _running.stale_here() is None:
        yield from libraries(report)
        yield nvidia_files(thorough=thorough)
        if not report.loaded:
            return
        cv2, finding = imported()
        yield finding
    else:
        cv2 = None
    report.driver = ask()
    yield judge_driver(report.driver)
    cards = [judge_gpu(gpu, report.driver) for gpu in report.driver.gpus]
    yield from cards
    if cv2 is not None and any(not card.code for card in cards):
        yield _compute.arithmetic(cv2)
        yield _compute.convolution(cv2)
    yield names()  # last: a complaint of `pip check` is the least of the faults


def which() -> Finding:
    """Which ``cv2`` a Python that starts here would import, and whose it is."""
    spec = PathFinder.find_spec("cv2")
    origin = None if spec is None else spec.origin
    ours = _payload.FOLDER.parent.parent / "cv2.py"
    if origin is not None and Path(origin).resolve() == ours:
        return Finding("cv2", f"{ours}, of opencv-cuda {_build.VERSION}")
    if origin is None:
        return Finding("cv2", "not found", Fault.HIDDEN, f"{REINSTALL}, {FROM_INDEX}")
    owners = {
        one.metadata["Name"]: one.version
        for one in importlib.metadata.distributions()
        if one.metadata["Name"] != _packages.NAME and _owns(one, Path(origin))
    }
    if owners:
        said = ", ".join(f"{name} {version}" for name, version in sorted(owners.items()))
        remedy = f"pip uninstall -y {' '.join(sorted(owners))}"
        return Finding("cv2", f"{origin}, of {said}", Fault.HIDDEN, remedy)
    remedy = f"rename or remove {origin}: it goes before {ours}"
    return Finding("cv2", f"{origin}, of no package", Fault.HIDDEN, remedy)


def _owns(distribution: importlib.metadata.Distribution, file: Path) -> bool:
    return any(
        one.name.startswith(("cv2/", "cv2.py")) and one.path == file.resolve()
        for one in _packages.recorded(distribution)
    )


def files() -> Finding:
    """Whether every file of this package is as its RECORD has it."""
    found = _packages.ours()
    if found is None:
        return Finding("files", "not put here by an installer: nothing to compare them with")
    changed = _packages.changed(_packages.recorded(found), digest=True)
    if not changed:
        return Finding("files", "every file as installed")
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
    text = f"missing or overwritten: {shown}"
    return Finding("files", text, Fault.FILES_CHANGED, f"{REINSTALL}, {FROM_INDEX}")


def restart() -> Finding:
    """Whether an OpenCV was imported before this one was installed."""
    stale = _running.stale_here() or _running.stale_parent()
    if stale is None:
        return Finding("running", "no program above this one holds another OpenCV")
    remedy = "restart the runtime (in Colab Runtime > Restart session), then import cv2"
    text = f"{stale}, an OpenCV that is no more installed"
    return Finding("running", text, Fault.RESTART, remedy)


def libraries(report: Report) -> list[Finding]:
    """Load what the extension needs; a line for each library of NVIDIA's."""
    try:
        _payload.load_libraries()
        _payload.load_lazy()
    except _payload.MissingLibraryError as error:
        remedy = _payload.command(error.package) if error.package else ""
        text = f"{error.library} was not found"
        return [Finding("libraries", text, Fault.LIBRARY_MISSING, remedy)]
    except _payload.UnfitLibraryError as error:
        intruder = _payload.on_library_path(error.library)
        remedy = _payload.command(error.package) if error.package else ""
        if intruder:
            remedy = f"take {intruder.parent} off LD_LIBRARY_PATH"
        return [Finding("libraries", str(error), Fault.LIBRARY_UNFIT, remedy)]
    except ImportError as error:
        remedy = f"{REINSTALL}, {FROM_INDEX}"
        return [Finding("libraries", str(error), Fault.NO_IMPORT, remedy)]
    report.loaded = True
    report.libraries = _libraries.libraries()
    return [_judge_library(one) for one in report.libraries] or [
        Finding("libraries", "none needed")
    ]


def _judge_library(library: _libraries.Library) -> Finding:
    if library.fits:
        return Finding("library", library.shown)
    package = f"{library.package}{library.wanted}"
    remedy = _payload.command(library.package)
    if library.owner != library.package:
        remedy = f"take {library.path.parent} off LD_LIBRARY_PATH, or {remedy}"
    return Finding("library", f"{library.shown}: not {package}", Fault.LIBRARY_UNFIT, remedy)


def imported() -> tuple[ModuleType | None, Finding]:
    """Import cv2; what it prints where numpy fails would stand in the midst of ``--json``."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import cv2
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        return None, Finding("import", text, Fault.NO_IMPORT, _import_remedy())
    return cv2, Finding("import", f"cv2 {cv2.__version__}, Python {sys.version.split()[0]}")


def _import_remedy() -> str:
    """Put numpy right where it is what fails, in the version that others may have pinned."""
    try:
        importlib.import_module("numpy")
    except Exception:
        return _payload.command("numpy")
    return f"{REINSTALL}, {FROM_INDEX}"


def judge_driver(driver: Driver) -> Finding:
    """Whether the driver can run code of this wheel's CUDA."""
    if driver.cuda is None:
        return Finding("driver", driver.problem, Fault.NO_DRIVER, GIVE_GPU)
    shown = "CUDA {}.{}".format(*driver.cuda)
    if driver.version:
        shown = f"{driver.version}, {shown}"
    major = int(_build.CUDA.partition(".")[0])
    # Within a major version every driver runs machine code of every toolkit.
    if driver.cuda[0] < major:
        since = OLDEST_DRIVER.get(major)
        remedy = (
            f"install this version from the index of a CUDA {driver.cuda[0]} (cu118 serves every "
            f"driver since 450), or a driver for CUDA {major}"
            + (f" ({since} or later)" if since else "")
        )
        text = f"{shown}, too old for CUDA {major}"
        return Finding("driver", text, Fault.DRIVER_TOO_OLD, remedy)
    if not driver.started:
        remedy = "restart the machine or the runtime; `nvidia-smi` should say what is wrong"
        return Finding("driver", f"{shown}, but {driver.problem}", Fault.DRIVER_FAILS, remedy)
    if not driver.gpus:
        return Finding("driver", f"{shown}, but {driver.problem}", Fault.NO_GPU, GIVE_GPU)
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
        text += ": no machine code in this wheel, and its PTX is newer than the driver"
        return Finding("GPU", text, Fault.NO_CODE_FOR_GPU, remedy)
    remedy = "look for a wheel with this architecture on the index this one came from"
    if gpu.architecture < OLD_GPU and not _build.CUDA.startswith("11."):
        remedy = "install this version from the cu118 index: its wheels serve GPUs from 6.0 on"
    return Finding("GPU", f"{text}: no code in this wheel", Fault.NO_CODE_FOR_GPU, remedy)


def nvidia_files(*, thorough: bool) -> Finding:
    """Whether the libraries of NVIDIA's packages are as their RECORDs have them."""
    found = _packages.nvidia()
    bad = {one: _packages.changed(_packages.libraries_of(one), digest=thorough) for one in found}
    bad = {one: names for one, names in bad.items() if names}
    if not bad:
        how = "read and compared" if thorough else "of the sizes recorded"
        text = f"libraries of {len(found)} packages, {how}" if found else "none installed"
        return Finding("NVIDIA", text)
    shown = "; ".join(
        f"{one.metadata['Name']} {one.version}: "
        + ", ".join(name.rpartition("/")[2] for name in names[:3])
        for one, names in bad.items()
    )
    again = " ".join(f'"{one.metadata["Name"]}=={one.version}"' for one in bad)
    remedy = f"take off what overwrote them, then pip install --force-reinstall --no-deps {again}"
    text = f"missing or overwritten: {shown}"
    return Finding("NVIDIA", text, Fault.NVIDIA_FILES_CHANGED, remedy)


def names() -> Finding:
    """Whether the empty packages in the names of OpenCV's CPU builds are this wheel's own."""
    if _packages.ours() is None:
        return Finding("names", "this wheel was not put here by an installer")
    pins = {
        name: wanted.removeprefix("==")
        for name, wanted in _packages.required().items()
        if name.startswith("opencv-") and wanted.startswith("==")
    }
    lost = [name for name, version in pins.items() if _packages.installed(name) != version]
    if not lost:
        return Finding("names", f"also installed as {', '.join(pins) or 'nothing else'}")
    text = f"{', '.join(lost)}: the empty package of this wheel is missing; `pip check` complains"
    remedy = f'pip install "opencv-cuda=={_build.VERSION}", {FROM_INDEX}'
    return Finding("names", text, Fault.NAME_LOST, remedy)


def parse(dotted: str) -> tuple[int, int]:
    """``7.5`` → ``(7, 5)``."""
    major, _, minor = dotted.partition(".")
    return int(major), int(minor)
