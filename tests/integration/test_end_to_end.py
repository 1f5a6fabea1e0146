"""The main job for real: `builder build` makes wheels that pip installs and Pythons import.

The smallest builds that are still real run by default; the newcomer's own command is marked slow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.targets import load_targets, python_tag
from builder.verify import find_python
from index.records import read_record, record_path

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
Build = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """`builder build`, as a person would type it, in the clone.

    Returns the wheels in its dist without the companions, each of which must be beside its wheel.
    """

    def run(*arguments: str, expect: int = 0) -> list[Path]:
        dist = tmp_path_factory.mktemp("dist")
        done = subprocess.run(
            [sys.executable, "-m", "builder", "build", *arguments, "--dist", str(dist)],
            cwd=ROOT,
            env={**os.environ, "CFLAGS": "-DSTRAY -march=native", "PYTHONPATH": "/nonexistent"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == expect, done.stdout[-6000:]
        records = {wheel: read_record(record_path(wheel)) for wheel in dist.glob("*.whl")}
        names = {record.name for record in records.values()}
        assert names >= {record.companion_of or record.name for record in records.values()}
        return sorted(wheel for wheel in records if not records[wheel].companion_of)

    return run


def reports(wheel: Path) -> dict[str, dict[str, Any]]:
    """The verification reports beside a wheel, by Python."""
    found = {}
    for path in wheel.parent.glob(f"{wheel.name}.verify.*.json"):
        data = json.loads(path.read_text())
        found[data["python"]] = data
    return found


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in report["checks"]}


def pythons() -> list[str]:
    """The oldest and the newest Python of this machine that is a target; there must be one."""
    found = [python for python in load_targets().pythons if find_python(python).interpreter]
    assert found, "no Python on this machine is a target"
    return list(dict.fromkeys((found[0], found[-1])))


def targets(cuda: str) -> list[str]:
    return [f"{cuda}-{python_tag(python)}" for python in pythons()]


def assert_verified(wheel: Path, *, under: list[str]) -> None:
    by_python = reports(wheel)
    good = []
    for version, report in by_python.items():
        seen = outcomes(report)
        assert "failed" not in seen.values(), (version, report)
        if "passed" in seen.values():
            good.append(version)
        reasons = [check for check in report["checks"] if check["outcome"] == "not run"]
        assert all(check["reason"] for check in reasons), "a check that was not run must say why"
    # A store that was there before may know of further Pythons.
    assert set(under) <= set(good), by_python


@pytest.mark.parametrize("cuda", ["cu118", "cu130"])
def test_darknet(build: Build, cuda: str) -> None:
    (wheel,) = build(*targets(cuda), "--recipe", "darknet-python", "--profile", "smoke")
    assert f"+{cuda}-" in wheel.name
    assert "-py3-none-manylinux_" in wheel.name
    record = read_record(record_path(wheel))
    assert record.cuda == cuda
    assert record.profile == "smoke"
    assert_verified(wheel, under=pythons())


def test_opencv_smoke(build: Build) -> None:
    (wheel,) = build(*targets("cu118"), "--recipe", "opencv-cuda", "--profile", "smoke")
    assert "-abi3-manylinux_" in wheel.name
    assert_verified(wheel, under=pythons())


@pytest.mark.slow
@pytest.mark.parametrize("cuda", ["cu118", "cu124", "cu130"])
def test_the_newcomers_command(build: Build, cuda: str) -> None:
    wheels = build(f"{cuda}-py310", "--profile", "quick")
    assert [wheel.name.split("-")[0] for wheel in wheels] == ["darknet_python", "opencv_cuda"]
    for wheel in wheels:
        assert_verified(wheel, under=["3.10"] if find_python("3.10").interpreter else [])
