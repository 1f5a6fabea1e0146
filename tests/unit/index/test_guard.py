"""Guards: their bytes, what they say, and which versions get one."""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import os
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.metadata import parse_email
from packaging.utils import parse_sdist_filename

from index.guard import (
    guard_bytes,
    guard_filename,
    guard_message,
    guards_to_unyank,
    guards_to_yank,
    missing_guards,
)
from index.guard.backend import backend_source
from index.guard.served import platforms, serves
from index.ledger import Guard, Settings
from index.model import File
from index.records import Record

NAME, VERSION = "opencv-cuda", "4.14.0.94+cu124"
NOW = "2026-11-02T10:00:00Z"
WHEEL = "opencv_cuda-4.14.0.94+cu124-1-cp39-abi3-manylinux_2_31_x86_64.whl"
HOOKS = (
    "get_requires_for_build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "build_wheel",
    "build_sdist",
    "build_editable",
)
SETTINGS = Settings(base_url="https://owner.example/repo")

Make = Callable[..., Record]
Wheels = Callable[..., File]


@pytest.fixture
def wheel(make_record: Make) -> Wheels:
    def make(filename: str = WHEEL, *, yanked: str | None = None, **changes: object) -> File:
        return File.of_wheel(make_record(filename, **changes), yanked=yanked)

    return make


def guard_file(guard: Guard, *, yanked: str | None = None) -> File:
    return File(
        filename=guard.filename,
        name=guard.name,
        version=guard.version,
        cuda=guard.cuda,
        sha256=guard.sha256,
        size=guard.size,
        url=guard.url,
        uploaded=guard.uploaded,
        yanked=yanked,
    )


def missing(*files: File, settings: Settings = SETTINGS) -> tuple[Guard, ...]:
    return missing_guards(files, settings, uploaded=NOW)


def versions(*files: File, settings: Settings = SETTINGS) -> list[str]:
    return [guard.version for guard in missing(*files, settings=settings)]


# -- bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version", "filename"),
    [
        (NAME, VERSION, "opencv_cuda-4.14.0.94+cu124.tar.gz"),
        ("Darknet.Python", "1.0", "darknet_python-1.0.tar.gz"),
        ("x", "1!2.0-rc.1+CU-124", "x-1!2.0rc1+cu.124.tar.gz"),
    ],
)
def test_the_name_of_a_guard(name: str, version: str, filename: str) -> None:
    assert guard_filename(name, version) == filename
    told, parsed = parse_sdist_filename(filename)
    assert guard_filename(told, str(parsed)) == filename


def test_the_bytes_never_change() -> None:
    # The ledger keeps name, version, message and this digest: other bytes for them would make
    # every guard published before a lie. A new layout needs a new kind of event.
    data = guard_bytes(NAME, VERSION, "Supported: é 日本 '\"\n")
    assert (
        hashlib.sha256(data).hexdigest()
        == "61527918b05002fe4c7f68157a97a1a8663de9354e6714dbb178ba5399378c49"
    )
    assert len(data) == 5143


def test_what_a_guard_holds() -> None:
    data = guard_bytes(NAME, VERSION, "hello")
    assert data[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # no name, no time, no system
    gzip.decompress(data)  # checks length and CRC
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        members = archive.getmembers()
        texts = {
            member.name.partition("/")[2]: file.read().decode()
            for member in members
            if (file := archive.extractfile(member)) is not None
        }
    stem = "opencv_cuda-4.14.0.94+cu124"
    assert [member.name for member in members] == [
        f"{stem}/PKG-INFO",
        f"{stem}/backend.py",
        f"{stem}/pyproject.toml",
    ]
    for member in members:
        owner = (member.uid, member.gid, member.uname, member.gname)
        assert (*owner, member.mtime, member.mode) == (0, 0, "", "", 0, 0o644)
    told, unknown = parse_email(texts["PKG-INFO"])
    assert not unknown
    # From 2.2 on a resolver believes PKG-INFO and never runs the backend.
    assert told == {"metadata_version": "2.1", "name": NAME, "version": VERSION}
    assert "requires = []" in texts["pyproject.toml"]


@pytest.mark.parametrize("length", [0, 1, 60_000, 200_000])
def test_a_message_of_any_length_fits(length: int, tmp_path: Path) -> None:
    folder = unpack(guard_bytes(NAME, VERSION, "x" * length), tmp_path)
    assert (folder / "backend.py").read_text() == backend_source(f"{NAME} {VERSION}", "x" * length)


def test_a_name_too_long_for_a_folder_in_a_tar(tmp_path: Path) -> None:
    data = guard_bytes("n" * 200, VERSION, "hello")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        assert {name.rpartition("/")[0] for name in archive.getnames()} == {"n" * 155}


# -- the backend ----------------------------------------------------------------------------


def unpack(data: bytes, folder: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        # Debian 12's Python 3.11.2 knows no filters; a Python that does asks for one.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)
    return folder / "opencv_cuda-4.14.0.94+cu124"


def said(source: str) -> str:
    space: dict[str, Any] = {}
    exec(compile(source, "backend.py", "exec"), space)
    with pytest.raises(SystemExit) as stopped:
        space["build_wheel"]("wheels", config_settings=None, metadata_directory=None)
    return str(stopped.value.code)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_stops_with_the_message_and_no_traceback(hook: str, tmp_path: Path) -> None:
    folder = unpack(guard_bytes(NAME, VERSION, "what is supported"), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"import backend; backend.{hook}('x')"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    python = f"CPython {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    assert f"{NAME} {VERSION}: there is no wheel for this machine" in done.stderr
    assert f"This machine: {python}" in done.stderr
    assert sysconfig.get_platform() in done.stderr
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    assert libc is not None
    assert libc in done.stderr
    assert "what is supported" in done.stderr
    assert "free-threaded" not in done.stderr


def test_a_free_threaded_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: 1 if name == "Py_GIL_DISABLED" else None
    )
    assert "free-threaded (no free-threaded Python is served)" in said(backend_source("x 1", "m"))


@pytest.mark.parametrize("error", [ValueError, OSError, AttributeError])
def test_a_machine_without_glibc(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> str:
        raise error

    monkeypatch.setattr(os, "confstr", fail)
    assert ", no glibc" in said(backend_source("x 1", "m"))


def test_a_system_that_is_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sysconfig, "get_platform", lambda: "macosx-14.0-arm64")
    text = said(backend_source("x 1", "m"))
    assert "macosx-14.0-arm64" in text
    assert "glibc" not in text


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("""'''"\\"\" {0} {} %s \\x00 \0 \r\n import os; ü 日本 😀""")
def test_any_message_comes_out_as_it_went_in(message: str) -> None:
    source = backend_source(message, message)
    assert source.isascii()
    text = said(source)
    assert text.startswith(f"\n{message}: there")
    assert text.endswith(f"\n\n{message}\n")


def test_old_pythons_can_read_the_backend() -> None:
    ast.parse(backend_source("x 1", "m"), feature_version=(3, 4))


# -- what wheels serve ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "pythons"),
    [
        ("cp39-abi3-manylinux_2_31_x86_64", {"3.9", "3.10", "3.14"}),
        ("cp311-abi3-manylinux_2_31_x86_64", {"3.14"}),
        ("cp310-cp310-manylinux2014_x86_64", {"3.10"}),
        ("cp314-cp314t-manylinux_2_31_x86_64", set()),
        ("cp314-none-any", {"3.14"}),
        ("py3-none-manylinux1_x86_64", {"3.9", "3.10", "3.14"}),
        ("py2.py3-none-any", {"3.9", "3.10", "3.14"}),
        ("py310-none-linux_x86_64", {"3.10", "3.14"}),
        ("py2-none-any", set()),
        ("cp27-cp27mu-manylinux1_x86_64", set()),
        ("cp39-abi3-manylinux_2_31_aarch64", set()),
        ("cp39-abi3-musllinux_1_2_x86_64", set()),
        ("cp39-abi3-macosx_11_0_x86_64", set()),
        ("cp39-abi3-win_amd64", set()),
    ],
)
def test_which_pythons_a_wheel_serves(tags: str, pythons: set[str], make_record: Make) -> None:
    interpreter, abi, platform = tags.split("-")
    expanded = tuple(sorted(f"{one}-{abi}-{platform}" for one in interpreter.split(".")))
    record = make_record(f"x-1.0-{tags}.whl", tags=expanded)
    assert {one for one in ("3.9", "3.10", "3.14") if serves(record, one)} == pythons


@pytest.mark.parametrize(
    ("requires", "served"),
    [(None, True), (">=3.12", True), (">=3.12.2", True), ("<3.12", False), (">=3.13", False)],
)
def test_a_wheel_for_other_pythons_does_not_count(
    requires: str | None, served: bool, make_record: Make
) -> None:
    assert serves(make_record(WHEEL, requires_python=requires), "3.12") is served


def test_the_platforms_as_a_person_reads_them(make_record: Make) -> None:
    def record(platform: str) -> Record:
        tags = tuple(sorted(f"cp39-abi3-{one}" for one in platform.split(".")))
        return make_record(f"x-1.0-cp39-abi3-{platform}.whl", tags=tags)

    assert platforms([record("manylinux2014_x86_64.manylinux_2_17_x86_64")]) == (
        "Linux x86_64 with glibc 2.17 or newer",
    )
    both = [record("manylinux_2_9_x86_64"), record("manylinux_2_31_x86_64"), record("any")]
    assert platforms(both) == ("Linux x86_64 with glibc 2.31 or newer", "any platform")
    assert platforms([record("win_amd64")]) == ("win_amd64",)


# -- the message ----------------------------------------------------------------------------


def test_what_a_guard_says(wheel: Wheels) -> None:
    assert guard_message(NAME, VERSION, "cu124", [wheel()], SETTINGS) == (
        "Supported: CPython 3.10, 3.11, 3.12, 3.13, 3.14; no free-threaded Python\n"
        "           Linux x86_64 with glibc 2.31 or newer\n"
        "           CUDA cu124 (other CUDAs: https://owner.example/repo)\n"
        "\n"
        "Use this line, under one of these Pythons:\n"
        "  pip install --extra-index-url https://owner.example/repo/cu124 "
        '"opencv-cuda==4.14.0.94+cu124"\n'
        "\n"
        "If all of this is so already, the installer was told to take no wheel (--no-binary)."
    )


def test_a_site_with_no_address_says_where_it_would_stand(wheel: Wheels) -> None:
    text = guard_message(NAME, VERSION, "cu124", [wheel()], Settings())
    assert '--extra-index-url ADDRESS/cu124 "opencv-cuda==4.14.0.94+cu124"' in text
    assert "(ADDRESS: where the index is, as in the line you used)" in text


def test_only_this_versions_wheels_are_told_of(wheel: Wheels) -> None:
    files = [
        wheel(WHEEL.replace("abi3", "cp39").replace("cp39-cp39", "cp312-cp312")),
        wheel(WHEEL.replace("-1-", "-2-"), yanked="broken"),
        wheel(WHEEL.replace("4.14.0.94", "4.14.0.93")),
    ]
    text = guard_message(NAME, VERSION, "cu124", files, SETTINGS)
    assert "CPython 3.12; no free" in text


# -- which versions get one -----------------------------------------------------------------


def test_a_version_that_serves_every_python_gets_a_guard(wheel: Wheels) -> None:
    (guard,) = missing(wheel())
    data = guard_bytes(guard.name, guard.version, guard.message)
    assert guard.sha256 == hashlib.sha256(data).hexdigest()
    assert guard.size == len(data)
    assert (guard.name, guard.version, guard.cuda) == (NAME, VERSION, "cu124")
    assert guard.filename == "opencv_cuda-4.14.0.94+cu124.tar.gz"
    assert guard.url == f"files/{guard.filename}"
    assert guard.uploaded == NOW
    assert "cu124 " in guard.message


def test_there_is_one_per_full_version_and_none_twice(wheel: Wheels) -> None:
    files = [wheel(WHEEL.replace("cu124", cuda)) for cuda in ("cu130", "cu118", "cu124")]
    files += [wheel(WHEEL.replace("4.14.0.94", "4.9")), wheel(WHEEL.replace("-1-", "-2-"))]
    all_of_them = [f"4.9+{'cu124'}", *(f"4.14.0.94+{cuda}" for cuda in ("cu118", "cu124", "cu130"))]
    assert versions(*files) == all_of_them
    there = guard_file(missing(wheel())[0])
    assert versions(*files, there) == [one for one in all_of_them if one != VERSION]
    yanked = guard_file(missing(wheel())[0], yanked="why")
    assert VERSION not in versions(*files, yanked)


def test_wheels_serve_together(wheel: Wheels) -> None:
    pythons = ("310", "311", "312", "313", "314")
    files = [wheel(WHEEL.replace("cp39-abi3", f"cp{one}-cp{one}")) for one in pythons]
    assert versions(*files) == [VERSION]
    assert versions(*files[:-1]) == []
    short = Settings(pythons=("3.10", "3.11"))
    assert versions(*files[:2], settings=short) == [VERSION]


def test_a_yanked_wheel_serves_nobody(wheel: Wheels) -> None:
    assert versions(wheel(yanked="broken")) == []
    assert versions(wheel(yanked="broken"), settings=Settings(pythons=())) == []
    assert versions(wheel(yanked="broken"), wheel(WHEEL.replace("-1-", "-2-"))) == [VERSION]


def test_a_companion_gets_none(wheel: Wheels) -> None:
    empty = "opencv_python-4.14.0.93.99+cu124-py3-none-any.whl"
    assert versions(wheel(empty)) == ["4.14.0.93.99+cu124"]
    assert versions(wheel(empty, companion_of=NAME)) == []


def test_a_version_with_two_cudas_gets_none(wheel: Wheels) -> None:
    names = ("x-1.0-1-py3-none-any.whl", "x-1.0-2-py3-none-any.whl")
    assert versions(wheel(names[0], cuda="cu118"), wheel(names[1], cuda="cu124")) == []
    assert versions(wheel(names[0]), wheel(names[1])) == ["1.0"]


def test_no_files_no_guards() -> None:
    assert missing() == ()


def test_a_guard_goes_with_its_wheels_and_comes_back_with_them(wheel: Wheels) -> None:
    guard = guard_file(missing(wheel())[0])
    assert guards_to_yank([wheel(), guard]) == ()
    for files in (
        [guard],
        [wheel(yanked="broken"), guard],
        [wheel(WHEEL.replace("94", "93")), guard],
    ):
        (yank,) = guards_to_yank(files)
        assert (yank.filename, yank.event) == (guard.filename, "yank")
    by_us = guard_file(missing(wheel())[0], yanked=yank.reason)
    assert guards_to_yank([by_us]) == ()
    assert guards_to_unyank([by_us]) == ()
    assert [one.filename for one in guards_to_unyank([wheel(), by_us])] == [guard.filename]
    by_hand = guard_file(missing(wheel())[0], yanked="the maintainer says so")
    assert guards_to_unyank([wheel(), by_hand]) == ()
