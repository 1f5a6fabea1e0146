"""The Python that runs a build: this machine's interpreter with pinned packages and no others."""

from __future__ import annotations

import functools
import hashlib
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from builder.errors import RecipeError
from builder.fetch.artifact import Artifact

PINS = "build-env.toml"


@functools.cache
def build_env_artifacts() -> tuple[Artifact, ...]:
    """The pinned packages of the build environment, sorted by file name.

    Raises:
        RecipeError: the pin file is wrong.
    """
    text = resources.files("builder").joinpath("data", PINS).read_text(encoding="utf-8")
    data = tomllib.loads(text)
    if data.get("schema") != 1:
        raise RecipeError(f"builder/data/{PINS}: schema must be 1")
    try:
        return tuple(sorted(Artifact(**row) for row in data["package"]))
    except (KeyError, TypeError) as error:
        raise RecipeError(f"builder/data/{PINS}: {error}") from error


def build_env_digest() -> str:
    """A digest over what is installed, for build keys; 64 hexadecimal digits."""
    lines = (f"{artifact.sha256}  {artifact.filename}\n" for artifact in build_env_artifacts())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def make_environment(folder: Path, wheels: Iterable[Path]) -> Path:
    """Make a virtual environment in ``folder`` that holds ``wheels`` and nothing else.

    The wheels are pure Python, so unpacking is installing; no installer has to run, and the
    result is the same under every Python.

    Returns:
        Its site-packages folder.
    """
    builder = venv.EnvBuilder(with_pip=False, symlinks=True, clear=True)
    builder.create(folder)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site_packages = folder / "lib" / version / "site-packages"
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site_packages)
    return site_packages
