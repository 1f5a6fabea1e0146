"""What the doctor can find, and the exit code of each fault."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from opencv_cuda import _build
from opencv_cuda._driver import Driver
from opencv_cuda._libraries import Library

SCHEMA = 1
"""Of ``--json``; it changes when a key changes its meaning or goes."""
CPU_ONLY = "OpenCV works on the CPU only: "


class Fault(IntEnum):
    """Exit codes; each fault has its own, and none changes its meaning."""

    NONE = 0
    LIBRARY_MISSING = 10
    NO_IMPORT = 11
    LIBRARY_UNFIT = 12
    HIDDEN = 13
    NAME_LOST = 14
    FILES_CHANGED = 15
    RESTART = 16
    NVIDIA_FILES_CHANGED = 17
    NO_DRIVER = 20
    DRIVER_TOO_OLD = 21
    NO_GPU = 22
    NO_CODE_FOR_GPU = 23
    GPU_FAILS = 24
    GPU_WRONG = 25
    DRIVER_FAILS = 26
    CUDNN_FAILS = 27

    @property
    def shown(self) -> str:
        """``library-missing``."""
        return self.name.lower().replace("_", "-")


MEANINGS = {
    Fault.NONE: "OpenCV uses the GPU",
    Fault.LIBRARY_MISSING: "an NVIDIA library is missing",
    Fault.NO_IMPORT: "cv2 cannot be imported",
    Fault.LIBRARY_UNFIT: "an NVIDIA library is too old, or too new, for this wheel",
    Fault.HIDDEN: "another OpenCV is imported instead of this one",
    Fault.NAME_LOST: "all is well, but an empty package in the name of a CPU build is missing",
    Fault.FILES_CHANGED: "files of this package are missing or were overwritten",
    Fault.RESTART: "cv2 was imported before this package was installed: restart the runtime",
    Fault.NVIDIA_FILES_CHANGED: "files of an NVIDIA package are missing or were overwritten",
    Fault.NO_DRIVER: "there is no NVIDIA driver",
    Fault.DRIVER_TOO_OLD: "the driver is too old for this wheel's CUDA",
    Fault.NO_GPU: "the driver shows no GPU",
    Fault.NO_CODE_FOR_GPU: "this wheel has no code for the GPU",
    Fault.GPU_FAILS: "a computation on the GPU fails",
    Fault.GPU_WRONG: "a computation on the GPU gives a wrong answer",
    Fault.DRIVER_FAILS: "the driver is there and does not start",
    Fault.CUDNN_FAILS: "a convolution by cuDNN fails",
}
_VERDICTS = {
    Fault.NONE: "OpenCV uses the GPU.",
    Fault.HIDDEN: "Another OpenCV is imported instead of this one: ",
    Fault.NAME_LOST: "OpenCV uses the GPU, but ",
    Fault.RESTART: "Restart the runtime: ",
    Fault.NO_DRIVER: "OpenCV works on the CPU: there is no GPU it could use: ",
    Fault.NO_GPU: "OpenCV works on the CPU: there is no GPU it could use: ",
    Fault.LIBRARY_UNFIT: "OpenCV is not with the libraries it was made for: ",
    Fault.NVIDIA_FILES_CHANGED: "A package of NVIDIA's is damaged: ",
    Fault.CUDNN_FAILS: "OpenCV uses the GPU, but not for dnn: ",
}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        label: What was looked at, ``driver``.
        text: What was found.
        code: The fault, or `Fault.NONE` where all is well.
        remedy: What mends it; a command where there is one.
    """

    label: str
    text: str
    code: Fault = Fault.NONE
    remedy: str = ""


@dataclass
class Report:
    """All that was found, in the order in which a fault hides the next one.

    Attributes:
        findings: A line each.
        driver: What the driver said, once it was asked.
        libraries: NVIDIA's in this process, once they were loaded.
        loaded: Whether all that the extension needs could be loaded.
    """

    findings: list[Finding] = field(default_factory=list)
    driver: Driver | None = None
    libraries: list[Library] = field(default_factory=list)
    loaded: bool = False

    @property
    def fault(self) -> Finding | None:
        """The first fault."""
        return next((finding for finding in self.findings if finding.code), None)

    @property
    def code(self) -> Fault:
        """The exit code."""
        return Fault.NONE if self.fault is None else self.fault.code

    @property
    def remedies(self) -> list[str]:
        """What mends it, each thing once."""
        return list(dict.fromkeys(one.remedy for one in self.findings if one.remedy))

    @property
    def verdict(self) -> str:
        """One sentence."""
        fault = self.fault
        if fault is None:
            return _VERDICTS[Fault.NONE]
        where = "" if fault.code in _VERDICTS else f"{fault.label}: "
        on_gpu = fault.code >= Fault.NO_DRIVER
        start = _VERDICTS.get(fault.code, CPU_ONLY if on_gpu else "OpenCV cannot be used: ")
        return f"{start}{where}{fault.text}"

    def as_json(self) -> dict[str, Any]:
        """The report as ``--json`` prints it."""
        driver = self.driver
        return {
            "schema_version": SCHEMA,
            "exit_code": int(self.code),
            "fault": self.code.shown,
            "verdict": self.verdict,
            "remedies": self.remedies,
            "wheel": {
                "version": _build.VERSION,
                "profile": _build.PROFILE,
                "cuda": _build.CUDA,
                "architectures": list(_build.ARCHITECTURES),
                "ptx": _build.PTX or None,
            },
            "driver": driver
            and {
                "version": driver.version or None,
                "cuda": driver.cuda and "{}.{}".format(*driver.cuda),
                "problem": driver.problem or None,
            },
            "gpus": [
                {"name": gpu.name, "architecture": gpu.shown}
                for gpu in (driver.gpus if driver else ())
            ],
            "libraries": [library.as_json() for library in self.libraries],
            "findings": [
                {
                    "check": one.label,
                    "fault": one.code.shown if one.code else None,
                    "text": one.text,
                    "remedy": one.remedy or None,
                }
                for one in self.findings
            ],
        }
