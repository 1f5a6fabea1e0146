"""What a plan is made from besides recipes and targets: plain data, gathered elsewhere."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.engine import HERMETIC
from builder.fetch.artifact import Artifact
from builder.plan.resolve import RecipeFiles
from builder.recipe.schema import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFacts:
    """One recipe, its folder and the hashes of its files."""

    recipe: Recipe
    folder: Path
    files: RecipeFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixFacts:
    """One part of a toolchain: the host compiler's prefix, a CUDA's, the build environment.

    Attributes:
        name: ``host``, a CUDA label, or ``build-env`` for the Python packages that run a build.
        installed: Whether it is there already.
        artifacts: The packages it is made of, as far as they are pinned one by one.
        download: Bytes of everything it is made of.
        disk: Bytes it takes once installed.
    """

    name: str
    installed: bool
    artifacts: tuple[Artifact, ...]
    download: int
    disk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainFacts:
    """What is known of a CUDA's toolchain without the network.

    Attributes:
        label: CUDA label.
        digest: Digest over its pins, or None where there are none.
        unavailable: Why it cannot be had here, or None.
        parts: Its prefixes.
    """

    label: str
    digest: str | None
    unavailable: str | None = None
    parts: tuple[PrefixFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWheel:
    """One file name an index has given away.

    Attributes:
        filename: The wheel's file name.
        name: Normalised project name.
        version: With its local part, ``4.14.0.94+cu118``.
        build_tag: The revision it was built as.
        key: Its build key, where known.
        profile: Its profile, where known.
        removed: Why it was removed, or None while it is there; the name stays taken.
        headers: Its spec's `python_headers`, where it is for one Python alone.
    """

    filename: str
    name: str
    version: str
    build_tag: str | None
    key: str | None
    profile: str | None
    removed: str | None = None
    headers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything `make_plan` looks at besides the recipes and the target table.

    Attributes:
        toolchains: By CUDA label.
        build_env: Digest of the build environment's pins.
        stored: Keys of finished wheels in the store.
        published: What the published index has, or None where none was named.
        cached: Bytes by sha256 of downloads already here.
        engine: What compiles.
        headers: A spec's `python_headers` for each Python that has any here, by minor version; only
            what recipes with a wheel for each Python need.
    """

    toolchains: dict[str, ToolchainFacts]
    build_env: str = ""
    stored: Container[str] = frozenset()
    published: tuple[PublishedWheel, ...] | None = None
    cached: frozenset[str] = frozenset()
    engine: str = HERMETIC
    headers: Mapping[str, str] = field(default_factory=dict)
