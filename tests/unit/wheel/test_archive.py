from __future__ import annotations

import stat
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import CheckError
from builder.wheel.archive import Wheel, WheelName, problems
from builder.wheel.write import rewrite


def test_rewriting_gives_the_same_bytes_whatever_order_and_time(tmp_path, make_wheel):
    files = {"demo_gpu/b.py": b"b", "demo_gpu/a.py": b"a" * 5000, "top.py": b""}
    first = make_wheel(tmp_path / "1", files)
    second = make_wheel(tmp_path / "2", files, reverse=True, when=(1999, 1, 2, 3, 4, 6))
    assert first.read_bytes() != second.read_bytes()
    a = rewrite(first, tmp_path / "a")
    b = rewrite(second, tmp_path / "b")
    assert a.read_bytes() == b.read_bytes()
    assert rewrite(a, tmp_path / "c").read_bytes() == a.read_bytes()


def test_a_rewritten_wheel_is_sorted_with_record_last_and_fixed_attributes(tmp_path, make_wheel):
    made = rewrite(make_wheel(tmp_path, {"z/x.py": b"1", "a.py": b"2"}), tmp_path / "out")
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        assert names[:2] == ["a.py", "z/x.py"]
        assert names[-1].endswith("/RECORD")
        for entry in archive.infolist():
            assert entry.date_time == (2020, 1, 1, 0, 0, 0)
            assert entry.external_attr >> 16 == stat.S_IFREG | 0o644
            assert entry.create_system == 3
    with Wheel(made) as wheel:
        assert problems(wheel, wheel.hashes()) == ()


def test_files_are_packed_as_small_as_deflate_can(tmp_path, make_wheel):
    data = b"".join(b"%d squared is %d\n" % (n, n * n) for n in range(4000))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    best = len(packer.compress(data) + packer.flush())
    with zipfile.ZipFile(
        rewrite(make_wheel(tmp_path, {"a.txt": data}), tmp_path / "out")
    ) as archive:
        assert archive.getinfo("a.txt").compress_size == best


def test_executables_stay_executable(tmp_path, make_wheel):
    path = make_wheel(tmp_path, {"demo_gpu/run": b"#!"})
    changed = tmp_path / "x" / path.name
    changed.parent.mkdir()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            mode = 0o700 if entry.filename == "demo_gpu/run" else 0o600
            entry.external_attr = (stat.S_IFREG | mode) << 16
            new.writestr(entry, old.read(entry.filename))
    with zipfile.ZipFile(rewrite(changed, tmp_path / "out")) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes.pop("demo_gpu/run") == 0o755
    assert set(modes.values()) == {0o644}


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../evil.py",
        "a/../../evil.py",
        "a\\b.py",
        "a/./b.py",
        "a//b.py",
        "a\nb.py",
        "a\0b",
    ],
)
def test_names_that_could_do_harm_are_refused(tmp_path, make_wheel, name):
    path = make_wheel(tmp_path)
    entry = zipfile.ZipInfo("harmless")
    entry.filename = name
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, b"")
    with pytest.raises(CheckError, match="unsafe file name"):
        Wheel(path)


def test_links_and_doubles_are_refused(tmp_path, make_wheel):
    linked = make_wheel(tmp_path / "1")
    entry = zipfile.ZipInfo("demo_gpu/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(linked, "a") as archive:
        archive.writestr(entry, b"/etc/passwd")
    with pytest.raises(CheckError, match="symbolic link"):
        Wheel(linked)
    double = make_wheel(tmp_path / "2")
    with zipfile.ZipFile(double, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("demo_gpu/__init__.py", b"other")
    with pytest.raises(CheckError, match="twice"):
        Wheel(double)


def test_what_is_not_a_wheel_is_refused(tmp_path):
    with pytest.raises(CheckError, match="not a wheel's file name"):
        WheelName.parse("demo.zip")
    with pytest.raises(CheckError, match="there is no wheel"):
        Wheel(tmp_path / "demo-1-py3-none-any.whl")
    empty = tmp_path / "demo-1-py3-none-any.whl"
    empty.write_bytes(b"not a zip")
    with pytest.raises(CheckError, match="not a readable zip"):
        Wheel(empty)
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("demo.py", b"")
    with pytest.raises(CheckError, match=r"one \.dist-info folder"):
        Wheel(empty)


def found(path):
    with Wheel(path) as wheel:
        return " | ".join(problems(wheel, wheel.hashes()))


INFO = "demo_gpu-1.2+cu118.dist-info"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"record": b"demo_gpu/gone.py,sha256=x,1\n"},
            "'demo_gpu/gone.py', which is not in the wheel",
        ),
        (
            {"record": b"demo_gpu/__init__.py,sha256=x,6\n"},
            "another hash or size for 'demo_gpu/__init__.py'",
        ),
        ({"record": f"{INFO}/RECORD,,\n".encode()}, "'demo_gpu/__init__.py' is not in RECORD"),
        ({"record": b""}, "RECORD does not list itself"),
        ({"record": b"one,two\n"}, "a row of 2 fields"),
        ({"record": b"\xff\n"}, "RECORD cannot be read"),
        (
            {"header": "Wheel-Version: 1.0\nTag: py2-none-any\n"},
            "WHEEL has the tags ['py2-none-any']",
        ),
        ({"header": "Tag: py3-none-manylinux_2_28_x86_64\n"}, "no Wheel-Version"),
        (
            {"header": "Wheel-Version: 1.0\nTag: py3-none-manylinux_2_28_x86_64\nBuild: 2\n"},
            "WHEEL has the build tag 2, the file name 1",
        ),
        ({"metadata": "Name: other\nVersion: 1.2+cu118\n"}, "METADATA has the name 'other'"),
        ({"metadata": "Name: demo-gpu\nVersion: 1.3\n"}, "METADATA has the version '1.3'"),
        ({"metadata": "Name: demo-gpu\nVersion: ???\n"}, "METADATA has the version '???'"),
    ],
)
def test_contradictions_are_found(tmp_path, make_wheel, changes, expected):
    assert expected in found(make_wheel(tmp_path, **changes))


def test_a_sound_wheel_has_no_problems(tmp_path, make_wheel):
    assert found(make_wheel(tmp_path)) == ""


def test_a_wheel_that_contradicts_itself_is_not_rewritten(tmp_path, make_wheel):
    path = make_wheel(tmp_path, record=b"")
    with pytest.raises(CheckError, match="RECORD"):
        rewrite(path, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@given(st.data())
def test_damage_gives_a_clear_error_or_the_true_bytes(tmp_path_factory, make_wheel, data):
    folder = tmp_path_factory.mktemp("fuzz")
    path = make_wheel(folder, {"demo_gpu/a.py": b"abc" * 100})
    original = path.read_bytes()
    start = data.draw(st.integers(0, len(original)))
    stop = data.draw(st.integers(start, len(original)))
    path.write_bytes(original[:start] + data.draw(st.binary(max_size=40)) + original[stop:])
    try:
        with Wheel(path) as wheel:
            for name in wheel:
                wheel.read(name)
            problems(wheel, wheel.hashes())
    except CheckError:
        pass


def test_nothing_is_read_past_the_declared_size(tmp_path, make_wheel, monkeypatch):
    monkeypatch.setattr("builder.wheel.archive.MAX_UNPACKED", 100)
    with pytest.raises(CheckError, match="more than a wheel's"):
        Wheel(make_wheel(tmp_path, {"demo_gpu/big": bytes(1000)}))
