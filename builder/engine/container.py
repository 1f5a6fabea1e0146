"""Podman or Docker on this machine: which one works, and what a killed build left of it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.errors import MachineError, UsageError
from builder.process import run

KNOWN = ("podman", "docker")
SETTING = "CIBW_CONTAINER_ENGINE"
IMAGE_SETTING = "CIBW_MANYLINUX_X86_64_IMAGE"
IMAGE = "manylinux_2_28"
"""cibuildwheel has it pinned by digest. Compilers bring their glibc, and a wheel's tag follows from
our sysroot: any image with Pythons in ``/opt/python`` will do."""
_EXTRA = "in the builder's clone: pip install -e '.[cibuildwheel]'"
_PASSED = frozenset(
    {
        *("PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "TZ"),
        *("DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("REGISTRY_AUTH_FILE", "STORAGE_DRIVER", "STORAGE_OPTS"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    }
)
_PASSED_FAMILIES = (
    *("LC_", "XDG_", "DOCKER_", "CONTAINER_", "CONTAINERS_", "_CONTAINERS_", "PODMAN_", "BUILDAH_"),
)
_INSTALL = "install one (`apt install podman`), or build without --engine: that needs no container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine that works here.

    Attributes:
        name: ``podman`` or ``docker``.
        extra: The user's own arguments for making containers.
    """

    name: str
    extra: tuple[str, ...] = ()

    def remove(self, label: str) -> None:
        """Remove containers with this label: a killed build leaves its own."""
        found = run(
            [self.name, "ps", "--all", "--quiet", f"--filter=label={label}"],
            check=False,
            merge_stderr=False,
        )
        for container in found.output.split():
            run([self.name, "rm", "--force", "--volumes", container], check=False)

    def digest(self, image: str) -> str | None:
        """An image's own digest, ``sha256:…``, or None where it cannot be had."""
        told = run(
            [self.name, "image", "inspect", image, "--format", "{{.Id}}"],
            check=False,
            merge_stderr=False,
        )
        text = told.output.strip().removeprefix("sha256:")
        return f"sha256:{text}" if told.status == 0 and text else None

    def take_back(self, image: str, folder: Path) -> None:
        """Make files that a container's root wrote in a folder its owner's own again."""
        mine = folder.stat()
        if os.geteuid() == 0 or not _foreign(folder, mine.st_uid):
            return
        run(
            [
                *(self.name, "run", "--rm", "--network=none", "--security-opt=label=disable"),
                f"--mount=type=bind,source={folder},target=/mnt",
                *(image, "chown", "-R", f"{mine.st_uid}:{mine.st_gid}", "/mnt"),
            ],
            check=False,
        )


def find_engine(environ: Mapping[str, str]) -> Engine:
    """The engine the user names in ``CIBW_CONTAINER_ENGINE``, else the first that works.

    Raises:
        MachineError: there is none, or the one that is named does not work.
        UsageError: the variable is not as cibuildwheel has it.
    """
    told = environ.get(SETTING)
    named, extra = _told(told) if told else (None, ())
    names = KNOWN if named is None else (named,)
    reasons = []
    for name in names:
        if shutil.which(name) is None:
            reasons.append(f"{name} is not installed")
            continue
        tried = run([name, "info"], check=False, keep=4000)
        if tried.status == 0:
            return Engine(name=name, extra=extra)
        last = (tried.output.strip().splitlines() or [f"status {tried.status}"])[-1].strip()
        reasons.append(f"{name} does not work: {last}")
    raise MachineError(
        f"--engine cibuildwheel needs a container engine: {'; '.join(reasons)}", remedy=_INSTALL
    )


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the caller's environment podman and docker need to start and to find an image.

    Nothing else gets as far as cibuildwheel: no settings of its own, no token of a publication.
    """
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED or name.startswith(_PASSED_FAMILIES)
    }


def require_cibuildwheel() -> str:
    """The version of cibuildwheel that is installed beside the builder.

    Raises:
        MachineError: there is none.
    """
    try:
        return importlib.metadata.version("cibuildwheel")
    except importlib.metadata.PackageNotFoundError:
        raise MachineError("cibuildwheel is not installed", remedy=_EXTRA) from None


def require_container() -> None:
    """See that this machine has what this engine needs.

    Raises:
        MachineError: it has not.
    """
    require_cibuildwheel()
    find_engine(os.environ)


def _told(text: str) -> tuple[str, tuple[str, ...]]:
    from cibuildwheel.oci_container import OCIContainerEngineConfig

    try:
        config = OCIContainerEngineConfig.from_config_string(text)
    except ValueError as error:
        raise UsageError(
            f"${SETTING}: {error}", remedy="write it like 'podman; create_args: --network=host'"
        ) from error
    return config.name, config.create_args


def _foreign(folder: Path, owner: int) -> bool:
    """Whether anything below a folder belongs to somebody else."""
    for place, folders, files in os.walk(folder):
        if any(_owner(Path(place, name)) != owner for name in (*folders, *files)):
            return True
    return False


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # the compile cache makes room for itself
        return None


def tools(folder: Path, names: Sequence[str]) -> None:
    """Links to basic programs as they lie in the container; those it lacks lead nowhere."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).symlink_to(f"/usr/bin/{name}")
