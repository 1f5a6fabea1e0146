"""Writing the project folder that is built: recipe, sources and patches, the same every time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.build.constants import SOURCE_DATE_EPOCH
from builder.build.natives import finish_natives
from builder.build.patch import apply_patch
from builder.build.project import edit_pyproject
from builder.errors import RecipeError, UsageError
from builder.fetch import unpack
from builder.plan.spec import BuildSpec, SourceSpec
from builder.ui import Reporter
from index.files import write_bytes

SPEC_NAME = "build-spec.json"
PYPROJECT = "pyproject.toml"


def render(
    spec: BuildSpec,
    recipe_folder: Path,
    into: Path,
    *,
    sources: Mapping[str, Path],
    reporter: Reporter,
) -> Path:
    """Write the project of ``spec`` into the folder ``into`` (new or empty) and return it.

    Args:
        spec: What is built.
        recipe_folder: The recipe the spec was made from.
        into: Where the project goes.
        sources: The fetched archive of each source, by its name in ``spec.archives``.
        reporter: Shows what is unpacked.

    Raises:
        RecipeError: a file of the recipe is not what it was when the spec was made, or a patch
            does not apply.
        UsageError: the folder is not empty.
    """
    require_empty(into)
    into.mkdir(parents=True, exist_ok=True)
    with reporter.task(f"unpack sources of {spec.recipe}", total=len(spec.archives)) as task:
        count = 0
        for part in parts(spec, recipe_folder, into):
            copy_project(part)
            for source in part.sources:
                add_source(part, source, sources[part.prefix + source.name])
                count += 1
                task.update(count, detail=source.name)
    pyproject = (into / PYPROJECT).read_bytes().decode("utf-8")
    write(into / PYPROJECT, edit_pyproject(pyproject, spec).encode("utf-8"))
    finish_natives(spec, into)
    write(into / SPEC_NAME, spec.document.encode("utf-8"))
    set_times(into)
    return into


def require_empty(folder: Path) -> None:
    """Refuse to write a project over something else.

    Raises:
        UsageError: there is something at ``folder``, other than an empty folder.
    """
    if folder.is_dir() and next(folder.iterdir(), None) is None:
        return
    if os.path.lexists(folder):
        raise UsageError(
            f"'{folder}' is there already and not an empty folder",
            remedy="name a new or an empty folder",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One recipe's share of a project: the wheel's own, or that of a native library it needs.

    Attributes:
        recipe: Name of the recipe, for messages.
        folder: Its folder.
        into: Where its share goes.
        project: (path, sha256) of its project files.
        sources: What is unpacked besides.
        prefix: What the names of its archives begin with.
    """

    recipe: str
    folder: Path
    into: Path
    project: tuple[tuple[str, str], ...]
    sources: tuple[SourceSpec, ...]
    prefix: str = ""


def parts(spec: BuildSpec, recipe_folder: Path, into: Path) -> Iterator[Part]:
    """Everything a project is made of."""
    yield Part(
        recipe=spec.recipe,
        folder=recipe_folder,
        into=into,
        project=spec.project,
        sources=spec.sources,
    )
    for native in spec.natives:
        yield Part(
            recipe=native.name,
            folder=recipe_folder.parent / native.name,
            into=into / inside(native.into),
            project=native.project,
            sources=native.sources,
            prefix=f"{native.name}/",
        )


def copy_project(part: Part) -> None:
    """Copy a recipe's own files, each checked against the spec."""
    for name, sha256 in part.project:
        # One mode for all: modes are not in the key.
        write(part.into / inside(name), checked(part, name, sha256))


def add_source(part: Part, source: SourceSpec, archive: Path) -> None:
    """Unpack one source and apply its patches."""
    folder = part.into / inside(source.into)
    unpack(archive, folder, strip=source.strip, include=source.include)
    for name, sha256 in source.patches:
        checked(part, name, sha256)
        apply_patch(part.folder / name, folder)


def write(path: Path, data: bytes) -> None:
    """Write one file of a project.

    Not flushed to disk, no more than the thousands of files that are unpacked beside it.
    """
    write_bytes(path, data, flush=False)


def checked(part: Part, name: str, sha256: str) -> bytes:
    """A recipe file's bytes, if they are those the spec was made from."""
    path = part.folder / inside(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"recipe {part.recipe}: cannot read '{name}': {error}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RecipeError(
            f"recipe {part.recipe}: '{name}' changed after the build was planned",
            remedy="run the command again, and leave the recipe alone meanwhile",
        )
    return data


def inside(name: str) -> PurePosixPath:
    """A relative path that stays where it is put."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise RecipeError(f"'{name}' is not a path inside the project")
    return path


def set_times(folder: Path) -> None:
    """Give everything one time of change: archives and clocks differ, projects must not."""
    times = (SOURCE_DATE_EPOCH, SOURCE_DATE_EPOCH)
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            os.utime(f"{place}/{name}", times, follow_symlinks=False)
        os.utime(place, times)
