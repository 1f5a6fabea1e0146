"""The program ``darknet`` and the files it carries, run from an empty folder."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import darknet
import pytest
from darknet._build import LIBRARIES
from darknet._nvidia import locate
from darknet._paths import LIBRARY

YOLO = "cfg/yolov3-tiny.cfg"


def test_usage(run, program):
    done = run(program)
    assert done.returncode == 2
    assert done.stderr == "usage: darknet <function>\n" + run(program, "--help").stdout
    assert done.stdout == ""


def test_version(run, program):
    done = run(program, "--version")
    assert done.returncode == 0
    assert done.stdout == f"darknet-python {version('darknet-python')}\n"


def test_a_stray_library_is_not_loaded(run, program, python, tmp_path):
    """LD_LIBRARY_PATH has a file of every name, none of which is a library."""
    for name in LIBRARIES:
        if locate(name).place != "run path":
            pytest.skip("not run (NVIDIA's packages are in another site folder)")
        (tmp_path / name).write_bytes(b"")
    done = run(program, "nothing", "-nogpu", LD_LIBRARY_PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (2, "Not an option: nothing\n")
    done = run(
        python, "-c", "import darknet; darknet.load_library()", LD_LIBRARY_PATH=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr


def test_no_code_of_cudas_own_headers():
    """Of Thrust, CUB or libcu++, whose licences the wheel would have to hold."""
    code = LIBRARY.read_bytes()
    assert [name for name in (b"N6thrust", b"N3cub", b"N4cuda3std") if name in code] == []


def test_the_driver_is_not_linked():
    """A machine without a GPU has no libcuda, and the library is loaded there."""
    library, binary = LIBRARY.read_bytes(), (LIBRARY.parent / "bin" / "darknet").read_bytes()
    assert b"libcudart.so" in library  # which is how the others are named, too
    assert b"libcuda.so" not in library + binary


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
    ours = {"-dont_show", "-out_filename"}  # taken out by the entry point; _demo.py's
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
