"""Two tiny computations: arithmetic by a kernel of OpenCV's own, and a convolution by cuDNN."""

import struct
from types import ModuleType

from opencv_cuda import _build
from opencv_cuda._findings import Fault, Finding

_NETWORK = b"""[net]
width=6
height=5
channels=1

[convolutional]
filters=1
size=3
stride=1
pad=1
activation=linear
"""


def arithmetic(cv2: ModuleType) -> Finding:
    """2x + 1 on the GPU, compared with numpy's answer."""
    import numpy

    image = numpy.arange(4096, dtype=numpy.float32).reshape(64, 64)
    try:
        if cv2.cuda.getCudaEnabledDeviceCount() < 1:
            return Finding("computation", "OpenCV sees no GPU", Fault.GPU_FAILS)
        gpu = cv2.cuda.GpuMat()
        gpu.upload(image)
        answer = gpu.convertTo(cv2.CV_32F, alpha=2.0, beta=1.0).download()
    except cv2.error as error:
        return Finding("computation", _short(error), Fault.GPU_FAILS)
    if not numpy.array_equal(answer, image * 2 + 1):
        return Finding("computation", "the answer is wrong", Fault.GPU_WRONG)
    return Finding("computation", "2x + 1 of 64 x 64 numbers, right")


def convolution(cv2: ModuleType, backend: str = "CUDA") -> Finding:
    """A 3 x 3 convolution of ones, compared with what everybody can count.

    Args:
        cv2: OpenCV.
        backend: ``CUDA``, or ``CPU`` to try the network itself where there is no GPU.
    """
    import numpy

    if "dnn" not in _build.MODULES or _build.CUDNN is None:
        return Finding("cuDNN", "this wheel has no dnn with cuDNN")
    weights = struct.pack("<iiiq10f", 0, 2, 0, 0, 0.5, *[1.0] * 9)
    given = (numpy.frombuffer(data, numpy.uint8) for data in (_NETWORK, weights))
    counts = numpy.outer([2, 3, 3, 3, 2], [2, 3, 3, 3, 3, 2])
    try:
        net = cv2.dnn.readNetFromDarknet(*given)
        if backend == "CUDA":
            net.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
            net.setPreferableTarget(cv2.dnn.DNN_TARGET_CUDA)
        net.setInput(numpy.ones((1, 1, 5, 6), numpy.float32))
        answer = net.forward()
    except cv2.error as error:
        return Finding("cuDNN", _short(error), Fault.CUDNN_FAILS, _MEMORY)
    if answer.shape != (1, 1, 5, 6) or numpy.abs(answer[0, 0] - counts - 0.5).max() > 1e-3:
        return Finding("cuDNN", "the convolution's answer is wrong", Fault.GPU_WRONG)
    return Finding("cuDNN", "a 3 x 3 convolution, right")


_MEMORY = "free the GPU's memory (restart other notebooks), then run the doctor again"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())
