"""The build spec: one recipe for one CUDA, fully resolved and frozen, and the key over it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from builder.fetch.artifact import Artifact

SPEC_SCHEMA = 1
BUILDER_FORMAT = 1
"""Raised when the builder itself changes the bytes it makes from the same inputs."""
COMPANION_FORMAT = 1
"""The same for companions, so that the keys of recipes without any stay as they are."""


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


class CompanionSpec(_Frozen):
    """An empty wheel in another package's name, built with the wheel that takes its place."""

    format: int = COMPANION_FORMAT
    name: str
    """Normalised (PEP 503)."""
    version: str
    """Without the local part: ``4.14.0.93.99``."""
    summary: str

    def filename(self, spec: BuildSpec) -> str:
        """``opencv_python-4.14.0.93.99+cu118-1-py3-none-any.whl``.

        It has the build tag too: a revision's companions name other bytes than the last one's.
        """
        name = self.name.replace("-", "_")
        return f"{name}-{self.version}+{spec.cuda}-{spec.revision}-py3-none-any.whl"


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
    companions: tuple[CompanionSpec, ...] = ()
    """Empty wheels built with this one, sorted by name; ``dependencies`` has them too."""

    @model_serializer(mode="wrap")
    def _without_no_companions(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What has none is written, and keyed, as before there were any.
        data: dict[str, Any] = write(self)
        if not self.companions:
            data.pop("companions", None)
        return data

    @property
    def project_name(self) -> str:
        """The wheel's project name, normalised (PEP 503)."""
        return canonicalize_name(self.recipe)

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
