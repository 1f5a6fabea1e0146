"""Whether files are there, from one listing of each folder: Drive takes long over single files."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor


class Folders:
    """Listings of folders, each read once. Safe to be used by several threads."""

    def __init__(self) -> None:
        self._files: dict[str, frozenset[str]] = {}
        self._alike: dict[str, dict[str, str]] = {}

    def read(self, paths: Iterable[str], jobs: int) -> None:
        """List the folders of these files beforehand, `jobs` at a time."""
        wanted = {os.path.dirname(path) for path in paths} - self._files.keys()  # noqa: PTH120 -- text, as Darknet has it
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(self._listing, sorted(wanted)))

    def has(self, path: str) -> bool:
        """Whether this is a file."""
        folder, name = os.path.split(path)
        return name in self._listing(folder)

    def alike(self, path: str) -> str | None:
        """A file whose name differs only in capitals or in how its accents are stored."""
        folder, name = os.path.split(path)
        if folder not in self._alike:
            self._alike[folder] = {_key(other): other for other in self._listing(folder)}
        found = self._alike[folder].get(_key(name))
        return None if found is None else os.path.join(folder, found)  # noqa: PTH118 -- text, as Darknet has it

    def _listing(self, folder: str) -> frozenset[str]:
        found = self._files.get(folder)
        if found is None:
            try:
                with os.scandir(folder or ".") as entries:
                    found = frozenset(entry.name for entry in entries if entry.is_file())
            except OSError:
                found = frozenset()
            self._files[folder] = found
        return found


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
