"""The rules over names and links, against whatever a hostile archive may say."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.errors import FetchError
from builder.fetch import unpack
from builder.fetch.members import Tree, UnsafeError, link_text, matcher, name_parts

COMPONENT = st.sampled_from(["", ".", "..", "a", "b", "c", "...", "a b", "é", "\\", "~"])
PATHS = st.builds("/".join, st.lists(COMPONENT, min_size=1, max_size=6))
NAMES = PATHS | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(NAMES)
@example("a/../..")
@example("/etc")
@example("a/..")
def test_a_name_is_inside_or_refused(name):
    try:
        parts = name_parts(name)
    except UnsafeError:
        assert name.startswith("/") or ".." in name.split("/") or "\0" in name
        return
    assert not {"", ".", ".."} & set(parts)
    inside = os.path.normpath("/root/" + "/".join(parts))
    assert inside == "/root" or inside.startswith("/root/")


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), NAMES)
def test_a_rewritten_link_is_relative_and_inside(link, target):
    try:
        text = link_text(link, target, absolute="rewrite")
    except UnsafeError:
        return
    assert not text.startswith("/")
    end = os.path.normpath("/root/" + "/".join((*link[:-1], text)))
    assert end == "/root" or end.startswith("/root/")


ENTRY = st.tuples(st.sampled_from(["file", "folder", "link", "hard"]), PATHS, PATHS)


@settings(max_examples=100, deadline=None)
@given(st.lists(ENTRY, min_size=1, max_size=8), st.integers(0, 2), st.booleans())
@example([("link", "a", "a//")], 0, False)
@example([("link", "a/b/c", "."), ("link", "b", "a/b/c/../../../.."), ("file", "b/a", "")], 0, True)
def test_whatever_an_archive_says_nothing_is_put_or_leads_outside(
    tmp_path_factory, entries, strip, rewrite
):
    base = tmp_path_factory.mktemp("base")
    outside = base / "outside"
    outside.mkdir()
    file = io.BytesIO()
    kinds = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}
    with tarfile.open(fileobj=file, mode="w") as archive:
        for kind, name, target in entries:
            info = tarfile.TarInfo(name)
            info.type = kinds.get(kind, tarfile.REGTYPE)
            info.linkname = target
            archive.addfile(info, io.BytesIO())
    path = base / "archive"
    path.write_bytes(file.getvalue())
    into = base / "in" / "to"
    try:
        unpack(path, into, strip=strip, absolute_links="rewrite" if rewrite else "refuse")
    except FetchError:
        assert not into.exists()
    else:
        for found in into.rglob("*"):
            real = Path(os.path.realpath(found))
            assert real == into or into in real.parents, found
    assert list((base / "in").iterdir()) == ([into] if into.exists() else [])
    assert list(outside.iterdir()) == []
    assert sorted(entry.name for entry in base.iterdir()) == ["archive", "in", "outside"]


@pytest.mark.parametrize(
    ("link", "target", "text"),
    [
        (("a",), "b/c", "b/c"),
        (("a", "b"), "../c", "../c"),
        (("a", "b"), "..", ".."),
        (("a", "b"), "./../c", "../c"),
        (("a",), "b//", "b"),
        (("a",), "./", "."),
        (("a", "b"), "/c/d", "../c/d"),
        (("a",), "/", "."),
    ],
)
def test_links_that_stay(link, target, text):
    assert link_text(link, target, absolute="rewrite") == text


@pytest.mark.parametrize("target", ["..", "../x", "b/../../x", "", "b/../c", "\0", "/../x"])
def test_links_that_do_not(target):
    with pytest.raises(UnsafeError):
        link_text(("a",), target, absolute="rewrite")


def test_patterns():
    assert matcher(())(("anything",))
    some = matcher(["usr/lib/*.so*", "bin/[ab]"])
    assert some(("usr", "lib", "deep", "x.so.1"))
    assert some(("bin", "a"))
    assert not some(("bin", "c"))
    assert not some(("opt", "usr", "lib", "x.so"))


def test_a_tree_says_what_to_make():
    tree = Tree()
    assert tree.add(("a", "b", "c"), "file") == ([("a",), ("a", "b")], False)
    assert tree.add(("a", "b", "c"), "symlink") == ([], True)
    assert tree.kind(("a", "b", "c")) == "symlink"
    with pytest.raises(UnsafeError, match="goes through 'a/b/c', a symlink"):
        tree.add(("a", "b", "c", "d", "e"), "file")
    assert tree.kind(("a", "b", "c", "d")) is None
