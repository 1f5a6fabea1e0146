from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from builder.cache import contents, exclusive, in_use, leftovers, measure, remove, whole
from builder.paths import Cache


def filled(root: Path) -> Cache:
    cache = Cache(root=root)
    for name in (
        "work/abc/build/x.o",
        "environments/tmp-1/bin/python",
        "environments/uv/wheel",
        "toolchains/.cu118-1.xy.part/bin/nvcc",
        "toolchains/cu118-old/bin/nvcc",
        "toolchains/cu118-new/bin/nvcc",
        "store/key/x.whl",
        "downloads/ab/hash/file",
    ):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 5000)
    return cache


def test_leftovers_are_what_nobody_can_use_again(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    found = {
        r.path.relative_to(tmp_path).as_posix()
        for r in leftovers(cache, current_toolchains=frozenset({"cu118-new"}))
    }
    assert found == {
        "work/abc",
        "environments/tmp-1",
        "toolchains/.cu118-1.xy.part",
        "toolchains/cu118-old",
    }


def test_removing_removes_that_and_nothing_else(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    remove(tuple(leftovers(cache, current_toolchains=frozenset({"cu118-new"}))))
    assert sorted(
        p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()
    ) == [
        "downloads/ab/hash/file",
        "environments/uv/wheel",
        "store/key/x.whl",
        "toolchains/cu118-new/bin/nvcc",
    ]
    remove(tuple(whole(cache, ("store", "downloads"))))
    assert not any((tmp_path / "store").iterdir())
    assert not any((tmp_path / "downloads").iterdir())


def test_hard_links_count_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 40960)
    os.link(tmp_path / "a", tmp_path / "b")
    size, files = measure(tmp_path)
    assert files == 2
    assert 40960 <= size < 2 * 40960


def test_every_part_is_listed_even_when_the_cache_is_empty(tmp_path: Path) -> None:
    assert {part.size for part in contents(Cache(root=tmp_path / "none"))} == {0}


def test_nobody_prunes_while_a_builder_works(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    ask = (
        "from pathlib import Path\nfrom builder.cache import exclusive\n"
        "from builder.paths import Cache\n"
        f"with exclusive(Cache(root=Path({str(tmp_path)!r}))) as alone: print(alone)"
    )

    def alone_elsewhere() -> str:
        return subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, check=True
        ).stdout.strip()

    with in_use(cache), in_use(cache):
        assert alone_elsewhere() == "False"
    assert alone_elsewhere() == "True"
    with exclusive(cache) as alone:
        assert alone
