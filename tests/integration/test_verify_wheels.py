"""Verification of tiny wheels, good and broken, each by the check that must notice."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import FetchError, VerifyError
from builder.fetch.pipconfig import PipSettings, read_pip_settings
from builder.paths import Cache
from builder.ui import Silent
from builder.verify import (
    Means,
    Trial,
    VerifyReport,
    raise_if_failed,
    read_report,
    report_path,
    verify_all,
    verify_wheels,
)
from builder.verify.uv import find_uv
from index.records import Record, write_record
from index.wheels import record_of_wheel

pytestmark = pytest.mark.integration

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
ROOT = Path(__file__).parents[2]
MODULE = b"answer = 42\n"


def make_wheel(
    folder: Path,
    *,
    requires: tuple[str, ...] = (),
    files: dict[str, bytes] | None = None,
    name: str = "tiny_gpu",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-1.0+cu118-1-py3-none-any.whl"
    info = f"{name}-1.0+cu118.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    members = {
        **({f"{name}.py": MODULE} if files is None else files),
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0+cu118\n{needs}".encode()
        ),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\nBuild: 1\n",
    }
    rows = "".join(f"{member},,\n" for member in members)
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/RECORD", f"{rows}{info}/RECORD,,\n")
    write_record(record_of_wheel(wheel), wheel)
    return wheel


@pytest.fixture(scope="module")
def means(tmp_path_factory: pytest.TempPathFactory) -> Means:
    cache = Cache(root=tmp_path_factory.mktemp("cache"))
    return Means(uv=find_uv(Cache.default(), Silent()), cache=cache, reporter=Silent())


Try = Callable[..., VerifyReport]


@pytest.fixture
def attempt(means: Means, tmp_path: Path) -> Try:
    """Verify a wheel of this kind under this Python."""

    def run(
        *, trial: Trial | None = None, tests: str | None = None, timeout: int = 600, **kind: Any
    ) -> VerifyReport:
        wheel = make_wheel(tmp_path / "dist", **kind)
        if tests is not None:
            folder = tmp_path / "recipe-tests"
            folder.mkdir()
            (folder / "test_it.py").write_text(tests)
            trial = Trial(
                imports=("tiny_gpu",), requires=("pytest==9.2.0",), timeout=timeout, tests=folder
            )
        (report,) = verify_all(wheel, trial or Trial(imports=("tiny_gpu",)), [HERE], means)
        # Nothing stays but uv's cache, whatever happened.
        assert not list(means.cache.environments.glob("tmp-*"))
        return report

    return run


def outcomes(report: VerifyReport) -> dict[str, str]:
    return {check.name: check.outcome for check in report.checks}


def the_failed(report: VerifyReport) -> tuple[str, str, str]:
    (check,) = report.failed
    return check.name, str(check.reason), str(check.detail)


def test_a_good_wheel_passes(attempt: Try, tmp_path: Path) -> None:
    report = attempt(
        requires=("iniconfig>=2", "never-installed; python_version < '3'"),
        tests=(
            "import pytest, tiny_gpu, iniconfig, os, sys\n"
            "def test_answer(): assert tiny_gpu.answer == 42\n"
            "def test_clean():\n"
            "    assert os.listdir('.') == [] and 'PYTHONPATH' not in os.environ\n"
            "    assert not any('recipes' in part or part == '' for part in sys.path)\n"
            "@pytest.mark.gpu\n"
            "def test_gpu(): raise AssertionError('there is no GPU')\n"
        ),
    )
    seen = outcomes(report)
    gpu = seen.pop("test test_it::test_gpu")
    assert gpu == ("not run" if report.gpu is None else "failed")
    assert seen == dict.fromkeys(
        (
            "dependencies",
            "install",
            "installed wheel is this one",
            "other packages' files unchanged",
            "pip check",
            "import tiny_gpu",
            "test test_it::test_answer",
            "test test_it::test_clean",
        ),
        "passed",
    )
    assert report.python_version is not None
    assert report.python_version.startswith(f"{HERE}.")
    if report.gpu is None:
        (skipped,) = report.not_run
        assert "GPU" in str(skipped.reason)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    written = read_report(report_path(wheel, HERE))
    assert outcomes(written) == outcomes(report)
    assert written.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert str(tmp_path) not in report_path(wheel, HERE).read_text()


def test_colabs_pip(means: Means, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist")
    colab = Means(uv=means.uv, cache=means.cache, reporter=means.reporter, pip_version="24.1.2")
    (report,) = verify_all(wheel, Trial(imports=("tiny_gpu",)), [HERE], colab)
    assert report.pip == "24.1.2"
    assert not report.failed, report.failed


def test_a_failing_import_is_noticed(attempt: Try) -> None:
    report = attempt(files={"tiny_gpu.py": b"import ctypes\nctypes.CDLL('libcudnn.so.99')\n"})
    name, reason, detail = the_failed(report)
    assert name == "import tiny_gpu"
    assert "libcudnn.so.99" in reason
    assert "Traceback" in detail
    log = Path(detail.rpartition("log: ")[2])
    assert "libcudnn.so.99" in log.read_text()
    with pytest.raises(VerifyError, match=r"import tiny_gpu: .*libcudnn\.so\.99"):
        raise_if_failed([report])


def test_an_import_that_ends_the_process_is_noticed(attempt: Try) -> None:
    report = attempt(files={"tiny_gpu.py": b"import os\nprint('bye', flush=True)\nos._exit(0)\n"})
    name, reason, _ = the_failed(report)
    assert (name, reason) == ("import tiny_gpu", "it ended the process with status 0: bye")


def test_a_module_that_is_not_in_the_wheel_is_noticed(attempt: Try) -> None:
    report = attempt(trial=Trial(imports=("tiny_gpu", "cv2")))
    name, reason, _ = the_failed(report)
    assert (name, reason) == ("import cv2", "ModuleNotFoundError: No module named 'cv2'")
    assert outcomes(report)["import tiny_gpu"] == "passed"


def test_a_dependency_nobody_has_is_noticed(attempt: Try) -> None:
    report = attempt(requires=("iniconfig==999.0",))
    name, reason, _ = the_failed(report)
    assert name == "dependencies"
    assert "iniconfig" in reason
    left = {name for name, outcome in outcomes(report).items() if outcome == "not run"}
    assert {"install", "pip check", "import tiny_gpu", "tests"} <= left


def test_a_network_that_fails_is_no_failed_check(means: Means, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist", requires=("iniconfig",))
    gone = dataclasses.replace(
        means,
        pip=PipSettings(indexes=("http://127.0.0.1:9/simple",)),
        cache=Cache(root=tmp_path / "cache"),
    )
    with pytest.raises(FetchError, match="its dependencies could not be fetched") as caught:
        verify_all(wheel, Trial(imports=("tiny_gpu",)), [HERE], gone)
    assert "PIP_INDEX_URL" in str(caught.value.remedy)
    assert not report_path(wheel, HERE).exists()
    assert not list(gone.cache.environments.glob("tmp-*"))


def test_a_pip_with_no_index_gets_everything_from_its_folder(means: Means, tmp_path: Path) -> None:
    """Without network: nothing but the folder is asked, by uv and by pip."""
    folder = tmp_path / "wheels"
    known = read_pip_settings(os.environ)
    for requirement in (f"pip=={means.pip_version}", "iniconfig==2.3.0"):
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", folder]
        subprocess.run([*download, requirement], check=True)
    wheel = make_wheel(tmp_path / "dist", requires=("iniconfig",))
    offline = dataclasses.replace(
        means,
        pip=dataclasses.replace(known, indexes=(), find_links=(str(folder),)),
        cache=Cache(root=tmp_path / "cache"),
    )
    (report,) = verify_all(wheel, Trial(imports=("tiny_gpu",)), [HERE], offline)
    assert report.ok, report.failed


def test_a_dependency_the_record_does_not_know_is_noticed(means: Means, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist", requires=("iniconfig",))
    text = "Metadata-Version: 2.1\nName: tiny_gpu\nVersion: 1.0+cu118\n"
    told = {"metadata": text, "metadata_sha256": hashlib.sha256(text.encode()).hexdigest()}
    record = record_of_wheel(wheel)
    write_record(Record.model_validate({**record.model_dump(), **told}), wheel)
    (report,) = verify_all(wheel, Trial(imports=("tiny_gpu",)), [HERE], means)
    failed = {check.name: str(check.reason) for check in report.failed}
    assert set(failed) <= {"install", "pip check"}
    assert len(failed) == 1
    assert "iniconfig" in str(failed) or "metadata" in str(failed).lower()


def test_a_wheel_over_anothers_files_is_noticed(attempt: Try) -> None:
    files = {"tiny_gpu.py": MODULE, "iniconfig/__init__.py": b"# ours now\n"}
    report = attempt(requires=("iniconfig",), files=files)
    name, reason, _ = the_failed(report)
    assert name == "other packages' files unchanged"
    assert reason == "'iniconfig/__init__.py' was replaced"


def test_a_wheel_for_other_pythons_is_not_installed(attempt: Try, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist")
    other = wheel.rename(wheel.with_name("tiny_gpu-1.0+cu118-1-cp27-none-any.whl"))
    means = Means(
        uv=find_uv(Cache.default(), Silent()), cache=Cache(root=tmp_path), reporter=Silent()
    )
    (report,) = verify_all(other, Trial(imports=("tiny_gpu",)), [HERE], means)
    name, reason, _ = the_failed(report)
    assert name == "install"
    assert "tiny-gpu==1.0+cu118" in reason
    assert outcomes(report)["import tiny_gpu"] == "not run"


@pytest.mark.parametrize(
    ("tests", "name", "reason"),
    [
        ("def test_bad(): assert 1 == 2\n", "test test_it::test_bad", "assert 1 == 2"),
        ("import nothing_of_that_name\n", "test test_it", "collection failure"),
        ("import os\ndef test_crash(): os.abort()\n", "tests", "the tests crashed (status -6)"),
        ("import os\ndef test_exit(): os._exit(0)\n", "tests", "the tests crashed (status 0)"),
        ("x = 1\n", "tests", "no test was found in the recipe's tests"),
        (
            "import ctypes\ndef test_hang(): ctypes.PyDLL(None).sleep(60)\n",
            "tests",
            "the tests did not end within 3 s",
        ),
    ],
)
def test_bad_recipe_tests_are_noticed(attempt: Try, tests: str, name: str, reason: str) -> None:
    report = attempt(tests=tests, timeout=3 if "hang" in tests else 600)
    seen = {check.name: str(check.reason) for check in report.failed}
    assert reason in seen[name], seen


def test_a_wheel_changed_after_its_record_is_refused(means: Means, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist")
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(VerifyError, match="its record says"):
        verify_all(wheel, Trial(), [HERE], means)


def test_companions_come_from_the_same_index(means: Means, tmp_path: Path) -> None:
    needs = make_wheel(tmp_path / "dist", requires=("tiny-companion==1.0+cu118",))
    companion = make_wheel(tmp_path / "dist", name="tiny_companion")
    reports = verify_wheels([needs, companion], folders=(), pythons=[HERE], means=means)
    assert [report.wheel for report in reports] == [needs.name, companion.name]
    for report in reports:
        assert not report.failed, report.failed
        assert {check.name: check.reason for check in report.not_run} == {
            "imports": "no recipe names a module",
            "tests": "the recipe has no tests",
        }


def test_dependencies_are_hard_linked(means: Means, tmp_path: Path) -> None:
    keeping = Means(uv=means.uv, cache=means.cache, reporter=Silent(), keep=True)
    wheel = make_wheel(tmp_path / "dist", requires=("iniconfig",))
    (report,) = verify_all(wheel, Trial(imports=("tiny_gpu",)), [HERE], keeping)
    assert report.ok
    (kept,) = [path.parent for path in means.cache.environments.glob("tmp-*/.keep")]
    (package,) = kept.glob("env/lib/python*/site-packages/iniconfig/__init__.py")
    assert package.stat().st_nlink > 1
    (kept / ".keep").unlink()


def command(cache: Path, *arguments: str | Path) -> list[str]:
    return [
        sys.executable, "-m", "builder", "--cache-dir", str(cache), "verify", *map(str, arguments),
    ]  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path, means: Means) -> Path:
    """A cache that has uv already."""
    cache = tmp_path / "cache"
    home = Cache(root=cache)
    from builder.toolchain import prefix_path

    program = prefix_path("host", home) / "bin/uv"
    program.parent.mkdir(parents=True)
    program.symlink_to(means.uv)
    return cache


def test_the_command_says_every_outcome(tmp_path: Path, cache: Path) -> None:
    wheel = make_wheel(tmp_path / "dist")
    arguments = (wheel, "--python", sys.executable, "--python", "3.99")
    done = subprocess.run(
        command(cache, "--json", *arguments), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["schema_version"] == 1
    first, second = data["reports"]
    assert first["python"] == HERE
    assert second["checks"] == [
        {"name": "install", "outcome": "not run", "reason": "no Python 3.99 on this machine"}
    ]
    assert report_path(wheel, HERE).is_file()
    assert not report_path(wheel, "3.99").exists()
    done = subprocess.run(
        command(cache, wheel, "--python", "3.99", "--require-verify"),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == VerifyError.exit_code, done.stderr
    assert "install Python 3.99" in done.stderr
    assert "not run" in done.stdout


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_after_an_end_in_the_middle_the_same_command_works(
    tmp_path: Path, cache: Path, sign: signal.Signals
) -> None:
    wheel = make_wheel(tmp_path / "dist")
    line = command(cache, wheel, "--python", sys.executable)
    environments = cache / "environments"
    child = subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    give_up = time.monotonic() + 60
    while not list(environments.glob("tmp-*/env/bin/python")) and time.monotonic() < give_up:
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, sign)
    assert child.wait(30) == (130 if sign is signal.SIGINT else -sign)
    assert bool(list(environments.glob("tmp-*"))) == (sign is signal.SIGKILL)
    assert not list((tmp_path / "dist").glob("*.verify.*"))
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_report(report_path(wheel, HERE)).ok
    assert not list(environments.glob("tmp-*"))
