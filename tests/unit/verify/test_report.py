"""Reports: what they say, that they are the same bytes, and how junit becomes checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.errors import VerifyError
from builder.paths import report_path
from builder.verify.junit import read_junit
from builder.verify.report import (
    Check,
    VerifyReport,
    dump_report,
    raise_if_failed,
    read_report,
    write_report,
)
from builder.verify.tests import judge

PASSED = Check(name="install", outcome="passed", seconds=1.5)
FAILED = Check(
    name="import cv2",
    outcome="failed",
    reason="ImportError: libcudnn.so.8",
    detail="Traceback …\nlog: /home/u/logs/x.log",
)
NOT_RUN = Check(name="test gpu", outcome="not run", reason="no GPU on this machine")

JUNIT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="5">
<testcase classname="test_a.TestX" name="test_good[1-2]" time="0.25"/>
<testcase classname="test_a" name="test_bad" time="0.1">
  <failure message="assert 1 == 2&#10; +  where">line one\nline two</failure></testcase>
<testcase classname="" name="test_b" time="0">
  <error message="collection failure">boom</error></testcase>
<testcase classname="test_a" name="test_gpu" time="0">
  <skipped type="pytest.skip" message="not run (no GPU on this machine)">x</skipped></testcase>
<testcase classname="test_a" name="test_known" time="0">
  <skipped type="pytest.xfail" message="upstream bug"/></testcase>
</testsuite></testsuites>
"""


def report(*checks: Check, python: str = "3.13") -> VerifyReport:
    return VerifyReport(
        wheel="a-1-py3-none-any.whl",
        sha256="0" * 64,
        python=python,
        python_version="3.13.0",
        pip="26.3",
        checks=checks,
    )


def test_the_report_has_no_path_and_no_time_of_this_machine() -> None:
    text = dump_report(report(PASSED, FAILED, NOT_RUN))
    assert "/home/u" not in text
    assert "1.5" not in text
    data = json.loads(text)
    assert data["schema_version"] == 1
    assert [check["outcome"] for check in data["checks"]] == ["passed", "failed", "not run"]
    assert data["checks"][1]["reason"] == "ImportError: libcudnn.so.8"


def test_the_same_outcome_is_the_same_bytes() -> None:
    slower = PASSED.model_copy(update={"seconds": 99.0})
    assert dump_report(report(PASSED)) == dump_report(report(slower))


def test_a_report_is_read_back(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    path = write_report(report(PASSED, NOT_RUN), wheel)
    assert path == report_path(wheel, "3.13") == tmp_path / f"{wheel.name}.verify.cp313.json"
    assert dump_report(read_report(path)) == dump_report(report(PASSED, NOT_RUN))


def test_a_report_that_tried_nothing_replaces_none(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    write_report(report(PASSED), wheel)
    assert write_report(report(NOT_RUN), wheel) is None
    assert read_report(report_path(wheel, "3.13")).ok


def test_ok_means_something_ran_and_nothing_failed() -> None:
    assert report(PASSED, NOT_RUN).ok
    assert not report(PASSED, FAILED).ok
    assert not report(NOT_RUN).ok
    assert not report().ok


def test_the_summary_leaves_nothing_out() -> None:
    assert report(PASSED, PASSED, FAILED, NOT_RUN, NOT_RUN).summary() == (
        "Python 3.13: 2 passed, 1 failed, 2 not run (no GPU on this machine)"
    )
    assert report(NOT_RUN).summary() == "Python 3.13: not run (no GPU on this machine)"


def test_a_failure_is_raised_with_its_last_lines_and_log() -> None:
    with pytest.raises(VerifyError) as caught:
        raise_if_failed([report(PASSED), report(FAILED)])
    assert "import cv2: ImportError: libcudnn.so.8" in caught.value.message
    assert "log: /home/u/logs/x.log" in caught.value.message
    raise_if_failed([report(PASSED, NOT_RUN), report(NOT_RUN)])


def test_a_missing_python_is_an_error_where_it_is_required() -> None:
    with pytest.raises(VerifyError, match=r"3\.9: not run") as caught:
        raise_if_failed([report(PASSED), report(NOT_RUN, python="3.9")], require=True)
    assert "--python" in str(caught.value.remedy)
    raise_if_failed([report(PASSED, NOT_RUN)], require=True)


def test_junit_becomes_one_check_per_test(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(JUNIT, encoding="utf-8")
    checks = read_junit(path)
    assert checks is not None
    assert [(check.name, check.outcome, check.reason) for check in checks] == [
        ("test test_a/TestX::test_good[1-2]", "passed", None),
        ("test test_a::test_bad", "failed", "assert 1 == 2"),
        ("test test_b", "failed", "collection failure"),
        ("test test_a::test_gpu", "not run", "no GPU on this machine"),
        ("test test_a::test_known", "not run", "expected to fail: upstream bug"),
    ]
    assert checks[1].detail == "line one\nline two"
    assert checks[0].seconds == 0.25


def test_half_a_junit_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    assert read_junit(path) is None
    path.write_text(JUNIT[:-40], encoding="utf-8")
    assert read_junit(path) is None


@pytest.mark.parametrize(
    ("checks", "status", "output", "reason"),
    [
        (None, -11, "Fatal Python error", "the tests crashed (status -11)"),
        (None, 0, "no such file", "the tests crashed (status 0)"),
        (None, 1, "Timeout (0:00:05)!\nThread …", "the tests did not end within 5 s"),
        ((), 5, "no tests ran", "no test was found in the recipe's tests"),
        ((PASSED,), 2, "interrupted", "pytest ended with status 2"),
        ((PASSED,), 1, "?", "pytest ended with status 1"),
        ((), 0, "?", "no test was found in the recipe's tests"),
    ],
)
def test_a_run_that_went_wrong_is_a_failed_check(
    checks: tuple[Check, ...] | None, status: int, output: str, reason: str
) -> None:
    *rest, last = judge(checks, status, output, timeout=5)
    assert rest == list(checks or ())
    assert (last.name, last.outcome, last.reason) == ("tests", "failed", reason)
    assert last.detail == output


def test_a_run_that_went_right_adds_nothing() -> None:
    assert judge((PASSED, NOT_RUN), 0, "", timeout=5) == (PASSED, NOT_RUN)
    assert judge((PASSED, FAILED), 1, "", timeout=5) == (PASSED, FAILED)
