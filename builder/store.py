"""The store: finished wheels by build key, each entry put in place whole or not at all.

An entry is a folder ``<key>/`` with the wheel, its record (``X.whl.json``), its companions with
theirs and, beside them, what was verified (``X.whl.verify.cp313.json``), which may come later and
may be replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import BuilderError
from builder.ui import Reporter, Silent
from index.files import atomic_folder, copy_file

if TYPE_CHECKING:
    from index.records import Record

KEY = re.compile(r"[0-9a-f]{32}")
_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCompanion:
    """An empty wheel that was made with a finished one, and its record."""

    wheel: Path
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWheel:
    """One finished wheel.

    Attributes:
        key: Its build key.
        wheel: The wheel's path inside the store.
        record: Its record.
        companions: The empty wheels it requires, by file name.
    """

    key: str
    wheel: Path
    record: Record
    companions: tuple[StoredCompanion, ...] = ()

    @property
    def folder(self) -> Path:
        """The entry's folder; verification reports go there too."""
        return self.wheel.parent

    def reports(self) -> tuple[Path, ...]:
        """Every verification report of this wheel, sorted by name."""
        prefix = f"{self.wheel.name}.verify."
        return tuple(
            sorted(
                path
                for path in self.folder.iterdir()
                if path.name.startswith(prefix) and path.suffix == ".json"
            )
        )


class Store:
    """Finished wheels below one folder.

    A damaged entry (a file missing or of another size, a record that cannot be read or belongs to
    another key) counts as absent, and the reporter is told; the next `put` replaces it.

    Args:
        root: The store's folder; made on the first `put`.
        reporter: Told of damaged entries.
    """

    def __init__(self, root: Path, *, reporter: Reporter | None = None) -> None:
        self.root = root
        self._reporter = reporter or Silent()

    def get(self, key: str, *, hashed: bool = False) -> StoredWheel | None:
        """The finished wheel of a key, or None.

        Args:
            key: The build key.
            hashed: Read the wheel and compare its sha256 too, not its size alone.
        """
        folder = self._folder(key)
        if not folder.is_dir():
            return None
        entry, fault = _read(folder, key, hashed=hashed)
        if fault is not None:
            self._reporter.warn(f"the store's entry {key} is damaged ({fault}); it does not count")
        return entry

    def put(
        self,
        key: str,
        wheel: Path,
        record: Record,
        *,
        companions: Sequence[tuple[Path, Record]] = (),
    ) -> StoredWheel:
        """Copy a finished wheel, its companions and their records into the store.

        If another builder has put the same key there meanwhile, theirs is kept.

        Raises:
            BuilderError: a wheel is not the one its record describes.
        """
        from index.records import record_path, write_record

        wheels = ((wheel, record), *companions)
        for one, its in wheels:
            _must_fit(key, one, its)
        with self._locked():
            folder = self._folder(key)
            there = self.get(key, hashed=True)
            if there is not None:
                return there
            self._discard(folder)
            with atomic_folder(folder) as temporary:
                for one, its in wheels:
                    copy_file(one, temporary / one.name)
                    write_record(its, temporary / one.name)
                    assert record_path(temporary / one.name).is_file()
        stored, fault = _read(folder, key, hashed=False)
        if stored is None:
            raise BuilderError(f"the store's entry {key} did not last: {fault}")
        return stored

    def keys(self) -> tuple[str, ...]:
        """The keys of every entry, sorted; `get` says which are whole."""
        if not self.root.is_dir():
            return ()
        folders = (path.name for path in self.root.iterdir() if path.is_dir())
        return tuple(sorted(name for name in folders if KEY.fullmatch(name)))

    def find(self, prefix: str) -> tuple[str, ...]:
        """The keys that start with ``prefix``."""
        return tuple(key for key in self.keys() if key.startswith(prefix))

    def _folder(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise BuilderError(f"'{key}' is no build key (32 hexadecimal digits)")
        return self.root / key

    def _discard(self, folder: Path) -> None:
        """Remove a folder, renamed first, so that half of an entry is never taken for one."""
        if not folder.exists():
            return
        doomed = folder.with_name(f".{folder.name}.gone.part")
        shutil.rmtree(doomed, ignore_errors=True)
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / _LOCK):
            yield


def _read(folder: Path, key: str, *, hashed: bool) -> tuple[StoredWheel | None, str | None]:
    """The entry in a folder, or what is wrong with it."""
    found = {wheel: _record(wheel) for wheel in sorted(folder.glob("*.whl"))}
    mains: list[StoredWheel] = []
    companions: list[StoredCompanion] = []
    faults: list[str] = []
    for wheel, record in found.items():
        if isinstance(record, str):
            faults.append(record)
        elif record.companion_of is not None:
            companions.append(StoredCompanion(wheel=wheel, record=record))
        else:
            mains.append(StoredWheel(key=key, wheel=wheel, record=record))
    if len(mains) + len(faults) != 1:
        return None, f"it holds {len(mains) + len(faults)} wheels"
    if faults:
        return None, faults[0]
    entry = replace(mains[0], companions=tuple(companions))
    whole = [(one.wheel, one.record) for one in companions]
    for wheel, its in [(entry.wheel, entry.record), *whole]:
        fault = _unfit(key, wheel, its, hashed=hashed)
        if fault is not None:
            return None, fault
    missing = _required(entry.record) - {one.record.name for one in companions}
    if missing:
        return None, f"without the companion {min(missing)}"
    return entry, None


def _record(wheel: Path) -> Record | str:
    """The record beside a wheel, or what is wrong with it."""
    from index.records import read_record, record_path

    try:
        return read_record(record_path(wheel))
    except OSError:
        return f"{record_path(wheel).name} is missing"
    except ValueError:  # pydantic's error is one
        return f"{record_path(wheel).name} is no record"


def _required(record: Record) -> set[str]:
    """The names of the companions a wheel was built with."""
    return {one["name"] for one in (record.build_spec or {}).get("companions", ())}


def _unfit(key: str, wheel: Path, record: Record, *, hashed: bool) -> str | None:
    if record.build_key != key:
        return f"its record is of the key {record.build_key}"
    try:
        return _fault(wheel, record, hashed=hashed)
    except OSError as error:  # taken away or closed to us meanwhile
        return f"{wheel.name}: {error.strerror}"


def _fault(wheel: Path, record: Record, *, hashed: bool) -> str | None:
    if record.filename != wheel.name:
        return f"{wheel.name} is called {record.filename} in its record"
    size = wheel.stat().st_size
    if size != record.size:
        return f"{wheel.name} has {size} bytes instead of {record.size}"
    if hashed:
        with wheel.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != record.sha256:
            return f"{wheel.name} has another sha256 than its record"
    return None


def _must_fit(key: str, wheel: Path, record: Record) -> None:
    fault = _fault(wheel, record, hashed=True)
    if fault is None and record.build_key != key:
        fault = f"{wheel.name}'s record is of the key {record.build_key}, not {key}"
    if fault is not None:
        raise BuilderError(f"not put into the store: {fault}")
