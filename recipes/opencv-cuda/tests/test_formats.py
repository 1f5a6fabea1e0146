"""Image formats: what is written is what is read, for each format the build says it has."""

import re
import struct

import cv2
import numpy as np
import pytest
from opencv_cuda import _build
from test_package import python

if "imgcodecs" not in _build.MODULES:
    pytest.skip("this profile has no imgcodecs", allow_module_level=True)

RANDOM = np.random.RandomState(4)
COLOUR = cv2.GaussianBlur(RANDOM.randint(0, 256, (37, 53, 3)).astype(np.uint8), (5, 5), 2)
GREY = np.ascontiguousarray(COLOUR[..., 1])
DEEP = RANDOM.randint(0, 65536, (39, 43, 3)).astype(np.uint16)
ALPHA = np.dstack([COLOUR, 255 - GREY])
FLOAT = (RANDOM.random_sample((19, 23, 3)) * 4).astype(np.float32)
BITS = (GREY > 127).astype(np.uint8) * 255
JP2 = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
WEBP = [cv2.IMWRITE_WEBP_QUALITY, 101]
# Not here, because upstream does not read back what it wrote (the CPU build neither): .pam with an
# alpha channel and .ras in grey.
LOSSLESS = {
    ".png": (COLOUR, GREY, DEEP, ALPHA),
    ".apng": (COLOUR,),
    ".bmp": (COLOUR, GREY, ALPHA),
    ".dib": (COLOUR,),
    ".tiff": (COLOUR, GREY, DEEP, FLOAT),
    ".tif": (COLOUR,),
    ".webp": (COLOUR, ALPHA),
    ".jp2": (COLOUR, GREY, DEEP),
    ".ppm": (COLOUR, DEEP),
    ".pgm": (GREY, DEEP[..., 0].copy()),
    ".pbm": (BITS,),
    ".pnm": (COLOUR,),
    ".pam": (COLOUR, GREY),
    ".pfm": (FLOAT, FLOAT[..., 0].copy()),
    ".ras": (COLOUR,),
    ".sr": (COLOUR,),
}
LOSSY = {".jpg": 6, ".jpeg": 6, ".jpe": 6, ".webp": 6, ".gif": 30}
# Every row of "Media I/O" in the build information, and the suffixes that show it works.
SHOWN_BY = {
    "JPEG": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "PNG": ".png", "TIFF": ".tiff",
    "JPEG 2000": ".jp2", "OpenEXR": ".exr", "GIF": ".gif", "HDR": ".hdr", "SUNRASTER": ".ras",
    "PXM": ".ppm", "PFM": ".pfm", "ZLib": ".png",
}  # fmt: skip


def has(library):
    """Whether the build information has a library in its media section."""
    section = re.search(r"Media I/O:(.*?)\n\s*\n", cv2.getBuildInformation(), re.DOTALL)[1]
    found = re.search(rf"(?m)^ +{re.escape(library)}: +(.*)$", section)
    return found is not None and not found[1].startswith("NO")


def test_every_library_of_the_build_is_tried_here():
    section = re.search(r"Media I/O:(.*?)\n\s*\n", cv2.getBuildInformation(), re.DOTALL)[1]
    rows = re.findall(r"(?m)^ {4}(\w[\w ]*):", section)
    assert rows
    assert set(rows) <= set(SHOWN_BY)
    tried = {*LOSSLESS, *LOSSY, ".hdr", ".exr", ".avif"}
    assert {SHOWN_BY[row] for row in rows} <= tried


@pytest.mark.parametrize("suffix", list(LOSSLESS))
def test_lossless(suffix, tmp_path):
    for at, image in enumerate(LOSSLESS[suffix]):
        path = tmp_path / f"bild {at} ü{suffix}"
        parameters = {".webp": WEBP, ".jp2": JP2}.get(suffix, [])
        assert cv2.imwrite(path, image, parameters)
        back = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        assert back.dtype == image.dtype
        np.testing.assert_array_equal(back, image)
        done, data = cv2.imencode(suffix, image, parameters)
        assert done
        np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), image)


@pytest.mark.parametrize("suffix", list(LOSSY))
def test_lossy(suffix):
    done, data = cv2.imencode(suffix, COLOUR)
    assert done
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert np.abs(back.astype(int) - COLOUR).mean() < LOSSY[suffix]


def test_radiance_hdr():
    done, data = cv2.imencode(".hdr", FLOAT)
    assert done
    np.testing.assert_allclose(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), FLOAT, atol=4 / 128)


def test_openexr():
    """OpenCV has it off until the environment says otherwise, as theirs."""
    if not has("OpenEXR"):
        pytest.skip("this profile has no OpenEXR")
    code = """
import cv2, numpy
image = (numpy.random.RandomState(4).random_sample((19, 23, 3)) * 4).astype(numpy.float32)
done, data = cv2.imencode(".exr", image)
assert done
assert (cv2.imdecode(data, cv2.IMREAD_UNCHANGED) == image).all()
"""
    done = python("-c", code, OPENCV_IO_ENABLE_OPENEXR=1)
    assert done.returncode == 0, done.stderr


def test_avif():
    if not has("AVIF"):
        pytest.skip("not run (built without AVIF)")
    done, data = cv2.imencode(".avif", COLOUR, [cv2.IMWRITE_AVIF_QUALITY, 90])
    assert done
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert np.abs(back.astype(int) - COLOUR).mean() < 6


def test_several_pages(tmp_path):
    path = tmp_path / "pages.tiff"
    pages = [COLOUR, COLOUR[::-1].copy(), COLOUR[:, ::-1].copy()]
    assert cv2.imwritemulti(path, pages)
    assert cv2.imcount(path) == 3
    done, back = cv2.imreadmulti(path)
    assert done
    np.testing.assert_array_equal(back, pages)


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".webp"])
def test_animation(tmp_path, suffix):
    path = tmp_path / f"moving{suffix}"
    frames = [np.full((16, 16, 4), (value, 0, 255 - value, 255), np.uint8) for value in (0, 255)]
    animation = cv2.Animation()
    animation.frames, animation.durations = frames, np.array([100, 200])
    assert cv2.imwriteanimation(str(path), animation)
    done, back = cv2.imreadanimation(str(path))
    assert done
    assert len(back.frames) == 2
    for one, other in zip(back.frames, frames, strict=True):
        assert np.abs(one[..., :3].astype(int) - other[..., :3]).max() <= 8


def test_orientation_of_a_photograph():
    """A JPEG that says it lies on its side is turned, as by every other program."""
    done, data = cv2.imencode(".jpg", COLOUR)
    assert done
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + tiff
    turned = bytes(data[:2]) + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    image = cv2.imdecode(np.frombuffer(turned + bytes(data[2:]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == COLOUR.shape[1::-1]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".jp2", ".bmp"])
def test_cut_off_file_is_no_crash(suffix):
    done, data = cv2.imencode(suffix, COLOUR)
    assert done
    for length in (0, 1, 10, len(data) // 2):
        cut = data[:length]
        try:
            image = cv2.imdecode(cut, cv2.IMREAD_COLOR)
        except cv2.error:
            continue  # "buf is empty"
        assert image is None or image.shape == COLOUR.shape
