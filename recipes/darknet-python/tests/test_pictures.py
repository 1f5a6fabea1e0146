"""Pictures as the decoder reads them, against OpenCV's."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import darknet
import networks
import numpy as np
import pytest
from darknet._data.pictures import read_header
from darknet._pixels import read_planes

WIDTH, HEIGHT = 48, 32


def exif(turned: int, order: str) -> bytes:
    """A JPEG's segment that says how the camera was held."""
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    entries = struct.pack(f"{order}H", 2)
    entries += struct.pack(f"{order}HHII", 0x0100, 4, 1, WIDTH)
    entries += struct.pack(f"{order}HHIHH", 0x0112, 3, 1, turned, 0)
    body = b"Exif\0\0" + mark + struct.pack(f"{order}I", 8) + entries + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def read(path: Path) -> np.ndarray:
    """Height x width x RGB from 0 to 255, by Darknet."""
    image = darknet.load_image(path)
    try:
        planes = np.ctypeslib.as_array(image.data, shape=(image.c, image.h, image.w)).copy()
    finally:
        darknet.free_image(image)
    return np.moveaxis(planes * 255, 0, -1)


def opencv(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[:, :, ::-1].astype(np.float32)


@pytest.fixture
def jpeg() -> bytes:
    smooth = cv2.GaussianBlur(networks.picture(WIDTH, HEIGHT), (9, 9), 0)
    return bytes(cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("turned", range(10))
def test_pictures_stand_upright(tmp_path, jpeg, turned, order):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg[:2] + exif(turned, order) + jpeg[2:])
    mine = read(path)
    expected = (HEIGHT, WIDTH, 3) if turned not in range(5, 9) else (WIDTH, HEIGHT, 3)
    assert mine.shape == expected
    assert read_header(path).size == (expected[1], expected[0])
    assert np.abs(mine - opencv(path)).mean() < 1.5


@pytest.mark.parametrize("cut", [3, 12, 20, 25, 30])
def test_a_note_that_is_cut_off_is_passed_over(tmp_path, jpeg, cut):
    path = tmp_path / "photo.jpg"
    note = exif(6, "<")[4:-cut]
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + jpeg[2:])
    assert read(path).shape in ((HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3))


def test_progressive_jpeg_and_deep_png(tmp_path, jpeg):
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    progressive = tmp_path / "progressive.jpg"
    cv2.imwrite(str(progressive), pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert np.abs(read(progressive) - opencv(progressive)).mean() < 1.5
    deep = tmp_path / "deep.png"
    cv2.imwrite(str(deep), pixels.astype(np.uint16) * 257)
    assert np.array_equal(np.rint(read(deep)), pixels[:, :, ::-1])


def test_webp_is_refused_with_what_to_do(tmp_path, jpeg):
    path = tmp_path / "picture.webp"
    cv2.imwrite(str(path), cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    with pytest.raises(ValueError, match="WebP file: convert it"):
        read_planes(darknet.load_library(), path, 3)
