"""Training for real: a detector learns shapes drawn here; on a GPU too, where there is one."""

from __future__ import annotations

import csv
import os
import shutil
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
MEASURED = 100


def rows(table: Path) -> list[list[float]]:
    """The table of losses, without its heading."""
    heading, *lines = table.read_text().splitlines()
    names = "iteration,loss,average_loss,learning_rate,images,seconds"
    assert heading in (names, f"{names},mean_average_precision")
    return [[float(field) for field in line.split(",")[:6]] for line in lines]


def measured(table: Path) -> dict[int, float]:
    """The mean average precisions of the table."""
    with table.open(newline="") as file:
        lines = list(csv.DictReader(file))
    found = {int(line["iteration"]): line["mean_average_precision"] for line in lines}
    return {number: float(value) for number, value in found.items() if value}


def iteration(weights: Path) -> int:
    """After which iteration weights were written."""
    return struct.unpack("<iiiQ", weights.read_bytes()[:20])[3] // 16


@pytest.fixture(scope="module", params=["cpu", pytest.param("0", marks=pytest.mark.gpu)])
def device(request) -> str:
    """What ``DARKNET_DEVICE`` says in these tests."""
    return request.param


@pytest.fixture(autouse=True)
def chosen(device, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", device)


@pytest.fixture(scope="module")
def unbroken(device, tmp_path_factory) -> tuple[Path, darknet.Trained]:
    data = shapes.make(tmp_path_factory.mktemp("My Drive") / "set", batches=BATCHES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKNET_DEVICE", device)
        trained = darknet.train(
            data, data.with_name("shapes.cfg"), seed=SEED, measure=MEASURED, show=False
        )
    return data, trained


def test_it_learns_to_detect(unbroken):
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


def test_killed_half_way_it_ends_where_the_unbroken_run_does(unbroken, tmp_path, device):
    whole, unbroken_run = unbroken
    data = shapes.make(tmp_path / "set", batches=BATCHES)
    cfg, backup = data.with_name("shapes.cfg"), data.parent / "backup"
    last = backup / "shapes_last.weights"
    kill_half_way(data, cfg, last)
    resumed_at = iteration(last)
    assert resumed_at in (100, 200)  # a fast GPU gets there before it is killed

    trained = darknet.train(data, cfg, last, seed=SEED, show=False)
    assert trained.finished
    assert iteration(trained.weights) == BATCHES
    first, second = rows(unbroken_run.table), rows(trained.table)
    assert [row[0] for row in second] == list(range(1, BATCHES + 1))
    assert [row[3:5] for row in second] == [row[3:5] for row in first]  # rate, images
    if device != "cpu":  # cuDNN's sums differ from run to run
        assert second[-1][2] == pytest.approx(first[-1][2], rel=0.2)
        ends = [
            darknet.evaluate(one, one.with_name("shapes.cfg"), weights).mean_average_precision
            for one, weights in ((whole, unbroken_run.weights), (data, trained.weights))
        ]
        assert ends[1] == pytest.approx(ends[0], abs=0.08)
        return
    assert [row[:5] for row in second] == [row[:5] for row in first]  # all but the seconds
    # and the unbroken run was measured on its way, which changes nothing of what is learnt
    assert trained.weights.read_bytes() == unbroken_run.weights.read_bytes()


def test_its_precision_while_it_trains_is_the_one_that_evaluate_finds(unbroken, tmp_path, device):
    """And the best weights are kept, also when another training goes on."""
    data, trained = unbroken
    found = measured(trained.table)
    assert sorted(found) == [100, 200, 300]
    assert trained.precision == darknet.Precision(pytest.approx(found[300]), 300)
    best = max(found, key=lambda number: (found[number], -number))
    assert trained.best == darknet.Precision(pytest.approx(found[best]), best)
    cfg, backup = data.with_name("shapes.cfg"), trained.table.parent
    for weights, number in (("final", 300), ("best", best)):
        file = backup / f"shapes_{weights}.weights"
        assert iteration(file) == number
        again = darknet.evaluate(data, cfg, file).mean_average_precision
        assert again == pytest.approx(found[number], abs=1e-6 if device == "cpu" else 0.01)

    import cv2

    chart = cv2.imread(str(trained.chart))
    green = (chart[:, :, 1] == 140) & (chart[:, :, 2] == 20)
    assert green.sum(axis=0).astype(bool).sum() > 400  # from iteration 100 to 300

    other = tmp_path / "set"
    shutil.copytree(data.parent, other)
    text = data.read_text().replace(f"backup = {data.parent}", f"backup = {other}")
    (other / "shapes.data").write_text(text)
    (other / "backup" / "shapes_best.weights").write_bytes(b"the best")
    (other / "shapes.cfg").write_text(
        cfg.read_text()
        .replace(f"max_batches={BATCHES}", f"max_batches={BATCHES + 1}")
        .replace("learning_rate=0.01", "learning_rate=3")  # and all it knows is lost
    )
    last = other / "backup" / "shapes_last.weights"
    worse = darknet.train(
        other / "shapes.data", other / "shapes.cfg", last, measure=True, show=False
    )
    assert worse.precision.iteration == BATCHES + 1
    assert worse.precision.mean_average_precision < worse.best.mean_average_precision
    assert worse.best == trained.best
    assert (other / "backup" / "shapes_best.weights").read_bytes() == b"the best"


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
