"""Companions: the same bytes every time, and nothing in them but what they say."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.metadata import Metadata

from builder.plan.spec import BuildSpec, CompanionSpec
from builder.wheel import check, inspect_wheel, write_companions
from builder.wheel.archive import Wheel, problems
from index.consistent import check_record
from index.records import Record, write_record

NAME = "opencv_python-4.14.0.93.99+cu118-2-py3-none-any.whl"
SUMMARY = "Empty: opencv-cuda takes the place of opencv-python"
BYTES = "4f8aa860d7cbd3159fb0cb5fa51a854c01413a76b7a561c361ef74b71fe5bfd8"


@pytest.fixture
def spec() -> BuildSpec:
    companions = (
        CompanionSpec(name="opencv-contrib-python", version="4.14.0.93.99", summary="Empty"),
        CompanionSpec(name="opencv-python", version="4.14.0.93.99", summary=SUMMARY),
    )
    return BuildSpec(
        recipe="OpenCV.cuda",
        version="4.14.0.94",
        revision=2,
        cuda="cu118",
        cuda_version="11.8",
        profile="quick",
        architectures=("7.5",),
        ptx=None,
        py_api="cp39",
        requires_python=">=3.10",
        dependencies=tuple(f"{one.name}=={one.version}+cu118" for one in companions),
        defines=(),
        sources=(),
        project=(),
        toolchain="0" * 64,
        companions=companions,
    )


Made = tuple[Path, Record]


@pytest.fixture
def made(spec: BuildSpec, tmp_path: Path) -> Made:
    companions = write_companions(spec, tmp_path / "dist")
    assert len(companions) == 2
    wheel, record = companions[1]
    write_record(record, wheel)
    return wheel, record


def test_the_bytes_are_always_the_same(made: Made) -> None:
    """On every machine: nothing is compressed, and nothing of the machine or the time is in it.

    Where they are to change, raise `COMPANION_FORMAT`: the words in it are in no other way keyed.
    """
    assert hashlib.sha256(made[0].read_bytes()).hexdigest() == BYTES


def test_what_it_says(made: Made) -> None:
    wheel, _ = made
    assert wheel.name == NAME
    with Wheel(wheel) as opened:
        assert problems(opened, opened.hashes()) == ()
        info = "opencv_python-4.14.0.93.99+cu118.dist-info"
        assert list(opened) == [f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL")]
        told = Metadata.from_email(opened.metadata.encode())  # every field is valid
        assert opened.pure
        assert opened.header["Build"] == "2"
    assert (told.name, str(told.version)) == ("opencv-python", "4.14.0.93.99+cu118")
    assert told.summary == SUMMARY
    assert told.license_expression == "MIT"
    assert str(told.requires_python) == ">=3.10"
    assert [str(one) for one in told.requires_dist or ()] == ["OpenCV.cuda==4.14.0.94+cu118"]
    assert told.description is not None
    assert "empty on purpose" in told.description
    back = "pip uninstall -y OpenCV.cuda opencv-contrib-python opencv-python\n"
    assert back in told.description


def test_its_record(made: Made, spec: BuildSpec) -> None:
    _, record = made
    check_record(record)
    assert record.companion_of == "opencv-cuda"
    assert (record.cuda, record.profile, record.build_key) == ("cu118", "quick", spec.key)
    assert (record.build_tag, record.architectures, record.build_spec) == ("2", (), None)


def test_its_times_and_modes(made: Made) -> None:
    with zipfile.ZipFile(made[0]) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (2020, 1, 1, 0, 0, 0)
            assert entry.external_attr >> 16 == 0o100644
            assert entry.compress_type == zipfile.ZIP_STORED


def test_it_keeps_its_promises(made: Made) -> None:
    inspection = inspect_wheel(made[0])
    assert inspection.recorded is not None
    assert inspection.recorded.companion_of == "opencv-cuda"
    assert check(inspection, None, needles=(), max_size=None) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tags": ("py3-none-linux_x86_64",)}, "companion-tag"),
        ({"dependencies": ()}, "companion-requires"),
        ({"dependencies": ("opencv-cuda",)}, "companion-requires"),
        ({"dependencies": ("opencv-cuda>=4.14.0.94",)}, "companion-requires"),
        ({"dependencies": ("opencv-cuda==4.14.0.94+cu124",)}, "companion-requires"),
        ({"dependencies": ("opencv-cuda==4.14.*",)}, "companion-requires"),
        ({"dependencies": ("other==4.14.0.94+cu118",)}, "companion-requires"),
        ({"dependencies": ("opencv-cuda==4.14.0.94+cu118", "numpy")}, "companion-requires"),
        ({"dependencies": ("opencv-cuda==4.14.0.94+cu118; extra == 'x'",)}, "companion-requires"),
        ({"version": "4.14.0.93.99"}, "companion-requires"),
        ({"problems": ("RECORD does not list itself",)}, "archive"),
    ],
)
def test_broken_promises(made: Made, changes: dict[str, Any], code: str) -> None:
    broken = replace(inspect_wheel(made[0]), **changes)
    assert [one.code for one in check(broken, None, needles=(), max_size=None)] == [code]


def test_a_companion_that_is_not_empty(made: Made) -> None:
    wheel, _ = made
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("cv2/__init__.py", "")
    found = check(inspect_wheel(wheel), None, needles=(), max_size=None)
    assert [one.code for one in found] == ["archive", "companion-not-empty"]
    assert "cv2/__init__.py" in found[1].message
