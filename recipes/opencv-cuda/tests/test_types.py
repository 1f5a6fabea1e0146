"""Type stubs: where they are, and that mypy accepts what is right and refuses what is wrong."""

import ast
import importlib.metadata
from pathlib import Path

import cv2
import opencv_cuda
import pytest
from opencv_cuda import _build
from test_package import python

if "features2d" not in _build.MODULES:
    pytest.skip("this profile has no type stubs", allow_module_level=True)

SITE = Path(opencv_cuda.__file__).resolve().parent.parent
STUBS = SITE / "cv2-stubs"
CORE = """
import cv2
import cv2.data
import numpy as np
import opencv_cuda


def corners(picture: cv2.typing.MatLike) -> list[cv2.KeyPoint]:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return list(cv2.ORB.create(nfeatures=100).detect(grey))


points: list[cv2.KeyPoint] = corners(np.zeros((9, 9, 3), np.uint8))
devices: int = cv2.cuda.getCudaEnabledDeviceCount()
memory = cv2.cuda.GpuMat(4, 4, cv2.CV_8UC1)
memory.upload(np.zeros((4, 4), np.uint8), cv2.cuda.Stream())
path: str = cv2.data.haarcascades
code: int = opencv_cuda.doctor()
name: str = points[0]  # wrong
many: str = cv2.cuda.getCudaEnabledDeviceCount()  # wrong
cv2.cuda.GpuMat(4, 4)  # wrong
cv2.cvtColor("picture", cv2.COLOR_BGR2GRAY)  # wrong
cv2.noSuchFunction()  # wrong
version: int = opencv_cuda.__version__  # wrong
"""
PROGRAMS = {
    "core": CORE,
    "dnn": """
import cv2
import numpy as np


def answer(model: bytes, picture: cv2.typing.MatLike) -> cv2.typing.MatLike:
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CUDA_FP16)
    net.setInput(cv2.dnn.blobFromImage(picture, 1 / 255, (32, 32), swapRB=True))
    return net.forward()


network: cv2.dnn.Net = cv2.dnn.readNetFromDarknet("a.cfg", "a.weights")
cv2.dnn.readNetFromONNX(3)  # wrong
network.setPreferableBackend("cuda")  # wrong
text: str = cv2.dnn.blobFromImage(np.zeros((4, 4), np.uint8))  # wrong
""",
    "cudawarping": """
import cv2


def halved(above: cv2.cuda.GpuMat, stream: cv2.cuda.Stream) -> cv2.typing.MatLike:
    return cv2.cuda.resize(above, (16, 16), stream=stream).download()


cv2.cuda.resize(cv2.cuda.GpuMat(), 16)  # wrong
""",
    "gapi": """
import cv2

given = cv2.GMat()
graph = cv2.GComputation(given, cv2.gapi.BGR2Gray(given))
cv2.gapi.BGR2Gray("picture")  # wrong
""",
}


def test_they_are_a_package_of_their_own():
    names = {str(file) for file in importlib.metadata.files("opencv-cuda")}
    assert {"cv2-stubs/__init__.pyi", "cv2-stubs/py.typed", "cv2-stubs/cuda/__init__.pyi"} <= names
    assert not [name for name in names if name.endswith(".pyi") and not name.startswith("cv2-st")]
    modules = {path.parent.relative_to(STUBS).as_posix() for path in STUBS.rglob("__init__.pyi")}
    wanted = {"typing", "utils", "data", "misc", "mat_wrapper", "ocl"}
    wanted |= {one for one in ("dnn", "gapi", "ml", "aruco") if one in _build.MODULES}
    assert wanted <= modules


def test_mypy_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path):
    written = {name: text for name, text in PROGRAMS.items() if name in _build.MODULES}
    for name, text in written.items():
        (tmp_path / f"with_{name}.py").write_text(text)
    done = python("-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context",
                  "--cache-dir", tmp_path / "cache", *sorted(tmp_path.glob("*.py")),
                  cwd=tmp_path)  # fmt: skip
    found = {
        ":".join(line.split(":")[:2]).rpartition("/")[2]
        for line in done.stdout.splitlines()
        if ": error:" in line
    }
    assert found == {
        f"with_{name}.py:{number}"
        for name, text in written.items()
        for number, line in enumerate(text.splitlines(), 1)
        if line.endswith("# wrong")
    }, done.stdout + done.stderr
    assert done.returncode == 1


def test_what_the_stubs_name_is_there():
    # The file is read, not imported: it is for type checkers.
    tree = ast.parse((STUBS / "cuda/__init__.pyi").read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert {"GpuMat", "Stream", "getCudaEnabledDeviceCount"} <= names
    assert not {name for name in names if not hasattr(cv2.cuda, name)}
