"""``darknet detector train``: what it leaves behind however it ends, and how it goes on."""

from __future__ import annotations

import os
import re
import resource
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import networks
import pytest

BATCH = 4
CFG = """[net]
batch=4
subdivisions=2
width=32
height=32
channels=3
learning_rate=0.0008
policy=steps
steps=3,5
scales=.5,.25
max_batches={batches}

[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=mish

[convolutional]
filters=14
size=1
stride=1
activation=linear

[yolo]
mask=0,1
anchors=8,8, 16,16
classes=2
num=2
iou_loss=ciou
iou_normalizer=.07
iou_thresh=.2
max=120
"""
Start = Callable[..., "subprocess.Popen[str]"]
Train = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A folder with spaces in its names: pictures, labels, lists, and a place for the weights."""
    home = tmp_path / "My Drive"
    for folder in ("images", "labels", "back up"):
        (home / folder).mkdir(parents=True)
    for number in range(3):
        pixels = networks.picture(40, 30)
        image = home / "images" / f"picture {number}.jpg"  # the name alone says that it is one
        image.write_bytes(b"P6 40 30 255\n" + pixels.tobytes())
        label = f"{number % 2} 0.35 0.5 0.4 0.5\n7 0.5 0.5 0.2 0.2\n"
        (home / "labels" / f"picture {number}.txt").write_text(label)
    (home / "train.txt").write_text(
        f"{home}/images/picture 0.jpg\r\n"
        f'"{home}/images/picture 1.jpg"\n\n' + f"{home}/images/picture 2.jpg\n".replace(" ", r"\ ")
    )
    (home / "obj.data").write_text(
        f"classes = 2\ntrain = {home}/train.txt\nbackup = {home}/back up\n"
    )
    return home


@pytest.fixture
def start(program: Path, drive: Path) -> Start:
    """Start a training of some iterations; keywords are environment variables."""

    def begin(batches: int, *words: Path | str, **variables: str) -> subprocess.Popen[str]:
        (drive / "small net.cfg").write_text(CFG.format(batches=batches))
        return subprocess.Popen(
            [program, "detector", "train", drive / "obj.data", drive / "small net.cfg", *words],
            cwd=drive,
            env={**os.environ, "DARKNET_DEVICE": "cpu", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            restore_signals=False,
        )

    return begin


@pytest.fixture
def train(start: Start) -> Train:
    """A training to its end."""

    def finish(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        process = start(*words, **variables)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return finish


def iterations(out: str) -> dict[int, float]:
    """The learning rate after each iteration that was printed."""
    return {
        int(line[0]): float(line[1])
        for line in re.findall(r"^(\d+): .* avg, ([\d.]+) rate", out, re.MULTILINE)
    }


def seen(weights: Path) -> int:
    """How many images a file of weights says it has been trained with."""
    return int(struct.unpack("<iiiQ", weights.read_bytes()[:20])[3])


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_after_the_iteration(start, train, drive, number, status):
    last = drive / "back up" / "small net_last.weights"
    process = start(100_000, DARKNET_SAVE_MINUTES="0.00001")
    deadline = time.monotonic() + 60
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    done = max(iterations(out))
    assert process.returncode == status, err
    assert f"stopped by signal {int(number)} after iteration {done}" in err
    assert seen(last) == done * BATCH
    assert [path.name for path in last.parent.glob("*.unfinished")] == []

    resumed = train(done + 2, last)
    assert resumed.returncode == 0, resumed.stderr
    assert sorted(iterations(resumed.stdout)) == [done + 1, done + 2]
    assert seen(drive / "back up" / "small net_final.weights") == (done + 2) * BATCH


def test_the_learning_rate_goes_on_where_it_stopped(train, drive):
    whole = iterations(train(6).stdout)
    assert whole == {1: 0.0008, 2: 0.0008, 3: 0.0004, 4: 0.0004, 5: 0.0001, 6: 0.0001}
    train(4)
    half = drive / "half.weights"
    (drive / "back up" / "small net_final.weights").rename(half)
    assert iterations(train(6, half).stdout) == {5: 0.0001, 6: 0.0001}
    assert min(iterations(train(2, half, "-clear").stdout)) == 1


def test_labels_of_unknown_classes_are_said(train):
    done = train(1)
    assert done.returncode == 0, done.stderr
    assert "picture 0.txt: class 7, there are 2: left out" in done.stderr


def test_what_cannot_be_written_is_said_and_training_goes_on(train, drive):
    (drive / "back up" / "small net_last.weights.unfinished").mkdir()
    done = train(3, DARKNET_SAVE_MINUTES="0.00001")
    assert done.returncode == 0, done.stderr
    assert sorted(iterations(done.stdout)) == [1, 2, 3]
    assert done.stderr.count("small net_last.weights: Is a directory") == 3
    assert done.stderr.count("training goes on without it") == 3
    assert (drive / "back up" / "small net_final.weights").exists()


def test_a_full_disk_leaves_the_last_good_file(train, drive):
    assert train(1).returncode == 0
    final = drive / "back up" / "small net_final.weights"
    good = final.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails with an error
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        done = train(1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert done.returncode == 1
    assert "small net_final.weights: File too large" in done.stderr
    assert final.read_bytes() == good
    assert list(final.parent.glob("*.unfinished")) == []


def test_a_backup_folder_that_is_not_there_is_said_at_once(train, drive):
    (drive / "back up").rmdir()
    done = train(3)
    assert done.returncode == 1
    assert "cannot write to the backup folder" in done.stderr
    assert iterations(done.stdout) == {}


def test_no_images_at_all(train, drive):
    (drive / "train.txt").write_text("\n")
    done = train(3)
    assert done.returncode == 1
    assert done.stderr.endswith("darknet: no images to train with\n")
