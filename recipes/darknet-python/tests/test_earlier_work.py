"""Training that begins anew where an earlier one left its weights: these are kept."""

from __future__ import annotations

from pathlib import Path

import darknet
import pytest
import shapes

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture
def data(tmp_path) -> Path:
    """After a training of six iterations, which is the better one for having been longer."""
    made = shapes.make(tmp_path / "My Drive", trained=12, held_out=3, batches=6)
    darknet.train(made, made.with_name("shapes.cfg"), seed=1, show=False)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def cfg_of(data: Path, iterations: int) -> Path:
    data.with_name("shapes.cfg").write_text(shapes.CFG.format(batches=iterations, step=100))
    return data.with_name("shapes.cfg")


def train(run, program, data: Path, iterations: int, *words: str | Path) -> str:
    done = run(program, "detector", "train", data, cfg_of(data, iterations), *words, "-dont_show")
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_is_further_is_kept_under_another_name(run, program, data):
    backup = data.parent / "backup"
    before = contents(backup)
    assert "shapes_last.state" in before
    for number in (1, 2):  # the second time it is the first's work that is in the way
        said = train(run, program, data, 6 + number)
        assert f"after iteration {5 + number}, and this one begins after 0" in said
        assert f"shapes_last.before-{number}.weights" in said
        kept = {
            name.replace(f".before-{number}", ""): text
            for name, text in contents(backup).items()
            if f".before-{number}" in name
        }
        assert kept == before
        before = {name: text for name, text in contents(backup).items() if ".before-" not in name}
    again = backup / "shapes_last.before-1.weights"
    assert darknet.train(data, cfg_of(data, 7), again, show=False).last.iteration == 7


def test_what_goes_on_keeps_nothing_twice(run, program, data):
    said = train(run, program, data, 8, data.parent / "backup" / "shapes_last.weights")
    assert "earlier training" not in said
    assert not list((data.parent / "backup").glob("*before*"))


def test_until_new_weights_are_written_the_earlier_ones_keep_their_name(run, program, data):
    """A training that is killed before, or refused, has touched nothing."""
    backup = data.parent / "backup"
    before = contents(backup)
    (backup / "shapes_last.new.weights.unfinished").mkdir()  # so that they cannot be written
    (backup / "shapes_final.new.weights.unfinished").mkdir()
    done = run(program, "detector", "train", data, cfg_of(data, 7), "-dont_show")
    assert done.returncode == 1
    assert "shapes_final.weights: Is a directory" in done.stderr
    for name in ("shapes_last.weights", "shapes_last.state", "shapes_final.weights"):
        assert (backup / name).read_bytes() == before[name]
