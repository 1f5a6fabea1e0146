"""Unpacking: every format, what is kept, what is refused, and that nothing stays behind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import FetchError
from builder.fetch import unpack

WHEN = 1_600_000_000


def entry(name: str, data: bytes = b"", **how: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = WHEN
    info.mode = 0o644
    for key, value in how.items():
        setattr(info, key, value)
    return info, data


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=kind, linkname=target)


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def ar(*files: tuple[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in files:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}".encode() + b"`\n"
        out += data + b"\n" * (len(data) % 2)
    return out


def deb(data: bytes, suffix: str, pack: Callable[[bytes], bytes]) -> bytes:
    control = gzip.compress(tar(entry("./control", b"Package: x\n")))
    return ar(
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz/", control + b"x" * (1 - len(control) % 2)),  # odd, so that it is padded
        (f"data.tar{suffix}", pack(data)),
    )


def save(tmp_path: Path, data: bytes, name: str = "archive") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def listing(root: Path) -> dict[str, str]:
    """Every path below ``root`` with its text, its link's target, or ``/`` for a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "/" if path.is_dir() else path.read_text()
    return found


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}
TREE = tar(
    entry("./", type=tarfile.DIRTYPE, mode=0o755),
    entry("./usr/", type=tarfile.DIRTYPE, mode=0o700),
    entry("./usr/bin/tool", b"#!", mode=0o4775),
    entry("./usr/lib/libx.so.1", b"elf"),
    link("./usr/lib/libx.so", "libx.so.1"),
    link("./usr/lib/again", "./usr/lib/libx.so.1", tarfile.LNKTYPE),
)
UNPACKED = {
    "usr": "/",
    "usr/bin": "/",
    "usr/bin/tool": "#!",
    "usr/lib": "/",
    "usr/lib/again": "elf",
    "usr/lib/libx.so": "-> libx.so.1",
    "usr/lib/libx.so.1": "elf",
}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("debian", [False, True])
def test_tar_and_deb_in_every_compression(suffix, debian, tmp_path):
    pack = COMPRESSIONS[suffix]
    archive = save(tmp_path, deb(TREE, suffix, pack) if debian else pack(TREE))
    unpack(archive, tmp_path / "into")
    assert listing(tmp_path / "into") == UNPACKED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "into"]


def test_modes_and_times_are_kept_and_privileges_dropped(tmp_path):
    unpack(save(tmp_path, TREE), tmp_path / "into")
    tool = (tmp_path / "into/usr/bin/tool").stat()
    assert stat.S_IMODE(tool.st_mode) == 0o755  # not set-user-id, not writable for the group
    assert tool.st_mtime == WHEN
    library = tmp_path / "into/usr/lib/libx.so.1"
    assert stat.S_IMODE(library.stat().st_mode) == 0o644
    assert (tmp_path / "into/usr/lib/again").samefile(library)
    assert (tmp_path / "into/usr").stat().st_mtime == WHEN
    assert stat.S_IMODE((tmp_path / "into").stat().st_mode) == 0o755


def test_zip(tmp_path):
    archive = tmp_path / "x.whl"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data, mode in (
            ("pkg/run", "run", stat.S_IFREG | 0o755),
            ("pkg/plain", "plain", 0),
            ("pkg/empty/", "", stat.S_IFDIR | 0o755),
            ("pkg/link", "plain", stat.S_IFLNK | 0o777),
        ):
            info = zipfile.ZipInfo(name, (2020, 9, 13, 12, 26, 40))
            info.external_attr = mode << 16
            made.writestr(info, data)
            info.external_attr = mode << 16  # writestr does not leave a 0 alone
    unpack(archive, tmp_path / "into")
    assert listing(tmp_path / "into") == {
        "pkg": "/",
        "pkg/empty": "/",
        "pkg/link": "-> plain",
        "pkg/plain": "plain",
        "pkg/run": "run",
    }
    modes = [(tmp_path / "into/pkg" / name).stat().st_mode & 0o777 for name in ("run", "plain")]
    assert modes == [0o755, 0o644]
    assert (tmp_path / "into/pkg/run").stat().st_mtime == WHEN


def test_strip_and_include(tmp_path):
    data = tar(
        entry("pax_global_header", b"x"),
        entry("p-1.0/README", b"r"),
        entry("p-1.0/src/a.c", b"a"),
        entry("p-1.0/src/deep/b.c", b"b"),
        entry("p-1.0/doc/c.txt", b"c"),
        link("p-1.0/src/hard.c", "p-1.0/src/a.c", tarfile.LNKTYPE),
    )
    archive = save(tmp_path, data)
    unpack(archive, tmp_path / "into", strip=1, include=["src/*", "READ*"])
    assert listing(tmp_path / "into") == {
        "README": "r",
        "src": "/",
        "src/a.c": "a",
        "src/deep": "/",
        "src/deep/b.c": "b",
        "src/hard.c": "a",
    }


def test_nothing_that_was_asked_for(tmp_path):
    archive = save(tmp_path, TREE)
    with pytest.raises(FetchError, match=r"holds nothing that was asked for .*'opt/\*'"):
        unpack(archive, tmp_path / "into", include=["opt/*"])
    assert not (tmp_path / "into").exists()


def test_several_into_one_folder(tmp_path):
    into = tmp_path / "into"
    unpack(save(tmp_path, TREE, "one"), into)
    (into / "lib").symlink_to("usr/lib")
    more = tar(
        entry("usr/lib/liby.so", b"y"),
        entry("usr/lib/libx.so", b"a file now"),
        entry("lib/z", b"through a link of ours that stays inside"),
        entry("opt/new", b"n"),
    )
    unpack(save(tmp_path, more, "two"), into)
    assert listing(into) == UNPACKED | {
        "lib": "-> usr/lib",
        "opt": "/",
        "opt/new": "n",
        "usr/lib/libx.so": "a file now",
        "usr/lib/liby.so": "y",
        "usr/lib/z": "through a link of ours that stays inside",
    }


def test_merging_never_leaves_the_folder_and_changes_nothing_when_refused(tmp_path):
    into, outside = tmp_path / "into", tmp_path / "outside"
    into.mkdir()
    outside.mkdir()
    (into / "out").symlink_to(outside)
    (into / "folder").mkdir()
    before = listing(into)
    for bad in (entry("out/x", b"x"), entry("folder", b"a file")):
        archive = save(tmp_path, tar(entry("a", b"fine"), bad))
        with pytest.raises(FetchError, match="where"):
            unpack(archive, into)
        assert listing(into) == before
    assert list(outside.iterdir()) == []


def test_absolute_links_of_a_sysroot(tmp_path):
    data = tar(
        link("usr/lib/x86/libdl.so", "/lib/x86/libdl.so.2"),
        link("usr/here", "/usr/lib/./x86"),
        link("top", "/"),
        entry("lib/x86/libdl.so.2", b"dl"),
    )
    archive = save(tmp_path, deb(data, ".xz", lzma.compress))
    with pytest.raises(FetchError, match=r"a link to the absolute path ./lib/x86/libdl\.so\.2."):
        unpack(archive, tmp_path / "into")
    assert not (tmp_path / "into").exists()
    unpack(archive, tmp_path / "into", absolute_links="rewrite")
    into = tmp_path / "into"
    assert (into / "usr/lib/x86/libdl.so").readlink() == Path("../../../lib/x86/libdl.so.2")
    assert (into / "usr/lib/x86/libdl.so").read_text() == "dl"
    assert (into / "usr/here").resolve() == into / "usr/lib/x86"
    assert (into / "top").resolve() == into


HOSTILE = {
    "climbing": [entry("../evil", b"x")],
    "climbing in the middle": [entry("a/../../evil", b"x")],
    "absolute": [entry("/tmp/evil", b"x")],
    "absolute folder": [entry("/tmp/evil", type=tarfile.DIRTYPE)],
    "climbing link": [link("a", "../evil")],
    "climbing from below": [link("a/b/c", "../../../evil")],
    "absolute link": [link("a", "/etc/passwd")],
    "hard link out": [link("a", "../../etc/passwd", tarfile.LNKTYPE)],
    "absolute hard link": [link("a", "/etc/passwd", tarfile.LNKTYPE)],
    "hard link to nothing": [link("a", "b", tarfile.LNKTYPE)],
    "hard link to a link": [link("a", "b"), link("c", "a", tarfile.LNKTYPE)],
    "writing through a link": [link("d", "."), entry("d/evil", b"x")],
    "folder through a link": [link("d", "."), entry("d/e", type=tarfile.DIRTYPE)],
    "chain of links": [
        entry("a/b/x", b"x"),
        link("up", "a/b"),
        link("out", "up/../../.."),
        entry("out/evil", b"x"),
    ],
    "chain that reads well": [link("a/b/here", "."), link("l", "a/b/here/../../../evil")],
    "through a file": [entry("a", b"x"), entry("a/b", b"x")],
    "file over a folder": [entry("a/b", b"x"), entry("a", b"x")],
    "device": [entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "pipe": [entry("pipe", type=tarfile.FIFOTYPE)],
    "block device": [entry("disk", type=tarfile.BLKTYPE)],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused_whole(case, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    archive = save(tmp_path, tar(entry("fine", b"fine"), *HOSTILE[case]), "bad.tar")
    with pytest.raises(FetchError, match=r"bad\.tar is refused: member") as caught:
        unpack(archive, inner / "into")
    assert HOSTILE[case][-1][0].name in str(caught.value) or len(HOSTILE[case]) > 2
    assert list(inner.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tar", "inner"]
    (inner / "into").mkdir()
    (inner / "into/mine").write_text("mine")
    with pytest.raises(FetchError, match="is refused"):
        unpack(archive, inner / "into")
    assert listing(inner) == {"into": "/", "into/mine": "mine"}


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_a_hostile_zip(name, tmp_path):
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(name, "x")
    with pytest.raises(FetchError, match="is refused"):
        unpack(archive, tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_a_hostile_link_in_a_zip(tmp_path):
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as made:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, "/etc/passwd")
    with pytest.raises(FetchError, match="absolute path '/etc/passwd'"):
        unpack(archive, tmp_path / "into")


def test_a_file_that_comes_twice_replaces_a_link_and_is_not_written_through_it(tmp_path):
    data = tar(entry("victim", b"safe"), link("l", "victim"), entry("l", b"new"))
    unpack(save(tmp_path, data), tmp_path / "into")
    assert listing(tmp_path / "into") == {"l": "new", "victim": "safe"}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("debian", [False, True])
def test_a_truncated_archive_leaves_nothing(suffix, debian, tmp_path):
    noise = os.urandom(200_000)
    whole = tar(entry("a", noise), entry("b", noise))
    pack = COMPRESSIONS[suffix]
    data = deb(whole, suffix, pack) if debian else pack(whole)
    archive = save(tmp_path, data[: len(data) // 2])
    with pytest.raises(FetchError, match="is damaged"):
        unpack(archive, tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_flipped_bit_behind_the_last_member_is_seen(tmp_path):
    data = bytearray(gzip.compress(TREE))
    data[-5] ^= 1  # the checksum
    with pytest.raises(FetchError, match="is damaged"):
        unpack(save(tmp_path, bytes(data)), tmp_path / "into")


def test_a_damaged_zip(tmp_path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a", b"hello hello")
    archive.write_bytes(archive.read_bytes().replace(b"hello hello", b"hellO hello"))
    with pytest.raises(FetchError, match="is damaged"):
        unpack(archive, tmp_path / "into")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an archive at all",
        b"!<arch>\n" + b"x" * 60,
        ar(("debian-binary", b"2.0\n")),
        b"!<arch>\n" + b"debian-binary".ljust(48) + b"-4".ljust(10) + b"`\n",
        b"PK\x03\x04nonsense",
        b"\x1f\x8bnonsense",
        b"BZhnonsense",
        b"\xfd7zXZ\x00nonsense",
        b"\x28\xb5\x2f\xfdnonsense",
    ],
)
def test_what_is_no_archive(data, tmp_path):
    with pytest.raises(FetchError):
        unpack(save(tmp_path, data), tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300), st.sampled_from([b"", b"!<arch>\n", b"PK\x03\x04", b"\x1f\x8b"]))
def test_any_bytes_end_in_a_fetch_error(tmp_path_factory, data, magic):
    folder = tmp_path_factory.mktemp("any")
    with pytest.raises(FetchError):
        unpack(save(folder, magic + data), folder / "into")


def test_progress_is_shown(tmp_path, heard):
    unpack(save(tmp_path, TREE, "x.tar"), tmp_path / "into", reporter=heard)
    assert heard.tasks == ["unpacking x.tar"]
    assert heard.updates
