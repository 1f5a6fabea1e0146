"""dlib-cuda's own Python: what it loads and what it says, with an extension and GPUs made up."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCES = Path(__file__).parents[3] / "recipes" / "dlib-cuda" / "src"
BUILT = """
VERSION = "20.0.1+cu124"
CUDA_VERSION = "12.4"
PYTHON_VERSION = "3.11"
EXTENSION = "_dlib_pybind11.cpython-311-x86_64-linux-gnu.so"
ARCHITECTURES = ("7.5", "8.0", "9.0")
PTX = "9.0"
LIBRARIES = ("libcudart.so.12", "libcublasLt.so.12", "libcublas.so.12", "libcudnn.so.9")
RUN_PATHS = ("nvidia/cublas/lib", "nvidia/cudnn/lib")
"""


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The modules of `dlib_cuda`, imported from the recipe, with a build of our own."""
    build = ModuleType("dlib_cuda._build")
    exec(BUILT, build.__dict__)
    monkeypatch.syspath_prepend(str(SOURCES))
    for name in [name for name in sys.modules if name.partition(".")[0] == "dlib_cuda"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dlib_cuda._build", build)
    names = ("_load", "_device", "__main__")
    yield {name: importlib.import_module(f"dlib_cuda.{name}") for name in names}
    for name in [name for name in sys.modules if name.partition(".")[0] == "dlib_cuda"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("cuda", "library", "package"),
    [
        ("11.8", "libcudart.so.11.0", "nvidia-cuda-runtime-cu11"),
        ("12.4", "libcublasLt.so.12", "nvidia-cublas-cu12"),
        ("12.4", "libcudnn.so.9", "nvidia-cudnn-cu12"),
        ("13.0", "libcublas.so.13", "nvidia-cublas"),
        ("13.0", "libcudnn.so.9", "nvidia-cudnn-cu13"),
    ],
)
def test_the_package_of_a_library(
    parts: dict[str, Any], cuda: str, library: str, package: str
) -> None:
    parts["_load"]._build.CUDA_VERSION = cuda
    assert parts["_load"].package(library) == package


def test_a_library_that_is_missing_is_named_with_its_package(parts: dict[str, Any]) -> None:
    said = parts["_load"].advice("libcudnn.so.9: cannot open shared object file: No such file")
    assert said.endswith("was not found: pip install nvidia-cudnn-cu12")
    assert parts["_load"].advice("undefined symbol: x") == "`python -m dlib_cuda` says more."


def test_libraries_elsewhere_on_the_path_are_found(
    parts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = parts["_load"]
    assert load.locate("libcudnn.so.9") == (False, None)
    far = tmp_path / "far/nvidia/cudnn/lib/libcudnn.so.9"
    far.parent.mkdir(parents=True)
    far.touch()
    monkeypatch.syspath_prepend(str(tmp_path / "far"))
    assert load.locate("libcudnn.so.9") == (False, far)
    monkeypatch.setattr(load, "FOLDER", tmp_path / "near/dlib_cuda")
    near = tmp_path / "near/nvidia/cudnn/lib/libcudnn.so.9"
    near.parent.mkdir(parents=True)
    near.touch()
    assert load.locate("libcudnn.so.9") == (True, near)


@pytest.mark.parametrize(
    ("gpu", "runs"),
    [("7.0", False), ("7.5", True), ("8.6", True), ("8.9", True), ("12.0", True), ("6.1", False)],
)
def test_which_gpus_the_code_is_for(parts: dict[str, Any], gpu: str, runs: bool) -> None:
    assert parts["__main__"].runs_on(gpu) is runs
    parts["__main__"]._build.PTX = ""
    if gpu == "12.0":
        assert not parts["__main__"].runs_on(gpu)


def test_the_doctor_without_an_extension(
    parts: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert parts["__main__"].main() == 10
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "dlib-cuda 20.0.1+cu124, CUDA 12.4, Python 3.11"
    assert "libcudnn.so.9: in no package" in said
    assert said[-1].startswith("verdict: dlib does not load: ")


class FakeDriver:
    """As much of libcuda as is asked."""

    def __init__(self, status: int, count: int) -> None:
        self.status, self.count = status, count

    def cuInit(self, flags: int) -> int:
        return self.status

    def cuDeviceGetCount(self, into: Any) -> int:
        into._obj.value = self.count
        return 0

    def cuDeviceGet(self, into: Any, number: int) -> int:
        return 0

    def cuDeviceGetAttribute(self, into: Any, attribute: int, device: Any) -> int:
        into._obj.value = {75: 8, 76: 9}[attribute]
        return 0


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (FakeDriver(100, 0), "answers with error 100"),
        (FakeDriver(0, 0), "has no GPU"),
        (None, "no NVIDIA driver"),
    ],
)
def test_no_gpu_says_why(
    parts: dict[str, Any], monkeypatch: pytest.MonkeyPatch, driver: Any, said: str
) -> None:
    def load(name: str) -> Any:
        if driver is None:
            raise OSError(name)
        return driver

    device = parts["_device"]
    monkeypatch.setattr(device.ctypes, "CDLL", load)
    with pytest.raises(device.NoDeviceError, match=said):
        device.capability()


def test_a_gpu_says_what_it_is(parts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts["_device"].ctypes, "CDLL", lambda name: FakeDriver(0, 1))
    assert parts["_device"].capability() == "8.9"
