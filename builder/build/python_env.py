"""The Python that runs a build: this machine's interpreter with pinned packages and no others."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from builder.errors import MachineError, RecipeError
from builder.fetch.artifact import Artifact

PINS = "build-env.toml"


@functools.cache
def _pins() -> dict[str, Any]:
    text = resources.files("builder").joinpath("data", PINS).read_text(encoding="utf-8")
    data = tomllib.loads(text)
    if data.get("schema") != 1 or not isinstance(data.get("auditwheel"), str):
        raise RecipeError(f"builder/data/{PINS}: schema must be 1, and auditwheel a version")
    return data


@functools.cache
def build_env_artifacts() -> tuple[Artifact, ...]:
    """The pinned packages of the build environment, sorted by file name.

    Raises:
        RecipeError: the pin file is wrong.
    """
    try:
        return tuple(sorted(Artifact(**row) for row in _pins()["package"]))
    except (KeyError, TypeError) as error:
        raise RecipeError(f"builder/data/{PINS}: {error}") from error


def build_env_digest() -> str:
    """A digest over what is installed and what repairs, for build keys; 64 hexadecimal digits."""
    lines = [f"{artifact.sha256}  {artifact.filename}\n" for artifact in build_env_artifacts()]
    lines.append(f"auditwheel {_pins()['auditwheel']}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def require_pinned_auditwheel() -> None:
    """Make sure that the auditwheel beside the builder is the one in the build key.

    Raises:
        MachineError: it is another version.
    """
    wanted, found = _pins()["auditwheel"], importlib.metadata.version("auditwheel")
    if found != wanted:
        raise MachineError(
            f"auditwheel {found} is installed, but build keys promise {wanted}",
            remedy=f"{sys.executable} -m pip install auditwheel=={wanted}",
        )


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
