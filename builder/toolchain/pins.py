"""Pin files: which packages make a prefix, each with its hash, and where their folders go."""

from __future__ import annotations

import functools
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from builder.errors import RecipeError, UsageError
from builder.fetch.artifact import Artifact
from builder.toolchain.tables import parse_table

DATA = Path(__file__).parents[1] / "data"
HOST = "host"
_LABEL = re.compile(r"cu[1-9]\d{2,3}")
_SOURCE = re.compile(r"pypi:[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+|debian:pool/\S+|https://[^\s/]+/\S+")


def _relative(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or value != str(path) or "\\" in value:
        raise ValueError("must be a plain relative path")
    return value


def _source(value: str) -> str:
    if not _SOURCE.fullmatch(value):
        raise ValueError("must be 'pypi:NAME==VERSION', 'debian:pool/PATH' or 'https://…'")
    return value


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_relative)]
Source = Annotated[str, AfterValidator(_source)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+~%-]*$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Package(_Frozen):
    """One pinned package and what is taken from it."""

    source: Source
    filename: FileName
    sha256: Sha256
    size: int = Field(gt=0)
    """Bytes to download."""
    installed_size: int = Field(gt=0)
    """Bytes on disk of what is taken; for plans, not exact."""
    mirrors: tuple[Source, ...] = ()
    place: dict[RelativePath, RelativePath] = Field(min_length=1)
    """Folder or file in the package → where it goes in the prefix; anything else is left out."""
    drop: tuple[str, ...] = ()
    """fnmatch patterns, relative to the package, of what is left out below those folders."""

    def artifact(self) -> Artifact:
        """What to fetch."""
        return Artifact(
            filename=self.filename,
            source=self.source,
            sha256=self.sha256,
            size=self.size,
            mirrors=self.mirrors,
        )


class RedistProduct(_Frozen):
    """Components of one manifest of NVIDIA's redistributable archive."""

    product: Literal["cuda", "cudnn"]
    version: str
    """As named in ``nvidia-redist.toml``."""
    components: tuple[str, ...] = Field(min_length=1)
    variant: str | None = None
    """``cuda12`` where a component comes per CUDA major version (cuDNN)."""
    include: tuple[str, ...] = Field(min_length=1)
    """fnmatch patterns, relative to a component's own folder, of what is taken."""
    size: int = Field(gt=0)
    """Bytes to download, about."""
    installed_size: int = Field(gt=0)
    """Bytes on disk, about."""


class Pins(_Frozen):
    """One pin file: everything that goes into one prefix."""

    schema_: Literal[1] = Field(alias="schema")
    label: str
    """``host`` or a CUDA label such as ``cu118``."""
    version: str
    """``11.8.89`` (nvcc's own), or the host compiler's ``10.2.1``."""
    check: tuple[RelativePath, ...] = Field(min_length=1)
    """Files a finished prefix must have."""
    package: tuple[Package, ...] = ()
    redist: tuple[RedistProduct, ...] = ()

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.label != HOST and not _LABEL.fullmatch(self.label):
            raise ValueError(
                f"label: '{self.label}' is neither 'host' nor a CUDA label like 'cu118'"
            )
        if not self.package and not self.redist:
            raise ValueError("package: at least one is needed")
        names = [package.filename for package in self.package]
        for name in sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"package: '{name}' stands there twice")
        return self

    @property
    def cuda_version(self) -> str:
        """``11.8``."""
        return ".".join(self.version.split(".")[:2])


def parse_pins(text: str, *, name: str) -> Pins:
    """The pins from a file's text; ``name`` stands in messages.

    Raises:
        RecipeError: it is not valid; every fault is named with its key path.
    """
    return parse_table(text, Pins, name=name)


@functools.cache
def load_pins(label: str, *, data: Path = DATA) -> Pins:
    """The pins of ``host`` or of a CUDA label.

    Raises:
        UsageError: there is no such pin file.
        RecipeError: it is not valid.
    """
    path = data / f"{label}.toml"
    if label not in (HOST, *labels(data=data)):
        raise UsageError(
            f"there is no toolchain '{label}'",
            remedy=f"one of {', '.join(labels(data=data))}",
        )
    pins = parse_pins(path.read_text("utf-8"), name=path.name)
    if pins.label != label:
        raise RecipeError(
            f"{path.name}: label: must be '{label}', as the file's name, not '{pins.label}'"
        )
    return pins


def labels(*, data: Path = DATA) -> tuple[str, ...]:
    """Every CUDA label there is a pin file for, oldest CUDA first."""
    found = [path.stem for path in data.glob("cu*.toml") if _LABEL.fullmatch(path.stem)]
    return tuple(sorted(found, key=lambda label: int(label[2:])))
