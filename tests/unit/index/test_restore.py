"""What the ledger holds of files, put back into a site that lost it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from index.site.add import add_wheels
from index.site.finish import finish
from index.site.placing import Placing
from index.site.restore import restore
from tests.index_kit import TIME, opened, tree

MakeWheel = Callable[..., Path]
TINY, OTHER = "tiny_gpu-1.0+cu118-1-py3-none-any.whl", "tiny_gpu-1.0+cu118-2-py3-none-any.whl"
GUARD = "files/tiny_gpu-1.0+cu118.tar.gz"


@pytest.fixture(params=["files", "../wheels"], ids=["in-the-site", "beside-it"])
def folder(request: pytest.FixtureRequest, make_wheel: MakeWheel, tmp_path: Path) -> str:
    """A site with two wheels and a guard; where its wheels are, as seen from it."""
    where = str(request.param)
    place = (tmp_path / "site" / where).resolve()
    place.mkdir(parents=True)
    with opened(tmp_path) as site:
        placing = Placing(folder=place, address=where, uploaded=TIME)
        add_wheels(site, [make_wheel(TINY), make_wheel(OTHER)], placing)
        finish(site, uploaded=TIME)
    assert (tmp_path / "site" / GUARD).is_file()
    return where


def test_what_is_lost_or_damaged_is_put_back(folder: str, tmp_path: Path) -> None:
    before = tree(tmp_path)
    metadata = tmp_path / "site" / folder / f"{OTHER}.metadata"
    metadata.write_text("Name: something-else\n")
    for lost in (f"{folder}/{TINY}.metadata", GUARD):
        (tmp_path / "site" / lost).unlink()
    with opened(tmp_path) as site:
        told = restore(site)
    names = [GUARD, f"{folder}/{TINY}.metadata", f"{folder}/{OTHER}.metadata"]
    assert told == sorted(names)
    after = tree(tmp_path)
    assert {path: after[path] for path in before if "cache" not in path} == {
        path: before[path] for path in before if "cache" not in path
    }


def test_what_is_right_is_not_touched(folder: str, tmp_path: Path) -> None:
    guard = tmp_path / "site" / GUARD
    stamp = guard.stat().st_mtime_ns
    with opened(tmp_path) as site:
        assert restore(site) == []
    assert guard.stat().st_mtime_ns == stamp


def test_a_wheel_is_nowhere_else_and_one_elsewhere_has_nothing_here(
    make_wheel: MakeWheel, tmp_path: Path
) -> None:
    with opened(tmp_path) as site:
        placing = Placing(folder=None, address="https://files.example/w", uploaded=TIME)
        add_wheels(site, [make_wheel(TINY)], placing)
        finish(site, uploaded=TIME)
        (tmp_path / "site" / GUARD).unlink()
        assert restore(site) == [GUARD]
        assert not list((tmp_path / "site").rglob("*.metadata"))
