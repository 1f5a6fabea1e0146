"""The commands of ``darknet detector`` and ``classifier`` that are not ``train``."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import cv2
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
    (tmp_path / "results").write_text("no folder")
    assert run(program, "detector", "valid", *trained, "-nogpu").returncode == 1
    (tmp_path / "results").unlink()
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
    assert "no file 'video.mp4', and no folder of frames" in done.stderr
    done = run(program, "detector", "demo", *trained)
    assert done.returncode == 2
    assert "a video or a folder of frames is missing" in done.stderr
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


def frames_of(video: Path) -> list[np.ndarray]:
    """Height x width x BGR each."""
    reader, frames = cv2.VideoCapture(str(video)), []
    while True:
        there, frame = reader.read()
        if not there:
            return frames
        frames.append(frame)


@pytest.fixture
def video(tmp_path) -> Path:
    """Six frames of 64 x 64."""
    path = tmp_path / "my video.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 64))
    for number in range(6):
        writer.write(np.full((64, 64, 3), 40 * number, np.uint8))
    writer.release()
    return path


def test_demo_on_a_video(run, program, trained, video, tmp_path):
    demo = (program, "detector", "demo", *trained, video, "-nogpu", "-dont_show")
    out = tmp_path / "what is found.avi"
    done = run(*demo, "-thresh", "0", "-ext_output", "-out_filename", out)
    assert done.returncode == 0, done.stderr
    assert "(left_x: " in done.stdout
    assert "6 frames with " in done.stdout
    frames = frames_of(out)
    assert [frame.shape for frame in frames] == [(64, 64, 3)] * 6
    assert all(np.ptp(frame) > 60 for frame in frames)  # boxes are drawn into what was plain
    assert list(tmp_path.glob("*.unfinished*")) == []

    done = run(*demo, "-thresh", "1", "-prefix", "frame", "-s", "2")
    assert done.returncode == 0, done.stderr
    assert "2 frames with 0 objects" in done.stdout
    first, second = (cv2.imread(str(tmp_path / f"frame_0000000{n}.jpg")).mean() for n in (0, 1))
    assert (first, second) == pytest.approx((0, 120), abs=8)  # frames 0 and 3
    assert not (tmp_path / "frame_00000002.jpg").exists()
    assert not (tmp_path / "demo.mp4").exists()


def test_demo_says_what_is_wrong_with_a_video(run, program, python, trained, video, tmp_path):
    demo = (program, "detector", "demo", *trained, video, "-nogpu")
    assert "not with a video: -hier" in run(*demo, "-hier", "0.5").stderr
    for wrong in ("no folder/a.mp4", "a.txt"):
        done = run(*demo, "-out_filename", wrong)
        assert done.returncode == 1
        assert f"{wrong} cannot be written" in done.stderr
    (tmp_path / "no video.mp4").write_text("no video")
    done = run(*demo[:-2], tmp_path / "no video.mp4", "-nogpu")
    assert done.returncode == 1
    assert "has no frame that OpenCV can read" in done.stderr
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "from darknet._demo import main; sys.exit(main(sys.argv[1:]))"
    )
    done = run(python, "-c", code, *trained, video, "-nogpu")
    assert done.returncode == 1
    assert "pip install opencv-python-headless" in done.stderr
    assert list(tmp_path.glob("*.unfinished*")) == []


LIST = '"{folder}/images/valid 0.png"\r\n{folder}/nothing.png\n\n{escaped}/images/valid\\ 2.png\n'


def test_a_list_goes_on_past_what_cannot_be_used(program, trained):
    """Paths that are typed or piped in are written as in any list."""
    folder = trained[0].parent
    (folder / "images" / "valid 0.png").write_bytes(b"no picture")
    text = LIST.format(folder=folder, escaped=str(folder).replace(" ", "\\ "))
    test = [program, "detector", "test", *trained, "-nogpu", "-out", folder / "drawn"]
    done = subprocess.run(test, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out: ") == 2
    assert "valid 0.png" in done.stderr
    assert "nothing.png" in done.stderr
    assert done.stdout.count("Predicted in") == 1
    assert "valid 2.png: Predicted in" in done.stdout
    done = subprocess.run(test, input="nothing.png\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "none of the 1 pictures can be used" in done.stderr


@pytest.mark.parametrize("verb", ["valid", "valid2", "recall", "map"])
def test_commands_go_on_past_what_cannot_be_used(run, program, trained, tmp_path, verb):
    data, cfg, _ = trained
    if verb == "valid2":  # a picture and its mirror image at once
        cfg.write_text(cfg.read_text().replace("batch=16", "batch=2"))
    (tmp_path / "results").mkdir()
    command = (program, "detector", verb, *trained, "-nogpu")
    pictures = data.parent / "images"
    whole = (pictures / "valid 1.png").read_bytes()
    (pictures / "valid 1.png").write_bytes(whole[:-500])
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("darknet: left out: ") == 1
    assert "valid 1.png" in done.stderr
    for picture in pictures.glob("valid*"):
        picture.unlink()
    done = run(*command)
    assert done.returncode == 1
    assert "none of the 3 pictures can be used" in done.stderr


def test_evaluate_names_what_it_leaves_out(trained, monkeypatch):
    monkeypatch.setenv("DARKNET_DEVICE", "cpu")
    (trained[0].parent / "images" / "valid 0.png").unlink()
    (trained[0].parent / "labels" / "valid 2.txt").unlink()
    result = darknet.evaluate(*trained)
    assert result.pictures == 1
    assert [one.file.name for one in result.skipped] == ["valid 0.png", "valid 2.png"]
    assert "no file" in result.skipped[0].reason
    assert "has no labels" in result.skipped[1].reason


def test_paths_that_kept_their_quotes(run, program, trained):
    """``"My\\ Drive"`` is what bash makes of an escape within quotes."""
    data, cfg, weights = map(str, trained)
    words = (data.replace(" ", "\\ "), f"'{cfg}'", f'"{weights}"')
    picture = str(trained[0].parent / "images" / "valid 0.png").replace(" ", "\\ ")
    done = run(program, "detector", "test", *words, picture, "-nogpu")
    assert done.returncode == 0, done.stderr
    assert "valid 0.png: Predicted in" in done.stdout
    assert run(program, "detector", "map", *words, "-nogpu").returncode == 0
    assert run(program, "data", "check", words[0], "--cfg", words[1]).returncode == 0


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
    asked = [program, "classifier", "predict", "c.data", "c.cfg", "backup/c.weights", "-nogpu"]
    done = subprocess.run(
        asked, cwd=tmp_path, input="".join(paths), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out: ") == 1
    assert done.stderr.count("Predicted in") == 5
    done = run(program, "classifier", "valid", "c.data", "c.cfg", "backup/c.weights", "-nogpu")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out: ") == 1
    assert done.stdout.count(": top 1: ") == 5
