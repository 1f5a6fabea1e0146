"""`import cv2` and `pip install`: opencv-cuda against OpenCV's CPU wheel, in pairs.

    python benchmarks/opencv_import.py --wheels dist --work-dir /tmp/opencv-import

``--wheels`` is a folder that `builder build` filled (opencv-cuda of one CUDA and its companions).
In the work folder an environment is made with the index pip is configured for (gigabytes of
NVIDIA's packages, once); the OpenCVs in it come and go. Runs alternate, so that whatever else the
machine does meets both; medians are shown, with files in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import table

CPU = "opencv-contrib-python-headless==4.14.0.94"
LAZY = ("libcublas", "libcudnn", "libcufft")
"""What could be loaded when it is first used."""

IMPORT = """
import json, resource, time
import numpy
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before, cpu = time.perf_counter(), spent()
import cv2
wall = time.perf_counter() - before
print(json.dumps([wall, spent() - cpu, cv2.__file__]))
"""
PARTS = """
import ctypes, json, resource, sys, time
import numpy
from pathlib import Path
from opencv_cuda import _payload
taken = {}
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
def step(name, do):
    before = spent()
    do()
    taken[name] = [after - start for after, start in zip(spent(), before)]
for path in sys.argv[1:]:
    step(Path(path).name, lambda: ctypes.CDLL(path))
step("the extension itself", lambda: ctypes.CDLL(str(_payload.EXTENSION)))
step("its Python code and tables", lambda: __import__("cv2"))
if _payload._build.LAZY:
    step(f"later, at the first call: {', '.join(_payload._build.LAZY)}", _payload.load_lazy)
print(json.dumps(taken))
"""
MAPPED = """
import json
from opencv_cuda import _libraries, _payload
_payload.load_libraries()
print(json.dumps([str(path) for path in _libraries.mapped()]))
"""
Rows = list[list[str]]


class Bench:
    """An environment with NVIDIA's packages, and both OpenCVs as wheels."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.work: Path = options.work_dir.resolve()
        self.wheels: Path = options.wheels.resolve()
        self.runs: int = options.runs
        self.installs: int = options.installs
        self.python = self.work / "env/bin/python"
        self.cpu_wheel = self.work / "cpu-wheel"
        self.cpu_folder = self.work / "cpu"
        (wheel,) = self.wheels.glob("opencv_cuda-*.whl")
        self.version = wheel.name.split("-")[1]

    def run(self, *arguments: str | Path, path: Path | None = None) -> str:
        """The environment's Python, to a good end; what it printed."""
        env = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
        env |= {"PYTHONPATH": str(path)} if path else {}
        words = [str(self.python), *map(str, arguments)]
        done = subprocess.run(words, env=env, check=True, text=True, stdout=subprocess.PIPE)
        return done.stdout

    def pip(self, *arguments: str | Path) -> float:
        """Seconds of one pip command."""
        start = time.monotonic()
        self.run("-m", "pip", "--disable-pip-version-check", "--quiet", *arguments)
        return time.monotonic() - start

    def prepare(self) -> None:
        """The environment, and the CPU wheel as a file and in a folder of its own."""
        if not self.python.exists():
            print("making the environment: gigabytes are fetched once", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", self.work / "env"], check=True)
        self.remove()  # an earlier wheel of the same version would stay
        self.install_ours("numpy")
        if not self.cpu_folder.exists():
            self.pip("download", "--no-deps", "--dest", self.cpu_wheel, CPU)
            offline = ("--no-index", "--find-links", self.cpu_wheel)
            self.pip("install", *offline, "--no-deps", "--target", self.cpu_folder, CPU)

    def install_ours(self, *more: str) -> float:
        """Our line, from the folder; what it requires from NVIDIA is there after the first time."""
        offline = () if more else ("--no-index",)
        line = f"opencv-cuda=={self.version}"
        return self.pip("install", *offline, "--find-links", self.wheels, line, *more)

    def install_theirs(self) -> float:
        """The CPU wheel's line, from a folder."""
        return self.pip("install", "--no-index", "--find-links", self.cpu_wheel, CPU)

    def remove(self) -> None:
        """Take every OpenCV off."""
        names = ("python", "python-headless", "contrib-python", "contrib-python-headless", "cuda")
        self.pip("--quiet", "uninstall", "--yes", *(f"opencv-{name}" for name in names))


def importing(bench: Bench) -> Rows:
    """`import cv2` after `import numpy`, in alternating processes."""
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    for _ in range(bench.runs + 1):
        for found, path in ((ours, None), (theirs, bench.cpu_folder)):
            wall, cpu, file = json.loads(bench.run("-c", IMPORT, path=path))
            if ("_cv2" in file) == bool(path):
                raise SystemExit(f"the wrong cv2 was imported: {file}")
            found.append([wall, cpu])
    rows = [["import cv2, after numpy", "seconds", "CPU seconds"]]
    for name, found in ((f"opencv-cuda {bench.version}", ours), (CPU, theirs)):
        walls, cpus = zip(*found[1:], strict=True)  # the first one warmed the page cache
        rows.append([name, f"{statistics.median(walls):.3f}", f"{statistics.median(cpus):.3f}"])
    pairs = list(zip(ours[1:], theirs[1:], strict=True))
    shown = [f"{statistics.median(a[at] / b[at] for a, b in pairs):.2f}" for at in (0, 1)]
    return [*rows, ["ratio within a pair (bar: 1)", *shown]]


def parts(bench: Bench) -> Rows:
    """What of our import is whose: each library loaded by itself, those it needs before it."""
    paths = json.loads(bench.run("-c", MAPPED))
    first = ("libcudart", "libnppc.", "libcublasLt", "libcublas.")

    def rank(path: str) -> tuple[int, str]:
        name = Path(path).name
        return next((at for at, one in enumerate(first) if name.startswith(one)), len(first)), name

    taken: dict[str, list[list[float]]] = {}
    for _ in range(bench.runs):
        for name, both in json.loads(bench.run("-c", PARTS, *sorted(paths, key=rank))).items():
            taken.setdefault(name, []).append(both)
    rows = [["of ours", "milliseconds", "CPU milliseconds"]]
    lazy = [0.0, 0.0]
    for name, found in taken.items():
        medians = [1000 * statistics.median(column) for column in zip(*found, strict=True)]
        rows.append([name, *(f"{one:.1f}" for one in medians)])
        if name.startswith(LAZY):
            lazy = [one + more for one, more in zip(lazy, medians, strict=True)]
    return [*rows, ["of these cuBLAS, cuDNN and cuFFT", *(f"{one:.1f}" for one in lazy)]]


def installing(bench: Bench) -> Rows:
    """`pip install` with NVIDIA's packages and numpy already there, in alternating order."""
    ours: list[float] = []
    theirs: list[float] = []
    turns: list[tuple[list[float], Callable[[], float]]]
    turns = [(ours, bench.install_ours), (theirs, bench.install_theirs)]
    for _ in range(bench.installs + 1):
        for found, install in turns:
            bench.remove()
            found.append(install())
    bench.remove()
    bench.install_ours()
    rows = [["pip install, NVIDIA's packages there", "seconds"]]
    for name, found in ((f"opencv-cuda {bench.version}", ours), (CPU, theirs)):
        rows.append([name, f"{statistics.median(found[1:]):.2f}"])
    ratio = statistics.median(a / b for a, b in zip(ours[1:], theirs[1:], strict=True))
    return [*rows, ["ratio within a pair (bar: 1.5)", f"{ratio:.2f}"]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheels", type=Path, required=True, help="opencv-cuda and its companions")
    parser.add_argument("--work-dir", type=Path, required=True, help="a folder of its own")
    parser.add_argument("--runs", type=int, default=21, help="pairs of imports (21)")
    parser.add_argument("--installs", type=int, default=5, help="pairs of installs (5)")
    bench = Bench(parser.parse_args(arguments))
    bench.work.mkdir(parents=True, exist_ok=True)
    bench.prepare()
    for scenario in (importing, parts, installing):
        print(table(scenario(bench)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
