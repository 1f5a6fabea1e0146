"""Which companions a wheel is verified with, and that none is verified alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from builder.errors import VerifyError
from builder.paths import Cache
from builder.plan.spec import BuildSpec, CompanionSpec
from builder.ui import Silent
from builder.verify import Means, Trial, VerifyReport, run, verify_wheels
from builder.verify.records import checked_record, companions_beside
from builder.wheel import write_companions
from builder.wheel.write import write_wheel
from index.records import record_path, write_record
from index.wheels import record_of_wheel


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def put(dist: Path, cuda: str, *, version: str = "2.0") -> Path:
    """A recipe's wheel with its companions, ``standing`` and ``other``, and their records."""
    companions = tuple(
        CompanionSpec(name=name, version="1.9.99", summary="Empty")
        for name in ("other", "standing")
    )
    spec = BuildSpec(
        recipe="Tiny.GPU",
        version=version,
        revision=1,
        cuda=cuda,
        cuda_version="11.8",
        profile="full",
        architectures=("7.5",),
        ptx=None,
        py_api="py3",
        requires_python=">=3.10",
        dependencies=tuple(f"{one.name}=={one.version}+{cuda}" for one in companions),
        defines=(),
        sources=(),
        project=(),
        toolchain="0" * 64,
        companions=companions,
    )
    info = f"tiny_gpu-{version}+{cuda}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in spec.dependencies)
    head = f"Metadata-Version: 2.1\nName: tiny-gpu\nVersion: {version}+{cuda}\n{needs}"
    about = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{info}/METADATA": head.encode(), f"{info}/WHEEL": about.encode()}
    wheel = write_wheel(dist / f"tiny_gpu-{version}+{cuda}-py3-none-any.whl", info, files)
    write_record(record_of_wheel(wheel), wheel)
    for path, record in write_companions(spec, dist):
        write_record(record, path)
    return wheel


def test_those_that_it_requires(tmp_path: Path) -> None:
    wheel = put(tmp_path, "cu118")
    put(tmp_path, "cu124")
    found = companions_beside(wheel, checked_record(wheel))
    assert [path.name for path in found] == [
        "other-1.9.99+cu118-1-py3-none-any.whl",
        "standing-1.9.99+cu118-1-py3-none-any.whl",
    ]
    record_path(found[0]).unlink()  # then nobody knows what it is
    assert companions_beside(wheel, checked_record(wheel)) == found[1:]


def test_one_that_was_changed(tmp_path: Path) -> None:
    wheel = put(tmp_path, "cu118")
    (companion, _) = companions_beside(wheel, checked_record(wheel))
    companion.write_bytes(companion.read_bytes() + b"x")
    with pytest.raises(VerifyError, match=f"{companion.name}.*bytes".replace("+", r"\+")):
        companions_beside(wheel, checked_record(wheel))


def test_a_wheel_is_tried_under_the_pythons_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel for one Python lies beside those for others, and beside one for all of them."""
    tried: dict[str, tuple[str, ...]] = {}

    def verify_all(
        wheel: Path, trial: Trial, pythons: tuple[str, ...], *_: object, **__: object
    ) -> list[VerifyReport]:
        tried[wheel.name.split("-")[2]] = pythons
        return []

    monkeypatch.setattr(run, "verify_all", verify_all)
    wheel = put(tmp_path, "cu118")
    ours = wheel.with_name("tiny_gpu-2.0+cu118-cp312-cp312-manylinux_2_31_x86_64.whl")
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(ours, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name))
    said = Said()
    means = Means(uv=tmp_path / "uv", cache=Cache(root=tmp_path / "cache"), reporter=said)
    pythons = ("3.10", "3.12", "3.13")
    verify_wheels([wheel, ours], folders=(), pythons=pythons, means=means)
    assert tried == {"py3": pythons, "cp312": ("3.12",)}
    assert said.lines == [f"  {ours.name} is not for Python 3.10, 3.13"]
    with pytest.raises(VerifyError, match=r"none of the wheels is for Python 3\.10 or 3\.13"):
        verify_wheels([ours], folders=(), pythons=("3.10", "3.13"), means=means)


def test_none_is_verified_alone(tmp_path: Path) -> None:
    wheel = put(tmp_path, "cu118")
    found = companions_beside(wheel, checked_record(wheel))
    said = Said()
    means = Means(uv=tmp_path / "uv", cache=Cache(root=tmp_path / "cache"), reporter=said)
    assert verify_wheels(found, folders=(), pythons=("3.10",), means=means) == []
    assert said.lines == [f"  {path.name} is verified with tiny-gpu, not alone" for path in found]
