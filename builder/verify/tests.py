"""Running a recipe's own tests in the environment, outside the project."""

from __future__ import annotations

import shutil
from pathlib import Path

from builder.verify.environment import Environment
from builder.verify.junit import read_junit
from builder.verify.report import Check

NO_TESTS_FOUND = 5
"""Pytest's exit status where it collected nothing."""

# A driver of our own: it skips GPU tests by their mark, and ends a run that hangs even in C code.
_DRIVER = """
import faulthandler, os, sys

import pytest


class Gpu:
    def __init__(self, no_gpu):
        self.no_gpu = no_gpu

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "gpu: needs a GPU")

    def pytest_collection_modifyitems(self, items):
        for item in items:
            if self.no_gpu and item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason=self.no_gpu))


def main(timeout, no_gpu, junit, tests):
    faulthandler.enable(file=os.fdopen(os.dup(2), "w"))
    faulthandler.dump_traceback_later(float(timeout), exit=True, file=os.fdopen(os.dup(2), "w"))
    return pytest.main([
        tests, "-c", os.path.join(tests, "pytest.ini"), "--rootdir", tests,
        "-p", "no:cacheprovider", "-p", "no:faulthandler", "-o", "junit_family=xunit2",
        "--junitxml", junit, "-q", "-ra", "--durations=5", "--tb=short",
    ], plugins=[Gpu(no_gpu)])


if __name__ == "__main__":  # a test that spawns a process imports this file again
    sys.exit(main(*sys.argv[1:]))
"""


def run_tests(
    environment: Environment, tests: Path | None, *, timeout: int, no_gpu: str | None
) -> tuple[Check, ...]:
    """Run the tests in a folder against what is installed, one check per test.

    Args:
        environment: Where the wheel is installed.
        tests: The recipe's ``tests`` folder, or None.
        timeout: Seconds until a run counts as failed.
        no_gpu: Why tests marked ``gpu`` cannot run, or None where they can.
    """
    if tests is None or not any(tests.rglob("test_*.py")):
        return (Check(name="tests", outcome="not run", reason="the recipe has no tests"),)
    place = environment.folder / "check"
    copied = place / "tests"
    shutil.copytree(tests, copied, ignore=shutil.ignore_patterns("__pycache__"))
    if not (copied / "pytest.ini").exists():
        # Without one, pytest takes the settings of whatever project the cache lies in.
        (copied / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    driver, junit = place / "driver/run.py", place / "junit.xml"
    driver.parent.mkdir()
    driver.write_text(_DRIVER, encoding="utf-8")
    done = environment.run(driver, str(timeout), no_gpu or "", junit, copied)
    return judge(read_junit(junit), done.status, done.output, timeout=timeout)


def judge(
    checks: tuple[Check, ...] | None, status: int, output: str, *, timeout: int
) -> tuple[Check, ...]:
    """The checks, and one more where the run as a whole went wrong.

    Args:
        checks: What the junit file has, or None where there is no whole one.
        status: Pytest's exit status.
        output: What it printed.
        timeout: Seconds it was given.
    """
    tail = "\n".join(output.splitlines()[-20:])
    if not checks and (status == NO_TESTS_FOUND or (checks is not None and status == 0)):
        reason = "no test was found in the recipe's tests"
    elif checks is None and "Timeout (" in output:
        reason = f"the tests did not end within {timeout} s"
    elif checks is None:
        reason = f"the tests crashed (status {status})"
    elif status not in (0, 1) or (
        status == 1 and all(check.outcome != "failed" for check in checks)
    ):
        reason = f"pytest ended with status {status}"
    else:
        return checks
    return (*(checks or ()), Check(name="tests", outcome="failed", reason=reason, detail=tail))
