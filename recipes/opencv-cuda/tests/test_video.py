"""Video files: what people's files hold is read, what can be written is read back."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import opencv_cuda
import pytest
from opencv_cuda import _build

if "videoio" not in _build.MODULES:
    pytest.skip("this profile has no videoio", allow_module_level=True)

CLIPS = Path(__file__).parent / "clips"
NAMES = sorted(path.name for path in CLIPS.iterdir() if path.suffix != ".md")
LIBRARIES = Path(opencv_cuda.__file__).resolve().parent.parent / "opencv_cuda.libs"
COUNT, SIDE, FPS = 8, 64, 8.0


def expected(number, side=SIDE):
    """Picture ``number`` of every clip."""
    picture = np.full((side, side, 3), 40 + 20 * number, np.uint8)
    picture[24:40, 6 * number : 6 * number + 16] = 255
    return picture


def difference(picture, number):
    return np.abs(picture.astype(int) - expected(number, len(picture))).mean()


def opened(path, *parameters):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, list(parameters))
    assert capture.isOpened(), path
    return capture


def pictures(capture):
    found = []
    while True:
        there, picture = capture.read()
        if not there:
            return found
        found.append(picture)


def write(path, code, count=COUNT, side=SIDE):
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), FPS, (side, side)
    )
    if not writer.isOpened():
        return False
    for number in range(count):
        writer.write(expected(number, side))
    writer.release()
    return True


def python(code, *arguments, **variables):
    """Run code in a process of its own, where what libraries print can be read."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


# --- what is in the wheel ------------------------------------------------------------------------


def test_ffmpeg_is_in_the_wheel():
    information = cv2.getBuildInformation()
    assert "FFMPEG:                      YES" in information
    assert "avcodec:                   YES (59." in information
    assert cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends()
    assert cv2.CAP_FFMPEG in cv2.videoio_registry.getWriterBackends()


def test_its_libraries_are_lgpl_and_files_of_their_own():
    names = {path.name.partition("-")[0] for path in LIBRARIES.iterdir()}
    assert names >= {"libavcodec", "libavformat", "libavutil", "libswscale"}
    for path in LIBRARIES.glob("libav*"):
        library = ctypes.CDLL(str(path))
        name = path.name.partition("-")[0].removeprefix("lib")
        for question in ("license", "configuration"):
            getattr(library, f"{name}_{question}").restype = ctypes.c_char_p
        assert getattr(library, f"{name}_license")() == b"LGPL version 2.1 or later"
        configuration = getattr(library, f"{name}_configuration")().decode()
        assert "--enable-libdav1d" in configuration
        assert "gpl" not in configuration
        assert "nonfree" not in configuration
        assert "/" not in configuration, "a folder of the machine that built it"


def test_its_licence_is_in_the_wheel():
    import importlib.metadata

    files = [str(path) for path in importlib.metadata.files("opencv-cuda")]
    for name in ("ffmpeg/sources/ffmpeg/COPYING.LGPLv2.1", "dav1d/sources/dav1d/COPYING"):
        assert any(path.endswith(f"licenses/native/{name}") for path in files), name


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_reads(name):
    capture = opened(CLIPS / name)
    assert capture.getBackendName() == "FFMPEG"
    assert capture.get(cv2.CAP_PROP_FPS) == FPS
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == SIDE
    assert capture.get(cv2.CAP_PROP_FRAME_HEIGHT) == SIDE
    found = pictures(capture)
    assert len(found) == COUNT
    for number, picture in enumerate(found):
        assert picture.shape == (SIDE, SIDE, 3)
        assert difference(picture, number) < 4, number


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mp4", "vp9.mp4", "av1.mp4"])
def test_counts_and_seeks(name):
    capture = opened(CLIPS / name)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == COUNT
    for number in (5, 2):
        assert capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        there, picture = capture.read()
        assert there
        assert difference(picture, number) < 4, number


def test_a_name_with_spaces_and_letters(tmp_path):
    path = tmp_path / "ein schönes Video.mp4"
    path.write_bytes((CLIPS / "h264.mp4").read_bytes())
    assert len(pictures(opened(path))) == COUNT


def test_the_default_backend_is_ffmpeg():
    capture = cv2.VideoCapture(str(CLIPS / "hevc.mp4"))
    assert capture.getBackendName() == "FFMPEG"
    assert len(pictures(capture)) == COUNT


def test_a_file_that_is_not_there_or_none():
    assert not cv2.VideoCapture("/nonexistent/clip.mp4", cv2.CAP_FFMPEG).isOpened()
    assert not cv2.VideoCapture(str(CLIPS / "README.md"), cv2.CAP_FFMPEG).isOpened()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_short_or_damaged_does_no_harm(name, tmp_path):
    data = (CLIPS / name).read_bytes()
    cut, damaged = tmp_path / f"cut-{name}", tmp_path / f"damaged-{name}"
    cut.write_bytes(data[: len(data) * 2 // 3])
    spoiled = bytearray(data)
    spoiled[len(data) // 3 :: 41] = bytes(len(spoiled[len(data) // 3 :: 41]))
    damaged.write_bytes(spoiled)
    for path in (cut, damaged):
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        assert len(pictures(capture)) <= COUNT


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("mp4v", "a.mp4"),
        ("mp4v", "a.mov"),
        ("MJPG", "a.avi"),
        ("MJPG", "a.mkv"),
        ("XVID", "a.avi"),
        ("FFV1", "a.mkv"),
        ("HFYU", "a.avi"),
        ("FLV1", "a.flv"),
        ("ULY0", "a.avi"),
        ("mjp2", "a.mov"),
    ],
)
def test_writes_and_reads_back(code, name, tmp_path):
    path = tmp_path / name
    assert write(path, code)
    found = pictures(opened(path))
    assert len(found) == COUNT
    for number, picture in enumerate(found):
        assert difference(picture, number) < 6, number


H264 = """\
import sys, cv2, numpy
code = cv2.VideoWriter.fourcc(*"avc1")
writer = cv2.VideoWriter(sys.argv[1], cv2.CAP_FFMPEG, code, 8, (256, 256))
print(writer.isOpened())
for number in range(8):
    writer.write(numpy.full((256, 256, 3), 40 + 20 * number, numpy.uint8))
writer.release()
"""


def test_h264_is_written_by_a_gpu_or_the_message_says_what_to_do(tmp_path):
    path = tmp_path / "a.mp4"
    done = python(H264, path)
    assert done.returncode == 0, done.stderr
    if done.stdout == "True\n":  # a GPU with NVENC
        found = pictures(opened(path))
        assert [abs(one.mean() - 40 - 20 * number) < 4 for number, one in enumerate(found)] == [
            True
        ] * 8
        return
    assert done.stdout == "False\n"
    assert "writes H.264 and HEVC with an NVIDIA GPU's encoder (NVENC) alone" in done.stderr
    assert "write 'mp4v' or 'MJPG'" in done.stderr


# --- on the GPU ----------------------------------------------------------------------------------

NVDEC = """\
import sys, cv2
capture = cv2.VideoCapture(
    sys.argv[1], cv2.CAP_FFMPEG, [cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_ANY])
means = []
while True:
    there, picture = capture.read()
    if not there:
        break
    means.append(round(float(picture[:20].mean())))
print(capture.isOpened(), means)
"""


@pytest.mark.gpu
def test_decodes_with_nvdec():
    """FFmpeg's own hardware acceleration, asked for by the variable that OpenCV hands on to it."""
    done = python(
        NVDEC,
        CLIPS / "h264.mp4",
        OPENCV_FFMPEG_CAPTURE_OPTIONS="hw_decoders_any;cuda",
        OPENCV_LOG_LEVEL="DEBUG",
        OPENCV_FFMPEG_DEBUG="1",
    )
    assert done.returncode == 0, done.stderr
    opened_it, _, means = done.stdout.partition(" ")
    assert opened_it == "True"
    assert means.strip() == str([40 + 20 * number for number in range(COUNT)]), done.stderr
    assert "Created video acceleration context" in done.stderr, done.stderr
