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
    tools = data.get("tools")
    if data.get("schema") != 1 or not isinstance(tools, dict) or "auditwheel" not in tools:
        raise RecipeError(f"builder/data/{PINS}: schema must be 1, and [tools] name auditwheel")
    return data


def pinned_tools() -> dict[str, str]:
    """Versions by name of what runs from the builder's own environment and makes wheels' bytes."""
    return {name: str(version) for name, version in sorted(_pins()["tools"].items())}


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
    lines += [f"{name} {version}\n" for name, version in pinned_tools().items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def require_pinned_tools() -> None:
    """Make sure that auditwheel and whatever else writes wheels is the one in the build key.

    Raises:
        MachineError: it is another version.
    """
    for name, wanted in pinned_tools().items():
        try:
            found = f"{name} {importlib.metadata.version(name)} is installed"
        except importlib.metadata.PackageNotFoundError:
            found = f"{name} is not installed"
        if found != f"{name} {wanted} is installed":
            raise MachineError(
                f"{found}, but build keys promise {wanted}",
                remedy=f"{sys.executable} -m pip install {name}=={wanted}",
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
