"""The GPU's answers against the CPU's."""

import cv2
import numpy as np
import pytest
from networks import CAFFE, Darknet, Onnx
from opencv_cuda import _build

pytestmark = pytest.mark.gpu
RANDOM = np.random.default_rng(0)
GREY = cv2.GaussianBlur(RANDOM.integers(0, 256, (240, 320), dtype=np.uint8), (9, 9), 3)
COLOUR = cv2.merge([GREY, cv2.flip(GREY, 0), cv2.flip(GREY, 1), np.full_like(GREY, 255)])


def needs(module):
    return pytest.mark.skipif(
        module not in _build.MODULES, reason=f"this profile has no module {module}"
    )


def gpu(array):
    matrix = cv2.cuda.GpuMat()
    matrix.upload(array)
    return matrix


def test_there_is_code_for_this_gpu():
    major, minor = cv2.cuda.DeviceInfo().majorVersion(), cv2.cuda.DeviceInfo().minorVersion()
    assert cv2.cuda.DeviceInfo().isCompatible(), (major, minor, _build.ARCHITECTURES)


def test_upload_download():
    for array in (GREY, COLOUR, RANDOM.standard_normal((7, 5)).astype(np.float32)):
        np.testing.assert_array_equal(gpu(array).download(), array)


def test_convert_set_and_copy():
    got = gpu(GREY).convertTo(cv2.CV_32F, alpha=0.5, beta=3.0).download()
    np.testing.assert_allclose(got, GREY * 0.5 + 3)
    matrix = cv2.cuda.GpuMat(5, 6, cv2.CV_8UC1)
    matrix.setTo(7)
    assert (matrix.download() == 7).all()


def test_stream():
    stream = cv2.cuda.Stream()
    matrix = cv2.cuda.GpuMat()
    matrix.upload(GREY, stream)
    result = matrix.convertTo(cv2.CV_32F, stream)
    stream.waitForCompletion()
    np.testing.assert_array_equal(result.download(), GREY.astype(np.float32))


@needs("cudawarping")
@pytest.mark.parametrize("method", ["INTER_NEAREST", "INTER_LINEAR", "INTER_CUBIC", "INTER_AREA"])
def test_resize(method):
    flag = getattr(cv2, method)
    x = COLOUR.astype(np.float32)
    got = cv2.cuda.resize(gpu(x), (160, 120), interpolation=flag).download()
    # CUDA's nearest and linear take pixel corners where the CPU takes centres: half a pixel of a
    # smooth picture.
    tolerance = 1 if method == "INTER_AREA" else 12
    assert np.abs(got - cv2.resize(x, (160, 120), interpolation=flag)).max() <= tolerance


@needs("cudawarping")
def test_warp_affine():
    matrix = cv2.getRotationMatrix2D((160, 120), 30, 0.8)
    got = cv2.cuda.warpAffine(gpu(GREY), matrix, (320, 240), flags=cv2.INTER_LINEAR).download()
    expected = cv2.warpAffine(GREY, matrix, (320, 240), flags=cv2.INTER_LINEAR)
    difference = np.abs(got.astype(int) - expected)[3:-3, 3:-3]
    assert difference.mean() < 1
    assert np.percentile(difference, 99) <= 4


@needs("cudawarping")
def test_remap():
    y, x = np.mgrid[0:240, 0:320].astype(np.float32)
    maps = x + 3 * np.sin(y / 20), y + 3 * np.cos(x / 20)
    got = cv2.cuda.remap(gpu(GREY), *map(gpu, maps), cv2.INTER_LINEAR).download()
    expected = cv2.remap(GREY, *maps, cv2.INTER_LINEAR)
    assert np.abs(got.astype(int) - expected).mean() < 1


@needs("cudawarping")
def test_pyramid():
    got = cv2.cuda.pyrDown(gpu(GREY)).download()
    assert np.abs(got.astype(int) - cv2.pyrDown(GREY)).max() <= 1


@needs("cudaarithm")
def test_arithmetic():
    a, b = RANDOM.standard_normal((2, 100, 120)).astype(np.float32)
    for name in ("add", "subtract", "multiply", "divide", "absdiff", "max", "min"):
        got = getattr(cv2.cuda, name)(gpu(a), gpu(b)).download()
        np.testing.assert_allclose(got, getattr(cv2, name)(a, b), rtol=1e-5, err_msg=name)
    assert cv2.cuda.sum(gpu(a))[0] == pytest.approx(float(a.sum(dtype=np.float64)), abs=1e-2)
    assert cv2.cuda.minMax(gpu(a)) == pytest.approx((a.min(), a.max()))


@needs("cudaarithm")
def test_matrix_product_by_cublas():
    a = RANDOM.standard_normal((64, 48)).astype(np.float32)
    b = RANDOM.standard_normal((48, 32)).astype(np.float32)
    got = cv2.cuda.gemm(gpu(a), gpu(b), 1.0, cv2.cuda.GpuMat(), 0.0).download()
    np.testing.assert_allclose(got, a @ b, rtol=1e-2, atol=1e-2)  # TF32 on Ampere and later


@needs("cudaarithm")
def test_fourier_transform_by_cufft():
    x = RANDOM.standard_normal((64, 64, 2)).astype(np.float32)
    got = cv2.cuda.dft(gpu(x), (64, 64)).download()
    expected = np.fft.fft2(x[..., 0] + 1j * x[..., 1])
    np.testing.assert_allclose(got[..., 0] + 1j * got[..., 1], expected, atol=1e-2)


@needs("cudaimgproc")
def test_colour_and_histogram():
    bgr = np.ascontiguousarray(COLOUR[..., :3])
    for code in (cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2YCrCb, cv2.COLOR_BGR2RGB):
        got = cv2.cuda.cvtColor(gpu(bgr), code).download()
        assert np.abs(got.astype(int) - cv2.cvtColor(bgr, code)).max() <= 1
    got = cv2.cuda.calcHist(gpu(GREY)).download().ravel()
    np.testing.assert_array_equal(got, np.bincount(GREY.ravel(), minlength=256))


@needs("cudaimgproc")
def test_canny():
    got = cv2.cuda.createCannyEdgeDetector(20, 60).detect(gpu(GREY)).download()
    expected = cv2.Canny(GREY, 20, 60)
    assert ((got > 0) == (expected > 0)).mean() > 0.97


def networks():
    onnx, darknet = Onnx(), Darknet()
    as_array = lambda data: np.frombuffer(data, np.uint8)  # noqa: E731
    cfg, weights = as_array(darknet.cfg.encode()), as_array(darknet.weights())
    return {
        "onnx": (lambda: cv2.dnn.readNetFromONNX(as_array(onnx.model())), onnx.shape),
        "darknet": (lambda: cv2.dnn.readNetFromDarknet(cfg, weights), darknet.shape),
        "caffe": (lambda: cv2.dnn.readNetFromCaffe(as_array(CAFFE.encode())), (1, 4, 8, 8)),
    }


@needs("dnn")
@pytest.mark.parametrize("name", ["onnx", "darknet", "caffe"])
@pytest.mark.parametrize(("target", "tolerance"), [("CUDA", 2e-3), ("CUDA_FP16", 5e-2)])
def test_dnn(name, target, tolerance):
    read, shape = networks()[name]
    x = RANDOM.standard_normal(shape).astype(np.float32)
    cpu = read()
    cpu.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    cpu.setInput(x)
    expected = cpu.forward()
    net = read()
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
    net.setPreferableTarget(getattr(cv2.dnn, f"DNN_TARGET_{target}"))
    for _ in range(2):  # the second time with everything in place
        net.setInput(x)
        got = net.forward()
    assert np.abs(got - expected).max() <= tolerance * max(1.0, float(np.abs(expected).max()))
