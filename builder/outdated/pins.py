"""Everything that is pinned: sources of recipes, packages of toolchains, the build environment."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from builder.errors import RecipeError
from builder.fetch.artifact import Artifact
from builder.toolchain.pins import DATA
from builder.toolchain.tables import parse_table

_POOL = re.compile(r"debian:pool/(?:updates/)?(?P<component>[a-z-]+)/[^/]+/[^/]+/(?P<file>[^/@]+)")
_EXACT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.!+]+)")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class DebianPlaces(_Frozen):
    """Which of Debian's package lists are asked."""

    suites: tuple[str, ...]
    frozen: tuple[str, ...]
    """Pin files whose packages of Debian's stay as they are."""


class Places(_Frozen):
    """``outdated.toml``: where to look, and how far a pin may go."""

    schema_: int = Field(alias="schema", ge=1, le=1)
    pythons: str
    toolkits: str
    colab: str
    colab_packages: str = Field(alias="colab-packages")
    colab_system: str = Field(alias="colab-system")
    parts: tuple[str, ...]
    debian: DebianPlaces
    keep: dict[str, int]

    def is_part(self, pin: Pin) -> bool:
        """Whether it belongs to something whole: a toolkit, or a release of Debian's."""
        named = any(fnmatchcase(pin.name, pattern) for pattern in self.parts)
        return named or pin.kind == "debian"

    def kept(self, name: str) -> int:
        """How many leading numbers of a package's version stay."""
        return next(n for pattern, n in self.keep.items() if fnmatchcase(name, pattern))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Pin:
    """One thing that is pinned.

    Attributes:
        path: The file it stands in.
        kind: ``pypi``, ``debian-source`` or ``debian`` (a package), ``requirement`` (of a recipe's
            tests, no hash) or ``tool`` (a version of the builder's own environment).
        name: The package.
        version: As pinned; of Debian's, whole.
        filename: Its file; empty for what has none.
        source: As written in the file.
        component: Of a Debian archive, ``main``; else empty.
    """

    path: Path
    kind: str
    name: str
    version: str
    filename: str = ""
    source: str = ""
    component: str = ""

    @property
    def place(self) -> str:
        """The file, as a person would look for it."""
        return "/".join(self.path.parts[-2:])


def places() -> Places:
    """Where to look.

    Raises:
        RecipeError: the file is not valid.
    """
    name = "outdated.toml"
    return parse_table((DATA / name).read_text("utf-8"), Places, name=name)


def all_pins(recipe_folders: Iterable[Path], where: Places, *, own: bool = True) -> tuple[Pin, ...]:
    """Every pin of some recipes, sorted.

    Args:
        recipe_folders: Whose.
        where: Which pin files are frozen.
        own: Whether the builder's own are among them: toolchains, build environment.

    Raises:
        RecipeError: a file cannot be read.
    """
    found: list[Pin] = []
    for folder in recipe_folders:
        found += recipe_pins(folder / "recipe.toml")
    for path in sorted(DATA.glob("*.toml")) if own else ():
        data = _read(path)
        frozen = path.stem in where.debian.frozen
        for row in data.get("package", ()):
            found += [one for one in _row(path, row) if not (frozen and one.kind == "debian")]
        for name, version in data.get("tools", {}).items():
            found.append(Pin(path=path, kind="tool", name=name, version=str(version)))
    return tuple(sorted(set(found)))


def recipe_pins(path: Path) -> Iterator[Pin]:
    """The pins of one recipe: its sources, and what its tests require."""
    data = _read(path)
    for row in data.get("source", ()):
        yield from _row(path, row)
    for text in data.get("tests", {}).get("requires", ()):
        if exact := _EXACT.fullmatch(str(text)):
            yield Pin(path=path, kind="requirement", name=exact["name"], version=exact["version"])


def _row(path: Path, row: dict[str, Any]) -> Iterator[Pin]:
    """The pin of a ``[[package]]`` or ``[[source]]``; none where nobody lists newer versions."""
    source, filename = str(row.get("source", "")), str(row.get("filename", ""))
    scheme, _, rest = source.partition(":")
    if scheme == "pypi" and (exact := _EXACT.fullmatch(rest)):
        yield Pin(
            path=path,
            kind="pypi",
            name=exact["name"],
            version=exact["version"],
            filename=filename,
            source=source,
        )
    elif scheme == "debian" and (pool := _POOL.match(source)):
        name, version = pool["file"].split("_")[:2]
        archive = not pool["file"].endswith(".deb")
        yield Pin(
            path=path,
            kind="debian-source" if archive else "debian",
            name=name,
            version=re.sub(r"\.orig\.tar\.\w+$", "", version) if archive else version,
            filename=filename,
            source=source,
            component=pool["component"],
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """A newer version of something pinned.

    Attributes:
        pin: What is pinned.
        version: The newest that a pin may be renewed to, or None.
        beyond: The newest there is at all, where that is another.
        artifact: The newer file, where it can be pinned; its size may be unknown.
    """

    pin: Pin
    version: str | None
    beyond: str | None = None
    artifact: Artifact | None = None
