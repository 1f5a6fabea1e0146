"""Browser tests without a browser: deselected and counted, or an error; never a quiet pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROWSER_TESTS = "tests/integration/test_site_in_browser.py"


def collect(*options: str) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--co", "-q", *options],
        cwd=ROOT,
        env={**os.environ, "CHROMIUM": "no-such-browser", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    return run.returncode, run.stdout + run.stderr


def test_without_chromium_they_are_counted_as_not_run() -> None:
    code, said = collect(BROWSER_TESTS)
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "browser tests were NOT RUN: no Chromium here; apt install chromium" in said


def test_with_require_browser_that_is_an_error() -> None:
    code, said = collect("--require-browser", BROWSER_TESTS)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "no Chromium found" in said


def test_who_asked_for_none_hears_nothing() -> None:
    code, said = collect("--require-browser", "-m", "not browser", BROWSER_TESTS)
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "Chromium" not in said
