"""Mean average precision while training; that it is the right one: test_real_training.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

import darknet
import pytest
import shapes

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture
def data(tmp_path) -> Path:
    return shapes.make(tmp_path / "My Drive", trained=12, held_out=5, batches=6)


@pytest.fixture
def train(data, run, program):
    """The program, to the end of six iterations."""

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        cfg = data.with_name("shapes.cfg")
        return run(program, "detector", "train", data, cfg, "-loaders", "2", *words)

    return start


def test_when_it_is_taken(train, data):
    done = train("-map_every", "4", "-iou_thresh", "0.3")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if "mAP@0.30" in line]
    assert [line.split(":")[0] for line in said] == ["4", "6"]  # and at the end
    done = train("-map")  # not before iteration 100, but at the end
    said = [line for line in done.stdout.splitlines() if "mAP@0.50" in line]
    assert [line.split(":")[0] for line in said] == ["6"]
    table = (data.parent / "backup" / "shapes_loss.csv").read_text().splitlines()
    assert table[0].endswith(",seconds,mean_average_precision")
    assert [line.split(",")[6] for line in table[1:6]] == [""] * 5
    assert "best 0.00 %" not in done.stdout  # nothing that is found is no best


def test_it_is_told_with_each_iteration(data):
    seen: list[float | None] = []
    done = darknet.train(
        data, data.with_name("shapes.cfg"), measure=2, show=False,
        on_progress=lambda at: seen.append(at.mean_average_precision),
    )  # fmt: skip
    assert seen[:2] == [None, None]
    assert None not in seen[2:]
    assert done.precision.iteration == 6
    assert done.weights.name == "shapes_final.weights"
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="measure"):
            darknet.train(data, data.with_name("shapes.cfg"), measure=wrong)


def test_pictures_that_cannot_be_measured_with_are_named(train, data):
    pictures = data.parent / "images"
    (pictures / "valid 0.png").write_bytes(b"no picture")
    (pictures / "valid 1.png").unlink()
    (data.parent / "labels" / "valid 2.txt").unlink()
    done = train("-map")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out: ") == 3
    assert "valid 2.png" in done.stderr
    assert "has no labels" in done.stderr
    assert "\n6: mAP@0.50 " in done.stdout
    for number in (3, 4):
        (data.parent / "labels" / f"valid {number}.txt").write_text("")
    done = train("-map")
    assert done.returncode == 0, done.stderr
    assert "-map: there is no labelled object in the 5 pictures" in done.stderr
    assert "mAP@" not in done.stdout


def test_what_is_missing_is_said_before_an_hour_is_lost(train, data):
    done = train("-map", "-iou_thresh", "1.5")
    assert done.returncode == 1
    assert "-iou_thresh 1.5" in done.stderr
    (data.parent / "valid.txt").write_text("\n")
    done = train("-map")
    assert done.returncode == 1
    assert "valid.txt names no picture" in done.stderr
    data.write_text(data.read_text().replace("valid =", "velid ="))
    done = train("-map")
    assert done.returncode == 1
    assert "-map: " in done.stderr
    assert "has no line valid = FILE" in done.stderr
    assert train().returncode == 0


def test_a_signal_does_not_wait_for_it(data):
    """Of so many pictures it would take seconds."""
    (data.parent / "valid.txt").write_text(f"{data.parent}/images/valid 0.png\n" * 20_000)
    done = darknet.train(
        data, data.with_name("shapes.cfg"), measure=1, show=False, on_progress=lambda at: False
    )
    assert not done.finished
    assert done.last.iteration < 4
    assert done.precision is None  # as it was given up
    assert done.weights.name == "shapes_last.weights"
