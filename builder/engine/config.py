"""What cibuildwheel is told for one build: its configuration, as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tomlkit

from builder.build.environment import CompileCache, Places, build_environment
from builder.build.natives import NATIVE_LIBRARIES
from builder.errors import MachineError

INSIDE = PurePosixPath("/mnt/wheelhouse")
"""Where the container has what is ours; the sandbox has it at the same paths."""
PROJECT = "/project"
"""Where cibuildwheel puts the project."""
REPAIR = INSIDE / "repair"
"""The virtual environment, made in the container, that our repair command runs in."""
TOOLS = "tools"
PLAN = "plan.json"
NETWORK = "--network"
_UNFIT = ',;"\n'
"""Characters that a mount's description cannot hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A folder or file of this machine in the container, at `INSIDE`/``name`` (or ``/name``)."""

    name: str
    source: Path
    writable: bool = False

    def argument(self) -> str:
        """The option of podman and docker.

        Raises:
            MachineError: the folder's name cannot be told them.
        """
        if any(char in str(self.source) for char in _UNFIT):
            raise MachineError(
                f"'{self.source}' cannot be mounted in a container: a comma, semicolon, quote or "
                "line break in its name",
                remedy="name another cache folder with --cache-dir",
            )
        mode = "" if self.writable else ",readonly"
        return f"--mount=type=bind,source={self.source},target={INSIDE / self.name}{mode}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerBuild:
    """One build as cibuildwheel does it.

    Attributes:
        label: Marks its container, so that what a killed builder left is found again.
        python: Tag of the Python that runs it, ``cp311``: the builder's own version.
        engine: ``podman`` or ``docker``.
        extra: The user's own arguments for making the container.
        image: cibuildwheel's short name of an image, or any other.
        mounts: Folders of this machine.
        jobs: Compilations at once.
        cache: Settings of the compile cache.
    """

    label: str
    python: str
    engine: str
    extra: tuple[str, ...] = ()
    image: str
    mounts: tuple[Mounted, ...]
    jobs: int
    cache: CompileCache

    @property
    def network(self) -> bool:
        """Whether the container has the network: for a remote cache, or as the user says."""
        told = [one for one in self.extra if one.startswith((NETWORK, "--net="))]
        if told:
            return not told[-1].endswith("none")
        return bool(self.cache.remote)

    @property
    def home(self) -> PurePosixPath:
        """The folder of the Python in the image."""
        return PurePosixPath(f"/opt/python/{self.python}-{self.python}")


def places() -> Places:
    """The folders of a build as the compilers in the container see them."""
    names = ("host", "cuda", "env", "build", "home", "tmp", "out", "compile")
    return Places(project=Path(PROJECT), **{name: Path(INSIDE / name) for name in names})


def environment(build: ContainerBuild) -> dict[str, str]:
    """Every variable that is set in the container: the hermetic build's, at the paths there.

    A remote cache's settings are not among them: they may be credentials, and cibuildwheel prints
    what it sets. They come in by name alone (`create_args`).
    """
    where = places()
    local = CompileCache(size=build.cache.size, remote=None)
    found = build_environment(where, jobs=build.jobs, cache=local, socket_name="")
    if build.cache.remote:
        del found["SCCACHE_DIR"]
    search = (build.home / "bin", where.host / "bin", where.cuda / "bin", where.home / TOOLS)
    made = {
        **found,
        "PATH": ":".join(map(str, search)),
        "PYTHONPATH": str(where.env),  # the pinned `build` and scikit-build-core
        "PYTHONUNBUFFERED": "1",  # progress as it comes
        "HOME": str(where.tmp),
        "SCCACHE_CACHED_CONF": str(where.tmp / "sccache-state"),
        "SCCACHE_SERVER_UDS": str(where.tmp / "sccache"),
    }
    return {name: value for name, value in made.items() if name not in (build.cache.remote or ())}


def create_args(build: ContainerBuild) -> list[str]:
    """How the container is made: nothing of this machine in it but what is mounted."""
    made = [f"--label={build.label}", "--security-opt=label=disable"]
    if not any(one.startswith((NETWORK, "--net=")) for one in build.extra):
        made.append(f"{NETWORK}={'host' if build.network else 'none'}")
    made += [mount.argument() for mount in build.mounts]
    made += [f"--env={name}" for name in sorted(build.cache.remote or ())]
    return [*made, *build.extra]


def configuration(build: ContainerBuild) -> str:
    """The file that cibuildwheel reads.

    The build frontend takes the pinned packages on ``PYTHONPATH``: nothing is installed or fetched
    in the container. abi3audit would be; our own checks read the same symbols afterwards.
    """
    python, home = build.home / "bin/python", INSIDE / "home"
    prepare = INSIDE / "code/builder/engine/prepare.py"
    repair = f"{REPAIR}/bin/python -I -B -m builder.engine.inside {home}/{PLAN}"
    table = {
        "build": f"{build.python}-manylinux_x86_64",
        "archs": ["x86_64"],
        "manylinux-x86_64-image": build.image,
        "container-engine": {
            "name": build.engine,
            "create-args": create_args(build),
            "disable-host-mount": True,
        },
        "environment": environment(build),
        "before-all": f"{python} -I -B {prepare} {home}/{PLAN}",
        "build-frontend": {"name": "build", "args": ["--no-isolation", "--skip-dependency-check"]},
        "config-settings": {"build-dir": str(INSIDE / "build")},
        "repair-wheel-command": f"{repair} {{wheel}} {{dest_dir}}",
        "audit-command": "",
    }
    return tomlkit.dumps({"tool": {"cibuildwheel": table}})


def plan(
    *, paths: tuple[str, ...], check: tuple[str, ...], spec: Mapping[str, object], digest: str
) -> dict[str, object]:
    """What `prepare` and `inside` are told in the container.

    Args:
        paths: Where our repair finds the builder and what it imports.
        check: Programs that must run there.
        spec: The build spec.
        digest: The toolchain's.
    """
    where = places()
    return {
        "folders": [str(folder) for folder in (where.build, where.tmp, where.out)],
        "repair": str(REPAIR),
        "paths": list(paths),
        "check": list(check),
        "host": str(where.host),
        "cuda": str(where.cuda),
        "digest": digest,
        "natives": str(where.build / NATIVE_LIBRARIES),
        "spec": spec,
    }
