"""What a ``recipe.toml`` may hold: one model gives validation, the JSON Schema and the docs."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    TypeAdapter,
)

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

ALWAYS = "always"
REQUIRED_PROFILE = "full"
NATIVE = "native"
KINDS = ("wheel", NATIVE)


def _kind(value: object) -> object:
    if value not in KINDS:
        known = " or ".join(f"'{kind}'" for kind in KINDS)
        raise ValueError(f"must be {known}, not {value!r}")
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
    """``py3`` for a wheel without a Python binding, ``cp39`` for an abi3 one with that floor,
    ``each`` for one wheel per Python, compiled with that Python's own headers."""
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


class Archive(_Model):
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


class Source(Archive):
    """An archive of a recipe for a wheel."""

    profiles: tuple[Name, ...] = ()
    """Profiles that need it; empty for all."""
    cuda: tuple[str, ...] = ("*",)
    """CUDA label patterns of the builds that need it."""
    licenses: tuple[License, ...] = ()
    """SPDX expressions that a wheel has only where this is a part of it; the recipe's own are all
    the others."""
    license_files: tuple[InsidePath, ...] = ()
    """Files of the project that go into the wheel's licences for it."""

    def needed(self, profile: str, label: str) -> bool:
        """Whether a build in this profile for this CUDA needs it."""
        return (not self.profiles or profile in self.profiles) and any(
            fnmatchcase(label, pattern) for pattern in self.cuda
        )


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
    without: dict[str, tuple[NormalName, ...]] = Field(default_factory=dict)
    """CUDA label pattern to packages of ``[dependencies]`` that it links statically instead."""
    needs: tuple[NormalName, ...] | None = None
    """Native libraries it is built with, instead of the recipe's own ``needs``."""

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
    """What comes out: a wheel, or (``native``) a library that other recipes are built with."""
    name: Name
    """Distribution name."""
    version: PublicVersion
    """Upstream's version, without the local part that names the CUDA."""
    revision: Annotated[StrictInt, Field(ge=1)]
    """The wheel's build tag; raised when the same version is built anew."""
    summary: Annotated[str, Field(min_length=1)]
    """One line."""
    by_name_only: StrictBool = False
    """Whether it is built only when ``--recipe`` names it."""
    licenses: tuple[License, ...] = ()
    """SPDX expressions of what the wheel holds."""
    cuda: tuple[str, ...] = ("*",)
    """CUDA label patterns this recipe can be built for."""
    wheel: Wheel
    needs: tuple[NormalName, ...] = ()
    """Native libraries it is built with: recipes of that kind, beside it in folders so named."""
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

    def natives(self, profile: str) -> tuple[str, ...]:
        """The native libraries a profile names; what those need in turn is not among them."""
        own = self.profile[profile].needs
        return self.needs if own is None else own

    def requirements(self, label: str, profile: str) -> tuple[str, ...]:
        """What a profile's wheel requires for one CUDA, companions among it, sorted, each once."""
        linked = {
            name
            for pattern, names in self.profile[profile].without.items()
            if fnmatchcase(label, pattern)
            for name in names
        }
        found = {
            requirement
            for pattern, requirements in self.dependencies.items()
            if pattern == ALWAYS or fnmatchcase(label, pattern)
            for requirement in requirements
            if canonicalize_name(Requirement(requirement).name) not in linked
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


class Native(_Model):
    """A library, or a tool, that wheels are built with: a small CMake project and its sources."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    """Version of this format."""
    kind: Literal["native"]
    """``native``."""
    name: NormalName
    """What recipes that need it call it; its folder has the same name."""
    version: OneLine
    """Upstream's version, as upstream writes it."""
    summary: OneLine
    """One line."""
    licenses: tuple[License, ...] = ()
    """SPDX expressions of what of it ends in a wheel; none for a tool."""
    license_files: tuple[InsidePath, ...] = ()
    """Files of its project, sources among them, that go into the wheel's licences."""
    libs: tuple[str, ...] = ()
    """fnmatch patterns of its shared libraries that repair may put into a wheel's ``.libs/``."""
    needs: tuple[NormalName, ...] = ()
    """Natives it is built with."""
    source: tuple[Archive, ...] = ()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of ``recipe.toml``, for editors and for people without this program."""
    schema = TypeAdapter[Recipe | Native](Recipe | Native).json_schema(by_alias=True)
    is_native = {"properties": {"kind": {"const": NATIVE}}, "required": ["kind"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "if": is_native,  # rather than `anyOf`, with which an editor names the faults of both
        "then": {"$ref": "#/$defs/Native"},
        "else": {"$ref": "#/$defs/Recipe"},
        "$defs": schema["$defs"],
    }
