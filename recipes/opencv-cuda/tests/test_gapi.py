"""G-API: graphs give what the plain functions give, in each of its CPU backends."""

import cv2
import numpy as np
import pytest
from opencv_cuda import _build
from test_package import python

if "gapi" not in _build.MODULES:
    pytest.skip("this profile has no gapi", allow_module_level=True)

RANDOM = np.random.RandomState(7)
PICTURE = cv2.GaussianBlur(RANDOM.randint(0, 256, (60, 80, 3)).astype(np.uint8), (5, 5), 1.5)
OTHER = np.ascontiguousarray(PICTURE[::-1])
BACKENDS = {
    "cpu": lambda gapi: gapi.core.cpu.kernels(),
    "fluid": lambda gapi: gapi.combine(gapi.core.fluid.kernels(), gapi.imgproc.fluid.kernels()),
    "ocl": lambda gapi: gapi.core.ocl.kernels(),  # its own CPU code where there is no OpenCL
}


@pytest.fixture(params=list(BACKENDS))
def backend(request):
    """Arguments that make a graph run there, with the CPU's functions for what it has not."""
    return cv2.gapi.compile_args(BACKENDS[request.param](cv2.gapi))


def run(inputs, outputs, values, arguments):
    """Compile a graph from ``inputs`` to ``outputs`` and compute it for ``values``."""
    graph = cv2.GComputation(cv2.GIn(*inputs), cv2.GOut(*outputs))
    return graph.apply(cv2.gin(*values), args=arguments)


def test_a_graph_of_several_steps(backend):
    one, two, limit, white = cv2.GMat(), cv2.GMat(), cv2.GScalar(), cv2.GScalar()
    sharp = cv2.gapi.addWeighted(one, 1.5, cv2.gapi.blur(one, (3, 3)), -0.5, 0)
    grey = cv2.gapi.BGR2Gray(cv2.gapi.absDiff(sharp, two))
    parted = cv2.gapi.threshold(grey, limit, white, cv2.THRESH_BINARY)
    given = [PICTURE, OTHER, (40, 0, 0, 0), (255, 0, 0, 0)]
    outputs = [grey, parted, cv2.gapi.medianBlur(grey, 3)]
    got = run([one, two, limit, white], outputs, given, backend)

    wanted = cv2.addWeighted(PICTURE, 1.5, cv2.blur(PICTURE, (3, 3)), -0.5, 0)
    wanted = cv2.cvtColor(cv2.absdiff(wanted, OTHER), cv2.COLOR_BGR2GRAY)
    # The fluid backend rounds once more or less a step.
    assert np.abs(got[0].astype(int) - wanted).max() <= 2
    _, expected = cv2.threshold(got[0], 40, 255, cv2.THRESH_BINARY)
    np.testing.assert_array_equal(got[1], expected)
    np.testing.assert_array_equal(got[2], cv2.medianBlur(got[0], 3))


def test_exactly_the_plain_functions():
    given = cv2.GMat()
    resized = cv2.gapi.resize(given, (40, 30), 0, 0, cv2.INTER_LINEAR)
    edges = cv2.gapi.Canny(cv2.gapi.BGR2Gray(given), 50, 120)
    planes = cv2.gapi.split3(given)
    got = run([given], [resized, edges, *planes], [PICTURE], [])
    np.testing.assert_array_equal(got[0], cv2.resize(PICTURE, (40, 30)))
    grey = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(got[1], cv2.Canny(grey, 50, 120))
    for plane, wanted in zip(got[2:], cv2.split(PICTURE), strict=True):
        np.testing.assert_array_equal(plane, wanted)


def test_numbers_sizes_and_lists():
    given = cv2.GMat()
    grey = cv2.gapi.BGR2Gray(given)
    corners = cv2.gapi.goodFeaturesToTrack(grey, 20, 0.05, 5)
    got = run([given], [cv2.gapi.mean(given), cv2.gapi.streaming.size(given), corners],
              [PICTURE], [])  # fmt: skip
    np.testing.assert_allclose(got[0], cv2.mean(PICTURE))
    assert got[1] == (80, 60)
    wanted = cv2.goodFeaturesToTrack(cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY), 20, 0.05, 5)
    np.testing.assert_allclose(np.array(got[2]), wanted.reshape(-1, 2))


def test_a_kernel_written_in_python():
    # In a process of its own: upstream's registry of kernels lives as long as the process.
    code = """
import cv2, numpy
@cv2.gapi.op("custom.twice", in_types=[cv2.GMat], out_types=[cv2.GMat])
class Twice:
    @staticmethod
    def outMeta(desc):
        return desc
@cv2.gapi.kernel(Twice)
class TwiceOnCpu:
    @staticmethod
    def run(image):
        return cv2.add(image, image)
given = cv2.GMat()
graph = cv2.GComputation(given, cv2.gapi.bitwise_not(Twice.on(given)))
image = numpy.arange(256, dtype=numpy.uint8).reshape(16, 16)
got = graph.apply(cv2.gin(image), args=cv2.gapi.compile_args(cv2.gapi.kernels(TwiceOnCpu)))
assert (got == ~cv2.add(image, image)).all()
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_a_stream():
    given = cv2.GMat()
    graph = cv2.GComputation(given, cv2.gapi.medianBlur(given, 3))
    stream = graph.compileStreaming()
    stream.setSource(cv2.gin(PICTURE))
    stream.start()
    done, got = stream.pull()
    stream.stop()
    assert done
    np.testing.assert_array_equal(got, cv2.medianBlur(PICTURE, 3))


def test_what_does_not_fit_is_an_error():
    given = cv2.GMat()
    graph = cv2.GComputation(given, cv2.gapi.BGR2Gray(given))
    with pytest.raises(cv2.error):
        graph.apply(cv2.gin(np.zeros((4, 4), np.uint8)))


def test_submodules_and_their_python_code():
    code = """
import cv2
import cv2.gapi, cv2.gapi.core.cpu, cv2.gapi.imgproc.fluid, cv2.gapi.wip.draw
from cv2.gapi import op, kernel, compile_args
assert set(cv2.gapi.__all__) >= {"op", "kernel"}
assert cv2.GIn(1, 2) == [1, 2] and type(cv2.GOpaque.Int()).__name__ == "GOpaqueT"
"""
    done = python("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
