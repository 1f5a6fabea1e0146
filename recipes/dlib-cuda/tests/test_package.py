"""What is installed, and that it is what was asked for."""

from __future__ import annotations

import importlib.metadata
import os
import pickle
import subprocess
import sys
from pathlib import Path

import dlib
import dlib_cuda
import pytest

SITE = Path(dlib.__file__).parent


def test_this_build_is_imported():
    import _dlib_pybind11
    from dlib_cuda import _load

    assert Path(dlib.__file__).name == "dlib.py"
    assert Path(_dlib_pybind11.__file__) == _load.EXTENSION
    assert dlib.rectangle is _dlib_pybind11.rectangle
    version = importlib.metadata.version("dlib-cuda")
    assert version == dlib_cuda.__version__
    assert version.partition("+")[0] == dlib.__version__


def test_it_is_for_this_python_alone():
    tag = f"cp3{sys.version_info.minor}"
    wheel = importlib.metadata.distribution("dlib-cuda").read_text("WHEEL")
    assert wheel is not None
    assert f"Tag: {tag}-{tag}-manylinux" in wheel
    assert "abi3" not in wheel


def test_it_was_built_as_asked():
    assert dlib.DLIB_USE_CUDA
    assert dlib.USE_AVX_INSTRUCTIONS
    assert not dlib.DLIB_USE_BLAS
    assert not dlib.DLIB_USE_LAPACK


def test_no_code_of_cuda_s_own_headers():
    """Of Thrust, CUB or libcu++, whose licences the wheel would have to hold."""
    from dlib_cuda import _load

    code = _load.EXTENSION.read_bytes()
    assert [name for name in (b"N6thrust", b"N3cub", b"N4cuda3std") if name in code] == []


def test_nothing_lies_where_the_cpu_build_lies():
    for distribution in ("dlib-cuda", "dlib"):
        files = importlib.metadata.files(distribution) or []
        assert not [file for file in files if file.parts[0] == "dlib"]
    assert not list(SITE.glob("_dlib_pybind11*.so"))


def test_the_name_dlib_is_taken():
    """Whoever requires dlib is satisfied: the verification's `pip check` says so too."""
    assert importlib.metadata.version("dlib").startswith("20.0.0.99+")
    assert not [
        file
        for file in importlib.metadata.files("dlib") or []
        if not file.parts[0].endswith(".dist-info")
    ]


def test_pickles_are_read_before_dlib_is_imported():
    """dlib's objects name `_dlib_pybind11` as their module, the CPU build's too."""
    written = pickle.dumps(dlib.rectangle(1, 2, 3, 4))
    assert b"_dlib_pybind11" in written
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
    done = subprocess.run([sys.executable, "-c", code], input=written, capture_output=True)
    assert done.stdout.decode().strip() == "[(1, 2) (3, 4)]", done.stderr.decode()


def test_nvidias_libraries_come_from_their_packages():
    from dlib_cuda import _build, _load

    assert len(_build.LIBRARIES) == 4
    with Path("/proc/self/maps").open() as maps:
        loaded = {line.split()[-1] for line in maps if "/nvidia/" in line}
    for library in _build.LIBRARIES:
        _, path = _load.locate(library)
        assert path is not None, library
        assert str(path.resolve()) in loaded, library


def test_a_stray_library_is_not_loaded(tmp_path):
    """LD_LIBRARY_PATH has a file of every name, none of which is a library."""
    from dlib_cuda import _build

    for library in _build.LIBRARIES:
        (tmp_path / library).write_bytes(b"")
    env = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    code = "import dlib; print(dlib.rectangle(1, 2, 3, 4))"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "[(1, 2) (3, 4)]", done.stderr


def test_a_missing_library_says_which_package_brings_it():
    from dlib_cuda import _load

    said = _load.advice("libcublas.so.12: cannot open shared object file: No such file")
    if "libcublas.so.12" in _load._build.LIBRARIES:
        assert said.endswith("pip install nvidia-cublas-cu12")
    assert "python -m dlib_cuda" in _load.advice("something else")


def test_the_doctor_says_what_there_is():
    done = subprocess.run([sys.executable, "-m", "dlib_cuda"], capture_output=True, text=True)
    verdict = done.stdout.splitlines()[-1]
    assert verdict.startswith("verdict: "), done.stderr
    if dlib.cuda.get_num_devices():
        assert done.returncode == 0, verdict
    else:
        assert done.returncode == 20, verdict
        assert "on the CPU" in verdict


@pytest.mark.parametrize("mask", ["", "-1"])
def test_no_device_is_an_answer(mask):
    """Without a driver, or with every GPU hidden, upstream's dlib raises here."""
    code = "import dlib; print(dlib.cuda.get_num_devices())"
    env = {"CUDA_VISIBLE_DEVICES": mask}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "0", done.stderr
