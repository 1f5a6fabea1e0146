"""Darknet on the CPU: this project's wheel beside Debian's package, taking turns.

Both programs get the same network with the same random weights and the same picture, as PPM, which
every decoder reads alike; that both find the same boxes is checked. What counts is the time that
Darknet itself prints ("Predicted in"), the first picture of each process left out. With ``--train``
also an iteration of training: what four iterations take more than one, by the clock.

    apt-get install darknet
    python benchmarks/darknet_cpu.py --ours VENV/bin/darknet
    python benchmarks/darknet_cpu.py --ours VENV/bin/darknet --cores 1 --train
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import table

NETWORKS = Path(__file__).resolve().parents[1] / "recipes/darknet-python/tests"
WRITE = """
import pathlib, sys, networks
cfg, weights, *pictures = map(pathlib.Path, sys.argv[1:])
weights.write_bytes(networks.random_weights(cfg.read_text()))
for picture in pictures:
    picture.write_bytes(b"P6 640 480 255\\n" + networks.picture(640, 480).tobytes())
"""
"""Run by the environment's Python, which has the NumPy that `networks` needs."""
PREDICTED = re.compile(r"Predicted in ([0-9.]+) seconds")
BOX = re.compile(r"^.+: \d+%$", re.MULTILINE)
PICTURES = 4
"""Pictures a process is given; the first one warms it up."""
THRESHOLD = "0.349"
"""What a few boxes of yolov3-tiny with these weights pass: drawing thousands takes minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A program, and the environment it runs in."""

    label: str
    program: Path
    environment: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The folder with network, weights, pictures and labels that every contender works on."""

    folder: Path
    cfg: Path
    weights: Path
    picture: Path
    data: Path


def prepare(folder: Path, cfg: Path, files: Path, python: Path) -> Job:
    """Write what the contenders read.

    Args:
        folder: An empty folder.
        cfg: The network.
        files: Darknet's ``data`` folder: class names, and the letters that it draws.
        python: A Python with NumPy.
    """
    (folder / "data").symlink_to(files)
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    # PPM all the same: decoders look at the bytes, and Darknet finds labels for this name only.
    pictures = [folder / "images" / f"{number}.jpg" for number in range(4)]
    for picture in pictures:
        (folder / "labels" / f"{picture.stem}.txt").write_text("0 0.5 0.5 0.3 0.4\n")
    (folder / "train.txt").write_text("".join(f"{picture}\n" for picture in pictures))
    (folder / "own.cfg").write_text(cfg.read_text())
    weights = folder / "random.weights"
    subprocess.run(
        [python, "-c", WRITE, cfg, weights, *pictures],
        env={**os.environ, "PYTHONPATH": str(NETWORKS)},
        check=True,
    )
    data = folder / "own.data"
    data.write_text(
        f"classes=80\ntrain={folder}/train.txt\nnames={files}/coco.names\nbackup={folder}\n"
    )
    return Job(
        folder=folder, cfg=folder / "own.cfg", weights=weights, picture=pictures[0], data=data
    )


def run(who: Contender, job: Job, words: Sequence[str | Path], given: str = "") -> str:
    """One process to its end, which must be a good one; what it printed."""
    done = subprocess.run(
        [str(word) for word in (who.program, "detector", *words)],
        input=given,
        cwd=job.folder,
        env={**os.environ, "DARKNET_DEVICE": "cpu", **who.environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{who.program} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def predict(who: Contender, job: Job) -> tuple[list[float], frozenset[str]]:
    """Seconds of each picture but the first, and the boxes that were found."""
    words: list[str | Path] = ["test", job.data, job.cfg, job.weights, "-thresh", THRESHOLD]
    printed = run(
        who, job, [*words, "-out", "found", "-nogpu"], given=f"{job.picture}\n" * PICTURES
    )
    times = [float(text) for text in PREDICTED.findall(printed)]
    if len(times) != PICTURES:
        raise SystemExit(f"{who.program} predicted {len(times)} of {PICTURES}:\n{printed[-2000:]}")
    return times[1:], frozenset(BOX.findall(printed))


def train(who: Contender, job: Job) -> float:
    """Seconds of one iteration of training, two pictures each."""
    spent = []
    for iterations in (1, 4):
        text = job.cfg.read_text()
        for key, value in {
            "batch": 2, "subdivisions": 1, "max_batches": iterations, "random": 0, "burn_in": 1000
        }.items():  # fmt: skip
            text = re.sub(rf"(?m)^{key} *=.*$", f"{key}={value}", text)
        (job.folder / "train.cfg").write_text(text)
        start = time.monotonic()
        run(who, job, ["train", job.data, job.folder / "train.cfg", "-nogpu"])
        spent.append(time.monotonic() - start)
    return (spent[1] - spent[0]) / 3


def compare(contenders: Sequence[Contender], job: Job, *, rounds: int, training: bool) -> str:
    """Let them take turns; the table. The first is what the others are compared with."""
    predicted: dict[str, list[float]] = {one.label: [] for one in contenders}
    trained: dict[str, list[float]] = {one.label: [] for one in contenders}
    boxes: dict[str, frozenset[str]] = {}
    for number in range(rounds):
        for one in contenders:
            print(f"round {number + 1} of {rounds}: {one.label}", file=sys.stderr, flush=True)
            times, boxes[one.label] = predict(one, job)
            predicted[one.label] += times
            if training:
                trained[one.label].append(train(one, job))
    first = contenders[0].label
    if not boxes[first]:
        raise SystemExit(f"{first} finds no boxes, so that nothing can be compared")
    for label, found in boxes.items():
        if found != boxes[first]:
            raise SystemExit(f"{label} finds other boxes than {first}: {found ^ boxes[first]}")
    rows = [["a picture", "median", "from", "to", "times as fast"]]
    rows += [row(label, times, predicted[first]) for label, times in predicted.items()]
    text = table(rows) + f"\n\nboxes found, the same by all: {len(boxes[first])}"
    if training:
        rows = [["an iteration of training", "median", "from", "to", "times as fast"]]
        rows += [row(label, times, trained[first]) for label, times in trained.items()]
        text += "\n\n" + table(rows)
    return text


def row(label: str, times: Sequence[float], reference: Sequence[float]) -> list[str]:
    """One contender's line."""
    median = statistics.median(times)
    spread = [f"{value:.3f} s" for value in (median, min(times), max(times))]
    return [label, *spread, f"{statistics.median(reference) / median:.1f}"]


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ours", type=Path, required=True, help="darknet of an environment")
    parser.add_argument("--debian", type=Path, default=Path("/usr/bin/darknet"))
    parser.add_argument("--files", type=Path, default=Path("/usr/share/darknet/data"))
    parser.add_argument("--cfg", type=Path, help="default: yolov3-tiny.cfg beside --files")
    parser.add_argument("--cores", type=int, default=2, help="that may be used (default 2)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", action="store_true", help="training as well")
    options = parser.parse_args()
    for needed in (options.ours, options.ours.parent / "python", options.debian, options.files):
        if not needed.exists():
            parser.error(f"no {needed}")
    cores = sorted(os.sched_getaffinity(0))[: options.cores]
    if len(cores) < options.cores:
        parser.error(f"--cores {options.cores}: there are {len(cores)}")
    os.sched_setaffinity(0, cores)

    theirs = Contender(label="Debian's package", program=options.debian, environment={})
    ours = [
        Contender(label=label, program=options.ours, environment=environment)
        for label, environment in (
            (f"ours, {len(cores)} core(s)", {}),
            ("ours, DARKNET_THREADS=1", {"DARKNET_THREADS": "1"}),
            ("ours, DARKNET_SIMD=sse2", {"DARKNET_SIMD": "sse2"}),
            ("ours, DARKNET_SIMD=none", {"DARKNET_SIMD": "none"}),
        )
    ]
    cfg = options.cfg or options.files.parent / "cfg/yolov3-tiny.cfg"
    with tempfile.TemporaryDirectory() as folder:
        python = options.ours.parent / "python"
        job = prepare(Path(folder), cfg.resolve(), options.files.resolve(), python)
        print(compare([theirs, *ours], job, rounds=options.rounds, training=options.train))


if __name__ == "__main__":
    main()
