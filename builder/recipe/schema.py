"""What a ``recipe.toml`` may hold: one model gives validation, the JSON Schema and the docs."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from builder.recipe.fields import (
    DEFAULT,
    Choice,
    DefineName,
    DefineValue,
    FileName,
    InsidePath,
    License,
    Module,
    Name,
    NormalName,
    OneLine,
    PinnedRequirement,
    Place,
    PublicVersion,
    PyApi,
    RequirementText,
    Sha256,
    SizeText,
    Specifiers,
    parse_size,
)

RECIPE_SCHEMA = 1
ALWAYS = "always"
REQUIRED_PROFILE = "full"
RESERVED_KINDS = ("native",)


def _kind(value: object) -> object:
    if value in RESERVED_KINDS:
        raise ValueError(f"'{value}' is reserved: no recipes for native libraries yet")
    return value


def kebab(name: str) -> str:
    """``requires_python`` → ``requires-python``."""
    return name.rstrip("_").replace("_", "-")


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=kebab,
        use_attribute_docstrings=True,
    )


class Wheel(_Model):
    """The finished wheel: its tags, what it promises and what it may hold."""

    py_api: PyApi
    """``py3`` for a wheel without a Python binding, ``cp39`` for an abi3 one with that floor."""
    requires_python: Specifiers
    """Pythons the wheel is for; targets outside are not built."""
    imports: Annotated[tuple[Module, ...], Field(min_length=1)]
    """Modules imported one by one when the wheel is verified."""
    max_size: SizeText
    """The check fails over this size (``40 MB``, decimal units)."""
    libs: tuple[str, ...] = ()
    """fnmatch patterns of the file names repair may put in ``.libs/``."""
    excluded: tuple[str, ...] = ()
    """fnmatch patterns of sonames repair leaves out; other packages bring them."""
    run_paths: dict[str, tuple[InsidePath, ...]] = Field(default_factory=dict)
    """CUDA label pattern to the folders, relative to site-packages, with the excluded libraries."""

    @property
    def max_bytes(self) -> int:
        """``max-size`` in bytes."""
        return parse_size(self.max_size)


class Source(_Model):
    """One upstream archive, pinned by hash."""

    name: Name
    """What messages call it."""
    source: Place
    """``pypi:NAME==VERSION``, ``debian:POOL/PATH`` or ``https://…``."""
    filename: FileName
    """Its file name; for ``pypi:``, which of the release's files is meant."""
    sha256: Sha256
    """Hash of the archive."""
    size: Annotated[StrictInt, Field(ge=1)] | None = None
    """Bytes, for plans; never instead of the hash."""
    mirrors: tuple[Place, ...] = ()
    """Further places with the very same bytes."""
    into: InsidePath
    """Folder of the rendered project it is unpacked to."""
    strip: Annotated[StrictInt, Field(ge=0)] = 1
    """Leading path components dropped while unpacking."""
    include: tuple[str, ...] = ()
    """fnmatch patterns of what to unpack; empty for everything."""
    patches: tuple[InsidePath, ...] = ()
    """Patch files of the recipe, applied with ``-p1`` inside ``into`` in this order."""


class Companion(_Model):
    """An empty wheel in another package's name, so that this recipe's wheel takes its place."""

    name: NormalName
    """The package whose place is taken."""
    version: PublicVersion
    """A hair below that package's own, so that no installer picks the empty one by itself."""
    summary: OneLine | None = None
    """One line; the builder's own where there is none."""


class Profile(_Model):
    """One way to build the recipe."""

    architectures: Choice | dict[str, Choice] = DEFAULT
    """``default``, a list, or a table from CUDA label pattern to either (first match counts)."""
    defines: dict[DefineName, DefineValue] = Field(default_factory=dict)
    """CMake definitions."""
    cuda: dict[str, dict[DefineName, DefineValue]] = Field(default_factory=dict)
    """CUDA label pattern to further definitions, which win over ``defines``."""

    def choice(self, label: str) -> str | tuple[str, ...]:
        """What ``architectures`` says for one CUDA."""
        if not isinstance(self.architectures, dict):
            return self.architectures
        for pattern in sorted(self.architectures):
            if fnmatchcase(label, pattern):
                return self.architectures[pattern]
        return DEFAULT


class Tests(_Model):
    """The recipe's own tests, which run against the installed wheel."""

    requires: tuple[PinnedRequirement, ...] = ()
    """Pinned packages the tests need besides the wheel."""
    timeout: Annotated[StrictInt, Field(ge=1)] = 600
    """Seconds until a run counts as failed."""


class Recipe(_Model):
    """One package to build."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    """Version of this format."""
    kind: Annotated[Literal["wheel"], BeforeValidator(_kind)] = "wheel"
    """What comes out; ``native`` is reserved for libraries other recipes need."""
    name: Name
    """Distribution name."""
    version: PublicVersion
    """Upstream's version, without the local part that names the CUDA."""
    revision: Annotated[StrictInt, Field(ge=1)]
    """The wheel's build tag; raised when the same version is built anew."""
    summary: Annotated[str, Field(min_length=1)]
    """One line."""
    licenses: tuple[License, ...] = ()
    """SPDX expressions of what the wheel holds."""
    cuda: tuple[str, ...] = ("*",)
    """CUDA label patterns this recipe can be built for."""
    wheel: Wheel
    source: tuple[Source, ...] = ()
    companion: tuple[Companion, ...] = ()
    """Empty wheels that are built with this one and that it requires."""
    dependencies: dict[str, tuple[RequirementText, ...]] = Field(default_factory=dict)
    """``always`` or a CUDA label pattern to what the wheel requires; every match is added."""
    profile: dict[str, Profile]
    """Ways to build it; ``full`` is what is published."""
    tests: Tests | None = None

    def supports(self, label: str) -> bool:
        """Whether the recipe can be built for a CUDA at all."""
        return any(fnmatchcase(label, pattern) for pattern in self.cuda)

    def requirements(self, label: str) -> tuple[str, ...]:
        """What the wheel requires for one CUDA, its companions among it, sorted, each once."""
        found = {
            requirement
            for pattern, requirements in self.dependencies.items()
            if pattern == ALWAYS or fnmatchcase(label, pattern)
            for requirement in requirements
        }
        found |= {f"{one.name}=={one.version}+{label}" for one in self.companion}
        return tuple(sorted(found))

    def run_paths(self, label: str) -> tuple[str, ...]:
        """Folders with the excluded libraries for one CUDA, in the order they are searched."""
        table = self.wheel.run_paths
        found = [
            path
            for pattern in sorted(table)
            if fnmatchcase(label, pattern)
            for path in table[pattern]
        ]
        return tuple(dict.fromkeys(found))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of ``recipe.toml``, for editors and for people without this program."""
    schema = Recipe.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
