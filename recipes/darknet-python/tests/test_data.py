"""``darknet data``, as the installed command; its parts are tested where the recipe is kept."""

from __future__ import annotations

import json
import shlex
import shutil

import darknet
import pytest

CFG = """[net]
batch=2
subdivisions=1
width=32
height=32
channels=3
max_batches=1

[convolutional]
filters=85
size=1
stride=32
activation=linear

[yolo]
mask=0
anchors=8,8
classes=80
num=1
"""


@pytest.fixture
def dataset(tmp_path):
    """Four copies of the package's photo in a folder with a space; relative paths."""
    folder = tmp_path / "My Drive" / "set"
    for name in ("images", "labels", "backup"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        shutil.copy(darknet.share() / "data" / "dog.jpg", folder / "images" / f"dog {number}.jpg")
        (folder / "labels" / f"dog {number}.txt").write_text("16 0.5 0.5 0.5 0.5\n")
    listed = "".join(f"{folder}/images/dog {number}.jpg\r\n" for number in range(4))
    (folder / "train.txt").write_text(listed)
    (folder / "obj.data").write_text(
        f"classes = 80\r\ntrain = {folder}/train.txt\r\nnames = data/coco.names\r\n"
        f'backup = "{folder}/backup"\r\n'
    )
    return folder


def test_check_decodes_with_darknets_own_decoder(run, program, dataset):
    words = ["data", "check", dataset / "obj.data", "--json"]
    done = run(program, *words, "--decode")
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(done.stdout)
    assert content["pictures"] == {"train": 4}
    assert content["decoded"] is True
    assert content["boxes"] == {"16": 4}

    broken = dataset / "images" / "dog 2.jpg"
    data = broken.read_bytes()
    start = data.index(b"\xff\xdb")  # the tables that pixels are decoded with
    broken.write_bytes(data[:start] + b"\xff\xdb\0\x43\xff" + data[start + 5 :])
    assert run(program, *words).returncode == 0
    done = run(program, *words, "--decode")
    assert done.returncode == 1
    (problem,) = [p for p in json.loads(done.stdout)["problems"] if p["severity"] == "error"]
    assert (problem["kind"], problem["line"]) == ("picture-unreadable", 3)
    assert "cannot be decoded: " in problem["message"]


def test_check_fits_the_networks_of_the_package(run, program, dataset):
    done = run(program, "data", "check", dataset / "obj.data", "--cfg", "cfg/yolov3-tiny.cfg")
    assert done.returncode == 0, done.stdout
    assert "batch=1 is meant for detecting" in done.stdout


def test_localise_and_the_command_it_prints(run, program, dataset, tmp_path):
    """Training goes on from the copy, and leaves its weights in the folder of the original."""
    to = tmp_path / "local disk"
    cfg = dataset / "my own.cfg"
    cfg.write_text(CFG)
    assert run(program, "data", "check", dataset / "obj.data", "--cfg", cfg).returncode == 0
    done = run(program, "data", "localise", dataset / "obj.data", "--to", to, "--cfg", cfg)
    assert done.returncode == 0, done.stderr
    words = shlex.split(done.stdout.splitlines()[-1])
    assert words[:4] == ["darknet", "detector", "train", str(to / "obj.data")]
    assert run(program, "data", "check", words[3], "--decode").returncode == 0
    assert darknet.load_meta(words[3]).classes == 80

    shutil.rmtree(dataset / "images")
    trained = run(program, *words[1:], DARKNET_DEVICE="cpu")
    assert trained.returncode == 0, trained.stderr
    assert list((dataset / "backup").glob("*.weights"))


def test_other_words_go_to_the_program(run, program):
    assert run(program, "data").returncode == 2
    assert "Not an option: date" in run(program, "date").stderr
