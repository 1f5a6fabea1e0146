"""Where the builder keeps things. Nothing is ever written outside these folders and `--dist`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CACHE_DIR_VARIABLE = "BUILDER_CACHE_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The folders below one cache root; each is made on first use by its owner."""

    root: Path

    @classmethod
    def default(cls) -> Cache:
        """The cache named by ``BUILDER_CACHE_DIR``, else the user's own cache folder."""
        named = os.environ.get(CACHE_DIR_VARIABLE)
        if named:
            return cls(root=Path(named).expanduser().resolve())
        import platformdirs  # only where it decides

        return cls(root=platformdirs.user_cache_path("gpu-wheelhouse").resolve())

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


def report_path(wheel: Path, python: str) -> Path:
    """Where a verification report lies: ``X.whl`` and ``3.13`` → ``X.whl.verify.cp313.json``."""
    return wheel.with_name(f"{wheel.name}.verify.cp{python.replace('.', '')}.json")
