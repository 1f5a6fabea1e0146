"""What a container is given of this machine: the toolchain, the builder itself, the plan."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.build.environment import CACHE_FILES
from builder.build.python_env import make_environment
from builder.build.toolchain_file import toolchain_file
from builder.build.tools import BASICS
from builder.engine.config import (
    INSIDE,
    PLAN,
    TOOLS,
    ContainerBuild,
    Mounted,
    configuration,
    places,
    plan,
)
from builder.engine.container import tools
from builder.paths import Cache
from builder.plan.spec import BuildSpec
from builder.toolchain.model import Toolchain
from index.files import write_text

CONFIG = "cibuildwheel.toml"
DISTRIBUTION = "gpu-wheelhouse"


def mounts(
    toolchain: Toolchain, cache: Cache, work: Path, *, remote: Mapping[str, str] | None
) -> tuple[Mounted, ...]:
    """What the container sees of this machine: the toolchain, the builder, the compile cache."""
    import builder
    import index

    code = {"builder": builder.__file__, "index": index.__file__}
    found = [
        Mounted(name="host", source=toolchain.host),
        # Its compilers name their own loader, and so glibc, by the path they were installed at.
        Mounted(name=str(toolchain.host), source=toolchain.host),
        Mounted(name="cuda", source=toolchain.cuda),
        Mounted(name="env", source=_site(work)),
        Mounted(name="home", source=work / "home"),
        *(Mounted(name=f"code/{name}", source=Path(f).parent) for name, f in code.items() if f),
        *(Mounted(name=f"site{n}", source=folder) for n, folder in enumerate(own_packages())),
    ]
    if remote is None:
        cache.compile.mkdir(parents=True, exist_ok=True)
        found.append(Mounted(name="compile", source=cache.compile, writable=True))
    for name in CACHE_FILES:
        file = (remote or {}).get(name)
        if file and Path(file).is_file():
            found.append(Mounted(name=file, source=Path(file)))
    return tuple(found)


def own_packages() -> tuple[Path, ...]:
    """The folders in which this builder's own dependencies lie."""
    found: dict[Path, None] = {}
    for name in _dependencies(DISTRIBUTION, set()):
        folder = Path(str(importlib.metadata.distribution(name).locate_file("")))
        found[folder.resolve()] = None
    return tuple(found)


def _dependencies(name: str, seen: set[str]) -> list[str]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    wanted = []
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        key = canonicalize_name(requirement.name)
        if key in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(key)
        wanted += [key, *_dependencies(key, seen)]
    return wanted


def write_files(
    build: ContainerBuild,
    spec: BuildSpec,
    toolchain: Toolchain,
    work: Path,
    packages: Sequence[Path],
) -> None:
    """Everything the container is steered by, below ``work``."""
    home, where = work / "home", places()
    tools(home / TOOLS, (*BASICS, "which"))
    write_text(home / where.toolchain_file.name, toolchain_file(where))
    make_environment(work / "env", packages)
    code = [str(INSIDE / "code")]
    sites = [str(INSIDE / mount.name) for mount in build.mounts if mount.name.startswith("site")]
    told = plan(
        paths=(*code, *sites),
        check=(
            str(where.host / "bin/x86_64-linux-gnu-g++"),
            str(where.host / "bin/cmake"),
            str(where.cuda / "bin/nvcc"),
        ),
        spec=spec.model_dump(mode="json"),
        digest=toolchain.digest,
    )
    write_text(home / PLAN, json.dumps(told, indent=1))
    write_text(work / CONFIG, configuration(build))


def _site(work: Path) -> Path:
    """Where `make_environment` puts packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return work / "env/lib" / version / "site-packages"
