"""A training that goes on from ``_last.weights`` is the one that was not stopped, bit by bit."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import darknet
import pytest
import shapes
from newer import conv

pytestmark = pytest.mark.usefixtures("cpu")

RANDOM_SIZES = (
    """[net]
batch=1
subdivisions=1
width=64
height=64
channels=3
learning_rate=0.001
max_batches={batches}
"""
    + conv(2, 3, 8)
    + shapes.detector("14,14, 24,24", 3, stride=4, random=1)
)


@pytest.fixture
def data(tmp_path) -> Path:
    return shapes.make(tmp_path / "My Drive", trained=12, held_out=1, batches=12)


@pytest.fixture
def backup(data) -> Path:
    return data.parent / "backup"


def train(data: Path, batches: int, *weights: Path, **options: object) -> darknet.Trained:
    """Up to an iteration; the learning rate does not depend on which."""
    cfg = data.with_name("shapes.cfg")
    cfg.write_text(shapes.CFG.format(batches=batches, step=9))
    return darknet.train(data, cfg, *weights, **{"seed": 5, "loaders": 4, "show": False, **options})


def rows(trained: darknet.Trained) -> list[list[str]]:
    """The table without the last column, the seconds that went by."""
    return [line.split(",")[:5] for line in trained.table.read_text().splitlines()]


def test_it_ends_with_the_bytes_of_the_unbroken_one(data, backup, capsys):
    whole = train(data, 12)
    end, table = whole.weights.read_bytes(), rows(whole)
    train(data, 5)
    last = backup / "shapes_last.weights"  # though 5 is no hundred
    assert last.read_bytes() == (backup / "shapes_final.weights").read_bytes()
    state = last.with_suffix(".state")
    assert list(backup.glob("*.unfinished")) == []
    moved = shutil.copy(last, data.with_name("yesterday.weights"))  # their content says what fits

    resumed = train(data, 12, moved, verbose=True)
    assert "Goes on after iteration 5, with its momentum\n" in capsys.readouterr().out
    assert resumed.weights.read_bytes() == end
    assert rows(resumed) == table

    assert rows(train(data, 12, moved)) != table  # the state is of iteration 12 by now
    assert resumed.weights.read_bytes() != end
    assert state.exists()


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """Three iterations, and the files that they left."""
    data = shapes.make(tmp_path_factory.mktemp("My Drive"), trained=12, held_out=1, batches=3)
    train(data, 3, device="cpu")
    return data, {path.name: path.read_bytes() for path in (data.parent / "backup").iterdir()}


@pytest.mark.parametrize("damage", ["none", "gone", "cut", "longer", "flipped", "other batch"])
def test_a_state_that_does_not_belong_is_said_and_left_alone(begun, capsys, damage):
    data, files = begun
    for name, content in files.items():
        (data.parent / "backup" / name).write_bytes(content)
    last = data.parent / "backup" / "shapes_last.weights"
    state = last.with_suffix(".state")
    content = files[state.name]
    assert len(content) == pytest.approx(last.stat().st_size, rel=0.05)
    changed = {
        "cut": content[:-4],
        "longer": content + b"\0",
        "flipped": content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
    }
    state.write_bytes(changed.get(damage, content))
    if damage == "gone":
        state.unlink()
    capsys.readouterr()
    cfg = data.with_name("shapes.cfg")
    batch = 8 if damage == "other batch" else 16
    text = shapes.CFG.format(batches=3 * 16 // batch + 1, step=9)
    cfg.write_text(text.replace("batch=16", f"batch={batch}"))
    darknet.train(data, cfg, last, seed=5, loaders=4, verbose=True)
    out = capsys.readouterr().out
    assert ("with its momentum" in out) is (damage == "none")
    said = "shapes_last.state is of other weights, or another batch: momentum starts anew"
    assert (said in out) is (damage not in ("none", "gone"))


def test_a_state_that_cannot_be_written_costs_no_weights(data, backup, capsys):
    (backup / "shapes_last.state.unfinished").mkdir()
    done = train(data, 2, verbose=True)
    assert done.finished
    assert "shapes_last.state: Is a directory; the weights are whole" in capsys.readouterr().out
    assert (backup / "shapes_last.weights").exists()


def test_without_momentum(data, backup, capsys):
    train(data, 2, keep_momentum=False)
    last = backup / "shapes_last.weights"
    assert last.exists()
    assert not last.with_suffix(".state").exists()
    train(data, 2)
    train(data, 3, last, keep_momentum=False, verbose=True)
    assert "with its momentum" not in capsys.readouterr().out


def test_nothing_left_to_do_is_said(data, capsys):
    done = train(data, 2)
    capsys.readouterr()
    again = train(data, 2, done.weights, verbose=True)
    assert again.finished
    out = capsys.readouterr().out
    assert "those after iteration 2, and max_batches is 2: nothing is left to do" in out
    assert "-clear counts from 0 again" in out


def test_random_sizes_go_on_too(data, backup, capsys):
    """A size is drawn every ten iterations, and one that goes on begins within such ten."""
    cfg = data.with_name("sizes.cfg")
    cfg.write_text(RANDOM_SIZES.format(batches=1000))  # of the last 200 the size is 608

    def run(until: int, *weights: Path) -> tuple[list[list[str]], list[str]]:
        done = darknet.train(
            data, cfg, *weights, seed=3, loaders=2, verbose=True,
            on_progress=lambda at: at.iteration < until,
        )  # fmt: skip
        sizes = re.findall(r"Resizing\n(\d+)\n", capsys.readouterr().out)
        return rows(done), sizes

    whole, sizes = run(25)
    assert len(set(sizes)) > 1
    half, _ = run(13)
    begun = (len(half) - 1) // 10  # it stops soon after
    resumed, other = run(25, backup / "sizes_last.weights")
    both = min(len(whole), len(resumed))
    assert both > 25
    assert resumed[:both] == whole[:both]
    assert other[:1] == sizes[begun : begun + 1]
