"""The notebooks, run start to end in fresh environments on a stand-in for Drive.

Drive is a folder with a space in its name; our wheels come from an index on loopback; the files
that a notebook would fetch from the web are small ones of the test, by the same code.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from builder.paths import Cache
from builder.targets import python_tag
from builder.verify.environment import Environment, index_of
from index.records import Record, read_record, record_path
from tests.notebook_kit import (
    NOTEBOOKS,
    Run,
    png,
    run_notebook,
    sha256,
    user_environment,
    user_python,
)
from tests.onnx_kit import bright_is_a_face

ROOT = Path(__file__).parents[2]
CUDA = "cu118"
CPU_OPENCV = "opencv-contrib-python-headless==4.14.0.94"
README = ROOT / "README.md"
DARKNET_TESTS = ROOT / "recipes/darknet-python/tests"
"""Where the recipe draws its data sets and makes its networks."""


@contextmanager
def served(wheels: Mapping[Path, Record]) -> Iterator[str]:
    """An index of these wheels on loopback: what a notebook's INDEX is set to."""
    with index_of(wheels) as server:
        yield f"{server.url}/{CUDA}"


def build(recipe: str, profile: str, dist: Path) -> dict[Path, Record]:
    """`builder build`, from the store where it has the wheel; the wheels and their companions."""
    target = f"{CUDA}-{python_tag(user_python().python)}"
    words = ["build", target, "--recipe", recipe, "--profile", profile, "--no-verify"]
    done = subprocess.run(
        [sys.executable, "-m", "builder", *words, "--dist", str(dist)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return {wheel: read_record(record_path(wheel)) for wheel in sorted(dist.glob("*.whl"))}


def test_notebooks_are_committed_without_outputs_and_say_what_they_do() -> None:
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [path.stem for path in found] == ["darknet_train", "opencv_gpu_dnn", "video_faces"]
    colab = (  # a fork has its own OWNER/REPO there
        r"https://colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/main/notebooks/"
        r"(\w+)\.ipynb"
    )
    links = re.findall(rf"Open in Colab\]\([^)]*\)\]\({colab}\)", README.read_text())
    assert sorted(name for _, name in links) == [path.stem for path in found]
    assert len({repository for repository, _ in links}) == 1
    for path in found:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        assert cells[0]["cell_type"] == "markdown"
        assert len({cell["id"] for cell in cells}) == len(cells)
        for cell in cells:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == []
                assert cell["execution_count"] is None


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """The stand-in for Drive."""
    home = tmp_path / "content" / "My Drive"
    home.mkdir(parents=True)
    return home


def by_the_recipe(environment: Environment, script: str, *words: Path) -> None:
    """Run a script, with what the tests of Darknet's recipe are made of, in an environment."""
    subprocess.run(
        [environment.python, "-c", script, *words],
        env={**os.environ, "PYTHONPATH": str(DARKNET_TESTS)},
        check=True,
    )


WRITE_SET = """
import pathlib, sys, shapes
folder = pathlib.Path(sys.argv[1])
shapes.make(folder, trained=12, held_out=4, batches=100)
for iterations in (100, 120):
    (folder / f"{iterations}.cfg").write_text(shapes.CFG.format(batches=iterations, step=100))
"""
BATCH = 16


def pictures_seen(weights: Path) -> int:
    """The count in a weights file's header."""
    return int.from_bytes(weights.read_bytes()[12:20], "little")


def command_of(text: str) -> list[str]:
    """The words of the one line that trains."""
    (line,) = (line for line in text.splitlines() if line.startswith("darknet detector train "))
    return shlex.split(line)


@pytest.mark.integration
def test_darknet_train_and_go_on_after_the_runtime_died(tmp_path: Path, drive: Path) -> None:
    wheels = build("darknet-python", "smoke", tmp_path / "dist")
    where = drive / "my set"
    runs: list[Run] = []
    environments = user_environment(tmp_path / "user", Cache.default(), records=wheels.values())
    with environments as environment, served(wheels) as index:
        by_the_recipe(environment, WRITE_SET, where)
        for day, iterations in enumerate((100, 120)):
            shutil.copy(where / f"{iterations}.cfg", where / "my net.cfg")
            machine = tmp_path / f"machine of day {day}"  # its disk is empty every time
            machine.mkdir()
            parameters = {
                "INDEX": index,
                "DATA": str(where / "shapes.data"),
                "CFG": str(where / "my net.cfg"),
                "LOCAL": str(machine / "data"),
                "PICTURE": str(where / "images" / "valid 3.png"),
                "THRESHOLD": 0.01,
            }
            run = run_notebook("darknet_train.ipynb", environment, machine, parameters)
            assert run.status == 0, run.output + run.text
            runs.append(run)

    assert "forward pass, CPU" in runs[0].text  # the doctor
    assert "files copied" in runs[0].text
    commands = [command_of(run.text) for run in runs]
    last, options = where / "backup" / "my net_last.weights", ["-dont_show", "-map"]
    assert commands[0][-3:] == [str(where / "my net.cfg"), *options]
    assert commands[1][-4:] == [str(where / "my net.cfg"), str(last), *options]
    assert "Goes on after iteration 100, with its momentum" in runs[1].text
    table = (where / "backup" / "my net_loss.csv").read_text().splitlines()
    rows = [line.split(",") for line in table[1:]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 121)]
    assert [row[0] for row in rows if row[6]] == ["100", "120"]  # mean average precision
    assert pictures_seen(where / "backup" / "my net_final.weights") == 120 * BATCH
    for run in runs:
        assert "weights: my net_" in run.text
        assert run.images == 1  # the picture with what was found


def dnn_parameters(index: str, folder: Path, environment: Environment) -> dict[str, object]:
    """Parameters of opencv_gpu_dnn, with a YOLOv4-tiny of random weights by a file: address."""
    source = folder / "a web server"
    source.mkdir()
    script = """
import pathlib, sys, networks, newer
folder = pathlib.Path(sys.argv[1])
text = newer.yolov4_tiny()
(folder / "yolov4-tiny.cfg").write_text(text)
(folder / "yolov4-tiny.weights").write_bytes(networks.random_weights(text))
"""
    by_the_recipe(environment, script, source)
    (source / "coco.names").write_text("".join(f"class {number}\n" for number in range(80)))
    (source / "picture.jpg").write_bytes(png(96, 64, [(8, 8, 40, 30, "r")]))
    files = {
        path.name: (path.as_uri(), sha256(path.read_bytes())) for path in sorted(source.iterdir())
    }
    return {"INDEX": index, "FILES": files, "SIZE": 96, "THRESHOLD": 0.2}


@pytest.mark.integration
@pytest.mark.slow
def test_opencv_gpu_dnn(tmp_path: Path) -> None:
    """On a machine with no GPU the comparison says that it was not run."""
    wheels = build("opencv-cuda", "quick", tmp_path / "dist")
    check_opencv_gpu_dnn(wheels, tmp_path)


def check_opencv_gpu_dnn(wheels: Mapping[Path, Record], folder: Path) -> None:
    machine = folder / "machine"
    machine.mkdir()
    environments = user_environment(folder / "user", Cache.default(), records=wheels.values())
    with environments as environment, served(wheels) as index:
        parameters = dnn_parameters(index, folder, environment)
        run = run_notebook("opencv_gpu_dnn.ipynb", environment, machine, parameters)
    assert run.status == 0, run.output + run.text
    assert "driver" in run.text  # the doctor
    assert "found on the" in run.text
    assert "ms a picture" in run.text
    assert run.images == 1
    has_gpu = "found on the GPU" in run.text
    assert ("not run: there is none here" in run.text) is not has_gpu


WRITE_VIDEO = """
import sys, cv2, numpy as np
path, frames, bright = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "bright"
writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 10, (128, 96))
assert writer.isOpened()
for number in range(frames):
    frame = np.full((96, 128, 3), 30, np.uint8)
    if bright:
        frame[32:64, 32 + number * 4 : 64 + number * 4] = 255
    writer.write(frame)
writer.release()
"""
READ_VIDEO = """
import sys, cv2
reader, frames, green = cv2.VideoCapture(sys.argv[1]), 0, 0
while True:
    there, frame = reader.read()
    if not there: break
    frames += 1
    green += int(((frame[..., 1] > 150) & (frame[..., 0] < 100) & (frame[..., 2] < 100)).any())
print(frames, green)
"""


@pytest.mark.integration
@pytest.mark.slow
def test_video_faces_with_opencvs_cpu_wheel_as_the_package(tmp_path: Path, drive: Path) -> None:
    """No small build of ours has videoio and objdetect, so the package is OpenCV's CPU build."""
    environments = user_environment(
        tmp_path / "user", Cache.default(), records=(), more=(CPU_OPENCV,)
    )
    with environments as environment:
        check_video_faces(environment, tmp_path, drive)


def check_video_faces(environment: Environment, folder: Path, drive: Path) -> None:
    videos, results = drive / "my videos", drive / "with faces"
    videos.mkdir()
    for name, frames, kind in (("one.mp4", 8, "bright"), ("two.AVI", 5, "dark")):
        done = environment.run("-c", WRITE_VIDEO, videos / name, str(frames), kind)
        assert done.status == 0, done.output
    (videos / "broken.mp4").write_bytes(b"no video" * 100)
    (videos / "notes.txt").write_text("no video, and no name of one")
    model = folder / "model.onnx"
    model.write_bytes(bright_is_a_face(128, 96))
    runs = []
    with served({}) as index:
        for day in range(2):
            machine = folder / f"machine of day {day}"
            machine.mkdir()
            parameters = {
                "INDEX": index,
                "PACKAGE": CPU_OPENCV,
                "VIDEOS": str(videos),
                "ANNOTATED": str(results),
                "MODEL_SOURCE": (model.as_uri(), sha256(model.read_bytes())),
            }
            run = run_notebook("video_faces.ipynb", environment, machine, parameters)
            assert run.status == 0, run.output + run.text
            runs.append(run)
            if day == 0:
                first = results / "one.mp4.faces.mp4"
                written = first.stat().st_mtime_ns

    assert sorted(path.name for path in results.iterdir()) == [
        "one.mp4.faces.mp4",
        "two.AVI.faces.mp4",
    ]
    assert "3 videos, 0 of them done before, 3 to do" in runs[0].text
    assert "broken.mp4: NOT DONE" in runs[0].text
    assert "3 videos, 2 of them done before, 1 to do" in runs[1].text
    assert first.stat().st_mtime_ns == written
    for name, frames, marked in (("one.mp4", 8, 8), ("two.AVI", 5, 0)):
        seen = environment.run("-c", READ_VIDEO, results / f"{name}.faces.mp4")
        assert seen.output.split()[-2:] == [str(frames), str(marked)]
