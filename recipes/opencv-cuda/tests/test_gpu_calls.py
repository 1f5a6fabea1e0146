"""Where there is no GPU: the calls of the GPU's tests exist, fit, and fail as Python errors."""

from pathlib import Path

import cv2
import pytest
import signatures
from gpu_cases import CASES, MODULES
from opencv_cuda import _build
from test_package import python


def test_every_call_fits_a_signature():
    for case in CASES:
        if case.module in _build.MODULES:
            seen = signatures.calls(case, MODULES)
            called = {name: good for name, good in seen.items() if not name.startswith("(")}
            assert called, (case.id, seen)
            assert all(called.values()), (case.id, called)


def test_signatures_tell_wrong_calls_from_right_ones():
    if "cudawarping" not in _build.MODULES:
        pytest.skip("this profile has no cudawarping")
    resize = cv2.cuda.resize
    assert signatures.fits(resize, ("x", (1, 2)), {"interpolation": 1})
    assert not signatures.fits(resize, ("x",), {})  # no size
    assert not signatures.fits(resize, ("x", (1, 2)), {"interpolated": 1})
    assert not signatures.fits(resize, ("x",) * 20, {})


@pytest.mark.skipif(cv2.cuda.getCudaEnabledDeviceCount() > 0, reason="not run (there is a GPU)")
def test_every_call_fails_as_a_python_error():
    """And not with the process, as OpenCV does it (patches/0005)."""
    script = Path(__file__).with_name("gpu_calls.py")
    done = python(script)
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    expected = [case.id for case in CASES if case.module in _build.MODULES]
    assert list(told) == expected, done.stderr
    assert len(expected) == len(set(expected))
    assert not {name: text for name, text in told.items() if not text.startswith("failed")}


def test_every_twin_answers():
    """The CPU's half of each row, where the profile has the modules for it."""
    for case in CASES:
        if case.module in _build.MODULES:
            assert case.cpu() is not None, case.id


def test_every_cuda_module_has_rows():
    """Modules with functions that Python can call; cudalegacy and cudev have none."""
    modules = {name for name in _build.MODULES if name.startswith("cuda")}
    assert modules - {case.module for case in CASES} <= {"cudalegacy"}
