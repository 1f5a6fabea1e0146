"""Where the builder keeps things. Nothing is ever written outside these folders and `--dist`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UsageError

CACHE_DIR_VARIABLE = "BUILDER_CACHE_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The folders below one cache root; each is made on first use by its owner."""

    root: Path

    @classmethod
    def default(cls) -> Cache:
        """The cache named by ``BUILDER_CACHE_DIR``, else the user's own cache folder.

        Raises:
            UsageError: neither is known.
        """
        named = os.environ.get(CACHE_DIR_VARIABLE)
        if named:
            return cls.at(Path(named))
        import platformdirs  # only where it decides

        return cls.at(platformdirs.user_cache_path("gpu-wheelhouse"))

    @classmethod
    def at(cls, folder: Path) -> Cache:
        """The cache in a folder that somebody named; ``~`` is the user's home.

        A shell fills that in before a program sees it, but not in ``--cache-dir=~/x``, and nobody
        does in a workflow's or a container's variables.

        Raises:
            UsageError: the folder is in a home nobody knows: it is no folder called ``~``.
        """
        try:
            return cls(root=folder.expanduser().resolve())
        except RuntimeError as error:
            raise UsageError(
                f"no cache folder: '{folder}' is in a home folder, and none is known",
                remedy=f"name a folder with --cache-dir or {CACHE_DIR_VARIABLE}, or set HOME",
            ) from error

    @property
    def downloads(self) -> Path:
        """Finished downloads by sha256: ``downloads/ab/<sha256>/<file name>``."""
        return self.root / "downloads"

    @property
    def toolchains(self) -> Path:
        """Installed prefixes: ``toolchains/<label>-<digest>/``."""
        return self.root / "toolchains"

    @property
    def compile(self) -> Path:
        """The compile cache (sccache's local folder)."""
        return self.root / "compile"

    @property
    def store(self) -> Path:
        """Finished wheels by build key: ``store/<key>/``."""
        return self.root / "store"

    @property
    def work(self) -> Path:
        """Builds under way; anything here may be deleted when no builder runs."""
        return self.root / "work"

    @property
    def logs(self) -> Path:
        """One log file per build."""
        return self.root / "logs"

    @property
    def environments(self) -> Path:
        """Verification environments and the installer cache they hard-link from."""
        return self.root / "environments"

    @property
    def locks(self) -> Path:
        """Lock files shared by builders on this cache."""
        return self.root / "locks"


def home_folder() -> Path | None:
    """The user's home, or None where nobody knows it: a container's user may have none."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def report_path(wheel: Path, python: str) -> Path:
    """Where a verification report lies: ``X.whl`` and ``3.13`` → ``X.whl.verify.cp313.json``."""
    return wheel.with_name(f"{wheel.name}.verify.cp{python.replace('.', '')}.json")
