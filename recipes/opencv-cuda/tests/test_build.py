"""What the build says of itself."""

import re

import cv2
import pytest
from opencv_cuda import _build
from promises import MODULES

INFORMATION = cv2.getBuildInformation()


def value(label):
    """The text after ``label:`` in the build information."""
    found = re.search(rf"^ *{re.escape(label)}: *(.*)$", INFORMATION, re.MULTILINE)
    assert found, f"no '{label}' in the build information"
    return found[1].strip()


def test_profile_has_the_modules_it_promises():
    built = set(value("To be built").split())
    assert not MODULES[_build.PROFILE] - built
    assert built <= set(_build.MODULES)


def test_cuda_is_the_one_asked_for():
    assert value("NVIDIA CUDA").startswith(f"YES (ver {_build.CUDA}")
    archs = " ".join(_build.ARCHITECTURES).replace(".", "")
    assert value("NVIDIA GPU arch") == archs
    assert value("NVIDIA PTX archs") == _build.PTX.replace(".", "")


@pytest.mark.skipif("dnn" not in _build.MODULES, reason="this profile has no dnn")
def test_dnn_has_cudnn():
    assert value("cuDNN").startswith(f"YES (ver {_build.CUDNN}.")
    assert "CUBLAS" in value("NVIDIA CUDA")


def test_limited_api_and_static_modules():
    assert value("Limited API").startswith("YES")
    assert value("Built as dynamic libs?") == "NO"


def test_nothing_of_the_machine_that_built_it():
    for text in ("/home", "/mnt", "/tmp", "/root", "/usr", "Interpreter", "Timestamp", "Host:"):
        assert text not in INFORMATION, text
    assert not re.search(r"(?m)(?<![\w.])/[\w.]+/[\w./-]+", INFORMATION)


def test_parallel_framework():
    assert value("Parallel framework") == "pthreads"
    assert cv2.getNumberOfCPUs() >= 1
