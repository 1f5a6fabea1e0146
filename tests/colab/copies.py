"""Copies of hosted notebooks: an environment from its published list, and our line in it."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.fetch.pipconfig import read_pip_settings
from builder.verify.pythons import find_python
from tests.integration.opencv_kit import Machine, make_machine

IMAGES = Path(__file__).with_name("images.toml")
_SIZE = re.compile(
    r"Downloading \S*?(?P<file>[^/\s]+\.whl)\S* \((?P<size>[\d.]+) (?P<unit>[kMG]?B)\)"
)
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
FIRST_CALL = "import cv2; cv2.cuda.getCudaEnabledDeviceCount(); print(cv2.__file__)"


@dataclass(frozen=True, kw_only=True)
class Image:
    """What one service has installed.

    Attributes:
        title: The service and the day.
        source: Where its list was read, and what is not from there.
        python: Its Python, ``3.13``.
        pip: Its pip.
        cuda: The index of ours that serves its GPUs.
        numpy: Its numpy.
        opencv: Its OpenCVs, in the order in which they lie over each other.
        nvidia: NVIDIA's packages, as its PyTorch pins them.
    """

    title: str
    source: str
    python: str
    pip: str
    cuda: str
    numpy: str
    opencv: tuple[str, ...]
    nvidia: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the line took.

    Attributes:
        install: Seconds of ``pip install``.
        first: Seconds of the first process that calls ``cv2.cuda``.
        downloaded: Bytes by wheel, as pip says them.
    """

    install: float
    first: float
    downloaded: dict[str, int]


def load_images() -> dict[str, Image]:
    """The services by name."""
    told = tomllib.loads(IMAGES.read_text(encoding="utf-8"))
    return {
        name: Image(**one | {key: tuple(one[key]) for key in ("opencv", "nvidia")})
        for name, one in told.items()
    }


def make_copy(image: Image, place: Path, *, ours: str, like: Machine | None = None) -> Machine:
    """The service's environment; everything in it comes from the index pip is configured for.

    NVIDIA's packages and numpy are put in by uv, whose hard links cost neither time nor disk; the
    OpenCVs, which write into one folder, by the service's own pip, one after the other.
    """
    settings = read_pip_settings(dict(os.environ))
    (public, *_) = settings.indexes
    found = find_python(image.python)
    if found.interpreter is None:
        pytest.skip(f"not run ({found.reason})")
    machine = make_machine(
        f"pip {image.pip}",
        place,
        ours=ours,
        public=public,
        also=[f"numpy=={image.numpy}", *image.nvidia],
        python=found.interpreter.path,
        like=like,
    )
    if like is None:
        for one in image.opencv:
            machine.install("--no-deps", one)
    return machine


def type_our_line(machine: Machine, requirement: str) -> Cost:
    """``pip install`` and the first call, with a clock beside it."""
    start = time.monotonic()
    said = machine.install_ours(requirement)
    installed = time.monotonic()
    done = machine.run(machine.python, "-c", FIRST_CALL)
    assert done.returncode == 0, done.stdout
    assert "opencv_cuda/_cv2" in done.stdout
    ended = time.monotonic()
    return Cost(
        install=installed - start, first=ended - installed, downloaded=downloaded_bytes(said)
    )


def downloaded_bytes(said: str) -> dict[str, int]:
    """Bytes by wheel from what pip printed, to the three figures it shows."""
    return {
        match["file"]: round(float(match["size"]) * _UNITS[match["unit"]])
        for match in _SIZE.finditer(said)
    }


def table(rows: Sequence[tuple[str, Cost]]) -> str:
    """Seconds and bytes from the line to the first call, as Markdown."""
    lines = [
        "| where | pip install | first cv2.cuda call | downloaded | of it ours | largest other |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, cost in rows:
        ours = sum(size for name, size in cost.downloaded.items() if name.startswith("opencv"))
        others = {n: s for n, s in cost.downloaded.items() if not n.startswith("opencv")}
        largest = max(others, key=others.__getitem__, default="")
        shown = f"{largest.split('-')[0]} {others[largest] / 1e6:.0f} MB" if largest else "none"
        lines.append(
            f"| {title} | {cost.install:.0f} s | {cost.first:.1f} s "
            f"| {sum(cost.downloaded.values()) / 1e6:.0f} MB | {ours / 1e6:.1f} MB | {shown} |"
        )
    return "\n".join(lines)
