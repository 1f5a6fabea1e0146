"""Real installers in environments of their own, and tiny indexes for them to install from."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from builder.fetch.pipconfig import read_pip_settings
from builder.paths import Cache
from builder.ui import Silent
from builder.verify.clean import base_variables, pip_variables, uv_variables
from builder.verify.environment import PIP_VERSION
from builder.verify.uv import find_uv
from index.model import File
from index.pages.plain import simple_pages
from index.wheels import record_of_wheel

COLAB_PIP = "24.1.2"
PIPS = (f"pip {COLAB_PIP}", f"pip {PIP_VERSION}")
CLIENTS = (*PIPS, "uv")


@dataclass(frozen=True, kw_only=True)
class Client:
    """An installer in an environment of its own, which knows no index but those it is told.

    Attributes:
        name: ``pip 24.1.2`` or ``uv``.
        folder: Where the environment lies (``env``); installs are made in new folders beside it.
        env: All its environment variables.
    """

    name: str
    folder: Path
    env: dict[str, str]

    @property
    def is_uv(self) -> bool:
        return self.name == "uv"

    def told(self, **variables: str) -> Client:
        """The same client with more environment variables."""
        return replace(self, env={**self.env, **variables})

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """``pip …`` or ``uv pip …``; output and errors together."""
        return self.shell(["uv", "pip"] if self.is_uv else ["pip"], *arguments, cwd=cwd)

    def install(
        self, *arguments: str | Path, public: str, extra: str, into: Path
    ) -> subprocess.CompletedProcess[str]:
        """Install from a public index and an extra one, as the lines we print do."""
        first, second = (
            ("--default-index", "--index") if self.is_uv else ("--index-url", "--extra-index-url")
        )
        return self.run(
            "install", "--target", into, first, public, second, extra, *arguments, cwd=into.parent
        )

    def shell(
        self, command: str | list[str], *arguments: str | Path, cwd: Path
    ) -> subprocess.CompletedProcess[str]:
        """A command as a list, or a line for bash as a person pastes it."""
        words = ["bash", "-c", command] if isinstance(command, str) else command
        return subprocess.run(
            [*words, *map(str, arguments)],
            env=self.env,
            cwd=cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


def make_client(name: str, place: Path) -> Client:
    """Make the environment; only the pip in it comes from this machine's index."""
    settings = read_pip_settings(dict(os.environ))
    uv = find_uv(Cache.default(), Silent())
    env = base_variables(os.environ, home=place, bin_folder=place / "env/bin")
    uv_env = env | uv_variables(settings, cache=place / "uv")
    make = [uv, "venv", "-q", "--python", sys.executable, place / "env"]
    subprocess.run(make, env=uv_env, check=True)
    if name == "uv":
        (place / "env/bin/uv").symlink_to(uv)
        kept = ("UV_CACHE_DIR", "UV_PYTHON_DOWNLOADS", "UV_NO_PROGRESS")
        told = {key: uv_env[key] for key in kept}
        return Client(name=name, folder=place, env=env | told | {"VIRTUAL_ENV": str(place / "env")})
    put = [uv, "pip", "install", "-q", "--python", place / "env/bin/python"]
    subprocess.run([*put, name.replace(" ", "==")], env=uv_env, check=True)
    hidden = {"PIP_INDEX_URL", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_TRUSTED_HOST", "PIP_PROXY"}
    told = {key: value for key, value in pip_variables(settings).items() if key not in hidden}
    return Client(name=name, folder=place, env=env | told)


def tiny_wheel(folder: Path, filename: str, *requires: str, says: str = "") -> File:
    """A wheel with one module, as a file of an index; in ``folder``, and always the same bytes."""
    name, version = filename.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    tag = filename.removesuffix(".whl").split("-", 2)[2]
    with zipfile.ZipFile(folder / filename, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}.py"), f"WHOSE = {says or version!r}\n")
        lines = [*head, *(f"Requires-Dist: {one}" for one in requires), ""]
        archive.writestr(zipfile.ZipInfo(f"{info}/METADATA"), "\n".join(lines))
        archive.writestr(
            zipfile.ZipInfo(f"{info}/WHEEL"),
            f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        )
        archive.writestr(
            zipfile.ZipInfo(f"{info}/RECORD"),
            f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
        )
    return File.of_wheel(record_of_wheel(folder / filename))


def site_of(
    files: Iterable[File], dist: Path, *, guards: dict[str, bytes] | None = None
) -> dict[str, bytes]:
    """A site as bytes by path; wheels are taken from ``dist``, guards by file name."""
    listed = list(files)
    site = {page.path: page.content.encode() for page in simple_pages(listed)}
    for file in listed:
        given = (guards or {}).get(file.filename)
        site[file.url] = (dist / file.filename).read_bytes() if given is None else given
    return site


def write_site(site: dict[str, bytes], folder: Path) -> None:
    """Put a site into a folder."""
    for path, data in site.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
