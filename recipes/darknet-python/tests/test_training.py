"""``darknet detector train``: what it leaves behind however it ends, and how it goes on."""

from __future__ import annotations

import os
import re
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import networks
import pytest
from newer import conv
from shapes import detector

BATCH = 4
CFG = (
    """[net]
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
"""
    + conv(8, 3, 2, "mish")
    + detector("8,8, 16,16", 2, iou_loss="ciou", iou_normalizer=".07", iou_thresh=".2", max=120)
)
Start = Callable[..., "subprocess.Popen[str]"]
Train = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A folder with spaces in its names: pictures, labels, lists, and a place for the weights."""
    home = tmp_path / "My Drive"
    for folder in ("images", "labels", "back up"):
        (home / folder).mkdir(parents=True)
    for number in range(3):
        image = home / "images" / f"picture {number}.jpg"  # the name alone says that it is one
        image.write_bytes(networks.ppm(networks.picture(40, 30)))
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


def heed_signals() -> None:
    """What is started in the background ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(program: Path, drive: Path) -> Start:
    """Start a training of some iterations; keywords are environment variables."""

    def begin(batches: int, *words: Path | str, **variables: str) -> subprocess.Popen[str]:
        (drive / "small net.cfg").write_text(CFG.format(batches=batches))
        return subprocess.Popen(
            [
                *(program, "detector", "train", drive / "obj.data", drive / "small net.cfg"),
                *("-verbose", *words),
            ],
            cwd=drive,
            env={**os.environ, "DARKNET_DEVICE": "cpu", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            restore_signals=False,
            preexec_fn=heed_signals,
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


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_it_after_the_iteration(start, train, drive, number, status):
    last = drive / "back up" / "small net_last.weights"
    process = start(100_000, DARKNET_SAVE_MINUTES="0.00001")
    deadline = time.monotonic() + 60
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    with last.open("rb") as first:  # which is not written to, but replaced as a whole
        while os.fstat(first.fileno()).st_nlink and time.monotonic() < deadline:
            time.sleep(0.02)
        whole = len(first.read())
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert whole == last.stat().st_size

    done = max(iterations(out))
    assert process.returncode == status, err
    assert f"stopped by signal {int(number)} after iteration {done}" in err
    assert seen(last) == done * BATCH
    assert [path.name for path in last.parent.glob("*.unfinished")] == []

    resumed = train(done + 2, last)
    assert resumed.returncode == 0, resumed.stderr
    assert sorted(iterations(resumed.stdout)) == [done + 1, done + 2]
    assert seen(drive / "back up" / "small net_final.weights") == (done + 2) * BATCH


def test_it_ends_where_nobody_reads_what_it_says(start, drive):
    """As in ``darknet detector train ... | head -1``; its weights are written."""
    process = start(100_000)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=240)
    assert process.returncode == 128 + signal.SIGPIPE, err
    assert f"stopped by signal {int(signal.SIGPIPE)} after iteration" in err
    assert seen(drive / "back up" / "small net_last.weights") > 0


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
    # Which of the pictures are taken is chance; all have such a label.
    assert re.search(r"picture [012]\.txt: class 7, there are 2: left out", done.stderr)


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


def plain(train_words: list[object], **variables: str) -> dict[str, object]:
    """How a process is started that is not to say all it does."""
    return {
        "args": [str(word) for word in train_words],
        "env": {**os.environ, "DARKNET_DEVICE": "cpu", **variables},
    }


@pytest.fixture
def words(program, drive) -> list[object]:
    """A training of 60 iterations, which says no more than it must."""
    (drive / "small net.cfg").write_text(CFG.format(batches=60))
    return [program, "detector", "train", drive / "obj.data", drive / "small net.cfg"]


def test_few_lines_are_said(words, drive):
    done = subprocess.run(**plain(words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert max(iterations(done.stdout)) == 60
    assert len(done.stdout.splitlines()) < 10
    assert "Region" not in done.stdout


def test_a_terminal_has_one_line_that_is_rewritten(words):
    reading, writing = os.openpty()
    process = subprocess.Popen(**plain(words), stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    said = b""
    try:
        while part := os.read(reading, 4096):
            said += part
    except OSError:  # how a terminal tells that nobody writes to it any more
        pass
    finally:
        os.close(reading)
    process.communicate(timeout=60)
    assert process.returncode == 0
    shown = said.split(b"\r60: ")
    assert len(shown) == 2
    assert said.count(b"\n") < 8
    assert b"hours left" in said


def test_what_the_backup_folder_does_not_take_goes_elsewhere(words, drive, tmp_path):
    (drive / "back up" / "small net_final.weights.unfinished").mkdir()
    (tmp_path / "other").mkdir()
    variables = {"TMPDIR": str(tmp_path / "other")}
    done = subprocess.run(**plain(words, **variables), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the weights are in {tmp_path}/other instead" in done.stderr
    assert seen(tmp_path / "other" / "small net_final.weights") == 60 * BATCH


def test_a_full_disk_in_the_middle_is_said_and_training_goes_on(words, drive):
    code = (
        "import os, resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    limited = plain([sys.executable, "-c", code, *words], DARKNET_SAVE_MINUTES="0.00001")
    done = subprocess.run(**limited, capture_output=True, text=True, check=False)
    assert done.stderr.count("small net_last.weights: File too large") == 60
    assert "small net_loss.csv: File too large" in done.stderr
    assert max(iterations(done.stdout)) == 60
    assert done.returncode == 1
    assert sorted(path.name for path in (drive / "back up").iterdir()) in (
        [],
        ["small net_loss.csv"],
        ["small net_loss.csv", "small net_loss.png"],
    )  # fmt: skip -- the first few lines of the table fit


def test_keys_of_newer_networks_are_trained_with(words, drive):
    """Each changes what is learnt, and the same seed learns the same again."""
    weights = drive / "back up" / "small net_final.weights"

    def learnt(text: str) -> bytes:
        (drive / "small net.cfg").write_text(text)
        command = plain([*words, "-seed", "5"])
        done = subprocess.run(**command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "not done here" not in done.stderr
        return weights.read_bytes()

    text = CFG.format(batches=8)
    smooth = text.replace("iou_loss=ciou", "iou_loss=ciou\nignore_thresh=.05")
    changes = [
        text,
        text.replace("batch=4", "batch=4\nmosaic=1"),
        text + "resize=1.5\n",
        smooth,
        smooth + "objectness_smooth=1\n",
    ]
    found = [learnt(one) for one in changes]
    assert len(set(found)) == len(found)
    assert learnt(changes[1]) == found[1]


def test_one_stride_for_both_ways(words, drive):
    pool = "[maxpool]\nsize=2\nstride_x={}\nstride_y=1\n\n[yolo]"
    text = CFG.format(batches=1)
    for stride, status in ((1, 0), (2, 1)):
        (drive / "small net.cfg").write_text(text.replace("[yolo]", pool.format(stride)))
        done = subprocess.run(**plain(words), capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
    assert "stride_x=2, stride_y=1: only one stride" in done.stderr


def test_there_is_no_stream(words, drive):
    """It is refused, and not passed over: nobody is to wait for a stream that never comes."""
    extra = ["-dont_show", "-mjpeg_port", "8090"]
    done = subprocess.run(**plain([*words, *extra]), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no -mjpeg_port" in done.stderr
    assert "BASE_loss.png" in done.stderr
    assert list((drive / "back up").iterdir()) == []
