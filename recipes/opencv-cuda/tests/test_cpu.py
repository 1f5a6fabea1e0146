"""OpenCV's own work on the CPU, against numpy."""

import cv2
import numpy as np
import pytest
from networks import CAFFE, Darknet, Onnx, caffe_answer
from opencv_cuda import _build

needs_dnn = pytest.mark.skipif("dnn" not in _build.MODULES, reason="this profile has no dnn")
needs_codecs = pytest.mark.skipif(
    "imgcodecs" not in _build.MODULES, reason="this profile has no imgcodecs"
)
RANDOM = np.random.default_rng(0)
PICTURE = cv2.GaussianBlur(RANDOM.integers(0, 256, (48, 64, 3), dtype=np.uint8), (7, 7), 2)


def test_no_gpu_is_an_answer_not_an_error():
    assert isinstance(cv2.cuda.getCudaEnabledDeviceCount(), int)


def test_arithmetic():
    a, b = RANDOM.integers(0, 256, (2, 33, 57), dtype=np.uint8)
    expected = np.minimum(a.astype(int) + b, 255)
    np.testing.assert_array_equal(cv2.add(a, b), expected)
    np.testing.assert_array_equal(cv2.absdiff(a, b), np.abs(a.astype(int) - b))
    assert cv2.countNonZero(a) == np.count_nonzero(a)


def test_matrix_product():
    a = RANDOM.standard_normal((17, 23))
    b = RANDOM.standard_normal((23, 11))
    np.testing.assert_allclose(cv2.gemm(a, b, 1, None, 0), a @ b, atol=1e-12)
    square = a[:, :17] + 10 * np.eye(17)
    _, inverse = cv2.invert(square)
    np.testing.assert_allclose(inverse @ square, np.eye(17), atol=1e-10)


def test_box_filter():
    x = RANDOM.standard_normal((20, 30)).astype(np.float32)
    padded = np.pad(x, 1)
    expected = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).mean(axis=(2, 3))
    got = cv2.blur(x, (3, 3), borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_resize_and_colour():
    assert cv2.resize(PICTURE, (32, 24), interpolation=cv2.INTER_AREA).shape == (24, 32, 3)
    grey = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
    expected = PICTURE @ np.array([0.114, 0.587, 0.299])
    assert np.abs(grey - expected).max() <= 1


def test_resize_nearest_by_two():
    x = np.arange(12, dtype=np.uint8).reshape(3, 4)
    got = cv2.resize(x, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(got, x.repeat(2, axis=0).repeat(2, axis=1))


def test_contours_of_a_square():
    image = np.zeros((40, 40), np.uint8)
    cv2.rectangle(image, (10, 12), (29, 27), 255, -1)
    contours, _ = cv2.findContours(image, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    assert [cv2.boundingRect(contour) for contour in contours] == [(10, 12, 20, 16)]


def test_error_is_an_exception():
    with pytest.raises(cv2.error, match="Bad number of channels") as caught:
        cv2.cvtColor(np.zeros((3, 3), np.float64), cv2.COLOR_BGR2GRAY)
    # The place in OpenCV's source, without the folder it was built in.
    assert " opencv/modules/imgproc/src/" in str(caught.value)
    for folder in ("/mnt", "/tmp", "/home", "/root"):
        assert folder not in str(caught.value)


@needs_codecs
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jp2", ".webp", ".ppm"])
def test_lossless_round_trip(suffix):
    parameters = {".webp": [cv2.IMWRITE_WEBP_QUALITY, 101]}.get(suffix, [])
    parameters = {".jp2": [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]}.get(suffix, parameters)
    done, data = cv2.imencode(suffix, PICTURE, parameters)
    assert done
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR), PICTURE)


@needs_codecs
def test_jpeg_round_trip():
    done, data = cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert done
    assert bytes(data[:2]) == b"\xff\xd8"
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert np.abs(back.astype(int) - PICTURE).mean() < 3


@needs_codecs
def test_sixteen_bits_and_a_file(tmp_path):
    deep = RANDOM.integers(0, 65536, (9, 11), dtype=np.uint16)
    path = tmp_path / "deep é.png"
    assert cv2.imwrite(path, deep)
    np.testing.assert_array_equal(cv2.imread(path, cv2.IMREAD_UNCHANGED), deep)


@needs_dnn
def test_onnx():
    network = Onnx()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(network.model(), np.uint8))
    x = RANDOM.standard_normal(network.shape).astype(np.float32)
    net.setInput(x)
    np.testing.assert_allclose(net.forward(), network.answer(x), atol=1e-5)


@needs_dnn
def test_darknet():
    network = Darknet()
    weights = np.frombuffer(network.weights(), np.uint8)
    net = cv2.dnn.readNetFromDarknet(np.frombuffer(network.cfg.encode(), np.uint8), weights)
    x = RANDOM.standard_normal(network.shape).astype(np.float32)
    net.setInput(x)
    np.testing.assert_allclose(net.forward(), network.answer(x), rtol=1e-3, atol=1e-3)


@needs_dnn
def test_caffe():
    net = cv2.dnn.readNetFromCaffe(np.frombuffer(CAFFE.encode(), np.uint8))
    x = RANDOM.standard_normal((1, 4, 8, 8)).astype(np.float32)
    net.setInput(x)
    np.testing.assert_allclose(net.forward(), caffe_answer(x), atol=1e-5)


@needs_dnn
def test_blob_from_image():
    blob = cv2.dnn.blobFromImage(PICTURE, 1 / 255, swapRB=True)
    expected = PICTURE[..., ::-1].transpose(2, 0, 1)[None] / 255
    np.testing.assert_allclose(blob, expected, atol=1e-6)


@needs_dnn
def test_cuda_backend_is_offered_only_with_a_gpu():
    targets = cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_CUDA)
    assert bool(len(targets)) == (cv2.cuda.getCudaEnabledDeviceCount() > 0)
