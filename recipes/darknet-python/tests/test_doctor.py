"""``python -m darknet``, and finding NVIDIA's libraries where they are not beside the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import darknet
import pytest
from darknet._build import ARCHITECTURES, CUDA_VERSION, LIBRARIES, PTX
from darknet._doctor import Verdict, remedy
from darknet._driver import code_serves, driver_serves, version

SITE = Path(darknet.__file__).parents[1]


def test_all_is_well_on_the_cpu(run, python):
    done = run(python, "-m", "darknet", DARKNET_DEVICE="cpu")
    assert done.returncode == Verdict.OK, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
    for name in (*LIBRARIES, "forward pass, CPU"):
        assert f"ok    {name}" in done.stdout


def test_no_gpu_has_an_exit_code_of_its_own(run, python):
    done = run(python, "-m", "darknet", CUDA_VISIBLE_DEVICES="", DARKNET_DEVICE=None)
    assert done.returncode in {Verdict.NO_DRIVER, Verdict.NO_GPU}, done.stdout + done.stderr
    assert done.stdout.count("FAIL") == 1
    assert "runs on the CPU" in done.stdout


def test_each_fault_has_a_code_and_a_remedy():
    assert len({int(verdict) for verdict in Verdict}) == len(Verdict)
    for verdict in Verdict:
        if verdict:
            assert 0 < verdict < 126
            assert "{" not in remedy(verdict)


def apart(tmp_path: Path) -> Path:
    """A copy of the package in a folder that has no NVIDIA package."""
    site = tmp_path / "site"
    shutil.copytree(SITE / "darknet", site / "darknet", symlinks=True)
    return site


def test_libraries_in_another_site_folder(run, python, tmp_path):
    done = run(python, "-m", "darknet", PYTHONPATH=str(apart(tmp_path)), DARKNET_DEVICE="cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{tmp_path}/site/darknet/libdarknet.so" in done.stdout
    assert done.stdout.count("(by sys.path)") == len(LIBRARIES)


def test_the_program_with_libraries_in_another_site_folder(run, python, tmp_path):
    code = "from darknet._program import main; main()"
    done = run(python, "-c", code, PYTHONPATH=str(apart(tmp_path)))
    assert (done.returncode, done.stderr) == (2, "usage: darknet <function>\n")


@pytest.fixture
def bare(run, python, tmp_path) -> dict[str, str | None]:
    """Environment variables under which no library of NVIDIA's is found, but NumPy is."""
    site = apart(tmp_path)
    for part in (*SITE.glob("numpy*"), *SITE.glob("darknet_python-*.dist-info")):
        (site / part.name).symlink_to(part)
    variables = {"PYTHONPATH": str(site), "LD_LIBRARY_PATH": None}
    found = run(python, "-S", "-c", f"import ctypes; ctypes.CDLL({LIBRARIES[-1]!r})", **variables)
    if found.returncode == 0:
        pytest.skip(f"not run (this machine itself has {LIBRARIES[-1]})")
    return variables


def test_a_missing_library_has_an_exit_code_of_its_own(run, python, bare):
    done = run(python, "-S", "-m", "darknet", **bare)
    assert done.returncode == Verdict.LIBRARY_MISSING, done.stdout + done.stderr
    assert f"FAIL  {LIBRARIES[-1]}" in done.stdout
    assert "pip install --force-reinstall darknet-python==0.0.0." in done.stdout


def test_an_import_without_libraries_says_which(run, python, bare):
    done = run(python, "-S", "-c", "import darknet; darknet.load_library()", **bare)
    assert done.returncode == 1
    assert "LibraryError" in done.stderr
    assert LIBRARIES[-1] in done.stderr


def test_what_the_wheel_holds_serves_itself():
    driver = version(CUDA_VERSION)
    assert driver_serves(driver)
    assert not driver_serves((driver[0] - 1, 9))
    assert all(code_serves(version(arch), driver) for arch in ARCHITECTURES)
    assert not code_serves((3, 0), driver)
    newest = max(map(version, ARCHITECTURES))
    assert code_serves((newest[0], newest[1] + 9), driver)
    assert code_serves((newest[0] + 7, 0), driver) == bool(PTX)
