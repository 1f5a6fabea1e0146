"""Command lines that cannot be right, of every function: a status that says so, and a line."""

from __future__ import annotations

import shutil

import networks
import pytest
import shapes

pytestmark = pytest.mark.usefixtures("cpu")

BARE = (
    "3d", "average", "cifar", "classifier", "classify", "coco", "denormalize", "detect", "detector",
    "go", "imtest", "isegmenter", "lsd", "mkimg", "nightmare", "normalize", "oneoff", "oneoff2",
    "ops", "partial", "print", "regressor", "rescale", "reset", "rgbgr", "rnn", "segmenter",
    "speed", "statistics", "super", "tag", "test", "visualize", "yolo",
)  # fmt: skip


@pytest.mark.parametrize("function", BARE)
def test_a_function_without_words(function, run, program):
    done = run(program, function)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "needed" in done.stderr or "usage: " in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-nogpu"], "usage: "),
        (["-i", "0"], "usage: "),
        (["-i", "x", "detector", "test", "a", "b"], "-i x: a number is needed"),
        (["-i", "1x", "detector", "test", "a", "b"], "-i 1x: a number is needed"),
        (["yolo", "tset", "a"], "no tset here, but train test valid"),
        (["coco", "tset", "a"], "no tset here, but train test valid"),
        (["classifier", "demo", "a", "b"], "classifier demo: a camera and a window are needed"),
        (["art", "a", "b"], "a camera and a window are needed"),
        (["detector", "test", "a", "b", "-thresh", "many"], "-thresh many: a number is needed"),
    ],
)
def test_words_that_are_refused(words, said, run, program):
    done = run(program, *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("-thresh", "50", "-thresh 50: it lies between 0 and 1"),
        ("-gpus", "0,x", "-gpus 0,x: numbers with commas are needed"),
        ("-gpus", "0,", "-gpus 0,: numbers with commas are needed"),
        ("-gpus", "-1", "-gpus -1: numbers with commas are needed"),
    ],
)
def test_values_that_are_refused(option, value, said, run, program):
    done = run(program, "detector", "test", "a", "b", option, value)
    assert done.returncode == 1, done.stderr
    assert f"darknet: {said}" in done.stderr


def test_the_results_of_any_batch(run, program, tmp_path):
    """Their folder is made; `valid2` looks at a picture and its mirror image, whatever the .cfg."""
    data = shapes.make(tmp_path / "My Drive", trained=1, held_out=3, batches=1)
    cfg, weights = data.with_name("shapes.cfg"), data.with_name("own.weights")
    text = cfg.read_text()
    weights.write_bytes(networks.random_weights(text))
    for verb in ("valid", "valid2"):
        found = []
        for batch in (1, 16):
            cfg.write_text(text.replace("\nbatch=16\n", f"\nbatch={batch}\n"))
            done = run(program, "detector", verb, data, cfg, weights)
            assert done.returncode == 0, done.stderr
            files = sorted((tmp_path / "results").iterdir())
            assert len(files) == len(shapes.NAMES)
            found.append([path.read_text() for path in files])
            shutil.rmtree(tmp_path / "results")
        assert found[0] == found[1]
        assert any(found[0])


def test_a_results_folder_that_cannot_be_made(run, program, tmp_path):
    data = shapes.make(tmp_path / "My Drive", trained=1, held_out=1, batches=1)
    data.write_text(data.read_text() + "results = nowhere/results\n")
    done = run(program, "detector", "valid", data, data.with_name("shapes.cfg"))
    assert done.returncode == 1
    assert "cannot make the folder nowhere/results: No such file or directory" in done.stderr
