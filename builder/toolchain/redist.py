"""NVIDIA's redistributable archive: pinned manifests that name, hash and locate every component."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from builder.errors import RecipeError, ToolchainError
from builder.fetch.artifact import SHA256, Artifact
from builder.toolchain.pins import DATA, RedistProduct, Sha256
from builder.toolchain.tables import parse_table

PLATFORM = "linux-x86_64"
ARCHIVE = "https://developer.download.nvidia.com/compute"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Manifest(_Frozen):
    """Where a manifest lies and its hash."""

    manifest: str = Field(pattern=rf"^{re.escape(ARCHIVE)}/\S+/redistrib_[0-9.]+\.json$")
    sha256: Sha256

    def artifact(self, product: str) -> Artifact:
        """What to fetch."""
        name = PurePosixPath(self.manifest).name
        return Artifact(filename=f"{product}-{name}", source=self.manifest, sha256=self.sha256)


class ManifestPins(_Frozen):
    """``nvidia-redist.toml``: the manifests there are pins for."""

    schema_: Literal[1] = Field(alias="schema")
    cuda: dict[str, Manifest]
    cudnn: dict[str, Manifest]

    def find(self, product: RedistProduct) -> Manifest:
        """The manifest of a product's version.

        Raises:
            RecipeError: there is no pin for it.
        """
        known = self.cuda if product.product == "cuda" else self.cudnn
        if product.version not in known:
            raise RecipeError(
                f"nvidia-redist.toml: {product.product}: no manifest for {product.version}",
                remedy=f"one of {', '.join(known)}",
            )
        return known[product.version]


@functools.cache
def manifest_pins(*, data: Path = DATA) -> ManifestPins:
    """The pinned manifests.

    Raises:
        RecipeError: the file is not valid.
    """
    path = data / "nvidia-redist.toml"
    return parse_table(path.read_text("utf-8"), ManifestPins, name=path.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One archive of a manifest."""

    name: str
    version: str
    artifact: Artifact
    include: tuple[str, ...]


def components(manifest: str, product: RedistProduct, *, base: str) -> tuple[Component, ...]:
    """The archives of a product's components, from its manifest.

    Args:
        manifest: The manifest's text.
        product: Which components are wanted.
        base: The address of the folder the manifest lies in.

    Raises:
        ToolchainError: the manifest lacks a component for this platform, or is malformed.
    """
    where = f"{product.product} {product.version}'s manifest"
    try:
        data = json.loads(manifest)
    except ValueError as error:
        raise ToolchainError(f"{where} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ToolchainError(f"{where} is not a table of components")
    return tuple(
        _component(data, name, product, base=base, where=where) for name in product.components
    )


def _component(
    data: dict[str, Any], name: str, product: RedistProduct, *, base: str, where: str
) -> Component:
    entry = data.get(name)
    row: Any = entry.get(PLATFORM) if isinstance(entry, dict) else None
    if isinstance(row, dict) and product.variant is not None:
        row = row.get(product.variant)
    if not isinstance(entry, dict) or not isinstance(row, dict):
        variant = f" and {product.variant}" if product.variant else ""
        raise ToolchainError(f"{where} has no '{name}' for {PLATFORM}{variant}")
    path, sha256 = row.get("relative_path"), row.get("sha256")
    if not isinstance(path, str) or not path or path.startswith("/") or ".." in path.split("/"):
        raise ToolchainError(f"{where}: {name}: relative_path is {path!r}")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise ToolchainError(f"{where}: {name}: sha256 is {sha256!r}")
    size = str(row.get("size", ""))
    return Component(
        name=name,
        version=str(entry.get("version", "")),
        include=product.include,
        artifact=Artifact(
            filename=PurePosixPath(path).name,
            source=f"{base}/{path}",
            sha256=sha256,
            size=int(size) if size.isdigit() else None,
        ),
    )
