"""``python -m darknet``: what this installation has, what it lacks, and the command that mends it.

Each check gives lines and at most one fault; the first fault is the verdict and the exit code.
``--json`` prints the same for programs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from importlib import metadata

from darknet import _build
from darknet._driver import Driver, DriverError, ask_driver, code_serves, driver_serves, version
from darknet._library import LibraryError, load_library
from darknet._nvidia import Found, loaded, locate_all
from darknet._paths import LIBRARY

SCHEMA = 1
TOLERANCE = 1e-3
PASS_SECONDS = 120


class Verdict(IntEnum):
    """Exit codes; each fault has its own."""

    OK = 0
    LIBRARY_MISSING = 10
    LIBRARY_BROKEN = 11
    CPU_FAILS = 12
    WRONG_DEVICE = 13
    NO_DRIVER = 20
    DRIVER_TOO_OLD = 21
    NO_GPU = 22
    NO_CODE_FOR_GPU = 23
    GPU_FAILS = 24
    GPU_WRONG = 25


REINSTALL = (
    'pip install --force-reinstall "darknet-python=={version}", '
    "with the --extra-index-url this one came from"
)
REMEDIES = {
    Verdict.LIBRARY_MISSING: "pip install --force-reinstall --no-deps {libraries}",
    Verdict.LIBRARY_BROKEN: REINSTALL,
    Verdict.CPU_FAILS: REINSTALL,
    Verdict.WRONG_DEVICE: "set DARKNET_DEVICE to cpu or to the number of a GPU, or take it away: "
    "unset DARKNET_DEVICE",
    Verdict.NO_DRIVER: "Darknet runs on the CPU. For a GPU: install NVIDIA's driver, or in a "
    "notebook choose a runtime with a GPU",
    Verdict.DRIVER_TOO_OLD: "update NVIDIA's driver, or install the wheel for an older CUDA",
    Verdict.NO_GPU: "Darknet runs on the CPU. For a GPU: give this machine, container or notebook "
    "one, or name another in DARKNET_DEVICE",
    Verdict.NO_CODE_FOR_GPU: "Darknet runs on the CPU. For this GPU: install the wheel for a CUDA "
    "that has code for it",
    Verdict.GPU_FAILS: "see above; DARKNET_DEVICE=cpu runs on the CPU meanwhile",
    Verdict.GPU_WRONG: "do not use this GPU; DARKNET_DEVICE=cpu runs on the CPU meanwhile",
}


@dataclass(frozen=True)
class Line:
    """One line of the report: what was looked at, what was seen, and the fault if it is one."""

    subject: str
    seen: str
    fault: Verdict = Verdict.OK


@dataclass(frozen=True)
class Pass:
    """A forward pass in a process of its own: its numbers, or why there are none."""

    device: int
    output: tuple[float, ...]
    error: str


def main(arguments: Sequence[str] = ()) -> int:
    """Print the report and give the exit code."""
    given = _parser().parse_args(list(arguments))
    lines = []
    for line in examine():
        lines.append(line)
        if not given.json:
            mark = "ok  " if line.fault is Verdict.OK else "FAIL"
            sys.stdout.write(f"{mark}  {line.subject:<22} {line.seen}\n")
            sys.stdout.flush()
    verdict = next((line.fault for line in lines if line.fault), Verdict.OK)
    if given.json:
        sys.stdout.write(json.dumps(_content(lines, verdict), indent=1) + "\n")
    elif verdict is Verdict.OK:
        sys.stdout.write("\nEverything works.\n")
    else:
        sys.stdout.write(f"\n{verdict.name} ({verdict.value}): {remedy(verdict)}\n")
    return int(verdict)


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {verdict.value:<3} {verdict.name}" for verdict in Verdict)
    parser = argparse.ArgumentParser(
        "python -m darknet",
        description="What this installation has, what it lacks, and the command that mends it: "
        "NVIDIA's libraries and where they lie, the driver, the GPU and its architecture against "
        "the wheel's, a small network on the CPU and on the GPU.",
        epilog=f"exit codes (of the first fault; 2 is a wrong command line):\n{codes}\n\n"
        "in a notebook: !python -m darknet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    return parser


def _content(lines: list[Line], verdict: Verdict) -> dict[str, object]:
    return {
        "schema_version": SCHEMA,
        "version": metadata.version("darknet-python"),
        "verdict": verdict.name,
        "code": int(verdict),
        "remedy": remedy(verdict) if verdict else None,
        "checks": [
            {"subject": line.subject, "seen": line.seen, "fault": line.fault.name} for line in lines
        ],
    }


def remedy(verdict: Verdict) -> str:
    """What to do about a fault; names the installed version, which no other index has.

    NVIDIA's own packages come from the public index, in the versions that this wheel asks for.
    """
    wheel = metadata.distribution("darknet-python")
    names = [one.partition(";")[0].strip() for one in wheel.requires or ()]
    libraries = " ".join(f'"{name}"' for name in names if name.startswith("nvidia-"))
    return REMEDIES[verdict].format(version=wheel.version, libraries=libraries)


def examine() -> Iterator[Line]:
    """All checks in turn; later ones are left out where an earlier fault makes them useless."""
    yield Line("darknet", f"CUDA {_build.CUDA_VERSION}, machine code for {_codes()}")
    killed = dies_loading()
    if killed:
        yield Line("libdarknet.so", f"{LIBRARY}: {killed}", Verdict.LIBRARY_BROKEN)
        return
    try:
        load_library()
    except ValueError as error:
        yield Line("DARKNET_DEVICE", str(error), Verdict.WRONG_DEVICE)
        return
    except LibraryError as error:
        yield from (_library_line(found, Verdict.LIBRARY_MISSING) for found in locate_all())
        yield Line("libdarknet.so", str(error), Verdict.LIBRARY_BROKEN)
        return
    yield from (_library_line(found, Verdict.OK) for found in locate_all())
    yield Line("libdarknet.so", str(LIBRARY))
    cpu = forward_pass("cpu")
    yield _pass_line("CPU", cpu.error, Verdict.CPU_FAILS)
    if os.environ.get("DARKNET_DEVICE") == "cpu":
        yield Line("GPU", "not looked at: DARKNET_DEVICE is cpu")
    elif not cpu.error:
        yield from examine_gpu(cpu)


def examine_gpu(cpu: Pass) -> Iterator[Line]:
    """The driver, the GPU that is used, and its numbers against the CPU's."""
    try:
        driver = ask_driver()
    except DriverError as error:
        yield Line("driver", str(error), Verdict.NO_DRIVER)
        return
    fault = Verdict.OK if driver_serves(driver.cuda) else Verdict.DRIVER_TOO_OLD
    yield Line("driver", f"knows CUDA up to {_dotted(driver.cuda)}", fault)
    number = int(os.environ.get("DARKNET_DEVICE") or 0)
    if number >= len(driver.gpus):
        yield Line(f"GPU {number}", f"the driver shows {len(driver.gpus)} GPUs", Verdict.NO_GPU)
        return
    yield from _examine_one(driver, number, cpu)


def _examine_one(driver: Driver, number: int, cpu: Pass) -> Iterator[Line]:
    gpu = driver.gpus[number]
    fault = _when(not code_serves(gpu.capability, driver.cuda), Verdict.NO_CODE_FOR_GPU)
    yield Line(f"GPU {number}", f"{gpu.name}, compute capability {_dotted(gpu.capability)}", fault)
    if fault or not driver_serves(driver.cuda):
        return
    result = forward_pass(str(number))
    error = result.error or ("" if result.device >= 0 else "it ran on the CPU instead")
    yield _pass_line("GPU", error, Verdict.GPU_FAILS)
    if not error:
        apart = max(abs(a - b) for a, b in zip(cpu.output, result.output, strict=True))
        fault = _when(apart > TOLERANCE, Verdict.GPU_WRONG)
        yield Line("GPU against CPU", f"at most {apart:.1e} apart", fault)


def dies_loading() -> str:
    """Whether loading the library kills a process, as a file that is cut short does; how, if so."""
    code = "from darknet._library import load_library; load_library()"
    command = [sys.executable, "-c", code]
    status = subprocess.run(command, capture_output=True, check=False).returncode
    return f"loading it ends the process with signal {-status}" if status < 0 else ""


def forward_pass(device: str) -> Pass:
    """Run `darknet._selftest` on a device; Darknet may end its process, so not in this one."""
    # TF32 rounds to 10 bits; switched off, so that a wrong number shows.
    environment = {**os.environ, "DARKNET_DEVICE": device, "NVIDIA_TF32_OVERRIDE": "0"}
    command = [sys.executable, "-m", "darknet._selftest"]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PASS_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Pass(-1, (), f"no end after {PASS_SECONDS} s")
    if done.returncode != 0:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return Pass(-1, (), f"exit code {done.returncode}: {' | '.join(said[-3:])}")
    answer = json.loads(done.stdout.splitlines()[-1])
    output = tuple(float(value) for value in answer["output"])
    bad = sum(1 for value in output if not -1e30 < value < 1e30)
    return Pass(int(answer["device"]), output, f"{bad} numbers are not finite" if bad else "")


def _library_line(found: Found, when_missing: Verdict) -> Line:
    path = loaded(found.name) or found.path
    if path is None:
        return Line(found.name, "in no site folder", when_missing)
    place = found.place if path == found.path else "the system, or another package that was first"
    return Line(found.name, f"{path} (by {place})")


def _pass_line(where: str, error: str, fault: Verdict) -> Line:
    return Line(f"forward pass, {where}", error or "finite numbers", _when(error, fault))


def _when(wrong: object, fault: Verdict) -> Verdict:
    return fault if wrong else Verdict.OK


def _codes() -> str:
    ptx = f" and PTX {_build.PTX}" if _build.PTX else ""
    return ", ".join(sorted(_build.ARCHITECTURES, key=version)) + ptx


def _dotted(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}.{numbers[1]}"
