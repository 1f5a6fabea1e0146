"""The program ``darknet`` and the files it carries, run from an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import darknet
import pytest

YOLO = "cfg/yolov3-tiny.cfg"


def test_usage(run, program):
    done = run(program)
    assert done.returncode == 2
    assert done.stderr == "usage: darknet <function>\n"


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["detector", "train", "--help"]])
def test_help_has_examples(run, program, words):
    done = run(program, *words)
    assert done.returncode == 0
    assert "examples:\n  darknet detector train" in done.stdout


def test_help_names_every_variable_that_is_heeded(run, program):
    package = Path(darknet.__file__).parent
    binaries = (package / "libdarknet.so").read_bytes() + (package / "bin/darknet").read_bytes()
    heeded = {name.decode() for name in re.findall(rb"(DARKNET_[A-Z_]+)\0", binaries)}
    assert {"DARKNET_DEVICE", "DARKNET_SAVE_MINUTES", "DARKNET_THREADS"} <= heeded
    text = run(program, "--help").stdout
    assert [name for name in sorted(heeded) if f"  {name}=" not in text] == []


def test_every_option_of_the_help_is_there(run, program):
    package = Path(darknet.__file__).parent
    binaries = (package / "libdarknet.so").read_bytes() + (package / "bin/darknet").read_bytes()
    text = run(program, "--help").stdout.split("options of train:")[1].split("environment:")[0]
    options = set(re.findall(r"(?:^|; ) *(-[a-z_]+)[ :]", text, re.MULTILINE))
    assert {"-seed", "-map", "-map_every", "-iou_thresh", "-no_state", "-i", "-nogpu"} <= options
    assert {"-thresh", "-ext_output", "-prefix"} <= options
    ours = {"-dont_show"}  # taken out by the entry point
    assert [name for name in sorted(options - ours) if name.encode() + b"\0" not in binaries] == []


def test_a_wrong_command(run, program):
    done = run(program, "nonsense", "-nogpu")
    assert done.returncode == 2
    assert "Not an option: nonsense" in done.stderr


@pytest.mark.parametrize("options", [["-nogpu"], []], ids=["nogpu", "default"])
def test_detector(run, program, small, weights, picture, tmp_path, options):
    done = run(
        program, "detector", "test", "cfg/coco.data", small, weights(small), picture, *options,
        "-thresh", "0.3", DARKNET_DEVICE=None, CUDA_VISIBLE_DEVICES="",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{picture}: Predicted in" in done.stdout
    names = {line.split(":")[0] for line in done.stdout.splitlines() if line.endswith("%")}
    assert names, done.stdout
    drawn = (tmp_path / "predictions.jpg").read_bytes()
    assert drawn.startswith(b"\xff\xd8")
    assert done.stderr.count("no usable GPU") == (0 if options else 1)


def test_detect_uses_the_files_of_the_package(run, program, weights):
    done = run(program, "detect", YOLO, weights(YOLO), "data/dog.jpg", "-nogpu")
    assert done.returncode == 0, done.stderr
    assert "data/dog.jpg: Predicted in" in done.stdout


def test_a_file_of_the_folder_comes_first(run, program, small, weights, tmp_path, picture):
    (tmp_path / "cfg").mkdir()
    (tmp_path / "cfg" / "coco.data").write_text("classes=80\nnames=own.names\n")
    (tmp_path / "own.names").write_text("".join(f"own{n}\n" for n in range(80)))
    done = run(program, "detect", small, weights(small), picture, "-nogpu", "-thresh", "0.3")
    assert done.returncode == 0, done.stderr
    assert "own" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detector", "test", "nothing.data", YOLO], "Couldn't open file: nothing.data"),
        (["detect", "nothing.cfg", "nothing.weights"], "Couldn't open file: nothing.cfg"),
        (["detect", YOLO, "nothing.weights"], "Couldn't open file: nothing.weights"),
    ],
)
def test_a_missing_file_is_a_failure(run, program, arguments, message):
    done = run(program, *arguments, "-nogpu")
    assert done.returncode == 1
    assert message in done.stderr


def test_an_image_that_is_none_is_a_failure(run, program, small, weights, tmp_path):
    (tmp_path / "no.jpg").write_text("no image")
    done = run(program, "detect", small, weights(small), "no.jpg", "-nogpu")
    assert done.returncode == 1
    assert 'Cannot load image "no.jpg"' in done.stderr
