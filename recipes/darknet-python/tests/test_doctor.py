"""``python -m darknet``, and finding NVIDIA's libraries where they are not beside the package."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import darknet
import pytest
from darknet import _doctor
from darknet._build import ARCHITECTURES, CUDA_VERSION, LIBRARIES, PTX, RUN_PATHS
from darknet._doctor import Pass, Verdict, remedy
from darknet._driver import Driver, DriverError, Gpu, code_serves, driver_serves, version

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
    words = ("nothing", "-nogpu")  # the program itself says what it does not know
    done = run(python, "-c", code, *words, PYTHONPATH=str(apart(tmp_path)))
    assert (done.returncode, done.stderr) == (2, "Not an option: nothing\n")


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
    assert 'pip install --force-reinstall --no-deps "nvidia-' in done.stdout


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


def test_json_tells_the_same(run, python):
    done = run(python, "-m", "darknet", "--json", DARKNET_DEVICE="cpu")
    content = json.loads(done.stdout)
    assert (done.returncode, content["code"], content["verdict"]) == (0, 0, "OK")
    assert content["remedy"] is None
    assert {check["subject"] for check in content["checks"]} >= {*LIBRARIES, "libdarknet.so"}
    done = run(python, "-m", "darknet", "--json", CUDA_VISIBLE_DEVICES="", DARKNET_DEVICE=None)
    content = json.loads(done.stdout)
    assert content["code"] == done.returncode
    assert content["remedy"] == remedy(Verdict[content["verdict"]])
    assert run(python, "-m", "darknet", "--nonsense").returncode == 2


def test_a_wrong_device_has_an_exit_code_of_its_own(run, python):
    done = run(python, "-m", "darknet", DARKNET_DEVICE="gpu0")
    assert done.returncode == Verdict.WRONG_DEVICE
    assert "unset DARKNET_DEVICE" in done.stdout


@pytest.mark.parametrize("name", ["libdarknet.so", *LIBRARIES[-1:]])
def test_a_damaged_library_has_an_exit_code_of_its_own(run, python, tmp_path, name):
    site = apart(tmp_path)
    if name == "libdarknet.so":
        damaged = site / "darknet" / name
        damaged.write_bytes(damaged.read_bytes()[:1000])
    else:
        damaged = site / RUN_PATHS[0] / name
        damaged.parent.mkdir(parents=True)
        damaged.write_bytes(b"no library")
    done = run(python, "-m", "darknet", PYTHONPATH=str(site), DARKNET_DEVICE="cpu")
    assert done.returncode == Verdict.LIBRARY_BROKEN, done.stdout + done.stderr
    assert name in done.stdout
    assert "pip install --force-reinstall" in done.stdout


def test_a_computation_that_fails_has_an_exit_code_of_its_own(run, python, tmp_path):
    site = apart(tmp_path)
    (site / "darknet" / "_selftest.py").write_text("raise SystemExit('no such instruction')\n")
    done = run(python, "-m", "darknet", PYTHONPATH=str(site), DARKNET_DEVICE="cpu")
    assert done.returncode == Verdict.CPU_FAILS, done.stdout + done.stderr
    assert "no such instruction" in done.stdout


NEWEST = max(map(version, ARCHITECTURES))
GOOD = Driver(version(CUDA_VERSION), (Gpu("a GPU", NEWEST),))
OLD = Driver((version(CUDA_VERSION)[0] - 1, 0), GOOD.gpus)
STRANGE = Driver(GOOD.cuda, (Gpu("an old GPU", (3, 0)),))
FINE = Pass(0, (0.5, 0.25), "")


@pytest.mark.parametrize(
    ("driver", "on_gpu", "verdict"),
    [
        (GOOD, FINE, Verdict.OK),
        (None, FINE, Verdict.NO_DRIVER),
        (OLD, FINE, Verdict.DRIVER_TOO_OLD),
        (Driver(GOOD.cuda, ()), FINE, Verdict.NO_GPU),
        (STRANGE, FINE, Verdict.NO_CODE_FOR_GPU),
        (GOOD, Pass(-1, (), "exit code 1: CUDA Error"), Verdict.GPU_FAILS),
        (GOOD, Pass(-1, (0.5, 0.25), ""), Verdict.GPU_FAILS),
        (GOOD, Pass(0, (0.5, 0.75), ""), Verdict.GPU_WRONG),
    ],
)
def test_faults_of_gpus(monkeypatch, capsys, driver, on_gpu, verdict):
    """What no machine has at once: the driver's answers and the GPU's numbers are made up."""

    def ask() -> Driver:
        if driver is None:
            raise DriverError("libcuda.so.1: cannot open shared object file")
        return driver

    monkeypatch.delenv("DARKNET_DEVICE", raising=False)
    monkeypatch.setattr(_doctor, "dies_loading", lambda: "")
    monkeypatch.setattr(_doctor, "load_library", lambda: None)
    monkeypatch.setattr(_doctor, "ask_driver", ask)
    monkeypatch.setattr(_doctor, "forward_pass", lambda device: on_gpu if device == "0" else FINE)
    assert _doctor.main() == verdict
    out = capsys.readouterr().out
    assert sum(line.startswith("FAIL") for line in out.splitlines()) == bool(verdict)
    assert (remedy(verdict) if verdict else "Everything works.") in out
