"""One ``cv2``: how it is found, what it looks like, and that it stays what it is."""

import importlib
import importlib.metadata
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import opencv_cuda
import pytest
from opencv_cuda import _build, _payload

SITE = Path(opencv_cuda.__file__).resolve().parent.parent


def python(*arguments, cwd=None, path=(), isolated=False, **variables):
    """Run this Python in a clean environment."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {name: str(value) for name, value in variables.items()}
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    flags = ("-S", "-B") if isolated else ("-B",)
    return subprocess.run(
        [sys.executable, *flags, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_version():
    assert cv2.__version__ == "4.14.0"
    assert cv2.version.opencv_version == importlib.metadata.version("opencv-cuda").partition("+")[0]
    assert cv2.version.contrib
    assert cv2.version.headless
    assert opencv_cuda.__version__ == importlib.metadata.version("opencv-cuda") == _build.VERSION


def test_no_file_below_cv2():
    names = [str(file) for file in importlib.metadata.files("opencv-cuda")]
    assert "cv2.py" in names
    assert "opencv_cuda/_cv2/cv2.abi3.so" in names
    assert not [name for name in names if name.startswith("cv2/")]


def test_it_is_a_package():
    assert cv2.__name__ == cv2.__package__ == "cv2"
    assert cv2.__spec__.name == "cv2"
    assert cv2.__spec__.submodule_search_locations == list(cv2.__path__)
    assert Path(cv2.__file__).parent == _payload.FOLDER
    assert Path(cv2.__file__).is_file()


def test_submodules():
    import cv2.data
    import cv2.mat_wrapper
    import cv2.misc
    import cv2.utils

    for name in ("cuda", "data", "mat_wrapper", "misc", "ocl", "utils", "version"):
        module = importlib.import_module(f"cv2.{name}")
        assert getattr(cv2, name) is module is sys.modules[f"cv2.{name}"]
    assert cv2.utils.testAsyncArray is not None
    assert isinstance(cv2.Mat(np.zeros((2, 2), np.uint8)), np.ndarray)


def test_cascades_where_there_is_objdetect():
    assert Path(cv2.data.haarcascades).is_dir()
    if "objdetect" not in _build.MODULES:
        return
    path = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
    assert not cv2.CascadeClassifier(path).empty()


# pickle asks every module for a function of that name, numpy.core among them.
@pytest.mark.filterwarnings("ignore:numpy.core is deprecated:DeprecationWarning")
def test_pickle():
    for thing in (cv2.resize, cv2.error, cv2.Mat, cv2.cuda.getCudaEnabledDeviceCount):
        assert pickle.loads(pickle.dumps(thing)) is thing


def test_spawned_process(tmp_path):
    script = tmp_path / "spawn.py"
    script.write_text(
        """
import multiprocessing, cv2, numpy
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(cv2.countNonZero, (numpy.eye(5, dtype=numpy.uint8),)))
"""
    )
    done = python(script)
    assert done.stdout.strip() == "5", done.stderr


def test_reload_keeps_the_module_and_works():
    # In a process of its own: reload changes what other tests hold on to.
    code = """
import importlib, cv2, numpy
before = cv2
again = importlib.reload(cv2)
assert again is before and again.__path__ and again.__version__
assert again.countNonZero(numpy.eye(3, dtype=numpy.uint8)) == 3
import cv2.utils
assert cv2.cuda.getCudaEnabledDeviceCount() is not None
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_import_where_the_current_folder_is_site_packages():
    done = python("-c", "import cv2; print(cv2.__version__)", cwd=SITE)
    assert done.stdout.strip() == "4.14.0", done.stderr


def test_import_gives_no_warning():
    done = python("-W", "error", "-c", "import cv2")
    assert (done.returncode, done.stderr) == (0, "")


def test_import_in_many_threads_at_once():
    code = """
from concurrent.futures import ThreadPoolExecutor
def use(_):
    import cv2
    return cv2.getVersionMajor()
with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(use, range(32))) == [4] * 32
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_library_path_of_children_stays_as_it_was():
    done = python("-c", "import cv2, os; print(os.environ.get('LD_LIBRARY_PATH'))")
    assert done.stdout.strip() == "None", done.stderr


def moved(tmp_path):
    """A copy of this package in a folder that has none of NVIDIA's packages."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "cv2.py").write_bytes((SITE / "cv2.py").read_bytes())
    payload = folder / "opencv_cuda" / "_cv2"
    payload.mkdir(parents=True)
    for source in filter(Path.is_file, (SITE / "opencv_cuda").iterdir()):
        (folder / "opencv_cuda" / source.name).write_bytes(source.read_bytes())
    for source in _payload.FOLDER.iterdir():
        if source.name == "cv2.abi3.so":  # its run path counts from where it lies
            try:
                os.link(source, payload / source.name)
            except OSError:
                (payload / source.name).write_bytes(source.read_bytes())
        elif source.name != "__pycache__":
            (payload / source.name).symlink_to(source)
    for name in ("opencv_cuda.libs", "cv2-stubs"):  # what some profiles have beside it
        if (SITE / name).is_dir():
            (folder / name).symlink_to(SITE / name)
    return folder


def test_nvidia_packages_in_another_site_folder(tmp_path):
    folder = moved(tmp_path)
    done = python("-c", "import cv2; print(cv2.__file__)", path=[folder])
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == folder / "opencv_cuda" / "_cv2"


def with_numpy(folder):
    """The same folder with numpy, for a Python that sees no other."""
    numpy = Path(np.__file__).parent
    for source in (numpy, numpy.parent / "numpy.libs"):
        if source.exists():
            (folder / source.name).symlink_to(source)
    return folder


def test_whatever_is_used_of_these_two_is_loaded_late():
    (line,) = (one for one in cv2.getBuildInformation().splitlines() if "NVIDIA CUDA:" in one)
    used = [name for name in ("cublas", "cufft") if name.upper() in line]
    assert [name.partition(".so")[0] for name in _build.LAZY] == [f"lib{name}" for name in used]


@pytest.mark.skipif(not _build.LAZY, reason="this profile loads nothing later")
@pytest.mark.parametrize("lazy", _build.LAZY)
def test_it_is_loaded_when_it_is_called_and_missed_at_once(lazy, tmp_path):
    name = lazy.partition(".so")[0]
    if _payload.beside(lazy) is None:
        pytest.skip("not run (NVIDIA's packages are in another site folder)")
    code = f"import cv2; print('{name}' in open('/proc/self/maps').read())"
    done = python("-W", "ignore", "-c", code)
    assert done.stdout.strip() == "False", done.stderr
    folder = with_numpy(moved(tmp_path))
    for place in _build.FOLDERS:
        (folder / place).mkdir(parents=True)
        for library in (SITE / place).glob("lib*.so*"):
            if not library.name.startswith(name):
                (folder / place / library.name).symlink_to(library)
    done = python("-c", "import cv2", path=[folder], isolated=True)
    last = done.stderr.strip().splitlines()[-1]
    assert f"{lazy}, which OpenCV needs, was not found" in last, done.stderr
    assert f"nvidia-{name.removeprefix('lib')}" in last


def test_missing_library_is_named_with_its_package(tmp_path):
    folder = with_numpy(moved(tmp_path))
    done = python("-c", "import cv2", path=[folder], isolated=True)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "pip install nvidia-" in last, done.stderr
    doctor = python("-m", "opencv_cuda", path=[folder], isolated=True)
    assert doctor.returncode == 10, doctor.stdout + doctor.stderr
    assert "pip install nvidia-" in doctor.stdout


def test_payload_is_not_imported_by_another_name():
    code = """
try:
    import opencv_cuda._cv2
except ImportError as error:
    assert "cv2" in str(error)
else:
    raise SystemExit("imported")
import cv2
assert cv2.getVersionMajor() == 4
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
