"""What a wheel was made of: its sources, the toolchain's packages, the programs around the build.

Everything here follows from what the build key covers (hashes and file names, never the places that
files were fetched from), so that one key gives one list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion

from builder.build.python_env import build_env_artifacts, pinned_tools
from builder.plan.spec import BuildSpec, SourceSpec
from builder.toolchain.pins import HOST, Package, Pins, load_pins
from builder.toolchain.redist import manifest_pins

_DEB = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)_(?P<version>[^_]+)_(?P<arch>[a-z0-9-]+)\.deb")
_ORIG = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)_(?P<version>[^_]+)\.orig\.tar\.\w+")
_PROGRAMS = ("bin", "nvvm/bin")
"""Folders of a prefix whose files run, and of which nothing is compiled or linked into a wheel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a file's name says of the package it is.

    Attributes:
        kind: Type of its package URL; ``generic`` where the name alone does not tell.
        name: The package's.
        version: Its version, or None where the name has none.
        architecture: Debian's, or None.
    """

    kind: Literal["pypi", "deb", "generic"]
    name: str
    version: str | None
    architecture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One thing that went into a wheel or helped to make it.

    Attributes:
        role: ``source``, ``native library ffmpeg``, ``python headers``, ``toolchain host``,
            ``toolchain cu118``, ``build environment`` or ``grafted`` (a library that repair put
            into the wheel).
        origin: What it is.
        filename: Of the package or library; None for what has no file of its own.
        sha256: Of that file; None with no file.
        patches: (path relative to the recipe, sha256) of what was changed in it, in order.
        licences: SPDX expressions, where they are not the wheel's own.
        tool: Whether it only ran: nothing of it is in the wheel.
        facts: Further facts, name and value.
    """

    role: str
    origin: Origin
    filename: str | None = None
    sha256: str | None = None
    patches: tuple[tuple[str, str], ...] = ()
    licences: tuple[str, ...] = ()
    tool: bool = False
    facts: tuple[tuple[str, str], ...] = ()


def origin_of(filename: str, *, name: str | None = None) -> Origin:
    """What a file name says; ``name`` where its package is known by another one.

    A wheel is PyPI's form of package and a ``.deb`` Debian's. A source archive's name does not say
    who published it.
    """
    try:
        if filename.endswith(".whl"):
            project, version, _, _ = parse_wheel_filename(filename)
            return Origin(kind="pypi", name=project, version=str(version))
        if found := _DEB.fullmatch(filename):
            return Origin(
                kind="deb", name=found["name"], version=found["version"], architecture=found["arch"]
            )
        if found := _ORIG.fullmatch(filename):
            return Origin(kind="generic", name=name or found["name"], version=found["version"])
        project, version = parse_sdist_filename(filename)
        return Origin(kind="generic", name=name or project, version=str(version))
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return Origin(kind="generic", name=name or filename, version=None)


def materials(spec: BuildSpec) -> tuple[Material, ...]:
    """Everything but what repair grafts: sources, headers, toolchain, build environment.

    Raises:
        UsageError: there is no toolchain for the spec's CUDA.
        RecipeError: a pin file is not valid.
    """
    toolchain = (*_toolchain(HOST), *_toolchain(spec.cuda))
    return (*_sources(spec), *_python_headers(spec), *toolchain, *_environment())


def _sources(spec: BuildSpec) -> Iterator[Material]:
    """The wheel's own, then those of each native library that was built for it."""
    for source in spec.sources:
        yield _source("source", source, source.licenses)
    for native in spec.natives:
        for source in native.sources:
            licences = () if source.only_runs else native.licenses
            yield _source(f"native library {native.name}", source, licences)


def _source(role: str, source: SourceSpec, licences: tuple[str, ...] = ()) -> Material:
    return Material(
        role=role,
        origin=origin_of(source.filename, name=source.name),
        filename=source.filename,
        sha256=source.sha256,
        patches=source.patches,
        licences=licences,
        tool=source.only_runs,
    )


def _python_headers(spec: BuildSpec) -> Iterator[Material]:
    """Those of the one Python a wheel is for; the limited API's are the host toolchain's."""
    if spec.python is not None:
        version, _, digest = spec.python_headers.rpartition(" ")
        yield Material(
            role="python headers",
            origin=Origin(kind="generic", name="cpython", version=version or spec.python),
            facts=(("headers-sha256", digest),),
        )


def _toolchain(label: str) -> Iterator[Material]:
    pins = load_pins(label)
    for package in sorted(pins.package, key=lambda one: one.filename):
        yield Material(
            role=f"toolchain {label}",
            origin=origin_of(package.filename),
            filename=package.filename,
            sha256=package.sha256,
            tool=_only_programs(package),
        )
    yield from _redistributed(pins)


def _only_programs(package: Package) -> bool:
    return all(
        place in _PROGRAMS or place.startswith(tuple(f"{folder}/" for folder in _PROGRAMS))
        for place in package.place.values()
    )


def _redistributed(pins: Pins) -> Iterator[Material]:
    """Components of NVIDIA's archive: its manifest, which is pinned, has the hash of each."""
    for product in pins.redist:
        manifest = manifest_pins().find(product)
        for component in sorted(product.components):
            yield Material(
                role=f"toolchain {pins.label}",
                origin=Origin(kind="generic", name=component, version=product.version),
                facts=(("manifest-sha256", manifest.sha256),),
            )


def _environment() -> Iterator[Material]:
    for artifact in build_env_artifacts():
        yield Material(
            role="build environment",
            origin=origin_of(artifact.filename),
            filename=artifact.filename,
            sha256=artifact.sha256,
            tool=True,
        )
    for name, version in pinned_tools().items():
        origin = Origin(kind="pypi", name=name, version=version)
        yield Material(role="build environment", origin=origin, tool=True)
