"""The build spec: one recipe for one CUDA, fully resolved and frozen, and the key over it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from builder.fetch.artifact import Artifact

SPEC_SCHEMA = 1
BUILDER_FORMAT = 1
"""Raised when the builder itself changes the bytes it makes from the same inputs."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSpec(_Frozen):
    """One upstream source and what is done to it."""

    name: str
    source: str
    filename: str
    sha256: str
    size: int | None = None
    mirrors: tuple[str, ...] = ()
    into: str
    """Folder below the rendered project it is unpacked to, e.g. ``sources/opencv``."""
    strip: int = 1
    """Leading path components dropped while unpacking."""
    include: tuple[str, ...] = ()
    """fnmatch patterns (after stripping) to unpack; empty means everything."""
    patches: tuple[tuple[str, str], ...] = ()
    """(path relative to the recipe, sha256) in the order applied."""

    def artifact(self) -> Artifact:
        """What to fetch."""
        return Artifact(
            filename=self.filename,
            source=self.source,
            sha256=self.sha256,
            size=self.size,
            mirrors=self.mirrors,
        )


class BuildSpec(_Frozen):
    """Everything that can change a wheel's bytes; nothing left to decide."""

    schema_version: int = SPEC_SCHEMA
    builder_format: int = BUILDER_FORMAT
    recipe: str
    version: str
    """Upstream version, without the local part: ``4.14.0.94``."""
    revision: int
    cuda: str
    """CUDA label, ``cu118``."""
    cuda_version: str
    """``11.8``."""
    profile: str
    architectures: tuple[str, ...]
    """Real machine code, ``("7.5", "8.0")``."""
    ptx: str | None
    """The architecture whose PTX goes in as well, or None."""
    py_api: str
    """``cp39`` for an abi3 wheel with that floor, ``py3`` for one that has no Python binding."""
    requires_python: str
    dependencies: tuple[str, ...]
    defines: tuple[tuple[str, str], ...]
    """CMake definitions, sorted by name."""
    sources: tuple[SourceSpec, ...]
    project: tuple[tuple[str, str], ...]
    """(path relative to the recipe, sha256) of the recipe's own project files, sorted."""
    toolchain: str
    """Digest of the toolchain's pins (host compiler, sysroot, tools and toolkit)."""
    build_env: str = ""
    """Digest of the pins of the Python environment that runs the build (scikit-build-core …)."""
    allowed_libs: tuple[str, ...] = ()
    """File-name patterns repair may put in ``.libs/``."""
    excluded_libs: tuple[str, ...] = ()
    """Soname patterns repair must leave out, found at run time in other packages."""
    run_paths: tuple[str, ...] = ()
    """Folders, relative to site-packages, in which the excluded libraries lie at run time."""

    @property
    def public_version(self) -> str:
        """``4.14.0.94+cu118``."""
        return f"{self.version}+{self.cuda}"

    @property
    def key(self) -> str:
        """The build key: 32 hexadecimal digits over everything that can change the bytes."""
        return hashlib.sha256(canonical(self.keyed()).encode()).hexdigest()[:32]

    def keyed(self) -> dict[str, Any]:
        """The spec as plain data, without what cannot change the bytes (mirrors, sizes)."""
        data = self.model_dump(mode="json")
        for source in data["sources"]:
            del source["mirrors"], source["size"], source["source"]
        return data


def canonical(data: object) -> str:
    """JSON that is the same text for the same data."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
