"""``python -m opencv_cuda``: each fault is provoked, and has its own exit code and remedy."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from fakes import compile_library, fake_driver
from opencv_cuda import _build, _checks, _compute, _libraries, _packages, _payload, _versions
from opencv_cuda._driver import Driver, Gpu
from opencv_cuda._findings import MEANINGS, Fault, Finding, Report
from test_package import SITE, moved, python, with_numpy

CODES = {code.shown: int(code) for code in Fault}
INFO = _packages.ours()


def ask(*arguments, **variables):
    """The doctor's exit code and report."""
    done = python("-m", "opencv_cuda", "--json", *arguments, **variables)
    report = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode == CODES[report["fault"]], done.stderr
    assert done.stderr == ""
    return done.returncode, report


def finding(report, check):
    found = [one for one in report["findings"] if one["check"] == check]
    assert found, (check, report["findings"])
    return found[0]


# -- what it says where all is well, or nearly ----------------------------------------------


def test_without_a_gpu_it_says_so():
    if cv2.cuda.getCudaEnabledDeviceCount() > 0:
        pytest.skip("not run (there is a GPU)")
    done = python("-m", "opencv_cuda")
    codes = (Fault.NO_DRIVER, Fault.DRIVER_TOO_OLD, Fault.NO_GPU)
    assert done.returncode in codes, done.stdout + done.stderr
    assert f"opencv-cuda {_build.VERSION}" in done.stdout
    assert "libcudart.so" in done.stdout
    assert "OpenCV works on the CPU" in done.stdout
    assert "Runtime > Change runtime type" in done.stdout or "driver for CUDA" in done.stdout


@pytest.mark.gpu
def test_with_a_gpu_all_is_well():
    done = python("-m", "opencv_cuda")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OpenCV uses the GPU" in done.stdout
    if _build.CUDNN:
        assert "a 3 x 3 convolution, right" in done.stdout


def test_every_library_has_a_version_and_a_package():
    _, report = ask()
    assert report["schema_version"] == 1
    assert {one["name"].partition(".so")[0] for one in report["libraries"]} >= {"libcudart"}
    for one in report["libraries"]:
        assert one["fits"], one
        if one["package"]:  # an installer put it there
            assert one["package_version"]
        if not one["name"].startswith(("libnpp", "libcudart")):  # CUDA 11's asks the driver
            assert re.match(r"\d+\.\d+", one["version"]), one
        assert Path(one["path"]).is_file()


def test_which_cv2_and_whose():
    _, report = ask()
    said = finding(report, "cv2")
    assert said["text"] == f"{SITE / 'cv2.py'}, of opencv-cuda {_build.VERSION}"
    assert said["fault"] is None


def test_usage():
    done = python("-m", "opencv_cuda", "--help")
    assert done.returncode == 0
    for code, meaning in MEANINGS.items():
        assert re.search(rf"(?m)^  {int(code)} +{re.escape(meaning)}$", done.stdout)
    done = python("-m", "opencv_cuda", "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


def test_every_fault_has_a_code_and_a_meaning():
    assert set(MEANINGS) == set(Fault)
    assert len({int(code) for code in Fault}) == len(Fault)
    assert 2 not in CODES.values()


# -- the OpenCV that is imported ------------------------------------------------------------


def test_another_cv2_of_no_package_hides_ours(tmp_path):
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2/__init__.py").write_text("")
    code, report = ask(path=[tmp_path])
    assert code == Fault.HIDDEN
    assert report["remedies"][0].startswith(f"rename or remove {tmp_path}/cv2/__init__.py")


def test_a_foreign_package_on_top_is_named(tmp_path):
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2/__init__.py").write_text("")
    info = tmp_path / "opencv_python-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: opencv-python\nVersion: 9.9\n")
    (info / "RECORD").write_text("cv2/__init__.py,,\nopencv_python-9.9.dist-info/RECORD,,\n")
    code, report = ask(path=[tmp_path])
    assert code == Fault.HIDDEN
    assert finding(report, "cv2")["text"].endswith("of opencv-python 9.9")
    assert report["remedies"][0] == "pip uninstall -y opencv-python"


@pytest.mark.skipif(INFO is None, reason="not run (no installer put the wheel here)")
@pytest.mark.parametrize("harm", ["overwritten", "missing"])
def test_overwritten_and_missing_files(tmp_path, harm):
    folder = moved(tmp_path)
    shutil.copytree(INFO._path, folder / INFO._path.name)
    victim = folder / "opencv_cuda/_cv2/version.py"
    victim.unlink()
    if harm == "overwritten":
        victim.write_text("headless = False\n")
    code, report = ask(path=[folder])
    assert code == Fault.FILES_CHANGED
    assert "opencv_cuda/_cv2/version.py" in finding(report, "files")["text"]
    assert report["remedies"][0].startswith("pip install --force-reinstall --no-deps")


def test_imported_before_in_the_same_process():
    code = """
import sys, types
sys.modules["cv2"] = types.ModuleType("cv2")
sys.modules["cv2"].__file__ = "/old/site-packages/cv2/__init__.py"
import opencv_cuda
sys.exit(opencv_cuda.doctor())
"""
    done = python("-c", code)
    assert done.returncode == Fault.RESTART, done.stdout + done.stderr
    assert "Restart the runtime: this process has imported /old/site-packages" in done.stdout


def test_imported_before_by_the_kernel_above(tmp_path):
    """As in a notebook: the kernel holds an extension that an installer took away."""
    code = f"""
import mmap, os, subprocess, sys
path = {str(tmp_path / "cv2.abi3.so")!r}
with open(path, "w+b") as file:
    file.write(bytes(4096))
    file.flush()
    held = mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_READ)
os.unlink(path)
sys.exit(subprocess.run([sys.executable, "-m", "opencv_cuda"]).returncode)
"""
    done = python("-c", code)
    assert done.returncode == Fault.RESTART, done.stdout + done.stderr
    assert "Runtime > Restart session" in done.stdout
    assert str(tmp_path) in done.stdout


@pytest.mark.parametrize("line", ["raise ImportError('of another machine')", "no_such_name"])
def test_a_numpy_that_fails(tmp_path, line):
    """OpenCV prints of it on its own, which must not stand in the midst of the JSON."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy/__init__.py").write_text(f"{line}\n")
    code, report = ask(path=[tmp_path])
    assert code == Fault.NO_IMPORT
    assert line.split("'")[-2 if "'" in line else 0] in finding(report, "import")["text"]
    again = f'pip install --force-reinstall --no-deps "numpy=={np.__version__}"'
    assert report["remedies"][0] == again


@pytest.mark.skipif(INFO is None, reason="not run (no installer put the wheel here)")
def test_a_numpy_that_is_not_there(tmp_path):
    folder = moved(tmp_path)
    shutil.copytree(INFO._path, folder / INFO._path.name)
    for place in _build.FOLDERS:
        if (SITE / place).is_dir():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).symlink_to(SITE / place)
    code, report = ask(path=[folder], isolated=True)
    assert code == Fault.NO_IMPORT
    assert "numpy" in finding(report, "import")["text"]
    assert report["remedies"][0] == 'pip install "numpy>=1.23"'


def test_another_reason_not_to_import_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    module, said = _checks.imported()
    assert module is None
    assert said.code == Fault.NO_IMPORT
    assert "cv2" in said.text
    assert said.remedy.startswith("pip install --force-reinstall --no-deps")


def test_whoever_stops_reading_gets_no_traceback(tmp_path):
    errors = tmp_path / "errors"
    line = f"'{sys.executable}' -m opencv_cuda --json 2>'{errors}' | :; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], check=False, timeout=300)
    assert done.returncode in (0, *CODES.values())
    assert errors.read_text() == ""


def test_a_lost_name_is_the_least_of_the_faults():
    lost = Finding("names", "opencv-python: …", Fault.NAME_LOST)
    assert Report(findings=[Finding("driver", "fine"), lost]).code == Fault.NAME_LOST
    worse = Finding("driver", "none", Fault.NO_DRIVER)
    assert Report(findings=[worse, lost]).code == Fault.NO_DRIVER


# -- NVIDIA's libraries ---------------------------------------------------------------------


def runtime():
    """The CUDA runtime as this process has it."""
    return next(path for path in _libraries.mapped() if path.name.startswith("libcudart."))


def test_a_stray_library_is_not_loaded(tmp_path):
    """LD_LIBRARY_PATH has a file of every name that is loaded, none of which is a library."""
    names = {path.name for path in _libraries.mapped() if _payload.beside(path.name)}
    if runtime().name not in names:
        pytest.skip("not run (NVIDIA's packages are in another site folder)")
    for name in names:
        (tmp_path / name).write_bytes(b"")
    code = f"import cv2; print({str(tmp_path)!r} in open('/proc/self/maps').read())"
    done = python("-c", code, LD_LIBRARY_PATH=tmp_path)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    _, report = ask(LD_LIBRARY_PATH=tmp_path)
    assert {one["name"] for one in report["libraries"]} >= names
    assert all(one["fits"] for one in report["libraries"])
    assert str(tmp_path) not in json.dumps(report)


def test_a_library_of_another_version_is_named_by_import_and_doctor(tmp_path):
    """One without what the extension needs, given by LD_LIBRARY_PATH where none lies beside."""
    name = runtime().name
    folder = moved(tmp_path)
    stray = tmp_path / "stray"
    stray.mkdir()
    compile_library(stray / name, "int cudaNothing(void) { return 0; }\n")
    done = python("-c", "import cv2", path=[folder], LD_LIBRARY_PATH=stray)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert f"{name} is not of the versions that OpenCV was made for" in last
    assert "nvidia-cuda-runtime" in last
    assert f"LD_LIBRARY_PATH gave {stray / name}" in last
    code, report = ask(path=[folder], LD_LIBRARY_PATH=stray)
    assert code == Fault.LIBRARY_UNFIT
    assert report["remedies"][0] == f"take {stray} off LD_LIBRARY_PATH"


@pytest.mark.skipif(INFO is None, reason="not run (no installer put the wheel here)")
def test_a_package_that_is_too_old(tmp_path):
    """The real library, beside the extension, in a package of its name that says it is older."""
    real, name = runtime(), _payload.package_of(runtime().name)
    folder = moved(tmp_path)
    shutil.copytree(INFO._path, folder / INFO._path.name)
    place = _build.FOLDERS[0]
    (folder / place).mkdir(parents=True)
    shutil.copy(real, folder / place / real.name)
    info = folder / f"{name.replace('-', '_')}-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")
    (info / "RECORD").write_text(f"{place}/{real.name},,\n")
    code, report = ask(path=[folder])
    assert code == Fault.LIBRARY_UNFIT
    (bad,) = [one for one in report["libraries"] if not one["fits"]]
    assert (bad["package"], bad["package_version"]) == (name, "1.2.3")
    assert f'pip install "{name}' in report["remedies"][0]


@pytest.mark.skipif(INFO is None, reason="not run (no installer put the wheel here)")
def test_a_lost_library_of_a_package_that_is_there_is_put_back(tmp_path):
    """Asked for a range of versions pip would say that all is there, and do nothing."""
    folder = with_numpy(moved(tmp_path))
    for one in (INFO, *_packages.nvidia()):
        shutil.copytree(one._path, folder / one._path.name)
    done = python("-c", "import cv2", path=[folder], isolated=True)
    again = re.search(r"`(pip .*\"(\S+)==(\S+)\")` brings it", done.stderr)
    assert again is not None, done.stderr
    assert again[1].startswith("pip install --force-reinstall --no-deps ")
    assert importlib.metadata.version(again[2]) == again[3]
    code, report = ask(path=[folder], isolated=True)
    assert code == Fault.LIBRARY_MISSING
    assert report["remedies"][0] == again[1]


@pytest.mark.parametrize("thorough", [False, True])
def test_overwritten_files_of_an_nvidia_package(tmp_path, thorough):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libthing.so.1").write_bytes(b"overwritten")
    info = tmp_path / "nvidia_thing_cu12-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nvidia-thing-cu12\nVersion: 1.0\n")
    size = len(b"overwritten") + (0 if thorough else 1)  # of the same size only a digest tells
    digest = "sha256=" + "A" * 43
    (info / "RECORD").write_text(f"lib/libthing.so.1,{digest},{size}\n")
    code, report = ask(*(["--thorough"] if thorough else []), path=[tmp_path])
    assert code == Fault.NVIDIA_FILES_CHANGED
    assert "nvidia-thing-cu12 1.0: libthing.so.1" in finding(report, "NVIDIA")["text"]
    assert '--no-deps "nvidia-thing-cu12==1.0"' in report["remedies"][0]


def test_a_library_that_tells_no_version_is_judged_by_its_package():
    def library(version, owner_version):
        return _libraries.Library(
            path=Path("libcudart.so.11.0"),
            version=version,
            owner="nvidia-cuda-runtime-cu11",
            owner_version=owner_version,
            package="nvidia-cuda-runtime-cu11",
            wanted=">=11.8,<12",
        )

    assert library("", "11.8.89").fits
    assert not library("", "11.7.60").fits
    assert not library("11.7", "11.8.89").fits


@pytest.mark.parametrize(
    ("version", "wanted", "good"),
    [
        ("12.4.5.8", "<13,>=12.4", True),
        ("12.4.5", ">=12.4.5.8", True),  # as far as the library says
        ("12.3.9", "<13,>=12.4", False),
        ("13.0.1", "<13,>=12.4", False),
        ("13", "<13,>=12.4", False),
        ("12.9", "<13,>=12.4", True),
        ("9.1.0.70", ">=9.1,<10", True),
        ("8.9.7", "<9,>=8.9", True),
        ("9.0.0", "<9,>=8.9", False),
        ("12.4", "!=12.4,>=12", False),
        ("12.4", "==12.4", True),
        ("", ">=12", True),
        ("12.4", "", True),
    ],
)
def test_versions(version, wanted, good):
    assert _versions.fits(version, wanted) is good


def test_requirements():
    parse = _versions.parse_requirement
    assert parse("nvidia-cublas-cu12<13,>=12.4") == ("nvidia-cublas-cu12", "<13,>=12.4")
    assert parse("Nvidia_cuDNN.cu12 (>=9.1) ; python_version > '3'") == (
        "nvidia-cudnn-cu12",
        ">=9.1",
    )
    assert parse("numpy") == ("numpy", "")


@pytest.fixture
def wheel(monkeypatch):
    def change(**values):
        for name, value in values.items():
            monkeypatch.setattr(_build, name, value)

    return change


@pytest.mark.parametrize(
    ("cuda", "library", "package"),
    [
        ("11.8", "libcublas.so.11", "nvidia-cublas-cu11"),
        ("12.4", "libcublasLt.so.12", "nvidia-cublas-cu12"),
        ("12.4", "libnppial.so.12", "nvidia-npp-cu12"),
        ("12.4", "libcudnn.so.9", "nvidia-cudnn-cu12"),
        ("13.0", "libcufft.so.12", "nvidia-cufft"),
        ("13.0", "libcudnn.so.9", "nvidia-cudnn-cu13"),
        ("13.0", "libgtk-3.so.0", None),
    ],
)
def test_packages_of_libraries(wheel, cuda, library, package):
    wheel(CUDA=cuda)
    assert _payload.package_of(library) == package


# -- the driver and its GPUs ----------------------------------------------------------------

OURS = int(_build.ARCHITECTURES[0].replace(".", ""))
CUDA = 1000 * int(_build.CUDA.split(".")[0]) + 10 * int(_build.CUDA.split(".")[1])


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    return fake_driver(tmp_path_factory.mktemp("driver"))


def test_no_driver(tmp_path):
    (tmp_path / "libcuda.so.1").write_bytes(b"")  # goes before a real one
    code, report = ask(LD_LIBRARY_PATH=tmp_path)
    assert code == Fault.NO_DRIVER
    assert report["driver"]["cuda"] is None
    assert "Docker --gpus all" in report["remedies"][0]


def test_something_else_in_the_driver_s_name(tmp_path):
    compile_library(tmp_path / "libcuda.so.1", "int nothing(void) { return 0; }\n")
    code, report = ask(LD_LIBRARY_PATH=tmp_path)
    assert code == Fault.NO_DRIVER
    assert "is not NVIDIA's driver" in report["driver"]["problem"]


def test_a_driver_that_is_too_old(driver):
    code, report = ask(LD_LIBRARY_PATH=driver, FAKE_CUDA=10020)
    assert code == Fault.DRIVER_TOO_OLD
    assert report["driver"] == {"version": "550.54.15", "cuda": "10.2", "problem": None}
    assert f"too old for CUDA {_build.CUDA.split('.')[0]}" in report["verdict"]


def test_a_driver_that_does_not_start(driver):
    code, report = ask(LD_LIBRARY_PATH=driver, FAKE_CUDA=CUDA, FAKE_INIT=803)
    assert code == Fault.DRIVER_FAILS
    assert "unsupported display driver" in report["driver"]["problem"]


@pytest.mark.parametrize("told", [{"FAKE_GPUS": 0}, {"FAKE_INIT": 100}])
def test_no_gpu(driver, told):
    code, report = ask(LD_LIBRARY_PATH=driver, FAKE_CUDA=CUDA, **told)
    assert code == Fault.NO_GPU
    assert "CUDA_VISIBLE_DEVICES" in report["driver"]["problem"]


def test_a_gpu_that_the_wheel_has_no_code_for(driver):
    code, report = ask(LD_LIBRARY_PATH=driver, FAKE_CUDA=CUDA, FAKE_ARCH=35, FAKE_GPUS=2)
    assert code == Fault.NO_CODE_FOR_GPU
    assert report["gpus"] == [
        {"name": f"Fake GPU {index}", "architecture": "3.5"} for index in range(2)
    ]
    assert len(report["remedies"]) == 1


def test_a_gpu_that_fails(driver):
    """The CUDA runtime finds out that this driver cannot do a thing."""
    code, report = ask(LD_LIBRARY_PATH=driver, FAKE_CUDA=CUDA, FAKE_ARCH=OURS)
    assert code == Fault.GPU_FAILS
    assert finding(report, "GPU")["fault"] is None
    assert report["verdict"].startswith("OpenCV works on the CPU only: computation: ")


@pytest.mark.parametrize(
    ("gpu", "driver_cuda", "code"),
    [
        ((7, 5), (12, 4), 0),  # its own machine code
        ((8, 9), (12, 0), 0),  # 8.0's code runs on 8.9, with any driver of this major version
        ((9, 0), (12, 4), 0),  # PTX
        ((9, 0), (12, 2), Fault.NO_CODE_FOR_GPU),  # PTX newer than the driver
        ((7, 0), (12, 4), Fault.NO_CODE_FOR_GPU),  # older than everything in the wheel
        ((6, 1), (12, 4), Fault.NO_CODE_FOR_GPU),
    ],
)
def test_gpu_against_the_wheel(wheel, gpu, driver_cuda, code):
    wheel(CUDA="12.4", ARCHITECTURES=("7.5", "8.0"), PTX="8.0")
    card = Gpu("some GPU", gpu)
    found = _checks.judge_gpu(card, Driver(cuda=driver_cuda, gpus=(card,)))
    assert found.code == code
    assert ("cu118" in found.remedy) == (gpu < (7, 5))


@pytest.mark.parametrize(
    ("cuda", "driver_cuda", "code"),
    [
        ("11.8", (12, 4), 0),
        ("12.8", (12, 4), 0),
        ("13.0", (12, 8), Fault.DRIVER_TOO_OLD),
        ("12.4", (11, 4), Fault.DRIVER_TOO_OLD),
    ],
)
def test_driver_against_the_wheel(wheel, cuda, driver_cuda, code):
    wheel(CUDA=cuda)
    found = Driver(cuda=driver_cuda, gpus=(Gpu("some GPU", (7, 5)),))
    judged = _checks.judge_driver(found)
    assert judged.code == code
    since = {"13.0": "580.65.06", "12.4": "525.60.13"}
    assert not judged.remedy or f"({since[cuda]} or later)" in judged.remedy


def test_no_driver_and_no_gpu(wheel):
    wheel(CUDA="12.4")
    assert _checks.judge_driver(Driver(problem="none")).code == Fault.NO_DRIVER
    assert _checks.judge_driver(Driver(cuda=(12, 4), problem="none")).code == Fault.NO_GPU


# -- computations. A GPU that computes wrongly cannot be had: here OpenCV itself is a stand-in -----


def stand_in(answer):
    """A cv2 whose GPU gives this answer, or raises it."""

    class GpuMat:
        def upload(self, image):
            pass

        def convertTo(self, *_, **__):  # OpenCV's own name
            return self

        def download(self):
            if isinstance(answer, Exception):
                raise answer
            return answer

    cuda = SimpleNamespace(getCudaEnabledDeviceCount=lambda: 1, GpuMat=GpuMat)
    return SimpleNamespace(cuda=cuda, CV_32F=5, error=cv2.error)


def test_arithmetic_is_judged():
    right = np.arange(4096, dtype=np.float32).reshape(64, 64) * 2 + 1
    assert _compute.arithmetic(stand_in(right)).code == Fault.NONE
    assert _compute.arithmetic(stand_in(right + 1)).code == Fault.GPU_WRONG
    assert _compute.arithmetic(stand_in(right[:5])).code == Fault.GPU_WRONG
    assert _compute.arithmetic(stand_in(cv2.error("no kernel image"))).code == Fault.GPU_FAILS


needs_dnn = pytest.mark.skipif("dnn" not in _build.MODULES, reason="this profile has no dnn")


@needs_dnn
def test_convolution_is_right_on_the_cpu():
    assert _compute.convolution(cv2, backend="CPU").code == Fault.NONE


@needs_dnn
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (np.zeros((1, 1, 5, 6), np.float32), Fault.GPU_WRONG),
        (cv2.error("CUDNN_STATUS_NOT_SUPPORTED"), Fault.CUDNN_FAILS),
    ],
)
def test_convolution_is_judged(monkeypatch, answer, code):
    class Net:
        def __getattr__(self, _):
            return lambda *_: None

        def forward(self):
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(cv2.dnn, "readNetFromDarknet", lambda *_: Net())
    assert _compute.convolution(cv2).code == code
