"""Says whether OpenCV uses the GPU, and what to do where it does not.

Exit codes: 0 the GPU is used; otherwise the first of the faults (`_findings.Fault`) that was found.
"""

# ruff: noqa: T201 - a program that prints

import argparse
import json
import os
import sys

from opencv_cuda._checks import examine
from opencv_cuda._findings import MEANINGS, Report

ABOUT = """Says whether OpenCV uses the GPU: which cv2 is imported and from which package, whether
files were overwritten, NVIDIA's libraries with version and place, driver, GPUs and their
architectures against this wheel's, and a tiny computation with CUDA and with cuDNN."""
BACK = """back to a CPU build of OpenCV:
  pip uninstall -y opencv-cuda opencv-python opencv-python-headless opencv-contrib-python \\
    opencv-contrib-python-headless
  pip install opencv-python

in a notebook:
  !python -m opencv_cuda
  import opencv_cuda; opencv_cuda.doctor()   # in the kernel itself"""


def main(arguments: list[str]) -> int:
    """Print the report and return the exit code."""
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as stop:  # --help, or wrong usage: argparse has printed it
        return int(stop.code or 0)
    report = examine(thorough=given.thorough)
    _say(json.dumps(report.as_json(), indent=1) if given.json else as_text(report))
    return int(report.code)


def _say(text: str) -> None:
    """Print; whoever stops reading (``| head``) has read enough, and the exit code stays."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_text(report: Report) -> str:
    """A line per finding, a verdict, and what mends it."""
    lines = [
        f"{'ok ' if not one.code else '!! '} {one.label + ':':<12} {one.text}"
        for one in report.findings
    ]
    lines += ["", report.verdict, *(f"  {remedy}" for remedy in report.remedies)]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {int(code):<3} {meaning}" for code, meaning in MEANINGS.items())
    parser = argparse.ArgumentParser(
        prog="python -m opencv_cuda",
        description=ABOUT,
        epilog=f"exit codes (the first fault counts; 2 is wrong usage):\n{codes}\n\n{BACK}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="read every library of NVIDIA's packages instead of comparing sizes (seconds)",
    )
    return parser
