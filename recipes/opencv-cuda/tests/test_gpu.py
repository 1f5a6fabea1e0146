"""The GPU's answers against the CPU's."""

import cv2
import numpy as np
import pytest
import shapes
from gpu_case import compare, down
from gpu_cases import CASES
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


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=needs(case.module), id=case.id) for case in CASES]
)
def test_twin(case):
    """Every function of every CUDA module on the GPU, and its twin on the CPU."""
    compare(case, down(case.gpu(gpu)), case.cpu())


def networks():
    onnx, darknet = Onnx(), Darknet()
    as_array = lambda data: np.frombuffer(data, np.uint8)  # noqa: E731 -- as short as what it stands for
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


@needs("dnn")
@pytest.mark.parametrize("name", list(shapes.ALL))
@pytest.mark.parametrize(("target", "tolerance"), [("CUDA", 5e-3), ("CUDA_FP16", 8e-2)])
def test_network_of_a_real_shape(name, target, tolerance):
    """ResNet-50, YOLOv3-tiny, YOLOv4-tiny and others, against the CPU."""
    network = shapes.ALL[name]()
    expected = network.run()
    got = network.run(target)
    for one, other in zip(got, expected, strict=True):
        assert one.shape == other.shape
        scale = max(float(np.abs(other).max()), 1e-6)
        far = np.abs(one - other) > tolerance * scale
        # Of a YOLO layer, boxes near the threshold may fall on either side of it.
        assert far.mean() <= 1e-3, (far.mean(), float(np.abs(one - other).max()), scale)
