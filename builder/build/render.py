"""Writing the project folder that is built: recipe, sources and patches, the same every time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from builder.build.constants import SOURCE_DATE_EPOCH
from builder.build.patch import apply_patch
from builder.build.project import edit_pyproject
from builder.errors import RecipeError, UsageError
from builder.fetch import unpack
from builder.plan.spec import BuildSpec, SourceSpec
from builder.ui import Reporter
from index.files import write_bytes, write_text

SPEC_NAME = "build-spec.json"


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
        sources: The fetched archive of each source, by its name.
        reporter: Shows what is unpacked.

    Raises:
        RecipeError: a file of the recipe is not what it was when the spec was made, or a patch
            does not apply.
        UsageError: the folder is not empty.
    """
    require_empty(into)
    into.mkdir(parents=True, exist_ok=True)
    copy_project(spec, recipe_folder, into)
    with reporter.task(f"unpack sources of {spec.recipe}", total=len(spec.sources)) as task:
        for count, source in enumerate(spec.sources, 1):
            add_source(spec, source, recipe_folder, into, sources[source.name])
            task.update(count, detail=source.name)
    text = json.dumps({"key": spec.key, "spec": spec.keyed()}, indent=1, sort_keys=True)
    write_text(into / SPEC_NAME, text + "\n")
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


def copy_project(spec: BuildSpec, recipe_folder: Path, into: Path) -> None:
    """Copy the recipe's own files, each checked against the spec."""
    for name, sha256 in spec.project:
        data = checked(spec, recipe_folder, name, sha256)
        if name == "pyproject.toml":
            data = edit_pyproject(data.decode("utf-8"), spec).encode("utf-8")
        write_bytes(into / inside(name), data)  # one mode for all: modes are not in the key


def add_source(
    spec: BuildSpec, source: SourceSpec, recipe_folder: Path, into: Path, archive: Path
) -> None:
    """Unpack one source and apply its patches."""
    folder = into / inside(source.into)
    unpack(archive, folder, strip=source.strip, include=source.include)
    for name, sha256 in source.patches:
        checked(spec, recipe_folder, name, sha256)
        apply_patch(recipe_folder / name, folder)


def checked(spec: BuildSpec, recipe_folder: Path, name: str, sha256: str) -> bytes:
    """A recipe file's bytes, if they are those the spec was made from."""
    path = recipe_folder / inside(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"recipe {spec.recipe}: cannot read '{name}': {error}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RecipeError(
            f"recipe {spec.recipe}: '{name}' changed after the build was planned",
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
            os.utime(Path(place, name), times, follow_symlinks=False)
        os.utime(place, times)
