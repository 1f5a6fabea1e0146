"""The commands of ``darknet detector`` and ``classifier`` that are not ``train``."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import darknet
import networks
import numpy as np
import pytest
import shapes
from darknet._anchors import cluster
from darknet._evaluate import average_precision, overlap

CLASSIFIER = """[net]
batch=2
subdivisions=1
width=16
height=16
channels=3
learning_rate=0.01
policy=constant
max_batches=4

[convolutional]
filters=2
size=3
stride=2
pad=1
activation=leaky

[avgpool]

[softmax]

[cost]
type=sse
"""


@pytest.fixture
def data(tmp_path) -> Path:
    return shapes.make(tmp_path / "My Drive", trained=8, held_out=3, batches=2)


@pytest.fixture
def trained(data) -> tuple[Path, Path, Path]:
    """What commands take: the .data file, the .cfg and weights that know little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKNET_DEVICE", "cpu")
        done = darknet.train(data, data.with_name("shapes.cfg"), seed=1, show=False)
    assert done.weights is not None
    return data, data.with_name("shapes.cfg"), done.weights


def test_map(run, program, trained):
    done = run(program, "detector", "map", *trained, "-nogpu", "-dont_show", "-points", "11")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("class_id = ") == 3
    assert "mean average precision (mAP@0.50) = 0." in done.stdout
    assert run(program, "detector", "map", *trained[:2], "nothing.weights").returncode == 1
    assert run(program, "detector", "map", *trained, "-iou_thresh", "2").returncode == 2


def test_average_precision():
    right = np.array([True, False, True, False])
    confidences = np.array([0.9, 0.8, 0.7, 0.6])
    # recall 1/4 at precision 1, recall 2/4 at precision 2/3
    assert average_precision(confidences, right, 4) == pytest.approx(1 / 4 + 1 / 4 * 2 / 3)
    eleven = (3 * 1 + 3 * 2 / 3) / 11  # recall 0 to .2, .3 to .5
    assert average_precision(confidences, right, 4, 11) == pytest.approx(eleven)
    assert average_precision(confidences[::-1], right[::-1], 4) == pytest.approx(5 / 12)
    assert average_precision(np.array([]), np.array([], dtype=bool), 2) == 0
    assert math.isnan(average_precision(confidences, right, 0))


def test_overlap():
    box = np.array([0.0, 0, 2, 2])
    others = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6]])
    assert overlap(box, others) == pytest.approx([1, 1 / 7, 0])


def test_evaluate_knows_what_is_right(trained, monkeypatch, tmp_path):
    """Labels made of what the network finds are found; with others none is."""
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    data, cfg, weights = trained
    pictures = [Path(line) for line in (data.parent / "valid.txt").read_text().splitlines()]
    with darknet.Network(cfg, weights) as network:
        for picture in pictures:
            found = network.detect(picture, threshold=0.005)
            best = next(one for one in found if min(wide_and_high(one)) > 4)
            left, top, right, bottom = (value / 64 for value in best.box)
            values = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            text = f"{best.class_id} " + " ".join(f"{value:.6f}" for value in values)
            (data.parent / "labels" / f"{picture.stem}.txt").write_text(text)
    result = darknet.evaluate(data, cfg, weights, threshold=0.005)
    assert sum(one.objects for one in result.classes) == 3
    assert result.recall == 1
    assert result.mean_iou > 0.98
    assert 0 < result.mean_average_precision <= 1
    for picture in pictures:
        (data.parent / "labels" / f"{picture.stem}.txt").write_text("0 0.01 0.01 0.01 0.01\n")
    assert darknet.evaluate(data, cfg, weights).mean_average_precision == 0
    (data.parent / "labels" / "valid 1.txt").write_text("0 x\n")
    with pytest.raises(ValueError, match=r"valid 1\.txt:1: not a class and four numbers"):
        darknet.evaluate(data, cfg, weights)


def wide_and_high(found: darknet.Detection) -> tuple[float, float]:
    left, top, right, bottom = found.box
    return right - left, bottom - top


def test_calc_anchors(run, program, data):
    words = ("-num_of_clusters", "2", "-width", "64", "-height", "64")
    done = run(program, "detector", "calc_anchors", data, *words)
    assert done.returncode == 0, done.stderr
    numbers = done.stdout.split("anchors = ")[1].replace(",", " ").split()
    small, _, large, _ = (int(number) for number in numbers)
    assert 13 <= small < large <= 27  # what shapes.py draws
    assert run(program, "detector", "calc_anchors", data, *words).stdout == done.stdout
    done = run(program, "detector", "calc_anchors", data, "-num_of_clusters", "500")
    assert done.returncode == 1
    assert "too few for 500 anchors" in done.stderr


def test_anchors_are_the_middles_of_groups():
    sizes = np.array([[10.0, 20], [11, 21], [9, 19], [100, 50], [104, 52]])
    found = cluster(sizes, 2)
    assert found.sizes == pytest.approx(np.array([[10, 20], [102, 51]]))
    assert found.boxes == 5
    assert 0.9 < found.mean_iou < 1


def test_anchors_know_the_shape_of_pictures(data):
    """A square in a wide picture is a square to the network, which letterboxes."""
    for picture in (data.parent / "images").glob("train *"):
        picture.write_bytes(
            PNG_HEAD + (128).to_bytes(4, "big") + (64).to_bytes(4, "big") + bytes(9)
        )
        label = data.parent / "labels" / f"{picture.stem}.txt"
        label.write_text("0 0.5 0.5 0.25 0.5\n")  # 32 x 32 pixels of 128 x 64
    assert str(darknet.find_anchors(data, 1, 64, 64)) == "16,16"


PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"


def test_valid(run, program, trained, tmp_path):
    assert run(program, "detector", "valid", *trained, "-nogpu").returncode == 1  # no results/
    (tmp_path / "results").mkdir()
    done = run(program, "detector", "valid", *trained, "-nogpu")
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert files == [f"comp4_det_test_{name}.txt" for name in sorted(shapes.NAMES)]


def test_recall(run, program, trained):
    done = run(program, "detector", "recall", *trained, "-nogpu")
    assert done.returncode == 0, done.stderr
    last = [line for line in done.stderr.splitlines() if "Recall:" in line][-1].split()
    labels = trained[0].parent / "labels"
    boxes = sum(path.read_text().count("\n") for path in labels.glob("valid*"))
    assert int(last[2]) == boxes


def test_demo_reads_a_folder_of_frames(run, program, trained, tmp_path):
    done = run(program, "detector", "demo", *trained, "video.mp4", "-nogpu")
    assert done.returncode == 1
    assert "no OpenCV" in done.stderr
    assert "folder of frames" in done.stderr
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(3):
        (frames / f"{number}.jpg").write_bytes(networks.ppm(networks.picture(40, 30)))
    (frames / "3.txt").write_text("no picture")
    done = run(program, "detector", "demo", *trained, frames, "-nogpu", "-prefix", "out")
    assert done.returncode == 0, done.stderr
    assert "3.txt" in done.stderr
    assert sorted(path.name for path in tmp_path.glob("out_*")) == [
        f"out_{number:08d}.jpg" for number in range(3)
    ]


def test_boxes_in_pixels(run, program, trained, data):
    picture = data.parent / "images" / "valid 0.png"
    words = ("-nogpu", "-thresh", "0.001", "-ext_output", "-out", "drawn")
    done = run(program, "detector", "test", *trained, picture, *words)
    assert done.returncode == 0, done.stderr
    assert "(left_x:" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("detector", "trian", "a", "b"), "no trian here"),
        (("detector", "train"), "usage: "),
        (("detector", "train", "a"), "usage: "),
        (("detector", "test", "a", "b", "-treshold", ".5"), "no option -treshold"),
        (("detector", "test", "a", "b", "-thresh"), "no option -thresh"),
        (("classifier", "predcit", "a", "b"), "no predcit here"),
        (("classifier", "train"), "usage: "),
        (("detect",), "usage: "),
    ],
)
def test_wrong_words_end_with_2(run, program, words, message):
    done = run(program, *words, "-nogpu")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_names_must_be_enough(run, program, trained):
    data, cfg, weights = trained
    (data.parent / "shapes.names").write_text("disc\n")
    done = run(program, "detector", "test", data, cfg, weights, "x.jpg", "-nogpu")
    assert done.returncode == 1
    assert "shapes.names: 1 names for 3 classes" in done.stderr


def test_a_classifier_is_trained_and_asked(run, program, tmp_path):
    for folder in ("images", "backup"):
        (tmp_path / folder).mkdir()
    paths = []
    for number in range(6):
        path = tmp_path / "images" / f"{'cat' if number % 2 else 'dog'}_{number}.jpg"
        path.write_bytes(networks.ppm(networks.picture(40, 30)))
        paths.append(f"{path}\n")
    Path(paths[0].strip()).write_bytes(b"no picture")
    (tmp_path / "train.txt").write_text("".join(paths))
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    (tmp_path / "c.data").write_text(
        "classes=2\ntrain=train.txt\nvalid=train.txt\nlabels=names.txt\nbackup=backup\ntop=1\n"
    )
    (tmp_path / "c.cfg").write_text(CLASSIFIER)
    done = run(program, "classifier", "train", "c.data", "c.cfg", "-nogpu", "-seed", "1")
    assert done.returncode == 0, done.stderr
    assert "left out: Cannot load image" in done.stderr
    made = sorted(path.name for path in (tmp_path / "backup").iterdir())
    assert {"c.weights", "c_loss.csv", "c_loss.png"} <= set(made), made
    done = run(
        program,
        "classifier",
        "predict",
        "c.data",
        "c.cfg",
        "backup/c.weights",
        paths[1].strip(),
        "-nogpu",
    )
    assert done.returncode == 0, done.stderr
    assert "%: " in done.stdout
    shutil.copy(paths[1].strip(), paths[0].strip())
    done = run(program, "classifier", "valid", "c.data", "c.cfg", "backup/c.weights", "-nogpu")
    assert done.returncode == 0, done.stderr
