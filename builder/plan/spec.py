"""The build spec: one recipe for one CUDA, fully resolved and frozen, and the key over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from builder.engine import HERMETIC
from builder.fetch.artifact import Artifact
from builder.recipe.files import NATIVE_FOLDER
from builder.recipe.schema import Archive, Source

SPEC_SCHEMA = 1
BUILDER_FORMAT = 3
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
    licenses: tuple[str, ...] = ()
    """SPDX expressions that the wheel has for this source, besides its project's own."""
    license_files: tuple[str, ...] = ()
    """Files of the project that go into the wheel's licences for it."""

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = write(self)
        for name in ("licenses", "license_files"):
            if not getattr(self, name):
                data.pop(name, None)
        return data

    @property
    def only_runs(self) -> bool:
        """Whether it is a program for the build, of which nothing ends in the wheel."""
        return self.into.startswith("tools/")

    def artifact(self) -> Artifact:
        """What to fetch."""
        return Artifact(
            filename=self.filename,
            source=self.source,
            sha256=self.sha256,
            size=self.size,
            mirrors=self.mirrors,
        )


def source_spec(source: Archive, patches: Mapping[str, str]) -> SourceSpec:
    """What a recipe says of a source, with the hashes of its patches (by path)."""
    return SourceSpec(
        name=source.name,
        source=source.source,
        filename=source.filename,
        sha256=source.sha256,
        size=source.size,
        mirrors=source.mirrors,
        into=source.into,
        strip=source.strip,
        include=tuple(sorted(source.include)),
        patches=tuple((patch, patches[patch]) for patch in source.patches),
        licenses=source.licenses if isinstance(source, Source) else (),
        license_files=source.license_files if isinstance(source, Source) else (),
    )


class NativeSpec(_Frozen):
    """One native library that is built, in the wheel's own build, before the wheel."""

    name: str
    version: str
    licenses: tuple[str, ...] = ()
    """SPDX expressions of what of it ends in the wheel."""
    license_files: tuple[str, ...] = ()
    """Files that go into the wheel's licences, relative to the library's project."""
    needs: tuple[str, ...] = ()
    """Names of the natives it is built with, sorted."""
    sources: tuple[SourceSpec, ...]
    project: tuple[tuple[str, str], ...]
    """(path relative to its recipe, sha256) of its project files, sorted."""

    @property
    def into(self) -> str:
        """Its folder in the rendered project, ``native/ffmpeg``."""
        return f"{NATIVE_FOLDER}/{self.name}"


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
    """``cp39`` for an abi3 wheel with that floor, ``py3`` for one that has no Python binding,
    ``each`` for one that is for ``python`` alone."""
    python: str | None = None
    """The one Python this wheel is for, ``3.13``; None where one wheel serves several."""
    python_headers: str = ""
    """That Python's release and the digest of its headers, ``3.13.0 9f86d0…``, as found on the
    machine that plans (`builder.build.python_headers`); empty without one."""
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
    natives: tuple[NativeSpec, ...] = ()
    """Native libraries built first, each after what it needs."""
    native_rules: str = ""
    """sha256 of the CMake code that builds them; empty without any."""
    engine: str = HERMETIC
    """Where it is compiled: paths differ, and so do bytes, so each engine has keys of its own."""

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What has none is written, and keyed, as before there were any.
        data: dict[str, Any] = write(self)
        for name in ("companions", "natives", "native_rules", "python", "python_headers"):
            if not getattr(self, name):
                data.pop(name, None)
        if self.engine == HERMETIC:
            data.pop("engine", None)
        return data

    @property
    def project_name(self) -> str:
        """The wheel's project name, normalised (PEP 503)."""
        return canonicalize_name(self.recipe)

    @property
    def interpreter(self) -> str:
        """The wheel's tags up to the platform: ``cp313-cp313``, ``cp39-abi3``, ``py3-none``."""
        if self.python is not None:
            tag = f"cp{self.python.replace('.', '')}"
            return f"{tag}-{tag}"
        return f"{self.py_api}-{'abi3' if self.py_api.startswith('cp') else 'none'}"

    @property
    def public_version(self) -> str:
        """``4.14.0.94+cu118``."""
        return f"{self.version}+{self.cuda}"

    @property
    def key(self) -> str:
        """The build key: 32 hexadecimal digits over everything that can change the bytes."""
        return hashlib.sha256(canonical(self.keyed()).encode()).hexdigest()[:32]

    @property
    def archives(self) -> dict[str, SourceSpec]:
        """Every source to fetch, the natives' too: ``opencv-contrib-python``, ``ffmpeg/make``."""
        found = {source.name: source for source in self.sources}
        for native in self.natives:
            found |= {f"{native.name}/{source.name}": source for source in native.sources}
        return found

    @property
    def further_licences(self) -> tuple[SourceSpec | NativeSpec, ...]:
        """What may bring the wheel licences besides its project's own."""
        sources = [one for one in self.sources if one.licenses or one.license_files]
        return (*sources, *self.natives)

    @property
    def document(self) -> str:
        """``build-spec.json``: the key and what it covers, in a project to build and in a wheel."""
        data = {"key": self.key, "spec": self.keyed()}
        return json.dumps(data, indent=1, sort_keys=True) + "\n"

    def keyed(self) -> dict[str, Any]:
        """The spec as plain data, without what cannot change the bytes (mirrors, sizes)."""
        data = self.model_dump(mode="json")
        for part in (data, *data.get("natives", ())):
            for source in part["sources"]:
                del source["mirrors"], source["size"], source["source"]
        return data


def canonical(data: object) -> str:
    """JSON that is the same text for the same data."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
