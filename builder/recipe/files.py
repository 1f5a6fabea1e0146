"""The files of a recipe folder: which are the project's (rendered and keyed), and their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

RECIPE_FILE = "recipe.toml"
NOT_PROJECT = frozenset({RECIPE_FILE, "README.md", "tests", "patches"})
"""Top-level names of a recipe folder that are not part of the project."""
NATIVE_FOLDER = "native"
"""Folder of a rendered project with the native libraries its wheel is built with."""


def project_files(folder: Path) -> tuple[str, ...]:
    """The recipe's own project files, relative to its folder, sorted.

    Everything but ``recipe.toml``, ``README.md``, ``tests/`` and ``patches/``, and but what tools
    leave behind: hidden names, ``__pycache__`` and ``*.pyc``. Symbolic links are left out as well;
    `check_recipe` refuses them.
    """
    return tuple(
        sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if is_project_file(path.relative_to(folder))
            and path.is_file()
            and not path.is_symlink()
        )
    )


def is_project_file(relative: Path) -> bool:
    """Whether a path relative to the recipe folder belongs to the project."""
    if relative.parts[0] in NOT_PROJECT or relative.suffix == ".pyc":
        return False
    return not any(part.startswith(".") or part == "__pycache__" for part in relative.parts)


def file_sha256(path: Path) -> str:
    """Hash of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
