from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.errors import BuilderError
from builder.paths import report_path
from builder.store import Store
from builder.ui import Silent
from index.records import Record, record_path, write_record

KEY, OTHER = "0123456789abcdef" * 2, "f" * 32
NAME = "hello_cuda-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl"


class Listening(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def record(content: bytes, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "filename": NAME,
        "name": "hello-cuda",
        "version": "1.0+cu118",
        "build_tag": "1",
        "tags": ("py3-none-manylinux_2_31_x86_64",),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "metadata": "Metadata-Version: 2.4\n",
        "metadata_sha256": "0" * 64,
        "build_key": KEY,
        **changes,
    }
    return Record(**values)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "work" / NAME
    path.parent.mkdir()
    path.write_bytes(b"a wheel")
    return path


@pytest.fixture
def reporter() -> Listening:
    return Listening()


@pytest.fixture
def store(tmp_path: Path, reporter: Listening) -> Store:
    return Store(tmp_path / "store", reporter=reporter)


def test_an_empty_store(store: Store) -> None:
    assert store.get(KEY) is None
    assert store.keys() == ()
    assert store.find("0") == ()


def test_put_and_get(store: Store, wheel: Path) -> None:
    put = store.put(KEY, wheel, record(b"a wheel"))
    got = store.get(KEY, hashed=True)
    assert got == put
    assert got.wheel.read_bytes() == b"a wheel"
    assert got.wheel.name == NAME
    assert got.record == record(b"a wheel")
    assert wheel.exists()
    assert store.keys() == store.find("0123") == (KEY,)


def test_a_report_lies_beside_its_wheel(store: Store, wheel: Path) -> None:
    stored = store.put(KEY, wheel, record(b"a wheel"))
    assert stored.reports() == ()
    path = report_path(stored.wheel, "3.13")
    assert path.name == f"{NAME}.verify.cp313.json"
    path.write_text("{}")
    assert stored.reports() == (path,)
    again = store.get(KEY, hashed=True)
    assert again is not None
    assert again.reports() == (path,)


def test_a_second_put_keeps_what_is_there(store: Store, wheel: Path) -> None:
    first = store.put(KEY, wheel, record(b"a wheel"))
    report_path(first.wheel, "3.13").write_text("{}")
    wheel.write_bytes(b"another")
    second = store.put(KEY, wheel, record(b"another"))
    assert second.wheel.read_bytes() == b"a wheel"
    assert len(second.reports()) == 1


EMPTY = "hello-0.9+cu118-1-py3-none-any.whl"


@pytest.fixture
def companion(wheel: Path) -> tuple[Path, Record]:
    path = wheel.with_name(EMPTY)
    path.write_bytes(b"empty")
    changes = {"filename": EMPTY, "name": "hello", "companion_of": "hello-cuda"}
    return path, record(b"empty", **changes)


SPEC = {"companions": [{"name": "hello", "version": "0.9", "summary": "Empty"}]}


def test_companions_are_kept_with_their_wheel(
    store: Store, wheel: Path, companion: tuple[Path, Record]
) -> None:
    whole = record(b"a wheel", build_spec=SPEC)
    put = store.put(KEY, wheel, whole, companions=[companion])
    got = store.get(KEY, hashed=True)
    assert got == put
    assert got.wheel.name == NAME
    assert [one.wheel.name for one in got.companions] == [EMPTY]
    assert got.companions[0].record == companion[1]
    assert got.companions[0].wheel.read_bytes() == b"empty"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(b"em"), "has 2 bytes instead of 5"),
        (lambda path: path.write_bytes(b"EMPTY"), "another sha256"),
        (lambda path: path.unlink(), "without the companion hello"),
        (lambda path: record_path(path).unlink(), "it holds 2 wheels"),
        (
            lambda path: write_record(
                record(b"empty", filename=EMPTY, companion_of="hello-cuda", build_key=OTHER), path
            ),
            f"of the key {OTHER}",
        ),
    ],
)
def test_a_damaged_companion_makes_the_entry_absent(
    store: Store,
    wheel: Path,
    companion: tuple[Path, Record],
    reporter: Listening,
    damage: Any,
    reason: str,
) -> None:
    whole = record(b"a wheel", build_spec=SPEC)
    stored = store.put(KEY, wheel, whole, companions=[companion])
    damage(stored.folder / EMPTY)
    assert store.get(KEY, hashed=True) is None
    assert reason in reporter.warnings[0]
    mended = store.put(KEY, wheel, whole, companions=[companion])
    assert store.get(KEY, hashed=True) == mended


def test_companions_alone_are_no_entry(
    store: Store, wheel: Path, companion: tuple[Path, Record], reporter: Listening
) -> None:
    stored = store.put(KEY, wheel, record(b"a wheel"), companions=[companion])
    drop(stored.folder)
    assert store.get(KEY) is None
    assert "it holds 0 wheels" in reporter.warnings[0]


def test_a_companion_that_is_not_its_records(
    store: Store, wheel: Path, companion: tuple[Path, Record]
) -> None:
    companion[0].write_bytes(b"other")
    with pytest.raises(BuilderError, match="another sha256"):
        store.put(KEY, wheel, record(b"a wheel"), companions=[companion])
    assert store.keys() == ()


def cut(folder: Path) -> None:
    (folder / NAME).write_bytes(b"a whe")


def swap(folder: Path) -> None:
    (folder / NAME).write_bytes(b"A WHEEL")


def drop(folder: Path) -> None:
    (folder / NAME).unlink()


def drop_record(folder: Path) -> None:
    record_path(folder / NAME).unlink()


def cut_record(folder: Path) -> None:
    path = record_path(folder / NAME)
    path.write_bytes(path.read_bytes()[:-20])


def no_record(folder: Path) -> None:
    record_path(folder / NAME).write_text('{"schema_version": 2}')


def wrong_key(folder: Path) -> None:
    write_record(record(b"a wheel", build_key=OTHER), folder / NAME)


def rename(folder: Path) -> None:
    (folder / NAME).rename(folder / f"x{NAME}")


def rename_both(folder: Path) -> None:
    record_path(folder / NAME).rename(folder / f"x{NAME}.json")
    rename(folder)


def another(folder: Path) -> None:
    (folder / f"x{NAME}").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "has 5 bytes instead of 7"),
        (swap, "another sha256"),
        (drop, "it holds 0 wheels"),
        (drop_record, ".json is missing"),
        (cut_record, "is no record"),
        (no_record, "is no record"),
        (wrong_key, f"of the key {OTHER}"),
        (rename, "is missing"),
        (rename_both, "is called"),
        (another, "it holds 2 wheels"),
    ],
)
def test_a_damaged_entry_counts_as_absent_and_is_replaced(
    store: Store, wheel: Path, reporter: Listening, damage: Any, reason: str
) -> None:
    stored = store.put(KEY, wheel, record(b"a wheel"))
    damage(stored.folder)
    assert store.get(KEY, hashed=True) is None
    assert reason in reporter.warnings[0]
    assert KEY in reporter.warnings[0]
    mended = store.put(KEY, wheel, record(b"a wheel"))
    assert mended.wheel.read_bytes() == b"a wheel"
    assert store.get(KEY, hashed=True) == mended
    assert [path.name for path in store.root.iterdir() if path.name != ".lock"] == [KEY]


def test_without_hashing_only_the_size_is_seen(store: Store, wheel: Path) -> None:
    stored = store.put(KEY, wheel, record(b"a wheel"))
    swap(stored.folder)
    assert store.get(KEY) is not None
    assert store.get(KEY, hashed=True) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": 8}, "bytes instead of 8"),
        ({"sha256": "0" * 64}, "another sha256"),
        ({"build_key": OTHER}, f"of the key {OTHER}, not {KEY}"),
        ({"filename": "x.whl"}, "is called x.whl"),
    ],
)
def test_a_wheel_that_is_not_its_records(
    store: Store, wheel: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BuilderError, match=reason):
        store.put(KEY, wheel, record(b"a wheel", **changes))
    assert store.keys() == ()


def test_a_crash_while_putting_leaves_nothing(
    store: Store, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import builder.store

    def full(source: Path, destination: Path) -> None:
        destination.write_bytes(b"a w")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder.store, "copy_file", full)
    with pytest.raises(OSError, match="No space"):
        store.put(KEY, wheel, record(b"a wheel"))
    assert store.keys() == ()
    assert store.get(KEY) is None


def test_what_a_killed_builder_leaves_is_no_entry(store: Store, wheel: Path) -> None:
    store.put(KEY, wheel, record(b"a wheel"))
    (store.root / f".{OTHER}.abc.part").mkdir()
    (store.root / f".{OTHER}.abc.part" / NAME).write_bytes(b"a w")
    assert store.keys() == (KEY,)
    assert store.get(OTHER) is None


@pytest.mark.parametrize("key", ["", "..", "../" + KEY, KEY[:-1], KEY.upper(), f"{KEY}/x"])
def test_what_is_no_key_never_becomes_a_path(store: Store, wheel: Path, key: str) -> None:
    with pytest.raises(BuilderError, match="no build key"):
        store.get(key)
    with pytest.raises(BuilderError, match="no build key"):
        store.put(key, wheel, record(b"a wheel").model_copy(update={"build_key": key}))


PUT = """
import sys
from pathlib import Path
from builder.store import Store
from index.records import read_record
root, key, wheel, record = sys.argv[1:]
Store(Path(root)).put(key, Path(wheel), read_record(Path(record)))
"""


def test_builders_put_the_same_key_at_once(tmp_path: Path, wheel: Path) -> None:
    """All end well, and the entry is whole and of one of them."""
    write_record(record(b"a wheel"), wheel)
    root = tmp_path / "store"
    command = [sys.executable, "-c", PUT, root, KEY, wheel, record_path(wheel)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [child.wait(240) for child in running] == [0, 0, 0]
    assert Store(root).get(KEY, hashed=True) is not None
    assert {path.name for path in root.iterdir()} == {KEY, ".lock"}
