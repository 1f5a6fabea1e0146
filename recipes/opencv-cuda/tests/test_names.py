"""The names of OpenCV's CPU builds, which empty packages hold for this one."""

import importlib.metadata

import pytest
from opencv_cuda import _build, _checks, _packages
from opencv_cuda._findings import Fault

NAMES = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_held_by_an_empty_package_of_this_wheel(name):
    held = importlib.metadata.distribution(name)
    assert f"{name}=={held.version}" in importlib.metadata.requires("opencv-cuda")
    assert held.requires == [f"opencv-cuda=={_build.VERSION}"]
    assert all(".dist-info/" in str(file) for file in held.files)
    assert held.version < _build.VERSION
    assert held.version.partition("+")[2] == _build.VERSION.partition("+")[2]


def test_the_doctor_finds_them():
    finding = _checks.names()
    assert finding.code == 0
    assert all(name in finding.text for name in NAMES)


@pytest.mark.parametrize("version", ["5.0.0.93", None])
def test_the_doctor_names_a_lost_one(monkeypatch, version):
    installed = _packages.installed
    monkeypatch.setattr(
        _packages, "installed", lambda name: version if name == NAMES[0] else installed(name)
    )
    finding = _checks.names()
    assert finding.code == Fault.NAME_LOST
    assert finding.text.startswith("opencv-python: ")
    assert f"opencv-cuda=={_build.VERSION}" in finding.remedy
