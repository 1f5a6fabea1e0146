"""Training for real, on the CPU: a detector learns shapes that this file draws."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import darknet
import pytest
import shapes

BATCHES = 300
SEED = 7


def rows(table: Path) -> list[list[float]]:
    """The table of losses, without its heading."""
    heading, *lines = table.read_text().splitlines()
    assert heading == "iteration,loss,average_loss,learning_rate,images,seconds"
    return [[float(field) for field in line.split(",")] for line in lines]


def iteration(weights: Path) -> int:
    """After which iteration weights were written."""
    return struct.unpack("<iiiQ", weights.read_bytes()[:20])[3] // 16


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> tuple[Path, darknet.Trained]:
    data = shapes.make(tmp_path_factory.mktemp("My Drive") / "set", batches=BATCHES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKNET_DEVICE", "cpu")
        trained = darknet.train(data, data.with_name("shapes.cfg"), seed=SEED, show=False)
    return data, trained


def test_it_learns_to_detect(unbroken, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    data, trained = unbroken
    assert trained.finished
    assert trained.last.iteration == BATCHES
    assert trained.weights.name == "shapes_final.weights"
    result = darknet.evaluate(data, data.with_name("shapes.cfg"), trained.weights)
    assert result.pictures == 60
    assert result.mean_average_precision > 0.85, result
    assert result.recall > 0.8, result

    random = shapes.np.random.RandomState(1)
    pixels, labels = shapes.draw(random)
    with darknet.Network(data.with_name("shapes.cfg"), trained.weights, names=data) as network:
        found = network.detect(pixels, threshold=0.3)
    assert {one.label for one in found} == {
        shapes.NAMES[int(line[0])] for line in labels.split("\n") if line
    }


def test_killed_half_way_it_ends_where_the_unbroken_run_does(unbroken, tmp_path, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    whole, unbroken_run = unbroken
    data = shapes.make(tmp_path / "set", batches=BATCHES)
    cfg, backup = data.with_name("shapes.cfg"), data.parent / "backup"
    last = backup / "shapes_last.weights"
    kill_half_way(data, cfg, last)
    resumed_at = iteration(last)
    assert resumed_at == 100

    trained = darknet.train(data, cfg, last, seed=SEED, show=False)
    assert trained.finished
    assert iteration(trained.weights) == BATCHES
    first, second = rows(unbroken_run.table), rows(trained.table)
    assert [row[0] for row in second] == list(range(1, BATCHES + 1))
    assert [row[3:5] for row in second] == [row[3:5] for row in first]  # rate, images
    assert [row[1] for row in second[:resumed_at]] == [row[1] for row in first[:resumed_at]]
    assert second[-1][2] == pytest.approx(first[-1][2], rel=0.2)

    ends = [
        darknet.evaluate(one, one.with_name("shapes.cfg"), weights).mean_average_precision
        for one, weights in ((whole, unbroken_run.weights), (data, trained.weights))
    ]
    assert ends[1] == pytest.approx(ends[0], abs=0.08)


def kill_half_way(data: Path, cfg: Path, last: Path) -> None:
    """Train from the start, in a process that is killed once it is beyond its first weights."""
    program = Path(darknet.__file__).parent / "bin" / "darknet"
    from darknet._program import environment

    process = subprocess.Popen(
        [program, "detector", "train", data, cfg, "-seed", str(SEED)],
        env=environment(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not last.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)  # a few iterations more, which are lost
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
