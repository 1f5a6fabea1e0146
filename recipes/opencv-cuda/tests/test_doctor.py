"""``python -m opencv_cuda``."""

import cv2
import pytest
from opencv_cuda import _build, _doctor
from opencv_cuda._driver import Driver, Gpu
from test_package import python


def test_without_a_gpu_it_says_so():
    if cv2.cuda.getCudaEnabledDeviceCount() > 0:
        pytest.skip("there is a GPU")
    done = python("-m", "opencv_cuda")
    codes = (_doctor.NO_DRIVER, _doctor.DRIVER_TOO_OLD, _doctor.NO_GPU)
    assert done.returncode in codes, done.stdout + done.stderr
    assert f"opencv-cuda {_build.VERSION}" in done.stdout
    assert "libcudart.so" in done.stdout
    assert "OpenCV works on the CPU" in done.stdout


@pytest.mark.gpu
def test_with_a_gpu_all_is_well():
    done = python("-m", "opencv_cuda")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OpenCV uses the GPU" in done.stdout


def test_another_cv2_that_hides_ours(tmp_path):
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text("")
    done = python("-m", "opencv_cuda", path=[tmp_path])
    assert done.returncode == _doctor.HIDDEN, done.stdout + done.stderr
    assert str(tmp_path) in done.stdout


def test_usage():
    assert python("-m", "opencv_cuda", "--help").returncode == 0
    done = python("-m", "opencv_cuda", "--nonsense")
    assert done.returncode == 2
    assert "exit codes" in done.stderr


@pytest.fixture
def wheel(monkeypatch):
    def change(**values):
        for name, value in values.items():
            monkeypatch.setattr(_build, name, value)

    return change


@pytest.mark.parametrize(
    ("gpu", "driver", "code"),
    [
        ((7, 5), (12, 4), 0),  # its own machine code
        ((8, 9), (12, 0), 0),  # 8.0's code runs on 8.9, with any driver of this major version
        ((9, 0), (12, 4), 0),  # PTX
        ((9, 0), (12, 2), _doctor.NO_CODE_FOR_GPU),  # PTX newer than the driver
        ((7, 0), (12, 4), _doctor.NO_CODE_FOR_GPU),  # older than everything in the wheel
        ((6, 1), (12, 4), _doctor.NO_CODE_FOR_GPU),
    ],
)
def test_gpu_against_the_wheel(wheel, gpu, driver, code):
    wheel(CUDA="12.4", ARCHITECTURES=("7.5", "8.0"), PTX="8.0")
    card = Gpu("some GPU", gpu)
    assert _doctor.judge_gpu(card, Driver(cuda=driver, gpus=(card,))).code == code


@pytest.mark.parametrize(
    ("cuda", "driver", "code"),
    [
        ("11.8", (12, 4), 0),
        ("12.8", (12, 4), 0),
        ("13.0", (12, 8), _doctor.DRIVER_TOO_OLD),
        ("12.4", (11, 4), _doctor.DRIVER_TOO_OLD),
    ],
)
def test_driver_against_the_wheel(wheel, cuda, driver, code):
    wheel(CUDA=cuda)
    found = Driver(cuda=driver, gpus=(Gpu("some GPU", (7, 5)),))
    assert _doctor.judge_driver(found).code == code


def test_no_driver_and_no_gpu(wheel):
    wheel(CUDA="12.4")
    assert _doctor.judge_driver(Driver(problem="none")).code == _doctor.NO_DRIVER
    assert _doctor.judge_driver(Driver(cuda=(12, 4), problem="none")).code == _doctor.NO_GPU


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
    from opencv_cuda import _payload

    wheel(CUDA=cuda)
    assert _payload.package_of(library) == package
