"""Pages that are made part by part end as those made at once, and rest where nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.site.writer import Writer
from tests.index_kit import tree


def stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    old=st.one_of(st.none(), st.text("ab\n", max_size=12)),
    parts=st.lists(st.text("abé\n", max_size=4), max_size=5),
)
def test_parts_are_written_as_the_whole_is(
    tmp_path: Path, old: str | None, parts: list[str]
) -> None:
    page = tmp_path / "page.html"
    page.unlink(missing_ok=True)
    if old is not None:
        page.write_text(old)
    writer = Writer(tmp_path)
    writer.write_parts("page.html", iter(parts))
    text = "".join(parts)
    assert (page.read_text() if page.is_file() else "") == text
    changed = text != (old or "")
    assert (writer.done.pages, writer.done.unchanged) == (["page.html"] * changed, 1 - changed)
    assert set(tree(tmp_path)) <= {"page.html"}


def test_what_is_the_same_is_not_touched(tmp_path: Path) -> None:
    for _ in range(2):
        Writer(tmp_path).write_parts("a/page.html", ["x" * 10, "y" * 10])
    before = stamp(tmp_path / "a/page.html")
    Writer(tmp_path).write_parts("a/page.html", ["x" * 10 + "y", "", "y" * 9])
    assert stamp(tmp_path / "a/page.html") == before


def test_an_error_half_way_leaves_the_page_as_it_was(tmp_path: Path) -> None:
    Writer(tmp_path).write("page.html", "old text")

    def broken() -> Iterator[str]:
        yield "old other"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        Writer(tmp_path).write_parts("page.html", broken())
    assert tree(tmp_path) == {"page.html": b"old text"}


def test_a_page_that_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            Writer(tmp_path).write("page.html", "text")
    assert tree(tmp_path) == {}
    Writer(tmp_path).write("page.html", "text")
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644
